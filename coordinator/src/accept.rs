//! Connections as they come in.

use std::io;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tracing::{debug, warn};

/// Connections that wait to be served.
const WAITING: usize = 64;
/// Rest after an error: one that stays, such as no file handle being left, must not keep a core
/// busy.
const REST: Duration = Duration::from_millis(100);

/// The connections that a listener accepts, until nobody takes them any more.
pub(crate) fn connections(listener: TcpListener) -> impl Stream<Item = io::Result<TcpStream>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let mut failed = false;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = sender.closed() => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    failed = false;
                    // Answers are small and awaited.
                    if let Err(problem) = stream.set_nodelay(true) {
                        debug!(%peer, %problem, "a connection broke at once");
                        continue;
                    }
                    if sender.send(Ok(stream)).await.is_err() {
                        return;
                    }
                }
                Err(problem) => {
                    if !failed {
                        warn!(%problem, "can't accept a connection; trying again");
                    }
                    failed = true;
                    tokio::time::sleep(REST).await;
                }
            }
        }
    });
    ReceiverStream::new(receiver)
}
