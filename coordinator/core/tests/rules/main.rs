//! The rules one by one: actions are read as values, and then there is silence.

#[path = "../fixture/mod.rs"]
mod fixture;

mod clock;
mod control;
mod failures;
mod fencing;
mod import;
mod kinds;
mod leases;
mod sharing;
mod stop;
mod workers;

use fixture::{Core, ids, leases, sweep, worker};
use tailsweep_common::id::RunId;
use tailsweep_common::state::{Reason, RunState};
use tailsweep_scheduler::{Action, Input, SweepView};

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
