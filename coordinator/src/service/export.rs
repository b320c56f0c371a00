//! The results of a sweep, part by part, for another coordinator.

use std::sync::Arc;

use prost::Message as _;
use tailsweep_common::id::{BlobId, SweepId};
use tailsweep_common::state::{Ending, RunState};
use tailsweep_common::sweep::Sweep;
use tailsweep_proto::wire::export_part::Part;
use tailsweep_proto::{PART, export, wire};
use tailsweep_scheduler::{RunNo, RunView, Scheduler};
use tokio::sync::mpsc;
use tonic::Status;

use super::unreadable;
use crate::store::Reader;

/// A sweep and its results at one moment.
pub(super) struct Outline {
    sweep: Arc<Sweep>,
    tags: Vec<String>,
    notes: String,
    runs: Vec<OutlinedRun>,
}

struct OutlinedRun {
    no: RunNo,
    finished: wire::Finished,
    kind: Arc<str>,
    nondeterministic: bool,
}

/// What the core knows.
pub(super) fn outline(scheduler: &Scheduler, id: SweepId) -> Option<Outline> {
    let sweep = scheduler.sweep(id)?;
    let runs = scheduler.runs_of(id).filter_map(|run| {
        Some(OutlinedRun {
            no: run.no,
            finished: wire::Finished::new((run.id, run.attempts), ending(&run)?),
            kind: Arc::clone(run.kind?),
            nondeterministic: run.nondeterministic,
        })
    });
    Some(Outline {
        sweep: Arc::clone(sweep.sweep),
        tags: sweep.tags.to_vec(),
        notes: sweep.notes.to_owned(),
        runs: runs.collect(),
    })
}

/// How a run ended, if it has a result, whether its sweep needs it or not.
fn ending(run: &RunView<'_>) -> Option<Ending> {
    match run.state {
        RunState::Done => Some(Ending::Done {
            steps: run.steps,
            accuracy_reached: run.accuracy_reached,
        }),
        RunState::Diverged => Some(Ending::Diverged { step: run.steps }),
        _ => None,
    }
}

/// Sends the parts as fast as they are taken; ends early when nobody takes them.
pub(super) fn send(
    outline: &Outline,
    reader: &Reader,
    parts: &mpsc::Sender<Result<wire::ExportPart, Status>>,
) {
    let mut sender = Sender {
        parts,
        seal: export::Seal::default(),
    };
    if let Err(Ended::Broken(problem)) = sender.send_all(outline, reader) {
        // Without a receiver nobody needs to know.
        let _ = parts.blocking_send(Err(problem));
    }
}

enum Ended {
    /// Nobody takes the parts any more.
    Alone,
    Broken(Status),
}

impl From<rusqlite::Error> for Ended {
    fn from(problem: rusqlite::Error) -> Self {
        Self::Broken(unreadable(problem))
    }
}

struct Sender<'a> {
    parts: &'a mpsc::Sender<Result<wire::ExportPart, Status>>,
    seal: export::Seal,
}

impl Sender<'_> {
    fn send(&mut self, part: Part) -> Result<(), Ended> {
        let part = wire::ExportPart { part: Some(part) };
        self.seal.add(&part.encode_length_delimited_to_vec());
        self.parts.blocking_send(Ok(part)).map_err(|_| Ended::Alone)
    }

    fn send_all(&mut self, outline: &Outline, reader: &Reader) -> Result<(), Ended> {
        let sweep = &outline.sweep;
        self.send(Part::Header(wire::ExportHeader {
            version: export::VERSION,
            sweep_id: sweep.id.to_string(),
            source: reader.source(sweep.id)?,
            path: reader.path(sweep.id)?,
            tailsweep: env!("CARGO_PKG_VERSION").to_owned(),
            tags: outline.tags.clone(),
            notes: outline.notes.clone(),
        }))?;
        for (path, id) in &sweep.files {
            self.send_file(path, *id, reader)?;
        }
        let records = reader.records()?;
        for run in &outline.runs {
            let measured = records.of(run.no)?;
            self.send(Part::Run(wire::ExportedRun {
                finished: Some(run.finished.clone()),
                kind: run.kind.to_string(),
                nondeterministic: run.nondeterministic,
                records: measured.len() as u64,
            }))?;
            for record in measured {
                self.send(Part::Record(record.into()))?;
            }
        }
        let end = wire::ExportEnd {
            runs: outline.runs.len() as u64,
            sha256: self.seal.clone().finish().to_vec().into(),
        };
        self.send(Part::End(end))
    }

    fn send_file(&mut self, path: &str, id: BlobId, reader: &Reader) -> Result<(), Ended> {
        let Some(content) = reader.file(id)? else {
            let problem = format!("the file `{path}` of the sweep is not there any more");
            return Err(Ended::Broken(Status::not_found(problem)));
        };
        for piece in content
            .chunks(PART)
            .chain(content.is_empty().then_some(&[][..]))
        {
            self.send(Part::File(wire::FilePart {
                path: path.to_owned(),
                content: piece.to_vec().into(),
            }))?;
        }
        Ok(())
    }
}
