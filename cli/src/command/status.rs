//! `tailsweep status`

use serde_json::{Value, json};
use tailsweep_proto::wire::{Sizes, SweepStatus};

use crate::args::StatusArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::progress::failure_text;
use crate::settings::Settings;
use crate::terminal::{self, human_bytes};

pub(crate) async fn run(args: StatusArgs, settings: &Settings) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    let status = client.status(&args.selector.sweep).await?;
    if args.json {
        return terminal::print_json(&json!({ "version": 1, "sweep": full_json(&status) }));
    }
    let runs = status.runs.unwrap_or_default();
    let mut text = format!("{}  {}\n", status.id, status.name);
    if status.priority != 0 {
        text += &format!("  priority  {}\n", status.priority);
    }
    if status.paused {
        text += "  paused\n";
    }
    if !status.tags.is_empty() {
        text += &format!("  tags      {}\n", status.tags.join(" "));
    }
    for line in status.notes.lines() {
        text += &format!("  | {line}\n");
    }
    for (word, count) in [
        ("waiting", runs.waiting),
        ("running", runs.running),
        ("done", runs.done),
        ("diverged", runs.diverged),
        ("failed", runs.failed),
        ("cancelled", runs.cancelled),
        ("not_needed", runs.not_needed),
    ] {
        text += &format!("  {word:<10} {count}\n");
    }
    for run in &status.running {
        let progress = run.progress.clone().unwrap_or_default();
        let (step, steps) = (progress.step, progress.steps);
        text += &format!("  {} on {}: step {step}/{steps}\n", run.label, run.worker);
    }
    for failure in &status.failures {
        text += &format!("  {}\n", failure_text(failure));
    }
    if let Some(sizes) = &status.sizes {
        text += &format!(
            "  on disk    {} in {} records, {} in checkpoints, {} in files; the whole state {}\n",
            human_bytes(sizes.records),
            sizes.record_count,
            human_bytes(sizes.checkpoints),
            human_bytes(sizes.files),
            human_bytes(sizes.state),
        );
    }
    for reason in [&status.stopped, &status.waiting_for] {
        if !reason.is_empty() {
            text += &format!("  {reason}\n");
        }
    }
    terminal::print(&text)
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
