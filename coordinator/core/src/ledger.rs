//! What the events say: the state that a restart does not forget.
//!
//! [`Ledger::apply`] is the only way in. What is absent: who is connected, deadlines, back-off
//! and the queue; those follow from here and from what workers say ([`crate::Scheduler`]).

mod apply;
mod entry;
mod invariants;
mod point;
mod snapshot;
mod sweep;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use tailsweep_common::id::{RunId, SweepId};
use tailsweep_common::run::Run;
use tailsweep_common::sweep::Sweep;
use tailsweep_stats::late::Seed;

pub(crate) use entry::{Entry, Settled, Stage};
pub(crate) use point::{DatasetNo, Needs, Points};
pub use snapshot::Snapshot;
pub(crate) use sweep::{SweepEntry, SweepNo};

use crate::event::RunNo;
use crate::input::Attempt;
use crate::names::Names;
use crate::prepared::Waiting;
use crate::sessions::WorkerNo;

/// One link of the chain of the sweeps of a run, the latest first.
#[derive(Clone, Copy, Debug)]
struct Link {
    sweep: SweepNo,
    next: u32,
    /// The run's place in the sweep.
    index: u32,
    /// Another sweep had brought the run before.
    taken_over: bool,
}

/// End of a chain.
const END: u32 = u32::MAX;

/// The durable state.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    runs: Vec<Entry>,
    run_nos: HashMap<RunId, RunNo>,
    sweeps: Vec<SweepEntry>,
    sweep_nos: HashMap<SweepId, SweepNo>,
    links: Vec<Link>,
    points: Points,
    held: BTreeSet<RunNo>,
    messages: BTreeMap<RunNo, Box<str>>,
    /// What finished runs say of the late α of their points, where somebody asked.
    judged: BTreeMap<RunNo, Option<Seed>>,
    /// Names of workers; a worker that joins gets its number before an event names it.
    pub(crate) workers: Names,
    /// Names of kinds, likewise.
    pub(crate) kinds: Names,
    /// Of sweeps that are about to come in; no part of the state.
    pub(crate) prepared: Waiting,
}

/// Looking.
impl Ledger {
    pub(crate) fn run_no(&self, id: RunId) -> Option<RunNo> {
        self.run_nos.get(&id).copied()
    }

    pub(crate) fn sweep_no(&self, id: SweepId) -> Option<SweepNo> {
        self.sweep_nos.get(&id).copied()
    }

    /// Number of runs.
    pub(crate) fn len(&self) -> usize {
        self.runs.len()
    }

    pub(crate) fn entry(&self, no: RunNo) -> &Entry {
        &self.runs[no.0 as usize]
    }

    pub(crate) fn numbered(&self) -> impl Iterator<Item = (RunNo, &Entry)> {
        (0..).map(RunNo).zip(&self.runs)
    }

    pub(crate) fn sweep(&self, no: SweepNo) -> &SweepEntry {
        &self.sweeps[no.index()]
    }

    pub(crate) fn sweeps(&self) -> &[SweepEntry] {
        &self.sweeps
    }

    /// The runs whose attempt is current.
    pub(crate) fn held(&self) -> &BTreeSet<RunNo> {
        &self.held
    }

    /// The worker that has the current attempt of a run.
    pub(crate) fn holder(&self, no: RunNo) -> Option<WorkerNo> {
        let entry = self.entry(no);
        entry.stage.is_held().then_some(entry.worker)
    }

    /// What the trainer said at a run's last failure.
    pub(crate) fn message(&self, no: RunNo) -> Option<&str> {
        self.messages.get(&no).map(|message| &**message)
    }

    /// What a run is predicted to take.
    pub(crate) fn needs(&self, no: RunNo) -> Needs {
        self.points.needs(self.entry(no).point)
    }

    /// Bytes that a run takes with its data set.
    pub(crate) fn full_size(&self, no: RunNo) -> u64 {
        let needs = self.needs(no);
        needs.memory.saturating_add(self.points.data_bytes(needs))
    }

    /// What is predicted of points and data sets.
    pub(crate) fn points(&self) -> &Points {
        &self.points
    }

    /// The run itself.
    pub(crate) fn run(&self, no: RunNo) -> Run {
        let entry = self.entry(no);
        let sweep = &self.sweeps[entry.sweep as usize].sweep;
        sweep
            .run(entry.index as usize)
            .expect("the run became known as this one of the sweep")
    }

    /// The sweeps that a run belongs to, the latest first, as links of its chain.
    fn links_of(&self, no: RunNo) -> impl Iterator<Item = Link> + '_ {
        let link = |at: u32| self.links.get(at as usize).copied();
        std::iter::successors(link(self.entry(no).chain), move |last| link(last.next))
    }

    /// The sweeps that a run belongs to, the latest first.
    pub(crate) fn sweeps_of(&self, no: RunNo) -> impl Iterator<Item = SweepNo> + '_ {
        self.links_of(no).map(|link| link.sweep)
    }

    /// Whether a run was known, from another sweep, when this one of its sweeps was submitted.
    pub(crate) fn is_taken_over(&self, no: RunNo, sweep: SweepNo) -> bool {
        self.links_of(no)
            .any(|link| link.sweep == sweep && link.taken_over)
    }

    /// The sweeps that still want a run.
    pub(crate) fn wanted_by(&self, no: RunNo) -> impl Iterator<Item = SweepNo> + '_ {
        self.places_wanting(no).map(|(sweep, _)| sweep)
    }

    /// The same, each with the place of the run among the seeds of its point.
    pub(crate) fn places_wanting(&self, no: RunNo) -> impl Iterator<Item = (SweepNo, u32)> + '_ {
        self.links_of(no).filter_map(|link| {
            let sweep = self.sweep(link.sweep);
            let wants = sweep.wants() && sweep.needs(link.index);
            wants.then(|| (link.sweep, sweep.seed_place(link.index)))
        })
    }

    /// The sweeps that stop early and want to know what a run says, each with the place of its
    /// point.
    pub(crate) fn asking_for(&self, no: RunNo) -> impl Iterator<Item = (SweepNo, u32)> + '_ {
        self.links_of(no).filter_map(|link| {
            let sweep = self.sweep(link.sweep);
            let asks = sweep.is_current() && sweep.sweep.stop.is_some() && sweep.needs(link.index);
            asks.then(|| (link.sweep, link.index / sweep.seeds()))
        })
    }

    /// What a finished run says of the late α of its point, once somebody has told.
    pub(crate) fn judged(&self, no: RunNo) -> Option<Option<Seed>> {
        self.judged.get(&no).copied()
    }

    /// Whether a sweep needs one of its runs.
    pub(crate) fn is_needed(&self, no: RunNo, sweep: SweepNo) -> bool {
        self.links_of(no)
            .any(|link| link.sweep == sweep && self.sweep(sweep).needs(link.index))
    }

    /// What a run may use up: the most that a sweep that wants it allows, or, if none does, that
    /// any of its sweeps allows.
    fn allowed<T: Ord>(&self, no: RunNo, limit: impl Fn(&Sweep) -> T) -> Option<T> {
        let limit = |sweep: SweepNo| limit(&self.sweep(sweep).sweep);
        let wanted = self.wanted_by(no).map(&limit).max();
        wanted.or_else(|| self.sweeps_of(no).map(&limit).max())
    }

    /// Own failures after which a run is given up.
    pub(crate) fn max_attempts(&self, no: RunNo) -> u32 {
        self.allowed(no, |sweep| sweep.limits.max_attempts)
            .unwrap_or(0)
    }

    /// Losses that a run survives.
    pub(crate) fn max_losses(&self, no: RunNo) -> u32 {
        self.allowed(no, |sweep| sweep.limits.max_losses)
            .unwrap_or(0)
    }

    /// Time for one attempt at a run.
    pub(crate) fn time_limit(&self, no: RunNo) -> Option<Duration> {
        let limit = self.allowed(no, |sweep| sweep.limits.time_limit.unwrap_or(Duration::MAX))?;
        (limit != Duration::MAX).then_some(limit)
    }

    /// Whether there are numbers for as many more runs, each with its link.
    pub(crate) fn has_numbers_for(&self, more: usize) -> bool {
        let most = END as usize;
        more < most - self.links.len().min(most) && more < most - self.runs.len().min(most)
    }

    /// The runs of a sweep that no other sweep has, as ranges of numbers: first and last.
    pub(crate) fn only_in(&self, sweep: SweepNo) -> Vec<(RunNo, RunNo)> {
        let others = |no: RunNo| {
            self.sweeps_of(no)
                .any(|of| of != sweep && !self.sweep(of).removed)
        };
        let mut alone: Vec<RunNo> = self.sweep(sweep).runs.clone();
        alone.retain(|no| !others(*no));
        alone.sort_unstable();
        let mut ranges: Vec<(RunNo, RunNo)> = Vec::new();
        for no in alone {
            match ranges.last_mut() {
                Some((_, last)) if last.0 + 1 == no.0 => *last = no,
                _ => ranges.push((no, no)),
            }
        }
        ranges
    }

    /// How often the runs in these ranges were tried, as ranges; those that never were are left out.
    pub(crate) fn attempts_at(&self, runs: &[(RunNo, RunNo)]) -> Vec<(RunNo, RunNo, Attempt)> {
        let mut ranges: Vec<(RunNo, RunNo, Attempt)> = Vec::new();
        for no in runs.iter().flat_map(|(first, last)| first.0..=last.0) {
            let attempt = self.entry(RunNo(no)).attempt;
            match ranges.last_mut() {
                Some((_, last, same)) if last.0 + 1 == no && *same == attempt => *last = RunNo(no),
                _ if attempt == 0 => {}
                _ => ranges.push((RunNo(no), RunNo(no), attempt)),
            }
        }
        ranges
    }
}
