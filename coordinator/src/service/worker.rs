//! What workers ask for.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tailsweep_proto::wire::worker_service_server::WorkerService;
use tailsweep_proto::{convert, wire};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};
use tracing::info;

use super::part::{self, Parts};
use super::{session, unreadable};
use crate::driver::{Command, Driver, Session};
use crate::room::Hall;
use crate::store::Reader;

/// A worker that opens a session says hello within this time.
const GREETING: Duration = Duration::from_secs(10);
/// Messages on their way to a worker; one that lets more pile up is disconnected.
const OUTBOX: usize = 4096;

/// What a worker is told; it ends when the driver closes the session.
type Answers = Pin<Box<dyn Stream<Item = Result<wire::CoordinatorMessage, Status>> + Send>>;

/// The service for workers.
#[derive(Debug)]
pub(crate) struct Workers {
    driver: Driver,
    reader: Reader,
    /// How often workers send a sign of life, milliseconds.
    heartbeat_ms: u32,
    sessions: AtomicU64,
    hall: Hall,
}

impl Workers {
    pub(crate) fn new(driver: Driver, reader: Reader, heartbeat_ms: u32) -> Self {
        Self {
            driver,
            reader,
            heartbeat_ms,
            sessions: AtomicU64::new(0),
            hall: Hall::default(),
        }
    }
}

#[tonic::async_trait]
impl WorkerService for Workers {
    type SessionStream = Answers;
    type FetchFileStream = Parts<wire::Part>;
    type FetchCheckpointStream = Parts<wire::Part>;

    async fn session(
        &self,
        request: Request<Streaming<wire::WorkerMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let mut words = request.into_inner();
        let Some(wire::WorkerMessage {
            message: Some(wire::worker_message::Message::Hello(hello)),
        }) = timeout(GREETING, words.message())
            .await
            .map_err(|_| Status::deadline_exceeded("no `hello` came"))??
        else {
            return Err(Status::invalid_argument("a session begins with `hello`"));
        };
        info!(
            worker = hello.worker,
            host = hello.host,
            version = hello.version,
            "hello"
        );
        let instance = hello.instance;
        let (worker, join) = session::join_of(hello)?;

        let (outbox, answers) = mpsc::channel(OUTBOX);
        let welcome = wire::Welcome {
            heartbeat_ms: self.heartbeat_ms,
        };
        let welcome = wire::coordinator_message::Message::Welcome(welcome);
        let welcome = wire::CoordinatorMessage {
            message: Some(welcome),
        };
        outbox
            .try_send(welcome)
            .expect("the channel is new and has room");

        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        let (open, ended) = oneshot::channel();
        let session = Session {
            number,
            instance,
            outbox,
            _open: open,
        };
        let (admitted, answer) = oneshot::channel();
        self.driver
            .send(Command::Open {
                worker: worker.clone(),
                join,
                session,
                admitted,
            })
            .await?;
        if !answer.await.map_err(|_| self.driver.gone())? {
            return Err(Status::already_exists(format!(
                "another worker named `{worker}` is connected; give each worker a name of its own"
            )));
        }
        let (driver, place) = (self.driver.clone(), self.hall.place());
        tokio::spawn(async move {
            tokio::select! {
                () = session::listen(&driver, &worker, number, words, place) => {}
                // The driver closed the session, or has a newer one of this worker.
                _ = ended => {}
            }
            // Without a driver there is nobody to tell.
            let _ = driver.send(Command::Close { worker, number }).await;
        });
        Ok(Response::new(Box::pin(
            ReceiverStream::new(answers).map(Ok),
        )))
    }

    async fn fetch_file(
        &self,
        request: Request<wire::FetchFileRequest>,
    ) -> Result<Response<Self::FetchFileStream>, Status> {
        let wire::FetchFileRequest { id } = request.into_inner();
        Ok(Response::new(part::of_file(&self.reader, &id).await?))
    }

    async fn fetch_checkpoint(
        &self,
        request: Request<wire::FetchCheckpointRequest>,
    ) -> Result<Response<Self::FetchCheckpointStream>, Status> {
        let wire::FetchCheckpointRequest { attempt, step } = request.into_inner();
        let (run, _) = convert::attempt_of(attempt, "FetchCheckpointRequest")
            .map_err(|problem| Status::invalid_argument(problem.to_string()))?;
        let no = self
            .driver
            .ask(move |view| view.scheduler.run_no(run))
            .await?;
        let missing = || Status::not_found(format!("no checkpoint of run `{run}` at step {step}"));
        let no = no.ok_or_else(missing)?;
        let reader = self.reader.clone();
        let content = tokio::task::spawn_blocking(move || reader.checkpoint(no, step))
            .await
            .map_err(unreadable)?
            .map_err(unreadable)?
            .ok_or_else(missing)?;
        Ok(Response::new(part::of_content(content)))
    }
}
