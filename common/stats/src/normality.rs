//! Tests whether values come from a Gaussian of unknown mean and variance.
//!
//! Both tests know nothing of location and scale: they judge the shape alone. Shapiro and Wilk's
//! W is the squared correlation of the ordered values with what a Gaussian would give at their
//! places; Anderson and Darling's A² is the distance of the distribution functions, weighted so
//! that tails count most.
//!
//! Absent: which values are tested, and what share of tests accept. [`Gaussianity`] says that.
//!
//! [`Gaussianity`]: crate::Gaussianity

mod anderson_darling;
mod shapiro_wilk;

pub use self::anderson_darling::anderson_darling;
pub use self::shapiro_wilk::shapiro_wilk;
use crate::estimate::Problem;

/// What a test says of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalityTest {
    /// W or A².
    pub statistic: f64,
    /// The probability that a Gaussian sample looks less like one, between 0 and 1.
    pub p_value: f64,
}

/// The values in order, about their mean, in units of their largest deviation.
///
/// Values that are all equal to 2⁻⁴⁰ of their size have no shape: [`Problem::Degenerate`].
fn standardised(values: &[f64]) -> Result<Vec<f64>, Problem> {
    let largest = values
        .iter()
        .fold(0.0, |max: f64, value| max.max(value.abs()));
    if !values.iter().all(|value| value.is_finite()) {
        return Err(Problem::NonFinite);
    }
    if largest < f64::MIN_POSITIVE {
        return Err(Problem::Degenerate);
    }
    let mut values: Vec<f64> = values.iter().map(|value| value / largest).collect();
    values.sort_unstable_by(f64::total_cmp);
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|value| *value -= mean);
    let largest = values[values.len() - 1].max(-values[0]);
    if largest < f64::EPSILON * 4096.0 {
        return Err(Problem::Degenerate);
    }
    values.iter_mut().for_each(|value| *value /= largest);
    Ok(values)
}
