//! One worker's session: its words become inputs of the core, in their order.

use std::sync::Arc;

use prost::Message as _;
use tailsweep_common::label;
use tailsweep_common::measurement::Measurement;
use tailsweep_common::run::{PotentialForm, Run};
use tailsweep_common::state::Reason;
use tailsweep_proto::{WireError, convert, wire};
use tailsweep_scheduler::{Input, Offer, WorkerId};
use tonic::{Status, Streaming};
use tracing::warn;
use wire::worker_message::Message;

use crate::driver::{Command, Driver, Gone, Word};
use crate::room::Place;
use crate::store::packed;

/// No content of the database is larger, bytes: SQLite takes 10⁹.
const MAX_CHECKPOINT: u64 = 900_000_000;
/// What a checkpoint may take beside what its run says of itself, bytes.
const FIXED_CHECKPOINT: u64 = 64 << 20;
/// Of a path of a stochastic differential equation: it has 21, and a few of them keep places.
const BYTES_OF_PATH: u64 = 64;
/// Of a length of visits, and how many had it.
const BYTES_OF_LENGTH: u64 = 16;
/// News of more runs than this in one heartbeat are not kept.
const MAX_NEWS: usize = 1024;
/// Of a failure's message so much is kept, bytes: how it begins, and most of it from its end, where
/// the last words of stderr are.
const MAX_MESSAGE: usize = 4096;
/// See [`MAX_MESSAGE`].
const BEGINNING: usize = 1024;
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
    place: Place,
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
        if let Message::Checkpoint(part) = &message
            && checkpoint.of.is_none()
        {
            checkpoint.limit = match limit_of(driver, worker, part).await {
                Ok(limit) => limit,
                Err(gone) => {
                    tracing::debug!(%worker, %gone, "session ends");
                    return;
                }
            };
        }
        let word = match word_of(worker, message, &mut checkpoint) {
            Ok(Some(word)) => word,
            Ok(None) => continue,
            Err(problem) => {
                warn!(%worker, %problem, "worker does not make sense; its session is closed");
                return;
            }
        };
        let room = place.take(word.size()).await;
        let worker = Arc::clone(worker);
        if driver
            .send(Command::Tell {
                worker,
                number,
                word,
                room,
            })
            .await
            .is_err()
        {
            return;
        }
    }
}

/// The most that a checkpoint of this attempt can need, bytes; nothing if the worker does not have
/// the attempt.
async fn limit_of(
    driver: &Driver,
    worker: &WorkerId,
    part: &wire::CheckpointPart,
) -> Result<u64, Gone> {
    let key = part.attempt.clone().and_then(|key| key.try_into().ok());
    let Some((run, attempt)): Option<convert::AttemptKey> = key else {
        return Ok(0);
    };
    let worker = Arc::clone(worker);
    driver
        .ask(move |view| {
            let known = view.scheduler.workers().find(|known| *known.id == worker);
            let held = known.is_some_and(|known| {
                let mut held = known.held.iter();
                held.any(|held| (held.run, held.attempt) == (run, attempt))
            });
            let no = view.scheduler.run_no(run).filter(|_| held);
            let run = no.and_then(|no| view.scheduler.run(no));
            run.map_or(0, |run| largest_checkpoint(&run))
        })
        .await
}

/// Weights and velocities and twice as much again; of a stochastic differential equation, its paths
/// and, for each well, how many visits took how many steps.
fn largest_checkpoint(run: &Run) -> u64 {
    let own = match run.point.levy_sde() {
        Some(point) => {
            let wells = match &point.potential {
                PotentialForm::Wells { minima, .. } => minima.len() as u64,
                PotentialForm::Quadratic { .. } | PotentialForm::DoubleWell { .. } => 2,
            };
            let lengths = point.steps.saturating_mul(wells);
            u64::from(point.paths)
                .saturating_mul(BYTES_OF_PATH)
                .saturating_add(lengths.saturating_mul(BYTES_OF_LENGTH))
        }
        None => run.point.params().saturating_mul(16),
    };
    MAX_CHECKPOINT.min(FIXED_CHECKPOINT.saturating_add(own))
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
            shorten(&mut message);
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

/// Takes the middle out of a message that is too long.
fn shorten(message: &mut String) {
    const LEFT_OUT: &str = " […] ";
    if message.len() > MAX_MESSAGE {
        let first = message.floor_char_boundary(BEGINNING);
        let rest = MAX_MESSAGE - BEGINNING - LEFT_OUT.len();
        let last = message.ceil_char_boundary(message.len() - rest);
        message.replace_range(first..last, LEFT_OUT);
    }
}

fn record_of(worker: &WorkerId, record: wire::Record) -> Result<Input, WireError> {
    let wire::Record {
        attempt,
        measurement,
    } = record;
    let (run, attempt) = convert::attempt_of(attempt, "Record")?;
    let measurement =
        measurement.ok_or_else(|| WireError::new("Record", "measurement", "is missing"))?;
    let (step, payload) = content_of(measurement)?;
    Ok(Input::Record {
        worker: Arc::clone(worker),
        run,
        attempt,
        step,
        payload,
    })
}

/// The step of a measurement, and what of it is stored.
pub(super) fn content_of(measurement: wire::Measurement) -> Result<(u64, Arc<[u8]>), WireError> {
    let step = bounded_step(measurement.step, "Measurement")?;
    // Fields that nobody knows did not survive the decoding, so what is stored is what is checked.
    let encoded = measurement.encode_to_vec();
    let measurement = Measurement::try_from(measurement)?;
    if !measurement
        .splits
        .iter()
        .all(|split| split.noise.is_complete())
    {
        let problem = "does not cover all minibatches";
        return Err(WireError::new("SplitMeasurement", "noise", problem));
    }
    Ok((step, packed::pack(encoded).into()))
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
    /// Bytes that it may have; 0: the worker does not have the attempt, and it is passed over.
    limit: u64,
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
        if self.limit > 0 && (self.content.len() + content.len()) as u64 > self.limit {
            let problem = format!("makes the checkpoint larger than {} bytes", self.limit);
            return Err(WireError::new("CheckpointPart", "content", problem));
        }
        if self.limit > 0 {
            self.content.extend_from_slice(&content);
        }
        if !last {
            return Ok(None);
        }
        self.of = None;
        let content = std::mem::take(&mut self.content);
        Ok((self.limit > 0).then_some((key, step, content)))
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
    use proptest::prelude::*;
    use tailsweep_common::id::RunId;

    #[test]
    fn a_long_message_keeps_its_end() {
        let mut message = "ä".repeat(3000) + "the last line of stderr";
        shorten(&mut message);
        assert!(message.starts_with('ä') && message.ends_with("äthe last line of stderr"));
        assert!(
            (4090..=MAX_MESSAGE).contains(&message.len()),
            "{}",
            message.len()
        );
        let mut short = "short".to_owned();
        shorten(&mut short);
        assert_eq!(short, "short");
    }

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
        let mut checkpoint = partial(3);
        assert_eq!(checkpoint.add(part(7, b"ab", false)), Ok(None));
        let whole = ((RunId::of(b"run"), 1), 7, b"abc".to_vec());
        assert_eq!(checkpoint.add(part(7, b"c", true)), Ok(Some(whole)));
        let next = ((RunId::of(b"run"), 1), 8, b"d".to_vec());
        assert_eq!(checkpoint.add(part(8, b"d", true)), Ok(Some(next)));
    }

    fn partial(limit: u64) -> PartialCheckpoint {
        PartialCheckpoint {
            limit,
            ..PartialCheckpoint::default()
        }
    }

    #[test]
    fn a_checkpoint_is_no_larger_than_its_run() {
        let mut checkpoint = partial(3);
        assert_eq!(checkpoint.add(part(7, b"ab", false)), Ok(None));
        let problem = checkpoint.add(part(7, b"cd", true)).unwrap_err();
        assert!(problem.to_string().contains("3 bytes"), "{problem}");

        let mut unasked = partial(0);
        assert_eq!(unasked.add(part(7, &[0; 1000], false)), Ok(None));
        assert_eq!(unasked.content.capacity(), 0, "it is kept");
        assert_eq!(unasked.add(part(7, b"end", true)), Ok(None));
    }

    #[test]
    fn parts_of_two_checkpoints_are_not_mixed() {
        let mut checkpoint = partial(100);
        assert_eq!(checkpoint.add(part(7, b"ab", false)), Ok(None));
        let problem = checkpoint.add(part(8, b"c", true)).unwrap_err();
        assert_eq!(
            (problem.message, problem.field),
            ("CheckpointPart", "attempt")
        );
    }

    /// What a worker may send, mostly with keys that make sense.
    fn message() -> impl Strategy<Value = Vec<u8>> {
        let key = (prop::collection::vec(any::<u8>(), 0..20), any::<u32>());
        let key = key.prop_map(|(run_id, attempt)| wire::AttemptKey {
            run_id: run_id.into(),
            attempt,
        });
        let good = (any::<[u8; 16]>(), 1..4_u32).prop_map(|(run, attempt)| wire::AttemptKey {
            run_id: run.to_vec().into(),
            attempt,
        });
        let attempt = prop_oneof![key, good];
        let text = "\\PC{0,12}";
        let word = prop_oneof![
            attempt.clone().prop_map(Message::Started),
            attempt.clone().prop_map(Message::HandBack),
            (
                attempt.clone(),
                any::<u64>(),
                prop::collection::vec(any::<u8>(), 0..64),
                any::<bool>()
            )
                .prop_map(|(attempt, step, content, last)| {
                    Message::Checkpoint(wire::CheckpointPart {
                        attempt: Some(attempt),
                        step,
                        content: content.into(),
                        last,
                    })
                }),
            (attempt.clone(), text, "\\PC{0,5000}").prop_map(|(attempt, reason, message)| {
                let attempt = Some(attempt);
                Message::Failed(wire::Failed {
                    attempt,
                    reason,
                    message,
                })
            }),
            (
                text,
                any::<u32>(),
                any::<u32>(),
                prop::collection::vec(attempt, 0..3)
            )
                .prop_map(|(worker, protocol, slots, holds)| {
                    Message::Hello(wire::Hello {
                        protocol,
                        worker,
                        slots,
                        holds,
                        ..wire::Hello::default()
                    })
                }),
        ];
        word.prop_map(|word| {
            wire::WorkerMessage {
                message: Some(word),
            }
            .encode_to_vec()
        })
    }

    fn cases() -> u32 {
        std::env::var("TAILSWEEP_FUZZ_CASES").map_or(500, |text| text.parse().unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: cases(),
            failure_persistence: None,
            ..Default::default()
        })]

        #[test]
        fn no_words_panic(
            words in prop::collection::vec(message(), 1..8),
            flips in prop::collection::vec((any::<usize>(), any::<usize>(), 0..8_u8), 0..6),
        ) {
            let mut words = words;
            for (word, at, bit) in flips {
                let count = words.len();
                let word = &mut words[word % count];
                if !word.is_empty() {
                    let length = word.len();
                    word[at % length] ^= 1 << bit;
                }
            }
            let worker = WorkerId::from("worker");
            let mut checkpoint = partial(100);
            for word in words {
                let Ok(decoded) = wire::WorkerMessage::decode(&word[..]) else {
                    continue;
                };
                match decoded.message {
                    Some(Message::Hello(hello)) => drop(join_of(hello)),
                    Some(message) => drop(word_of(&worker, message, &mut checkpoint)),
                    None => {}
                }
            }
        }
    }
}
