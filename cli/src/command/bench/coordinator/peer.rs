//! A worker that computes nothing.

use tailsweep_proto::wire::coordinator_message::Message as Answer;
use tailsweep_proto::wire::worker_message::Message as Word;
use tailsweep_proto::wire::worker_service_client::WorkerServiceClient;
use tailsweep_proto::{Connection, MAX_MESSAGE, PROTOCOL, wire};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::failure::Failure;

/// Words on their way out.
const OUTGOING: usize = 4096;

/// An open session.
pub(super) struct Peer {
    words: mpsc::Sender<wire::WorkerMessage>,
    answers: Streaming<wire::CoordinatorMessage>,
}

/// What a peer says of itself.
#[derive(Clone, Debug)]
pub(super) struct Hello {
    pub(super) name: String,
    pub(super) slots: u32,
    /// Attempts that it holds already.
    pub(super) holds: Vec<wire::AttemptKey>,
}

impl Peer {
    /// Opens a session and says hello.
    pub(super) async fn join(connection: Connection, hello: Hello) -> Result<Self, Failure> {
        let Hello { name, slots, holds } = hello;
        let (words, said) = mpsc::channel(OUTGOING);
        let hello = wire::Hello {
            protocol: PROTOCOL,
            worker: name,
            slots,
            kind: "none".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: "bench".to_owned(),
            holds,
            instance: 1,
            memory: None,
            labels: Vec::new(),
        };
        let mut client = WorkerServiceClient::new(connection)
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE);
        let opening = client.session(ReceiverStream::new(said));
        let greeting = words.send(word(Word::Hello(hello)));
        let (opened, _) = tokio::join!(opening, greeting);
        Ok(Self {
            words,
            answers: opened.map_err(lost)?.into_inner(),
        })
    }

    pub(super) async fn say(&self, message: Word) -> Result<(), Failure> {
        let said = self.words.send(word(message)).await;
        said.map_err(|_| Failure::error("the coordinator ended a session"))
    }

    /// The next answer.
    pub(super) async fn hear(&mut self) -> Result<Answer, Failure> {
        let answer = self.answers.message().await.map_err(lost)?;
        answer
            .and_then(|answer| answer.message)
            .ok_or_else(|| Failure::error("the coordinator ended a session"))
    }

    /// The next lease.
    pub(super) async fn hear_lease(&mut self) -> Result<wire::AttemptKey, Failure> {
        loop {
            if let Answer::Lease(lease) = self.hear().await? {
                return key(lease.attempt);
            }
        }
    }

    /// Finishes each lease at once, until `settled`, which is asked at each that the coordinator
    /// has settled, says that it was the last one.
    pub(super) async fn work(&mut self, settled: impl Fn() -> bool) -> Result<(), Failure> {
        loop {
            match self.hear().await? {
                Answer::Lease(lease) => {
                    let attempt = key(lease.attempt)?;
                    self.say(Word::Started(attempt.clone())).await?;
                    self.say(Word::Finished(finished(attempt))).await?;
                }
                Answer::Settled(_) if settled() => return Ok(()),
                Answer::Stale(_) => return Err(Failure::error("a lease was taken back")),
                _ => {}
            }
        }
    }
}

/// The end of a run that was computed.
pub(super) fn finished(attempt: wire::AttemptKey) -> wire::Finished {
    let done = wire::Done {
        steps: 10,
        accuracy_reached: false,
    };
    wire::Finished {
        attempt: Some(attempt),
        ending: Some(wire::finished::Ending::Done(done)),
    }
}

fn key(attempt: Option<wire::AttemptKey>) -> Result<wire::AttemptKey, Failure> {
    attempt.ok_or_else(|| Failure::error("a lease without its attempt"))
}

fn word(message: Word) -> wire::WorkerMessage {
    wire::WorkerMessage {
        message: Some(message),
    }
}

fn lost(status: tonic::Status) -> Failure {
    Failure::error(format!("a session broke: {}", status.message()))
}
