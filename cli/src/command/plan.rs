//! `tailsweep plan`

mod diff;

use std::time::Duration;

use serde_json::{Value, json};
use tailsweep_common::cost::Cost;
use tailsweep_common::run::{Dataset, Loss, Point, Run};
use tailsweep_common::sweep::Sweep;

use crate::args::PlanArgs;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::sweep_file::SweepFile;
use crate::terminal::{self, counted, human_bytes, human_count, human_time};

/// Runs that are listed.
const FIRST: usize = 10;

const HEADER: [&str; 12] = [
    "run", "dataset", "arch", "width", "depth", "batch", "rate", "loss", "seed", "params", "FLOP",
    "time",
];
/// The columns of numbers.
const COLUMNS: [usize; 8] = [3, 4, 5, 6, 8, 9, 10, 11];

pub(crate) async fn run(args: PlanArgs, settings: &Settings) -> Result<(), Failure> {
    let file = SweepFile::read(&args.spec)?;
    if let Some(selector) = &args.diff {
        return diff::run(&args, selector, settings, &file).await;
    }
    let total = Total::of(&file.sweep, settings);
    if args.json {
        return terminal::print_json(&to_json(&file.sweep, &total, settings));
    }
    let sweep = &file.sweep;
    let mut text = format!(
        "{}: {} ({} × {})\n\n",
        sweep.name,
        counted(sweep.len(), "run"),
        counted(sweep.points.len(), "point"),
        counted(sweep.seeds.len(), "seed")
    );
    text += &runs_table(&sweep.own_axes, sweep.runs().take(FIRST), settings);
    if sweep.len() > FIRST {
        text += &format!("… and {} more\n", sweep.len() - FIRST);
    }
    text += &format!(
        "\nin all {}FLOP, about {} on one core; at most {} for one run, without its data\n",
        with_space(human_count(total.flops)),
        human_time(Duration::try_from_secs_f64(total.seconds).unwrap_or(Duration::MAX)),
        human_bytes(total.memory_bytes),
    );
    text += &whose_times(settings);
    terminal::print(&text)?;
    Ok(())
}

/// Which machine the times are for.
fn whose_times(settings: &Settings) -> String {
    match settings.speed {
        Some(speed) => {
            format!("times are for this machine (speed {speed}, as `config` says)\n")
        }
        None => "times are for the machine that the model was fitted to; `tailsweep bench \
                 calibrate` measures this one\n"
            .to_owned(),
    }
}

/// A row for each run, with a column for each `[train]` or `[measure]` key that is an axis.
fn runs_table(own_axes: &[String], runs: impl Iterator<Item = Run>, settings: &Settings) -> String {
    let own = own_axes.iter().map(String::as_str);
    let header: Vec<&str> = HEADER.into_iter().chain(own).collect();
    let numbers: Vec<usize> = COLUMNS
        .into_iter()
        .chain(HEADER.len()..header.len())
        .collect();
    terminal::table(
        header,
        &numbers,
        runs.map(|run| row(&run, own_axes, settings)),
    )
}

/// What all runs take together; the memory is that of the largest one.
struct Total {
    flops: f64,
    seconds: f64,
    memory_bytes: u64,
}

impl Total {
    fn of(sweep: &Sweep, settings: &Settings) -> Self {
        let mut total = Self {
            flops: 0.0,
            seconds: 0.0,
            memory_bytes: 0,
        };
        for point in &sweep.points {
            let cost = settings.predict(point);
            total.flops += flops(&cost) * sweep.seeds.len() as f64;
            total.seconds += cost.seconds * sweep.seeds.len() as f64;
            total.memory_bytes = total.memory_bytes.max(cost.memory_bytes);
        }
        total
    }
}

fn flops(cost: &Cost) -> f64 {
    cost.training_flops + cost.measuring_flops
}

fn row(run: &Run, own_axes: &[String], settings: &Settings) -> Vec<String> {
    let point: &Point = &run.point;
    let cost = settings.predict(point);
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
    let listed = [
        run.id().to_string()[..12].to_owned(),
        point.dataset().map(Dataset::name).unwrap_or_default(),
        point.architecture().to_owned(),
        number(point.width()),
        number(point.depth()),
        point.batch_size().to_string(),
        point.learning_rate().to_string(),
        text(point.loss().map(Loss::as_str)),
        run.seed.to_string(),
        cost.params.to_string(),
        human_count(flops(&cost)),
        human_time(Duration::try_from_secs_f64(cost.seconds).unwrap_or(Duration::MAX)),
    ];
    let own = own_axes.iter();
    let own = own.map(|key| point.setting(key).unwrap_or_default());
    listed.into_iter().chain(own).collect()
}

fn with_space(count: String) -> String {
    if count.contains(' ') {
        count
    } else {
        count + " "
    }
}

fn to_json(sweep: &Sweep, total: &Total, settings: &Settings) -> Value {
    let first: Vec<Value> = sweep
        .runs()
        .take(FIRST)
        .map(|run| run_json(&run, &sweep.own_axes, settings))
        .collect();
    json!({
        "version": 1,
        "name": sweep.name,
        "sweep_id": sweep.id,
        "runs": sweep.len(),
        "points": sweep.points.len(),
        "seeds": sweep.seeds,
        "flops": total.flops,
        "seconds": total.seconds,
        "speed": settings.speed,
        "memory_bytes": total.memory_bytes,
        "first": first,
    })
}

fn run_json(run: &Run, own_axes: &[String], settings: &Settings) -> Value {
    let point = &run.point;
    let own = own_axes.iter();
    let own: serde_json::Map<String, Value> = own
        .map(|key| (key.clone(), point.setting(key).into()))
        .collect();
    let cost = settings.predict(point);
    json!({
        "run_id": run.id(),
        "dataset": point.dataset().map(Dataset::name),
        "architecture": point.architecture(),
        "width": point.width(),
        "depth": point.depth(),
        "batch_size": point.batch_size(),
        "learning_rate": point.learning_rate(),
        "loss": point.loss(),
        "seed": run.seed,
        "settings": own,
        "params": cost.params,
        "flops": flops(&cost),
        "seconds": cost.seconds,
    })
}
