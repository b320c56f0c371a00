//! The facts that must be durable, and from which the core is rebuilt.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tailsweep_common::id::SweepId;
use tailsweep_common::state::{Ending, Reason};
use tailsweep_common::sweep::Sweep;
use tailsweep_stats::late::Seed;

use crate::input::{Attempt, WorkerId};

/// A run, by the order in which the coordinator first heard of it. Replaying gives equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunNo(pub u32);

/// A fact.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A sweep was accepted; runs that were not known get the next numbers.
    Submitted(Arc<Sweep>),
    /// A measurement of the current attempt. Per (run, step) the first one stays.
    Recorded {
        /// Of which run.
        run: RunNo,
        /// After how many updates.
        step: u64,
        /// The encoded measurement.
        payload: Arc<[u8]>,
    },
    /// A checkpoint of the current attempt; it replaces the run's earlier one.
    Checkpointed {
        /// Of which run.
        run: RunNo,
        /// After how many updates.
        step: u64,
        /// The encoded state.
        payload: Arc<[u8]>,
    },
    /// A change of a run's state.
    Run(RunNo, RunEvent),
    /// A change of a sweep's state.
    Sweep(SweepId, SweepEvent),
}

/// A change of a run's state: small, and stored as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEvent {
    /// An attempt was given to a worker.
    Leased {
        /// The fencing token.
        attempt: Attempt,
        /// To whom.
        worker: WorkerId,
        /// Its kind.
        kind: Arc<str>,
    },
    /// The worker began to compute it.
    Started {
        /// The fencing token.
        attempt: Attempt,
        /// The earlier records and the checkpoint are of another kind and go.
        discard: bool,
    },
    /// It was computed to the end.
    Finished {
        /// The fencing token.
        attempt: Attempt,
        /// How.
        ending: Ending,
    },
    /// It failed by itself.
    Failed {
        /// The fencing token.
        attempt: Attempt,
        /// The kind of failure.
        reason: Reason,
        /// What the trainer said.
        message: String,
        /// No attempt is left.
        last: bool,
    },
    /// Its worker was lost.
    Lost {
        /// The fencing token.
        attempt: Attempt,
        /// Too often: the run is given up.
        last: bool,
    },
    /// Its worker gave it back.
    HandedBack {
        /// The fencing token.
        attempt: Attempt,
    },
    /// What a finished run says of the late α of its point, for sweeps that stop early.
    Judged {
        /// Of which attempt.
        attempt: Attempt,
        /// `None`: nothing.
        late: Option<Seed>,
    },
    /// Two attempts of one kind measured different bytes.
    Differed,
    /// A failed run is tried afresh: its failures and losses count from nothing again.
    Reopened,
}

/// A change of a sweep's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SweepEvent {
    /// Its runs that are not over are no longer wanted by it, and count as cancelled.
    Stopped {
        /// Why.
        reason: Reason,
    },
    /// A stopped sweep wants its runs again.
    Resumed,
    /// No run is given to a worker because of it.
    Paused,
    /// A paused sweep goes on.
    Unpaused,
    /// The user gave it another priority.
    Prioritised {
        /// Larger goes first.
        priority: i32,
    },
    /// A later sweep has all of its runs and stands for it.
    Replaced {
        /// That one.
        by: SweepId,
    },
    /// The user removed it.
    Removed {
        /// The runs that no other sweep has, as ranges of numbers (first and last): all that is
        /// known of them goes.
        forgotten: Vec<(RunNo, RunNo)>,
        /// How many attempts there were at those of them that were tried, as ranges: with that, earlier
        /// events of these runs say nothing more, and need not be kept. Absent in older events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempts: Option<Vec<(RunNo, RunNo, Attempt)>>,
    },
    /// A point is known well enough: it needs only so many of its seeds, the first ones.
    Enough {
        /// By its place in the sweep.
        point: u32,
        /// How many seeds.
        seeds: u32,
    },
    /// The same file was submitted again after the sweep had been removed.
    Restored,
    /// What the user says of it; it replaces what was said before.
    Annotated {
        /// Words to find it by.
        tags: Vec<String>,
        /// For people.
        notes: String,
    },
}
