//! What the shell tells the core, and what the core wants said.

use std::sync::Arc;
use std::time::Duration;

use tailsweep_common::id::{RunId, SweepId};
use tailsweep_common::run::Run;
use tailsweep_common::state::{Ending, Reason};
use tailsweep_common::sweep::Sweep;
use tailsweep_stats::late::Seed;

use crate::event::RunNo;

/// One try at a run: 1, 2, …; the fencing token.
pub type Attempt = u32;

/// A worker process, by the name that it gave itself; it keeps the name over reconnects.
pub type WorkerId = Arc<str>;

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// A user submitted a sweep. A known one is no error.
    Submit(Arc<Sweep>),
    /// A user submitted a sweep that has all runs of another one and stands for it from now on.
    Extend {
        /// The one that is extended.
        sweep: SweepId,
        /// The larger one.
        by: Arc<Sweep>,
    },
    /// Try the failed runs of a sweep afresh, and go on with it if it was stopped.
    Retry {
        /// Which sweep.
        sweep: SweepId,
        /// What the user cancelled or paused stays so.
        failed_only: bool,
    },
    /// End a sweep that is not over: it wants no more runs, and those in computation stop unless
    /// another sweep wants them.
    Cancel(SweepId),
    /// Give none of a sweep's runs to a worker until further notice; those in computation go on.
    Pause(SweepId),
    /// Go on with a sweep that was paused, cancelled or stopped.
    Resume(SweepId),
    /// Give a sweep another priority.
    Prioritise {
        /// Which sweep.
        sweep: SweepId,
        /// Larger goes first.
        priority: i32,
    },
    /// Forget a sweep and all results that no other sweep has.
    Remove(SweepId),
    /// Say something of a sweep, for people.
    Annotate {
        /// Which sweep.
        sweep: SweepId,
        /// Words to find it by.
        tags: Vec<String>,
        /// Whatever is worth to be known of it.
        notes: String,
    },
    /// A result of another coordinator. A run that has one keeps it.
    Import(Box<Imported>),
    /// A worker's session began, the first one or after a reconnect.
    Join {
        /// Who.
        worker: WorkerId,
        /// What it can do.
        offer: Offer,
        /// Attempts that it still holds, those in computation first.
        holds: Vec<(RunId, Attempt)>,
    },
    /// A worker's session broke.
    Disconnect(WorkerId),
    /// A sign of life.
    Heartbeat(WorkerId),
    /// The worker takes no more leases, and hands back what it holds.
    Drain(WorkerId),
    /// The worker began to compute an attempt.
    Started(WorkerId, RunId, Attempt),
    /// A measurement of an attempt.
    Record {
        /// Who.
        worker: WorkerId,
        /// Of which run.
        run: RunId,
        /// Of which attempt.
        attempt: Attempt,
        /// After how many updates.
        step: u64,
        /// The encoded measurement.
        payload: Arc<[u8]>,
    },
    /// All that is needed to go on from a step.
    Checkpoint {
        /// Who.
        worker: WorkerId,
        /// Of which run.
        run: RunId,
        /// Of which attempt.
        attempt: Attempt,
        /// After how many updates.
        step: u64,
        /// The encoded state.
        payload: Arc<[u8]>,
    },
    /// An attempt computed its run to the end.
    Finished(WorkerId, RunId, Attempt, Ending),
    /// An attempt failed by itself.
    Failed {
        /// Who.
        worker: WorkerId,
        /// Of which run.
        run: RunId,
        /// Of which attempt.
        attempt: Attempt,
        /// The kind of failure.
        reason: Reason,
        /// What the trainer said.
        message: String,
    },
    /// A worker gives an attempt back without a fault of the run.
    HandBack(WorkerId, RunId, Attempt),
    /// What the shell made of the records of a finished run, as [`Action::Judge`] asked.
    Judged {
        /// Which run.
        run: RunNo,
        /// By which attempt it was finished.
        attempt: Attempt,
        /// What it says of the late α of its point; `None`: nothing.
        late: Option<Seed>,
    },
    /// The records of a finished run can't be read, so that nobody knows what it says. Nothing of
    /// that is kept: it is asked for again after a restart.
    Unjudged {
        /// Which run.
        run: RunNo,
        /// By which attempt it was finished.
        attempt: Attempt,
    },
    /// The store found that a repeated record differs from the first one of the same kind.
    Differs(RunNo),
}

/// The result of a run that another coordinator has.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Which run.
    pub run: RunId,
    /// Device and instruction set that made its records.
    pub kind: Arc<str>,
    /// How it ended.
    pub ending: Ending,
    /// Two attempts of one kind measured different bytes.
    pub nondeterministic: bool,
    /// The encoded measurements, by step.
    pub records: Vec<(u64, Arc<[u8]>)>,
}

/// What a worker can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Runs that it computes at a time.
    pub slots: u32,
    /// Device and instruction set: results are equal to the byte within a kind.
    pub kind: Arc<str>,
    /// Bytes that its runs may take together; `None`: as much as they like.
    pub memory: Option<u64>,
    /// What it says it is good for; sweeps may ask for it.
    pub labels: Vec<Arc<str>>,
}

/// Something to be said to a worker, or asked of the shell, once all earlier events are durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Compute this.
    Lease {
        /// To whom.
        worker: WorkerId,
        /// The run's id.
        id: RunId,
        /// The run.
        run: Run,
        /// The fencing token.
        attempt: Attempt,
        /// The step of the stored checkpoint to go on from, if there is one of the worker's kind.
        resume: Option<u64>,
        /// How long the attempt may take.
        time_limit: Option<Duration>,
    },
    /// The record is on disk.
    RecordStored(WorkerId, RunId, Attempt, u64),
    /// The checkpoint is on disk.
    CheckpointStored(WorkerId, RunId, Attempt, u64),
    /// The end of the attempt (finished, failed, handed back) is on disk.
    Settled(WorkerId, RunId, Attempt),
    /// The attempt is not the current one: stop it and forget it. A late answer is an answer.
    Stale(WorkerId, RunId, Attempt),
    /// Give the attempt back if it has not begun: a slot elsewhere is free.
    Recall(WorkerId, RunId, Attempt),
    /// The shell is to say, by [`Input::Judged`] or [`Input::Unjudged`], what a finished run's
    /// records say of the late α of its point. It is asked again after a restart.
    Judge(RunNo, Attempt),
}

/// Why an input was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A word from a worker that has not joined (it must say hello again).
    #[error("worker `{0}` has not joined")]
    UnknownWorker(WorkerId),
    /// No such sweep.
    #[error("no sweep `{0}`")]
    UnknownSweep(SweepId),
    /// An extension must have all runs of what it extends.
    #[error(
        "the file leaves out {missing} of the {of} runs of the sweep: an extension has all of them \
         and more; `tailsweep submit` hands it in as a sweep of its own"
    )]
    NotAnExtension {
        /// Runs that are not in the larger one.
        missing: usize,
        /// Runs of the sweep.
        of: usize,
    },
    /// The sweep that was to extend another one is itself extended.
    #[error("sweep `{0}` was extended before: extend it by the newest file")]
    Extended(SweepId),
    /// Failed runs of a cancelled sweep are not tried: nobody wants them.
    #[error(
        "sweep `{0}` is cancelled: `tailsweep retry` without --failed takes all of it up again"
    )]
    Cancelled(SweepId),
    /// No sweep has such a run.
    #[error("no sweep has a run `{0}`")]
    UnknownRun(RunId),
    /// The core numbers runs with 32 bits.
    #[error("this coordinator holds as many runs as it can")]
    TooManyRuns,
}
