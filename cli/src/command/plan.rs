//! `tailsweep plan`

mod diff;

use std::time::Duration;

use serde_json::{Value, json};
use tailsweep_common::cost::Cost;
use tailsweep_common::run::{Dataset, Point, Run};
use tailsweep_common::sweep::Sweep;

use crate::args::PlanArgs;
use crate::failure::Failure;
use crate::point_table::{self, Cells, PointTable, Setting, shared};
use crate::settings::Settings;
use crate::sweep_file::SweepFile;
use crate::terminal::{self, counted, human_bytes, human_count, human_time};

/// Runs that are listed.
const FIRST: usize = 10;

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
    let points = sweep.points.iter().map(|point| &**point);
    text += &runs_table(&sweep.own_axes, points, sweep.runs().take(FIRST), settings);
    if sweep.len() > FIRST {
        text += &format!("… and {} more\n", sweep.len() - FIRST);
    }
    let kept = match total.kept_bytes {
        0 => String::new(),
        bytes => format!(
            ",\nand up to {} of gradients where there is room to keep them",
            human_bytes(bytes)
        ),
    };
    text += &format!(
        "\nin all {}FLOP, about {} on one core\nat most {} for one run, without its data{}\n",
        with_space(human_count(total.flops)),
        human_time(Duration::try_from_secs_f64(total.seconds).unwrap_or(Duration::MAX)),
        human_bytes(total.memory_bytes),
        kept,
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
        None => "times are for the machine that the model was fitted to;\n`tailsweep bench \
                 calibrate` measures this one\n"
            .to_owned(),
    }
}

/// A row for each run; what all points of `among` have in common stands above them.
fn runs_table<'p>(
    own_axes: &[String],
    among: impl Iterator<Item = &'p Point> + Clone,
    runs: impl Iterator<Item = Run>,
    settings: &Settings,
) -> String {
    let own = own_axes.iter().map(String::as_str);
    let columns = point_table::settings(own);
    let differs = |setting: &&Setting| {
        let mut values = among.clone().map(|point| value(point, &setting.column));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let (varying, fixed): (Vec<&Setting>, Vec<&Setting>) = columns.iter().partition(differs);
    let first = among.clone().next();
    let values = fixed.iter().map(|setting| {
        let value = first.map(|point| value(point, &setting.column));
        value.unwrap_or_default()
    });
    let values: Vec<String> = values.collect();
    let table = PointTable {
        before: vec!["run"],
        rows: runs.map(|run| row(&run, &varying, settings)).collect(),
        settings: varying,
        after: vec!["seed", "params", "FLOP", "time"],
    };
    shared(fixed.into_iter().zip(values.iter().map(String::as_str))) + &table.fitted()
}

/// The value of a setting, by its column in the tables of a report.
fn value(point: &Point, column: &str) -> String {
    let whole = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
    match column {
        "dataset" => point.dataset().map(Dataset::name).unwrap_or_default(),
        "architecture" => point.architecture().to_owned(),
        "width" => whole(point.width()),
        "depth" => whole(point.depth()),
        "batch_size" => point.batch_size().to_string(),
        "learning_rate" => tailsweep_report::setting(point.learning_rate()),
        "loss" => point
            .loss()
            .map(|loss| loss.as_str().to_owned())
            .unwrap_or_default(),
        "train_limit" => whole(point.dataset().and_then(|data| data.train_limit)),
        "test_limit" => whole(point.dataset().and_then(|data| data.test_limit)),
        own => point.setting(own).unwrap_or_default(),
    }
}

/// What all runs take together; the memory is that of the largest one.
struct Total {
    flops: f64,
    seconds: f64,
    memory_bytes: u64,
    kept_bytes: u64,
}

impl Total {
    fn of(sweep: &Sweep, settings: &Settings) -> Self {
        let mut total = Self {
            flops: 0.0,
            seconds: 0.0,
            memory_bytes: 0,
            kept_bytes: 0,
        };
        for point in &sweep.points {
            let cost = settings.predict(point);
            total.flops += flops(&cost) * sweep.seeds.len() as f64;
            total.seconds += cost.seconds * sweep.seeds.len() as f64;
            total.memory_bytes = total.memory_bytes.max(cost.memory_bytes);
            total.kept_bytes = total.kept_bytes.max(cost.kept_bytes);
        }
        total
    }
}

fn flops(cost: &Cost) -> f64 {
    cost.training_flops + cost.measuring_flops
}

fn row(run: &Run, varying: &[&Setting], settings: &Settings) -> Cells {
    let cost = settings.predict(&run.point);
    let values = varying.iter();
    let values = values.map(|setting| value(&run.point, &setting.column));
    [
        vec![run.id().to_string()[..12].to_owned()],
        values.collect(),
        vec![
            run.seed.to_string(),
            cost.params.to_string(),
            human_count(flops(&cost)),
            human_time(Duration::try_from_secs_f64(cost.seconds).unwrap_or(Duration::MAX)),
        ],
    ]
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
        "kept_bytes": total.kept_bytes,
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
