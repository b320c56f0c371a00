//! A0: numbers that are known exactly, and sums that do not depend on who made them.
//!
//! M is that of the networks as they are trained (`tailsweep-common`). One worker and N: a noise
//! summary whose parts were fed by so many threads, each with its own, and one that was cut into
//! pieces and merged in another order, must be the one of a single thread to the bit.

use std::sync::Arc;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tailsweep_common::run::{Architecture, Dataset, DatasetName, Source};
use tailsweep_stats::{
    CentreSum, Layer, NoiseAccumulator, NoiseShape, NoiseSummary, ScaleSum, Treatment, mohammadi,
    published_block_length,
};

use crate::draws::{Draws, Law};
use crate::line::{Expected, Line};

/// Largest difference of an exact number.
const EXACT: f64 = 1e-6;

/// Name, whether signs alternate, K1.
const VECTORS: [(&str, bool, usize); 3] = [
    ("1 … 8, K1 = 2", false, 2),
    ("1 … 8, K1 = 4", false, 4),
    ("1, −2, 3, −4, … −8, K1 = 2", true, 2),
];

/// Fully connected networks: data, minibatches of 500, width, depth, M, K1, K2.
const SIZES: [(DatasetName, u64, u32, u32, u64, u64, u64); 7] = [
    (DatasetName::Mnist, 120, 4, 2, 3_176, 480, 794),
    (DatasetName::Mnist, 120, 32, 4, 27_456, 1_760, 1_872),
    (DatasetName::Mnist, 120, 128, 2, 101_632, 3_176, 3_840),
    (DatasetName::Mnist, 120, 512, 9, 2_241_536, 15_920, 16_896),
    (DatasetName::Cifar10, 100, 4, 2, 12_328, 1_072, 1_150),
    (DatasetName::Cifar10, 100, 32, 4, 100_672, 3_146, 3_200),
    (
        DatasetName::Cifar10,
        100,
        1_024,
        9,
        10_496_000,
        32_000,
        32_800,
    ),
];

/// Channels and M of the scaled AlexNet, for ten classes.
const ALEXNETS: [(u32, u64); 9] = [
    (2, 396),
    (4, 1_390),
    (8, 5_426),
    (16, 22_810),
    (32, 100_266),
    (64, 451_146),
    (128, 2_050_698),
    (256, 9_347_338),
    (512, 42_555_914),
];

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
    let whole = |what: String, expected: u64, read: u64| {
        Line::new(what, exactly(expected as f64), read as f64).decimals(0)
    };
    for (dataset, minibatches, width, depth, params, k1, k2) in SIZES {
        let name = format!("{} {width}, {depth}", dataset.as_str());
        let read = of_official(Architecture::Fcn { width, depth }, dataset);
        let values = minibatches * read;
        let block = published_block_length(values);
        lines.push(whole(format!("M of {name}"), params, read));
        lines.push(whole(format!("K1 of {name}"), k1, block));
        lines.push(whole(format!("K2 of {name}"), k2, values / block));
    }
    for (width, params) in ALEXNETS {
        let read = of_official(Architecture::Alexnet { width }, DatasetName::Cifar10);
        let name = format!("M of AlexNet, {width} channels");
        lines.push(whole(name, params, read));
    }
    lines.extend(workers());
    lines
}

/// M of a network for official data.
fn of_official(architecture: Architecture, name: DatasetName) -> u64 {
    architecture.params(&Dataset {
        source: Source::Named(name),
        train_limit: None,
        test_limit: None,
    })
}

/// How many of the summaries that several workers made differ from that of one.
fn workers() -> Vec<Line> {
    let noise = Noise::draw();
    let one = noise.summarise(1);
    let threads = [2, 3, 7];
    let other = |threads: usize| usize::from(noise.summarise(threads) != one);
    let of_threads: usize = threads.map(other).iter().sum();
    let pieces = [2, 5, 64];
    let of_pieces: usize = pieces
        .map(|pieces| usize::from(merged_backwards(&one, pieces) != Some(one.clone())))
        .iter()
        .sum();
    let none = Expected::AtMost(0.0);
    let line = |what: &str, differ: usize| Line::new(what, none, differ as f64).decimals(0);
    vec![
        line(
            "summaries by 2, 3, 7 threads that differ from that of 1",
            of_threads,
        ),
        line(
            "summaries of 2, 5, 64 pieces, merged backwards, that differ from the whole",
            of_pieces,
        ),
    ]
}

fn merged_backwards(whole: &NoiseSummary, pieces: usize) -> Option<NoiseSummary> {
    let mut pieces = whole.clone().split(pieces).into_iter().rev();
    let mut merged = pieces.next()?;
    for piece in pieces {
        merged.merge(&piece).ok()?;
    }
    Some(merged)
}

/// Gradients of two layers, some of them dead.
struct Noise {
    shape: Arc<NoiseShape>,
    rows: Vec<Vec<f32>>,
    centre: Arc<[f64]>,
    scales: Arc<[f64]>,
}

impl Noise {
    const MINIBATCHES: usize = 70;
    /// Of two layers, of which one is a bias.
    const LENGTHS: [usize; 2] = [5_000, 37];

    fn draw() -> Self {
        let mut draws = Draws::new("workers", 0, 0);
        let law = Law::stable(1.5);
        let params = Self::LENGTHS.iter().sum();
        let mut value = |column: usize| match column % 20 {
            0 => 0.0,
            _ => draws.of(law) as f32,
        };
        let rows: Vec<Vec<f32>> = (0..Self::MINIBATCHES)
            .map(|_| (0..params).map(&mut value).collect())
            .collect();
        let layer = |(name, len): (&str, usize)| Layer {
            name: name.to_owned(),
            len,
            fan_in: 100,
            bias: name == "bias",
        };
        let layers = ["weight", "bias"].into_iter().zip(Self::LENGTHS).map(layer);
        let treatments = Treatment::ALL.into_iter().collect();
        let shape = NoiseShape::new(rows.len(), true, layers.collect(), treatments);
        let mut centre = CentreSum::new(params);
        rows.iter().for_each(|row| centre.add_row(row));
        let centre: Arc<[f64]> = centre.finish().into();
        let mut scales = ScaleSum::new(Arc::clone(&centre));
        rows.iter().for_each(|row| scales.add_row(row));
        Self {
            shape: Arc::new(shape.expect("there are rows and columns, and few")),
            rows,
            centre,
            scales: scales.finish().into(),
        }
    }

    /// In so many shares, for as many threads.
    fn summarise(&self, threads: usize) -> NoiseSummary {
        let (shape, centre) = (Arc::clone(&self.shape), Arc::clone(&self.centre));
        let mut accumulator = NoiseAccumulator::new(shape, centre, Some(Arc::clone(&self.scales)));
        let shares = accumulator.shares(threads, 0.0).into_par_iter();
        shares.for_each(|mut share| self.rows.iter().for_each(|row| share.add_row(row)));
        accumulator.finish()
    }
}
