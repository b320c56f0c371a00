//! A network and processes that stand still, are slow, or are cut: the tables equal those of an
//! undisturbed run, and each fault is shown to have happened.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tailsweep_e2e::disturbed::{RUNS, assert_undisturbed, undisturbed};
use tailsweep_e2e::proxy::{Counters, Proxy};
use tailsweep_e2e::{Attempt, Cluster, Process, attempts, until};

/// Begins the sweep, and waits for its first result.
fn begin(cluster: &Cluster) {
    cluster.submit(&undisturbed().1);
    until("the first result", || {
        (cluster.runs("done") > 0).then_some(())
    });
}

/// Waits for the end, and compares; what happened to the attempts.
fn finish(cluster: &Cluster) -> Vec<Attempt> {
    cluster.watch();
    let report = cluster.report();
    assert_undisturbed(&report);
    attempts(&report)
}

fn lost_by(cluster: &Cluster, worker: &str) -> bool {
    let lost = |attempt: &Attempt| attempt.worker == worker && attempt.was("lost");
    cluster.attempts().iter().any(lost)
}

/// Each run was begun once.
fn assert_nothing_was_computed_twice(attempts: &[Attempt]) {
    let begun = attempts.iter().filter(|attempt| attempt.was("started"));
    assert_eq!(begun.count() as u64, RUNS, "{attempts:?}");
}

#[test]
fn a_worker_that_stood_still_beyond_its_lease_does_no_harm() {
    let cluster = Cluster::start();
    let mut sleeper = cluster.start_worker("sleeper");
    begin(&cluster);
    let _other = cluster.start_worker("other");
    sleeper.signal("STOP");
    until("its run to go on elsewhere", || {
        lost_by(&cluster, "sleeper").then_some(())
    });
    sleeper.signal("CONT");
    let attempts = finish(&cluster);
    assert!(
        attempts.iter().any(|attempt| attempt.was("lost")),
        "{attempts:?}"
    );
    assert!(sleeper.is_alive(), "it ended instead of going on");
}

#[test]
fn a_network_that_stood_still_beyond_the_lease_does_no_harm() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(cluster.port());
    let _cut_off = cluster.start_worker_at("cut-off", proxy.port());
    begin(&cluster);
    let _other = cluster.start_worker("other");
    proxy.hold(true);
    until("its run to go on elsewhere", || {
        lost_by(&cluster, "cut-off").then_some(())
    });
    proxy.hold(false);
    let attempts = finish(&cluster);
    assert!(
        attempts.iter().any(|attempt| attempt.was("lost")),
        "{attempts:?}"
    );
    assert!(
        Counters::get(&proxy.counters().stopped) > 0,
        "{:?}",
        proxy.counters()
    );
}

#[test]
fn a_network_that_delays_and_cuts_loses_and_doubles_nothing() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(cluster.port());
    let _workers = ["a", "b"].map(|name| cluster.start_worker_at(name, proxy.port()));
    proxy.delay(Duration::from_millis(20));
    begin(&cluster);
    for cut in 1..=4 {
        // In the middle of a message, whichever comes.
        proxy.cut_after(300 + 1000 * cut);
        until("a cut", || {
            (Counters::get(&proxy.counters().cut) >= cut).then_some(())
        });
    }
    // Whatever goes through, once they are back.
    until("a connection to cut", || (proxy.cut() > 0).then_some(()));
    let attempts = finish(&cluster);
    assert_nothing_was_computed_twice(&attempts);
    let counters = proxy.counters();
    assert!(Counters::get(&counters.delayed) > 0, "{counters:?}");
    assert!(
        Counters::get(&counters.connections) > 4,
        "nobody came back: {counters:?}"
    );
}

#[test]
fn workers_compute_while_the_coordinator_is_away_and_nothing_is_computed_twice() {
    let mut cluster = Cluster::start();
    let workers = ["a", "b"].map(|name| cluster.start_worker(name));
    begin(&cluster);
    cluster.coordinator.take().unwrap().kill();
    let before: u64 = workers.iter().map(Process::processor_time).sum();
    thread::sleep(Duration::from_secs(2));
    let after: u64 = workers.iter().map(Process::processor_time).sum();
    assert!(
        after > before + 10,
        "they waited: {before}, {after} hundredths of a second"
    );
    cluster.start_coordinator();
    let attempts = finish(&cluster);
    assert_nothing_was_computed_twice(&attempts);
}

#[test]
fn a_slow_worker_keeps_its_leases() {
    let cluster = Cluster::start();
    let slow = cluster.start_worker("slow");
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    // It stands still for nine tenths of the time.
    let brake = thread::spawn(move || {
        let mut stops = 0;
        while !told.load(Ordering::SeqCst) {
            slow.signal("STOP");
            thread::sleep(Duration::from_millis(180));
            slow.signal("CONT");
            thread::sleep(Duration::from_millis(20));
            stops += 1;
        }
        (slow, stops)
    });
    cluster.submit(&undisturbed().1);
    until("the slow one to begin", || {
        (cluster.runs("running") > 0).then_some(())
    });
    let _fast = cluster.start_worker("fast");
    cluster.watch();
    over.store(true, Ordering::SeqCst);
    let (_slow, stops) = brake.join().unwrap();
    let attempts = finish(&cluster);
    assert!(stops > 5, "it was slowed down {stops} times");
    assert_nothing_was_computed_twice(&attempts);
    let by_slow = |attempt: &&Attempt| attempt.worker == "slow" && attempt.was("started");
    assert!(
        attempts.iter().any(|attempt| by_slow(&attempt)),
        "{attempts:?}"
    );
}

#[test]
fn a_worker_of_another_protocol_is_told_so_and_ends() {
    let cluster = Cluster::start();
    // The hello of protocol 1 and this name, as it is written on the wire.
    let hello = |protocol: u8| [&[0x08, protocol, 0x12, 7][..], b"ancient"].concat();
    let (written, forged) = (hello(1), hello(99));
    let forge = move |piece: &mut Vec<u8>| {
        let found = piece
            .windows(written.len())
            .position(|part| part == written);
        if let Some(at) = found {
            piece.splice(at..at + forged.len(), forged.iter().copied());
        }
    };
    let proxy = Proxy::changing(cluster.port(), Some(Box::new(forge)));
    let worker = cluster.start_worker_at("ancient", proxy.port());
    assert_eq!(worker.wait().code(), Some(1));
    let said = fs::read_to_string(cluster.log("ancient")).unwrap();
    assert!(
        said.contains("speaks protocol 99") && said.contains("same version"),
        "{said}"
    );
    assert!(
        Counters::get(&proxy.counters().changed) > 0,
        "the hello was not changed"
    );
}

/// A library that tells a process that it is another time of day; its first call is written down.
const OTHER_CLOCK: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ahead(void) {
    static int told = 0;
    const char *note = getenv("OTHER_CLOCK_NOTE");
    if (!told && note) {
        told = 1;
        close(open(note, O_CREAT | O_WRONLY, 0600));
    }
    return 1000L * 24 * 3600;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int done = syscall(SYS_clock_gettime, clock, time);
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        time->tv_sec += ahead();
    }
    return done;
}

int gettimeofday(struct timeval *time, void *zone) {
    int done = syscall(SYS_gettimeofday, time, zone);
    if (done == 0 && time) {
        time->tv_sec += ahead();
    }
    return done;
}
"#;

#[test]
#[cfg(target_os = "linux")]
fn a_worker_with_a_wrong_clock_computes_the_same() {
    let cluster = Cluster::start();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("clock.c"), OTHER_CLOCK).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([file("clock.so"), file("clock.c")])
        .status();
    assert!(built.unwrap().success(), "the C compiler does not compile");
    let mut worker = cluster.client(["worker", "--slots", "1", "--name", "tomorrow"]);
    worker
        .env("LD_PRELOAD", file("clock.so"))
        .env("OTHER_CLOCK_NOTE", file("note"));
    let _tomorrow = Process::start(worker, &cluster.log("tomorrow"));
    cluster.submit(&undisturbed().1);
    until("a run in computation", || {
        (cluster.runs("running") > 0).then_some(())
    });
    let _other = cluster.start_worker("other");
    let attempts = finish(&cluster);
    assert_nothing_was_computed_twice(&attempts);
    assert!(file("note").exists(), "its clock was right");
}
