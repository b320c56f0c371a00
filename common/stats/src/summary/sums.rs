//! The kinds of sums.

use serde::{Deserialize, Serialize};

use crate::exact_sum::ExactSum;

/// The sums of one pair of means over one cluster of rows.
///
/// The X are the values that went into blocks, the Y the sums of blocks. A value belongs to the
/// cluster of its row, a block to that of the row of its first value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Number of X in the mean.
    pub n_x: u64,
    /// Σ ln|X|.
    pub ln_x: ExactSum,
    /// Number of Y in the mean.
    pub n_y: u64,
    /// Σ ln|Y|.
    pub ln_y: ExactSum,
}

impl Cell {
    pub(crate) fn add_x(&mut self, n: u64, ln: f64) {
        self.n_x += n;
        self.ln_x.add(ln);
    }

    pub(crate) fn add_y(&mut self, n: u64, ln: f64) {
        self.n_y += n;
        self.ln_y.add(ln);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.n_x += other.n_x;
        self.ln_x.merge(&other.ln_x);
        self.n_y += other.n_y;
        self.ln_y.merge(&other.ln_y);
    }
}

/// What is always kept of a cluster of rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Values that are exactly 0.
    pub zeros: u64,
    /// Values that are not 0 but below 2⁻⁵².
    pub below_epsilon: u64,
    /// Values that are not finite.
    pub non_finite: u64,
    /// Σ of the Euclidean norms of the rows.
    pub norm: ExactSum,
    /// The largest norm.
    pub norm_max: f64,
    /// The largest |u|.
    pub max: f64,
    /// Σ u².
    pub square: ExactSum,
    /// Σ u⁴.
    pub fourth: ExactSum,
}

impl Moments {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.zeros += other.zeros;
        self.below_epsilon += other.below_epsilon;
        self.non_finite += other.non_finite;
        self.norm.merge(&other.norm);
        self.norm_max = self.norm_max.max(other.norm_max);
        self.max = self.max.max(other.max);
        self.square.merge(&other.square);
        self.fourth.merge(&other.fourth);
    }
}

/// The finished sums of the Gaussian surrogate of one scope:
/// θ* = {mean_b L(mean_i Y_ib²) − mean_j L(mean_i U_ij²)}/ln K1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SurrogateSums {
    /// Number of coordinates j.
    pub n_x: u64,
    /// Σ_j L(mean_i U_ij²).
    pub ln_x: f64,
    /// Number of blocks b.
    pub n_y: u64,
    /// Σ_b L(mean_i Y_ib²).
    pub ln_y: f64,
}
