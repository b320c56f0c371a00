//! What the shell tells the core, and what the core wants said.

use std::sync::Arc;
use std::time::Duration;

use tailsweep_common::id::{RunId, SweepId};
use tailsweep_common::run::Run;
use tailsweep_common::state::{Ending, Reason};
use tailsweep_common::sweep::Sweep;

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
    /// Try the failed runs of a sweep afresh, and go on with it if it was stopped.
    Retry(SweepId),
    /// Stop a sweep that is not over: it wants no more runs; those in computation may finish.
    Cancel(SweepId),
    /// A worker's session began, the first one or after a reconnect.
    Join {
        /// Who.
        worker: WorkerId,
        /// Runs that it computes at a time.
        slots: u32,
        /// Device and instruction set: results are equal to the byte within a kind.
        kind: Arc<str>,
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
    /// The store found that a repeated record differs from the first one of the same kind.
    Differs(RunNo),
}

/// Something to be said to a worker once all earlier events are durable.
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
    /// The core numbers runs with 32 bits.
    #[error("this coordinator holds as many runs as it can")]
    TooManyRuns,
}
