//! Points that are known well enough.

use tailsweep_common::id::RunId;
use tailsweep_common::state::RunState;
use tailsweep_common::sweep::{Stop, Sweep};
use tailsweep_scheduler::{Action, Config, Input};
use tailsweep_stats::late::Seed;

use crate::fixture::{Core, ids, leases, sweep};
use crate::{SILENCE, failed, only_sweep, settled, stale};

/// One point of `seeds` seeds; the half-width of three equal ones is far below 0.1.
fn plan(seeds: u64) -> Sweep {
    let mut plan = sweep("stops", &[8], seeds);
    plan.stop = Some(Stop { alpha_ci: 0.1 });
    plan.limits.max_attempts = 1;
    plan
}

fn judged(core: &mut Core, run: RunId, theta: f64) -> Vec<Action> {
    let no = core.scheduler.run_no(run).expect("known");
    let late = Some(Seed {
        theta,
        std_error: Some(1e-4),
        degrees: Some(9),
        alpha_mean: 1.0 / theta,
    });
    core.input(Input::Judged {
        run: no,
        attempt: 1,
        late,
    })
}

fn not_needed(core: &Core) -> Vec<bool> {
    let runs = core.scheduler.runs_of(only_sweep(core).id);
    runs.map(|run| run.state == RunState::NotNeeded).collect()
}

#[test]
fn a_point_ends_at_its_smallest_prefix_whatever_the_order_of_arrival() {
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]] {
        let mut core = Core::default();
        let plan = plan(6);
        let runs = ids(&plan);
        core.submit(&plan);
        core.join("a", 6, &[]);
        core.started("a", runs[5], 1);
        let mut taken_back = Vec::new();
        for seed in order {
            if not_needed(&core)[seed] {
                continue;
            }
            let asked = core.finished("a", runs[seed], 1);
            assert!(
                asked
                    .iter()
                    .any(|action| matches!(action, Action::Judge(_, 1))),
                "{asked:?}"
            );
            // With the first of them, three seeds are too wide; with four, they are not.
            let theta = if seed == 0 { 0.48 } else { 0.5 };
            taken_back.extend(judged(&mut core, runs[seed], theta));
        }
        assert_eq!(not_needed(&core), [false, false, false, false, true, true]);
        let [ended] = stale("a", runs[5], 1);
        assert!(taken_back.contains(&ended), "it was in computation");
        let view = only_sweep(&core);
        assert!(view.is_over, "{view:?}");
        assert_eq!((view.counts.done, view.counts.not_needed), (4, 2));
        core.restart(Config::default());
        assert_eq!(not_needed(&core), [false, false, false, false, true, true]);
    }
}

#[test]
fn three_seeds_are_looked_at_in_any_case_and_go_first() {
    let mut core = Core::default();
    let mut plan = sweep("two points", &[8, 64], 5);
    plan.stop = Some(Stop { alpha_ci: 0.1 });
    let runs = ids(&plan);
    core.submit(&plan);
    let given = leases(core.join("a", 6, &[]));
    let first: Vec<RunId> = given[..6].iter().map(|lease| lease.1).collect();
    let wanted = [&runs[5..8], &runs[..3]].concat();
    assert_eq!(first, wanted, "no fourth seed before each third one");
    for run in &runs[..3] {
        core.finished("a", *run, 1);
        judged(&mut core, *run, 0.5);
    }
    assert_eq!(only_sweep(&core).counts.not_needed, 2);
}

#[test]
fn a_failed_seed_holds_the_decision_up_until_it_has_a_result() {
    let mut core = Core::default();
    let plan = plan(5);
    let runs = ids(&plan);
    core.submit(&plan);
    core.join("a", 8, &[]);
    failed(&mut core, "a", runs[1], 1);
    for seed in [0, 2, 3, 4] {
        core.finished("a", runs[seed], 1);
        assert_eq!(judged(&mut core, runs[seed], 0.5), SILENCE);
    }
    assert!(only_sweep(&core).is_over && not_needed(&core) == [false; 5]);
    let retry = Input::Retry {
        sweep: plan.id,
        failed_only: true,
    };
    assert_eq!(leases(core.input(retry)), [("a".to_owned(), runs[1], 2)]);
    let asked = core.finished("a", runs[1], 2);
    assert_eq!(asked[1..], settled("a", runs[1], 2));
    let no = core.scheduler.run_no(runs[1]).expect("known");
    assert_eq!(asked[0], Action::Judge(no, 2));
    let late = None;
    core.input(Input::Judged {
        run: no,
        attempt: 2,
        late,
    });
    // It says nothing: the first three with a value are enough.
    assert_eq!(not_needed(&core), [false, false, false, false, true]);
}

#[test]
fn what_was_not_judged_is_asked_for_again_after_a_restart() {
    let mut core = Core::default();
    let plan = plan(4);
    let runs = ids(&plan);
    core.submit(&plan);
    core.join("a", 4, &[]);
    core.finished("a", runs[0], 1);
    core.restart(Config::default());
    let no = core.scheduler.run_no(runs[0]).expect("known");
    assert_eq!(core.scheduler.poll_action(), Some(Action::Judge(no, 1)));
}

#[test]
fn a_sweep_whose_results_are_all_known_is_over_once_it_is_decided_what_it_needs() {
    let mut core = Core::default();
    let known = sweep("known", &[8], 5);
    let runs = ids(&known);
    core.submit(&known);
    core.join("a", 8, &[]);
    for run in &runs {
        core.finished("a", *run, 1);
    }
    assert!(only_sweep(&core).is_over);

    let plan = plan(5);
    core.submit(&plan);
    for run in &runs[..3] {
        let view = only_sweep(&core);
        assert!(view.is_deciding && !view.is_over, "{view:?}");
        core.input(Input::Cancel(plan.id));
        judged(&mut core, *run, 0.5);
    }
    let view = only_sweep(&core);
    assert_eq!((view.is_over, view.counts.not_needed), (true, 2));
    assert_eq!(view.stopped, None, "what is computed can't be cancelled");
    core.restart(Config::default());
    assert!(only_sweep(&core).is_over);
}

#[test]
fn the_last_run_of_a_prefix_ends_the_sweep_when_it_is_known_what_it_says() {
    let mut core = Core::default();
    let plan = plan(4);
    let runs = ids(&plan);
    core.submit(&plan);
    core.join("a", 4, &[]);
    for seed in [3, 0, 1] {
        core.finished("a", runs[seed], 1);
        judged(&mut core, runs[seed], 0.5);
    }
    core.finished("a", runs[2], 1);
    assert!(!only_sweep(&core).is_over);
    core.restart(Config::default());
    assert!(!only_sweep(&core).is_over, "it is asked for again");
    judged(&mut core, runs[2], 0.5);
    let view = only_sweep(&core);
    assert_eq!((view.is_over, view.counts.not_needed), (true, 1));
}

#[test]
fn nobody_waits_for_records_that_cannot_be_read() {
    let mut core = Core::default();
    let plan = plan(4);
    let runs = ids(&plan);
    core.submit(&plan);
    core.join("a", 4, &[]);
    for run in &runs {
        core.finished("a", *run, 1);
    }
    for run in &runs[1..] {
        judged(&mut core, *run, 0.5);
    }
    let unread = core.scheduler.run_no(runs[0]).expect("known");
    let unjudged = |attempt| Input::Unjudged {
        run: unread,
        attempt,
    };
    core.input(unjudged(7));
    assert!(
        !only_sweep(&core).is_over,
        "of an attempt that nobody asked for"
    );
    core.input(unjudged(1));
    assert!(only_sweep(&core).is_over && not_needed(&core) == [false; 4]);
    core.restart(Config::default());
    assert_eq!(core.scheduler.poll_action(), Some(Action::Judge(unread, 1)));
}
