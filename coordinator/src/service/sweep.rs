//! What users ask for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tailsweep_common::id::{BlobId, SweepId};
use tailsweep_common::label;
use tailsweep_common::sweep::{self, Sweep};
use tailsweep_proto::wire;
use tailsweep_proto::wire::submit_part::Part;
use tailsweep_proto::wire::sweep_service_server::SweepService;
use tailsweep_report::Choice;
use tailsweep_scheduler::{Input, Prepared, Refusal, RunNo};
use tailsweep_stats::Estimator;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::age::ages;
use super::part::{self, Parts};
use super::{collect, control, export, import, runs, unreadable};
use crate::driver::{Driver, Manner};
use crate::report::ReportError;
use crate::select::{NotSelected, select, select_run};
use crate::store::{Reader, Sizes, Submission, packed};
use crate::{report, status};

/// A sweep file is not larger, bytes.
pub(super) const MAX_SOURCE: usize = 8 << 20;
/// What travels with a sweep is not larger, bytes.
pub(super) const MAX_FILES: usize = 2 << 30;
/// Estimates that a request names are not more.
const MAX_CHOSEN: usize = 100;
/// A sweep has no more tags.
const MAX_TAGS: usize = 32;
/// Notes are not longer, bytes.
const MAX_NOTES: usize = 16 << 10;
/// Memory for all that is uploaded at a time, KiB.
const UPLOADS: usize = 4 << 20;
/// Sweeps that are expanded at a time: each may have millions of points.
const MAX_EXPANSIONS: usize = 2;
/// A sweep and its files arrive within this time.
const UPLOAD: Duration = Duration::from_secs(1800);
/// Who does not take news of a watched sweep within this time gets no more.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a watched sweep is looked at.
const GLANCE: Duration = Duration::from_millis(200);

/// The service for users.
#[derive(Debug)]
pub(crate) struct Sweeps {
    driver: Driver,
    reader: Reader,
    /// Turns true when the coordinator goes away.
    stopped: watch::Receiver<bool>,
    /// Reports that may be made at a time.
    reports: Arc<Semaphore>,
    /// Memory for what is uploaded, KiB.
    uploads: Semaphore,
    /// Sweeps that may be expanded at a time.
    expansions: Arc<Semaphore>,
}

impl Sweeps {
    pub(crate) fn new(
        driver: Driver,
        reader: Reader,
        stopped: watch::Receiver<bool>,
        reports: Arc<Semaphore>,
    ) -> Self {
        Self {
            driver,
            reader,
            stopped,
            reports,
            uploads: Semaphore::new(UPLOADS),
            expansions: Arc::new(Semaphore::new(MAX_EXPANSIONS)),
        }
    }

    pub(super) fn driver(&self) -> &Driver {
        &self.driver
    }

    pub(super) fn uploads(&self) -> &Semaphore {
        &self.uploads
    }

    pub(super) fn expansions(&self) -> &Arc<Semaphore> {
        &self.expansions
    }

    async fn select(&self, selector: String) -> Result<SweepId, Status> {
        let selected = self
            .driver
            .ask(move |view| select(&selector, view.scheduler.names()));
        selected.await?.map_err(not_selected)
    }

    async fn status(&self, id: SweepId) -> Result<wire::SweepStatus, Status> {
        let status = self
            .driver
            .ask(move |view| status::of_sweep(view, id))
            .await?;
        status.ok_or_else(|| Status::not_found(format!("no sweep `{id}`")))
    }
}

fn not_selected(problem: NotSelected) -> Status {
    match problem {
        NotSelected::Ambiguous(..) | NotSelected::AmbiguousRun(_) => {
            Status::invalid_argument(problem.to_string())
        }
        _ => Status::not_found(problem.to_string()),
    }
}

#[tonic::async_trait]
impl SweepService for Sweeps {
    type WatchStream = ReceiverStream<Result<wire::SweepStatus, Status>>;
    type GetReportStream = Parts<wire::ReportPart>;
    type GetExportStream = Parts<wire::ExportPart>;
    type GetCheckpointStream = Parts<wire::Part>;
    type GetFileStream = Parts<wire::Part>;

    async fn submit(
        &self,
        request: Request<Streaming<wire::SubmitPart>>,
    ) -> Result<Response<wire::SubmitReply>, Status> {
        let received = timeout(UPLOAD, receive(request.into_inner(), &self.uploads)).await;
        // The room is taken until all of it is durable.
        let (header, files, _room) = received
            .map_err(|_| Status::deadline_exceeded("the sweep and its files took too long"))??;
        let wire::SubmitHeader {
            source,
            path,
            alone,
            extends,
            tags,
            notes,
        } = header;
        let said = said(tags, notes)?;
        let manner = match (alone, extends) {
            (true, _) => Manner::Alone,
            (false, none) if none.is_empty() => Manner::Beside,
            (false, smaller) => Manner::Extending(self.select(smaller).await?),
        };
        let (sweep, prepared, submission) = checked(&self.expansions, source, path, files).await?;
        let sweep = Arc::new(sweep);
        let (id, runs) = (sweep.id, sweep.len() as u64);
        let taken = self
            .driver
            .submit((sweep, prepared, submission), said, manner)
            .await?;
        let created = taken.map_err(control::refused)?;
        let known = self.driver.ask(move |view| {
            let counts = view.scheduler.sweep(id).map(|sweep| sweep.counts);
            counts.map_or(0, |counts| u64::from(counts.done + counts.diverged))
        });
        Ok(Response::new(wire::SubmitReply {
            sweep_id: id.to_string(),
            created,
            runs,
            known: known.await?,
        }))
    }

    async fn control(
        &self,
        request: Request<wire::ControlRequest>,
    ) -> Result<Response<wire::SweepStatus>, Status> {
        let wire::ControlRequest { sweep, wish } = request.into_inner();
        let id = self.select(sweep).await?;
        let before = self.status(id).await?;
        let done = self.driver.control(control::input(id, wish)?).await?;
        done.map_err(control::refused)?;
        // A removed sweep has no status any more.
        Ok(Response::new(self.status(id).await.unwrap_or(before)))
    }

    async fn list_runs(
        &self,
        request: Request<wire::ListRunsRequest>,
    ) -> Result<Response<wire::ListRunsReply>, Status> {
        let wire::ListRunsRequest {
            sweep,
            states,
            page_size,
            page,
        } = request.into_inner();
        let states = runs::states(&states)?;
        let page = Page::new(page_size, &page)?;
        let id = self.select(sweep).await?;
        let listed = self
            .driver
            .ask(move |view| runs::page(view, id, &states, page.start, page.size));
        Ok(Response::new(listed.await?))
    }

    async fn get_run(
        &self,
        request: Request<wire::GetRunRequest>,
    ) -> Result<Response<wire::RunDetail>, Status> {
        let wire::GetRunRequest { run } = request.into_inner();
        let known = self.driver.ask(move |view| {
            let no = select_run(&run, &view.scheduler.runs_named(&run))?;
            Ok(runs::detail(view, no))
        });
        let (no, mut detail) = known.await?.map_err(not_selected)?;
        let reader = self.reader.clone();
        let told = tokio::task::spawn_blocking(move || runs::attempts(&reader, no)).await;
        detail.attempts = told.map_err(unreadable)?.map_err(unreadable)?;
        Ok(Response::new(detail))
    }

    async fn get_checkpoint(
        &self,
        request: Request<wire::GetCheckpointRequest>,
    ) -> Result<Response<Self::GetCheckpointStream>, Status> {
        let wire::GetCheckpointRequest { run, step } = request.into_inner();
        let missing = format!("no checkpoint of run `{run}` at step {step}");
        let known = self
            .driver
            .ask(move |view| select_run(&run, &view.scheduler.runs_named(&run)));
        let no = known.await?.map_err(not_selected)?;
        let reader = self.reader.clone();
        let read = tokio::task::spawn_blocking(move || reader.checkpoint(no, step)).await;
        let content = read.map_err(unreadable)?.map_err(unreadable)?;
        let content = content.ok_or_else(|| Status::not_found(missing))?;
        Ok(Response::new(part::of_content(content)))
    }

    async fn get_file(
        &self,
        request: Request<wire::GetFileRequest>,
    ) -> Result<Response<Self::GetFileStream>, Status> {
        let wire::GetFileRequest { id } = request.into_inner();
        Ok(Response::new(part::of_file(&self.reader, &id).await?))
    }

    async fn list_sweeps(
        &self,
        request: Request<wire::ListSweepsRequest>,
    ) -> Result<Response<wire::ListSweepsReply>, Status> {
        let wire::ListSweepsRequest { page_size, page } = request.into_inner();
        let page = Page::new(page_size, &page)?;
        let reply = self.driver.ask(move |view| {
            let mut newest_first: Vec<_> = view.scheduler.sweeps().collect();
            newest_first.reverse();
            let (sweeps, next_page) = page.cut(&newest_first);
            wire::ListSweepsReply {
                sweeps: sweeps.iter().map(status::brief).collect(),
                next_page,
            }
        });
        let mut reply = reply.await?;
        let reader = self.reader.clone();
        let ages = tokio::task::spawn_blocking(move || ages(&reader));
        let ages = ages.await.map_err(unreadable)?.map_err(unreadable)?;
        for sweep in &mut reply.sweeps {
            sweep.age_ms = ages.get(&sweep.id).copied();
        }
        Ok(Response::new(reply))
    }

    async fn get_sweep(
        &self,
        request: Request<wire::GetSweepRequest>,
    ) -> Result<Response<wire::SweepStatus>, Status> {
        let id = self.select(request.into_inner().sweep).await?;
        let mut status = self.status(id).await?;
        let kept = self.driver.ask(move |view| {
            let files = view
                .scheduler
                .sweep(id)
                .map(|sweep| sweep.sweep.files.clone());
            (ranges(view.scheduler.runs_of(id).map(|run| run.no)), files)
        });
        let (runs, files) = kept.await?;
        let files: Vec<BlobId> = files
            .unwrap_or_default()
            .into_iter()
            .map(|(_, id)| id)
            .collect();
        let reader = self.reader.clone();
        let sizes = tokio::task::spawn_blocking(move || {
            let sizes = reader.sizes(&runs, &files)?;
            Ok::<_, rusqlite::Error>((sizes, reader.size(), ages(&reader)?))
        });
        let (sizes, state, ages) = sizes.await.map_err(unreadable)?.map_err(unreadable)?;
        status.age_ms = ages.get(&status.id).copied();
        status.sizes = Some(sizes_of(sizes, state));
        Ok(Response::new(status))
    }

    async fn stop_worker(
        &self,
        request: Request<wire::StopWorkerRequest>,
    ) -> Result<Response<wire::StopWorkerReply>, Status> {
        let dismissed = self.driver.dismiss(request.into_inner().worker).await?;
        let worker = dismissed.map_err(|problem| Status::not_found(problem.to_string()))?;
        let worker = worker.to_string();
        Ok(Response::new(wire::StopWorkerReply { worker }))
    }

    async fn collect(
        &self,
        request: Request<wire::CollectRequest>,
    ) -> Result<Response<wire::CollectReply>, Status> {
        let wire::CollectRequest {
            idle_ms,
            keep_last,
            dry_run,
        } = request.into_inner();
        let before = self.reader.size();
        let mut going = Vec::new();
        if let Some(idle_ms) = idle_ms {
            let over = self
                .driver
                .ask(move |view| collect::candidates(view.scheduler, keep_last))
                .await?;
            let reader = self.reader.clone();
            let idle =
                tokio::task::spawn_blocking(move || collect::idle(over, idle_ms, &reader)).await;
            going = idle.map_err(unreadable)?.map_err(unreadable)?;
        }
        if !dry_run {
            for (id, _) in &going {
                let removed = self.driver.control(Input::Remove(*id)).await?;
                // Somebody else may have been faster.
                if let Err(refusal) = removed
                    && !matches!(refusal, Refusal::UnknownSweep(_))
                {
                    return Err(control::refused(refusal));
                }
            }
            let compacted = self.driver.compact().await?;
            compacted.map_err(|problem| {
                let said = format!("the room can't be given back to the disk: {problem}");
                Status::resource_exhausted(said)
            })?;
        }
        Ok(Response::new(wire::CollectReply {
            sweeps: going.into_iter().map(|(_, told)| told).collect(),
            before,
            after: self.reader.size(),
        }))
    }

    async fn get_export(
        &self,
        request: Request<wire::GetSweepRequest>,
    ) -> Result<Response<Self::GetExportStream>, Status> {
        let id = self.select(request.into_inner().sweep).await?;
        let outline = self
            .driver
            .ask(move |view| export::outline(view.scheduler, id))
            .await?;
        let outline = outline.ok_or_else(|| Status::not_found(format!("no sweep `{id}`")))?;
        let reader = self.reader.clone();
        let turn = Arc::clone(&self.reports).acquire_owned().await;
        let turn = turn.map_err(unreadable)?;
        let (sender, receiver) = mpsc::channel(2);
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            export::send(&outline, &reader, &sender);
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn import(
        &self,
        request: Request<Streaming<wire::ExportPart>>,
    ) -> Result<Response<wire::ImportReply>, Status> {
        let taken = timeout(UPLOAD, import::import(self, request.into_inner())).await;
        let reply = taken.map_err(|_| Status::deadline_exceeded("the export took too long"))??;
        Ok(Response::new(reply))
    }

    async fn watch(
        &self,
        request: Request<wire::GetSweepRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let id = self.select(request.into_inner().sweep).await?;
        let (sender, receiver) = mpsc::channel(4);
        let (driver, mut stopped) = (self.driver.clone(), self.stopped.clone());
        tokio::spawn(async move {
            let mut told = None;
            loop {
                let now = driver.ask(move |view| status::of_sweep(view, id)).await;
                let Ok(Some(now)) = now else {
                    return;
                };
                let over = now.over;
                if told.as_ref() != Some(&now) {
                    told = Some(now.clone());
                    if sender.send_timeout(Ok(now), PATIENCE).await.is_err() {
                        return;
                    }
                }
                if over {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(GLANCE) => {}
                    () = sender.closed() => return,
                    _ = stopped.wait_for(|stopped| *stopped) => return,
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn list_workers(
        &self,
        request: Request<wire::ListWorkersRequest>,
    ) -> Result<Response<wire::ListWorkersReply>, Status> {
        let wire::ListWorkersRequest { page_size, page } = request.into_inner();
        let page = Page::new(page_size, &page)?;
        let reply = self.driver.ask(move |view| {
            let workers: Vec<_> = view.scheduler.workers().collect();
            let (workers, next_page) = page.cut(&workers);
            let workers = workers.iter().map(status::of_worker).collect();
            wire::ListWorkersReply { workers, next_page }
        });
        Ok(Response::new(reply.await?))
    }

    async fn get_report(
        &self,
        request: Request<wire::GetReportRequest>,
    ) -> Result<Response<Self::GetReportStream>, Status> {
        let request = request.into_inner();
        let choice = choice(&request)?;
        let id = self.select(request.sweep).await?;
        let outline = report::outline(&self.driver, id).await?;
        let outline = outline.ok_or_else(|| Status::not_found(format!("no sweep `{id}`")))?;
        let reader = self.reader.clone();
        let turn = Arc::clone(&self.reports).acquire_owned().await;
        let turn = turn.map_err(unreadable)?;
        let made = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            report::make(&outline, choice, &reader)
        })
        .await;
        let files = made.map_err(unreadable)?.map_err(|problem| match problem {
            ReportError::BlockLength(problem) => Status::invalid_argument(problem.to_string()),
            problem => unreadable(problem),
        })?;
        Ok(Response::new(part::of_files(files)))
    }
}

/// The estimates that are asked for.
fn choice(request: &wire::GetReportRequest) -> Result<Choice, Status> {
    if request.k1.len() + request.estimators.len() > MAX_CHOSEN {
        return Err(Status::invalid_argument("more estimates than there are"));
    }
    let estimator = |name: &String| {
        let known = Estimator::ALL.iter().find(|known| known.as_str() == name);
        known
            .copied()
            .ok_or_else(|| Status::invalid_argument(format!("there is no estimator `{name}`")))
    };
    Ok(Choice {
        k1: request.k1.clone(),
        estimators: request
            .estimators
            .iter()
            .map(estimator)
            .collect::<Result<_, _>>()?,
    })
}

/// Memory that an upload takes.
pub(super) type Room<'a> = SemaphorePermit<'a>;

/// A submission as it arrives, with a bound on its size.
async fn receive(
    mut parts: Streaming<wire::SubmitPart>,
    uploads: &Semaphore,
) -> Result<(wire::SubmitHeader, BTreeMap<String, Vec<u8>>, Room<'_>), Status> {
    let Some(wire::SubmitPart {
        part: Some(Part::Header(header)),
    }) = parts.message().await?
    else {
        return Err(Status::invalid_argument(
            "a submission begins with its header",
        ));
    };
    if header.source.len() > MAX_SOURCE {
        let problem = format!("a sweep file has at most {MAX_SOURCE} bytes");
        return Err(Status::invalid_argument(problem));
    }
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut size = 0;
    let mut room = uploads.try_acquire_many(0).map_err(unreadable)?;
    while let Some(wire::SubmitPart { part }) = parts.message().await? {
        let Some(Part::File(wire::FilePart { path, content })) = part else {
            return Err(Status::invalid_argument("only files follow the header"));
        };
        size += path.len() + content.len();
        if size > MAX_FILES {
            let problem = format!("the files of a sweep have at most {MAX_FILES} bytes");
            return Err(Status::invalid_argument(problem));
        }
        let kibibytes = (path.len() + content.len()).div_ceil(1024) as u32;
        let more = uploads.try_acquire_many(kibibytes);
        room.merge(more.map_err(|_| {
            Status::resource_exhausted("too much is uploaded at once; try again in a while")
        })?);
        let file = files.entry(path).or_default();
        file.extend_from_slice(&content);
        if file.len() > sweep::MAX_FILE {
            let problem = format!("a file of a sweep has at most {} bytes", sweep::MAX_FILE);
            return Err(Status::invalid_argument(problem));
        }
    }
    Ok((header, files, room))
}

/// What a user says of a sweep; nothing if that is nothing.
fn said(tags: Vec<String>, notes: String) -> Result<Option<(Vec<String>, String)>, Status> {
    if tags.len() > MAX_TAGS || notes.len() > MAX_NOTES {
        let problem = format!("a sweep has at most {MAX_TAGS} tags and {MAX_NOTES} bytes of notes");
        return Err(Status::invalid_argument(problem));
    }
    if !tags.iter().all(|tag| label::is_label(tag)) {
        let problem = format!("a tag is a label: {}", label::HELP);
        return Err(Status::invalid_argument(problem));
    }
    Ok((!tags.is_empty() || !notes.is_empty()).then_some((tags, notes)))
}

/// Numbers as ranges: first and last.
fn ranges(runs: impl Iterator<Item = RunNo>) -> Vec<(RunNo, RunNo)> {
    let mut runs: Vec<RunNo> = runs.collect();
    runs.sort_unstable();
    let mut ranges: Vec<(RunNo, RunNo)> = Vec::new();
    for no in runs {
        match ranges.last_mut() {
            Some((_, last)) if last.0 + 1 == no.0 => *last = no,
            _ => ranges.push((no, no)),
        }
    }
    ranges
}

fn sizes_of(sizes: Sizes, state: u64) -> wire::Sizes {
    let Sizes {
        records,
        record_count,
        checkpoints,
        files,
    } = sizes;
    wire::Sizes {
        records,
        record_count,
        checkpoints,
        files,
        state,
    }
}

/// The meaning of a submission and all that takes long to work out of it, on a thread of its own:
/// the task that answers requests only takes it in.
pub(super) async fn checked(
    expansions: &Arc<Semaphore>,
    source: String,
    path: String,
    files: BTreeMap<String, Vec<u8>>,
) -> Result<(Sweep, Prepared, Submission), Status> {
    let turn = Arc::clone(expansions).acquire_owned().await;
    let turn = turn.map_err(unreadable)?;
    let checked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let (sweep, submission) = check(source, path, files)?;
        let prepared = Prepared::new(&sweep);
        Ok((sweep, prepared, submission))
    });
    checked.await.map_err(unreadable)?
}

/// The meaning of a submission. Nothing is trusted: the client has checked it, or some client has.
fn check(
    source: String,
    path: String,
    mut files: BTreeMap<String, Vec<u8>>,
) -> Result<(Sweep, Submission), Status> {
    let sweep = sweep::parse(&source, &path, &files)
        .map_err(|problems| Status::invalid_argument(problems.render(false)))?;
    // What the sweep file does not name is not kept.
    let named = |(path, id): &(String, BlobId)| files.remove(path).map(|content| (*id, content));
    let files = sweep.files.iter().filter_map(named).collect();
    let plan = packed::pack_json(&sweep).map_err(unreadable)?;
    Ok((
        sweep,
        Submission {
            source,
            path,
            files,
            plan,
        },
    ))
}

/// A part of a list.
#[derive(Clone, Copy, Debug)]
struct Page {
    start: usize,
    size: usize,
}

impl Page {
    fn new(size: u32, page: &str) -> Result<Self, Status> {
        let start = match page {
            "" => 0,
            page => page
                .parse()
                .map_err(|_| Status::invalid_argument("`page` is not one that was given out"))?,
        };
        let size = if size == 0 {
            100
        } else {
            size.min(1000) as usize
        };
        Ok(Self { start, size })
    }

    fn cut<T>(self, all: &[T]) -> (&[T], String) {
        let start = self.start.min(all.len());
        let end = (start + self.size).min(all.len());
        let next = if end < all.len() {
            end.to_string()
        } else {
            String::new()
        };
        (&all[start..end], next)
    }
}
