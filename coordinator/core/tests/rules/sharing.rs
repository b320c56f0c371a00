//! Sweeps that share runs.

use std::sync::Arc;

use tailsweep_common::id::RunId;
use tailsweep_common::state::{Reason, RunState};
use tailsweep_common::sweep::Sweep;
use tailsweep_scheduler::event::SweepEvent;
use tailsweep_scheduler::{Event, Input, Refusal};

use crate::fixture::{Core, ids, leases, sweep};
use crate::{SILENCE, failed, one_run_started, only_sweep, settled, stale, state};

#[test]
fn a_known_sweep_is_neither_an_event_nor_an_error() {
    let (mut core, _) = one_run_started();
    let events = core.log.len();
    assert_eq!(core.submit(&sweep("one", &[8], 1)), SILENCE);
    assert_eq!(core.log.len(), events);
}

#[test]
fn a_finished_run_is_taken_over() {
    let (mut core, run) = one_run_started();
    core.finished("a", run, 1);
    let other = sweep("other", &[8], 2);
    let new = ids(&other)[1];
    assert_eq!(leases(core.submit(&other)), [("a".to_owned(), new, 1)]);
    let views: Vec<_> = core
        .scheduler
        .runs_of(other.id)
        .map(|view| (view.id, view.state, view.taken_over))
        .collect();
    assert_eq!(
        views,
        [(run, RunState::Done, true), (new, RunState::Waiting, false)]
    );
}

#[test]
fn a_failed_run_is_reopened_by_another_sweep_and_not_by_its_own() {
    let mut core = Core::default();
    let mut plan = sweep("one", &[8], 1);
    plan.limits.max_attempts = 1;
    let run = ids(&plan)[0];
    core.submit(&plan);
    core.join("a", 1, &[]);
    assert_eq!(failed(&mut core, "a", run, 1), settled("a", run, 1));
    assert_eq!(state(&core, run), (RunState::Failed, Some(Reason::Panic)));
    assert!(only_sweep(&core).is_over);
    assert_eq!(core.submit(&plan), SILENCE);
    assert_eq!(
        leases(core.submit(&sweep("other", &[8], 1))),
        [("a".to_owned(), run, 2)]
    );
    assert_eq!(core.finished("a", run, 2), settled("a", run, 2));
    assert_eq!(core.scheduler.sweep(plan.id).expect("known").counts.done, 1);
}

#[test]
fn a_run_shared_by_two_sweeps_ends_when_both_cancel_it() {
    let (mut core, run) = one_run_started();
    let (first, other) = (only_sweep(&core).id, sweep("other", &[8], 1));
    core.submit(&other);
    assert_eq!(core.input(Input::Cancel(first)), SILENCE);
    let view = core.scheduler.sweep(first).expect("known");
    assert_eq!((view.counts.cancelled, view.is_over), (1, true));
    assert_eq!(
        core.input(Input::Cancel(other.id)),
        stale("a", run, 1),
        "nobody wants it any more"
    );
    assert_eq!(core.finished("a", run, 1), stale("a", run, 1));

    let (mut core, run) = one_run_started();
    let first = only_sweep(&core).id;
    core.submit(&other);
    core.input(Input::Cancel(first));
    core.finished("a", run, 1);
    let view = core.scheduler.sweep(first).expect("known");
    assert_eq!(view.counts.done, 1, "the result is there for both");
}

#[test]
fn a_removed_sweep_takes_along_what_no_other_sweep_has() {
    let mut core = Core::default();
    let (first, second) = (sweep("first", &[8, 16], 1), sweep("second", &[16, 32], 1));
    core.submit(&first);
    core.submit(&second);
    let given = leases(core.join("a", 4, &[]));
    for (_, run, attempt) in &given {
        core.finished("a", *run, *attempt);
    }
    core.input(Input::Remove(first.id));
    assert!(core.scheduler.sweep(first.id).is_none());
    assert_eq!(core.scheduler.sweeps().count(), 1);
    assert_eq!(only_sweep(&core).counts.done, 2, "the shared run stays");
    let removed = core.log.last().expect("an event");
    let no = |run: RunId| core.scheduler.run_no(run).expect("known");
    let alone = no(ids(&first)[0]);
    assert!(matches!(
        removed,
        Event::Sweep(_, SweepEvent::Removed { forgotten, .. }) if *forgotten == [(alone, alone)]
    ));
    assert_eq!(
        core.try_input(Input::Remove(first.id)),
        Err(Refusal::UnknownSweep(first.id))
    );

    // The same file again: what went is computed again, by a new attempt.
    let run = ids(&first)[0];
    assert_eq!(leases(core.submit(&first)), [("a".to_owned(), run, 2)]);
    assert_eq!(core.scheduler.sweep(first.id).expect("back").counts.done, 1);
    assert_eq!(core.finished("a", run, 1), stale("a", run, 1));
    assert_eq!(core.finished("a", run, 2), settled("a", run, 2));
}

#[test]
fn a_removed_sweep_ends_what_is_in_computation_for_it() {
    let (mut core, run) = one_run_started();
    let id = only_sweep(&core).id;
    assert_eq!(core.input(Input::Remove(id)), stale("a", run, 1));
    assert_eq!(core.scheduler.sweeps().count(), 0);
    assert_eq!(core.finished("a", run, 1), stale("a", run, 1));
}

#[test]
fn an_extension_computes_only_what_is_new_and_stands_for_the_smaller_one() {
    let mut core = Core::default();
    let (small, large) = (sweep("small", &[8], 2), sweep("large", &[8, 16], 3));
    core.submit(&small);
    for (_, run, attempt) in leases(core.join("a", 2, &[])) {
        core.finished("a", run, attempt);
    }
    let extend = |sweep: &Sweep, by: &Sweep| Input::Extend {
        sweep: sweep.id,
        by: Arc::new(by.clone()),
    };
    let given = leases(core.input(extend(&small, &large)));
    let new: Vec<RunId> = given.iter().map(|lease| lease.1).collect();
    assert!(new.iter().all(|run| !ids(&small).contains(run)));
    assert_eq!(core.scheduler.sweeps().count(), 1);
    let view = only_sweep(&core);
    assert_eq!(
        (view.id, view.counts.done, view.counts.total()),
        (large.id, 2, 6)
    );
    let names: Vec<_> = core.scheduler.names().collect();
    assert_eq!(
        names,
        [(small.id, "small", large.id), (large.id, "large", large.id)]
    );
    let taken_over = core.scheduler.runs_of(large.id);
    assert_eq!(taken_over.filter(|run| run.taken_over).count(), 2);

    let other = sweep("other", &[16], 1);
    assert_eq!(
        core.try_input(extend(&large, &other)),
        Err(Refusal::NotAnExtension { missing: 5, of: 6 })
    );
    assert_eq!(
        core.try_input(extend(&large, &small)),
        Err(Refusal::Extended(small.id))
    );
    // With the larger one goes all that it stands for.
    core.input(Input::Remove(large.id));
    assert_eq!(core.scheduler.names().count(), 0);
}
