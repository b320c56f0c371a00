//! Ctrl-C and SIGTERM.

use std::pin::Pin;

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// Completes when the server is to end.
pub(crate) type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves until Ctrl-C, which is an interruption, or SIGTERM, which is a good end.
pub(crate) async fn serve_until_stopped(
    serve: impl AsyncFnOnce(Stop) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::error)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::error)?;
    let (tell, told) = tokio::sync::oneshot::channel();
    let stop: Stop = Box::pin(async move {
        let interrupted = tokio::select! {
            _ = terminate.recv() => false,
            _ = interrupt.recv() => true,
        };
        // Who serves may have ended by itself.
        let _ = tell.send(interrupted);
    });
    serve(stop).await?;
    match told.await {
        Ok(true) => Err(Failure::Interrupted),
        Ok(false) | Err(_) => Ok(()),
    }
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
