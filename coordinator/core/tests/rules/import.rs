//! Results of other coordinators, and what is worked out of a sweep before it comes in.

use std::sync::Arc;

use tailsweep_common::id::RunId;
use tailsweep_common::state::RunState;
use tailsweep_scheduler::event::RunEvent;
use tailsweep_scheduler::{Action, Config, Event, Imported, Input, Prepared, Refusal};

use crate::fixture::{Core, KIND, done, ids, sweep};
use crate::{SILENCE, one_run_started, stale, state};

fn imported(run: RunId) -> Input {
    let record = |step: u64| (step, Arc::from(step.to_le_bytes()));
    Input::Import(Box::new(Imported {
        run,
        kind: KIND.into(),
        ending: done(),
        nondeterministic: false,
        records: vec![record(0), record(10)],
    }))
}

fn records(core: &Core) -> usize {
    let is_record = |event: &&Event| matches!(event, Event::Recorded { .. });
    core.log.iter().filter(is_record).count()
}

#[test]
fn a_result_is_taken_in_once_and_survives_a_restart() {
    let mut core = Core::default();
    let plan = sweep("one", &[8], 1);
    let run = ids(&plan)[0];
    core.submit(&plan);
    assert_eq!(core.input(imported(run)), SILENCE);
    assert_eq!(state(&core, run), (RunState::Done, None));
    let events = core.log.len();
    assert_eq!(core.input(imported(run)), SILENCE);
    assert_eq!((core.log.len(), records(&core)), (events, 2));
    core.restart(Config::default());
    assert_eq!(state(&core, run), (RunState::Done, None));
    assert_eq!(core.join("a", 1, &[]), SILENCE, "nothing is left to do");
}

#[test]
fn a_run_in_computation_is_taken_back_and_its_records_go() {
    let (mut core, run) = one_run_started();
    core.record("a", run, 1, 0);
    assert_eq!(core.input(imported(run)), stale("a", run, 1));
    assert_eq!(state(&core, run), (RunState::Done, None));
    let no = core.scheduler.run_no(run).expect("known");
    let discarded = RunEvent::Started {
        attempt: 2,
        discard: true,
    };
    assert!(core.log.contains(&Event::Run(no, discarded)));
    assert_eq!(core.finished("a", run, 1), stale("a", run, 1));
}

#[test]
fn a_result_of_a_run_that_no_sweep_has_is_refused() {
    let (mut core, run) = one_run_started();
    let stranger = RunId::of(b"a stranger");
    let refused = core.try_input(imported(stranger));
    assert_eq!(refused, Err(Refusal::UnknownRun(stranger)));
    let sweep = core.scheduler.sweeps().next().expect("a sweep").id;
    core.input(Input::Remove(sweep));
    assert_eq!(core.try_input(imported(run)), Err(Refusal::UnknownRun(run)));
}

#[test]
fn a_sweep_comes_in_by_what_was_worked_out_before() {
    let mut core = Core::default();
    let (plan, other) = (sweep("plan", &[8, 16], 2), sweep("other", &[8, 16, 32], 2));
    let prepared = Prepared::new(&plan);
    assert_eq!(prepared.ids(), ids(&plan));
    core.scheduler.prepare(prepared);
    core.submit(&plan);
    // What is of another sweep is not used.
    core.scheduler.prepare(Prepared::new(&plan));
    core.submit(&other);
    for plan in [&plan, &other] {
        let known: Vec<RunId> = core.scheduler.runs_of(plan.id).map(|run| run.id).collect();
        assert_eq!(known, ids(plan));
    }
    core.restart(Config::default());
    let leased = |action: &Action| matches!(action, Action::Lease { .. });
    assert!(core.join("a", 1, &[]).iter().all(leased));
}
