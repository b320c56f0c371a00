//! Zeros, norms and power sums.

use crate::summary::Moments;

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
        let (mut squares, mut fourths, mut max) = (self.square, self.fourth, self.max);
        let groups = values.chunks_exact(LANES);
        let rest = groups.remainder();
        for group in groups {
            add(group, &mut squares, &mut fourths, &mut max);
        }
        add(rest, &mut squares, &mut fourths, &mut max);
        (self.square, self.fourth, self.max) = (squares, fourths, max);

        let count = |is: fn(&f64) -> bool| values.iter().filter(|value| is(value)).count() as u64;
        let small = count(|value| value.abs() < f64::EPSILON);
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
            moments.norm_max = moments.norm_max.max(square.sqrt().min(f64::MAX));
            moments.max = self
                .max
                .iter()
                .fold(moments.max, |max, lane| max.max(*lane));
        }
        *self = Self {
            moments: std::mem::take(&mut self.moments),
            ..Self::default()
        };
    }

    pub(super) fn finish(self) -> Vec<Moments> {
        self.moments
    }
}

/// Adds at most one value to each lane.
#[inline(always)]
fn add(
    values: &[f64],
    squares: &mut [f64; LANES],
    fourths: &mut [f64; LANES],
    max: &mut [f64; LANES],
) {
    for (((value, sum), fourth), max) in values.iter().zip(squares).zip(fourths).zip(max) {
        let square = value * value;
        *sum += square;
        *fourth += square * square;
        let magnitude = value.abs();
        *max = if magnitude > *max { magnitude } else { *max };
    }
}
