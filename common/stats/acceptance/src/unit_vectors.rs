//! A0: numbers that are known exactly.

use tailsweep_stats::{mohammadi, published_block_length};

use crate::line::{Expected, Line};

/// Largest difference of an exact number.
const EXACT: f64 = 1e-6;

/// Name, whether signs alternate, K1.
const VECTORS: [(&str, bool, usize); 3] = [
    ("1 … 8, K1 = 2", false, 2),
    ("1 … 8, K1 = 4", false, 4),
    ("1, −2, 3, −4, … −8, K1 = 2", true, 2),
];

/// Data, minibatches of 500, inputs, width, depth, M, K1.
const SIZES: [(&str, u64, u64, u64, u64, u64, u64); 7] = [
    ("mnist 4, 2", 120, 784, 4, 2, 3_176, 480),
    ("mnist 32, 4", 120, 784, 32, 4, 27_456, 1_760),
    ("mnist 128, 2", 120, 784, 128, 2, 101_632, 3_176),
    ("mnist 512, 9", 120, 784, 512, 9, 2_241_536, 15_920),
    ("cifar10 4, 2", 100, 3_072, 4, 2, 12_328, 1_072),
    ("cifar10 32, 4", 100, 3_072, 32, 4, 100_672, 3_146),
    ("cifar10 1024, 9", 100, 3_072, 1_024, 9, 10_496_000, 32_000),
];
/// K2 of the same.
const BLOCKS: [u64; 7] = [794, 1_872, 3_840, 16_896, 1_150, 3_200, 32_800];

pub(crate) fn lines() -> Vec<Line> {
    let exactly = |value| Expected::Near {
        value,
        within: EXACT,
    };
    let mut lines = Vec::new();
    for (name, alternating, k1) in VECTORS {
        let sign = |value: u32| {
            if alternating && value.is_multiple_of(2) {
                -1.0
            } else {
                1.0
            }
        };
        let values: Vec<f64> = (1..=8)
            .map(|value| sign(value) * f64::from(value))
            .collect();
        let expected = match (alternating, k1) {
            // Block sums 3, 7, 11, 15; 10, 26; −1, −1, −1, −1. 8! = 40,320.
            (false, 2) => 2_f64.ln() / (3_465_f64.ln() / 4.0 - 40_320_f64.ln() / 8.0),
            (false, _) => 4_f64.ln() / (260_f64.ln() / 2.0 - 40_320_f64.ln() / 8.0),
            (true, _) => 2_f64.ln() / (-40_320_f64.ln() / 8.0),
        };
        let read = mohammadi(&values, k1).unwrap_or(f64::NAN);
        lines.push(Line::new(format!("α of {name}"), exactly(expected), read).decimals(6));
    }
    for ((name, minibatches, inputs, width, depth, params, k1), k2) in SIZES.into_iter().zip(BLOCKS)
    {
        let formula = inputs * width + (depth - 2) * width * width + 10 * width;
        let values = minibatches * params;
        let read = published_block_length(values);
        let line = |what: &str, expected: u64, read: u64| {
            let what = format!("{what} of {name}");
            Line::new(what, exactly(expected as f64), read as f64).decimals(0)
        };
        lines.push(line("M", params, formula));
        lines.push(line("K1", k1, read));
        lines.push(line("K2", k2, values / read));
    }
    lines
}
