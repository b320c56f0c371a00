//! Attempts fence.

use tailsweep_scheduler::event::RunEvent;
use tailsweep_scheduler::{Action, Event, Input, Refusal};

use crate::fixture::{Core, done, ids, leases, sweep, worker};
use crate::{SILENCE, failed, hand_back, one_run_started, only_sweep, settled, stale};

#[test]
fn a_word_from_an_older_attempt_is_stale_and_changes_nothing() {
    let (mut core, run) = one_run_started();
    core.join("b", 1, &[]);
    core.input(Input::Disconnect(worker("a")));
    assert_eq!(leases(core.pass(5_000)), [("b".to_owned(), run, 2)]);
    assert_eq!(core.join("a", 1, &[(run, 1)]), stale("a", run, 1));
    let events = core.log.len();
    assert_eq!(core.started("a", run, 1), stale("a", run, 1));
    assert_eq!(core.record("a", run, 1, 0), stale("a", run, 1));
    assert_eq!(core.checkpoint("a", run, 1, 0), stale("a", run, 1));
    assert_eq!(core.finished("a", run, 1), stale("a", run, 1));
    assert_eq!(failed(&mut core, "a", run, 1), stale("a", run, 1));
    assert_eq!(hand_back(&mut core, "a", run, 1), stale("a", run, 1));
    // Nor does the right number help the wrong worker.
    assert_eq!(core.finished("a", run, 2), stale("a", run, 2));
    assert_eq!(core.log.len(), events);
    assert_eq!(core.finished("b", run, 2), settled("b", run, 2));
}

#[test]
fn a_new_process_under_an_old_name_does_not_inherit_attempts() {
    let (mut core, run) = one_run_started();
    assert_eq!(leases(core.join("a", 1, &[])), [("a".to_owned(), run, 2)]);
    assert_eq!(core.started("a", run, 1), stale("a", run, 1));
    assert_eq!(core.record("a", run, 1, 3), stale("a", run, 1));
    assert_eq!(core.finished("a", run, 1), stale("a", run, 1));
    assert_eq!(core.finished("a", run, 2), settled("a", run, 2));
}

#[test]
fn an_attempt_at_an_unknown_run_is_stale() {
    let mut core = Core::default();
    let run = ids(&sweep("never", &[8], 1))[0];
    assert_eq!(core.join("a", 1, &[(run, 1)]), stale("a", run, 1));
    assert_eq!(core.finished("a", run, 1), stale("a", run, 1));
}

#[test]
fn a_lease_that_expired_is_current_until_the_run_is_leased_again() {
    for revive in ["join", "heartbeat", "record", "finished"] {
        let (mut core, run) = one_run_started();
        assert_eq!(core.pass(60_000), SILENCE, "nobody else is here");
        assert_eq!(core.scheduler.queued(), 1);
        let events = core.log.len();
        match revive {
            "join" => assert_eq!(core.join("a", 1, &[(run, 1)]), SILENCE),
            "heartbeat" => assert_eq!(core.heartbeat("a"), SILENCE),
            "record" => {
                let stored = [Action::RecordStored(worker("a"), run, 1, 3)];
                assert_eq!(core.record("a", run, 1, 3), stored);
            }
            _ => assert_eq!(core.finished("a", run, 1), settled("a", run, 1)),
        }
        assert_eq!(core.scheduler.queued(), 0);
        assert!(core.log.len() <= events + 1, "no new attempt");
        if revive != "finished" {
            core.join("b", 1, &[]);
            assert_eq!(core.finished("a", run, 1), settled("a", run, 1));
        }
        assert_eq!(only_sweep(&core).counts.done, 1);
    }
}

#[test]
fn repeated_words_are_acknowledged_again_without_effect() {
    let mut core = Core::default();
    let plan = sweep("three", &[8], 3);
    let runs = ids(&plan);
    core.submit(&plan);
    assert_eq!(core.join("a", 3, &[]).len(), 3);
    let stored = |run, step| [Action::RecordStored(worker("a"), run, 1, step)];
    let kept = |run, step| [Action::CheckpointStored(worker("a"), run, 1, step)];
    for _ in 0..2 {
        core.started("a", runs[0], 1);
        assert_eq!(core.record("a", runs[0], 1, 0), stored(runs[0], 0));
        assert_eq!(core.checkpoint("a", runs[0], 1, 0), kept(runs[0], 0));
        assert_eq!(core.finished("a", runs[0], 1), settled("a", runs[0], 1));
        assert_eq!(failed(&mut core, "a", runs[1], 1), settled("a", runs[1], 1));
        core.input(Input::Drain(worker("a")));
        assert_eq!(
            hand_back(&mut core, "a", runs[2], 1),
            settled("a", runs[2], 1)
        );
    }
    let count = |event: fn(&RunEvent) -> bool| {
        core.log
            .iter()
            .filter(|logged| matches!(logged, Event::Run(_, run) if event(run)))
            .count()
    };
    assert_eq!(count(|event| matches!(event, RunEvent::Started { .. })), 1);
    assert_eq!(count(|event| matches!(event, RunEvent::Finished { .. })), 1);
    assert_eq!(count(|event| matches!(event, RunEvent::Failed { .. })), 1);
    assert_eq!(
        count(|event| matches!(event, RunEvent::HandedBack { .. })),
        1
    );
    let records = core
        .log
        .iter()
        .filter(|event| matches!(event, Event::Recorded { .. }))
        .count();
    assert_eq!(records, 2, "the store compares");
    let checkpoints = core
        .log
        .iter()
        .filter(|event| matches!(event, Event::Checkpointed { .. }));
    assert_eq!(checkpoints.count(), 1);
}

#[test]
fn a_repeated_end_is_acknowledged_while_the_next_attempt_runs() {
    let (mut core, run) = one_run_started();
    core.input(Input::Drain(worker("a")));
    assert_eq!(hand_back(&mut core, "a", run, 1), settled("a", run, 1));
    assert_eq!(leases(core.join("b", 1, &[])), [("b".to_owned(), run, 2)]);
    assert_eq!(hand_back(&mut core, "a", run, 1), settled("a", run, 1));
    assert_eq!(
        core.record("a", run, 1, 1),
        stale("a", run, 1),
        "b's records are not mixed"
    );
    assert_eq!(core.finished("b", run, 2), settled("b", run, 2));
}

#[test]
fn an_end_that_was_settled_is_named_so_when_the_worker_still_holds_it() {
    let (mut core, run) = one_run_started();
    core.finished("a", run, 1);
    core.input(Input::Disconnect(worker("a")));
    assert_eq!(core.join("a", 1, &[(run, 1)]), settled("a", run, 1));
}

#[test]
fn a_record_implies_that_the_attempt_started() {
    let mut core = Core::default();
    let plan = sweep("one", &[8], 1);
    let run = ids(&plan)[0];
    core.submit(&plan);
    core.join("a", 1, &[]);
    core.record("a", run, 1, 0);
    let tail: Vec<_> = core.log.iter().rev().take(2).rev().collect();
    assert!(matches!(
        tail[..],
        [
            Event::Run(
                _,
                RunEvent::Started {
                    attempt: 1,
                    discard: false
                }
            ),
            Event::Recorded { step: 0, .. }
        ]
    ));
}

#[test]
fn a_worker_that_has_not_joined_is_told_to_say_hello() {
    let (mut core, run) = one_run_started();
    let refused = |name: &str| Err(Refusal::UnknownWorker(worker(name)));
    assert_eq!(core.try_input(Input::Heartbeat(worker("b"))), refused("b"));
    core.input(Input::Disconnect(worker("a")));
    let word = Input::Finished(worker("a"), run, 1, done());
    assert_eq!(core.try_input(word), refused("a"));
    assert_eq!(core.input(Input::Disconnect(worker("b"))), SILENCE);
}
