//! A network between processes that does as a test says: it delays, stands still, cuts, and changes
//! what passes.
//!
//! It listens on loopback and passes bytes on to a port of loopback, one thread for each direction
//! of each connection.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Changes bytes on their way to the server.
pub type Change = Box<dyn Fn(&mut Vec<u8>) + Send + Sync>;

/// A way through loopback that can be disturbed.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Bytes stay where they are.
    still: AtomicBool,
    /// New connections are refused.
    closed: AtomicBool,
    /// What each piece waits, milliseconds.
    delay_ms: AtomicU64,
    /// Connections that are cut after so many more bytes; 0: none.
    bytes_left: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
    change: Option<Change>,
    counters: Counters,
    ended: AtomicBool,
}

/// What the network did so far: the proof that a fault happened.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections that came in.
    pub connections: AtomicU64,
    /// Connections that were cut while they were open.
    pub cut: AtomicU64,
    /// Connections that were refused.
    pub refused: AtomicU64,
    /// Pieces that were held back for a while.
    pub delayed: AtomicU64,
    /// Pieces that waited while the network stood still.
    pub stopped: AtomicU64,
    /// Pieces in which something was changed.
    pub changed: AtomicU64,
}

impl Counters {
    /// One of them.
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::SeqCst)
    }
}

impl Proxy {
    /// A way to `target`, undisturbed.
    pub fn start(target: u16) -> Self {
        Self::changing(target, None)
    }

    /// A way to `target` on which `change` sees every piece that goes there.
    pub fn changing(target: u16, change: Option<Change>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::new(State {
            change,
            ..State::default()
        });
        let shared = Arc::clone(&state);
        thread::Builder::new()
            .name("proxy".to_owned())
            .spawn(move || accept(&listener, target, &shared))
            .expect("a thread");
        Self { port, state }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What happened so far.
    pub fn counters(&self) -> &Counters {
        &self.state.counters
    }

    /// Cuts all connections; new ones come through. How many there were.
    pub fn cut(&self) -> u64 {
        let mut open = self.lock();
        // Those that had ended by themselves are no longer connected.
        let open = open.drain(..);
        let cut = open.filter(|stream| stream.shutdown(Shutdown::Both).is_ok());
        let cut = cut.count() as u64;
        self.count(&self.state.counters.cut, cut);
        cut
    }

    /// Cuts whatever connection passes so many more bytes, in the middle of a message.
    pub fn cut_after(&self, bytes: u64) {
        self.state.bytes_left.store(bytes.max(1), Ordering::SeqCst);
    }

    /// Refuses new connections, or lets them in again.
    pub fn close(&self, closed: bool) {
        self.state.closed.store(closed, Ordering::SeqCst);
    }

    /// Holds all bytes, without an end of any connection, or lets them go on.
    pub fn hold(&self, still: bool) {
        self.state.still.store(still, Ordering::SeqCst);
    }

    /// Every piece takes so much longer.
    pub fn delay(&self, time: Duration) {
        let millis = time.as_millis() as u64;
        self.state.delay_ms.store(millis, Ordering::SeqCst);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        let open = self.state.open.lock();
        open.unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        self.hold(false);
        self.cut();
        // The listening thread waits for a last connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn accept(listener: &TcpListener, target: u16, state: &Arc<State>) {
    for client in listener.incoming() {
        if state.ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        let counters = &state.counters;
        counters.connections.fetch_add(1, Ordering::SeqCst);
        if state.closed.load(Ordering::SeqCst) {
            counters.refused.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        // Without a server the client finds its connection closed.
        let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else {
            continue;
        };
        if let Err(problem) = join(client, server, state) {
            eprintln!("proxy: {problem}");
        }
    }
}

/// Passes bytes on in both directions.
fn join(client: TcpStream, server: TcpStream, state: &Arc<State>) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut open = state.open.lock().unwrap_or_else(PoisonError::into_inner);
    open.push(client.try_clone()?);
    drop(open);
    let back = (server.try_clone()?, client.try_clone()?, Arc::clone(state));
    let there = (client, server, Arc::clone(state));
    thread::Builder::new().spawn(move || pass(there.0, there.1, &there.2, true))?;
    thread::Builder::new().spawn(move || pass(back.0, back.1, &back.2, false))?;
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream, state: &State, to_server: bool) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let mut piece = buffer[..length].to_vec();
        if wait(state).is_err() {
            break;
        }
        if let Some(change) = state.change.as_ref().filter(|_| to_server) {
            let before = piece.clone();
            change(&mut piece);
            let changed = u64::from(piece != before);
            state.counters.changed.fetch_add(changed, Ordering::SeqCst);
        }
        if let Some(rest) = cut_here(state, piece.len() as u64) {
            // What was to pass before the cut passes.
            let _ = to.write_all(&piece[..rest]);
            state.counters.cut.fetch_add(1, Ordering::SeqCst);
            let _ = from.shutdown(Shutdown::Both);
            break;
        }
        if to.write_all(&piece).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// Waits while the network is slow or stands still.
fn wait(state: &State) -> Result<(), ()> {
    let delay = state.delay_ms.load(Ordering::SeqCst);
    if delay > 0 {
        state.counters.delayed.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(delay));
    }
    if state.still.load(Ordering::SeqCst) {
        state.counters.stopped.fetch_add(1, Ordering::SeqCst);
    }
    while state.still.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(5));
    }
    match state.ended.load(Ordering::SeqCst) {
        true => Err(()),
        false => Ok(()),
    }
}

/// How many bytes of a piece still pass, if the connection is to be cut in it.
fn cut_here(state: &State, length: u64) -> Option<usize> {
    let left = state
        .bytes_left
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            Some(left.saturating_sub(length))
        });
    match left.unwrap_or(0) {
        0 => None,
        left if left <= length => Some(left as usize - 1),
        _ => None,
    }
}
