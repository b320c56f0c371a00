//! `tailsweep status`

use std::time::Duration;

use serde_json::{Value, json};
use tailsweep_proto::wire::{Counts, Sizes, SweepStatus};

use crate::args::StatusArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::point_table::WIDTH;
use crate::progress::{Workers, failure_text, running_lines};
use crate::settings::Settings;
use crate::terminal::{self, counted, human_bytes, human_time};

pub(crate) async fn run(args: StatusArgs, settings: &Settings) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    let status = client.status(&args.selector.sweep).await?;
    if args.json {
        return terminal::print_json(&json!({ "version": 1, "sweep": full_json(&status) }));
    }
    let mut text = format!("{}  {}\n", status.id, status.name);
    if let Some(age) = status.age_ms {
        let age = human_time(Duration::from_millis(age));
        text += &format!("  submitted {age} ago\n");
    }
    if status.priority != 0 {
        text += &format!("  priority {}\n", status.priority);
    }
    if status.paused {
        text += "  paused\n";
    }
    if !status.tags.is_empty() {
        text += &format!("  tags {}\n", status.tags.join(" "));
    }
    for line in status.notes.lines() {
        text += &format!("  | {line}\n");
    }
    text += &format!("  {}\n", results(&status.runs.unwrap_or_default()));
    for line in running_lines(&status, Workers::Elsewhere, WIDTH - 2) {
        text += &format!("  {line}\n");
    }
    for failure in &status.failures {
        text += &format!("  {}\n", failure_text(failure));
    }
    if let Some(sizes) = &status.sizes {
        text += &format!("  on disk {}\n", on_disk(sizes));
    }
    for reason in [&status.stopped, &status.waiting_for] {
        if !reason.is_empty() {
            text += &format!("  {reason}\n");
        }
    }
    terminal::print(&text)
}

/// What a sweep takes, and beside it the whole state of the coordinator.
fn on_disk(sizes: &Sizes) -> String {
    let parts = [
        (sizes.records, counted(sizes.record_count, "record")),
        (sizes.checkpoints, "checkpoints".to_owned()),
        (sizes.files, "files".to_owned()),
    ];
    let parts = parts.into_iter().filter(|(bytes, _)| *bytes > 0);
    let parts: Vec<String> = parts
        .map(|(bytes, what)| format!("{} in {what}", human_bytes(bytes)))
        .collect();
    let own = match parts.is_empty() {
        true => "nothing".to_owned(),
        false => parts.join(", "),
    };
    format!("{own}; the whole state {}", human_bytes(sizes.state))
}

/// How many of the runs that are needed have a result, and what became of the others.
fn results(runs: &Counts) -> String {
    let results = runs.done + runs.diverged;
    let needed = results + runs.waiting + runs.running + runs.failed + runs.cancelled;
    let percent = (100 * results).checked_div(needed).unwrap_or(100);
    let open = counts(&Counts { done: 0, ..*runs });
    let of = counted(needed, "run");
    let parts = [
        vec![format!("{results} of {of} have results ({percent} %)")],
        open,
    ];
    parts.concat().join(", ")
}

/// How many runs are in each state, without the states in which there are none.
pub(super) fn counts(runs: &Counts) -> Vec<String> {
    let counts = [
        (runs.waiting, "waiting"),
        (runs.running, "running"),
        (runs.done, "done"),
        (runs.diverged, "diverged"),
        (runs.failed, "failed"),
        (runs.cancelled, "cancelled"),
        (runs.not_needed, "not needed"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts
        .map(|(count, word)| format!("{count} {word}"))
        .collect()
}

/// The documented shape of a sweep's status with its runs in computation and its failures.
pub(crate) fn full_json(status: &SweepStatus) -> Value {
    let running = status.running.iter().map(|run| {
        let progress = run.progress.clone().unwrap_or_default();
        json!({
            "label": run.label,
            "worker": run.worker,
            "step": progress.step,
            "steps": progress.steps,
            "loss": progress.loss,
            "alpha": progress.alpha,
        })
    });
    let failures = status.failures.iter().map(|failure| {
        json!({
            "run_id": failure.run_id,
            "label": failure.label,
            "attempt": failure.attempt,
            "reason": failure.reason,
            "message": failure.message,
            "last": failure.last,
        })
    });
    let mut value = to_json(status);
    value["running"] = running.collect();
    value["failures"] = failures.collect();
    value["sizes"] = status.sizes.as_ref().map(sizes_json).into();
    value["waiting_for"] = (!status.waiting_for.is_empty())
        .then(|| status.waiting_for.clone())
        .into();
    value
}

fn sizes_json(sizes: &Sizes) -> Value {
    json!({
        "records_bytes": sizes.records,
        "records": sizes.record_count,
        "checkpoints_bytes": sizes.checkpoints,
        "files_bytes": sizes.files,
        "state_bytes": sizes.state,
    })
}

/// The documented shape of a sweep's status in a list.
pub(crate) fn to_json(status: &SweepStatus) -> Value {
    let runs = status.runs.unwrap_or_default();
    json!({
        "id": status.id,
        "name": status.name,
        "age_seconds": status.age_ms.map(|age| age as f64 / 1000.0),
        "over": status.over,
        "priority": status.priority,
        "paused": status.paused,
        "tags": status.tags,
        "notes": (!status.notes.is_empty()).then_some(&status.notes),
        "stopped": (!status.stopped.is_empty()).then_some(&status.stopped),
        "runs": {
            "waiting": runs.waiting,
            "running": runs.running,
            "done": runs.done,
            "diverged": runs.diverged,
            "failed": runs.failed,
            "cancelled": runs.cancelled,
            "not_needed": runs.not_needed,
        },
    })
}
