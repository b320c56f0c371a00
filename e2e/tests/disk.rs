//! A disk that is really full, or that can only be read: a small one in memory, mounted where only the
//! processes of the test see it.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

use tailsweep_e2e::desk::spec;
use tailsweep_e2e::{
    Process, free_port, http, program, succeed, tailsweep, text, until, without_settings,
};
use tempfile::TempDir;

/// A disk of six mebibytes.
struct Disk {
    folder: TempDir,
    keeper: Process,
}

impl Disk {
    /// None where nobody may mount one.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let script = "mkdir \"$0/disk\" && mount -t tmpfs -o size=6m tmpfs \"$0/disk\" || exit 1
                      touch \"$0/mounted\" && exec sleep 600";
        let mut keeper = Command::new("unshare");
        keeper.args(["--map-root-user", "--mount", "sh", "-c", script]);
        keeper.arg(folder.path());
        let mut keeper = Process::start(keeper, &folder.path().join("keeper.log"));
        let is_mounted = until("a mounted disk, or a refusal", || {
            let mounted = folder.path().join("mounted").exists();
            (mounted || !keeper.is_alive()).then_some(mounted)
        });
        if !is_mounted {
            let why = fs::read_to_string(folder.path().join("keeper.log")).unwrap();
            eprintln!("not tested: no disk can be mounted here: {why}");
        }
        is_mounted.then_some(Self { folder, keeper })
    }

    /// A command that sees the disk.
    fn inside(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--user", "--mount", "--preserve-credentials"]);
        command.args(["--target", &self.keeper.id().to_string()]);
        without_settings(command)
    }

    /// The program, where it sees the disk.
    fn tailsweep(&self, args: &[&str]) -> Command {
        let mut command = self.inside();
        command.arg(program()).args(args);
        command
    }

    /// Where those inside see the state.
    fn state(&self) -> String {
        let state = self.folder.path().join("disk/state");
        state.to_str().unwrap().to_owned()
    }

    /// A file on the disk, as it is seen from here.
    fn filler(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        let disk = self.folder.path().join("disk");
        root.join(disk.strip_prefix("/").unwrap()).join("filler")
    }

    /// Leaves no byte of room.
    fn fill(&self) {
        let mut filler = File::options()
            .create(true)
            .append(true)
            .open(self.filler())
            .unwrap();
        while filler.write_all(&[7; 4096]).is_ok() {}
    }

    fn start(&self, port: u16) -> Process {
        let listen = format!("127.0.0.1:{port}");
        let state = self.state();
        let coordinator = self.tailsweep(&["coordinator", "--listen", &listen, "--state", &state]);
        Process::start(coordinator, &self.folder.path().join("coordinator.log"))
    }
}

/// A command of a user.
fn call(port: u16, args: &[&str]) -> Command {
    let mut command = tailsweep(args);
    command.env("TAILSWEEP_COORDINATOR", format!("http://127.0.0.1:{port}"));
    command
}

fn status(port: u16) -> String {
    succeed(call(port, &["status"]))
}

/// Waits until the coordinator says that it can, or can't, keep anything.
fn until_writable(port: u16, writable: &str) {
    let line = format!("tailsweep_writable {writable}\n");
    until(&line, || {
        http(port, "GET", "/metrics", &[("Host", "localhost")])
            .contains(&line)
            .then_some(())
    });
}

#[test]
fn a_full_disk_is_a_state_that_is_told_and_that_passes() {
    let Some(disk) = Disk::mount() else { return };
    let port = free_port();
    let coordinator = disk.start(port);
    let file = |name: &str| {
        let path = disk.folder.path().join(format!("{name}.toml"));
        fs::write(&path, spec(name, 2, 20, "")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (first, second) = (file("first"), file("second"));
    succeed(call(port, &["submit", &first]));
    let watch = Process::start(
        call(port, &["watch"]),
        &disk.folder.path().join("watch.log"),
    );

    disk.fill();
    let submit = |file: &str| -> Output { call(port, &["submit", file]).output().unwrap() };
    let refused = submit(&second);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(
        text(&refused).contains("there is no room"),
        "{}",
        text(&refused)
    );
    assert!(
        status(port).contains("there is no room"),
        "{}",
        status(port)
    );
    until_writable(port, "0");
    let page = http(port, "GET", "/", &[("Host", "localhost")]);
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("there is no room"),
        "{page}"
    );

    // It starts again on the full disk, and says the same.
    coordinator.kill();
    let coordinator = disk.start(port);
    assert!(
        status(port).contains("there is no room"),
        "{}",
        status(port)
    );
    assert_eq!(submit(&second).status.code(), Some(1));

    fs::remove_file(disk.filler()).unwrap();
    until_writable(port, "1");
    succeed(call(port, &["submit", &second]));
    let worker = call(port, &["worker", "--slots", "1", "--idle-timeout", "60s"]);
    let _worker = Process::start(worker, &disk.folder.path().join("worker.log"));
    assert!(watch.wait().success(), "who watched did not see it pass");
    succeed(call(port, &["watch", "second"]));
    coordinator.signal("TERM");
    coordinator.wait();

    // The same disk, where nothing can be written any more.
    let mut remount = disk.inside();
    remount
        .args(["mount", "-o", "remount,ro"])
        .arg(disk.folder.path().join("disk"));
    succeed(remount);
    let state = disk.state();
    let listen = format!("127.0.0.1:{port}");
    let start = ["coordinator", "--listen", &listen, "--state", &state];
    let refused = disk.tailsweep(&start).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("Read-only"), "{}", text(&refused));
    let out = disk.folder.path().join("report");
    let mut report = disk.tailsweep(&["report", "first", "--state", &state, "--out"]);
    report.arg(&out);
    succeed(report);
    assert!(out.join("runs.csv").exists());
}
