//! Zeros, norms and power sums.

use crate::histogram::LogHistogram;
use crate::summary::Moments;
use crate::wide::{self, Eight, Loop};

const LANES: usize = 8;

/// The sums of one row, value i in lane i mod 8.
#[derive(Debug, Default)]
pub(super) struct MomentSums {
    square: [f64; LANES],
    fourth: [f64; LANES],
    zeros: u64,
    below_epsilon: u64,
    non_finite: u64,
    max: [f64; LANES],
    moments: Vec<Moments>,
    /// Of the rows whose norm is a number, in any order.
    norms: Vec<f64>,
}

impl MomentSums {
    pub(super) fn new(clusters: usize) -> Self {
        Self {
            moments: vec![Moments::default(); clusters],
            ..Self::default()
        }
    }

    /// The next values of a row; their number is a multiple of 8, but for the last ones.
    pub(super) fn add_chunk(&mut self, values: &[f64]) {
        let small = wide::run(AddPowers { sums: self, values });
        let count = |is: fn(&f64) -> bool| values.iter().filter(|value| is(value)).count() as u64;
        if small > 0 {
            let zeros = count(|value| *value == 0.0);
            self.zeros += zeros;
            self.below_epsilon += small - zeros;
        }
        // A value that is not finite spoils its lane.
        if !self.square.iter().all(|square| square.is_finite()) {
            self.non_finite += count(|value| !value.is_finite());
        }
    }

    pub(super) fn end_row(&mut self, cluster: usize) {
        let total = |lanes: &[f64; LANES]| lanes.iter().fold(0.0, |sum, lane| sum + lane);
        let (square, fourth) = (total(&self.square), total(&self.fourth));
        let moments = &mut self.moments[cluster];
        moments.zeros += self.zeros;
        moments.below_epsilon += self.below_epsilon;
        moments.non_finite += self.non_finite;
        if self.non_finite == 0 {
            // f32 noise never overflows; where f64 noise does, the sum is beyond the largest f64.
            for (sum, value) in [
                (&mut moments.norm, square.sqrt()),
                (&mut moments.square, square),
                (&mut moments.fourth, fourth),
            ] {
                if value.is_finite() {
                    sum.add(value);
                } else {
                    sum.add(f64::MAX);
                    sum.add(f64::MAX);
                }
            }
            self.norms.push(square.sqrt().min(f64::MAX));
            moments.norm_max = moments.norm_max.max(square.sqrt().min(f64::MAX));
            moments.max = self
                .max
                .iter()
                .fold(moments.max, |max, lane| max.max(*lane));
        }
        *self = Self {
            moments: std::mem::take(&mut self.moments),
            norms: std::mem::take(&mut self.norms),
            ..Self::default()
        };
    }

    /// The sums by cluster, and the norms of the rows.
    pub(super) fn finish(self) -> (Vec<Moments>, LogHistogram) {
        (self.moments, LogHistogram::of_few(&self.norms))
    }
}

/// Adds the powers of values; how many of them are below 2⁻⁵².
struct AddPowers<'a> {
    sums: &'a mut MomentSums,
    values: &'a [f64],
}

impl Loop for AddPowers<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<E: Eight>(self) -> u64 {
        let Self { sums, values } = self;
        let (mut squares, mut fourths) = (E::load(&sums.square), E::load(&sums.fourth));
        let mut max = E::load(&sums.max);
        let mut small = E::splat_bits(0);
        let (groups, rest) = values.as_chunks::<LANES>();
        for group in groups {
            let values = E::load(group);
            let square = values * values;
            squares = squares + square;
            fourths = fourths + square * square;
            let magnitude = E::abs(values);
            max = E::select(E::less(max, magnitude), magnitude, max);
            small = E::count(small, E::less(magnitude, E::splat(f64::EPSILON)));
        }
        sums.square = E::store(squares);
        sums.fourth = E::store(fourths);
        sums.max = E::store(max);
        let mut small: u64 = E::store_bits(small).iter().sum();
        for (lane, value) in rest.iter().enumerate() {
            let square = value * value;
            sums.square[lane] += square;
            sums.fourth[lane] += square * square;
            sums.max[lane] = sums.max[lane].max(value.abs());
            small += u64::from(value.abs() < f64::EPSILON);
        }
        small
    }
}
