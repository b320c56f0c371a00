//! A coordinator in a process of its own, and sweeps for it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tailsweep_coordinator::Role;
use tailsweep_proto::Connection;
use tempfile::TempDir;
use tokio::time::sleep;

use super::Effort;
use crate::authority;
use crate::client::Client;
use crate::failure::Failure;
use crate::remote::Remote;

/// A coordinator that is waited for in vain for so long is not coming.
const PATIENCE: Duration = Duration::from_secs(120);

/// A coordinator with a state of its own, which goes with it.
pub(super) struct Home {
    folder: TempDir,
    address: SocketAddr,
    lease: Duration,
    tls: bool,
    process: Option<Child>,
}

impl Home {
    /// Starts it, and waits until it answers.
    pub(super) async fn start(effort: &Effort, lease: Duration) -> Result<Self, Failure> {
        Self::open(effort, lease, false).await
    }

    /// The same with TLS, certificates of both sides, and tokens.
    pub(super) async fn start_with_tls(effort: &Effort, lease: Duration) -> Result<Self, Failure> {
        Self::open(effort, lease, true).await
    }

    async fn open(effort: &Effort, lease: Duration, tls: bool) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("tailsweep-bench-")
            .tempdir_in(&effort.folder)
            .map_err(Failure::error)?;
        // Free now, and by all experience in a moment, too.
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(Failure::error)?;
        let mut home = Self {
            folder,
            address,
            lease,
            tls,
            process: None,
        };
        if tls {
            let names = ["127.0.0.1".to_owned()];
            let day = Duration::from_secs(24 * 3600);
            authority::make(&home.credentials(""), &names, day).map_err(Failure::error)?;
        }
        home.restart().await?;
        Ok(home)
    }

    /// Starts it on its state; how long it took until it answered.
    pub(super) async fn restart(&mut self) -> Result<Duration, Failure> {
        let start = Instant::now();
        let mut command = program()?;
        command
            .arg("coordinator")
            .args(["--listen", &self.address.to_string(), "--log", "error"])
            .args(["--lease", &format!("{}s", self.lease.as_secs())])
            .arg("--state")
            .arg(self.folder.path().join("state"));
        if self.tls {
            command.arg("--credentials");
            command.arg(self.credentials("coordinator"));
        }
        self.process = Some(command.spawn().map_err(Failure::error)?);
        let dialer = self.remote(Role::User).dialer()?;
        while dialer.connect().await.is_err() {
            if start.elapsed() > PATIENCE {
                return Err(Failure::error("the coordinator does not answer"));
            }
            sleep(Duration::from_millis(5)).await;
        }
        let mut client = self.client().await?;
        client.sweeps().await?;
        Ok(start.elapsed())
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) -> Result<(), Failure> {
        match self.process.take() {
            Some(mut process) => kill(&mut process),
            None => Ok(()),
        }
    }

    fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    fn credentials(&self, part: &str) -> PathBuf {
        self.folder.path().join("tls").join(part)
    }

    /// What a holder of `role` needs to reach it.
    pub(super) fn remote(&self, role: Role) -> Remote {
        let credentials = self.tls.then(|| self.credentials(role.as_str()));
        Remote::new(&self.url(), credentials, None)
    }

    /// A connection of its own, for a worker.
    pub(super) async fn connection(&self) -> Result<Connection, Failure> {
        let dialer = self.remote(Role::Worker).dialer()?;
        dialer.connect().await.map_err(Failure::error)
    }

    pub(super) async fn client(&self) -> Result<Client, Failure> {
        Client::connect(&self.remote(Role::User)).await
    }

    /// A worker as users start it, with one slot.
    pub(super) fn worker(&self, name: &str) -> Result<Child, Failure> {
        let mut command = program()?;
        command
            .args(["worker", "--slots", "1", "--name", name, "--log", "error"])
            .args(["--coordinator", &self.url()]);
        command.spawn().map_err(Failure::error)
    }

    /// Hands in a sweep by `tailsweep submit`; how long that took.
    pub(super) async fn submit(&self, sweep: &Sweep) -> Result<Duration, Failure> {
        let path = self.folder.path().join("sweep.toml");
        fs::write(&path, sweep.text()).map_err(Failure::error)?;
        let mut command = program()?;
        command
            .arg("submit")
            .arg(path)
            .args(["--max-runs", &sweep.len().to_string()])
            .args(["--coordinator", &self.url()])
            .stderr(Stdio::piped());
        if self.tls {
            command.arg("--credentials").arg(self.credentials("user"));
        }
        let start = Instant::now();
        let waited = tokio::task::spawn_blocking(move || command.output()).await;
        let output = waited.map_err(Failure::error)?.map_err(Failure::error)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::error(format!("`tailsweep submit` failed: {said}")));
        }
        Ok(start.elapsed())
    }

    /// The most memory that the process has had so far, bytes.
    pub(super) fn peak_memory(&self) -> Option<f64> {
        let id = self.process.as_ref()?.id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024.0)
    }

    /// Seconds of processor time of the process so far, if the system counts in hundredths.
    pub(super) fn processor_time(&self) -> Option<f64> {
        let id = self.process.as_ref()?.id();
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (_, after_name) = stat.rsplit_once(") ")?;
        let mut fields = after_name.split(' ').skip(11);
        let user: f64 = fields.next()?.parse().ok()?;
        let system: f64 = fields.next()?.parse().ok()?;
        Some((user + system) / 100.0)
    }

    /// Bytes of the state on disk.
    pub(super) fn state_size(&self) -> f64 {
        let size = |name| fs::metadata(self.folder.path().join("state").join(name));
        let files = ["tailsweep.db", "tailsweep.db-wal"];
        let sizes = files.map(|name| size(name).map_or(0, |file| file.len()));
        sizes.iter().sum::<u64>() as f64
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.kill();
    }
}

/// `kill -9`, and waits for the end.
pub(super) fn kill(process: &mut Child) -> Result<(), Failure> {
    process.kill().map_err(Failure::error)?;
    process.wait().map_err(Failure::error)?;
    Ok(())
}

/// This program, with no settings but those that are given.
fn program() -> Result<Command, Failure> {
    let path: PathBuf = std::env::current_exe().map_err(Failure::error)?;
    let mut command = Command::new(path);
    command
        .env("TAILSWEEP_CONFIG", "/dev/null")
        .env_remove("TAILSWEEP_CREDENTIALS")
        .env_remove("TAILSWEEP_TOKEN")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Ok(command)
}

/// A sweep of small runs.
pub(super) struct Sweep {
    pub(super) widths: u32,
    pub(super) batch_sizes: u32,
    pub(super) seeds: u32,
    pub(super) steps: u64,
}

impl Sweep {
    /// One point, many seeds.
    pub(super) fn of_seeds(seeds: u32) -> Self {
        Self {
            widths: 1,
            batch_sizes: 1,
            seeds,
            steps: 10,
        }
    }

    pub(super) fn len(&self) -> u64 {
        u64::from(self.widths) * u64::from(self.batch_sizes) * u64::from(self.seeds)
    }

    fn text(&self) -> String {
        let Self {
            widths,
            batch_sizes,
            seeds,
            steps,
        } = self;
        format!(
            "version = 1\nname = \"bench\"\nseeds = {seeds}\n[train]\nsteps = {steps}\n[measure]\n\
             every = {steps}\n[[block]]\ndataset = \"mnist-excerpt\"\narchitecture = \"fcn\"\n\
             width = {{ range = [1, {widths}] }}\ndepth = 2\n\
             batch_size = {{ range = [101, {}] }}\nlearning_rate = 0.01\n",
            100 + batch_sizes,
        )
    }
}
