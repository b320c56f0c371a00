//! `tailsweep cancel`, `pause`, `resume`, `retry`, `priority`, `rm`

use tailsweep_proto::wire::control_request::Wish;
use tailsweep_proto::wire::{self, SweepStatus};

use crate::args::{ControlArgs, PriorityArgs, RetryArgs, RmArgs};
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;

pub(crate) async fn cancel(args: ControlArgs, settings: &Settings) -> Result<(), Failure> {
    let wish = Wish::Cancel(wire::Cancel {});
    tell("cancelled", &args.selector.sweep, wish, settings).await
}

pub(crate) async fn pause(args: ControlArgs, settings: &Settings) -> Result<(), Failure> {
    let wish = Wish::Pause(wire::Pause {});
    tell("paused", &args.selector.sweep, wish, settings).await
}

pub(crate) async fn resume(args: ControlArgs, settings: &Settings) -> Result<(), Failure> {
    let wish = Wish::Resume(wire::Resume {});
    tell("resumed", &args.selector.sweep, wish, settings).await
}

pub(crate) async fn retry(args: RetryArgs, settings: &Settings) -> Result<(), Failure> {
    let failed_only = args.failed;
    let wish = Wish::Retry(wire::Retry { failed_only });
    tell("retrying", &args.selector.sweep, wish, settings).await
}

pub(crate) async fn priority(args: PriorityArgs, settings: &Settings) -> Result<(), Failure> {
    let done = format!("priority {} for", args.priority);
    tell(&done, &args.sweep, Wish::Priority(args.priority), settings).await
}

pub(crate) async fn rm(args: RmArgs, settings: &Settings) -> Result<(), Failure> {
    for sweep in &args.sweep {
        tell("removed", sweep, Wish::Remove(wire::Remove {}), settings).await?;
    }
    Ok(())
}

async fn tell(done: &str, sweep: &str, wish: Wish, settings: &Settings) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    let status = client.control(sweep, wish).await?;
    eprintln!("{done} `{}` ({})", status.name, counts(&status));
    Ok(())
}

/// How many of its runs are in each state, without those in which there are none.
fn counts(status: &SweepStatus) -> String {
    let runs = status.runs.unwrap_or_default();
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
    let counts: Vec<String> = counts
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    counts.join(", ")
}
