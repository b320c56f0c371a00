//! The rules one by one: actions are read as values, and then there is silence.

mod fixture;

use std::sync::Arc;
use std::time::Duration;

use fixture::{Core, KIND, done, ids, leases, sweep, worker};
use tailsweep_common::id::RunId;
use tailsweep_common::state::{Reason, RunState};
use tailsweep_scheduler::{
    Action, Config, Event, Input, Refusal, Scheduler, SweepView, Tick, Why,
    event::{RunEvent, SweepEvent},
};

const SILENCE: [Action; 0] = [];

fn settled(name: &str, run: RunId, attempt: u32) -> [Action; 1] {
    [Action::Settled(worker(name), run, attempt)]
}

fn stale(name: &str, run: RunId, attempt: u32) -> [Action; 1] {
    [Action::Stale(worker(name), run, attempt)]
}

fn failed(core: &mut Core, name: &str, run: RunId, attempt: u32) -> Vec<Action> {
    core.input(Input::Failed {
        worker: worker(name),
        run,
        attempt,
        reason: Reason::Panic,
        message: format!("attempt {attempt} on {name}"),
    })
}

fn hand_back(core: &mut Core, name: &str, run: RunId, attempt: u32) -> Vec<Action> {
    core.input(Input::HandBack(worker(name), run, attempt))
}

fn only_sweep(core: &Core) -> SweepView<'_> {
    core.scheduler.sweeps().last().expect("a sweep")
}

fn state(core: &Core, run: RunId) -> (RunState, Option<Reason>) {
    let sweep = only_sweep(core).id;
    let view = core
        .scheduler
        .runs_of(sweep)
        .find(|view| view.id == run)
        .expect("a run of it");
    (view.state, view.reason)
}

/// One sweep of one run, leased to `a` with one slot and started there.
fn one_run_started() -> (Core, RunId) {
    let mut core = Core::default();
    let plan = sweep("one", &[8], 1);
    let run = ids(&plan)[0];
    assert_eq!(core.submit(&plan), SILENCE);
    assert_eq!(leases(core.join("a", 1, &[])), [("a".to_owned(), run, 1)]);
    assert_eq!(core.started("a", run, 1), SILENCE);
    (core, run)
}

// Order and number of leases.

#[test]
fn the_run_that_is_predicted_longest_goes_first() {
    let mut core = Core::default();
    let plan = sweep("mixed", &[8, 64, 16], 1);
    core.submit(&plan);
    let order: Vec<_> = leases(core.join("a", 3, &[]))
        .into_iter()
        .map(|lease| lease.1)
        .collect();
    let runs = ids(&plan);
    assert_eq!(order, [runs[1], runs[2], runs[0]]);
}

#[test]
fn larger_priority_goes_before_earlier_submission() {
    let mut core = Core::default();
    let (first, second) = (sweep("first", &[64], 1), sweep("second", &[8], 1));
    let mut urgent = sweep("urgent", &[4], 1);
    urgent.priority = 1;
    for plan in [&first, &second, &urgent] {
        core.submit(plan);
    }
    let order: Vec<_> = leases(core.join("a", 3, &[]))
        .into_iter()
        .map(|lease| lease.1)
        .collect();
    assert_eq!(order, [ids(&urgent)[0], ids(&first)[0], ids(&second)[0]]);
}

#[test]
fn a_run_that_two_sweeps_want_has_the_larger_priority_and_is_leased_once() {
    let mut core = Core::default();
    let plan = sweep("slow", &[8, 16], 1);
    let mut urgent = sweep("urgent", &[8], 1);
    urgent.priority = 1;
    core.submit(&plan);
    core.submit(&urgent);
    let order: Vec<_> = leases(core.join("a", 5, &[]))
        .into_iter()
        .map(|lease| lease.1)
        .collect();
    assert_eq!(order, ids(&plan));
}

#[test]
fn leases_go_to_the_emptiest_worker() {
    let mut core = Core::default();
    core.join("a", 2, &[]);
    core.join("b", 4, &[]);
    let leases = leases(core.submit(&sweep("six", &[8], 6)));
    let of = |name: &str| leases.iter().filter(|lease| lease.0 == name).count();
    assert_eq!((of("a"), of("b")), (2, 4));
    assert_eq!(
        leases[2].0, "b",
        "after one each, b is a quarter full and a is half full"
    );
}

#[test]
fn runs_are_given_ahead_only_while_more_wait_than_there_are_slots() {
    let mut core = Core::default();
    core.submit(&sweep("ten", &[8], 10));
    // 2 for the slots; 8 wait for 2 slots: 2 ahead.
    assert_eq!(core.join("a", 2, &[]).len(), 4);
    // 3 for the slots; 3 wait for 5 slots: none ahead.
    assert_eq!(core.join("b", 3, &[]).len(), 3);
    assert_eq!(core.scheduler.queued(), 3);
}

#[test]
fn a_worker_with_one_slot_gets_two_ahead() {
    let mut core = Core::default();
    core.submit(&sweep("ten", &[8], 10));
    assert_eq!(core.join("a", 1, &[]).len(), 3);
}

#[test]
fn a_worker_without_slots_gets_nothing() {
    let mut core = Core::default();
    core.submit(&sweep("ten", &[8], 10));
    assert_eq!(core.join("a", 0, &[]), SILENCE);
}

// Sweeps that share runs.

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
        [(run, RunState::Done, true), (new, RunState::Running, false)]
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

// Attempts fence.

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

// Failures.

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

    let again = leases(core.input(Input::Retry(plan.id)));
    assert_eq!(again.len(), 2, "one for each slot");
    assert_eq!(
        (only_sweep(&core).counts.waiting, core.scheduler.queued()),
        (2, 2)
    );
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
            leases(core.input(Input::Retry(plan.id))),
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
            leases(core.input(Input::Retry(plan.id))),
            [("a".to_owned(), run, attempt + 2)]
        );
    }
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

// Workers that go.

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

// Kinds.

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

// Clock and restart.

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
fn a_retry_of_an_unknown_sweep_is_refused() {
    let mut core = Core::default();
    let id = sweep("never", &[8], 1).id;
    assert_eq!(
        core.try_input(Input::Retry(id)),
        Err(Refusal::UnknownSweep(id))
    );
}

#[test]
fn a_time_limit_travels_with_the_lease() {
    let mut core = Core::default();
    let mut plan = sweep("one", &[8], 1);
    plan.limits.time_limit = Some(Duration::from_secs(60));
    core.submit(&plan);
    let lease = core.join("a", 1, &[]);
    assert!(
        matches!(&lease[..], [Action::Lease { time_limit: Some(limit), .. }] if limit.as_secs() == 60)
    );
}

#[test]
fn half_a_million_runs_do_not_slow_down_a_word() {
    let mut plan = sweep("large", &[2], 1);
    plan.seeds = (0..500_000).collect();
    let mut scheduler = Scheduler::new(Config::default());
    scheduler
        .handle(Tick(0), Input::Submit(Arc::new(plan)))
        .expect("taken");
    let begun = std::time::Instant::now();
    let (name, kind) = (worker("a"), Arc::from(KIND));
    let join = Input::Join {
        worker: name.clone(),
        slots: 8,
        kind,
        holds: Vec::new(),
    };
    scheduler.handle(Tick(0), join).expect("taken");
    let mut finished = 0;
    while finished < 10_000 {
        while scheduler.poll_event().is_some() {}
        let action = scheduler.poll_action().expect("there is always a lease");
        if let Action::Lease { id, attempt, .. } = action {
            let end = Input::Finished(name.clone(), id, attempt, done());
            scheduler.handle(Tick(0), end).expect("taken");
            finished += 1;
        }
    }
    // Far below 200 µs for a run even on a busy machine: nothing looks at all runs.
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_cancelled_sweep_stops_and_a_retry_goes_on_with_it() {
    let mut core = Core::default();
    let plan = sweep("one", &[8, 16], 1);
    core.submit(&plan);
    let [(_, run, attempt)] = leases(core.join("a", 1, &[]))[..] else {
        panic!("one slot gets one lease");
    };
    core.started("a", run, attempt);
    core.input(Input::Cancel(plan.id));
    let counts = only_sweep(&core).counts;
    assert_eq!((counts.running, counts.cancelled), (1, 1));
    assert_eq!(
        core.finished("a", run, attempt),
        settled("a", run, attempt),
        "what is in computation may finish, and nothing follows it"
    );
    assert!(only_sweep(&core).is_over);
    assert_eq!(core.input(Input::Cancel(plan.id)), SILENCE);

    assert_eq!(leases(core.input(Input::Retry(plan.id))).len(), 1);
    assert_eq!(only_sweep(&core).counts.cancelled, 0);
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
