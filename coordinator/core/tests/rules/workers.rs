//! Workers that go.

use std::collections::VecDeque;

use tailsweep_common::state::{Reason, RunState};
use tailsweep_scheduler::event::RunEvent;
use tailsweep_scheduler::{Action, Event, Input, Why};

use crate::fixture::{Core, ids, leases, sweep, worker};
use crate::{SILENCE, hand_back, one_run_started, settled, state};

#[test]
fn a_lost_worker_counts_only_for_runs_that_had_started() {
    let mut core = Core::default();
    let mut plan = sweep("two", &[8], 2);
    plan.limits.max_losses = 0;
    let runs = ids(&plan);
    core.submit(&plan);
    core.join("a", 2, &[]);
    core.started("a", runs[0], 1);
    assert_eq!(core.pass(15_000), SILENCE);
    assert_eq!(
        state(&core, runs[0]),
        (RunState::Failed, Some(Reason::Lost))
    );
    assert_eq!(
        leases(core.join("b", 2, &[])),
        [("b".to_owned(), runs[1], 2)]
    );
    assert!(core.log.contains(&Event::Run(
        core.scheduler.run_no(runs[1]).expect("known"),
        RunEvent::HandedBack { attempt: 1 }
    )));
}

#[test]
fn a_newer_checkpoint_forgives_losses() {
    let mut core = Core::default();
    let mut plan = sweep("one", &[8], 1);
    plan.limits.max_losses = 1;
    let run = ids(&plan)[0];
    core.submit(&plan);
    for attempt in 1..=5 {
        // A new process under the old name has lost what the old one held.
        let lease = core.join("a", 1, &[]);
        assert_eq!(leases(lease), [("a".to_owned(), run, attempt)]);
        let stored = [Action::CheckpointStored(worker("a"), run, attempt, 7)];
        assert_eq!(core.checkpoint("a", run, attempt, 7), stored);
        if attempt <= 4 {
            let step = 10 + u64::from(attempt);
            let stored = [Action::CheckpointStored(worker("a"), run, attempt, step)];
            assert_eq!(core.checkpoint("a", run, attempt, step), stored);
        }
    }
    assert_eq!(core.join("a", 1, &[]), SILENCE);
    assert_eq!(state(&core, run), (RunState::Failed, Some(Reason::Lost)));
}

#[test]
fn a_broken_session_shortens_the_lease_to_the_grace() {
    let (mut core, run) = one_run_started();
    core.join("b", 1, &[]);
    core.input(Input::Disconnect(worker("a")));
    assert_eq!(core.pass(4_999), SILENCE);
    assert_eq!(leases(core.pass(1)), [("b".to_owned(), run, 2)]);
}

#[test]
fn the_grace_is_never_later_than_the_lease() {
    let (mut core, run) = one_run_started();
    core.pass(13_000);
    core.join("b", 1, &[]);
    core.input(Input::Disconnect(worker("a")));
    assert_eq!(leases(core.pass(2_000)), [("b".to_owned(), run, 2)]);
}

#[test]
fn a_reconnect_renews() {
    let (mut core, run) = one_run_started();
    core.join("b", 1, &[]);
    core.input(Input::Disconnect(worker("a")));
    core.pass(4_000);
    assert_eq!(core.join("a", 1, &[(run, 1)]), SILENCE);
    assert_eq!(core.pass(14_000), SILENCE);
    assert_eq!(core.finished("a", run, 1), settled("a", run, 1));
}

#[test]
fn a_lease_that_never_arrived_is_given_again_and_counts_for_nothing() {
    let mut core = Core::default();
    let mut plan = sweep("one", &[8], 1);
    plan.limits.max_losses = 0;
    let run = ids(&plan)[0];
    core.submit(&plan);
    for attempt in 1..=5 {
        assert_eq!(
            leases(core.join("a", 1, &[])),
            [("a".to_owned(), run, attempt)]
        );
    }
}

#[test]
fn a_draining_worker_gets_nothing_and_hands_back_without_a_fault() {
    let mut core = Core::default();
    let mut plan = sweep("two", &[8], 2);
    plan.limits.max_attempts = 1;
    let runs = ids(&plan);
    core.submit(&plan);
    core.join("a", 1, &[]);
    assert_eq!(core.input(Input::Drain(worker("a"))), SILENCE);
    assert_eq!(
        hand_back(&mut core, "a", runs[0], 1),
        settled("a", runs[0], 1)
    );
    assert_eq!(core.scheduler.queued(), 2);
    let no = core.scheduler.run_no(runs[0]).expect("known");
    assert_eq!(core.scheduler.why(no), Some(Why::NoWorker));
    assert_eq!(
        leases(core.join("b", 1, &[])),
        [("b".to_owned(), runs[0], 2)]
    );
}

/// Worker "bad" fails whatever it gets, and gives back what it is asked for; how often it failed.
fn serve_badly(core: &mut Core, first: Vec<Action>, most: usize) -> usize {
    let (mut failed, mut said) = (0, VecDeque::from(first));
    while let Some(action) = said.pop_front() {
        let of_bad = |worker: &str| worker == "bad";
        let answer = match action {
            Action::Lease {
                worker: by,
                id,
                attempt,
                ..
            } if of_bad(&by) && failed < most => {
                failed += 1;
                core.started("bad", id, attempt);
                core.input(Input::Failed {
                    worker: worker("bad"),
                    run: id,
                    attempt,
                    reason: Reason::Error,
                    message: "no disk".to_owned(),
                })
            }
            Action::Recall(by, run, attempt) if of_bad(&by) => {
                said.retain(|lease| !matches!(lease, Action::Lease { id, .. } if *id == run));
                hand_back(core, "bad", run, attempt)
            }
            _ => continue,
        };
        // A question overtakes leases that wait for the one slot.
        let (recalls, others): (Vec<Action>, Vec<Action>) = answer
            .into_iter()
            .partition(|action| matches!(action, Action::Recall(..)));
        recalls
            .into_iter()
            .for_each(|recall| said.push_front(recall));
        said.extend(others);
    }
    failed
}

#[test]
fn a_worker_that_fails_again_and_again_rests_while_another_one_does_better() {
    let mut core = Core::default();
    core.submit(&sweep("many", &[8], 40));
    let good = leases(core.join("good", 1, &[]));
    let (_, run, attempt) = good[0].clone();
    core.started("good", run, attempt);
    core.finished("good", run, attempt);
    let bad = core.join("bad", 1, &[]);
    assert_eq!(serve_badly(&mut core, bad, 20), 5);
    let resting = |core: &Core| {
        let mut workers = core.scheduler.workers();
        workers.any(|known| &**known.id == "bad" && known.resting && known.held.is_empty())
    };
    assert!(resting(&core), "it still gets runs");

    // It tries again after a while, and one failure more is enough.
    let mut again = Vec::new();
    for _ in 0..31 {
        core.heartbeat("good");
        core.heartbeat("bad");
        again.extend(core.pass(10_000));
    }
    assert_eq!(serve_badly(&mut core, again, 20), 1);
    assert!(resting(&core));

    // The other one goes: better a worker that fails than none.
    core.input(Input::Drain(worker("good")));
    assert!(!resting(&core));
}

#[test]
fn where_all_workers_fail_none_of_them_rests() {
    let mut core = Core::default();
    core.submit(&sweep("many", &[8], 40));
    core.join("good", 1, &[]);
    let bad = core.join("bad", 1, &[]);
    assert_eq!(serve_badly(&mut core, bad, 20), 20);
}
