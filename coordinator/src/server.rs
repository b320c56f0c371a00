//! A coordinator: its state, its driver and its server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::middleware::from_fn_with_state;
use tailsweep_proto::wire::sweep_service_server::SweepServiceServer;
use tailsweep_proto::wire::worker_service_server::WorkerServiceServer;
use tailsweep_proto::{DESCRIPTORS, MAX_MESSAGE};
use tailsweep_scheduler::Config;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_stream::Stream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tracing::info;

use crate::accept;
use crate::driver::{Driver, Engine};
use crate::page::{self, Pages};
use crate::security::{self, Access, AccessError, Credentials, Guard, Hosts};
use crate::service::{Sweeps, Workers};
use crate::store::{Reader, StateFolder, StoreError};

/// Calls of one connection at a time.
const MAX_STREAMS: u32 = 256;
/// Headers of one call, bytes.
const MAX_HEADERS: u32 = 16 << 10;
/// Reports that are made at a time: each holds its tables in memory.
const MAX_REPORTS: usize = 2;

/// Completes when a coordinator is to end.
pub type Shutdown = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How a coordinator works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where its durable state lies; made when missing.
    pub state: PathBuf,
    /// How long a worker may be silent before its runs go elsewhere.
    pub lease: Duration,
    /// All workers live in this process: those of an earlier one are gone with it, and what they
    /// held is free at once.
    pub workers_inside: bool,
    /// Take a folder on a network file system, too.
    pub allow_network_fs: bool,
    /// The database does not grow beyond it, bytes; its limit is answered like a full disk.
    pub max_state: Option<u64>,
}

impl Settings {
    /// A state in this folder, and defaults for the rest.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            state: state.into(),
            lease: Duration::from_secs(15),
            workers_inside: false,
            allow_network_fs: false,
            max_state: None,
        }
    }
}

/// Why serving ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("can't listen on {address}: {problem}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        problem: std::io::Error,
    },
    /// Whoever reaches it would not be asked for credentials, or they can't be used.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The server broke.
    #[error("the server ended: {0}")]
    Server(#[from] tonic::transport::Error),
}

/// A coordinator with its state open and rebuilt, not yet serving.
pub struct Coordinator {
    driver: Driver,
    engine: Engine,
    reader: Reader,
    lease: Duration,
}

impl Coordinator {
    /// Locks the state folder and rebuilds what was going on.
    pub fn open(settings: &Settings) -> Result<Self, StoreError> {
        Self::over(StateFolder::lock(settings)?, settings)
    }

    /// The same for a state that is only asked, such as that of a sweep that is over: where its folder
    /// can't be written, nothing is.
    pub fn open_to_ask(settings: &Settings) -> Result<Self, StoreError> {
        match StateFolder::lock(settings) {
            Err(problem) if problem.is_unwritable() => {
                Self::over(StateFolder::only_read(settings)?, settings)
            }
            locked => Self::over(locked?, settings),
        }
    }

    fn over(folder: StateFolder, settings: &Settings) -> Result<Self, StoreError> {
        let reader = folder.reader();
        let inside = settings.workers_inside;
        let config = Config {
            lease: settings.lease,
            recovery: if inside {
                Duration::ZERO
            } else {
                settings.lease
            },
            ..Config::default()
        };
        let (driver, engine) = Engine::open(folder, config)?;
        Ok(Self {
            driver,
            engine,
            reader,
            lease: settings.lease,
        })
    }

    /// Serves on a TCP address until `shutdown` completes.
    pub async fn listen(
        self,
        address: SocketAddr,
        access: Access,
        shutdown: Shutdown,
    ) -> Result<(), ServeError> {
        access.permit(address)?;
        let failed = |problem| ServeError::Listen { address, problem };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        info!(%address, "listening");
        self.serve_tcp(listener, access, shutdown).await
    }

    /// Serves a listener until `shutdown` completes.
    pub async fn serve_tcp(
        self,
        listener: TcpListener,
        access: Access,
        shutdown: Shutdown,
    ) -> Result<(), ServeError> {
        accept::raise_limit_of_files();
        let connections = accept::connections(listener, accept::most);
        self.serve(connections, access, shutdown).await
    }

    /// Serves connections until `shutdown` completes.
    ///
    /// Workers are told goodbye; what they hold they keep, and go on computing.
    pub async fn serve<I, IO, E>(
        self,
        connections: I,
        access: Access,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError>
    where
        I: Stream<Item = Result<IO, E>>,
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
        IO::ConnectInfo: Clone + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Self {
            driver,
            engine,
            reader,
            lease,
        } = self;
        let (stop, stopped) = watch::channel(false);
        let until_stopped = |mut stopped: watch::Receiver<bool>| async move {
            // An error means that the sender is gone: stopped as well.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let Access {
            credentials, hosts, ..
        } = access;
        let Credentials { tls, tokens } = credentials.unwrap_or_default();
        let guard = Arc::new(Guard::new(tokens, Hosts::new(hosts)));
        let routes = routes(driver, reader, lease, guard, stopped.clone()).await;
        let mut server = limited(Server::builder());
        if let Some(tls) = tls {
            server = server.tls_config(tls)?;
        }
        let router = server.add_routes(routes);
        let engine = tokio::spawn(engine.run(until_stopped(stopped.clone())));
        let server = router.serve_with_incoming_shutdown(connections, until_stopped(stopped));
        tokio::pin!(server, shutdown);
        let served = tokio::select! {
            served = &mut server => served,
            () = &mut shutdown => {
                // Nobody waits for it if the receivers are gone.
                let _ = stop.send(true);
                // Streams that are still open are cut: their clients come back.
                let patience = Duration::from_secs(2);
                tokio::time::timeout(patience, &mut server).await.unwrap_or(Ok(()))
            }
        };
        stop.send_replace(true);
        // A panic of the driver was reported where it happened.
        let _ = engine.await;
        Ok(served?)
    }
}

/// What a peer may ask of the server itself.
fn limited(server: Server) -> Server {
    server
        // A peer that vanished without a word is noticed.
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        // Browsers without TLS speak HTTP/1.
        .accept_http1(true)
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_header_list_size(MAX_HEADERS)
}

async fn routes(
    driver: Driver,
    reader: Reader,
    lease: Duration,
    guard: Arc<Guard>,
    stopped: watch::Receiver<bool>,
) -> Routes {
    let heartbeat_ms = (lease / 10).as_millis().clamp(100, 5000) as u32;
    let reports = Arc::new(Semaphore::new(MAX_REPORTS));
    let pages = page::routes(Pages {
        driver: driver.clone(),
        reader: reader.clone(),
        guard: Arc::clone(&guard),
        reports: Arc::clone(&reports),
    });
    let workers =
        WorkerServiceServer::new(Workers::new(driver.clone(), reader.clone(), heartbeat_ms))
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE);
    let sweeps = SweepServiceServer::new(Sweeps::new(driver, reader, stopped, reports))
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<WorkerServiceServer<Workers>>().await;
    health.set_serving::<SweepServiceServer<Sweeps>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .expect("the descriptors are made by this build");
    let services = Routes::new(health_service)
        .add_service(reflection)
        .add_service(workers)
        .add_service(sweeps);
    let all = services.into_axum_router().merge(pages);
    let all = all.fallback(security::unknown);
    Routes::from(all.layer(from_fn_with_state(guard, security::guard)))
}
