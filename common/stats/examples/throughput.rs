//! Values per second of each part of the second pass, on one thread.
//!
//! `cargo run --release -p tailsweep-stats --example throughput [M] [P]`

#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::Instant;

use tailsweep_stats::{
    CentreSum, Layer, NoiseAccumulator, NoiseShape, Permutation, ScaleSum, Treatment, Treatments,
};

fn main() {
    let mut sizes = std::env::args()
        .skip(1)
        .map(|word| word.parse().expect("a whole number"));
    let params: usize = sizes.next().unwrap_or(100_000);
    let minibatches: usize = sizes.next().unwrap_or(100);
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let rows: Vec<Vec<f32>> = (0..minibatches)
        .map(|_| (0..params).map(|_| next()).collect())
        .collect();
    let layers = |params: usize| {
        let len = params / 4;
        let layer = |index: usize| Layer {
            name: format!("layer{index}"),
            len: if index < 3 { len } else { params - 3 * len },
            fan_in: 512,
            bias: false,
        };
        (0..4).map(layer).collect()
    };
    let values = (params * minibatches) as f64;
    let tell = |name: &str, seconds: f64| {
        println!("{name:24}{:9.1} M values/s{:9.1} ms", values / seconds / 1e6, seconds * 1e3);
    };

    let start = Instant::now();
    let mut centre = CentreSum::new(params);
    rows.iter().for_each(|row| centre.add_row(row));
    let centre: Arc<[f64]> = centre.finish().into();
    tell("centre", start.elapsed().as_secs_f64());

    let start = Instant::now();
    let mut scales = ScaleSum::new(centre.clone());
    rows.iter().for_each(|row| scales.add_row(row));
    let scales: Arc<[f64]> = scales.finish().into();
    tell("scales", start.elapsed().as_secs_f64());

    let start = Instant::now();
    let _held = Permutation::shared(params);
    println!("{:24}{:29.1} ms", "(permutation, once)", start.elapsed().as_secs_f64() * 1e3);

    let measure = |name: &str, treatments: Treatments| {
        let shape = NoiseShape::new(minibatches, false, layers(params), treatments);
        let shape = Arc::new(shape.expect("a shape"));
        let mut accumulator = NoiseAccumulator::new(shape, centre.clone(), Some(scales.clone()));
        let mut seconds = f64::INFINITY;
        for part in accumulator.parts_mut().into_iter().take(1) {
            let start = Instant::now();
            rows.iter().for_each(|row| part.add_row(row));
            seconds = start.elapsed().as_secs_f64();
        }
        tell(name, seconds);
    };
    measure("(zeros and moments)", Treatments::NONE);
    for treatment in Treatment::ALL {
        measure(treatment.as_str(), [treatment].into_iter().collect());
    }

    for (name, treatments) in [
        ("default treatments", Treatments::default()),
        ("all treatments", Treatment::ALL.into_iter().collect()),
    ] {
        let shape = NoiseShape::new(minibatches, false, layers(params), treatments);
        let shape = Arc::new(shape.expect("a shape"));
        let start = Instant::now();
        let mut accumulator = NoiseAccumulator::new(shape, centre.clone(), Some(scales.clone()));
        rows.iter().for_each(|row| accumulator.add_row(row));
        let summary = accumulator.finish();
        tell(name, start.elapsed().as_secs_f64());
        let start = Instant::now();
        let estimates = summary.estimates().expect("all rows are here").len();
        println!(
            "{:24}{:29.1} ms, {estimates} rows",
            "  estimates",
            start.elapsed().as_secs_f64() * 1e3
        );
    }
}
