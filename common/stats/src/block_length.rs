//! Block lengths K1: that of the published code, and that of a layer.

/// The largest divisor of `values` that is at most √`values`; 1 for 0 and for primes.
///
/// The published code cuts K = K1·K2 values into K2 blocks of this length.
pub fn published_block_length(values: u64) -> u64 {
    (1..=values.isqrt())
        .rev()
        .find(|length| values.is_multiple_of(*length))
        .unwrap_or(1)
}

/// The largest power of two that is at most √`values` and at most `fan_in`; at least 1.
pub(crate) fn layer_block_length(values: u64, fan_in: u64) -> u64 {
    1 << values.isqrt().min(fan_in).max(1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_lengths_are_those_of_the_published_code() {
        let table = [
            (381_120, 480),
            (3_294_720, 1_760),
            (12_195_840, 3_176),
            (268_984_320, 15_920),
            (1_232_800, 1_072),
            (10_067_200, 3_146),
            (1_049_600_000, 32_000),
            (7, 1),
            (0, 1),
        ];
        for (values, length) in table {
            assert_eq!(published_block_length(values), length, "{values} values");
        }
    }
}
