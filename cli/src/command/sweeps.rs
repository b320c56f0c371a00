//! `tailsweep sweeps`

use serde_json::{Value, json};

use super::status::to_json;
use crate::args::SweepsArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

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
    let rows = sweeps.iter().map(|sweep| {
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
        [
            sweep.id.get(..12).unwrap_or(&sweep.id).to_owned(),
            sweep.name.clone(),
            state.to_owned(),
            sweep.priority.to_string(),
            runs.waiting.to_string(),
            runs.running.to_string(),
            (runs.done + runs.diverged).to_string(),
            (runs.failed + runs.cancelled).to_string(),
            sweep.tags.join(" "),
        ]
    });
    let header = [
        "id", "name", "state", "priority", "waiting", "running", "results", "failed", "tags",
    ];
    terminal::print(&terminal::table(header, &[3, 4, 5, 6, 7], rows))
}
