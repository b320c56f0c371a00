//! Connections as they come in: no more than the process can hold, and none that says nothing.
//!
//! Each takes a file handle, and handles that are gone are missed by the store, too. So a peer has to
//! begin in time and to give signs of life, and when there are as many connections as may be, the
//! newest of the address that has most goes: whoever opens many keeps nobody else out.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::{Connected, TcpConnectInfo};
use tracing::{debug, warn};

/// Connections that wait to be served.
const WAITING: usize = 64;
/// Rest after an error: one that stays, such as no file handle being left, must not keep a core
/// busy.
const REST: Duration = Duration::from_millis(100);
/// A peer that has not said its first bytes by then is not going to.
const GREETING: Duration = Duration::from_secs(10);
/// So many those are: the preface of HTTP/2 (RFC 9113, section 3.4). A greeting of TLS is longer, and so
/// is a request of HTTP/1.1 that names its host.
const FIRST: usize = 24;
/// Who has said nothing for so long is gone. HTTP/2 asks for a sign of life all the time; HTTP/1 has
/// none while a report is made.
const SILENCE: Duration = Duration::from_secs(300);
/// File handles for all that is no connection, at most.
const OTHERS: u64 = 256;

/// Lets the process have as many files as the system allows it.
pub(crate) fn raise_limit_of_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(problem) = setrlimit(Resource::Nofile, raised) {
        warn!(%problem, ?current, "can't raise the number of files that may be open");
    }
}

/// How many connections there may be.
pub(crate) fn most() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files - OTHERS.min(files / 4)).unwrap_or(usize::MAX)
}

/// The connections that a listener accepts, `most` at a time, until nobody takes them any more.
pub(crate) fn connections(
    listener: TcpListener,
    most: impl Fn() -> usize + Send + 'static,
) -> impl Stream<Item = io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let open = Arc::new(Mutex::new(Open::default()));
        let (mut failed, mut refused) = (false, false);
        for number in 0.. {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = sender.closed() => return,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(problem) => {
                    if !failed {
                        warn!(%problem, "can't accept a connection; trying again");
                    }
                    failed = true;
                    sleep(REST).await;
                    continue;
                }
            };
            failed = false;
            let Some(place) = Place::take(&open, peer.ip(), number, most()) else {
                if !refused {
                    warn!(%peer, "too many connections; the newest of the address with most are closed");
                }
                refused = true;
                continue;
            };
            // Answers are small and awaited.
            if let Err(problem) = stream.set_nodelay(true) {
                debug!(%peer, %problem, "a connection broke at once");
                continue;
            }
            if sender
                .send(Ok(Connection::new(stream, place)))
                .await
                .is_err()
            {
                return;
            }
        }
    });
    ReceiverStream::new(receiver)
}

/// The open connections of each address, by the order in which they came.
#[derive(Debug, Default)]
struct Open(BTreeMap<IpAddr, BTreeMap<u64, oneshot::Sender<()>>>);

impl Open {
    /// Whether there is, or can be made, a place for one more connection of this address.
    fn has_place(&mut self, peer: IpAddr, most: usize) -> bool {
        let all: usize = self.0.values().map(BTreeMap::len).sum();
        if all < most {
            return true;
        }
        let own = self.0.get(&peer).map_or(0, BTreeMap::len);
        let largest = self.0.values_mut().max_by_key(|of_peer| of_peer.len());
        match largest.filter(|largest| largest.len() > own) {
            Some(largest) => {
                // Without its sender it ends.
                largest.pop_last();
                true
            }
            None => false,
        }
    }
}

/// A place among the open connections, until it is dropped.
#[derive(Debug)]
struct Place {
    open: Arc<Mutex<Open>>,
    peer: IpAddr,
    number: u64,
    /// Completes when somebody else needs the place.
    lost: oneshot::Receiver<()>,
}

impl Place {
    fn take(open: &Arc<Mutex<Open>>, peer: IpAddr, number: u64, most: usize) -> Option<Self> {
        let mut all = lock(open);
        if !all.has_place(peer, most) {
            return None;
        }
        let (keep, lost) = oneshot::channel();
        all.0.entry(peer).or_default().insert(number, keep);
        drop(all);
        Some(Self {
            open: Arc::clone(open),
            peer,
            number,
            lost,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        if let Some(of_peer) = open.0.get_mut(&self.peer) {
            of_peer.remove(&self.number);
            if of_peer.is_empty() {
                open.0.remove(&self.peer);
            }
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that ends when its peer is silent, or when it has to make room.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    place: Place,
    /// Bytes so far, as far as they matter.
    received: usize,
    accepted: Instant,
    heard: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl Connection {
    fn new(stream: TcpStream, place: Place) -> Self {
        let now = Instant::now();
        Self {
            stream,
            place,
            received: 0,
            accepted: now,
            heard: now,
            alarm: Box::pin(sleep(GREETING)),
        }
    }

    /// When its peer has been silent for too long.
    fn due(&self) -> Instant {
        if self.received < FIRST {
            self.accepted + GREETING
        } else {
            self.heard + SILENCE
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if Pin::new(&mut self.place.lost).poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) {
            self.heard = Instant::now();
            self.received = (self.received + buffer.filled().len() - before).min(FIRST);
            return Poll::Ready(read);
        }
        loop {
            ready!(self.alarm.as_mut().poll(context));
            let due = self.due();
            if due <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(due);
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpSocket;
    use tokio_stream::StreamExt;

    use super::*;

    #[tokio::test]
    async fn who_opens_many_connections_keeps_nobody_else_out() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut accepted = Box::pin(connections(listener, || 4));
        let mut greedy = Vec::new();
        for _ in 0..6 {
            greedy.push(TcpStream::connect(address).await.unwrap());
        }
        let mut served = Vec::new();
        for _ in 0..4 {
            served.push(accepted.next().await.unwrap().unwrap());
        }
        for refused in &mut greedy[4..] {
            assert_eq!(refused.read(&mut [0]).await.unwrap_or(0), 0, "one too many");
        }

        let other = TcpSocket::new_v4().unwrap();
        other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let _other = other.connect(address).await.unwrap();
        let other = accepted.next().await.unwrap().unwrap();
        assert_eq!(other.place.peer, "127.0.0.2".parse::<IpAddr>().unwrap());
        let newest = served.last_mut().unwrap();
        let ended = newest.read(&mut [0]).await.unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::ConnectionAborted);

        drop(served.remove(0));
        let _again = TcpStream::connect(address).await.unwrap();
        let again = accepted.next().await.unwrap().unwrap();
        assert_eq!(
            again.place.number, 7,
            "the place of the one that ended is free"
        );
    }
}
