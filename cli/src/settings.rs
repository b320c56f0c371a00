//! Settings: flag over environment over config file over default.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Config, ConfigError, Environment, File, FileFormat, Source};
use etcetera::{BaseStrategy, choose_base_strategy};
use tailsweep_common::cost::{self, Cost};
use tailsweep_common::run::Point;
use tailsweep_common::sweep::parse_duration;

use crate::args::{Args, Command, DataCommand, WorkersCommand};
use crate::failure::Failure;
use crate::remote::Remote;

/// The settings in force.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where the coordinator is, and what it wants to see.
    pub(crate) coordinator: Remote,
    /// A folder of keys, certificates and tokens.
    pub(crate) credentials: Option<PathBuf>,
    /// Names, besides addresses, under which a coordinator's page is asked for.
    pub(crate) hosts: Vec<String>,
    /// Where a coordinator listens.
    pub(crate) listen: SocketAddr,
    /// Where a coordinator keeps its state.
    pub(crate) state: PathBuf,
    /// How long a worker may be silent.
    pub(crate) lease: Duration,
    /// Where data sets lie.
    pub(crate) data_dir: PathBuf,
    /// Runs that a worker computes at a time.
    pub(crate) slots: u32,
    /// What is logged.
    pub(crate) log: String,
    /// How many times as fast as the machine of the cost model one core of this one is, if that
    /// was measured.
    pub(crate) speed: Option<f64>,
    /// The config file, which need not be there.
    pub(crate) config_file: Option<PathBuf>,
    /// Every setting as text, and where it comes from.
    pub(crate) origins: BTreeMap<&'static str, (String, String)>,
}

/// Every key of the config file, each also a `TAILSWEEP_*` variable.
const KEYS: [&str; 11] = [
    "coordinator",
    "credentials",
    "data_dir",
    "hosts",
    "lease",
    "listen",
    "log",
    "slots",
    "speed",
    "state",
    "token",
];

/// The key whose value nobody is shown.
const SECRET: &str = "token";

impl Settings {
    /// Reads all sources.
    pub(crate) fn load(args: &Args) -> Result<Self, Failure> {
        let file = config_file(args);
        let log = default_log(&args.command);
        Self::merge(log, flags(args), file.as_deref(), args.config.is_some())
            .map_err(|problem| Failure::Usage(format!("error: {problem}")))
    }

    fn merge(
        log: &str,
        flags: BTreeMap<&'static str, String>,
        file: Option<&Path>,
        file_is_required: bool,
    ) -> Result<Self, ConfigError> {
        let defaults = defaults(log)?;
        let mut builder = Config::builder();
        for (key, value) in &defaults {
            builder = builder.set_default(*key, value.as_str())?;
        }
        if let Some(file) = file {
            let source = File::from(file)
                .format(FileFormat::Toml)
                .required(file_is_required);
            refuse_unknown_keys(&Config::builder().add_source(source.clone()).build()?, file)?;
            builder = builder.add_source(source);
        }
        builder = builder.add_source(Environment::with_prefix("TAILSWEEP"));
        for (key, value) in &flags {
            builder = builder.set_override(*key, value.as_str())?;
        }
        let mut values = builder.build()?.collect()?;

        let mut origins = BTreeMap::new();
        for key in KEYS {
            let value = values
                .remove(key)
                .ok_or_else(|| ConfigError::NotFound(key.to_owned()))?;
            let origin = match value.origin() {
                _ if flags.contains_key(key) => "flag".to_owned(),
                Some("the environment") => variable(key),
                Some(_) => file.unwrap_or(Path::new("")).display().to_string(),
                None => "default".to_owned(),
            };
            origins.insert(key, (value.into_string()?, origin));
        }
        let given = |key: &str| Some(origins[key].0.clone()).filter(|text| !text.is_empty());
        let credentials = given("credentials").map(PathBuf::from);
        let token = given(SECRET);
        let hosts = given("hosts").unwrap_or_default();
        if let Some((shown, _)) = origins.get_mut(SECRET).filter(|_| token.is_some()) {
            *shown = "(set, not shown)".to_owned();
        }
        let parse = |key: &str| {
            let (text, origin) = &origins[key];
            (text.as_str(), origin.as_str())
        };
        Ok(Self {
            coordinator: Remote::new(parse("coordinator").0, credentials.clone(), token),
            credentials,
            hosts: hosts.split_whitespace().map(str::to_owned).collect(),
            listen: address(parse("listen"))?,
            state: folder_of_state(parse("state").0)?,
            lease: lease(parse("lease"))?,
            data_dir: PathBuf::from(parse("data_dir").0),
            slots: slots(parse("slots"))?,
            log: parse("log").0.to_owned(),
            speed: speed(parse("speed"))?,
            config_file: file.map(Path::to_owned),
            origins: origins.clone(),
        })
    }
}

impl Settings {
    /// What a run takes, on one core of this machine if its speed was measured.
    pub(crate) fn predict(&self, point: &Point) -> Cost {
        let mut cost = cost::predict(point);
        cost.seconds /= self.speed.unwrap_or(1.0);
        cost
    }
}

fn config_file(args: &Args) -> Option<PathBuf> {
    let named = args
        .config
        .clone()
        .or_else(|| std::env::var_os("TAILSWEEP_CONFIG").map(Into::into));
    named.or_else(|| {
        Some(
            choose_base_strategy()
                .ok()?
                .config_dir()
                .join("tailsweep/config.toml"),
        )
    })
}

/// Servers tell what happens; commands tell what is wrong.
fn default_log(command: &Command) -> &'static str {
    match command {
        Command::Coordinator(_) | Command::Worker(_) => "info",
        _ => "warn",
    }
}

fn defaults(log: &str) -> Result<BTreeMap<&'static str, String>, ConfigError> {
    let data = choose_base_strategy()
        .map(|folders| folders.data_dir().join("tailsweep"))
        .map_err(|problem| ConfigError::Message(problem.to_string()))?;
    let slots = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    Ok(BTreeMap::from([
        ("coordinator", "http://127.0.0.1:7171".to_owned()),
        ("credentials", String::new()),
        ("data_dir", data.join("data").display().to_string()),
        ("hosts", String::new()),
        ("lease", "15s".to_owned()),
        ("listen", "127.0.0.1:7171".to_owned()),
        ("log", log.to_owned()),
        ("slots", slots.to_string()),
        ("speed", String::new()),
        ("state", data.join("coordinator").display().to_string()),
        (SECRET, String::new()),
    ]))
}

fn flags(args: &Args) -> BTreeMap<&'static str, String> {
    let mut flags = BTreeMap::new();
    let mut set = |key, value: Option<String>| value.map(|value| flags.insert(key, value));
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    set("log", args.log.clone());
    let (url, compute) = match &args.command {
        Command::Run(args) => (None, Some(&args.compute)),
        Command::Worker(args) => (Some(&args.url), Some(&args.compute)),
        Command::Submit(args) => (Some(&args.url), None),
        Command::Watch(args) => (Some(&args.url), None),
        Command::Status(args) => (Some(&args.url), None),
        Command::Sweeps(args) => (Some(&args.url), None),
        Command::Workers(args) => match &args.command {
            Some(WorkersCommand::Stop(args)) => (Some(&args.url), None),
            None => (Some(&args.list.url), None),
        },
        Command::Report(args) => (Some(&args.url), None),
        Command::Query(args) => (Some(&args.url), None),
        Command::Runs(args) => (Some(&args.url), None),
        Command::Explain(args) => (Some(&args.url), None),
        Command::Logs(args) => (Some(&args.of.url), None),
        Command::Cancel(args) | Command::Pause(args) | Command::Resume(args) => {
            (Some(&args.url), None)
        }
        Command::Weights(args) => {
            set("data_dir", path(&args.data_dir));
            (Some(&args.url), None)
        }
        Command::Retry(args) => (Some(&args.url), None),
        Command::Priority(args) => (Some(&args.url), None),
        Command::Extend(args) => (Some(&args.url), None),
        Command::Rm(args) => (Some(&args.url), None),
        Command::Gc(args) => (Some(&args.url), None),
        Command::Export(args) => (Some(&args.url), None),
        Command::Import(args) => (Some(&args.url), None),
        Command::Coordinator(args) => {
            set("listen", args.listen.map(|address| address.to_string()));
            set("state", path(&args.state));
            set("lease", args.lease.clone());
            set("credentials", path(&args.credentials));
            set(
                "hosts",
                (!args.host.is_empty()).then(|| args.host.join(" ")),
            );
            (None, None)
        }
        Command::Data { data } => {
            let folder = match data {
                DataCommand::List(args) => &args.data_dir,
                DataCommand::Fetch(args) => &args.data_dir,
                DataCommand::Verify(args) => &args.data_dir,
            };
            set("data_dir", path(folder));
            (None, None)
        }
        Command::Plan(args) => (Some(&args.url), None),
        Command::Verify(args) => (None, Some(&args.compute)),
        Command::Estimate(_)
        | Command::Config(_)
        | Command::Schema
        | Command::Man(_)
        | Command::Bench { .. }
        | Command::Tls { .. }
        | Command::Completions { .. } => (None, None),
    };
    set("coordinator", url.and_then(|url| url.coordinator.clone()));
    set("credentials", url.and_then(|url| path(&url.credentials)));
    if let Some(compute) = compute {
        set("data_dir", path(&compute.data_dir));
    }
    set(
        "slots",
        compute
            .and_then(|compute| compute.slots)
            .map(|slots| slots.to_string()),
    );
    flags
}

/// A folder. The address of a database or of a store of objects is none, and may hold a password, so
/// that it is not repeated.
pub(crate) fn folder_of_state(text: &str) -> Result<PathBuf, ConfigError> {
    match text.split_once("://") {
        None => Ok(PathBuf::from(text)),
        Some((scheme, _)) => Err(ConfigError::Message(format!(
            "a state is a folder of this machine (SQLite), no address that begins with \
             `{scheme}://`: PostgreSQL and stores of objects are not built in"
        ))),
    }
}

fn refuse_unknown_keys(file: &Config, path: &Path) -> Result<(), ConfigError> {
    let keys: BTreeMap<String, config::Value> = file.clone().try_deserialize()?;
    match keys.keys().find(|key| !KEYS.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(ConfigError::Message(format!(
            "unknown key `{key}` in `{}`; known are {}",
            path.display(),
            KEYS.join(", ")
        ))),
    }
}

fn variable(key: &str) -> String {
    format!("TAILSWEEP_{}", key.to_uppercase())
}

fn invalid((text, origin): (&str, &str), key: &str, expected: &str) -> ConfigError {
    ConfigError::Message(format!(
        "`{text}` is no {key} (from {origin}): expected {expected}"
    ))
}

fn address(given: (&str, &str)) -> Result<SocketAddr, ConfigError> {
    given
        .0
        .parse()
        .map_err(|_| invalid(given, "listen address", "one such as 127.0.0.1:7171"))
}

fn lease(given: (&str, &str)) -> Result<Duration, ConfigError> {
    parse_duration(given.0)
        .filter(|lease| *lease >= Duration::from_secs(1))
        .ok_or_else(|| invalid(given, "lease", "a time of at least 1s, such as 15s"))
}

fn slots(given: (&str, &str)) -> Result<u32, ConfigError> {
    let slots = given
        .0
        .parse()
        .ok()
        .filter(|slots| (1..=1024).contains(slots));
    slots.ok_or_else(|| invalid(given, "number of slots", "1 to 1024"))
}

/// Nothing where it was not measured.
fn speed(given: (&str, &str)) -> Result<Option<f64>, ConfigError> {
    if given.0.is_empty() {
        return Ok(None);
    }
    let speed = given.0.parse().ok();
    let speed = speed.filter(|speed| (1e-3..=1e3).contains(speed));
    let expected = "a number from 0.001 to 1000; `tailsweep bench calibrate` measures it";
    speed
        .ok_or_else(|| invalid(given, "speed", expected))
        .map(Some)
}

/// A time that a flag gave, such as `10m`.
pub(crate) fn time(flag: &str, text: Option<&str>) -> Result<Option<Duration>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    let problem = || {
        Failure::Usage(format!(
            "error: `{text}` is no time for {flag}: expected one such as 10m"
        ))
    };
    parse_duration(text).map(Some).ok_or_else(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, "slots = 3\nlease = \"20s\"\n").unwrap();
        let flags = BTreeMap::from([("slots", "5".to_owned())]);
        let settings = Settings::merge("warn", flags, Some(&file), true).unwrap();
        assert_eq!(settings.slots, 5);
        assert_eq!(settings.lease, Duration::from_secs(20));
        assert_eq!(settings.listen.port(), 7171);
        let origin = |key| settings.origins[key].1.as_str();
        assert_eq!(origin("slots"), "flag");
        assert_eq!(origin("lease"), file.display().to_string());
        assert_eq!(origin("listen"), "default");
    }

    #[test]
    fn a_speed_is_a_sound_number_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let of = |text: &str| {
            fs::write(&file, text).unwrap();
            let settings = Settings::merge("warn", BTreeMap::new(), Some(&file), true);
            settings.map(|settings| settings.speed)
        };
        assert_eq!(of("").unwrap(), None);
        assert_eq!(of("speed = 0.5").unwrap(), Some(0.5));
        assert_eq!(of("speed = 2").unwrap(), Some(2.0));
        for wrong in ["0", "-1", "nan", "1e9", "\"fast\""] {
            let problem = of(&format!("speed = {wrong}")).unwrap_err().to_string();
            assert!(problem.contains("bench calibrate"), "{problem}");
        }
    }

    #[test]
    fn an_address_is_no_folder_of_state_and_its_password_is_not_repeated() {
        for address in [
            "postgres://ann:secret@db/sweeps",
            "s3://key:secret@bucket/sweeps",
        ] {
            let flags = BTreeMap::from([("state", address.to_owned())]);
            let refused = Settings::merge("warn", flags, None, false)
                .unwrap_err()
                .to_string();
            assert!(
                refused.contains("SQLite") && !refused.contains("secret"),
                "{refused}"
            );
        }
    }

    #[test]
    fn an_unknown_key_in_the_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, "datadir = \"x\"\n").unwrap();
        let problem = Settings::merge("warn", BTreeMap::new(), Some(&file), true)
            .unwrap_err()
            .to_string();
        assert!(problem.contains("unknown key `datadir`"), "{problem}");
    }
}
