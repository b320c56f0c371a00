//! A report: the core says which runs, the disk what they measured.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use serde::Serialize;
use tailsweep_common::id::{RunId, SweepId};
use tailsweep_common::measurement::Measurement;
use tailsweep_common::state::{Reason, RunState};
use tailsweep_common::sweep::Sweep;
use tailsweep_proto::{WireError, wire};
use tailsweep_report::{Choice, NoSuchBlockLength, ReportBuilder, RunResult, SweepText};
use tailsweep_scheduler::{RunNo, Scheduler};

use crate::attempts::{Attempt, tell};
use crate::driver::{Driver, Gone};
use crate::store::{Dated, Entry, Reader};

/// Time between looks whether all points are decided.
const DECIDING: Duration = Duration::from_millis(20);

/// What the core knows of a sweep at one moment.
pub(crate) struct Outline {
    sweep: Arc<Sweep>,
    tags: Vec<String>,
    notes: String,
    runs: Vec<OutlinedRun>,
}

struct OutlinedRun {
    no: RunNo,
    id: RunId,
    state: RunState,
    reason: Option<Reason>,
    steps: Option<u64>,
    taken_over: bool,
}

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    #[error(transparent)]
    Store(#[from] rusqlite::Error),
    #[error("a stored measurement of run `{run}` can't be read: {problem}")]
    Measurement { run: RunId, problem: String },
    #[error(transparent)]
    BlockLength(#[from] NoSuchBlockLength),
    #[error("can't write the manifest: {0}")]
    Manifest(#[from] serde_json::Error),
}

/// The part of a report that the core knows. Where all runs are over and only the reading of what
/// they say of their points is not, it is waited for: the tables would have seeds that `[stop]`
/// leaves out.
pub(crate) async fn outline(driver: &Driver, id: SweepId) -> Result<Option<Outline>, Gone> {
    loop {
        let outlined = driver.ask(move |view| {
            let sweep = view.scheduler.sweep(id);
            let is_deciding = sweep.is_some_and(|sweep| sweep.is_deciding);
            // In trouble nothing is decided.
            let is_early = is_deciding && view.trouble.is_none();
            (!is_early).then(|| outline_now(view.scheduler, id))
        });
        if let Some(outline) = outlined.await? {
            return Ok(outline);
        }
        tokio::time::sleep(DECIDING).await;
    }
}

fn outline_now(scheduler: &Scheduler, id: SweepId) -> Option<Outline> {
    let view = scheduler.sweep(id)?;
    let sweep = Arc::clone(view.sweep);
    let runs = scheduler.runs_of(id).map(|run| {
        let finished = matches!(run.state, RunState::Done | RunState::Diverged);
        OutlinedRun {
            no: run.no,
            id: run.id,
            state: run.state,
            reason: if run.nondeterministic {
                Some(Reason::Nondeterministic)
            } else {
                run.reason
            },
            steps: finished.then_some(run.steps),
            taken_over: run.taken_over,
        }
    });
    Some(Outline {
        runs: runs.collect(),
        tags: view.tags.to_vec(),
        notes: view.notes.to_owned(),
        sweep,
    })
}

/// The files of the report: path and content.
pub(crate) fn make(
    outline: &Outline,
    choice: Choice,
    reader: &Reader,
) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
    let source = reader.source(outline.sweep.id)?;
    let mut builder = ReportBuilder::new(SweepText {
        sweep: Arc::clone(&outline.sweep),
        source,
    })
    .with_choice(choice);
    let records = reader.records()?;
    let runs = outline.sweep.runs().zip(&outline.runs);
    for (run, outlined) in runs.filter(|(_, outlined)| outlined.state != RunState::NotNeeded) {
        let measurements = records.of(outlined.no)?;
        let measurements = measurements.into_iter().map(|payload| {
            decode(&payload).map_err(|problem| ReportError::Measurement {
                run: outlined.id,
                problem,
            })
        });
        builder.add(RunResult {
            id: outlined.id,
            run,
            state: outlined.state,
            reason: outlined.reason,
            steps: outlined.steps,
            measurements: measurements.collect::<Result<_, _>>()?,
        });
    }
    builder.check_choice()?;
    let files = builder
        .finish()
        .files()
        .into_iter()
        .map(|file| (file.path, file.bytes));
    let manifest = serde_json::to_vec_pretty(&manifest(outline, reader)?)?;
    Ok(files
        .chain([("manifest.json".to_owned(), manifest)])
        .collect())
}

fn decode(payload: &[u8]) -> Result<Measurement, String> {
    let measurement = wire::Measurement::decode(payload).map_err(|error| error.to_string())?;
    Measurement::try_from(measurement).map_err(|error: WireError| error.to_string())
}

/// All that may differ between two equal reports.
#[derive(Serialize)]
struct Manifest {
    version: u32,
    tailsweep: &'static str,
    sweep_id: SweepId,
    tags: Vec<String>,
    notes: String,
    submitted_ms: Option<i64>,
    /// In the order of the sweep.
    runs: Vec<ManifestRun>,
}

#[derive(Serialize)]
struct ManifestRun {
    run_id: RunId,
    /// The result was known from another sweep.
    taken_over: bool,
    attempts: Vec<Attempt>,
}

fn manifest(outline: &Outline, reader: &Reader) -> rusqlite::Result<Manifest> {
    let mut submitted_ms = None;
    let mut attempts: BTreeMap<RunNo, Vec<Attempt>> = outline
        .runs
        .iter()
        .map(|run| (run.no, Vec::new()))
        .collect();
    reader.journal(|Dated { at_ms, entry }| {
        match entry {
            Entry::Submitted(id) if id == outline.sweep.id => submitted_ms = Some(at_ms),
            Entry::Run(run, event) => {
                if let Some(attempts) = attempts.get_mut(&run) {
                    tell(attempts, at_ms, event);
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    let runs = outline.runs.iter().map(|run| ManifestRun {
        run_id: run.id,
        taken_over: run.taken_over,
        attempts: attempts.remove(&run.no).unwrap_or_default(),
    });
    Ok(Manifest {
        version: 1,
        tailsweep: env!("CARGO_PKG_VERSION"),
        sweep_id: outline.sweep.id,
        tags: outline.tags.clone(),
        notes: outline.notes.clone(),
        submitted_ms,
        runs: runs.collect(),
    })
}
