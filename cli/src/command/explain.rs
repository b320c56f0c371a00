//! `tailsweep explain`

use std::time::Duration;

use serde_json::{Value, json};
use tailsweep_proto::wire::{AttemptDetail, RunDetail};

use super::runs;
use crate::args::ExplainArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::{self, human_bytes, human_time};

/// Where a run stands, why it waits, and what became of its attempts.
pub(crate) async fn explain(args: ExplainArgs, settings: &Settings) -> Result<(), Failure> {
    let detail = ask(&args, settings).await?;
    if args.json {
        return terminal::print_json(&to_json(&detail));
    }
    let run = detail.run.clone().unwrap_or_default();
    let mut text = format!("{}  {}\n", run.id, run.label);
    text += &format!("  {}", run.state);
    if !run.reason.is_empty() {
        text += &format!(" ({})", run.reason);
    }
    text += &format!(", step {} of {}\n", run.step, run.steps);
    if !detail.explanation.is_empty() {
        text += &format!("  {}\n", detail.explanation);
    }
    if let Some(step) = detail.checkpoint {
        text += &format!("  it goes on from its checkpoint at step {step}\n");
    }
    text += &format!(
        "  predicted: {} on one core, {} without its data\n",
        human_time(Duration::try_from_secs_f64(detail.seconds).unwrap_or(Duration::MAX)),
        human_bytes(detail.memory)
    );
    for sweep in &detail.sweeps {
        let id = sweep.id.get(..12).unwrap_or(&sweep.id);
        let taken_over = if sweep.taken_over {
            ", taken over: an earlier sweep brought the run"
        } else {
            ""
        };
        text += &format!(
            "  in `{}` ({id}): {}{taken_over}\n",
            sweep.name, sweep.state
        );
    }
    for attempt in &detail.attempts {
        text += &attempt_text(attempt);
    }
    terminal::print(&text)
}

async fn ask(args: &ExplainArgs, settings: &Settings) -> Result<RunDetail, Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    client.run(&args.run).await
}

/// An attempt in some lines.
pub(super) fn attempt_text(attempt: &AttemptDetail) -> String {
    let mut text = format!(
        "attempt {} on {} ({})\n",
        attempt.attempt, attempt.worker, attempt.kind
    );
    for event in &attempt.events {
        let ago = human_time(Duration::from_millis(event.ago_ms));
        text += &format!("  {ago} ago: {}", event.what.replace('_', " "));
        if matches!(event.what.as_str(), "failed" | "lost") && !attempt.reason.is_empty() {
            text += &format!(" ({})", attempt.reason);
        }
        text += "\n";
    }
    for line in attempt.message.lines() {
        text += &format!("    {line}\n");
    }
    text
}

/// The documented shape of an attempt.
pub(super) fn attempt_json(attempt: &AttemptDetail) -> Value {
    let events = attempt
        .events
        .iter()
        .map(|event| json!({ "event": event.what, "seconds_ago": event.ago_ms as f64 / 1000.0 }));
    json!({
        "attempt": attempt.attempt,
        "worker": attempt.worker,
        "kind": attempt.kind,
        "events": events.collect::<Vec<_>>(),
        "reason": (!attempt.reason.is_empty()).then_some(&attempt.reason),
        "message": (!attempt.message.is_empty()).then_some(&attempt.message),
    })
}

fn to_json(detail: &RunDetail) -> Value {
    let sweeps = detail.sweeps.iter().map(|sweep| {
        json!({
            "id": sweep.id,
            "name": sweep.name,
            "state": sweep.state,
            "taken_over": sweep.taken_over,
        })
    });
    let word = |text: &String| (!text.is_empty()).then_some(text.clone());
    json!({
        "version": 1,
        "run": detail.run.as_ref().map(runs::to_json),
        "why": word(&detail.why),
        "explanation": word(&detail.explanation),
        "checkpoint": detail.checkpoint,
        "seconds": detail.seconds,
        "memory_bytes": detail.memory,
        "sweeps": sweeps.collect::<Vec<_>>(),
        "attempts": detail.attempts.iter().map(attempt_json).collect::<Vec<_>>(),
    })
}
