//! Estimators from moments of ln|x| and of |x|^±p.
//!
//! For X ~ SαS(σ), θ = 1/α, γ Euler's constant:
//!
//! - `log_moment`: Var ln|X| = (π²/6)(θ² + ½), E ln|X| = ln σ + γ(θ − 1).
//! - `flom`: E|X|^p·E|X|^−p = 2 tan(pπ/2)/(α sin(pπ/α)). With u = pπ/α and R the product of the
//!   means: sin(u)/u = 2 tan(pπ/2)/(pπR), 0 < u < π; α = pπ/u > p.
//!
//! Source: Ma, Nikias, "Parameter estimation and blind channel identification in impulsive signal
//! environments", IEEE Trans. Signal Processing 43 (1995), 2884–2897.
//!
//! **When they fail.** Both measure how far ln|x| spreads. Values that spread less than those of
//! any stable law are [`Problem::LighterThanStable`]. Unequal scales spread ln|x| as heavy tails do.

use std::f64::consts::PI;

use super::Problem;
use crate::bias::EULER;
use crate::exact_sum::ExactSum;
use crate::values::{FLOM_POWER, ValueSums};

/// α from the variance of ln|x|. A Gaussian has 2; more is possible.
pub fn log_moment(values: &ValueSums) -> Result<f64, Problem> {
    Ok(log_moment_and_scale(values)?.0)
}

/// α and σ from mean and variance of ln|x|.
pub(super) fn log_moment_and_scale(values: &ValueSums) -> Result<(f64, f64), Problem> {
    let mean = mean(values, &values.ln)?;
    let square = self::mean(values, &values.ln_squared)?;
    let variance = square - mean * mean;
    let theta = (6.0 * variance / (PI * PI) - 0.5).sqrt();
    let (alpha, scale) = (1.0 / theta, (mean - EULER * (theta - 1.0)).exp());
    match alpha.is_finite() && scale.is_finite() {
        true => Ok((alpha, scale)),
        false => Err(Problem::LighterThanStable),
    }
}

/// α from the mean of |x|^p and that of |x|^−p, p = 0.2.
pub fn flom(values: &ValueSums) -> Result<f64, Problem> {
    const P: f64 = FLOM_POWER;
    let product = mean(values, &values.power)? * mean(values, &values.inverse_power)?;
    let target = 2.0 * (0.5 * P * PI).tan() / (P * PI * product);
    // sin(u)/u falls from 1 to 0.
    if !(0.0..1.0).contains(&target) {
        return Err(Problem::LighterThanStable);
    }
    let (mut low, mut high) = (0.0, PI);
    loop {
        let u = 0.5 * (low + high);
        if u <= low || u >= high {
            break;
        }
        if u.sin() > target * u {
            low = u;
        } else {
            high = u;
        }
    }
    let alpha = P * PI / high;
    alpha
        .is_finite()
        .then_some(alpha)
        .ok_or(Problem::LighterThanStable)
}

fn mean(values: &ValueSums, sum: &ExactSum) -> Result<f64, Problem> {
    match values.count() {
        0 => Err(Problem::NoValues),
        count => Ok(sum.value() / count as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(values: &[f64]) -> ValueSums {
        ValueSums::of(values)
    }

    #[test]
    fn values_that_do_not_spread_are_lighter_than_stable() {
        for values in [vec![2.0], vec![-3.0; 5], vec![1.0, -1.1, 0.9]] {
            assert_eq!(log_moment(&sums(&values)), Err(Problem::LighterThanStable));
            assert_eq!(flom(&sums(&values)), Err(Problem::LighterThanStable));
        }
        assert_eq!(log_moment(&sums(&[])), Err(Problem::NoValues));
        assert_eq!(flom(&sums(&[0.0, 0.0])), Err(Problem::NoValues));
    }

    /// ln|x| = ±a has variance a²; α and σ follow by hand.
    #[test]
    fn two_magnitudes_read_as_computed_by_hand() {
        let a = 2.0_f64;
        let values = sums(&[a.exp(), -(-a).exp()]);
        let (alpha, scale) = log_moment_and_scale(&values).unwrap();
        let theta = (6.0 * a * a / (PI * PI) - 0.5).sqrt();
        assert!((alpha - 1.0 / theta).abs() < 1e-5, "{alpha}");
        assert!((scale.ln() + EULER * (theta - 1.0)).abs() < 1e-5);

        // R = cosh²(pa); u solves sin(u)/u = 2 tan(π/10)/(π/5·R).
        let alpha = flom(&sums(&[a.exp(), -(-a).exp()])).unwrap();
        let u = 0.2 * PI / alpha;
        let wanted = 2.0 * (0.1 * PI).tan() / (0.2 * PI * (0.2 * a).cosh().powi(2));
        assert!((u.sin() / u - wanted).abs() < 1e-6, "{alpha}");
    }

    #[test]
    fn the_widest_spread_has_an_alpha_above_p() {
        let values = [1e-300, 1e300];
        let alpha = flom(&sums(&values)).unwrap();
        assert!((FLOM_POWER..0.201).contains(&alpha), "{alpha}");
        assert!(log_moment(&sums(&values)).unwrap() > 0.0);
    }
}
