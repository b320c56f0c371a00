//! What users want: pause, go on and end.

use tailsweep_common::state::{Reason, RunState};
use tailsweep_scheduler::event::SweepEvent;
use tailsweep_scheduler::{Action, Config, Event, Input, Refusal, Why};

use crate::fixture::{Core, ids, leases, sweep, worker};
use crate::{SILENCE, failed, only_sweep, settled, stale, state};

#[test]
fn a_retry_of_an_unknown_sweep_is_refused() {
    let mut core = Core::default();
    let id = sweep("never", &[8], 1).id;
    assert_eq!(
        core.try_input(Input::Retry {
            sweep: id,
            failed_only: false
        }),
        Err(Refusal::UnknownSweep(id))
    );
}

#[test]
fn a_cancelled_sweep_ends_at_once_and_a_retry_goes_on_with_it() {
    let mut core = Core::default();
    let plan = sweep("one", &[8, 16], 1);
    core.submit(&plan);
    let [(_, run, attempt)] = leases(core.join("a", 1, &[]))[..] else {
        panic!("one slot gets one lease");
    };
    core.started("a", run, attempt);
    core.checkpoint("a", run, attempt, 5);
    assert_eq!(
        core.input(Input::Cancel(plan.id)),
        stale("a", run, attempt),
        "what is in computation stops"
    );
    let view = only_sweep(&core);
    assert_eq!((view.counts.cancelled, view.is_over), (2, true));
    let no = core.scheduler.run_no(run).expect("known");
    assert_eq!(core.scheduler.why(no), Some(Why::Unwanted));
    assert_eq!(core.input(Input::Cancel(plan.id)), SILENCE);

    let retry = |failed_only| Input::Retry {
        sweep: plan.id,
        failed_only,
    };
    assert_eq!(
        core.try_input(retry(true)),
        Err(Refusal::Cancelled(plan.id))
    );
    let again = core.input(retry(false));
    assert!(
        matches!(&again[..], [Action::Lease { id, attempt: 2, resume: Some(5), .. }] if *id == run),
        "{again:?}"
    );
    assert_eq!(only_sweep(&core).counts.cancelled, 0);
}

#[test]
fn a_paused_sweep_finishes_what_is_in_computation_and_begins_nothing() {
    let mut core = Core::default();
    let plan = sweep("ten", &[8], 10);
    core.submit(&plan);
    let given = leases(core.join("a", 1, &[]));
    let [(_, first, _), (_, second, _), (_, third, _)] = given[..] else {
        panic!("a slot and two ahead");
    };
    core.started("a", first, 1);
    let taken_back = [
        Action::Stale(worker("a"), second, 1),
        Action::Stale(worker("a"), third, 1),
    ];
    assert_eq!(core.input(Input::Pause(plan.id)), taken_back);
    assert_eq!(core.input(Input::Pause(plan.id)), SILENCE);
    assert_eq!(core.finished("a", first, 1), settled("a", first, 1));
    assert_eq!(core.join("b", 4, &[]), SILENCE);
    let no = core.scheduler.run_no(second).expect("known");
    assert_eq!(core.scheduler.why(no), Some(Why::Paused));
    let view = only_sweep(&core);
    assert!(view.paused && !view.is_over, "{view:?}");
    assert_eq!(view.counts.waiting, 9);

    // A sweep that is not paused wants one of them.
    let other = sweep("other", &[8], 1);
    assert_eq!(ids(&other)[0], ids(&plan)[0]);
    core.submit(&other);
    let shared = sweep("shared", &[8], 2);
    assert_eq!(core.submit(&shared).len(), 1);

    core.restart(Config::default());
    core.join("a", 1, &[]);
    assert!(core.scheduler.sweep(plan.id).expect("known").paused);
    assert!(!core.input(Input::Resume(plan.id)).is_empty());
}

#[test]
fn a_priority_that_is_given_later_counts() {
    let mut core = Core::default();
    let (first, second) = (sweep("first", &[8], 2), sweep("second", &[16], 2));
    core.submit(&first);
    core.submit(&second);
    let raise = Input::Prioritise {
        sweep: second.id,
        priority: 7,
    };
    core.input(raise);
    assert_eq!(only_sweep(&core).priority, 7);
    let order: Vec<_> = leases(core.join("a", 2, &[]))
        .into_iter()
        .map(|lease| lease.1)
        .collect();
    assert_eq!(order, ids(&second));
}

#[test]
fn a_retry_of_the_failed_leaves_a_paused_sweep_paused() {
    let mut core = Core::default();
    let mut plan = sweep("two", &[8], 2);
    plan.limits.max_attempts = 1;
    let runs = ids(&plan);
    core.submit(&plan);
    core.join("a", 2, &[]);
    failed(&mut core, "a", runs[0], 1);
    core.input(Input::Pause(plan.id));
    let retry = |failed_only| Input::Retry {
        sweep: plan.id,
        failed_only,
    };
    assert_eq!(core.input(retry(true)), SILENCE);
    assert_eq!(only_sweep(&core).counts.waiting, 2);
    assert!(!core.input(retry(false)).is_empty());
}

#[test]
fn a_sweep_stops_at_max_failures_and_runs_in_computation_may_finish() {
    let mut core = Core::default();
    let mut plan = sweep("five", &[8], 5);
    plan.limits.max_attempts = 1;
    plan.limits.max_failures = Some(1);
    let runs = ids(&plan);
    core.submit(&plan);
    core.join("a", 1, &[]); // holds 0, 1, 2
    core.join("b", 1, &[]); // holds 3
    core.started("a", runs[0], 1);
    core.started("b", runs[3], 1);
    let mut actions = failed(&mut core, "b", runs[3], 1);
    let mut expected = vec![
        Action::Stale(worker("a"), runs[1], 1),
        Action::Stale(worker("a"), runs[2], 1),
    ];
    expected.extend(settled("b", runs[3], 1));
    actions.sort_by_key(|action| matches!(action, Action::Settled(..)));
    assert_eq!(actions, expected, "what nobody computes yet is taken back");
    let view = only_sweep(&core);
    assert_eq!(
        (view.stopped, view.is_over),
        (Some(Reason::MaxFailures), false)
    );
    assert_eq!(
        (
            view.counts.running,
            view.counts.cancelled,
            view.counts.failed
        ),
        (1, 3, 1)
    );
    assert_eq!(core.finished("a", runs[0], 1), settled("a", runs[0], 1));
    assert!(only_sweep(&core).is_over);
    assert_eq!(
        state(&core, runs[4]),
        (RunState::Cancelled, Some(Reason::MaxFailures))
    );

    let again = leases(core.input(Input::Retry {
        sweep: plan.id,
        failed_only: false,
    }));
    assert_eq!(again.len(), 2, "one for each slot");
    assert_eq!(
        (only_sweep(&core).counts.waiting, core.scheduler.queued()),
        (4, 2)
    );
}

#[test]
fn a_stopped_sweep_does_not_keep_runs_from_another_one() {
    let mut core = Core::default();
    let mut plan = sweep("two", &[8, 16], 1);
    plan.limits.max_attempts = 1;
    plan.limits.max_failures = Some(1);
    let runs = ids(&plan);
    core.submit(&plan);
    core.submit(&sweep("other", &[8], 1));
    core.join("a", 1, &[]);
    core.started("a", runs[1], 1);
    let actions = failed(&mut core, "a", runs[1], 1);
    assert_eq!(actions[..1], settled("a", runs[1], 1));
    assert_eq!(
        leases(actions[1..].to_vec()),
        [("a".to_owned(), runs[0], 1)]
    );
    let stopped = core.scheduler.sweep(plan.id).expect("known");
    assert!(
        stopped.is_over && stopped.counts.cancelled == 1,
        "it is over and stays over"
    );
    core.finished("a", runs[0], 1);
    let stopped = core.scheduler.sweep(plan.id).expect("known");
    assert_eq!(
        (stopped.counts.done, stopped.counts.cancelled),
        (1, 0),
        "and has the result"
    );
}

#[test]
fn a_run_of_a_stopped_sweep_ends_when_its_worker_is_lost() {
    let mut core = Core::default();
    let mut plan = sweep("two", &[8], 2);
    plan.limits.max_attempts = 1;
    plan.limits.max_failures = Some(1);
    let runs = ids(&plan);
    core.submit(&plan);
    core.join("a", 2, &[]);
    core.started("a", runs[1], 1);
    failed(&mut core, "a", runs[0], 1);
    assert!(!only_sweep(&core).is_over);
    assert_eq!(core.pass(15_000), SILENCE);
    assert!(only_sweep(&core).is_over);
    assert!(core.log.contains(&Event::Sweep(
        plan.id,
        SweepEvent::Stopped {
            reason: Reason::MaxFailures
        }
    )));
}
