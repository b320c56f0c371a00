//! Values per second of each pass, and of each part of the second one, on one thread: the best of
//! five, in processor time where Linux tells it.
//!
//! `cargo run --release -p tailsweep-stats --example throughput [M] [P]`

#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::Instant;

use tailsweep_stats::{
    CentreSum, Layer, NoiseAccumulator, NoiseShape, Permutation, ScaleSum, Treatment, Treatments,
};

const REPEATS: usize = 5;

fn main() {
    let mut sizes = std::env::args()
        .skip(1)
        .map(|word| word.parse().expect("a whole number"));
    let params: usize = sizes.next().unwrap_or(100_000);
    let minibatches: usize = sizes.next().unwrap_or(100);
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let rows: Vec<Vec<f32>> = (0..minibatches)
        .map(|_| (0..params).map(|_| next()).collect())
        .collect();
    let tell = |name: &str, seconds: f64| {
        let values = (params * minibatches) as f64;
        let speed = values / seconds / 1e6;
        println!("{name:24}{speed:9.1} M values/s{:9.1} ms", seconds * 1e3);
    };

    tell(
        "centre",
        best(
            || CentreSum::new(params),
            |sum| rows.iter().for_each(|row| sum.add_row(row)),
        ),
    );
    let mut centre = CentreSum::new(params);
    rows.iter().for_each(|row| centre.add_row(row));
    let centre: Arc<[f64]> = centre.finish().into();

    tell(
        "scales",
        best(
            || ScaleSum::new(centre.clone()),
            |sum| rows.iter().for_each(|row| sum.add_row(row)),
        ),
    );
    let mut scales = ScaleSum::new(centre.clone());
    rows.iter().for_each(|row| scales.add_row(row));
    let scales: Arc<[f64]> = scales.finish().into();

    let start = Instant::now();
    let _held = Permutation::shared(params);
    let seconds = start.elapsed().as_secs_f64();
    println!("{:24}{:29.1} ms", "(permutation, once)", seconds * 1e3);

    let accumulator = |treatments: Treatments| {
        let len = params / 4;
        let layer = |index: usize| Layer {
            name: format!("layer{index}"),
            len: if index < 3 { len } else { params - 3 * len },
            fan_in: 512,
            bias: false,
        };
        let layers = (0..4).map(layer).collect();
        let shape = NoiseShape::new(minibatches, false, layers, treatments).expect("a shape");
        NoiseAccumulator::new(Arc::new(shape), centre.clone(), Some(scales.clone()))
    };
    let first_part = |treatments| {
        best(
            || accumulator(treatments),
            |accumulator| {
                let part = accumulator.parts_mut().swap_remove(0);
                rows.iter().for_each(|row| part.add_row(row));
            },
        )
    };
    tell("(zeros and moments)", first_part(Treatments::NONE));
    let values = best(
        || accumulator([Treatment::PublishedRows].into_iter().collect()),
        |accumulator| {
            let part = accumulator.parts_mut().swap_remove(1);
            rows.iter().for_each(|row| part.add_row(row));
        },
    );
    tell("(histogram)", values);
    for treatment in Treatment::ALL {
        let seconds = first_part([treatment].into_iter().collect());
        tell(treatment.as_str(), seconds);
    }
    let all_parts = |treatments| {
        best(
            || accumulator(treatments),
            |accumulator| rows.iter().for_each(|row| accumulator.add_row(row)),
        )
    };
    tell("default treatments", all_parts(Treatments::default()));
    tell(
        "all treatments",
        all_parts(Treatment::ALL.into_iter().collect()),
    );

    let mut whole = accumulator(Treatments::default());
    rows.iter().for_each(|row| whole.add_row(row));
    let start = Instant::now();
    let summary = whole.finish();
    let seconds = start.elapsed().as_secs_f64();
    println!("{:24}{:29.1} ms", "(finish, once)", seconds * 1e3);
    let start = Instant::now();
    for _ in 0..REPEATS {
        std::hint::black_box(summary.estimates()).expect("all rows are here");
    }
    let seconds = start.elapsed().as_secs_f64() / REPEATS as f64;
    println!("{:24}{:29.1} ms", "(estimates)", seconds * 1e3);
}

fn best<T>(new: impl Fn() -> T, work: impl Fn(&mut T)) -> f64 {
    let once = |_| {
        let mut state = new();
        let start = now();
        work(&mut state);
        now() - start
    };
    (0..REPEATS).map(once).fold(f64::INFINITY, f64::min)
}

/// Seconds of processor time of this thread, or of the clock.
fn now() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|line| line.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(
        || {
            let epoch = std::time::SystemTime::UNIX_EPOCH;
            epoch.elapsed().map_or(0.0, |elapsed| elapsed.as_secs_f64())
        },
        |nanoseconds| nanoseconds * 1e-9,
    )
}
