//! The machine on which numbers were taken.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Instant;

use crate::failure::Failure;

/// Writes that are timed.
const WRITES: usize = 50;

/// Processor, cores, load, and how long the disk below `folder` takes to keep 4 KiB.
pub(super) fn describe(folder: &Path) -> Result<String, Failure> {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
    let cores = available_parallelism().map_or(1, |cores| cores.get());
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    let failed =
        |problem| Failure::error(format!("can't write to `{}`: {problem}", folder.display()));
    let disk = time_to_keep(folder).map_err(failed)?;
    Ok(format!(
        "{model}, {cores} cores (load before: {load}); {} keeps 4 KiB in {:.2} ms; tailsweep {}",
        folder.display(),
        disk * 1e3,
        env!("CARGO_PKG_VERSION"),
    ))
}

/// Median seconds for 4 KiB to be written and kept.
fn time_to_keep(folder: &Path) -> std::io::Result<f64> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    let mut seconds = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let start = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[WRITES / 2])
}
