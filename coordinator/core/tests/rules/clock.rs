//! The clock, and restarts.

use std::time::Duration;
use tailsweep_scheduler::{Config, Input, Scheduler};

use crate::fixture::{leases, worker};
use crate::{SILENCE, one_run_started, settled};

#[test]
fn after_a_pause_of_the_coordinator_leases_get_a_fresh_term() {
    let (mut core, run) = one_run_started();
    core.join("b", 1, &[]);
    assert_eq!(core.sleep(60_000), SILENCE);
    assert_eq!(core.pass(14_999), SILENCE);
    core.heartbeat("b");
    assert_eq!(leases(core.pass(1)), [("b".to_owned(), run, 2)]);
}

#[test]
fn a_timer_that_is_a_little_late_is_no_pause() {
    let (mut core, run) = one_run_started();
    core.join("b", 1, &[]);
    for _ in 0..2 {
        assert_eq!(core.sleep(7_400), SILENCE);
        core.heartbeat("b");
    }
    assert_eq!(leases(core.sleep(210)), [("b".to_owned(), run, 2)]);
}

#[test]
fn after_a_restart_leases_get_a_fresh_term_and_workers_keep_them() {
    let (mut core, run) = one_run_started();
    core.restart(Config::default());
    assert_eq!(core.join("b", 1, &[]), SILENCE);
    assert_eq!(core.pass(10_000), SILENCE);
    core.heartbeat("b");
    assert_eq!(core.join("a", 1, &[(run, 1)]), SILENCE);
    assert_eq!(core.finished("a", run, 1), settled("a", run, 1));

    let (mut core, run) = one_run_started();
    core.restart(Config::default());
    core.join("b", 1, &[]);
    core.pass(14_000);
    core.heartbeat("b");
    assert_eq!(leases(core.pass(1_000)), [("b".to_owned(), run, 2)]);
}

#[test]
fn an_idle_core_asks_for_nothing() {
    assert_eq!(Scheduler::new(Config::default()).poll_timeout(), None);
    let (mut core, run) = one_run_started();
    core.finished("a", run, 1);
    core.input(Input::Disconnect(worker("a")));
    assert_eq!(core.scheduler.poll_timeout(), None);
    assert_eq!(core.scheduler.workers().count(), 0);
}

#[test]
fn without_recovery_leases_of_an_earlier_process_are_free_at_once() {
    let (mut core, run) = one_run_started();
    core.restart(Config {
        recovery: Duration::ZERO,
        ..Config::default()
    });
    let mut told = core.join("b", 1, &[]);
    told.extend(core.pass(1));
    assert_eq!(leases(told), [("b".to_owned(), run, 2)]);
}
