//! `tailsweep sweeps`

use std::time::Duration;

use serde_json::{Value, json};
use tailsweep_proto::wire::SweepStatus;

use super::status::to_json;
use crate::args::SweepsArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::{self, human_time};

pub(crate) async fn run(args: SweepsArgs, settings: &Settings) -> Result<(), Failure> {
    let mut sweeps = Client::connect(&settings.coordinator)
        .await?
        .sweeps()
        .await?;
    if let Some(tag) = &args.tag {
        sweeps.retain(|sweep| sweep.tags.contains(tag));
    }
    if args.json {
        let sweeps: Vec<Value> = sweeps.iter().map(to_json).collect();
        return terminal::print_json(&json!({ "version": 1, "sweeps": sweeps }));
    }
    let rows: Vec<Vec<String>> = sweeps.iter().map(row).collect();
    // What no sweep has would push the table over the edge of the terminal.
    let is_told = |column: &usize| rows.iter().any(|row| !row[*column].is_empty());
    let told: Vec<usize> = (0..HEADER.len()).filter(is_told).collect();
    let numbers = (0..told.len()).filter(|place| told[*place] > 2 && told[*place] < 9);
    let numbers: Vec<usize> = numbers.collect();
    let header: Vec<&str> = told.iter().map(|column| HEADER[*column]).collect();
    let rows = rows
        .iter()
        .map(|row| told.iter().map(|column| row[*column].clone()));
    let rows: Vec<Vec<String>> = rows.map(Iterator::collect).collect();
    terminal::print(&terminal::table(header, &numbers, rows))
}

const HEADER: [&str; 10] = [
    "id",
    "name",
    "state",
    "priority",
    "results",
    "running",
    "failed",
    "cancelled",
    "submitted",
    "tags",
];

/// What is said of a sweep in each column; numbers that are 0 are left out.
fn row(sweep: &SweepStatus) -> Vec<String> {
    let runs = sweep.runs.unwrap_or_default();
    let state = if !sweep.stopped.is_empty() {
        "stopped"
    } else if sweep.over {
        "over"
    } else if sweep.paused {
        "paused"
    } else {
        "running"
    };
    let results = runs.done + runs.diverged;
    let lost = runs.failed + runs.cancelled;
    let some = |number: i64| match number {
        0 => String::new(),
        number => number.to_string(),
    };
    let age = sweep.age_ms.map(Duration::from_millis);
    vec![
        sweep.id.get(..12).unwrap_or(&sweep.id).to_owned(),
        sweep.name.clone(),
        state.to_owned(),
        some(sweep.priority.into()),
        format!("{results}/{}", results + lost + runs.waiting + runs.running),
        some(runs.running as i64),
        some(runs.failed as i64),
        some(runs.cancelled as i64),
        age.map_or_else(String::new, |age| human_time(age) + " ago"),
        sweep.tags.join(" "),
    ]
}
