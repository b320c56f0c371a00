//! From θ to α.

use super::{Estimate, Estimator, Problem, Scope};
use crate::student::interval_of_theta;
use crate::treatment::Treatment;

/// |θ| below which the two means are equal but for rounding.
const LEAST_GROWTH: f64 = 1e-12;

impl Estimate {
    /// A row without numbers.
    pub(crate) fn without_value(scope: Scope, estimator: Estimator, treatment: Treatment) -> Self {
        Self {
            scope,
            estimator,
            treatment,
            k1: None,
            alpha: None,
            std_error: None,
            interval: None,
            theta: None,
            theta_std_error: None,
            degrees: None,
            samples: 0,
            blocks: 0,
            problem: None,
        }
    }

    pub(crate) fn with_problem(self, problem: Problem) -> Self {
        Self {
            problem: Some(problem),
            ..self
        }
    }

    /// The row, but with this problem instead of its numbers; counts and K1 stay.
    pub(crate) fn spoilt_by(self, problem: Problem) -> Self {
        Self {
            k1: self.k1,
            samples: self.samples,
            blocks: self.blocks,
            ..Self::without_value(self.scope, self.estimator, self.treatment).with_problem(problem)
        }
    }

    /// This α, or the problem instead; without a standard error.
    pub(crate) fn with_alpha(self, alpha: Result<f64, Problem>) -> Self {
        match alpha {
            Err(problem) => self.with_problem(problem),
            Ok(alpha) => Self {
                alpha: Some(alpha),
                theta: Some(1.0 / alpha),
                ..self
            },
        }
    }

    /// α = 1/θ, with the standard error of θ and its degrees of freedom.
    pub(crate) fn with_theta(self, theta: f64, error: Option<(f64, u32)>) -> Self {
        if theta.abs() < LEAST_GROWTH {
            return self.with_problem(Problem::NoGrowth);
        }
        let alpha = 1.0 / theta;
        Self {
            alpha: Some(alpha),
            std_error: error.map(|(error, _)| alpha * alpha * error),
            interval: error.and_then(|(error, degrees)| interval_of_theta(theta, error, degrees)),
            theta: Some(theta),
            theta_std_error: error.map(|(error, _)| error),
            degrees: error.map(|(_, degrees)| degrees),
            ..self
        }
    }
}

/// The standard error of θ from its values with one of G clusters deleted each:
/// s.e.² = (G−1)/G Σ(θ_(−r) − mean)².
pub(crate) fn jackknife(deleted: &[f64]) -> f64 {
    let clusters = deleted.len() as f64;
    let mean = deleted.iter().sum::<f64>() / clusters;
    let squares: f64 = deleted.iter().map(|theta| (theta - mean).powi(2)).sum();
    ((clusters - 1.0) / clusters * squares).sqrt()
}
