//! Keeps a session with the coordinator alive: dials, passes words on, dials again.

use std::time::Duration;

use tailsweep_proto::Connection;
use tailsweep_proto::wire::worker_service_client::WorkerServiceClient;
use tailsweep_proto::wire::{CoordinatorMessage, WorkerMessage};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tracing::{debug, warn};

/// Words on their way to the coordinator.
const OUTGOING: usize = 1024;
/// Time between attempts to reach the coordinator: doubling from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);
/// A coordinator that does not answer a hello within this time is tried again.
const PATIENCE: Duration = Duration::from_secs(10);

/// What happens on the link.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// A session is being opened: say hello into it, and nothing else before the welcome.
    Dialing(mpsc::Sender<WorkerMessage>),
    /// A word of the coordinator.
    Word(Box<CoordinatorMessage>),
    /// The session ended; another one will be opened.
    Down,
    /// The coordinator does not want this worker, and trying again will not help.
    Refused(Status),
}

/// Runs until the receiver of `events` is dropped or the coordinator refuses.
pub(crate) async fn keep(
    mut client: WorkerServiceClient<Connection>,
    events: mpsc::Sender<LinkEvent>,
) {
    let mut pause = FIRST_PAUSE;
    // What the coordinator said last of why it takes nothing.
    let mut told = String::new();
    loop {
        let (outgoing, words) = mpsc::channel(OUTGOING);
        if events.send(LinkEvent::Dialing(outgoing)).await.is_err() {
            return;
        }
        let opening = client.session(ReceiverStream::new(words));
        let opened = tokio::time::timeout(PATIENCE, opening).await;
        let opened = opened.unwrap_or_else(|_| Err(Status::unavailable("no answer")));
        match opened {
            Ok(answers) => {
                let mut answers = answers.into_inner();
                loop {
                    match answers.message().await {
                        Ok(Some(word)) => {
                            pause = FIRST_PAUSE;
                            if events.send(LinkEvent::Word(Box::new(word))).await.is_err() {
                                return;
                            }
                        }
                        Ok(None) => break,
                        Err(problem) => {
                            debug!(%problem, "session broke");
                            break;
                        }
                    }
                }
                warn!("lost the coordinator; going on, and trying to reach it again");
            }
            Err(problem) if is_final(&problem) => {
                // Without a listener nobody needs to know.
                let _ = events.send(LinkEvent::Refused(problem)).await;
                return;
            }
            Err(problem) if problem.code() == Code::AlreadyExists => {
                warn!(
                    "the coordinator does not let this worker in: {}",
                    problem.message()
                );
                pause = LAST_PAUSE;
            }
            Err(problem) if problem.code() == Code::ResourceExhausted => {
                if told != problem.message() {
                    told = problem.message().to_owned();
                    warn!("{told}; going on meanwhile");
                }
            }
            Err(problem) => debug!(%problem, "can't reach the coordinator"),
        }
        if events.send(LinkEvent::Down).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = LAST_PAUSE.min(pause * 2);
    }
}

fn is_final(problem: &Status) -> bool {
    let codes = [
        Code::FailedPrecondition,
        Code::InvalidArgument,
        Code::Unimplemented,
        Code::Unauthenticated,
        Code::PermissionDenied,
    ];
    codes.contains(&problem.code())
}
