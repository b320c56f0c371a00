//! Looking into the core: cheap, deterministic, and never a change.

use std::sync::Arc;
use std::time::Duration;

use tailsweep_common::id::{RunId, SweepId};
use tailsweep_common::run::Run;
use tailsweep_common::state::{Reason, RunState};
use tailsweep_common::sweep::Sweep;

use crate::event::RunNo;
use crate::input::{Attempt, WorkerId};
use crate::ledger::{Stage, SweepEntry, SweepNo};
use crate::scheduler::Scheduler;
use crate::sessions::{Session, WorkerNo};

/// How many runs of a sweep are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not in computation.
    pub waiting: u32,
    /// In computation.
    pub running: u32,
    /// Finished.
    pub done: u32,
    /// Finished with a non-finite loss.
    pub diverged: u32,
    /// Given up.
    pub failed: u32,
    /// No longer wanted by the sweep.
    pub cancelled: u32,
    /// Of points that are known well enough without them.
    pub not_needed: u32,
}

impl Counts {
    /// The number in one state.
    pub fn of(&self, state: RunState) -> u32 {
        match state {
            RunState::Waiting => self.waiting,
            RunState::Running => self.running,
            RunState::Done => self.done,
            RunState::Diverged => self.diverged,
            RunState::Failed => self.failed,
            RunState::Cancelled => self.cancelled,
            RunState::NotNeeded => self.not_needed,
        }
    }

    /// All runs of the sweep.
    pub fn total(&self) -> u32 {
        RunState::ALL.iter().map(|state| self.of(*state)).sum()
    }
}

/// A sweep.
#[derive(Clone, Debug)]
pub struct SweepView<'a> {
    /// Its id.
    pub id: SweepId,
    /// What the user calls it.
    pub name: &'a str,
    /// The plan.
    pub sweep: &'a Arc<Sweep>,
    /// Where its runs stand.
    pub counts: Counts,
    /// Larger goes first.
    pub priority: i32,
    /// None of its runs is given to a worker because of it.
    pub paused: bool,
    /// Why it no longer wants the runs that are not over.
    pub stopped: Option<Reason>,
    /// The later sweep that has all of its runs and stands for it.
    pub replaced_by: Option<SweepId>,
    /// None of its runs is still to be computed, but what some say of their points is being read:
    /// for `[stop]` it may turn out not to need others.
    pub is_deciding: bool,
    /// Whether nothing more will happen to it by itself.
    pub is_over: bool,
    /// Words to find it by.
    pub tags: &'a [String],
    /// What the user says of it.
    pub notes: &'a str,
}

/// A run as one sweep sees it.
#[derive(Clone, Debug)]
pub struct RunView<'a> {
    /// Its number.
    pub no: RunNo,
    /// Its id.
    pub id: RunId,
    /// Where it stands. A run whose worker has fallen silent waits, until that worker is heard
    /// again or another one gets the run.
    pub state: RunState,
    /// Why.
    pub reason: Option<Reason>,
    /// Updates so far, as far as records tell; once it is over, updates taken.
    pub steps: u64,
    /// Attempts so far, whatever became of them.
    pub attempts: Attempt,
    /// The worker of the current attempt, or of the latest one.
    pub worker: Option<&'a WorkerId>,
    /// The kind (device, instruction set) of the same.
    pub kind: Option<&'a Arc<str>>,
    /// What the trainer said at the last failure, shortened.
    pub message: Option<&'a str>,
    /// The step of the stored checkpoint.
    pub checkpoint: Option<u64>,
    /// Two attempts of one kind measured different bytes.
    pub nondeterministic: bool,
    /// `stop_at_train_accuracy` ended it.
    pub accuracy_reached: bool,
    /// It was known, from another sweep, before this sweep was submitted.
    pub taken_over: bool,
}

/// A worker that is connected, or that holds runs.
#[derive(Clone, Debug)]
pub struct WorkerView<'a> {
    /// The name that it gave itself.
    pub id: &'a WorkerId,
    /// Device and instruction set.
    pub kind: &'a Arc<str>,
    /// Runs that it computes at a time; 0 if it has not joined since the coordinator's start.
    pub slots: u32,
    /// Bytes that its runs may take together, if it says so.
    pub memory: Option<u64>,
    /// Bytes that what it holds is predicted to take.
    pub memory_used: u64,
    /// What it says it is good for.
    pub labels: &'a [Arc<str>],
    /// Its session is not known to be broken.
    pub connected: bool,
    /// It takes no more leases.
    pub draining: bool,
    /// It failed too often, one time after another: it takes no leases for a while.
    pub resting: bool,
    /// Its leases have expired; they are still current until somebody else gets the runs.
    pub silent: bool,
    /// The current attempts that it has.
    pub held: Vec<Held>,
}

/// An attempt in the hands of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// At which run.
    pub run: RunId,
    /// The fencing token.
    pub attempt: Attempt,
    /// Whether the worker has begun to compute it.
    pub started: bool,
}

/// Why a run is not computed although it is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It failed and is tried again after a pause.
    BackOff {
        /// How much longer.
        pause: Duration,
    },
    /// No worker is here that takes leases.
    NoWorker,
    /// Its worker has not been heard of for too long; the next free slot takes it over.
    SilentWorker(WorkerId),
    /// It was given to a worker that has not begun yet.
    Ahead(WorkerId),
    /// It failed on this worker, and waits for another one.
    OtherWorker(WorkerId),
    /// No worker has the labels that its sweep asks for.
    NoLabels {
        /// Those.
        requires: Vec<String>,
    },
    /// No worker offers enough memory.
    NoMemory {
        /// Bytes that it is predicted to take, with its data set.
        needs: u64,
        /// Bytes that the largest worker offers.
        most: u64,
    },
    /// Each sweep that wants it is paused.
    Paused,
    /// Other runs are first: larger priority, a sweep with fewer runs at workers, longer run.
    InLine {
        /// Runs that may be leased now, this one among them.
        queued: usize,
    },
    /// No sweep wants it any more.
    Unwanted,
}

/// Looking.
impl Scheduler {
    /// The sweeps that stand for themselves, in the order of submission.
    pub fn sweeps(&self) -> impl DoubleEndedIterator<Item = SweepView<'_>> {
        (0..self.ledger().sweeps().len() as u32)
            .map(SweepNo)
            .filter(|no| self.ledger().sweep(*no).is_current())
            .map(|no| self.sweep_view(no))
    }

    /// One sweep, unless it was removed.
    pub fn sweep(&self, id: SweepId) -> Option<SweepView<'_>> {
        let no = self.ledger().sweep_no(id)?;
        (!self.ledger().sweep(no).removed).then(|| self.sweep_view(no))
    }

    /// The plan of a sweep, also of one that was removed.
    pub fn plan(&self, id: SweepId) -> Option<&Arc<Sweep>> {
        let no = self.ledger().sweep_no(id)?;
        Some(&self.ledger().sweep(no).sweep)
    }

    /// The ids and names of all sweeps that were not removed, in the order of submission, each
    /// with the one that stands for it.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = (SweepId, &str, SweepId)> + Clone {
        let all = self.ledger().sweeps().iter();
        all.filter(|entry| !entry.removed).map(|entry| {
            let mut newest = entry;
            while let Some(by) = newest.replaced_by.and_then(|by| self.ledger().sweep_no(by)) {
                newest = self.ledger().sweep(by);
            }
            (entry.sweep.id, entry.sweep.name.as_str(), newest.sweep.id)
        })
    }

    /// Number of runs of all sweeps together; their numbers are those below it.
    pub fn runs(&self) -> u32 {
        self.ledger().len() as u32
    }

    /// The number of a run.
    pub fn run_no(&self, id: RunId) -> Option<RunNo> {
        self.ledger().run_no(id)
    }

    /// The id of a run.
    pub fn run_id(&self, no: RunNo) -> Option<RunId> {
        self.is_known(no).then(|| self.ledger().entry(no).id)
    }

    /// A run itself.
    pub fn run(&self, no: RunNo) -> Option<Run> {
        self.is_known(no).then(|| self.ledger().run(no))
    }

    /// The runs whose id begins with these hexadecimal digits, two at most.
    pub fn runs_named(&self, prefix: &str) -> Vec<RunNo> {
        let prefix = prefix.to_ascii_lowercase();
        let whole = prefix.parse().ok().and_then(|id| self.run_no(id));
        if whole.is_some() || !prefix.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return whole.into_iter().collect();
        }
        let is_so = |id: &RunId| {
            let digits = id.as_bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]);
            let wanted = prefix.chars().filter_map(|digit| digit.to_digit(16));
            prefix.len() <= 32 && wanted.zip(digits).all(|(a, b)| a == u32::from(b))
        };
        let runs = self.ledger().numbered().filter(|(_, run)| is_so(&run.id));
        runs.map(|(no, _)| no).take(2).collect()
    }

    /// Whether a run was computed to its end, here or elsewhere.
    pub fn has_result(&self, no: RunNo) -> bool {
        let ended = |stage| matches!(stage, Stage::Done { .. } | Stage::Diverged);
        self.is_known(no) && ended(self.ledger().entry(no).stage)
    }

    /// The sweeps that a run belongs to and that were not removed, the latest first, and whether
    /// each took it over from an earlier one.
    pub fn sweeps_of(&self, no: RunNo) -> Vec<(SweepId, bool)> {
        if !self.is_known(no) {
            return Vec::new();
        }
        let sweeps = self.ledger().sweeps_of(no);
        sweeps
            .filter(|sweep| self.ledger().sweep(*sweep).is_current())
            .map(|sweep| {
                let taken_over = self.ledger().is_taken_over(no, sweep);
                (self.ledger().sweep(sweep).sweep.id, taken_over)
            })
            .collect()
    }

    /// Bytes and seconds on one core that a run is predicted to take, without its data.
    pub fn predicted(&self, no: RunNo) -> Option<(u64, f64)> {
        let needs = self.is_known(no).then(|| self.ledger().needs(no))?;
        Some((needs.memory, f64::from(needs.seconds)))
    }

    /// The points of a sweep that are known well enough, by their place in it, each with the
    /// number of seeds that it needs.
    pub fn known_well_enough(&self, id: SweepId) -> Vec<(u32, u32)> {
        let sweep = self.ledger().sweep_no(id).map(|no| self.ledger().sweep(no));
        let enough = sweep.into_iter().flat_map(|sweep| &sweep.enough);
        enough.map(|(point, seeds)| (*point, *seeds)).collect()
    }

    /// A run as one of its sweeps sees it.
    pub fn run_of(&self, no: RunNo, sweep: SweepId) -> Option<RunView<'_>> {
        let sweep = self.ledger().sweep_no(sweep)?;
        self.is_known(no)
            .then(|| self.run_view(sweep, self.ledger().sweep(sweep), no))
    }

    /// What a run of a sweep is called there.
    pub fn name_of(&self, no: RunNo, sweep: SweepId) -> Option<String> {
        let sweep = self.ledger().sweep_no(sweep)?;
        let run = self.run(no)?;
        Some(self.ledger().sweep(sweep).naming.name(&run))
    }

    /// Whether a run is one of a sweep's.
    pub fn is_in(&self, no: RunNo, sweep: SweepId) -> bool {
        let sweep = self.ledger().sweep_no(sweep);
        self.is_known(no) && self.ledger().sweeps_of(no).any(|of| Some(of) == sweep)
    }

    /// The runs of a sweep, in its order; none for an unknown sweep.
    pub fn runs_of(&self, id: SweepId) -> impl Iterator<Item = RunView<'_>> {
        self.runs_from(id, 0)
    }

    /// The runs of a sweep from a place in its order on.
    pub fn runs_from(&self, id: SweepId, place: usize) -> impl Iterator<Item = RunView<'_>> {
        let sweep = self.ledger().sweep_no(id);
        sweep.into_iter().flat_map(move |sweep_no| {
            let sweep = self.ledger().sweep(sweep_no);
            let runs = sweep.runs.get(place..).unwrap_or_default();
            runs.iter()
                .map(move |no| self.run_view(sweep_no, sweep, *no))
        })
    }

    /// Those of them that have failed at least once, in its order; found without a look at the others.
    pub fn failures_of(&self, id: SweepId) -> impl Iterator<Item = RunView<'_>> {
        let sweep = self.ledger().sweep_no(id);
        sweep.into_iter().flat_map(move |sweep_no| {
            let sweep = self.ledger().sweep(sweep_no);
            let runs = sweep.failures.iter();
            runs.filter_map(|place| sweep.runs.get(*place as usize))
                .map(move |no| self.run_view(sweep_no, sweep, *no))
        })
    }

    /// All workers that are connected or hold runs, in the order in which they were first heard.
    pub fn workers(&self) -> impl Iterator<Item = WorkerView<'_>> {
        self.sessions()
            .iter()
            .filter(|(_, session)| session.connected || !session.held.is_empty())
            .map(|(no, session)| self.worker_view(no, session))
    }

    /// Number of runs that a worker with a free slot would get: what an autoscaler reads.
    pub fn queued(&self) -> usize {
        self.queue_len()
    }

    /// Why a run is not computed; nothing if it is, or if it is over or unknown.
    pub fn why(&self, no: RunNo) -> Option<Why> {
        if !self.is_known(no) {
            return None;
        }
        let entry = self.ledger().entry(no);
        let name = |worker: WorkerNo| self.ledger().workers.name(worker.0).clone();
        match entry.stage {
            Stage::Done { .. } | Stage::Diverged | Stage::Failed(_) => return None,
            _ if self
                .ledger()
                .holder(no)
                .is_some_and(|no| self.sessions().get(no).silent) =>
            {
                return Some(Why::SilentWorker(name(entry.worker)));
            }
            Stage::Started => return None,
            Stage::Leased => return Some(Why::Ahead(name(entry.worker))),
            Stage::Waiting => {}
        }
        Some(if self.ledger().wanted_by(no).next().is_none() {
            Why::Unwanted
        } else if let Some(pause) = self.backoff_of(no) {
            Why::BackOff { pause }
        } else if self.is_paused(no) {
            Why::Paused
        } else if self.sessions().usable() == 0 {
            Why::NoWorker
        } else {
            self.why_in_line(no)
        })
    }

    /// Whether each sweep that wants a run is paused.
    fn is_paused(&self, no: RunNo) -> bool {
        let mut wanted = self.ledger().wanted_by(no);
        wanted.all(|sweep| self.ledger().sweep(sweep).paused)
    }

    fn why_in_line(&self, no: RunNo) -> Why {
        let usable = || {
            let sessions = self.sessions().iter();
            sessions.filter(|(_, session)| session.is_usable())
        };
        let mut asked = usable()
            .filter(|(worker, _)| self.is_asked_for(no, *worker))
            .peekable();
        if asked.peek().is_none() {
            let mut wanted = self.ledger().wanted_by(no);
            let requires = wanted.next().map(|sweep| self.ledger().sweep(sweep));
            let requires = requires.map(|sweep| sweep.sweep.requires.clone());
            return Why::NoLabels {
                requires: requires.unwrap_or_default(),
            };
        }
        let needs = self.ledger().full_size(no);
        let most = asked.map(|(_, session)| session.all_memory()).max();
        if let Some(most) = most.filter(|most| *most < needs) {
            return Why::NoMemory { needs, most };
        }
        let entry = self.ledger().entry(no);
        if self.avoids(no, entry.settled_by) {
            let name = self.ledger().workers.name(entry.settled_by.0);
            return Why::OtherWorker(name.clone());
        }
        let queued = self.queue_len();
        Why::InLine { queued }
    }

    fn is_known(&self, no: RunNo) -> bool {
        (no.0 as usize) < self.ledger().len()
    }

    fn run_view<'a>(&'a self, sweep_no: SweepNo, sweep: &SweepEntry, no: RunNo) -> RunView<'a> {
        let ledger = self.ledger();
        let entry = ledger.entry(no);
        let state = match entry.stage.state() {
            _ if !ledger.is_needed(no, sweep_no) => RunState::NotNeeded,
            RunState::Waiting if sweep.stopped.is_some() => RunState::Cancelled,
            RunState::Running if sweep.stopped.is_some() && !sweep.finishing.contains(&no) => {
                RunState::Cancelled
            }
            RunState::Running if sweep.stopped.is_none() && self.is_forsaken(no) => {
                RunState::Waiting
            }
            state => state,
        };
        let was_leased = entry.attempt > 0;
        RunView {
            no,
            id: entry.id,
            state,
            reason: match state {
                RunState::Cancelled => sweep.stopped,
                RunState::NotNeeded => None,
                _ => entry.reason(),
            },
            steps: entry.steps,
            attempts: entry.attempt,
            // A run that was forgotten had it from nobody.
            worker: was_leased
                .then(|| ledger.workers.name(entry.worker.0))
                .filter(|name| !name.is_empty()),
            kind: was_leased
                .then(|| ledger.kinds.name(entry.kind))
                .filter(|name| !name.is_empty()),
            message: ledger.message(no),
            // A result needs none any more.
            checkpoint: entry
                .checkpoint
                .filter(|_| !entry.stage.state().has_result()),
            nondeterministic: entry.nondeterministic,
            accuracy_reached: matches!(
                entry.stage,
                Stage::Done {
                    accuracy_reached: true
                }
            ),
            taken_over: ledger.is_taken_over(no, sweep_no),
        }
    }

    fn worker_view<'a>(&'a self, no: WorkerNo, session: &'a Session) -> WorkerView<'a> {
        let held = session.held.iter().map(|no| {
            let entry = self.ledger().entry(*no);
            Held {
                run: entry.id,
                attempt: entry.attempt,
                started: entry.stage == Stage::Started,
            }
        });
        WorkerView {
            id: self.ledger().workers.name(no.0),
            kind: self.ledger().kinds.name(session.kind),
            slots: session.slots,
            memory: session.memory,
            memory_used: session.used,
            labels: &session.labels,
            connected: session.connected,
            draining: session.draining,
            resting: session.resting,
            silent: session.silent,
            held: held.collect(),
        }
    }

    /// Whether the lease of a run has expired and nobody else has the run yet.
    fn is_forsaken(&self, no: RunNo) -> bool {
        let holder = self.ledger().holder(no);
        holder.is_some_and(|worker| self.sessions().get(worker).silent)
    }

    fn sweep_view(&self, no: SweepNo) -> SweepView<'_> {
        let entry = self.ledger().sweep(no);
        let (mut waiting, mut running) = (
            entry.count(RunState::Waiting),
            entry.count(RunState::Running),
        );
        let mut cancelled = 0;
        if entry.stopped.is_some() {
            let is_needed = |run: &&RunNo| self.ledger().is_needed(**run, no);
            let finishing = entry.finishing.iter().filter(is_needed).count() as u32;
            cancelled = waiting + running - finishing;
            (waiting, running) = (0, finishing);
        } else {
            let silent = self.sessions().iter().filter(|(_, session)| session.silent);
            let forsaken = silent
                .flat_map(|(_, session)| &session.held)
                .filter(|run| self.ledger().entry(**run).stage == Stage::Started)
                .filter(|run| self.ledger().is_needed(**run, no))
                .count() as u32;
            waiting += forsaken;
            running -= forsaken;
        }
        let is_computed = waiting == 0 && running == 0;
        let is_deciding = is_computed && self.is_deciding(no);
        SweepView {
            id: entry.sweep.id,
            name: &entry.sweep.name,
            sweep: &entry.sweep,
            counts: Counts {
                waiting,
                running,
                done: entry.count(RunState::Done),
                diverged: entry.count(RunState::Diverged),
                failed: entry.count(RunState::Failed),
                cancelled,
                not_needed: entry.spare.iter().sum(),
            },
            priority: entry.priority,
            paused: entry.paused,
            stopped: entry.stopped,
            replaced_by: entry.replaced_by,
            is_deciding,
            is_over: is_computed && !is_deciding,
            tags: &entry.tags,
            notes: &entry.notes,
        }
    }
}
