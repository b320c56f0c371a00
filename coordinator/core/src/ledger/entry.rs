//! What is kept of one run: about ninety bytes, for there may be millions.

use tailsweep_common::id::RunId;
use tailsweep_common::state::{Reason, RunState};

use crate::input::Attempt;
use crate::sessions::WorkerNo;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No attempt is current.
    Waiting,
    /// A worker holds an attempt and has not said that it began.
    Leased,
    /// A worker computes.
    Started,
    /// Computed to the end.
    Done {
        /// Whether `stop_at_train_accuracy` ended it.
        accuracy_reached: bool,
    },
    /// Computed until a loss was not finite.
    Diverged,
    /// Given up.
    Failed(Reason),
}

impl Stage {
    /// As the tables say it.
    pub(crate) fn state(self) -> RunState {
        match self {
            // What waits at a worker waits.
            Self::Waiting | Self::Leased => RunState::Waiting,
            Self::Started => RunState::Running,
            Self::Done { .. } => RunState::Done,
            Self::Diverged => RunState::Diverged,
            Self::Failed(_) => RunState::Failed,
        }
    }

    /// Whether an attempt is current.
    pub(crate) fn is_held(self) -> bool {
        matches!(self, Self::Leased | Self::Started)
    }
}

/// How the last attempt that is over ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// There was none.
    Never,
    /// By its worker's word: computed to the end.
    Finished,
    /// By its worker's word: failed.
    Failed,
    /// Handed back, by its worker or because its worker never got it.
    HandedBack,
    /// Without a word.
    Lost,
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) id: RunId,
    /// The sweep by which it became known, and its place there: where its point is kept.
    pub(crate) sweep: u32,
    /// See `sweep`.
    pub(crate) index: u32,
    /// Its point, for what is predicted of it.
    pub(crate) point: u32,
    /// First link of the chain of sweeps that it belongs to.
    pub(crate) chain: u32,
    /// The latest attempt; 0: none yet.
    pub(crate) attempt: Attempt,
    /// The worker and the kind of the latest attempt.
    pub(crate) worker: WorkerNo,
    /// See `worker`.
    pub(crate) kind: u32,
    /// The worker of the last settled attempt.
    pub(crate) settled_by: WorkerNo,
    /// Own failures that count.
    pub(crate) failures: u32,
    /// Losses that count.
    pub(crate) losses: u32,
    /// The kind that made the records and the checkpoint.
    pub(crate) made_by: Option<u32>,
    /// The step of the stored checkpoint.
    pub(crate) checkpoint: Option<u64>,
    /// Updates so far, as far as records tell; once it is over, updates taken.
    pub(crate) steps: u64,
    /// Where it stands.
    pub(crate) stage: Stage,
    /// How its last settled attempt ended.
    pub(crate) settled: Settled,
    /// Two attempts of one kind measured different bytes.
    pub(crate) nondeterministic: bool,
}

impl Entry {
    /// The last attempt that is over; 0: none. Attempts follow one another without a gap, so it is
    /// the one before the current attempt.
    pub(crate) fn settled_attempt(&self) -> Attempt {
        self.attempt.saturating_sub(u32::from(self.stage.is_held()))
    }

    /// The step to go on from on a worker of `kind`.
    pub(crate) fn resume_on(&self, kind: u32) -> Option<u64> {
        self.checkpoint.filter(|_| self.made_by == Some(kind))
    }

    /// Why it is in its state.
    pub(crate) fn reason(&self) -> Option<Reason> {
        match self.stage {
            Stage::Waiting | Stage::Leased | Stage::Started => None,
            Stage::Failed(reason) => Some(reason),
            _ if self.nondeterministic => Some(Reason::Nondeterministic),
            Stage::Done {
                accuracy_reached: true,
            } => Some(Reason::TrainAccuracyReached),
            Stage::Done {
                accuracy_reached: false,
            } => None,
            Stage::Diverged => Some(Reason::NonFiniteLoss),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_runs_fit_into_a_tenth_of_a_gibibyte() {
        assert!(size_of::<Entry>() <= 100, "{} bytes", size_of::<Entry>());
    }
}
