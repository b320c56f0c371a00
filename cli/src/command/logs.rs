//! `tailsweep logs`

use std::time::Duration;

use serde_json::{Value, json};
use tailsweep_proto::wire::{AttemptDetail, RunDetail};
use tokio::time::sleep;

use super::explain::{attempt_json, attempt_text};
use crate::args::LogsArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

/// Between two looks at a run that is followed.
const GLANCE: Duration = Duration::from_secs(1);

/// What was kept of the attempts at a run.
pub(crate) async fn run(args: LogsArgs, settings: &Settings) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    let detail = client.run(&args.of.run).await?;
    if args.follow {
        let followed = tokio::select! {
            followed = follow(&mut client, detail, args.of.json) => followed,
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        };
        return followed;
    }
    if args.of.json {
        let attempts: Vec<Value> = detail.attempts.iter().map(attempt_json).collect();
        return terminal::print_json(&json!({ "version": 1, "attempts": attempts }));
    }
    let attempts = detail.attempts.iter().map(attempt_text);
    terminal::print(&attempts.collect::<String>())
}

/// Tells what is new until the run is over.
async fn follow(client: &mut Client, mut detail: RunDetail, json: bool) -> Result<(), Failure> {
    let run = detail.run.clone().unwrap_or_default();
    let mut told = Told::default();
    loop {
        for line in told.news(&detail, json) {
            terminal::print(&format!("{line}\n"))?;
        }
        let state = detail.run.map(|run| run.state).unwrap_or_default();
        if !matches!(state.as_str(), "waiting" | "running") {
            return Ok(());
        }
        sleep(GLANCE).await;
        detail = client.run(&run.id).await?;
    }
}

/// What was told already.
#[derive(Default)]
struct Told {
    /// Events of each attempt.
    events: Vec<usize>,
    step: u64,
    why: String,
}

impl Told {
    fn news(&mut self, detail: &RunDetail, json: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for (index, attempt) in detail.attempts.iter().enumerate() {
            if self.events.len() == index {
                self.events.push(0);
                if !json {
                    let AttemptDetail { worker, kind, .. } = attempt;
                    lines.push(format!("attempt {} on {worker} ({kind})", attempt.attempt));
                }
            }
            for event in &attempt.events[self.events[index].min(attempt.events.len())..] {
                let ended = matches!(event.what.as_str(), "failed" | "lost");
                let reason = if ended { attempt.reason.as_str() } else { "" };
                let message = if ended { attempt.message.as_str() } else { "" };
                if json {
                    lines.push(
                        json!({
                            "version": 1,
                            "attempt": attempt.attempt,
                            "worker": attempt.worker,
                            "event": event.what,
                            "reason": (!reason.is_empty()).then_some(reason),
                            "message": (!message.is_empty()).then_some(message),
                        })
                        .to_string(),
                    );
                    continue;
                }
                let reason = match reason {
                    "" => String::new(),
                    reason => format!(" ({reason})"),
                };
                lines.push(format!("  {}{reason}", event.what.replace('_', " ")));
                lines.extend(message.lines().map(|line| format!("    {line}")));
            }
            self.events[index] = attempt.events.len();
        }
        if json {
            return lines;
        }
        let run = detail.run.clone().unwrap_or_default();
        if run.state == "running" && run.step != self.step {
            self.step = run.step;
            lines.push(format!("  step {} of {}", run.step, run.steps));
        }
        // How much longer a pause takes is no news.
        if detail.why != self.why && !detail.explanation.is_empty() {
            lines.push(format!("  {}", detail.explanation));
        }
        self.why.clone_from(&detail.why);
        lines
    }
}
