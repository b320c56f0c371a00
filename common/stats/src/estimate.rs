//! What an estimate is.

mod ecf;
mod fit;
mod log_moment;
mod mohammadi;
mod quantiles;
mod rows;
mod tail;
pub(crate) mod theta;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::ecf::ecf;
pub use self::fit::StableFit;
pub use self::log_moment::{flom, log_moment};
pub use self::mohammadi::{mohammadi, mohammadi_vectors};
pub use self::quantiles::{MCCULLOCH, TableReading, mcculloch};
pub use self::tail::{dedh, dehaan_peng, hill, hill_plot, magnitudes, pickands, tail_length};
use crate::treatment::Treatment;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every one of them, in this order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As written in tables.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
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
    /// How a tail index is made of sums.
    Estimator {
        /// 1/α = (mean ln|Y| − mean ln|X|)/ln K1.
        Mohammadi = "mohammadi",
        /// α = ln 2/(m_{j+1} − m_j), m_j the mean of ln|Y| at the j-th of doubling block lengths.
        LocalSlope = "local_slope",
        /// From the spread of ln|D_a| − ln|D_b| of two paired differences of one coordinate.
        WithinCoordinate = "within_coordinate",
        /// From ln|D_a + D_b| − ½(ln|D_a| + ln|D_b|) of the same.
        AcrossMinibatches = "across_minibatches",
        /// From the variance of ln|x|.
        LogMoment = "log_moment",
        /// From the means of |x|^p and |x|^−p.
        Flom = "flom",
        /// From the empirical characteristic function.
        Ecf = "ecf",
        /// From quantiles, by a table.
        Mcculloch = "mcculloch",
        /// 1/α = mean ln(X_(i)/X_(k+1)) of the k largest |x|.
        Hill = "hill",
        /// From the first two moments of the same logarithms.
        Dedh = "dedh",
        /// From their ratio.
        DehaanPeng = "dehaan_peng",
        /// From the spacings of the k-th, 2k-th and 4k-th largest |x|.
        Pickands = "pickands",
    }
}

words! {
    /// Why there is no estimate, or what is to be known of the one beside it.
    Problem {
        /// Fewer minibatches than the estimator needs.
        TooFewBatches = "too_few_batches",
        /// Fewer than 30 blocks.
        TooFewBlocks = "too_few_blocks",
        /// The block is longer than a row.
        BlockLongerThanRow = "block_longer_than_row",
        /// K1 = 1 says nothing.
        BlockLengthOne = "block_length_one",
        /// A gradient was not finite.
        NonFinite = "non_finite",
        /// Nothing was left to estimate from.
        NoValues = "no_values",
        /// The values vary less than those of any stable law.
        LighterThanStable = "lighter_than_stable",
        /// The two means are equal: 1/α = 0.
        NoGrowth = "no_growth",
        /// Fewer values than the estimator needs.
        TooFewValues = "too_few_values",
        /// More values than the estimator is for.
        TooManyValues = "too_many_values",
        /// The values lie in too few places.
        Degenerate = "degenerate",
        /// The tail falls faster than any power.
        LightTail = "light_tail",
        /// The tails are lighter than those of α = 2, where the table ends; the number is 2.
        AtBound = "at_bound",
        /// The tails are heavier than the table tells.
        OutOfTable = "out_of_table",
    }
}

/// Which columns an estimate is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// All parameters.
    All,
    /// One tensor, by its name.
    Layer(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Layer(name) => f.write_str(name),
        }
    }
}

/// A 95 % confidence interval of α.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end; infinite when the interval is open above.
    pub high: f64,
}

/// A tail index, or a named reason why there is none. No number is ever NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Which columns.
    pub scope: Scope,
    /// How it was made.
    pub estimator: Estimator,
    /// Of which noise.
    pub treatment: Treatment,
    /// Block length, where it applies.
    pub k1: Option<u64>,
    /// α.
    pub alpha: Option<f64>,
    /// Standard error of α.
    pub std_error: Option<f64>,
    /// Of α.
    pub interval: Option<Interval>,
    /// θ = 1/α, on which estimates are pooled.
    pub theta: Option<f64>,
    /// Standard error of θ.
    pub theta_std_error: Option<f64>,
    /// Degrees of freedom of the interval.
    pub degrees: Option<u32>,
    /// The X in the means.
    pub samples: u64,
    /// The Y in the means.
    pub blocks: u64,
    /// Why a number is missing, or what is to be known of it.
    pub problem: Option<Problem>,
}
