//! What is kept of one sweep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tailsweep_common::id::SweepId;
use tailsweep_common::state::{Reason, RunState};
use tailsweep_common::sweep::{Naming, Sweep};

use crate::event::RunNo;

/// A sweep, by the order of submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SweepNo(pub(crate) u32);

impl SweepNo {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A sweep and where its runs stand.
#[derive(Debug)]
pub(crate) struct SweepEntry {
    /// The plan.
    pub(crate) sweep: Arc<Sweep>,
    /// How its runs are called: asked for often, and found by a look at every point.
    pub(crate) naming: Naming,
    /// Its runs in its order.
    pub(crate) runs: Vec<RunNo>,
    /// How many of its runs are in each state, whether it wants them or not.
    pub(crate) counts: [u32; 6],
    /// How many of its runs a worker has, begun or not.
    pub(crate) held: u32,
    /// Larger goes first.
    pub(crate) priority: i32,
    /// None of its runs is given to a worker because of it.
    pub(crate) paused: bool,
    /// Why it no longer wants the runs that are not over.
    pub(crate) stopped: Option<Reason>,
    /// Its runs that were in computation when it was stopped, and still are: they may finish for
    /// it.
    pub(crate) finishing: BTreeSet<RunNo>,
    /// The places of its runs that have failed, once at least: so that nobody looks through all.
    pub(crate) failures: BTreeSet<u32>,
    /// How many seeds each point needs that is known well enough, by its place in the sweep.
    pub(crate) enough: BTreeMap<u32, u32>,
    /// How many of its runs in each state it does not need.
    pub(crate) spare: [u32; 6],
    /// A later sweep has all of its runs and stands for it.
    pub(crate) replaced_by: Option<SweepId>,
    /// The user has removed it: nothing but its place among the sweeps is left.
    pub(crate) removed: bool,
    /// Words to find it by.
    pub(crate) tags: Vec<String>,
    /// What the user says of it.
    pub(crate) notes: String,
}

impl SweepEntry {
    /// A sweep that has just been submitted, with room for its runs.
    pub(crate) fn new(sweep: &Arc<Sweep>) -> Self {
        Self {
            sweep: Arc::clone(sweep),
            naming: Naming::of(sweep),
            runs: Vec::with_capacity(sweep.len()),
            counts: [0; 6],
            held: 0,
            priority: sweep.priority,
            paused: false,
            stopped: None,
            finishing: BTreeSet::new(),
            failures: BTreeSet::new(),
            enough: BTreeMap::new(),
            spare: [0; 6],
            replaced_by: None,
            removed: false,
            tags: Vec::new(),
            notes: String::new(),
        }
    }

    /// How many of the runs that it needs are in a state, whether it wants them or not.
    pub(crate) fn count(&self, state: RunState) -> u32 {
        let place = place(state);
        self.counts[place] - self.spare[place]
    }

    /// Number of seeds of each point.
    pub(crate) fn seeds(&self) -> u32 {
        (self.sweep.seeds.len() as u32).max(1)
    }

    /// The place among the seeds of its point of the run at a place in the sweep.
    pub(crate) fn seed_place(&self, index: u32) -> u32 {
        index % self.seeds()
    }

    /// Whether the point of the run at a place in the sweep is not known well enough without it.
    pub(crate) fn needs(&self, index: u32) -> bool {
        let enough = self.enough.get(&(index / self.seeds()));
        enough.is_none_or(|seeds| self.seed_place(index) < *seeds)
    }

    /// Whether it wants the runs that are not over, now or when it is no longer paused.
    pub(crate) fn wants(&self) -> bool {
        self.stopped.is_none() && self.is_current()
    }

    /// Whether it still stands for itself.
    pub(crate) fn is_current(&self) -> bool {
        self.replaced_by.is_none() && !self.removed
    }
}

/// Where a state stands among the counts.
pub(crate) fn place(state: RunState) -> usize {
    match state {
        RunState::Waiting => 0,
        RunState::Running => 1,
        RunState::Done => 2,
        RunState::Diverged => 3,
        RunState::Failed => 4,
        // No run is in these by itself: its sweep says so.
        RunState::Cancelled | RunState::NotNeeded => 5,
    }
}
