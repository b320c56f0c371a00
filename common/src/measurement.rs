//! What is taken at one step of a run.

use std::fmt;

use serde::{Deserialize, Serialize};
use tailsweep_stats::{IterateSummary, NoiseSummary, Spectrum};

use crate::exits::Exits;

/// A split of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// The examples that are trained on.
    Train,
    /// The others.
    Test,
}

impl Split {
    /// As written in files and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All that is taken after exactly `step` updates.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Updates so far.
    pub step: u64,
    /// One for each measured split, in the order train, test; none where there is no noise.
    pub splits: Vec<SplitMeasurement>,
    /// The weights, averaged over the steps since the last measurement, if that was asked for.
    pub iterates: Option<IterateSummary>,
    /// What the paths of a stochastic differential equation did, in a run of this kind.
    pub exits: Option<Exits>,
}

impl Measurement {
    /// The part of one split, if it was measured.
    pub fn split(&self, split: Split) -> Option<&SplitMeasurement> {
        self.splits.iter().find(|measured| measured.split == split)
    }
}

/// What is taken of one split.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitMeasurement {
    /// Which split.
    pub split: Split,
    /// Mean loss over the whole split; `None` without a network.
    pub loss: Option<f64>,
    /// Share of examples whose largest output is their class, over the whole split;
    /// `None` if the labels are no classes.
    pub accuracy: Option<f64>,
    /// The gradient noise of its minibatches.
    pub noise: NoiseSummary,
    /// The leading eigenvalues of its covariance; `None` of fewer than two minibatches.
    pub spectrum: Option<Spectrum>,
}
