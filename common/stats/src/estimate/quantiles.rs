//! The quantile estimator of McCulloch.
//!
//! ν = (q95 − q05)/(q75 − q25) falls with α. The table is that for symmetric laws (β = 0), linear
//! between its entries. σ = (q75 − q25)/ν_c(α).
//!
//! Source: McCulloch, "Simple consistent estimators of stable distribution parameters", Comm.
//! Statist. Simulation Comput. 15 (1986), 1109–1136, tables III and V.
//!
//! **Error.** Quantiles come from the histogram: a relative error of 0.2 % at worst each, so 0.8 %
//! of ν where values lie in few places; of a smooth law some 10⁻⁵.
//!
//! **When it fails.** A ν below the table's (lighter tails than Gaussian ones) reads 2,
//! [`Problem::AtBound`]; one above it is [`Problem::OutOfTable`]. Half of the values in one bin are
//! [`Problem::Degenerate`].

use super::Problem;
use crate::histogram::{InOrder, LogHistogram};
use crate::values::ValueSums;

/// ν = (q95 − q05)/(q75 − q25) and the α of the symmetric stable law that has it: the table of
/// [`mcculloch`], linear in between.
pub const MCCULLOCH: [(f64, f64); 15] = [
    (2.439, 2.0),
    (2.5, 1.916),
    (2.6, 1.808),
    (2.7, 1.729),
    (2.8, 1.664),
    (3.0, 1.563),
    (3.2, 1.484),
    (3.5, 1.391),
    (4.0, 1.279),
    (5.0, 1.128),
    (6.0, 1.029),
    (8.0, 0.896),
    (10.0, 0.818),
    (15.0, 0.698),
    (25.0, 0.593),
];

/// α and (q75 − q25)/σ, β = 0; held below α = 1.
const SPREADS: [(f64, f64); 5] = [
    (1.0, 2.0),
    (1.2, 1.965),
    (1.5, 1.939),
    (1.9, 1.914),
    (2.0, 1.908),
];

/// What the table reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TableReading {
    /// α.
    pub alpha: f64,
    /// Whether ν lies below the table, which ends at α = 2.
    pub at_bound: bool,
}

/// α from ν = (q95 − q05)/(q75 − q25).
pub fn mcculloch(values: &ValueSums) -> Result<TableReading, Problem> {
    Quartiles::of(&values.histogram)?.table()
}

/// Where values lie and how far they spread.
pub(super) struct Quartiles {
    pub(super) median: f64,
    /// q75 − q25.
    spread: f64,
    /// (q95 − q05)/(q75 − q25).
    ratio: f64,
}

impl Quartiles {
    pub(super) fn of(values: &LogHistogram) -> Result<Self, Problem> {
        let values = values.in_order();
        let at = |probability| values.quantile(probability).ok_or(Problem::NoValues);
        let (q05, q25) = (at(0.05)?, at(0.25)?);
        let (q75, q95) = (at(0.75)?, at(0.95)?);
        let spread = q75 - q25;
        let quartiles = Self {
            median: at(0.5)?,
            spread,
            ratio: (q95 - q05) / spread,
        };
        let apart = bin_at(&values, 0.25) < bin_at(&values, 0.75);
        match apart && spread > 0.0 && spread.is_finite() && quartiles.ratio.is_finite() {
            true => Ok(quartiles),
            false => Err(Problem::Degenerate),
        }
    }

    pub(super) fn table(&self) -> Result<TableReading, Problem> {
        let reading = |alpha, at_bound| Ok(TableReading { alpha, at_bound });
        let [(first, most), .., (last, _)] = MCCULLOCH;
        if self.ratio < first {
            return reading(most, true);
        }
        if self.ratio > last {
            return Err(Problem::OutOfTable);
        }
        reading(interpolate(&MCCULLOCH, self.ratio), false)
    }

    /// σ, by the α of the table; that of the table's end where ν is beyond it.
    pub(super) fn scale(&self) -> f64 {
        let alpha = self.table().map_or(SPREADS[0].0, |reading| reading.alpha);
        self.spread / interpolate(&SPREADS, alpha)
    }
}

/// Where in the list of bins this quantile begins.
fn bin_at(values: &InOrder, probability: f64) -> usize {
    let last = values.count().saturating_sub(1);
    values.place((last as f64 * probability).round() as u64)
}

/// Linear between the points, held beyond them.
fn interpolate(points: &[(f64, f64)], x: f64) -> f64 {
    let next = points.partition_point(|point| point.0 <= x);
    match (
        next.checked_sub(1).map(|before| points[before]),
        points.get(next),
    ) {
        (Some(left), Some(right)) => {
            left.1 + (right.1 - left.1) * (x - left.0) / (right.0 - left.0)
        }
        (Some(only), None) => only.1,
        (None, _) => points[0].1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_ratio(ratio: f64) -> Result<TableReading, Problem> {
        Quartiles {
            median: 0.0,
            spread: 1.0,
            ratio,
        }
        .table()
    }

    #[test]
    fn the_table_is_linear_between_its_entries() {
        for (ratio, alpha) in [
            (2.439, 2.0),
            (2.5, 1.916),
            (2.55, 1.862),
            (2.9, 1.6135),
            (3.5, 1.391),
            (4.5, 1.2035),
            (12.5, 0.758),
            (25.0, 0.593),
        ] {
            let read = of_ratio(ratio).unwrap();
            assert!((read.alpha - alpha).abs() < 1e-12, "{ratio}: {read:?}");
            assert!(!read.at_bound);
        }
    }

    #[test]
    fn beyond_the_table_stands_a_word() {
        let light = of_ratio(2.4389).unwrap();
        assert_eq!((light.alpha, light.at_bound), (2.0, true));
        assert_eq!(of_ratio(25.001), Err(Problem::OutOfTable));
    }

    #[test]
    fn scales_are_those_of_the_table() {
        for (alpha, spread) in SPREADS {
            assert_eq!(interpolate(&SPREADS, alpha), spread);
        }
        assert_eq!(interpolate(&SPREADS, 0.6), 2.0);
        assert!((interpolate(&SPREADS, 1.7) - 1.9265).abs() < 1e-12);
    }

    #[test]
    fn values_at_one_place_are_degenerate() {
        for values in [vec![1.0], vec![-0.3; 50], vec![1.0, 1.001, 1.002]] {
            let read = mcculloch(&ValueSums::of(&values));
            assert_eq!(read, Err(Problem::Degenerate), "{values:?}");
        }
        assert_eq!(mcculloch(&ValueSums::default()), Err(Problem::NoValues));
    }
}
