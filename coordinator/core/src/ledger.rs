//! What the events say: the state that a restart does not forget.
//!
//! [`Ledger::apply`] is the only way in. What is absent: who is connected, deadlines, back-off
//! and the queue; those follow from here and from what workers say ([`crate::Scheduler`]).

mod entry;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tailsweep_common::cost;
use tailsweep_common::id::{RunId, SweepId};
use tailsweep_common::run::Run;
use tailsweep_common::state::{Ending, Reason, RunState};
use tailsweep_common::sweep::Sweep;

pub(crate) use entry::{Entry, Settled, Stage};
pub use snapshot::Snapshot;

use crate::event::{Event, RunEvent, RunNo, SweepEvent};
use crate::names::Names;
use crate::sessions::WorkerNo;

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
    /// Its runs in its order.
    pub(crate) runs: Vec<RunNo>,
    /// How many of its runs are in each state, whether it wants them or not.
    pub(crate) counts: [u32; 6],
    /// Why it no longer wants the runs that are not over.
    pub(crate) stopped: Option<Reason>,
    /// Its runs that were held when it was stopped, and still are: they may finish for it.
    pub(crate) finishing: BTreeSet<RunNo>,
}

impl SweepEntry {
    /// How many of its runs are in a state, whether it wants them or not.
    pub(crate) fn count(&self, state: RunState) -> u32 {
        self.counts[place(state)]
    }
}

fn place(state: RunState) -> usize {
    match state {
        RunState::Waiting => 0,
        RunState::Running => 1,
        RunState::Done => 2,
        RunState::Diverged => 3,
        RunState::Failed => 4,
        RunState::Cancelled => 5,
    }
}

/// One link of the chain of the sweeps of a run, the latest first.
#[derive(Clone, Copy, Debug)]
struct Link {
    sweep: SweepNo,
    next: u32,
}

/// End of a chain.
const END: u32 = u32::MAX;

/// Bytes that are kept here of a failure's message; the store has all of it.
const MESSAGE: usize = 1024;

/// The durable state.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    runs: Vec<Entry>,
    run_nos: HashMap<RunId, RunNo>,
    sweeps: Vec<SweepEntry>,
    sweep_nos: HashMap<SweepId, SweepNo>,
    links: Vec<Link>,
    held: BTreeSet<RunNo>,
    messages: BTreeMap<RunNo, Box<str>>,
    /// Names of workers; a worker that joins gets its number before an event names it.
    pub(crate) workers: Names,
    /// Names of kinds, likewise.
    pub(crate) kinds: Names,
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

    /// The run itself.
    pub(crate) fn run(&self, no: RunNo) -> Run {
        let entry = self.entry(no);
        let sweep = &self.sweeps[entry.sweep as usize].sweep;
        sweep
            .run(entry.index as usize)
            .expect("the run became known as this one of the sweep")
    }

    /// The sweeps that a run belongs to, the latest first.
    pub(crate) fn sweeps_of(&self, no: RunNo) -> impl Iterator<Item = SweepNo> + '_ {
        let link = |at: u32| self.links.get(at as usize).copied();
        std::iter::successors(link(self.entry(no).chain), move |last| link(last.next))
            .map(|link| link.sweep)
    }

    /// The sweeps that still want a run.
    pub(crate) fn wanted_by(&self, no: RunNo) -> impl Iterator<Item = SweepNo> + '_ {
        self.sweeps_of(no)
            .filter(|sweep| self.sweep(*sweep).stopped.is_none())
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
}

/// Changing. What an event names and nobody has heard of is passed over: the store checks that its
/// rows fit together, and a process that reads a damaged one should not panic.
impl Ledger {
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Submitted(sweep) => self.submitted(sweep),
            Event::Recorded { run, step, .. } => {
                if let Some(entry) = self.runs.get_mut(run.0 as usize)
                    && matches!(entry.stage, Stage::Waiting | Stage::Leased | Stage::Started)
                {
                    entry.steps = entry.steps.max(*step);
                }
            }
            Event::Checkpointed { run, step, .. } => {
                if let Some(entry) = self.runs.get_mut(run.0 as usize) {
                    entry.checkpoint = Some(*step);
                    entry.losses = 0;
                }
            }
            Event::Run(run, event) => {
                if (run.0 as usize) < self.runs.len() {
                    self.run_changed(*run, event);
                }
            }
            Event::Sweep(id, event) => {
                if let Some(sweep) = self.sweep_no(*id) {
                    self.sweep_changed(sweep, event);
                }
            }
        }
    }

    fn submitted(&mut self, sweep: &Arc<Sweep>) {
        if self.sweep_no(sweep.id).is_some() {
            return;
        }
        let sweep_no = SweepNo(u32::try_from(self.sweeps.len()).expect("fewer sweeps than runs"));
        let mut entry = SweepEntry {
            sweep: Arc::clone(sweep),
            runs: Vec::with_capacity(sweep.len()),
            counts: [0; 6],
            stopped: None,
            finishing: BTreeSet::new(),
        };
        let mut seconds = 0.0;
        for (index, run) in sweep.runs().enumerate() {
            if index.is_multiple_of(sweep.seeds.len()) {
                seconds = cost::predict(&run.point).seconds as f32;
            }
            let id = run.id();
            let next = RunNo(self.runs.len() as u32);
            let no = *self.run_nos.entry(id).or_insert(next);
            if no == next {
                self.runs.push(Entry {
                    id,
                    sweep: sweep_no.0,
                    index: index as u32,
                    chain: END,
                    seconds,
                    attempt: 0,
                    worker: WorkerNo(0),
                    kind: 0,
                    settled_by: WorkerNo(0),
                    failures: 0,
                    losses: 0,
                    made_by: None,
                    checkpoint: None,
                    steps: 0,
                    stage: Stage::Waiting,
                    settled: Settled::Never,
                    nondeterministic: false,
                });
            }
            let run = &mut self.runs[no.0 as usize];
            let latest = self.links.get(run.chain as usize).map(|link| link.sweep);
            if latest == Some(sweep_no) {
                continue; // listed twice
            }
            let link = self.links.len() as u32;
            self.links.push(Link {
                sweep: sweep_no,
                next: run.chain,
            });
            run.chain = link;
            entry.counts[place(run.stage.state())] += 1;
            entry.runs.push(no);
        }
        self.sweeps.push(entry);
        self.sweep_nos.insert(sweep.id, sweep_no);
    }

    fn run_changed(&mut self, no: RunNo, event: &RunEvent) {
        let entry = &mut self.runs[no.0 as usize];
        let settle = |entry: &mut Entry, how| {
            entry.settled = how;
            entry.settled_by = entry.worker;
        };
        let stage = match event {
            RunEvent::Leased {
                attempt,
                worker,
                kind,
            } => {
                entry.attempt = *attempt;
                entry.worker = WorkerNo(self.workers.intern(worker));
                entry.kind = self.kinds.intern(kind);
                Stage::Leased
            }
            RunEvent::Started { discard, .. } => {
                if *discard {
                    entry.checkpoint = None;
                    entry.steps = 0;
                }
                entry.made_by = Some(entry.kind);
                Stage::Started
            }
            RunEvent::Finished { ending, .. } => {
                settle(entry, Settled::Finished);
                entry.steps = ending.steps();
                match *ending {
                    Ending::Done {
                        accuracy_reached, ..
                    } => Stage::Done { accuracy_reached },
                    Ending::Diverged { .. } => Stage::Diverged,
                }
            }
            RunEvent::Failed {
                reason,
                message,
                last,
                ..
            } => {
                settle(entry, Settled::Failed);
                entry.failures += 1;
                self.messages.insert(no, shortened(message));
                if *last {
                    Stage::Failed(*reason)
                } else {
                    Stage::Waiting
                }
            }
            RunEvent::Lost { last, .. } => {
                settle(entry, Settled::Lost);
                entry.losses += 1;
                if *last {
                    Stage::Failed(Reason::Lost)
                } else {
                    Stage::Waiting
                }
            }
            RunEvent::HandedBack { .. } => {
                settle(entry, Settled::HandedBack);
                Stage::Waiting
            }
            RunEvent::Differed => {
                entry.nondeterministic = true;
                return;
            }
            RunEvent::Reopened => {
                entry.failures = 0;
                entry.losses = 0;
                Stage::Waiting
            }
        };
        let before = std::mem::replace(&mut entry.stage, stage).state();
        let after = stage.state();
        if before != after {
            self.count(no, before, after);
        }
    }

    fn count(&mut self, no: RunNo, before: RunState, after: RunState) {
        if after == RunState::Running {
            self.held.insert(no);
        } else {
            self.held.remove(&no);
        }
        let mut at = self.runs[no.0 as usize].chain;
        while let Some(link) = self.links.get(at as usize) {
            let sweep = &mut self.sweeps[link.sweep.index()];
            sweep.counts[place(before)] -= 1;
            sweep.counts[place(after)] += 1;
            sweep.finishing.remove(&no);
            at = link.next;
        }
    }

    fn sweep_changed(&mut self, no: SweepNo, event: &SweepEvent) {
        match event {
            SweepEvent::Stopped { reason } => {
                let held = self.held.iter().copied();
                let finishing = held.filter(|run| self.sweeps_of(*run).any(|of| of == no));
                let finishing = finishing.collect();
                let sweep = &mut self.sweeps[no.index()];
                sweep.stopped = Some(*reason);
                sweep.finishing = finishing;
            }
            SweepEvent::Resumed => {
                let sweep = &mut self.sweeps[no.index()];
                sweep.stopped = None;
                sweep.finishing.clear();
            }
        }
    }

    /// Panics if a sum or an index does not follow from the runs.
    pub(crate) fn check_invariants(&self) {
        let held = self.numbered().filter(|(_, entry)| entry.stage.is_held());
        assert!(
            held.map(|(no, _)| no).eq(self.held.iter().copied()),
            "index of held runs"
        );
        for (no, entry) in self.numbered() {
            assert_eq!(self.run_no(entry.id), Some(no), "index of ids");
            assert!(
                self.sweeps_of(no).any(|sweep| sweep.0 == entry.sweep),
                "chain of sweeps"
            );
            assert_eq!(
                entry.settled == Settled::Never,
                entry.settled_attempt() == 0,
                "run {no:?}: attempts without a gap, and each settled before the next"
            );
            assert_eq!(
                matches!(entry.stage, Stage::Done { .. } | Stage::Diverged),
                entry.settled == Settled::Finished,
                "run {no:?}: a result is the end of the last attempt"
            );
        }
        for (index, sweep) in self.sweeps.iter().enumerate() {
            assert_eq!(
                self.sweep_no(sweep.sweep.id).map(SweepNo::index),
                Some(index)
            );
            let mut counts = [0; 6];
            for no in &sweep.runs {
                counts[place(self.entry(*no).stage.state())] += 1;
                assert!(
                    self.sweeps_of(*no).any(|of| of.index() == index),
                    "sweep of {no:?}"
                );
            }
            assert_eq!(
                sweep.counts, counts,
                "counts of sweep `{}`",
                sweep.sweep.name
            );
            assert!(
                sweep.finishing.iter().all(|no| self.held.contains(no)),
                "finishing runs"
            );
            assert!(
                sweep.stopped.is_some() || sweep.finishing.is_empty(),
                "finishing runs"
            );
        }
    }
}

fn shortened(message: &str) -> Box<str> {
    let ends = (0..=MESSAGE.min(message.len())).rev();
    let end = ends
        .into_iter()
        .find(|end| message.is_char_boundary(*end))
        .unwrap_or(0);
    message[..end].into()
}
