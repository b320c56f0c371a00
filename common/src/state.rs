//! Where a run stands, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As written in tables.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The one that is written so.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Where a run of a sweep stands.
    RunState {
        /// Not held by a worker.
        Waiting = "waiting",
        /// Held by a worker.
        Running = "running",
        /// Finished; its result is accepted.
        Done = "done",
        /// Finished with a non-finite loss: a result too.
        Diverged = "diverged",
        /// Given up after too many attempts.
        Failed = "failed",
        /// Ended by the user, or by `max_failures`.
        Cancelled = "cancelled",
        /// Its point is known well enough without it: absent from the tables, also if it was
        /// computed.
        NotNeeded = "not_needed",
    }
}

impl RunState {
    /// Whether nothing more will happen to the run by itself.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }

    /// Whether the run was computed to its end.
    pub fn has_result(self) -> bool {
        matches!(self, Self::Done | Self::Diverged)
    }
}

words! {
    /// Why a run is in its state: one word of a fixed list.
    Reason {
        /// The training accuracy that was asked for is reached.
        TrainAccuracyReached = "train_accuracy_reached",
        /// A minibatch loss was not finite.
        NonFiniteLoss = "non_finite_loss",
        /// Two attempts of the same kind measured different bytes.
        Nondeterministic = "nondeterministic",
        /// The trainer panicked.
        Panic = "panic",
        /// The trainer returned an error.
        Error = "error",
        /// Memory ran out.
        OutOfMemory = "out_of_memory",
        /// The run took longer than its time limit.
        TimeLimit = "time_limit",
        /// Its data could not be read.
        Data = "data",
        /// Its worker was lost too often.
        Lost = "lost",
        /// The user cancelled it.
        Cancelled = "cancelled",
        /// The sweep reached `max_failures`.
        MaxFailures = "max_failures",
    }
}

/// How an attempt that computed its run to the end ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// All steps were taken, or the training accuracy was reached before.
    Done {
        /// Updates taken.
        steps: u64,
        /// Whether `stop_at_train_accuracy` ended it.
        accuracy_reached: bool,
    },
    /// A minibatch loss was not finite.
    Diverged {
        /// Updates taken before it.
        step: u64,
    },
}

impl Ending {
    /// The state that the run is in from now on.
    pub fn state(self) -> RunState {
        match self {
            Self::Done { .. } => RunState::Done,
            Self::Diverged { .. } => RunState::Diverged,
        }
    }

    /// Updates taken.
    pub fn steps(self) -> u64 {
        match self {
            Self::Done { steps, .. } => steps,
            Self::Diverged { step } => step,
        }
    }

    /// Why it ended so, where that is worth a word.
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Done {
                accuracy_reached: false,
                ..
            } => None,
            Self::Done {
                accuracy_reached: true,
                ..
            } => Some(Reason::TrainAccuracyReached),
            Self::Diverged { .. } => Some(Reason::NonFiniteLoss),
        }
    }
}
