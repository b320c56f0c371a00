//! Values per second of each pass over a matrix of gradients and of each part of the second one,
//! on one thread, beside a plain read of the same memory.
//!
//! `cargo bench -p tailsweep-stats --bench accumulators` prints Criterion's lines, then a table.
//! A name as last argument filters the rows: `-- published`.
//!
//! The time is that of the processor where Unix tells it, so that neighbours on a busy machine
//! count for less.

#![allow(clippy::print_stdout, missing_docs)]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};
use tailsweep_stats::{
    CentreSum, Layer, NoiseAccumulator, NoiseShape, Permutation, ScaleSum, Treatment, Treatments,
};

/// P × M values: 40 MB, more than any cache holds.
const MINIBATCHES: usize = 100;
const PARAMS: usize = 100_000;

const GROUP: &str = "accumulators";

/// Nanoseconds of processor time of this thread, or of the clock elsewhere.
struct ThreadTime(WallTime);

impl Measurement for ThreadTime {
    type Intermediate = u64;
    type Value = u64;

    fn start(&self) -> u64 {
        now()
    }

    fn end(&self, start: u64) -> u64 {
        now().saturating_sub(start)
    }

    fn add(&self, left: &u64, right: &u64) -> u64 {
        left + right
    }

    fn zero(&self) -> u64 {
        0
    }

    fn to_f64(&self, value: &u64) -> f64 {
        *value as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self.0.formatter()
    }
}

#[cfg(unix)]
fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(not(unix))]
fn now() -> u64 {
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    epoch.elapsed().unwrap_or_default().as_nanos() as u64
}

struct Bench<'c> {
    group: BenchmarkGroup<'c, ThreadTime>,
    /// Row by row.
    values: Vec<f32>,
    /// The rows that were asked for, in order.
    names: Vec<String>,
}

impl Bench<'_> {
    /// Times `work` on what `new` makes.
    fn row<T>(&mut self, name: &str, new: impl Fn() -> T, work: impl Fn(&mut T, &[f32])) {
        let values = &self.values;
        let id = BenchmarkId::from_parameter(name);
        self.group.bench_function(id, |bencher| {
            bencher.iter_batched_ref(
                &new,
                |state| work(state, black_box(values)),
                criterion::BatchSize::PerIteration,
            );
        });
        self.names.push(name.to_owned());
    }

    fn by_rows<T>(&mut self, name: &str, new: impl Fn() -> T, add_row: impl Fn(&mut T, &[f32])) {
        self.row(name, new, |state, values| {
            let rows = values.chunks_exact(PARAMS);
            rows.for_each(|row| add_row(state, row));
        });
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(ThreadTime(WallTime))
        .configure_from_args();
    let names = measure(&mut criterion);
    criterion.final_summary();
    table(&names);
}

/// Times all rows; their names in order.
fn measure(criterion: &mut Criterion<ThreadTime>) -> Vec<String> {
    let mut group = criterion.benchmark_group(GROUP);
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .throughput(Throughput::Elements((MINIBATCHES * PARAMS) as u64));
    let mut bench = Bench {
        group,
        values: values(),
        names: Vec::new(),
    };
    rows(&mut bench);
    bench.names
}

/// Near-Gaussian numbers of unequal scales.
fn values() -> Vec<f32> {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let scales: Vec<f32> = (0..PARAMS).map(|_| (4.0 * uniform()).exp()).collect();
    let sum = |uniform: &mut dyn FnMut() -> f32| (0..4).map(|_| uniform()).sum::<f32>();
    (0..MINIBATCHES)
        .flat_map(|_| scales.iter())
        .map(|scale| scale * sum(&mut uniform))
        .collect()
}

fn rows(bench: &mut Bench<'_>) {
    bench.row(
        "memory read",
        || (),
        |(), values| {
            black_box(read(values));
        },
    );
    bench.by_rows(
        "centre",
        || CentreSum::new(PARAMS),
        |sum, row| sum.add_row(row),
    );
    let mut centre = CentreSum::new(PARAMS);
    bench
        .values
        .chunks_exact(PARAMS)
        .for_each(|row| centre.add_row(row));
    let centre: Arc<[f64]> = centre.finish().into();
    let of_scales = || ScaleSum::new(Arc::clone(&centre));
    bench.by_rows("scales", of_scales, |sum, row| sum.add_row(row));
    let mut scales = of_scales();
    bench
        .values
        .chunks_exact(PARAMS)
        .for_each(|row| scales.add_row(row));
    let scales: Arc<[f64]> = scales.finish().into();

    let _held = Permutation::shared(PARAMS);
    let accumulator = |treatments: Treatments| {
        let len = PARAMS / 4;
        let layer = |index: usize| Layer {
            name: format!("layer{index}"),
            len,
            fan_in: 512,
            bias: false,
        };
        let layers = (0..4).map(layer).collect();
        let shape = NoiseShape::new(MINIBATCHES, false, layers, treatments).expect("a shape");
        NoiseAccumulator::new(
            Arc::new(shape),
            Arc::clone(&centre),
            Some(Arc::clone(&scales)),
        )
    };
    let every: Treatments = Treatment::ALL.into_iter().collect();
    let names = |treatments| -> Vec<&'static str> {
        let mut accumulator = accumulator(treatments);
        let parts = accumulator.parts_mut().into_iter();
        parts.map(|part| part.name()).collect()
    };
    let alone = [Treatment::GaussianSurrogate].into_iter().collect();
    for (treatments, skipped) in [(every, ""), (alone, "moments, projections")] {
        for (index, name) in names(treatments).into_iter().enumerate() {
            if !skipped.contains(name) {
                let new = || accumulator(treatments);
                bench.by_rows(name, new, |accumulator, row| {
                    accumulator.parts_mut().swap_remove(index).add_row(row);
                });
            }
        }
    }
    // A power of two as block length is a level of the ladder: no blocks beside it.
    let ladder = || {
        let treatments = [Treatment::PublishedRows].into_iter().collect();
        let shape = NoiseShape::without_layers(MINIBATCHES, PARAMS, treatments).expect("a shape");
        let shape = shape.with_block_length(1024);
        NoiseAccumulator::new(Arc::new(shape), Arc::clone(&centre), None)
    };
    bench.by_rows("log sums and ladder", ladder, |accumulator, row| {
        let parts = accumulator.parts_mut().into_iter();
        let own = parts.filter(|part| part.name() == "published_rows");
        own.for_each(|part| part.add_row(row));
    });
    // Short blocks: their sums and the histogram of these take most of the time.
    let short = || {
        let treatments = [Treatment::Published].into_iter().collect();
        let shape = NoiseShape::without_layers(MINIBATCHES, PARAMS, treatments).expect("a shape");
        let shape = shape.with_block_length(64);
        NoiseAccumulator::new(Arc::new(shape), Arc::clone(&centre), None)
    };
    bench.by_rows("published, K1 = 64", short, |accumulator, row| {
        let parts = accumulator.parts_mut().into_iter();
        let own = parts.filter(|part| part.name() == "published");
        own.for_each(|part| part.add_row(row));
    });
    // `permuted` is the ladder of permuted rows and nothing else.
    let default = Treatments::default();
    let rest = default
        .iter()
        .filter(|treatment| *treatment != Treatment::Permuted);
    for (name, treatments) in [
        ("default treatments", default),
        ("default treatments but permuted", rest.collect()),
    ] {
        let new = || accumulator(treatments);
        bench.by_rows(name, new, |accumulator, row| {
            let mut share = accumulator.shares(1, 0.0).swap_remove(0);
            share.keep(|part| !OF_THEIR_OWN.contains(&part.name()));
            share.add_row(row);
        });
    }
    for (name, treatments) in [
        ("all of a default summary", default),
        ("all of a summary of all treatments", every),
    ] {
        let new = || accumulator(treatments);
        bench.by_rows(name, new, |accumulator, row| accumulator.add_row(row));
    }
}

/// Parts that are not of a treatment. Zeros and norms stay: a report has them beside each α.
const OF_THEIR_OWN: [&str; 3] = ["histogram", "largest values", "projections"];

/// The least that can be done with each value.
fn read(values: &[f32]) -> u32 {
    values.iter().fold(0, |sum, value| sum ^ value.to_bits())
}

/// Values per second of each row, and the share of the plain read.
fn table(names: &[String]) {
    let Some(folder) = results() else { return };
    let times: Vec<(&str, f64)> = names
        .iter()
        .filter_map(|name| Some((name.as_str(), mean(&folder.join(name))?)))
        .collect();
    let Some(read) = times.iter().find(|(name, _)| *name == "memory read") else {
        return;
    };
    println!("| row | M values/s | of a memory read |\n|---|---|---|");
    let count = (MINIBATCHES * PARAMS) as f64;
    for (name, nanoseconds) in &times {
        let speed = 1e3 * count / nanoseconds;
        let share = 100.0 * read.1 / nanoseconds;
        println!("| {name} | {speed:.0} | {share:.1} % |");
    }
}

/// Where Criterion keeps its results: below the target folder, which holds this program.
fn results() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let mut above = program.ancestors();
    above.find_map(|folder| Some(folder.join("criterion").join(GROUP)).filter(|path| path.is_dir()))
}

/// The mean of the last measurement, in nanoseconds.
fn mean(row: &Path) -> Option<f64> {
    let text = fs::read_to_string(row.join("new").join("estimates.json")).ok()?;
    let json: serde_json::Value = serde_json::from_str(&text).ok()?;
    json["mean"]["point_estimate"].as_f64()
}
