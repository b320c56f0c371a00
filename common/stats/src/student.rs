//! Quantiles of Student's t distribution, and the intervals made of them.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::estimate::Interval;

/// The t with P(T ≤ t) = `probability` for Student's t of `degrees` degrees of freedom; relative
/// error below 10⁻¹⁰ at the 0.975 of intervals.
///
/// NaN unless 0 < `probability` < 1 and `degrees` > 0.
pub fn student_t_quantile(probability: f64, degrees: f64) -> f64 {
    let inside = probability > 0.0 && probability < 1.0;
    match StudentsT::new(0.0, 1.0, degrees) {
        Ok(student) if inside => student.inverse_cdf(probability),
        _ => f64::NAN,
    }
}

/// The 95 % interval of α = 1/θ: the ends of that of θ, mapped, as they are where they are negative.
/// Open above when the lower end of θ is not positive; none where the upper one is 0 or no number.
pub(crate) fn interval_of_theta(theta: f64, std_error: f64, degrees: u32) -> Option<Interval> {
    let reach = std_error * student_t_quantile(0.975, f64::from(degrees));
    let (least, most) = (theta - reach, theta + reach);
    let interval = Interval {
        low: 1.0 / most,
        high: if least > 0.0 {
            1.0 / least
        } else {
            f64::INFINITY
        },
    };
    interval.low.is_finite().then_some(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with mpmath to 40 digits; they agree with the printed tables.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (degrees, quantile) in [
            (1.0, 12.706204736174705),
            (2.0, 4.302652729749464),
            (3.0, 3.1824463052837095),
            (5.0, 2.5705818356363155),
            (10.0, 2.228138851986275),
            (23.0, 2.0686576104190486),
            (63.0, 1.9983405425207417),
            (1000.0, 1.9623390808264085),
        ] {
            let upper = student_t_quantile(0.975, degrees);
            assert!((upper / quantile - 1.0).abs() < 1e-10, "{degrees}: {upper}");
            let lower = student_t_quantile(0.025, degrees);
            assert!((lower / quantile + 1.0).abs() < 1e-10, "{degrees}: {lower}");
        }
        assert!((student_t_quantile(0.9, 7.0) - 1.4149239276505086).abs() < 1e-10);
        assert_eq!(student_t_quantile(0.5, 4.0), 0.0);
    }

    #[test]
    fn intervals_open_above_when_theta_may_be_zero() {
        let interval = interval_of_theta(0.5, 0.1, 10).unwrap();
        assert!((1.0 / interval.low - 0.7228138851986).abs() < 1e-10);
        assert!((1.0 / interval.high - 0.2771861148014).abs() < 1e-10);
        assert_eq!(interval_of_theta(0.1, 0.1, 10).unwrap().high, f64::INFINITY);
        let negative = interval_of_theta(-0.5, 0.1, 10).unwrap();
        assert!((1.0 / negative.low + 0.2771861148014).abs() < 1e-10);
        assert_eq!(negative.high, f64::INFINITY);
        assert_eq!(interval_of_theta(0.0, 0.0, 10), None);
        assert_eq!(interval_of_theta(0.5, 0.1, 0), None);
    }

    #[test]
    fn what_has_no_quantile_is_nan() {
        for (probability, degrees) in [(0.0, 3.0), (1.0, 3.0), (0.975, 0.0), (f64::NAN, 3.0)] {
            assert!(student_t_quantile(probability, degrees).is_nan());
        }
    }
}
