//! The estimator of Mohammadi, Mohammadpour, Ogata over plain numbers.

use crate::log_sum::sum_ln_abs_plus_epsilon;

/// α of these numbers by the published estimator at block length `k1`: the whole blocks alone,
/// ln(|x| + 2⁻⁵²). `None` when `k1` is below 2, there is no whole block, or the means are equal.
///
/// 1/α = (mean ln|Y| − mean ln|X|)/ln K1, Y the sums of blocks of K1 consecutive X. It may be
/// negative or above 2.
pub fn mohammadi(values: &[f64], k1: usize) -> Option<f64> {
    if k1 < 2 {
        return None;
    }
    let blocks: Vec<f64> = values
        .chunks_exact(k1)
        .map(|block| block.iter().sum())
        .collect();
    let used = &values[..blocks.len() * k1];
    let mean = |values: &[f64]| sum_ln_abs_plus_epsilon(values) / values.len() as f64;
    let theta = (mean(&blocks) - mean(used)) / (k1 as f64).ln();
    let alpha = 1.0 / theta;
    alpha.is_finite().then_some(alpha)
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
        }
    }

    #[test]
    fn without_a_whole_block_there_is_no_estimate() {
        assert_eq!(mohammadi(&[1.0, 2.0, 3.0], 4), None);
        assert_eq!(mohammadi(&[1.0, 2.0, 3.0], 1), None);
        assert_eq!(mohammadi(&[], 2), None);
        assert_eq!(mohammadi(&[0.0; 4], 2), None, "no growth");
    }
}
