//! A coordinator inside this process, reached without a socket.
//!
//! Other users of a shared machine can reach its loopback addresses; they cannot reach this.

use std::io;

use hyper_util::rt::TokioIo;
use tailsweep_proto::{Connection, Token};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;

/// Bytes in flight on a connection.
const BUFFER: usize = 1 << 20;

/// The way in, for clients in this process.
#[derive(Clone, Debug)]
pub(crate) struct Doorway {
    connections: mpsc::Sender<DuplexStream>,
}

impl Doorway {
    /// A way in, and the connections that come through it.
    pub(crate) fn new() -> (Self, impl Stream<Item = io::Result<DuplexStream>>) {
        let (connections, accepted) = mpsc::channel(16);
        (Self { connections }, ReceiverStream::new(accepted).map(Ok))
    }

    /// A connection that is made when it is used, and again when it broke.
    pub(crate) fn connection(&self) -> Connection {
        let connections = self.connections.clone();
        let connect = tower::service_fn(move |_| {
            let connections = connections.clone();
            async move {
                let (client, server) = tokio::io::duplex(BUFFER);
                let closed = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
                connections.send(server).await.map_err(closed)?;
                Ok::<_, io::Error>(TokioIo::new(client))
            }
        });
        let channel = Endpoint::from_static("http://inside").connect_with_connector_lazy(connect);
        Connection::new(channel, Token::NONE)
    }
}
