//! Killed and interrupted: the tables equal those of an undisturbed run, and the fault happened.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tailsweep_e2e::disturbed::{RUNS, assert_undisturbed, undisturbed};
use tailsweep_e2e::{Cluster, Process, attempt_events, succeed, tailsweep, until};
use tempfile::TempDir;

#[test]
fn one_two_and_five_workers_give_the_bytes_of_run() {
    let (_, spec) = undisturbed();
    for workers in [1, 2, 5] {
        let cluster = Cluster::start();
        let _workers: Vec<Process> = (0..workers)
            .map(|number| cluster.start_worker(&format!("worker-{number}")))
            .collect();
        let mut submit = cluster.client(["submit", "--watch"]);
        submit.arg(spec);
        succeed(submit);
        let report = cluster.report();
        assert_undisturbed(&report);
    }
}

#[test]
fn a_killed_worker_loses_only_its_leases() {
    let cluster = Cluster::start();
    let victim = cluster.start_worker("victim");
    cluster.submit(&undisturbed().1);
    until("the first result", || {
        (cluster.runs("done") > 0).then_some(())
    });
    let other = cluster.start_worker("other");
    victim.kill();
    cluster.watch();
    let report = cluster.report();
    assert_undisturbed(&report);
    let events = attempt_events(&report);
    assert!(
        events.iter().any(|event| event == "lost"),
        "nothing was lost: {events:?}"
    );
    drop(other);
}

#[test]
fn a_killed_coordinator_goes_on_where_it_was() {
    let mut cluster = Cluster::start();
    let _workers = [cluster.start_worker("a"), cluster.start_worker("b")];
    cluster.submit(&undisturbed().1);
    until("the first result", || {
        (cluster.runs("done") > 0).then_some(())
    });
    cluster.coordinator.take().unwrap().kill();
    cluster.start_coordinator();
    assert!(
        cluster.runs("done") < RUNS,
        "the sweep was over before the coordinator was killed"
    );
    cluster.watch();
    let report = cluster.report();
    assert_undisturbed(&report);
    let starts = attempt_events(&report)
        .iter()
        .filter(|event| *event == "started")
        .count() as u64;
    assert_eq!(
        starts, RUNS,
        "a run was computed twice, although no worker was lost"
    );
}

/// A `tailsweep run` in a folder of its own.
struct LocalRun {
    folder: TempDir,
}

impl LocalRun {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn command(&self) -> Command {
        let mut run = tailsweep(["run"]);
        run.arg(&undisturbed().1).arg("--out").arg(self.out());
        run
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Starts it, and waits until it has told its progress with some runs over.
    fn start_and_wait_for_results(&self) -> Process {
        let run = Process::start(self.command(), &self.folder.path().join("log"));
        until("the first results", || {
            let some_are_over =
                |line: &str| line.starts_with("faults: ") && !line.starts_with("faults: 0/");
            self.said().lines().any(some_are_over).then_some(())
        });
        run
    }

    /// Runs it again, to the end.
    fn go_on(&self) {
        let report = self.out().join("runs.csv");
        assert!(!report.exists(), "the sweep was over before the fault");
        succeed(self.command());
        assert_undisturbed(&self.out());
    }
}

#[test]
fn an_interrupted_run_continues() {
    let local = LocalRun::new();
    let run = local.start_and_wait_for_results();
    run.signal("INT");
    assert_eq!(run.wait().code(), Some(130), "{}", local.said());
    local.go_on();
    let events = attempt_events(&local.out());
    assert!(
        events.iter().any(|event| event == "handed_back"),
        "no run was saved: {events:?}"
    );
}

#[test]
fn a_killed_run_continues() {
    let local = LocalRun::new();
    local.start_and_wait_for_results().kill();
    local.go_on();
    let events = attempt_events(&local.out());
    assert!(
        events.iter().any(|event| event == "lost"),
        "no run was lost: {events:?}"
    );
}
