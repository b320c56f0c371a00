//! `tailsweep coordinator`

use tailsweep_coordinator::Coordinator;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::CoordinatorArgs;
use crate::failure::Failure;
use crate::settings::Settings;

pub(crate) async fn run(args: CoordinatorArgs, settings: &Settings) -> Result<(), Failure> {
    let coordinator = tailsweep_coordinator::Settings {
        state: settings.state.clone(),
        lease: settings.lease,
    };
    let coordinator = Coordinator::open(&coordinator).map_err(Failure::error)?;
    let stop = stop_signal()?;
    coordinator.listen(settings.listen, args.insecure, stop).await.map_err(Failure::error)
}

/// Completes at Ctrl-C or SIGTERM.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::error)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::error)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
