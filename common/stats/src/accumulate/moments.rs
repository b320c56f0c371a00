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
        let mut zeros = [0_u64; LANES];
        let mut small = [0_u64; LANES];
        let mut strange = [0_u64; LANES];
        let mut add = |lane: usize, value: f64| {
            let square = value * value;
            self.square[lane] += square;
            self.fourth[lane] += square * square;
            zeros[lane] += u64::from(value == 0.0);
            small[lane] += u64::from(value.abs() < f64::EPSILON);
            strange[lane] += u64::from(!value.is_finite());
        };
        let groups = values.chunks_exact(LANES);
        let rest = groups.remainder();
        for group in groups {
            for lane in 0..LANES {
                add(lane, group[lane]);
            }
        }
        for (lane, value) in rest.iter().enumerate() {
            add(lane, *value);
        }
        let zeros: u64 = zeros.iter().sum();
        self.zeros += zeros;
        self.below_epsilon += small.iter().sum::<u64>() - zeros;
        self.non_finite += strange.iter().sum::<u64>();
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
