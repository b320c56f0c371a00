//! `tailsweep watch`

use serde_json::json;
use tailsweep_proto::wire::SweepStatus;

use super::finish;
use super::status::full_json;
use crate::args::{FinishArgs, WatchArgs};
use crate::client::Client;
use crate::failure::Failure;
use crate::progress::{Progress, Workers, failure_text};
use crate::settings::Settings;
use crate::terminal;

pub(crate) async fn run(args: WatchArgs, settings: &Settings) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    // `last` may change its meaning while we watch.
    let id = client.status(&args.selector.sweep).await?.id;
    follow(&mut client, &id, args.json, &args.finish).await
}

/// Shows the progress of a sweep until it is over, on stdout as JSON if that is asked for. Ctrl-C
/// ends the watching, not the sweep.
pub(crate) async fn follow(
    client: &mut Client,
    sweep: &str,
    json: bool,
    at_end: &FinishArgs,
) -> Result<(), Failure> {
    let mut progress = Progress::start(Workers::Elsewhere);
    let mut told = None;
    let tell = |status: &SweepStatus| {
        progress.show(status);
        let line = json!({ "version": 1, "sweep": full_json(status) }).to_string();
        if json && told.as_ref() != Some(&line) {
            // A reader that is gone ends nothing but the telling.
            let _ = terminal::print(&format!("{line}\n"));
            told = Some(line);
        }
    };
    let watched = tokio::select! {
        watched = client.watch(sweep, tell) => watched,
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    };
    progress.finish();
    let status = watched?;
    finish::run(at_end, &status, None).await;
    judge(&status)
}

/// Whether every run that is needed has a result.
pub(crate) fn judge(status: &SweepStatus) -> Result<(), Failure> {
    let runs = status.runs.unwrap_or_default();
    if runs.failed + runs.cancelled == 0 {
        return Ok(());
    }
    let lost = [(runs.failed, "failed"), (runs.cancelled, "cancelled")];
    let lost = lost.into_iter().filter(|(count, _)| *count > 0);
    let lost: Vec<String> = lost
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let mut text = format!(
        "runs of `{}` without a result: {}",
        status.name,
        lost.join(", ")
    );
    for failure in status.failures.iter().filter(|failure| failure.last) {
        text += &format!("\n  {}", failure_text(failure));
    }
    Err(Failure::Error(text))
}
