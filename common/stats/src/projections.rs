//! Random projections of the rows of noise, and whether they look Gaussian.
//!
//! If the noise of minibatches is Gaussian, so is its projection z_i = Σ_j ε_j U_ij on any
//! direction; and if it is not, hardly a random direction hides it. The tests of one direction see
//! one number for each minibatch: they speak of the tails across minibatches, as the paired
//! estimators do, and of sums over all parameters. Being sums, projections may look Gaussian where
//! single parameters do not.
//!
//! **Directions.** R = [`PROJECTIONS`] = 16 vectors of signs, functions of M alone: ε_rj =
//! H_r(j mod 16)·d_j, d_j being the bits of SplitMix64 from the seed [`SEED`], H the 16 × 16 matrix
//! of Hadamard and Sylvester. Each vector is one of independent random signs, and any two are
//! orthogonal in each 16 neighbouring coordinates. A value is added once, to lane j mod 16; the
//! lanes are turned into projections at the end of a row.
//!
//! **What is kept.** z_ir rounded to the first 24 bits of an IEEE double (2⁻¹³ of itself) for at
//! most [`MAX_ROWS`] = 256 rows, evenly spaced: rows ⌊kN/256⌋ if there are more than 256. A last
//! row of a shorter minibatch is left out, for its variance is another. That is 12 KiB at most.
//!
//! **Why it merges.** A row's numbers are made of the row alone, and are kept by row.
//!
//! **When it fails.** Fewer than 8 rows: [`Problem::TooFewBatches`]. Gradients that are not finite:
//! [`Problem::NonFinite`]. All rows alike, in all directions: [`Problem::Degenerate`].
//!
//! Source: A. Panigrahi, R. Somani, N. Goyal, P. Netrapalli, "Non-Gaussianity of stochastic
//! gradient noise", 2019 (arXiv 1910.09626), who project on random unit vectors.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::estimate::Problem;
use crate::normality::{anderson_darling, shapiro_wilk};
use crate::shape::NoiseShape;
use crate::stable::SplitMix64;
use crate::summary::RowSet;

/// R: how many directions.
pub const PROJECTIONS: usize = 16;

/// State of the generator of signs at the start.
const SEED: u64 = 0x6469_7265_6374_696f;

/// Rows that are kept.
const MAX_ROWS: usize = 256;

/// Rows that a test needs.
const FEWEST_ROWS: usize = 8;

/// Bits of an f64 that are not kept.
const SHIFT: u32 = 40;

/// The level of a test: a Gaussian is rejected so often.
const LEVEL: f64 = 0.05;

/// How many of the projections look Gaussian. Of Gaussian noise, 95 % do, for each test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussianity {
    /// Projections that were tested, at most [`PROJECTIONS`]: those in which the rows differ.
    pub projections: u64,
    /// Rows of each.
    pub rows: u64,
    /// The share of them that Shapiro and Wilk's test accepts at 5 %.
    pub shapiro_wilk: f64,
    /// The share of them that Anderson and Darling's test accepts at 5 %.
    pub anderson_darling: f64,
}

/// The signs d_j, 64 coordinates to a word, the lowest bit first; 1 is negative.
pub(crate) fn signs(params: usize) -> Vec<u64> {
    let mut words = SplitMix64::new(SEED);
    (0..params.div_ceil(64))
        .map(|_| words.next_word())
        .collect()
}

/// The projections of lanes.
pub(crate) fn hadamard(mut lanes: [f64; PROJECTIONS]) -> [f64; PROJECTIONS] {
    let mut half = 1;
    while half < PROJECTIONS {
        for start in (0..PROJECTIONS).step_by(2 * half) {
            for place in start..start + half {
                let (left, right) = (lanes[place], lanes[place + half]);
                (lanes[place], lanes[place + half]) = (left + right, left - right);
            }
        }
        half *= 2;
    }
    lanes
}

impl NoiseShape {
    /// The rows that are projected, of which at most 256 are kept.
    fn projected(&self) -> usize {
        self.minibatches() - usize::from(self.last_is_short())
    }

    /// How many rows of projections are kept.
    pub(crate) fn kept_projections(&self) -> usize {
        self.projected().min(MAX_ROWS)
    }

    /// Where the projections of a row are kept, if they are: places are in the order of rows.
    pub(crate) fn place_of_projection(&self, row: usize) -> Option<usize> {
        let place = self.places_of_projections(row..row + 1);
        (!place.is_empty()).then_some(place.start)
    }

    /// The places of those rows that are kept.
    pub(crate) fn places_of_projections(&self, rows: Range<usize>) -> Range<usize> {
        let (projected, kept) = (self.projected(), self.kept_projections());
        // Place k holds row ⌊kN/K⌋: the first with a row of `row` or more is ⌈row·K/N⌉.
        let first = |row: usize| (row.min(projected) * kept).div_ceil(projected.max(1));
        first(rows.start)..first(rows.end)
    }

    /// The places of the rows of a set that are kept.
    pub(crate) fn places_of(&self, rows: &RowSet) -> impl Iterator<Item = usize> {
        rows.ranges()
            .iter()
            .flat_map(|range| self.places_of_projections(range.start as usize..range.end as usize))
    }
}

/// The projections of a row, each by the first 24 bits of an IEEE double.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectionRow([u32; PROJECTIONS]);

impl ProjectionRow {
    /// Of these numbers, rounded. What is not finite becomes the largest number.
    pub(crate) fn of(projections: [f64; PROJECTIONS]) -> Self {
        const LARGEST: f64 = f64::from_bits(0x7f_efff << SHIFT);
        Self(projections.map(|value| {
            let bits = value.clamp(-LARGEST, LARGEST).to_bits();
            ((bits + (1 << (SHIFT - 1))) >> SHIFT) as u32
        }))
    }

    /// The first 24 bits of each projection.
    pub fn bits(&self) -> &[u32; PROJECTIONS] {
        &self.0
    }

    /// Projections of these bits, if they are 24 and of finite numbers.
    pub fn from_bits(bits: [u32; PROJECTIONS]) -> Option<Self> {
        let row = Self(bits);
        row.is_possible().then_some(row)
    }

    pub(crate) fn is_possible(&self) -> bool {
        self.0.iter().all(|bits| *bits < 1 << (64 - SHIFT))
            && (0..PROJECTIONS).all(|direction| self.value(direction).is_finite())
    }

    fn value(&self, direction: usize) -> f64 {
        f64::from_bits(u64::from(self.0[direction]) << SHIFT)
    }
}

/// The tests of these rows, of which at least one is not degenerate.
pub(crate) fn gaussianity(rows: &[ProjectionRow]) -> Result<Gaussianity, Problem> {
    if rows.len() < FEWEST_ROWS {
        return Err(Problem::TooFewBatches);
    }
    let (mut tested, mut accepted) = (0, [0; 2]);
    for direction in 0..PROJECTIONS {
        let values: Vec<f64> = rows.iter().map(|row| row.value(direction)).collect();
        let tests = [shapiro_wilk(&values), anderson_darling(&values)];
        let [Ok(shapiro_wilk), Ok(anderson_darling)] = tests else {
            continue;
        };
        tested += 1;
        for (accepted, test) in accepted.iter_mut().zip([shapiro_wilk, anderson_darling]) {
            *accepted += u64::from(test.p_value >= LEVEL);
        }
    }
    if tested == 0 {
        return Err(Problem::Degenerate);
    }
    let share = |accepted| accepted as f64 / tested as f64;
    Ok(Gaussianity {
        projections: tested,
        rows: rows.len() as u64,
        shapiro_wilk: share(accepted[0]),
        anderson_darling: share(accepted[1]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::treatment::Treatments;

    #[test]
    fn directions_are_signs_and_orthogonal() {
        let directions: Vec<[f64; PROJECTIONS]> = (0..PROJECTIONS)
            .map(|lane| {
                let mut lanes = [0.0; PROJECTIONS];
                lanes[lane] = 1.0;
                hadamard(lanes)
            })
            .collect();
        assert!(directions.iter().flatten().all(|sign| sign.abs() == 1.0));
        for left in 0..PROJECTIONS {
            for right in 0..left {
                let product = |lane: &[f64; PROJECTIONS]| lane[left] * lane[right];
                assert_eq!(directions.iter().map(product).sum::<f64>(), 0.0);
            }
        }
    }

    #[test]
    fn half_of_the_signs_are_negative() {
        let negative: u32 = signs(64_000).iter().map(|word| word.count_ones()).sum();
        assert!((31_000..33_000).contains(&negative), "{negative}");
    }

    #[test]
    fn kept_rows_are_evenly_spaced() {
        for (minibatches, kept) in [(1, 1), (7, 7), (256, 256), (257, 256), (60_000, 256)] {
            let shape = NoiseShape::without_layers(minibatches, 3, Treatments::NONE).unwrap();
            assert_eq!(shape.kept_projections(), kept);
            let places: Vec<(usize, usize)> = (0..minibatches)
                .filter_map(|row| Some((row, shape.place_of_projection(row)?)))
                .collect();
            let wanted = (0..kept).map(|place| (place * minibatches / kept, place));
            assert_eq!(places, wanted.collect::<Vec<_>>());
        }
    }

    #[test]
    fn numbers_keep_12_bits() {
        for value in [
            0.0,
            1.0,
            -1.0 / 3.0,
            1e-300,
            -1e300,
            f64::MAX,
            f64::INFINITY,
        ] {
            let read = ProjectionRow::of([value; PROJECTIONS]).value(3);
            let wanted = value.clamp(-f64::MAX, f64::MAX);
            assert!(
                (read - wanted).abs() <= wanted.abs() * 0.5_f64.powi(13),
                "{value}: {read}"
            );
        }
    }
}
