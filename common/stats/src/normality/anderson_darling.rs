//! Anderson and Darling's A², mean and variance estimated.
//!
//! A² = −n − (1/n) Σ (2i − 1)·[ln Φ(z_(i)) + ln(1 − Φ(z_(n+1−i)))], z = (x − x̄)/s, s with n − 1.
//! A²·(1 + 0.75/n + 2.25/n²) has one law for all n ≥ 8; its p-value is the exponential of a
//! quadratic, in four pieces.
//!
//! Source: M. A. Stephens, "Tests based on EDF statistics", in: D'Agostino, Stephens (eds.),
//! Goodness-of-Fit Techniques, 1986, tables 4.7 and 4.9.

use std::f64::consts::{LN_2, PI};

use super::{NormalityTest, standardised};
use crate::estimate::Problem;
use crate::stable::normal_above;

/// Below this number of values the law of A² is another one.
const FEWEST_VALUES: usize = 8;

/// Where a piece begins; 1 − p or p is exp(a + b·A + c·A²).
struct Piece {
    from: f64,
    of_one_minus_p: bool,
    coefficients: [f64; 3],
}

const PIECES: [Piece; 4] = [
    Piece {
        from: 0.600,
        of_one_minus_p: false,
        coefficients: [1.2937, -5.709, 0.0186],
    },
    Piece {
        from: 0.340,
        of_one_minus_p: false,
        coefficients: [0.9177, -4.279, -1.38],
    },
    Piece {
        from: 0.200,
        of_one_minus_p: true,
        coefficients: [-8.318, 42.796, -59.938],
    },
    Piece {
        from: 0.0,
        of_one_minus_p: true,
        coefficients: [-13.436, 101.14, -223.73],
    },
];

/// The quadratic of the outermost piece was not meant for more; p is 4·10⁻²⁴ here.
const LARGEST: f64 = 10.0;

/// Anderson and Darling's test of 8 values or more: A² near 0 is Gaussian.
///
/// [`Problem::TooFewValues`] below, [`Problem::Degenerate`] if all values are equal,
/// [`Problem::NonFinite`] if one is not finite.
pub fn anderson_darling(values: &[f64]) -> Result<NormalityTest, Problem> {
    if values.len() < FEWEST_VALUES {
        return Err(Problem::TooFewValues);
    }
    let values = standardised(values)?;
    let n = values.len() as f64;
    let squares: f64 = values.iter().map(|value| value * value).sum();
    let scale = (squares / (n - 1.0)).sqrt();
    let ends = values.iter().zip(values.iter().rev());
    let sum: f64 = ends
        .enumerate()
        .map(|(index, (low, high))| {
            let weight = 2.0 * index as f64 + 1.0;
            weight * (ln_upper_tail(-low / scale) + ln_upper_tail(high / scale))
        })
        .sum();
    let statistic = -n - sum / n;
    Ok(NormalityTest {
        statistic,
        p_value: p_value(statistic * (1.0 + 0.75 / n + 2.25 / (n * n))),
    })
}

/// ln(1 − Φ(x)).
fn ln_upper_tail(x: f64) -> f64 {
    if x < 30.0 {
        return normal_above(x).ln();
    }
    // 1 − Φ(x) ~ φ(x)/x·(1 − 1/x² + …), where erfc would underflow.
    -0.5 * (x * x + LN_2 + PI.ln()) - x.ln() - 1.0 / (x * x)
}

/// Of the adjusted A².
fn p_value(adjusted: f64) -> f64 {
    let adjusted = adjusted.clamp(0.0, LARGEST);
    let piece = PIECES.iter().find(|piece| adjusted >= piece.from);
    let Some(piece) = piece else {
        return 1.0;
    };
    let [a, b, c] = piece.coefficients;
    let exponential = (a + b * adjusted + c * adjusted * adjusted).exp();
    match piece.of_one_minus_p {
        true => 1.0 - exponential,
        false => exponential,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table 4.7 of the source: upper points of the adjusted A².
    #[test]
    fn p_values_meet_the_table_of_upper_points() {
        for (point, p) in [
            (0.470, 0.25),
            (0.561, 0.15),
            (0.631, 0.10),
            (0.752, 0.05),
            (0.873, 0.025),
            (1.035, 0.01),
            (1.159, 0.005),
        ] {
            let read = p_value(point);
            assert!((read / p - 1.0).abs() < 0.03, "{point}: {read} for {p}");
        }
    }

    #[test]
    fn logarithms_of_tails_meet() {
        let (near, far) = (normal_above(29.999_999).ln(), ln_upper_tail(30.000_001));
        assert!((near - far).abs() < 1e-4, "{near} {far}");
        assert!(ln_upper_tail(1e3).is_finite());
    }
}
