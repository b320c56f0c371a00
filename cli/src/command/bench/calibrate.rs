//! `tailsweep bench calibrate`
//!
//! The cost model ([`tailsweep_common::cost`]) was fitted to one machine. Here one short run is
//! computed on one thread, and the processor time that it took, which other work on the machine
//! stretches little, is held against the prediction. One number comes of it: a machine whose matrix
//! products are quicker but whose logarithms are not is met in the mean only.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tailsweep_common::cost;
use tailsweep_common::sweep::parse;
use tailsweep_worker::{Device, Recomputer};

use crate::args::CalibrateArgs;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::{self, human_time};

/// Trained for about half of its time, and measured in the other half.
const SWEEP: &str = "version = 1
name = \"calibrate\"
[train]
steps = 1200
[measure]
every = 600
[[block]]
dataset = { name = \"mnist-excerpt\", train_limit = 4000, test_limit = 1000 }
architecture = \"fcn\"
width = 128
depth = 4
batch_size = 50
learning_rate = 0.05
";

/// The middle one of so many counts: other work slows a computation down, and does so to the runs
/// that are predicted too.
const TIMES: usize = 5;

pub(crate) fn run(args: &CalibrateArgs, settings: &Settings) -> Result<(), Failure> {
    let sweep = parse(SWEEP, "calibrate.toml", &BTreeMap::new())
        .expect("the file is right, as a test knows");
    let run = sweep.runs().next().expect("it has one run");
    let predicted = cost::predict(&run.point).seconds;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.map_err(Failure::error)?;
    let mut taken = [0.0; TIMES];
    for taken in &mut taken {
        let time = pool.install(|| {
            let recomputer = Recomputer::new(Device::Cpu, PathBuf::new(), false, BTreeMap::new());
            let before = processor_time();
            recomputer.compute(&run).map_err(Failure::error)?;
            Ok::<_, Failure>(processor_time().saturating_sub(before))
        })?;
        *taken = time.as_secs_f64();
    }
    taken.sort_unstable_by(f64::total_cmp);
    let measured = taken[TIMES / 2];
    let speed = rounded(predicted / measured);
    let saved = match (&settings.config_file, args.dry_run) {
        (Some(file), false) => Some(save(file, speed).map_err(|problem| {
            Failure::error(format!(
                "the speed is {speed}, and `{}` can't be written: {problem}; say \
                 `TAILSWEEP_SPEED={speed}`, or name another file with --config",
                file.display()
            ))
        })?),
        _ => None,
    };
    if args.json {
        return terminal::print_json(&json!({
            "version": 1,
            "speed": speed,
            "predicted_seconds": predicted,
            "measured_seconds": measured,
            "config_file": saved,
        }));
    }
    let time = |seconds| human_time(Duration::from_secs_f64(seconds));
    let mut text = format!(
        "a run that the model gives {} took {} on one core: speed {speed}\n",
        time(predicted),
        time(measured)
    );
    if let Some(file) = saved {
        text += &format!("written to {}\n", file.display());
    }
    terminal::print(&text)?;
    Ok(())
}

/// Of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

/// To three digits: it is not known better.
fn rounded(speed: f64) -> f64 {
    let text = format!("{speed:.2e}");
    text.parse().expect("a float reads back")
}

/// Sets `speed` in the config file and leaves all its other lines as they are.
fn save(file: &Path, speed: f64) -> io::Result<&Path> {
    let before = match fs::read_to_string(file) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => String::new(),
        read => read?,
    };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, with_speed(&before, speed))?;
    Ok(file)
}

/// The file has no sections, so a key may stand on any line.
fn with_speed(config: &str, speed: f64) -> String {
    let is_old = |line: &&str| {
        let key = line.split_once('=').map(|(key, _)| key.trim());
        key == Some("speed")
    };
    let mut text: String = config
        .lines()
        .filter(|line| !is_old(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    text += &format!("speed = {speed}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_is_one_and_short() {
        let sweep = parse(SWEEP, "calibrate.toml", &BTreeMap::new()).unwrap();
        assert_eq!(sweep.len(), 1);
        let seconds = cost::predict(&sweep.points[0]).seconds;
        assert!((0.5..10.0).contains(&seconds), "{seconds}");
    }

    #[test]
    fn other_lines_of_the_config_file_stay() {
        let once = with_speed("# mine\nslots = 3", 0.5);
        assert_eq!(once, "# mine\nslots = 3\nspeed = 0.5\n");
        assert_eq!(with_speed(&once, 1.25), "# mine\nslots = 3\nspeed = 1.25\n");
        assert_eq!(with_speed("", 1.0), "speed = 1\n");
    }

    #[test]
    fn a_speed_has_three_digits() {
        assert_eq!(rounded(0.123456), 0.123);
        assert_eq!(rounded(12.3456), 12.3);
    }
}
