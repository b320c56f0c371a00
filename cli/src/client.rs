//! The user's side of the wire.

use std::collections::BTreeMap;
use std::time::Duration;

use tailsweep_common::id::BlobId;
use tailsweep_common::state::RunState;
use tailsweep_proto::wire::control_request::Wish;
use tailsweep_proto::wire::submit_part::Part;
use tailsweep_proto::wire::sweep_service_client::SweepServiceClient;
use tailsweep_proto::wire::{self, SweepStatus};
use tailsweep_proto::{Connection, MAX_MESSAGE, PART};
use tailsweep_report::Choice;
use tailsweep_stats::Estimator;
use tokio::time::{Instant, sleep};
use tokio_stream::Stream;
use tonic::{Code, Status, Streaming};

use crate::args::SaidArgs;
use crate::failure::Failure;
use crate::remote::{Remote, cause};
use crate::sweep_file::SweepFile;

/// User commands try for so long to reach a coordinator.
const PATIENCE: Duration = Duration::from_secs(10);
/// Items of a list that come at a time.
const PAGE: u32 = 1000;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// What becomes of other sweeps when one is handed in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner<'a> {
    /// Nothing.
    Beside,
    /// They are cancelled.
    Alone,
    /// It stands for this one from now on.
    Extending(&'a str),
}

/// A client of a coordinator.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    service: SweepServiceClient<Connection>,
    /// For messages.
    url: String,
}

impl Client {
    /// Over a connection that exists.
    pub(crate) fn over(connection: Connection, url: &str) -> Self {
        let service = SweepServiceClient::new(connection)
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE);
        Self {
            service,
            url: url.to_owned(),
        }
    }

    /// Reaches the coordinator, trying for a while.
    pub(crate) async fn connect(remote: &Remote) -> Result<Self, Failure> {
        let (dialer, url) = (remote.dialer()?, remote.to_string());
        let deadline = Instant::now() + PATIENCE;
        loop {
            match dialer.connect().await {
                Ok(connection) => return Ok(Self::over(connection, &url)),
                Err(problem) if Instant::now() > deadline => {
                    return Err(Failure::NoCoordinator(no_coordinator(
                        &url,
                        &cause(&problem),
                    )));
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Hands in a sweep; the answer comes once it is durable.
    pub(crate) async fn submit(
        &mut self,
        file: &SweepFile,
        manner: Manner<'_>,
        said: &SaidArgs,
    ) -> Result<wire::SubmitReply, Failure> {
        let header = wire::SubmitHeader {
            source: file.source.clone(),
            path: file.path.clone(),
            alone: matches!(manner, Manner::Alone),
            extends: match manner {
                Manner::Extending(sweep) => sweep.to_owned(),
                Manner::Alone | Manner::Beside => String::new(),
            },
            tags: said.tag.clone(),
            notes: said.notes.clone().unwrap_or_default(),
        };
        let mut parts = vec![Part::Header(header)];
        for (path, content) in file.files()? {
            // An empty file has one empty part: its existence must arrive too.
            let pieces = content
                .chunks(PART)
                .chain(content.is_empty().then_some(&[][..]));
            parts.extend(pieces.map(|piece| {
                Part::File(wire::FilePart {
                    path: path.clone(),
                    content: piece.to_vec().into(),
                })
            }));
        }
        let mut reached = self.service.clone();
        self.persist(async || {
            let parts: Vec<_> = parts
                .iter()
                .cloned()
                .map(|part| wire::SubmitPart { part: Some(part) })
                .collect();
            Ok(reached
                .submit(tokio_stream::iter(parts))
                .await?
                .into_inner())
        })
        .await
    }

    /// Where a sweep stands.
    pub(crate) async fn status(&mut self, sweep: &str) -> Result<SweepStatus, Failure> {
        let mut service = self.service.clone();
        self.persist(async || {
            let request = wire::GetSweepRequest {
                sweep: sweep.to_owned(),
            };
            Ok(service.get_sweep(request).await?.into_inner())
        })
        .await
    }

    /// Does what the user wants of a sweep; the answer is where it stands then.
    pub(crate) async fn control(
        &mut self,
        sweep: &str,
        wish: Wish,
    ) -> Result<SweepStatus, Failure> {
        let mut service = self.service.clone();
        self.persist(async || {
            let request = wire::ControlRequest {
                sweep: sweep.to_owned(),
                wish: Some(wish),
            };
            Ok(service.control(request).await?.into_inner())
        })
        .await
    }

    /// Asks a worker to leave; its whole name.
    pub(crate) async fn stop_worker(&mut self, worker: &str) -> Result<String, Failure> {
        let mut service = self.service.clone();
        self.persist(async || {
            let worker = worker.to_owned();
            let request = wire::StopWorkerRequest { worker };
            Ok(service.stop_worker(request).await?.into_inner().worker)
        })
        .await
    }

    /// Removes what a policy lets go, and gives room back.
    pub(crate) async fn collect(
        &mut self,
        policy: wire::CollectRequest,
    ) -> Result<wire::CollectReply, Failure> {
        let mut service = self.service.clone();
        self.persist(async || Ok(service.collect(policy).await?.into_inner()))
            .await
    }

    /// The results of a sweep, part by part.
    pub(crate) async fn export(
        &mut self,
        sweep: &str,
        mut tell: impl FnMut(wire::ExportPart) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut service = self.service.clone();
        let mut parts = self
            .persist(async || {
                let sweep = sweep.to_owned();
                let request = wire::GetSweepRequest { sweep };
                Ok(service.get_export(request).await?.into_inner())
            })
            .await?;
        loop {
            match parts.message().await {
                Ok(Some(part)) => tell(part)?,
                Ok(None) => return Ok(()),
                Err(status) => return Err(self.failure(&status)),
            }
        }
    }

    /// Hands in the results of a sweep.
    pub(crate) async fn import(
        &mut self,
        parts: impl Stream<Item = wire::ExportPart> + Send + 'static,
    ) -> Result<wire::ImportReply, Failure> {
        match self.service.import(parts).await {
            Ok(reply) => Ok(reply.into_inner()),
            Err(status) => Err(self.failure(&status)),
        }
    }

    /// The runs of a sweep in its order, page by page.
    pub(crate) async fn runs(
        &mut self,
        sweep: &str,
        states: &[RunState],
        mut tell: impl FnMut(Vec<wire::RunStatus>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut service = self.service.clone();
        let mut next = String::new();
        loop {
            let request = wire::ListRunsRequest {
                sweep: sweep.to_owned(),
                states: states.iter().map(ToString::to_string).collect(),
                page_size: PAGE,
                page: next,
            };
            let reply = self
                .persist(async || Ok(service.list_runs(request.clone()).await?.into_inner()))
                .await?;
            tell(reply.runs)?;
            if reply.next_page.is_empty() {
                return Ok(());
            }
            next = reply.next_page;
        }
    }

    /// All that is known of a run.
    pub(crate) async fn run(&mut self, run: &str) -> Result<wire::RunDetail, Failure> {
        let mut service = self.service.clone();
        self.persist(async || {
            let run = run.to_owned();
            let request = wire::GetRunRequest { run };
            Ok(service.get_run(request).await?.into_inner())
        })
        .await
    }

    /// The stored checkpoint of a run.
    pub(crate) async fn checkpoint(&mut self, run: &str, step: u64) -> Result<Vec<u8>, Failure> {
        let mut service = self.service.clone();
        self.persist(async || {
            let run = run.to_owned();
            let request = wire::GetCheckpointRequest { run, step };
            let parts = service.get_checkpoint(request).await?;
            collected(parts.into_inner()).await
        })
        .await
    }

    /// A file that travelled with a sweep.
    pub(crate) async fn file(&mut self, id: BlobId) -> Result<Vec<u8>, Failure> {
        let mut service = self.service.clone();
        self.persist(async || {
            let id = id.as_bytes().to_vec().into();
            let parts = service.get_file(wire::GetFileRequest { id }).await?;
            collected(parts.into_inner()).await
        })
        .await
    }

    /// All sweeps, newest first.
    pub(crate) async fn sweeps(&mut self) -> Result<Vec<SweepStatus>, Failure> {
        let mut service = self.service.clone();
        self.pages(async |page| {
            let page_size = PAGE;
            let request = wire::ListSweepsRequest { page_size, page };
            let reply = service.list_sweeps(request).await?.into_inner();
            Ok((reply.sweeps, reply.next_page))
        })
        .await
    }

    /// All workers.
    pub(crate) async fn workers(&mut self) -> Result<Vec<wire::WorkerStatus>, Failure> {
        let mut service = self.service.clone();
        self.pages(async |page| {
            let page_size = PAGE;
            let request = wire::ListWorkersRequest { page_size, page };
            let reply = service.list_workers(request).await?.into_inner();
            Ok((reply.workers, reply.next_page))
        })
        .await
    }

    /// The files of a report.
    pub(crate) async fn report(
        &mut self,
        sweep: &str,
        choice: &Choice,
    ) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
        let mut service = self.service.clone();
        self.persist(async || {
            let request = wire::GetReportRequest {
                sweep: sweep.to_owned(),
                k1: choice.k1.clone(),
                estimators: choice.estimators.iter().map(Estimator::to_string).collect(),
            };
            let mut parts = service.get_report(request).await?.into_inner();
            let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            while let Some(wire::ReportPart { path, content }) = parts.message().await? {
                files.entry(path).or_default().extend_from_slice(&content);
            }
            Ok(files)
        })
        .await
    }

    /// Follows a sweep until it is over, across restarts of the coordinator; tells each change.
    pub(crate) async fn watch(
        &mut self,
        sweep: &str,
        mut tell: impl FnMut(&SweepStatus),
    ) -> Result<SweepStatus, Failure> {
        loop {
            let request = wire::GetSweepRequest {
                sweep: sweep.to_owned(),
            };
            let mut news = match self.service.watch(request).await {
                Ok(news) => news.into_inner(),
                // It is back when its disk takes something again.
                Err(status) if is_passing(&status) || status.code() == Code::ResourceExhausted => {
                    sleep(PAUSE).await;
                    continue;
                }
                Err(status) => return Err(self.failure(&status)),
            };
            while let Ok(Some(status)) = news.message().await {
                tell(&status);
                if status.over {
                    return Ok(status);
                }
            }
            tracing::warn!("lost the coordinator; trying to reach it again");
            sleep(PAUSE).await;
        }
    }

    /// A whole list, page by page.
    async fn pages<T>(
        &self,
        mut page: impl AsyncFnMut(String) -> Result<(Vec<T>, String), Status>,
    ) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        let mut next = String::new();
        loop {
            let (items, after) = self.persist(async || page(next.clone()).await).await?;
            all.extend(items);
            if after.is_empty() {
                return Ok(all);
            }
            next = after;
        }
    }

    /// Tries a call again while the coordinator is not to be reached, for a while.
    async fn persist<T>(
        &self,
        mut call: impl AsyncFnMut() -> Result<T, Status>,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match call().await {
                Ok(reply) => return Ok(reply),
                Err(status) if is_passing(&status) && Instant::now() < deadline => {
                    sleep(PAUSE).await;
                }
                Err(status) => return Err(self.failure(&status)),
            }
        }
    }

    fn failure(&self, status: &Status) -> Failure {
        // What a coordinator says itself has no cause behind it.
        let is_foreign = std::error::Error::source(status).is_some();
        if is_passing(status) || is_foreign {
            Failure::NoCoordinator(no_coordinator(&self.url, &deepest(status)))
        } else if status.code() == Code::Internal {
            Failure::error(format!("{}: {}", self.url, status.message()))
        } else {
            Failure::error(status.message())
        }
    }
}

fn is_passing(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::Cancelled | Code::Unknown
    )
}

async fn collected(mut parts: Streaming<wire::Part>) -> Result<Vec<u8>, Status> {
    let mut bytes = Vec::new();
    while let Some(wire::Part { content }) = parts.message().await? {
        bytes.extend_from_slice(&content);
    }
    Ok(bytes)
}

/// What a status says, or, where that is only that the transport broke, why.
fn deepest(status: &Status) -> String {
    match std::error::Error::source(status) {
        Some(source) => cause(source),
        None => status.message().to_owned(),
    }
}

fn no_coordinator(url: &str, cause: &str) -> String {
    // What HTTP/2 makes of the first bytes of a TLS alert.
    let is_strange = ["http2 error", "frame with invalid size"]
        .iter()
        .any(|sign| cause.contains(sign));
    let hint = if url.starts_with("http://") && is_strange {
        "; if it speaks TLS, its URL begins with https://"
    } else {
        ""
    };
    format!(
        "no coordinator at {url} ({cause}{hint})\n  start one with `tailsweep coordinator`, or say where \
         it is with --coordinator URL or TAILSWEEP_COORDINATOR"
    )
}
