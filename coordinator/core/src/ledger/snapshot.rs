//! The durable state as a value that can be compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use tailsweep_common::id::{RunId, SweepId};
use tailsweep_common::state::Reason;
use tailsweep_stats::late::Seed;

use super::{Entry, Ledger, Names};
use crate::event::RunNo;

/// All that the events say: equal for two cores exactly if a replay cannot tell them apart.
///
/// It copies everything; it is for tests, and for finding out where a rebuilt core differs.
#[derive(Debug, PartialEq)]
pub struct Snapshot {
    runs: Vec<Run>,
    sweeps: Vec<Sweep>,
    held: Vec<RunNo>,
    messages: BTreeMap<RunNo, Box<str>>,
    judged: BTreeMap<RunNo, Option<Seed>>,
}

/// A run; the names of workers and kinds instead of their numbers, which a worker that came and
/// went without a lease may shift.
#[derive(Debug, PartialEq)]
struct Run {
    id: RunId,
    first: (u32, u32),
    sweeps: Vec<(u32, bool)>,
    attempt: u32,
    worker: Option<[Arc<str>; 2]>,
    settled: (super::Settled, Option<Arc<str>>),
    failures: u32,
    losses: u32,
    made_by: Option<Arc<str>>,
    checkpoint: Option<u64>,
    steps: u64,
    stage: super::Stage,
    nondeterministic: bool,
}

#[derive(Debug, PartialEq)]
struct Sweep {
    id: SweepId,
    runs: Vec<RunNo>,
    counts: [u32; 6],
    held: u32,
    priority: i32,
    paused: bool,
    stopped: Option<Reason>,
    finishing: Vec<RunNo>,
    enough: BTreeMap<u32, u32>,
    spare: [u32; 6],
    replaced_by: Option<SweepId>,
    removed: bool,
    tags: Vec<String>,
    notes: String,
}

impl Run {
    fn of(ledger: &Ledger, no: RunNo, entry: &Entry) -> Self {
        let name = |names: &Names, number: u32| Arc::clone(names.name(number));
        Self {
            id: entry.id,
            first: (entry.sweep, entry.index),
            sweeps: ledger
                .links_of(no)
                .map(|link| (link.sweep.0, link.taken_over))
                .collect(),
            attempt: entry.attempt,
            worker: (entry.attempt > 0).then(|| {
                [
                    name(&ledger.workers, entry.worker.0),
                    name(&ledger.kinds, entry.kind),
                ]
            }),
            settled: (
                entry.settled,
                (entry.settled_attempt() > 0).then(|| name(&ledger.workers, entry.settled_by.0)),
            ),
            failures: entry.failures,
            losses: entry.losses,
            made_by: entry.made_by.map(|kind| name(&ledger.kinds, kind)),
            checkpoint: entry.checkpoint,
            steps: entry.steps,
            stage: entry.stage,
            nondeterministic: entry.nondeterministic,
        }
    }
}

impl Ledger {
    /// The durable state, copied.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            runs: self
                .numbered()
                .map(|(no, entry)| Run::of(self, no, entry))
                .collect(),
            sweeps: self
                .sweeps
                .iter()
                .map(|sweep| Sweep {
                    id: sweep.sweep.id,
                    runs: sweep.runs.clone(),
                    counts: sweep.counts,
                    held: sweep.held,
                    priority: sweep.priority,
                    paused: sweep.paused,
                    stopped: sweep.stopped,
                    finishing: sweep.finishing.iter().copied().collect(),
                    enough: sweep.enough.clone(),
                    spare: sweep.spare,
                    replaced_by: sweep.replaced_by,
                    removed: sweep.removed,
                    tags: sweep.tags.clone(),
                    notes: sweep.notes.clone(),
                })
                .collect(),
            held: self.held.iter().copied().collect(),
            messages: self.messages.clone(),
            judged: self.judged.clone(),
        }
    }
}
