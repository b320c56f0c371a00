//! What the cost model predicts of some runs, beside the processor time that they take on one
//! thread: the table of `benchmarks/training.md`.
//!
//! ```sh
//! cargo run --release -p tailsweep-worker --example predictions -- 0.87
//! ```
//!
//! The number is the speed that `tailsweep bench calibrate` measured on the same machine; a word after
//! it chooses the runs that have it in their name.

#![allow(clippy::print_stdout)] // a table is what it makes

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::path::PathBuf;

use rustix::time::{ClockId, clock_gettime};
use tailsweep_common::cost;
use tailsweep_common::id::BlobId;
use tailsweep_common::sweep::parse;
use tailsweep_worker::{Device, Recomputer};

const FCN: &str = "dataset = \"mnist-excerpt\"\narchitecture = \"fcn\"\n";
const ALEXNET: &str =
    "dataset = { images = \"x.npy\", labels = \"y.npy\" }\narchitecture = \"alexnet\"\n";

/// What it is, the sections before its block, and the block.
const RUNS: [(&str, &str, &str, &str); 22] = [
    (
        "fcn 32 3, b 100, 3,000 steps",
        "train.steps = 3000\nmeasure.every = 1000",
        FCN,
        "width = 32\ndepth = 3\nbatch_size = 100\nlearning_rate = 0.05",
    ),
    (
        "fcn 128 3, b 100, 2,000 steps",
        "train.steps = 2000\nmeasure.every = 1000",
        FCN,
        "width = 128\ndepth = 3\nbatch_size = 100\nlearning_rate = 0.05",
    ),
    (
        "fcn 128 5, b 20, 2,000 steps, `minibatches = 50`",
        "train.steps = 2000\nmeasure = { every = 200, minibatches = 50 }",
        FCN,
        "width = 128\ndepth = 5\nbatch_size = 20\nlearning_rate = 0.05",
    ),
    (
        "fcn 512 5, b 100, 150 steps, `minibatches = 20`",
        "train.steps = 150\nmeasure = { every = 75, minibatches = 20 }",
        FCN,
        "width = 512\ndepth = 5\nbatch_size = 100\nlearning_rate = 0.05",
    ),
    (
        "fcn 512 3, b 500, 100 steps",
        "train.steps = 100\nmeasure.every = 50",
        FCN,
        "width = 512\ndepth = 3\nbatch_size = 500\nlearning_rate = 0.05",
    ),
    (
        "fcn 64 9, b 50, 2,000 steps",
        "train.steps = 2000\nmeasure.every = 1000",
        FCN,
        "width = 64\ndepth = 9\nbatch_size = 50\nlearning_rate = 0.05",
    ),
    (
        "fcn 16 4, b 10, 10,000 steps",
        "train.steps = 10000\nmeasure.every = 5000",
        FCN,
        "width = 16\ndepth = 4\nbatch_size = 10\nlearning_rate = 0.05",
    ),
    (
        "fcn 64 3, b 100, measured at each of 40 steps, `published`",
        "train.steps = 40\nmeasure = { every = 1, treatments = [\"published\"] }",
        FCN,
        "width = 64\ndepth = 3\nbatch_size = 100\nlearning_rate = 0.05",
    ),
    (
        "fcn 64 3, b 100, measured at each of 20 steps",
        "train.steps = 20\nmeasure.every = 1",
        FCN,
        "width = 64\ndepth = 3\nbatch_size = 100\nlearning_rate = 0.05",
    ),
    (
        "alexnet 16, b 100, 200 steps",
        "train.steps = 200\nmeasure.every = 100",
        ALEXNET,
        "width = 16\nbatch_size = 100\nlearning_rate = 0.05",
    ),
    (
        "alexnet 4, b 50, 1,000 steps",
        "train.steps = 1000\nmeasure.every = 500",
        ALEXNET,
        "width = 4\nbatch_size = 50\nlearning_rate = 0.05",
    ),
    (
        "alexnet 64, b 50, 40 steps",
        "train.steps = 40\nmeasure.every = 40",
        ALEXNET,
        "width = 64\nbatch_size = 50\nlearning_rate = 0.05",
    ),
    (
        "linear_regression, b 10, 20,000 steps",
        "train.steps = 20000\nmeasure.every = 10000",
        "dataset = \"gaussian_regression\"\narchitecture = \"linear_regression\"\nloss = \"squared\"\n",
        "batch_size = 10\nlearning_rate = 0.01",
    ),
    (
        "levy_sde, 1,000 paths to their first exit",
        "train.steps = 10000000\nmeasure.every = 10000000",
        "architecture = \"levy_sde\"\n",
        "\"levy_sde.alpha\" = 1.5\n\"levy_sde.epsilon\" = 0.1\n\"levy_sde.paths\" = 1000",
    ),
    (
        "synthetic, 100 × 100,000 values, 3 draws",
        "train.steps = 2\nmeasure.every = 1",
        "architecture = \"synthetic\"\n",
        "\"synthetic.alpha\" = 1.5\n\"synthetic.params\" = 100000",
    ),
    // The constants of the model were fitted without these.
    (
        "fcn 256 4, b 200, 300 steps, momentum, shuffled",
        "train = { steps = 300, momentum = 0.9, sampling = \"shuffled\" }\nmeasure.every = 100",
        FCN,
        "width = 256\ndepth = 4\nbatch_size = 200\nlearning_rate = 0.05",
    ),
    (
        "fcn 48 6, b 25, 1,000 steps, hinge, every 250",
        "train.steps = 1000\nmeasure.every = 250",
        FCN,
        "width = 48\ndepth = 6\nbatch_size = 25\nlearning_rate = 0.05\nloss = \"hinge\"",
    ),
    (
        "fcn 96 3, b 50, 500 steps, all treatments, every 125",
        "train.steps = 500\nmeasure = { every = 125, treatments = [\"published\", \"published_rows\", \
         \"zeros_dropped\", \"permuted\", \"standardised\", \"standardised_permuted\", \
         \"gaussian_surrogate\", \"paired\"] }",
        FCN,
        "width = 96\ndepth = 3\nbatch_size = 50\nlearning_rate = 0.05",
    ),
    (
        "alexnet 32, b 100, 40 steps",
        "train.steps = 40\nmeasure.every = 20",
        ALEXNET,
        "width = 32\nbatch_size = 100\nlearning_rate = 0.05",
    ),
    (
        "fcn 100 4, b 40, 1,500 steps, `published`, every 500",
        "train.steps = 1500\nmeasure = { every = 500, treatments = [\"published\"] }",
        FCN,
        "width = 100\ndepth = 4\nbatch_size = 40\nlearning_rate = 0.05",
    ),
    (
        "fcn 32 3, b 10, 2,000 steps, `published`, every 500",
        "train.steps = 2000\nmeasure = { every = 500, treatments = [\"published\"] }",
        FCN,
        "width = 32\ndepth = 3\nbatch_size = 10\nlearning_rate = 0.05",
    ),
    (
        "fcn 256 3, b 20, 200 steps, `published`, every 100",
        "train.steps = 200\nmeasure = { every = 100, treatments = [\"published\"] }",
        FCN,
        "width = 256\ndepth = 3\nbatch_size = 20\nlearning_rate = 0.05",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let speed: f64 = env::args().nth(1).as_deref().unwrap_or("1").parse()?;
    let images = images();
    let files = ["x.npy", "y.npy"].map(str::to_owned).into_iter();
    let beside: BTreeMap<String, Vec<u8>> = files.zip(images.clone()).collect();
    let travelled = images.map(|file| (BlobId::of(&file), file));
    let recomputer = Recomputer::new(Device::Cpu, PathBuf::new(), false, travelled.into());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    println!("| run | predicted, s | measured, s | ratio |\n|---|---|---|---|");
    let word = env::args().nth(2).unwrap_or_default();
    for (name, sections, block, sizes) in RUNS.iter().filter(|run| run.0.contains(&word)) {
        let source = format!("version = 1\nname = \"c\"\n{sections}\n[[block]]\n{block}{sizes}\n");
        let sweep = parse(&source, "c.toml", &beside)?;
        let run = sweep.runs().next().ok_or("a file of one run")?;
        let predicted = cost::predict(&run.point).seconds / speed;
        let measured = pool.install(|| {
            let before = processor_seconds();
            recomputer
                .compute(&run)
                .map(|_| processor_seconds() - before)
        })?;
        let ratio = predicted / measured;
        println!("| {name} | {predicted:.2} | {measured:.2} | {ratio:.2} |");
    }
    Ok(())
}

/// 1,000 images of 3×32×32 and their labels, as `.npy` files.
fn images() -> [Vec<u8>; 2] {
    let npy = |shape: &str, data: Vec<u8>| {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    };
    let pixels = (0..1000 * 3072_u64).map(|i| ((i * i * 2_654_435_761) >> 24) as u8);
    let labels = (0..1000_u32).map(|i| (i * 7 % 10) as u8);
    [
        npy("(1000, 3, 32, 32)", pixels.collect()),
        npy("(1000,)", labels.collect()),
    ]
}

/// Of this thread.
fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}
