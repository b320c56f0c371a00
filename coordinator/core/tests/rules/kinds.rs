//! Kinds of machines.

use tailsweep_common::state::{Reason, RunState};
use tailsweep_scheduler::event::RunEvent;
use tailsweep_scheduler::{Action, Event, Input};

use crate::fixture::{KIND, ids, sweep, worker};
use crate::{SILENCE, hand_back, one_run_started, state};

#[test]
fn a_run_goes_on_only_on_the_kind_that_made_its_checkpoint() {
    let (mut core, run) = one_run_started();
    core.record("a", run, 1, 0);
    core.checkpoint("a", run, 1, 5);
    core.input(Input::HandBack(worker("a"), run, 1));
    let resume = |actions: &[Action]| match actions {
        [
            Action::Lease {
                resume, attempt, ..
            },
        ] => (*resume, *attempt),
        other => panic!("not one lease: {other:?}"),
    };
    core.input(Input::Drain(worker("a")));
    hand_back(&mut core, "a", run, 2);
    assert_eq!(resume(&core.join("b", 1, &[])), (Some(5), 3));
    core.input(Input::Drain(worker("b")));
    hand_back(&mut core, "b", run, 3);
    // Given to another kind and back, but never begun there: nothing is lost.
    assert_eq!(resume(&core.join_as("c", 1, "cuda", &[])), (None, 4));
    core.input(Input::Drain(worker("c")));
    hand_back(&mut core, "c", run, 4);
    assert_eq!(resume(&core.join("b", 1, &[])), (Some(5), 5));
    core.input(Input::Drain(worker("b")));
    hand_back(&mut core, "b", run, 5);
    // Begun there: the records and the checkpoint go.
    assert_eq!(resume(&core.join_as("c", 1, "cuda", &[])), (None, 6));
    core.started("c", run, 6);
    assert!(matches!(
        core.log.last(),
        Some(Event::Run(
            _,
            RunEvent::Started {
                attempt: 6,
                discard: true
            }
        ))
    ));
    core.input(Input::Drain(worker("c")));
    hand_back(&mut core, "c", run, 6);
    assert_eq!(resume(&core.join("b", 1, &[])), (None, 7));
}

#[test]
fn an_idle_worker_of_the_right_kind_is_preferred() {
    let (mut core, run) = one_run_started();
    core.checkpoint("a", run, 1, 5);
    core.submit(&sweep("busy", &[64], 2));
    core.join_as("c", 1, "cuda", &[]);
    core.join_as("d", 1, KIND, &[]);
    // Two slots become free in one step: the less suitable one has the smaller number.
    core.input(Input::Disconnect(worker("a")));
    core.pass(4_000);
    let busy = ids(&sweep("busy", &[64], 2));
    core.started("c", busy[0], 1);
    core.started("d", busy[1], 1);
    core.finished("d", busy[1], 1);
    core.finished("c", busy[0], 1);
    let lease = core.pass(1_000);
    assert!(
        matches!(&lease[..], [Action::Lease { worker, resume: Some(5), .. }] if &**worker == "d"),
        "{lease:?}"
    );
}

#[test]
fn a_record_that_differs_marks_the_run_once() {
    let (mut core, run) = one_run_started();
    let no = core.scheduler.run_no(run).expect("known");
    for _ in 0..2 {
        assert_eq!(core.input(Input::Differs(no)), SILENCE);
    }
    core.finished("a", run, 1);
    assert_eq!(
        state(&core, run),
        (RunState::Done, Some(Reason::Nondeterministic))
    );
    let differed = core
        .log
        .iter()
        .filter(|event| matches!(event, Event::Run(_, RunEvent::Differed)));
    assert_eq!(differed.count(), 1);
}
