//! `tailsweep watch`

use tailsweep_proto::wire::SweepStatus;

use crate::args::WatchArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::progress::{Progress, failure_text};
use crate::settings::Settings;

pub(crate) async fn run(args: WatchArgs, settings: &Settings) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    // `last` may change its meaning while we watch.
    let id = client.status(&args.selector.sweep).await?.id;
    follow(&mut client, &id).await
}

/// Shows the progress of a sweep until it is over. Ctrl-C ends the watching, not the sweep.
pub(crate) async fn follow(client: &mut Client, sweep: &str) -> Result<(), Failure> {
    let mut progress = Progress::start(true);
    let watched = tokio::select! {
        watched = client.watch(sweep, |status| progress.show(status)) => watched,
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    };
    progress.finish();
    judge(&watched?)
}

/// Whether every run that is needed has a result.
pub(crate) fn judge(status: &SweepStatus) -> Result<(), Failure> {
    let runs = status.runs.unwrap_or_default();
    if runs.failed + runs.cancelled == 0 {
        return Ok(());
    }
    let mut text = format!(
        "{} of the runs of `{}` failed and {} were cancelled",
        runs.failed, status.name, runs.cancelled
    );
    for failure in status.failures.iter().filter(|failure| failure.last) {
        text += &format!("\n  {}", failure_text(failure));
    }
    Err(Failure::Error(text))
}
