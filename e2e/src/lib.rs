//! Real processes on this machine: started, watched, killed.
//!
//! The tests of this crate start the program as a user does, and compare the bytes of its tables.

pub mod desk;
pub mod disturbed;
pub mod proxy;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Nothing that a test waits for takes longer, unless all is lost.
const PATIENCE: Duration = Duration::from_secs(120);

/// The tables that must be equal to the byte, whatever happened on the way.
pub const TABLES: [&str; 4] = [
    "runs.csv",
    "points.csv",
    "measurements.csv",
    "estimates.csv",
];

/// The program, built as the test was.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().expect("a test has a path");
        // target/PROFILE/deps/test
        let profile = test
            .ancestors()
            .nth(2)
            .expect("cargo puts tests two folders down");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "tailsweep"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let built = build.status().expect("cargo runs");
        assert!(built.success(), "the program does not build");
        profile.join("tailsweep")
    })
}

/// The program with these arguments, and no settings from outside.
pub fn tailsweep<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = without_settings(Command::new(program()));
    command.args(args);
    command
}

/// A command that starts the program, without settings from outside.
pub fn without_settings(mut command: Command) -> Command {
    command
        .env("NO_COLOR", "1")
        .env("TAILSWEEP_CONFIG", "/dev/null");
    for variable in [
        "COORDINATOR",
        "CREDENTIALS",
        "DATA_DIR",
        "LEASE",
        "LISTEN",
        "LOG",
        "SLOTS",
        "STATE",
        "TOKEN",
    ] {
        command.env_remove(format!("TAILSWEEP_{variable}"));
    }
    command
}

/// What the program printed, after it ended well.
pub fn succeed(mut command: Command) -> String {
    let output = command.output().expect("the program starts");
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}",
        text(&output)
    );
    String::from_utf8(output.stdout).expect("the program prints UTF-8")
}

/// All that the program said.
pub fn text(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&all).into_owned()
}

/// A process that does not outlive the test.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it; what it says goes to a file.
    pub fn start(mut command: Command, log: &Path) -> Self {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log file");
        let out = log.try_clone().expect("a file handle");
        let child = command.stdin(Stdio::null()).stdout(out).stderr(log).spawn();
        Self(child.expect("the program starts"))
    }

    /// `kill -9`, and the proof that it was alive until then.
    pub fn kill(mut self) {
        assert!(
            self.is_alive(),
            "the process had ended before it was to be killed"
        );
        self.0.kill().expect("a living child can be killed");
        self.0.wait().expect("a child can be waited for");
    }

    /// Hundredths of a second of processor time so far.
    pub fn processor_time(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it lives");
        let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
        let times = fields.split(' ').skip(11).take(2);
        times
            .map(|time| time.parse::<u64>().expect("a number"))
            .sum()
    }

    /// Whether it has not ended.
    pub fn is_alive(&mut self) -> bool {
        self.0.try_wait().expect("a child can be asked").is_none()
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal, such as `INT`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.0.id().to_string()])
            .status()
            .expect("kill is there");
        assert!(
            status.success(),
            "the process had ended before it got {name}"
        );
    }

    /// Waits for its end.
    pub fn wait(mut self) -> ExitStatus {
        let child = &mut self.0;
        until("the process to end", || {
            child.try_wait().expect("a child can be asked")
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks again and again, until there is an answer.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A port of loopback that nobody has now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// What a server on loopback answers to a request of HTTP/1.1: status line, headers and body.
pub fn http(port: u16, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a server");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a socket has a timeout");
    let sent = stream.write_all((request + "\r\n").as_bytes());
    sent.expect("a server that listens");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A coordinator and its folder.
#[derive(Debug)]
pub struct Cluster {
    folder: TempDir,
    port: u16,
    /// Absent while it is down.
    pub coordinator: Option<Process>,
}

impl Cluster {
    /// A coordinator on a free port.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cluster = Self {
            folder,
            port: free_port(),
            coordinator: None,
        };
        cluster.start_coordinator();
        cluster
    }

    /// The coordinator, again or for the first time, on the same port and state.
    pub fn start_coordinator(&mut self) {
        let mut command = tailsweep(["coordinator", "--lease", "3s"]);
        command.args(["--listen", &format!("127.0.0.1:{}", self.port), "--state"]);
        command.arg(self.folder.path().join("state"));
        self.coordinator = Some(Process::start(command, &self.log("coordinator")));
    }

    /// A worker with one slot.
    pub fn start_worker(&self, name: &str) -> Process {
        self.start_worker_at(name, self.port)
    }

    /// A worker with one slot that reaches the coordinator through another port.
    pub fn start_worker_at(&self, name: &str, port: u16) -> Process {
        let mut worker = self.client(["worker", "--slots", "1", "--name", name]);
        worker.env("TAILSWEEP_COORDINATOR", format!("http://127.0.0.1:{port}"));
        Process::start(worker, &self.log(name))
    }

    /// Where the coordinator listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What happened to all attempts so far.
    pub fn attempts(&self) -> Vec<Attempt> {
        attempts(&self.report())
    }

    /// The program as a user of this coordinator calls it.
    pub fn client<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = tailsweep(args);
        command.env(
            "TAILSWEEP_COORDINATOR",
            format!("http://127.0.0.1:{}", self.port),
        );
        command
    }

    /// Hands in a sweep.
    pub fn submit(&self, spec: &Path) {
        let mut command = self.client(["submit"]);
        command.arg(spec);
        succeed(command);
    }

    /// Number of runs in a state.
    pub fn runs(&self, state: &str) -> u64 {
        let status = succeed(self.client(["status", "--json"]));
        let status: Value = serde_json::from_str(&status).expect("status prints JSON");
        status["sweep"]["runs"][state].as_u64().expect("a count")
    }

    /// Waits until the sweep is over and well.
    pub fn watch(&self) {
        succeed(self.client(["watch"]));
    }

    /// The report's folder.
    pub fn report(&self) -> PathBuf {
        let folder = self.folder.path().join("report");
        let mut command = self.client(["report", "--out"]);
        command.arg(&folder);
        succeed(command);
        folder
    }

    /// What a process said.
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }
}

/// The tables of a report.
pub fn tables(report: &Path) -> BTreeMap<&'static str, String> {
    let read = |name| fs::read_to_string(report.join(name)).expect("a table");
    TABLES.into_iter().map(|name| (name, read(name))).collect()
}

/// Every file of a report, by its path in it, but for the one in which equal reports may differ.
fn files(report: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![report.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of a report") {
            let path = entry.expect("a file of a report").path();
            let name = path.strip_prefix(report).expect("it was found there");
            if path.is_dir() {
                // `run` keeps its state beside its report.
                if name != Path::new("state") {
                    folders.push(path);
                }
            } else if name != Path::new("manifest.json") {
                files.insert(
                    name.to_owned(),
                    fs::read(&path).expect("a file of a report"),
                );
            }
        }
    }
    files
}

/// Fails unless two reports have the same files but for `manifest.json`, each equal to the byte; with
/// the first line of a table that differs.
pub fn assert_equal_reports(report: &Path, expected_report: &Path) {
    let (found, expected) = (tables(report), tables(expected_report));
    for (name, expected) in expected {
        let lines = found[name].lines().zip(expected.lines());
        if let Some((line, (a, b))) = lines.enumerate().find(|(_, (a, b))| a != b) {
            panic!("{name} differs at line {}:\n{a}\n{b}", line + 1);
        }
    }
    let (found, expected) = (files(report), files(expected_report));
    assert!(expected.contains_key(Path::new("report.html")));
    let names = |files: &BTreeMap<PathBuf, _>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected), "files of the report");
    for (name, expected) in expected {
        assert!(found[&name] == expected, "{} differs", name.display());
    }
}

/// What a manifest tells of one attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Who had it.
    pub worker: String,
    /// What happened to it: `leased`, `started`, `lost`, …
    pub events: Vec<String>,
}

impl Attempt {
    /// Whether this happened to it.
    pub fn was(&self, event: &str) -> bool {
        self.events.iter().any(|word| word == event)
    }
}

/// The attempts of all runs of a report.
pub fn attempts(report: &Path) -> Vec<Attempt> {
    let manifest = fs::read_to_string(report.join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    let runs = manifest["runs"].as_array().expect("runs").iter();
    let attempts = runs.flat_map(|run| run["attempts"].as_array().expect("attempts"));
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    let attempt = |attempt: &Value| {
        let events = attempt["events"].as_array().expect("events");
        Attempt {
            worker: word(&attempt["worker"]),
            events: events.iter().map(|event| word(&event[1])).collect(),
        }
    };
    attempts.map(attempt).collect()
}

/// Every word of the manifest about attempts: `leased`, `started`, `lost`, …
pub fn attempt_events(report: &Path) -> Vec<String> {
    attempts(report)
        .into_iter()
        .flat_map(|attempt| attempt.events)
        .collect()
}
