//! Noise of a known law, without a network.

use serde::{Deserialize, Serialize};
use tailsweep_stats::stable::Stable;

use super::Measure;
use crate::measurement::Split;

/// A matrix of noise whose law is known, drawn anew at each measured step.
///
/// Value (i, j) of P minibatches × M parameters is σ_j·(a·f_ig + b·e_ij), with e and f of the law,
/// f one number for each row and group of neighbouring parameters. ρ is the share of the group:
/// a = ρ^(1/α) and b = (1 − ρ)^(1/α), with α = 2 for the laws that have a variance, so that for
/// Gaussian values ρ is the correlation inside a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyntheticPoint {
    /// The law of a single example's noise.
    pub law: Law,
    /// M.
    pub params: u32,
    /// P, or the examples that are cut into minibatches.
    pub rows: Rows,
    /// Each row is the mean of so many draws.
    pub batch_size: u32,
    /// η: all values are multiplied by it, as the noise of an update is.
    pub learning_rate: f64,
    /// s of ln σ_j ~ N(0, s²).
    pub scale_spread: f64,
    /// ρ.
    pub correlation: f64,
    /// Parameters in a group; M when nothing depends on groups.
    pub group: u32,
    /// Share of single parameters that are exactly zero in all rows, scattered at random.
    pub zeros: f64,
    /// Share of groups that are wholly zero: the first ones.
    pub dead_groups: f64,
    /// Whether the mean of the rows is subtracted, as in training; if not, the known mean of 0 is.
    pub centred: bool,
    /// Steps; each measured one is a draw.
    pub steps: u64,
    /// What is measured.
    pub measure: Measure,
}

/// A law that is symmetric about 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Law {
    /// SαS(1), with characteristic function exp(−|t|^α).
    Stable {
        /// α in (0, 2].
        alpha: f64,
    },
    /// Variance 1.
    Gaussian,
    /// Student's t.
    StudentT {
        /// Degrees of freedom, above 0.
        degrees: f64,
    },
    /// Density exp(−|x|)/2.
    Laplace,
}

/// How many rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rows {
    /// So many minibatches.
    Minibatches(u32),
    /// So many examples, cut into minibatches; the last may be shorter.
    Examples(u32),
}

impl Law {
    /// As written in a sweep file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stable { .. } => "stable",
            Self::Gaussian => "gaussian",
            Self::StudentT { .. } => "student_t",
            Self::Laplace => "laplace",
        }
    }

    /// The index of the stable law that sums of such values come near to; that of the law itself
    /// if it is stable.
    pub fn index(self) -> f64 {
        match self {
            Self::Stable { alpha } => alpha,
            Self::StudentT { degrees } => degrees.min(2.0),
            Self::Gaussian | Self::Laplace => 2.0,
        }
    }

    /// Whether sums of such values have the same law but for the scale, so that no estimate
    /// depends on how many are summed.
    pub fn is_stable(self) -> bool {
        matches!(self, Self::Stable { .. } | Self::Gaussian)
    }

    /// The stable law that it is: SαS(1), or the Gaussian of variance 1.
    pub fn stable(self) -> Option<Stable> {
        match self {
            Self::Stable { alpha } => Stable::symmetric(alpha, 1.0).ok(),
            Self::Gaussian => Stable::symmetric(2.0, std::f64::consts::FRAC_1_SQRT_2).ok(),
            Self::StudentT { .. } | Self::Laplace => None,
        }
    }
}

impl SyntheticPoint {
    /// P of a split, which is the same for both.
    pub fn minibatches(&self, _: Split) -> usize {
        let all = self.all_minibatches();
        self.measure
            .minibatches
            .map_or(all, |limit| all.min(limit as usize))
    }

    /// P before `measure.minibatches` takes some of them.
    pub fn all_minibatches(&self) -> usize {
        match self.rows {
            Rows::Minibatches(count) => count as usize,
            Rows::Examples(count) => (count as usize).div_ceil(self.batch_size as usize),
        }
    }

    /// The examples of the minibatch that is row `row`.
    pub fn examples_of(&self, row: usize) -> u32 {
        let rows = self.minibatches(Split::Train).max(1);
        let minibatch = row * self.all_minibatches() / rows;
        match self.rows {
            Rows::Minibatches(_) => self.batch_size,
            Rows::Examples(count) => {
                let before = minibatch as u64 * u64::from(self.batch_size);
                let left = u64::from(count).saturating_sub(before);
                left.min(u64::from(self.batch_size)) as u32
            }
        }
    }
}
