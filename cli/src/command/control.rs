//! `tailsweep cancel`, `pause`, `resume`, `retry`, `priority`, `rm`

use serde_json::{Value, json};
use tailsweep_proto::wire::control_request::Wish;
use tailsweep_proto::wire::{self, SweepStatus};

use super::status::{counts, to_json};
use crate::args::{ControlArgs, PriorityArgs, RetryArgs, RmArgs};
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

pub(crate) async fn cancel(args: ControlArgs, settings: &Settings) -> Result<(), Failure> {
    let wish = Wish::Cancel(wire::Cancel {});
    control(args, "cancelled", wish, settings).await
}

pub(crate) async fn pause(args: ControlArgs, settings: &Settings) -> Result<(), Failure> {
    let wish = Wish::Pause(wire::Pause {});
    control(args, "paused", wish, settings).await
}

pub(crate) async fn resume(args: ControlArgs, settings: &Settings) -> Result<(), Failure> {
    let wish = Wish::Resume(wire::Resume {});
    control(args, "resumed", wish, settings).await
}

pub(crate) async fn retry(args: RetryArgs, settings: &Settings) -> Result<(), Failure> {
    let failed_only = args.failed;
    let wish = Wish::Retry(wire::Retry { failed_only });
    let status = wanted("retrying", &args.selector.sweep, wish, settings).await?;
    print(&status, args.json)
}

pub(crate) async fn priority(args: PriorityArgs, settings: &Settings) -> Result<(), Failure> {
    let done = format!("priority {} for", args.priority);
    let status = wanted(&done, &args.sweep, Wish::Priority(args.priority), settings).await?;
    print(&status, args.json)
}

pub(crate) async fn rm(args: RmArgs, settings: &Settings) -> Result<(), Failure> {
    for sweep in &args.sweep {
        let status = wanted("removed", sweep, Wish::Remove(wire::Remove {}), settings).await?;
        if args.json {
            terminal::print(&format!("{}\n", document(&status)))?;
        }
    }
    Ok(())
}

async fn control(
    args: ControlArgs,
    done: &str,
    wish: Wish,
    settings: &Settings,
) -> Result<(), Failure> {
    let status = wanted(done, &args.selector.sweep, wish, settings).await?;
    print(&status, args.json)
}

/// Tells the coordinator what is wanted of a sweep, and people what came of it.
async fn wanted(
    done: &str,
    sweep: &str,
    wish: Wish,
    settings: &Settings,
) -> Result<SweepStatus, Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    let status = client.control(sweep, wish).await?;
    let runs = status.runs.unwrap_or_default();
    eprintln!("{done} `{}` ({})", status.name, counts(&runs).join(", "));
    Ok(status)
}

fn print(status: &SweepStatus, json: bool) -> Result<(), Failure> {
    match json {
        true => terminal::print_json(&document(status)),
        false => Ok(()),
    }
}

/// The documented shape: the sweep as it was left.
fn document(status: &SweepStatus) -> Value {
    json!({ "version": 1, "sweep": to_json(status) })
}
