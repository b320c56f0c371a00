//! The estimator of Mohammadi, Mohammadpour, Ogata over plain numbers and over vectors.
//!
//! 1/α = (mean ln|Y| − mean ln|X|)/ln K1, Y the sums of blocks of K1 consecutive X; of vectors |·|
//! is the Euclidean norm, for a sum of K1 independent stable vectors is K1^(1/α) times as long as
//! one of them, as a number is. It may be negative or above 2.
//!
//! Whole blocks alone are read, as ln(|x| + 2⁻⁵²).
//!
//! **When it fails.** K1 < 2: [`Problem::BlockLengthOne`]. No whole block: [`Problem::NoValues`].
//! A number that is not finite: [`Problem::NonFinite`]. Nothing but one number or vector, again and
//! again: [`Problem::Degenerate`], for its sums grow as those of α = 1 whatever it is; or
//! [`Problem::NoGrowth`] if it is zero, and wherever the two means are equal.
//!
//! Source: Mohammadi, Mohammadpour, Ogata, "On estimating the tail index and the spectral measure of
//! multivariate α-stable distributions", Metrika 78 (2015), 549–561: Corollary 2.4, and theorem 2.3
//! for vectors.

use super::Problem;
use crate::log_sum::sum_ln_abs_plus_epsilon;

/// α of these numbers by the published estimator at block length `k1`.
pub fn mohammadi(values: &[f64], k1: usize) -> Result<f64, Problem> {
    if k1 < 2 {
        return Err(Problem::BlockLengthOne);
    }
    let blocks: Vec<f64> = values
        .chunks_exact(k1)
        .map(|block| block.iter().sum())
        .collect();
    let used = &values[..blocks.len() * k1];
    of_lengths(used, &blocks, k1, is_repeated(used, 1))
}

/// α of these vectors at block length `k1`, by the norms of sums of vectors. `coordinates` are those
/// of one vector after the other, each of `dimension` of them; what is left over is not read.
///
/// With the rows of noise as vectors, P of M coordinates, K1 minibatches are summed.
pub fn mohammadi_vectors(coordinates: &[f64], dimension: usize, k1: usize) -> Result<f64, Problem> {
    if k1 < 2 {
        return Err(Problem::BlockLengthOne);
    }
    let Some(block) = dimension.checked_mul(k1).filter(|block| *block > 0) else {
        return Err(Problem::NoValues);
    };
    let used = &coordinates[..coordinates.len() / block * block];
    let norm = |vector: &[f64]| vector.iter().fold(0.0, |norm: f64, x| norm.hypot(*x));
    let norms: Vec<f64> = used.chunks_exact(dimension.max(1)).map(norm).collect();
    let mut sum = vec![0.0; dimension];
    let of_blocks = used.chunks_exact(block).map(|block| {
        sum.fill(0.0);
        for vector in block.chunks_exact(dimension) {
            sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
        }
        norm(&sum)
    });
    let of_blocks: Vec<f64> = of_blocks.collect();
    of_lengths(&norms, &of_blocks, k1, is_repeated(used, dimension))
}

/// Whether there is one vector alone, of which some coordinate is not zero.
fn is_repeated(coordinates: &[f64], dimension: usize) -> bool {
    let (first, rest) = coordinates.split_at(dimension.min(coordinates.len()));
    first.iter().any(|x| *x != 0.0) && rest.chunks_exact(dimension).all(|vector| vector == first)
}

/// α of X and of the sums Y of K1 of them, by |x|.
fn of_lengths(x: &[f64], y: &[f64], k1: usize, repeated: bool) -> Result<f64, Problem> {
    if y.is_empty() {
        return Err(Problem::NoValues);
    }
    if x.iter().chain(y).any(|length| !length.is_finite()) {
        return Err(Problem::NonFinite);
    }
    if repeated {
        return Err(Problem::Degenerate);
    }
    let mean = |values: &[f64]| sum_ln_abs_plus_epsilon(values) / values.len() as f64;
    let theta = (mean(y) - mean(x)) / (k1 as f64).ln();
    let alpha = 1.0 / theta;
    alpha.is_finite().then_some(alpha).ok_or(Problem::NoGrowth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_vectors_read_as_published() {
        let rising: Vec<f64> = (1..=8).map(f64::from).collect();
        let alternating: Vec<f64> = (1..=8)
            .map(|value| f64::from(if value % 2 == 0 { -value } else { value }))
            .collect();
        for (values, k1, alpha) in [
            (&rising, 2, 0.97346),
            (&rising, 4, 0.95293),
            (&alternating, 2, -0.52290),
        ] {
            let read = mohammadi(values, k1).unwrap();
            assert!((read - alpha).abs() < 5e-6, "{read} instead of {alpha}");
            assert_eq!(mohammadi_vectors(values, 1, k1), Ok(read));
        }
    }

    #[test]
    fn what_can_not_be_read_has_a_name() {
        let infinite = [1.0, f64::INFINITY, 2.0, 3.0];
        for (values, k1, problem) in [
            (&[1.0, 2.0, 3.0][..], 4, Problem::NoValues),
            (&[1.0, 2.0, 3.0], 1, Problem::BlockLengthOne),
            (&[], 2, Problem::NoValues),
            (&[0.0; 4], 2, Problem::NoGrowth),
            (&[-0.3; 4], 2, Problem::Degenerate),
            (&infinite, 2, Problem::NonFinite),
            (&[f64::NAN; 4], 2, Problem::NonFinite),
        ] {
            assert_eq!(mohammadi(values, k1), Err(problem), "{values:?}");
            assert_eq!(mohammadi_vectors(values, 1, k1), Err(problem), "{values:?}");
        }
        assert_eq!(mohammadi_vectors(&[1.0; 4], 0, 2), Err(Problem::NoValues));
        let turning = [3.0, 4.0, -4.0, 3.0];
        assert!(mohammadi_vectors(&turning, 2, 2).is_ok());
        let repeated = [3.0, 4.0, 3.0, 4.0];
        let read = mohammadi_vectors(&repeated, 2, 2);
        assert_eq!(read, Err(Problem::Degenerate));
    }

    /// |x| = 5 twice and |y| = |(−1, 7)|: θ = ln(√50/5)/ln 2 = ½.
    #[test]
    fn vectors_at_right_angles_grow_as_the_root() {
        let alpha = mohammadi_vectors(&[3.0, 4.0, -4.0, 3.0], 2, 2).unwrap();
        assert!((alpha - 2.0).abs() < 1e-12, "{alpha}");
    }
}
