//! Attempts that fail.

use std::time::Duration;
use tailsweep_common::state::{Reason, RunState};
use tailsweep_scheduler::{Config, Input, Why};

use crate::fixture::{Core, ids, leases, sweep, worker};
use crate::{SILENCE, failed, one_run_started, settled, state};

#[test]
fn a_failed_attempt_is_retried_after_a_pause_on_another_worker() {
    let (mut core, run) = one_run_started();
    core.join("b", 1, &[]);
    assert_eq!(failed(&mut core, "a", run, 1), settled("a", run, 1));
    let no = core.scheduler.run_no(run).expect("known");
    let pause = Duration::from_secs(1);
    assert_eq!(core.scheduler.why(no), Some(Why::BackOff { pause }));
    assert_eq!(core.pass(999), SILENCE);
    assert_eq!(leases(core.pass(1)), [("b".to_owned(), run, 2)]);
}

#[test]
fn a_failed_attempt_waits_for_another_worker_unless_there_is_only_one() {
    let (mut core, run) = one_run_started();
    let other = sweep("other", &[64], 1);
    core.submit(&other);
    assert_eq!(core.join("b", 1, &[]).len(), 1, "b is busy");
    failed(&mut core, "a", run, 1);
    for _ in 0..3 {
        assert_eq!(core.pass(5_000), SILENCE);
        core.heartbeat("a");
        core.heartbeat("b");
    }
    let no = core.scheduler.run_no(run).expect("known");
    assert_eq!(core.scheduler.why(no), Some(Why::OtherWorker(worker("a"))));
    assert_eq!(
        leases(core.input(Input::Drain(worker("b")))),
        [("a".to_owned(), run, 2)]
    );
}

#[test]
fn the_pause_doubles_up_to_a_minute_and_the_last_failure_fails_the_run() {
    let mut core = Core::default();
    let mut plan = sweep("one", &[8], 1);
    plan.limits.max_attempts = 9;
    let run = ids(&plan)[0];
    core.submit(&plan);
    core.join("a", 1, &[]);
    let mut pauses = Vec::new();
    for attempt in 1..=9 {
        assert_eq!(
            failed(&mut core, "a", run, attempt),
            settled("a", run, attempt)
        );
        let mut pause = 0;
        while attempt < 9 && core.pass(1_000).is_empty() {
            core.heartbeat("a");
            pause += 1;
        }
        pauses.push(pause + 1);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 1]);
    assert_eq!(core.pass(100_000), SILENCE);
    assert_eq!(state(&core, run), (RunState::Failed, Some(Reason::Panic)));
    let view = core.scheduler.runs_of(plan.id).next().expect("a run");
    assert_eq!((view.attempts, view.message), (9, Some("attempt 9 on a")));
}

#[test]
fn failures_and_back_off_survive_a_restart() {
    let (mut core, run) = one_run_started();
    failed(&mut core, "a", run, 1);
    assert_eq!(core.pass(900), SILENCE);
    core.restart(Config::default());
    assert_eq!(core.join("a", 1, &[]), SILENCE);
    assert_eq!(core.pass(999), SILENCE, "the pause begins again");
    assert_eq!(leases(core.pass(1)), [("a".to_owned(), run, 2)]);
    failed(&mut core, "a", run, 2);
    assert_eq!(leases(core.pass(2_000)), [("a".to_owned(), run, 3)]);
    failed(&mut core, "a", run, 3);
    assert_eq!(state(&core, run), (RunState::Failed, Some(Reason::Panic)));
}

#[test]
fn a_run_that_is_tried_afresh_has_all_its_attempts_and_losses_again() {
    let mut core = Core::default();
    let mut plan = sweep("one", &[8], 1);
    plan.limits.max_attempts = 2;
    plan.limits.max_losses = 1;
    let run = ids(&plan)[0];
    core.submit(&plan);
    core.join("a", 1, &[]);
    for attempt in [1, 3, 5] {
        failed(&mut core, "a", run, attempt);
        assert_eq!(
            leases(core.pass(1_000)),
            [("a".to_owned(), run, attempt + 1)]
        );
        failed(&mut core, "a", run, attempt + 1);
        assert_eq!(state(&core, run), (RunState::Failed, Some(Reason::Panic)));
        assert_eq!(core.pass(10_000), SILENCE);
        core.heartbeat("a");
        assert_eq!(
            leases(core.input(Input::Retry {
                sweep: plan.id,
                failed_only: false
            })),
            [("a".to_owned(), run, attempt + 2)]
        );
    }
    for attempt in [7, 9] {
        core.started("a", run, attempt);
        assert_eq!(
            leases(core.join("a", 1, &[])),
            [("a".to_owned(), run, attempt + 1)]
        );
        core.started("a", run, attempt + 1);
        assert_eq!(core.join("a", 1, &[]), SILENCE);
        assert_eq!(state(&core, run), (RunState::Failed, Some(Reason::Lost)));
        assert_eq!(
            leases(core.input(Input::Retry {
                sweep: plan.id,
                failed_only: false
            })),
            [("a".to_owned(), run, attempt + 2)]
        );
    }
}
