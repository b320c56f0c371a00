//! The mean of the iterates since the last measurement: what `measure.iterates` asks for.
//!
//! The mean at step k is over the weights after each update since the last measured step; at step 0
//! it is the initial weights. Sums are f64, in the order of the steps.

use tailsweep_stats::{IterateSummary, Layer};

/// Sums of iterates.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Average {
    /// How many.
    pub(crate) count: u64,
    /// Of each tensor, flat.
    pub(crate) sums: Vec<Vec<f64>>,
}

impl Average {
    /// Of none, of tensors of these lengths.
    pub(crate) fn new(lengths: &[usize]) -> Self {
        Self {
            count: 0,
            sums: lengths.iter().map(|length| vec![0.0; *length]).collect(),
        }
    }

    /// Adds an iterate.
    pub(crate) fn add(&mut self, weights: &[Vec<f32>]) {
        self.count += 1;
        let numbers = weights.iter().flatten();
        for (sum, weight) in self.sums.iter_mut().flatten().zip(numbers) {
            *sum += f64::from(*weight);
        }
    }

    /// The statistics of the mean.
    pub(crate) fn summary(&self, layers: &[Layer]) -> IterateSummary {
        let count = self.count.max(1) as f64;
        let mean: Vec<f64> = self.sums.iter().flatten().map(|sum| sum / count).collect();
        IterateSummary::new(&mean, layers, self.count)
    }

    /// Begins anew.
    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.sums.iter_mut().flatten().for_each(|sum| *sum = 0.0);
    }
}
