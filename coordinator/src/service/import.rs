//! The results of a sweep of another coordinator, part by part.
//!
//! The sweep file is read anew, and it must mean the same sweep: ids are digests of all that
//! determines a result, the arithmetic of the program included. So a result can only be taken for
//! the run that it is of. A run that has a result keeps it: importing twice changes nothing.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::mem;
use std::sync::Arc;

use prost::Message as _;
use tailsweep_common::id::{RunId, SweepId};
use tailsweep_common::sweep;
use tailsweep_proto::wire::export_part::Part;
use tailsweep_proto::{WireError, convert, export, wire};
use tailsweep_scheduler::{Imported, Prepared, Refusal};
use tokio::sync::{Semaphore, oneshot};
use tonic::{Status, Streaming};

use super::session::content_of;
use super::sweep::{MAX_FILES, MAX_SOURCE, Room, Sweeps, checked};
use super::{control, unreadable};
use crate::driver::Manner;

/// Results on their way to the disk.
const UNDER_WAY: usize = 32;
/// Records of one run, bytes.
const MAX_RUN: usize = 1 << 30;

/// Whether a result was new.
type Answer = oneshot::Receiver<Result<bool, Refusal>>;

/// Takes all of an export in.
pub(super) async fn import(
    sweeps: &Sweeps,
    parts: Streaming<wire::ExportPart>,
) -> Result<wire::ImportReply, Status> {
    let mut incoming = Incoming {
        parts,
        seal: export::Seal::default(),
        ahead: None,
    };
    let Part::Header(header) = incoming.next().await? else {
        return Err(wrong("it does not begin with its header"));
    };
    let (sweep_id, name) = (header.sweep_id.clone(), header.path.clone());
    let files = receive_files(&mut incoming, &header, sweeps.uploads()).await?;
    let (files, _room) = files;
    let wire::ExportHeader {
        source,
        path,
        tags,
        notes,
        ..
    } = header;
    let (sweep, prepared, submission) = checked(sweeps.expansions(), source, path, files).await?;
    if sweep.id.to_string() != sweep_id {
        return Err(wrong(format!(
            "this version makes another sweep of `{name}`: it computes otherwise than the one that \
             wrote the export, and its results must not be mixed"
        )));
    }
    let wanted = Wanted::new(&prepared, &sweep);
    let (id, runs) = (sweep.id, sweep.len() as u64);
    let said = (!tags.is_empty() || !notes.is_empty()).then_some((tags, notes));
    let known = sweeps.is_known(id).await?;
    let said = said.filter(|_| !known);
    let taken = sweeps
        .driver()
        .submit(
            (Arc::new(sweep), prepared, submission),
            said,
            Manner::Paused,
        )
        .await?;
    let created = taken.map_err(control::refused)?;
    let mut reply = wire::ImportReply {
        sweep_id: id.to_string(),
        created,
        runs,
        taken: 0,
        known: 0,
    };
    take_results(sweeps, &mut incoming, &wanted, &mut reply).await?;
    Ok(reply)
}

/// The number of updates of each run of the sweep.
struct Wanted(HashMap<RunId, u64>);

impl Wanted {
    fn new(prepared: &Prepared, sweep: &sweep::Sweep) -> Self {
        let steps = sweep.runs().map(|run| run.point.steps());
        Self(prepared.ids().iter().copied().zip(steps).collect())
    }
}

async fn take_results(
    sweeps: &Sweeps,
    incoming: &mut Incoming,
    wanted: &Wanted,
    reply: &mut wire::ImportReply,
) -> Result<(), Status> {
    // Each takes its room until it is on disk.
    let mut under_way: VecDeque<(Answer, Room<'_>)> = VecDeque::new();
    loop {
        let full = under_way.len() == UNDER_WAY;
        let next = match full {
            true => None,
            false => Some(incoming.next().await?),
        };
        match next {
            Some(Part::Run(run)) => {
                let (imported, room) = receive_run(incoming, run, wanted, sweeps.uploads()).await?;
                under_way.push_back((sweeps.driver().import(imported).await?, room));
                continue;
            }
            Some(Part::End(_)) | None => {}
            Some(_) => return Err(wrong("a part is where none is expected")),
        }
        while let Some((answer, _room)) = under_way.pop_front() {
            let taken = answer.await.map_err(|_| sweeps.driver().gone())?;
            match taken.map_err(control::refused)? {
                true => reply.taken += 1,
                false => reply.known += 1,
            }
        }
        if !full {
            return Ok(());
        }
    }
}

async fn receive_files<'a>(
    incoming: &mut Incoming,
    header: &wire::ExportHeader,
    uploads: &'a Semaphore,
) -> Result<(BTreeMap<String, Vec<u8>>, Room<'a>), Status> {
    if header.version != export::VERSION {
        return Err(wrong(format!(
            "it has version {} of the format, and this program knows {}",
            header.version,
            export::VERSION
        )));
    }
    if header.source.len() > MAX_SOURCE {
        return Err(wrong("its sweep file is too large"));
    }
    let mut room = uploads.try_acquire_many(0).map_err(unreadable)?;
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut size = 0;
    loop {
        match incoming.next().await? {
            Part::File(wire::FilePart { path, content }) => {
                size += path.len() + content.len();
                if size > MAX_FILES {
                    return Err(wrong("the files of its sweep are too large"));
                }
                take_room(&mut room, uploads, path.len() + content.len())?;
                files.entry(path).or_default().extend_from_slice(&content);
            }
            other => {
                incoming.ahead = Some(other);
                return Ok((files, room));
            }
        }
    }
}

async fn receive_run<'a>(
    incoming: &mut Incoming,
    run: wire::ExportedRun,
    wanted: &Wanted,
    uploads: &'a Semaphore,
) -> Result<(Imported, Room<'a>), Status> {
    let wire::ExportedRun {
        finished,
        kind,
        nondeterministic,
        records: count,
    } = run;
    let finished = finished.ok_or_else(|| WireError::new("ExportedRun", "finished", "is missing"));
    let parsed: Result<(convert::AttemptKey, _), WireError> = finished.and_then(TryInto::try_into);
    let ((id, _), ending) = parsed.map_err(wrong)?;
    let Some(&steps) = wanted.0.get(&id) else {
        return Err(wrong(format!("the sweep has no run `{id}`")));
    };
    if kind.is_empty() || kind.len() > 256 || ending.steps() > steps {
        return Err(wrong(format!("what it says of run `{id}` makes no sense")));
    }
    let mut room = uploads.try_acquire_many(0).map_err(unreadable)?;
    let mut records: Vec<(u64, Arc<[u8]>)> = Vec::new();
    let mut size = 0;
    for _ in 0..count {
        let Part::Record(encoded) = incoming.next().await? else {
            return Err(wrong(format!("records of run `{id}` are missing")));
        };
        size += encoded.len();
        if size > MAX_RUN {
            return Err(wrong(format!("run `{id}` has too many records")));
        }
        take_room(&mut room, uploads, encoded.len())?;
        let measurement = wire::Measurement::decode(&*encoded).map_err(wrong)?;
        let (step, payload) = content_of(measurement).map_err(wrong)?;
        let is_next = records.last().is_none_or(|(last, _)| *last < step);
        if !is_next || step > steps {
            return Err(wrong(format!("records of run `{id}` are not in order")));
        }
        records.push((step, payload));
    }
    let imported = Imported {
        run: id,
        kind: kind.into(),
        ending,
        nondeterministic,
        records,
    };
    Ok((imported, room))
}

fn take_room<'a>(room: &mut Room<'a>, uploads: &'a Semaphore, bytes: usize) -> Result<(), Status> {
    let more = uploads.try_acquire_many(bytes.div_ceil(1024) as u32);
    room.merge(more.map_err(|_| {
        Status::resource_exhausted("too much is uploaded at once; try again in a while")
    })?);
    Ok(())
}

/// Parts as they arrive; the last one is held against all before it.
struct Incoming {
    parts: Streaming<wire::ExportPart>,
    seal: export::Seal,
    /// One that was looked at and is still to be taken.
    ahead: Option<Part>,
}

impl Incoming {
    async fn next(&mut self) -> Result<Part, Status> {
        if let Some(part) = self.ahead.take() {
            return Ok(part);
        }
        let part = self.parts.message().await?.and_then(|part| part.part);
        let part = part.ok_or_else(|| wrong("it ends in the middle"))?;
        if let Part::End(end) = &part {
            if *end.sha256 != mem::take(&mut self.seal).finish() {
                return Err(wrong("its digest does not fit what came"));
            }
        } else {
            self.seal.add(&export::encode(part.clone()));
        }
        Ok(part)
    }
}

fn wrong(problem: impl std::fmt::Display) -> Status {
    Status::invalid_argument(format!("the export can't be taken in: {problem}"))
}

impl Sweeps {
    async fn is_known(&self, id: SweepId) -> Result<bool, Status> {
        let known = self
            .driver()
            .ask(move |view| view.scheduler.sweep(id).is_some());
        Ok(known.await?)
    }
}
