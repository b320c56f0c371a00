//! The one task that owns the scheduler: how services talk to it. What it does is the [`Engine`]'s.

mod engine;

use std::collections::BTreeMap;
use std::sync::Arc;

use tailsweep_common::id::SweepId;
use tailsweep_common::sweep::Sweep;
use tailsweep_proto::wire;
use tailsweep_scheduler::{Imported, Input, Prepared, Refusal, Scheduler, WorkerId};
use tokio::sync::{mpsc, oneshot};

pub(crate) use self::engine::Engine;
use crate::room::Taken;
use crate::stats::Stats;
use crate::store::Submission;

/// Something that a service hands to the driver.
pub(crate) enum Command {
    /// A worker's session began; `join` is an [`Input::Join`]. The answer is whether it may stay:
    /// another process of the same name must not be connected.
    Open {
        worker: WorkerId,
        join: Input,
        session: Session,
        admitted: oneshot::Sender<bool>,
    },
    /// A worker's session ended.
    Close { worker: WorkerId, number: u64 },
    /// A word of a worker, in the session of that number.
    Tell {
        worker: WorkerId,
        number: u64,
        word: Word,
        room: Taken,
    },
    /// A user's sweep.
    Submit(Box<Submit>),
    /// What a user wants of a sweep: an input that is not about a worker. The answer is whether it
    /// brought anything new, as far as that is known.
    Control(Input, oneshot::Sender<Result<bool, Refusal>>),
    /// A worker, by the beginning of its name, is to leave. The answer is its name.
    Dismiss(String, oneshot::Sender<Result<WorkerId, NoWorker>>),
    /// The store is to give room back. The answer is what it says.
    Compact(oneshot::Sender<Result<(), String>>),
    /// A question, answered from the state after the next commit.
    Ask(Question),
}

/// What a worker can say.
pub(crate) enum Word {
    /// Something for the core.
    Input(Input),
    /// A sign of life, with news of the runs in computation.
    Heartbeat(Vec<wire::RunProgress>),
}

impl Word {
    /// Memory that it takes, about, bytes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Input(Input::Record { payload, .. } | Input::Checkpoint { payload, .. }) => {
                payload.len()
            }
            Self::Input(Input::Failed { message, .. }) => message.len(),
            Self::Input(_) => 0,
            Self::Heartbeat(news) => std::mem::size_of_val(&**news),
        }
    }
}

/// What is asked of the committed state.
pub(crate) type Question = Box<dyn FnOnce(&View<'_>) + Send>;

/// Why no worker is asked to leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoWorker {
    #[error("no worker is connected whose name begins with `{0}`; `tailsweep workers` lists them")]
    NoMatch(String),
    #[error("the names of several workers begin with `{0}`: write more of it")]
    Ambiguous(String),
}

/// What becomes of a sweep that is submitted, and of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It is one of several.
    Beside,
    /// The same, but it is paused if it was not known.
    Paused,
    /// They are cancelled.
    Alone,
    /// It stands for this one from now on.
    Extending(SweepId),
}

/// A checked sweep on its way in.
pub(crate) struct Submit {
    pub(crate) sweep: Arc<Sweep>,
    /// What took long to work out of it.
    pub(crate) prepared: Prepared,
    /// Tags and notes, if the user gave some.
    pub(crate) said: Option<(Vec<String>, String)>,
    pub(crate) submission: Submission,
    pub(crate) manner: Manner,
    /// Whether the sweep was not known before; sent once it is durable.
    pub(crate) reply: oneshot::Sender<Result<bool, Refusal>>,
}

/// The way to a connected worker; dropping it ends the session.
#[derive(Debug)]
pub(crate) struct Session {
    /// Tells sessions of one worker apart.
    pub(crate) number: u64,
    /// Tells processes of one name apart.
    pub(crate) instance: u64,
    /// What the worker is told; a worker that does not keep up is disconnected.
    pub(crate) outbox: mpsc::Sender<wire::CoordinatorMessage>,
    /// Its receiver, which listens to the worker, learns of the end by it.
    pub(crate) _open: oneshot::Sender<()>,
}

/// What a question may look at.
pub(crate) struct View<'a> {
    pub(crate) scheduler: &'a Scheduler,
    /// The latest news of each worker's runs.
    pub(crate) progress: &'a BTreeMap<WorkerId, Vec<wire::RunProgress>>,
    /// Why nothing can be kept now.
    pub(crate) trouble: Option<Arc<str>>,
}

/// The driver takes nothing now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Gone {
    /// The coordinator is shutting down, or has just lost its disk.
    #[error("the coordinator is not ready")]
    Away,
    /// It can't keep what it would be told.
    #[error("the coordinator can't keep anything now: {0}; it goes on by itself when that is over")]
    Troubled(Arc<str>),
}

/// The way to the driver.
#[derive(Clone, Debug)]
pub(crate) struct Driver {
    inbox: mpsc::Sender<Command>,
    stats: Arc<Stats>,
}

impl Driver {
    /// What happened so far.
    pub(crate) fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Commands that wait to be taken.
    pub(crate) fn waiting(&self) -> usize {
        self.inbox.max_capacity() - self.inbox.capacity()
    }

    /// Hands in a command, waiting for room.
    pub(crate) async fn send(&self, command: Command) -> Result<(), Gone> {
        self.inbox.send(command).await.map_err(|_| self.gone())
    }

    /// Why an answer did not come.
    pub(crate) fn gone(&self) -> Gone {
        self.stats.trouble().map_or(Gone::Away, Gone::Troubled)
    }

    /// Looks at the state as it is after the next commit.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&View<'_>) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (reply, answer) = oneshot::channel();
        let question = move |view: &View<'_>| {
            // Who asked may have gone.
            let _ = reply.send(question(view));
        };
        self.send(Command::Ask(Box::new(question))).await?;
        answer.await.map_err(|_| self.gone())
    }

    /// Submits a sweep; the answer comes once it is durable: whether it was not known before.
    pub(crate) async fn submit(
        &self,
        (sweep, prepared, submission): (Arc<Sweep>, Prepared, Submission),
        said: Option<(Vec<String>, String)>,
        manner: Manner,
    ) -> Result<Result<bool, Refusal>, Gone> {
        let (reply, answer) = oneshot::channel();
        let submit = Submit {
            sweep,
            prepared,
            said,
            submission,
            manner,
            reply,
        };
        self.send(Command::Submit(Box::new(submit))).await?;
        answer.await.map_err(|_| self.gone())
    }

    /// Does what a user wants of a sweep; the answer comes once it is durable.
    pub(crate) async fn control(&self, wish: Input) -> Result<Result<(), Refusal>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Control(wish, reply)).await?;
        let done = answer.await.map_err(|_| self.gone())?;
        Ok(done.map(|_| ()))
    }

    /// Hands in a result of another coordinator. The answer comes once it is durable: whether the
    /// run had none.
    pub(crate) async fn import(
        &self,
        imported: Imported,
    ) -> Result<oneshot::Receiver<Result<bool, Refusal>>, Gone> {
        let (reply, answer) = oneshot::channel();
        let import = Input::Import(Box::new(imported));
        self.send(Command::Control(import, reply)).await?;
        Ok(answer)
    }

    /// Asks a worker to hand back what it has, and to end.
    pub(crate) async fn dismiss(&self, worker: String) -> Result<Result<WorkerId, NoWorker>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Dismiss(worker, reply)).await?;
        answer.await.map_err(|_| self.gone())
    }

    /// Gives room that nothing needs back to the disk.
    pub(crate) async fn compact(&self) -> Result<Result<(), String>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Compact(reply)).await?;
        answer.await.map_err(|_| self.gone())
    }
}
