//! The form in which events are written down.
//!
//! Contents (plans, records, checkpoints) lie in tables of their own; the journal holds what
//! happened and in which order. Names of fields are part of the format: `serde` attributes of
//! [`RunEvent`] and [`SweepEvent`] must stay readable by newer versions.

use serde::{Deserialize, Serialize};
use tailsweep_common::id::SweepId;
use tailsweep_scheduler::RunNo;
use tailsweep_scheduler::event::{RunEvent, SweepEvent};

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// The plan is in `sweeps`.
    Submitted(SweepId),
    /// The checkpoint replaced the earlier one in `checkpoints`.
    Checkpointed { run: RunNo, step: u64 },
    /// A change of a run's state.
    Run(RunNo, RunEvent),
    /// A change of a sweep's state.
    Sweep(SweepId, SweepEvent),
}

/// A line of the journal and when it was written, milliseconds of the Unix epoch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dated {
    pub(crate) at_ms: i64,
    pub(crate) entry: Entry,
}
