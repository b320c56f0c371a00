//! What a worker holds, and what of it the coordinator has not acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tailsweep_common::id::RunId;
use tailsweep_proto::convert::{AttemptKey, Lease};
use tailsweep_proto::{PART, wire};
use wire::worker_message::Message;

use crate::attempt::{Control, News};

/// One lease, from its arrival until the coordinator has settled it.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) lease: Lease,
    pub(crate) stage: Stage,
    /// Not acknowledged, by step.
    records: BTreeMap<u64, wire::Record>,
    /// Not acknowledged; a newer one replaces it.
    checkpoint: Option<(u64, Vec<u8>)>,
}

/// How far a lease is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// It waits for a slot.
    Queued,
    /// A thread computes it.
    Computing(Arc<Control>),
    /// It was computed, or given back; the message says how.
    Over(Message),
}

impl Held {
    /// A lease that just arrived.
    pub(crate) fn new(lease: Lease) -> Self {
        Self {
            lease,
            stage: Stage::Queued,
            records: BTreeMap::new(),
            checkpoint: None,
        }
    }

    /// Keeps news until they are acknowledged, and returns what to say now.
    pub(crate) fn news(&mut self, news: News) -> Vec<Message> {
        let attempt = Some(wire_key(self.lease.key));
        let over = match news {
            News::Record(measurement) => {
                let record = wire::Record {
                    attempt,
                    measurement: Some((&*measurement).into()),
                };
                self.records.insert(measurement.step, record.clone());
                return vec![Message::Record(record)];
            }
            News::Checkpoint { step, content } => {
                self.checkpoint = Some((step, content));
                return self.checkpoint_parts();
            }
            News::Finished(ending) => {
                Message::Finished(wire::Finished::new(self.lease.key, ending))
            }
            News::Failed(reason, message) => {
                let reason = reason.as_str().to_owned();
                Message::Failed(wire::Failed {
                    attempt,
                    reason,
                    message,
                })
            }
            News::HandedBack | News::Abandoned => Message::HandBack(wire_key(self.lease.key)),
        };
        self.stage = Stage::Over(over.clone());
        vec![over]
    }

    /// Everything that is not acknowledged, in the order in which it was said first.
    pub(crate) fn say_again(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        if !matches!(self.stage, Stage::Queued) {
            messages.push(Message::Started(wire_key(self.lease.key)));
        }
        messages.extend(self.records.values().cloned().map(Message::Record));
        messages.extend(self.checkpoint_parts());
        if let Stage::Over(message) = &self.stage {
            messages.push(message.clone());
        }
        messages
    }

    /// The coordinator has the record of a step.
    pub(crate) fn record_stored(&mut self, step: u64) {
        if self.records.remove(&step).is_some()
            && let Stage::Computing(control) = &self.stage
        {
            control.unacknowledged.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The coordinator has the checkpoint of a step.
    pub(crate) fn checkpoint_stored(&mut self, step: u64) {
        self.checkpoint.take_if(|(kept, _)| *kept <= step);
    }

    /// News of the computation, for the progress display.
    pub(crate) fn progress(&self) -> Option<wire::RunProgress> {
        let Stage::Computing(control) = &self.stage else {
            return None;
        };
        let latest = control.latest();
        Some(wire::RunProgress {
            attempt: Some(wire_key(self.lease.key)),
            step: control.step.load(Ordering::Relaxed),
            steps: self.lease.run.point.steps(),
            loss: latest.loss,
            alpha: latest.alpha,
        })
    }

    fn checkpoint_parts(&self) -> Vec<Message> {
        let Some((step, content)) = &self.checkpoint else {
            return Vec::new();
        };
        let count = content.len().div_ceil(PART).max(1);
        let part = |index: usize| {
            let end = content.len().min((index + 1) * PART);
            Message::Checkpoint(wire::CheckpointPart {
                attempt: Some(wire_key(self.lease.key)),
                step: *step,
                content: content[index * PART..end].to_vec().into(),
                last: index + 1 == count,
            })
        };
        (0..count).map(part).collect()
    }
}

/// The wire form of a key.
pub(crate) fn wire_key((run, attempt): (RunId, u32)) -> wire::AttemptKey {
    wire::AttemptKey::new(run, attempt)
}

/// The order in which a worker lists what it holds: what is in computation first.
pub(crate) fn listed(held: &BTreeMap<AttemptKey, Held>) -> Vec<wire::AttemptKey> {
    let begun = |held: &Held| !matches!(held.stage, Stage::Queued);
    let (first, then): (Vec<_>, Vec<_>) = held.iter().partition(|(_, held)| begun(held));
    first
        .into_iter()
        .chain(then)
        .map(|(key, _)| wire_key(*key))
        .collect()
}
