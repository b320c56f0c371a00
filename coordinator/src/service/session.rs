//! One worker's session: its words become inputs of the core, in their order.

use std::sync::Arc;

use prost::Message as _;
use tailsweep_common::label;
use tailsweep_common::measurement::Measurement;
use tailsweep_common::state::Reason;
use tailsweep_proto::{WireError, convert, wire};
use tailsweep_scheduler::{Input, Offer, WorkerId};
use tonic::{Status, Streaming};
use tracing::warn;
use wire::worker_message::Message;

use crate::driver::{Command, Driver, Word};
use crate::store::packed;

/// No checkpoint is larger, bytes: a network of 10⁹ parameters with momentum.
const MAX_CHECKPOINT: usize = 8 << 30;
/// News of more runs than this in one heartbeat are not kept.
const MAX_NEWS: usize = 1024;
/// A failure's message is cut there, bytes.
const MAX_MESSAGE: usize = 4096;
/// A worker has no more labels.
const MAX_LABELS: usize = 32;
/// No run takes more steps.
const MAX_STEP: u64 = 1 << 53;

/// Reads the words of a worker until its stream ends or means nothing.
pub(crate) async fn listen(
    driver: &Driver,
    worker: &WorkerId,
    number: u64,
    mut words: Streaming<wire::WorkerMessage>,
) {
    let mut checkpoint = PartialCheckpoint::default();
    loop {
        let message = match words.message().await {
            Ok(Some(wire::WorkerMessage {
                message: Some(message),
            })) => message,
            Ok(Some(wire::WorkerMessage { message: None })) => {
                // A word of a newer protocol.
                continue;
            }
            Ok(None) => return,
            Err(problem) => {
                tracing::debug!(%worker, %problem, "session broke");
                return;
            }
        };
        let word = match word_of(worker, message, &mut checkpoint) {
            Ok(Some(word)) => word,
            Ok(None) => continue,
            Err(problem) => {
                warn!(%worker, %problem, "worker does not make sense; its session is closed");
                return;
            }
        };
        let worker = Arc::clone(worker);
        if driver
            .send(Command::Tell {
                worker,
                number,
                word,
            })
            .await
            .is_err()
        {
            return;
        }
    }
}

fn word_of(
    worker: &WorkerId,
    message: Message,
    checkpoint: &mut PartialCheckpoint,
) -> Result<Option<Word>, WireError> {
    let who = || Arc::clone(worker);
    let input = match message {
        Message::Hello(_) => {
            return Err(WireError::new("WorkerMessage", "hello", "comes only once"));
        }
        Message::Heartbeat(wire::Heartbeat { mut progress }) => {
            progress.truncate(MAX_NEWS);
            return Ok(Some(Word::Heartbeat(progress)));
        }
        Message::Started(key) => {
            let (run, attempt) = key.try_into()?;
            Input::Started(who(), run, attempt)
        }
        Message::Record(record) => record_of(worker, record)?,
        Message::Checkpoint(part) => match checkpoint.add(part)? {
            Some(((run, attempt), step, payload)) => Input::Checkpoint {
                worker: who(),
                run,
                attempt,
                step,
                payload: payload.into(),
            },
            None => return Ok(None),
        },
        Message::Finished(finished) => {
            let ((run, attempt), ending) = finished.try_into()?;
            Input::Finished(who(), run, attempt, ending)
        }
        Message::Failed(wire::Failed {
            attempt,
            reason,
            mut message,
        }) => {
            let (run, attempt) = convert::attempt_of(attempt, "Failed")?;
            let reason = Reason::from_word(&reason)
                .ok_or_else(|| WireError::new("Failed", "reason", "is not a known reason"))?;
            message.truncate(message.floor_char_boundary(MAX_MESSAGE));
            Input::Failed {
                worker: who(),
                run,
                attempt,
                reason,
                message,
            }
        }
        Message::HandBack(key) => {
            let (run, attempt) = key.try_into()?;
            Input::HandBack(who(), run, attempt)
        }
        Message::Draining(wire::Draining {}) => Input::Drain(who()),
    };
    Ok(Some(Word::Input(input)))
}

fn record_of(worker: &WorkerId, record: wire::Record) -> Result<Input, WireError> {
    let wire::Record {
        attempt,
        measurement,
    } = record;
    let (run, attempt) = convert::attempt_of(attempt, "Record")?;
    let measurement =
        measurement.ok_or_else(|| WireError::new("Record", "measurement", "is missing"))?;
    let step = bounded_step(measurement.step, "Measurement")?;
    // Written as this program writes it, whatever unknown fields came along.
    let measurement = Measurement::try_from(measurement)?;
    if !measurement
        .splits
        .iter()
        .all(|split| split.noise.is_complete())
    {
        let problem = "does not cover all minibatches";
        return Err(WireError::new("SplitMeasurement", "noise", problem));
    }
    let payload = packed::pack(wire::Measurement::from(&measurement).encode_to_vec()).into();
    Ok(Input::Record {
        worker: Arc::clone(worker),
        run,
        attempt,
        step,
        payload,
    })
}

fn bounded_step(step: u64, message: &'static str) -> Result<u64, WireError> {
    if step > MAX_STEP {
        return Err(WireError::new(message, "step", "is larger than any run"));
    }
    Ok(step)
}

/// A checkpoint of which parts are still to come.
#[derive(Debug, Default)]
struct PartialCheckpoint {
    of: Option<(convert::AttemptKey, u64)>,
    content: Vec<u8>,
}

impl PartialCheckpoint {
    /// Takes the next part; the whole when it was the last one.
    fn add(
        &mut self,
        part: wire::CheckpointPart,
    ) -> Result<Option<(convert::AttemptKey, u64, Vec<u8>)>, WireError> {
        let wire::CheckpointPart {
            attempt,
            step,
            content,
            last,
        } = part;
        let key = convert::attempt_of(attempt, "CheckpointPart")?;
        let step = bounded_step(step, "CheckpointPart")?;
        if *self.of.get_or_insert((key, step)) != (key, step) {
            let problem = "is of another checkpoint than the part before";
            return Err(WireError::new("CheckpointPart", "attempt", problem));
        }
        if self.content.len() + content.len() > MAX_CHECKPOINT {
            let problem = format!("makes the checkpoint larger than {MAX_CHECKPOINT} bytes");
            return Err(WireError::new("CheckpointPart", "content", problem));
        }
        self.content.extend_from_slice(&content);
        if !last {
            return Ok(None);
        }
        self.of = None;
        Ok(Some((key, step, std::mem::take(&mut self.content))))
    }
}

/// What a worker says of itself.
pub(crate) fn join_of(hello: wire::Hello) -> Result<(WorkerId, Input), Status> {
    let wire::Hello {
        protocol,
        worker,
        slots,
        kind,
        version,
        host: _,
        instance: _,
        holds,
        memory,
        labels,
    } = hello;
    if protocol != tailsweep_proto::PROTOCOL {
        return Err(Status::failed_precondition(format!(
            "the worker (tailsweep {version}) speaks protocol {protocol}, the coordinator \
             (tailsweep {}) speaks {}: use the same version for both",
            env!("CARGO_PKG_VERSION"),
            tailsweep_proto::PROTOCOL,
        )));
    }
    if worker.is_empty() || worker.len() > 200 || kind.len() > 200 {
        return Err(Status::invalid_argument(
            "a worker needs a name of at most 200 bytes",
        ));
    }
    if !(1..=1024).contains(&slots) {
        return Err(Status::invalid_argument("a worker has 1 to 1024 slots"));
    }
    let holds = holds
        .into_iter()
        .map(convert::AttemptKey::try_from)
        .collect::<Result<_, _>>()
        .map_err(|problem| Status::invalid_argument(problem.to_string()))?;
    if let Some(label) = labels.iter().find(|label| !label::is_label(label)) {
        let problem = format!("`{label}` is no label: {}", label::HELP);
        return Err(Status::invalid_argument(problem));
    }
    if labels.len() > MAX_LABELS {
        let problem = format!("a worker has at most {MAX_LABELS} labels");
        return Err(Status::invalid_argument(problem));
    }
    let worker = WorkerId::from(worker);
    let join = Input::Join {
        worker: Arc::clone(&worker),
        offer: Offer {
            slots,
            kind: kind.into(),
            memory,
            labels: labels.into_iter().map(Into::into).collect(),
        },
        holds,
    };
    Ok((worker, join))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailsweep_common::id::RunId;

    fn part(step: u64, content: &[u8], last: bool) -> wire::CheckpointPart {
        wire::CheckpointPart {
            attempt: Some(wire::AttemptKey::new(RunId::of(b"run"), 1)),
            step,
            content: content.to_vec().into(),
            last,
        }
    }

    #[test]
    fn a_checkpoint_is_put_together_from_its_parts() {
        let mut checkpoint = PartialCheckpoint::default();
        assert_eq!(checkpoint.add(part(7, b"ab", false)), Ok(None));
        let whole = ((RunId::of(b"run"), 1), 7, b"abc".to_vec());
        assert_eq!(checkpoint.add(part(7, b"c", true)), Ok(Some(whole)));
        let next = ((RunId::of(b"run"), 1), 8, b"d".to_vec());
        assert_eq!(checkpoint.add(part(8, b"d", true)), Ok(Some(next)));
    }

    #[test]
    fn parts_of_two_checkpoints_are_not_mixed() {
        let mut checkpoint = PartialCheckpoint::default();
        assert_eq!(checkpoint.add(part(7, b"ab", false)), Ok(None));
        let problem = checkpoint.add(part(8, b"c", true)).unwrap_err();
        assert_eq!(
            (problem.message, problem.field),
            ("CheckpointPart", "attempt")
        );
    }
}
