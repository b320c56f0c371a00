//! Numbers of repeats, in their order.

use rayon::prelude::*;

/// Values of independent repeats.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.len() as f64
    }

    /// Of one value, with n − 1; NaN below two values.
    pub(crate) fn sd(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.0.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / (self.len() as f64 - 1.0)).sqrt()
    }

    /// Of the mean.
    pub(crate) fn std_error(&self) -> f64 {
        self.sd() / (self.len() as f64).sqrt()
    }

    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }
}

impl FromIterator<f64> for Sample {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Repeats on all threads of the pool, in their order.
pub(crate) fn repeat<T: Send>(repeats: u64, once: impl Fn(u64) -> T + Sync + Send) -> Vec<T> {
    (0..repeats).into_par_iter().map(once).collect()
}
