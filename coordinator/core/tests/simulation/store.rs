//! The disk: what is durable, as a real store would keep it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tailsweep_common::id::RunId;
use tailsweep_scheduler::event::{RunEvent, SweepEvent};
use tailsweep_scheduler::{Event, RunNo};

use crate::world::Broken;

/// Durable events, and the tables that follow from them.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) log: Vec<Event>,
    pub(crate) runs: Vec<RunId>,
    pub(crate) records: BTreeMap<(RunNo, u64), Arc<[u8]>>,
    pub(crate) checkpoints: BTreeMap<RunNo, (u64, Arc<[u8]>)>,
    /// How many results each run has; a removal takes them along.
    pub(crate) results: BTreeMap<RunNo, u32>,
}

impl Store {
    /// Makes an event durable; returns the run if its record differs from the one on disk.
    pub(crate) fn commit(&mut self, event: Event) -> Option<RunNo> {
        self.commit_as(event, None)
    }

    /// The same, by a store that may not do as it must.
    pub(crate) fn commit_as(&mut self, event: Event, broken: Option<Broken>) -> Option<RunNo> {
        let mut differs = None;
        match &event {
            Event::Submitted(sweep) => {
                for run in sweep.runs().map(|run| run.id()) {
                    if !self.runs.contains(&run) {
                        self.runs.push(run);
                    }
                }
            }
            Event::Recorded { run, step, payload } => {
                let kept = self
                    .records
                    .entry((*run, *step))
                    .or_insert_with(|| payload.clone());
                differs = (kept != payload).then_some(*run);
            }
            Event::Checkpointed { run, step, payload } => {
                for before in 0..=*step {
                    let is_kept = self.records.contains_key(&(*run, before));
                    assert!(
                        is_kept,
                        "checkpoint at {step} of {run:?} without record {before}"
                    );
                }
                self.checkpoints.insert(*run, (*step, payload.clone()));
            }
            Event::Run(run, RunEvent::Started { discard: true, .. })
                if broken != Some(Broken::NoDiscard) =>
            {
                self.records.retain(|(of, _), _| of != run);
                self.checkpoints.remove(run);
            }
            Event::Sweep(_, SweepEvent::Removed { forgotten, .. }) => {
                let is_forgotten = |run: &RunNo| {
                    let mut ranges = forgotten.iter();
                    ranges.any(|(first, last)| (first..=last).contains(&run))
                };
                self.records.retain(|(of, _), _| !is_forgotten(of));
                self.checkpoints.retain(|of, _| !is_forgotten(of));
                self.results.retain(|of, _| !is_forgotten(of));
            }
            Event::Run(run, RunEvent::Finished { .. }) => {
                *self.results.entry(*run).or_default() += 1;
            }
            Event::Run(..) | Event::Sweep(..) => {}
        }
        self.log.push(event);
        differs
    }
}
