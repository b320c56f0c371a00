//! What the task that owns the scheduler does.
//!
//! It takes the commands that came together, lets the core decide, commits the core's events in
//! one transaction, and only then sends what the core wants said and answers who asked.
//!
//! Architecture Invariant: the core never runs ahead of the disk. If a commit fails, everything
//! that was decided since the last one is forgotten: the sessions are closed, the core is rebuilt
//! from the store, and the workers come back with what they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tailsweep_common::id::{BlobId, RunId, SweepId};
use tailsweep_proto::wire::coordinator_message;
use tailsweep_proto::{convert, wire};
use tailsweep_scheduler::event::SweepEvent;
use tailsweep_scheduler::{Action, Config, Event, Input, Refusal, Scheduler, Tick, WorkerId};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, error, info, warn};

use super::{Command, Driver, Manner, NoWorker, Question, Session, Submit, View, Word};
use crate::judge::Judge;
use crate::room::Taken;
use crate::stats::Stats;
use crate::store::{self, Committed, StateFolder, StoreError, Submission, Write, Writer};

/// Commands that may wait; a sender waits when there are more.
const INBOX: usize = 4096;

/// Time between looks whether the disk takes something again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What is wrong when the store does not answer.
const THREAD_ENDED: &str = "the writing thread ended";

/// The state behind [`Driver`].
pub(crate) struct Engine {
    folder: StateFolder,
    config: Config,
    started: Instant,
    inbox: mpsc::Receiver<Command>,
    /// Absent where the state is only read, and after the disk did not do as it should.
    writer: Option<Writer>,
    scheduler: Scheduler,
    sessions: BTreeMap<WorkerId, Session>,
    progress: BTreeMap<WorkerId, Vec<wire::RunProgress>>,
    /// Texts of sweeps whose events are not drained yet.
    submissions: BTreeMap<SweepId, Submission>,
    /// Answers that leave after the next commit.
    replies: Vec<(oneshot::Sender<Result<bool, Refusal>>, bool)>,
    questions: Vec<Question>,
    /// Who waits for the store to give room back.
    compactions: Vec<oneshot::Sender<Result<(), String>>>,
    /// Finished runs whose records are to be read for `[stop]`.
    judge: Judge,
    stats: Arc<Stats>,
    trouble: Option<Trouble>,
    /// Of the words that are not on disk yet.
    rooms: Vec<Taken>,
}

/// What was decided could not be written. Nothing is taken until it can be again; questions are
/// answered from what is on disk.
#[derive(Debug)]
struct Trouble {
    /// The core holds what is on disk, and nothing else.
    is_rebuilt: bool,
    /// When to look whether it is over.
    look_at: Instant,
}

impl Engine {
    /// Rebuilds the core from the store.
    pub(crate) fn open(folder: StateFolder, config: Config) -> Result<(Driver, Self), StoreError> {
        let started = Instant::now();
        let writer = folder.prepare()?;
        let scheduler = recover(&folder, &config, tick(started))?;
        let (sender, inbox) = mpsc::channel(INBOX);
        let stats = Arc::new(Stats::default());
        let engine = Self {
            folder,
            config,
            started,
            inbox,
            writer,
            scheduler,
            sessions: BTreeMap::new(),
            progress: BTreeMap::new(),
            submissions: BTreeMap::new(),
            replies: Vec::new(),
            questions: Vec::new(),
            compactions: Vec::new(),
            judge: Judge::default(),
            stats: Arc::clone(&stats),
            // Whether the disk takes something is still to be seen.
            trouble: Some(Trouble {
                is_rebuilt: true,
                look_at: started,
            }),
            rooms: Vec::new(),
        };
        let driver = Driver {
            inbox: sender,
            stats,
        };
        Ok((driver, engine))
    }

    /// Serves until the last [`Driver`] is dropped or `shutdown` completes.
    pub(crate) async fn run(mut self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        let mut commands = Vec::with_capacity(INBOX);
        self.look_again().await;
        loop {
            let timeout = match &self.trouble {
                Some(trouble) => Some(trouble.look_at.saturating_duration_since(Instant::now())),
                None if !self.compactions.is_empty() => Some(Duration::ZERO),
                None => {
                    let due = self.scheduler.poll_timeout();
                    due.map(|due| due.since(self.now()))
                }
            };
            let bell = tokio::time::sleep(timeout.unwrap_or(Duration::from_secs(3600)));
            tokio::select! {
                taken = self.inbox.recv_many(&mut commands, INBOX) => {
                    if taken == 0 {
                        return;
                    }
                }
                () = bell => {}
                judged = self.judge.next() => {
                    for input in judged {
                        self.handle(input);
                    }
                }
                () = &mut shutdown => return self.say_goodbye(),
            }
            if self.trouble.is_some() {
                self.look_again().await;
            }
            if self.trouble.is_some() {
                commands.drain(..).for_each(|command| self.decline(command));
                continue;
            }
            for command in commands.drain(..) {
                self.take(command);
            }
            self.scheduler.handle_timeout(self.now());
            if let Err(problem) = self.settle().await {
                error!(%problem, "can't write the state; forgetting what was not written");
                self.forget(&problem);
                self.look_again().await;
                self.answer();
            }
            self.rooms.clear();
        }
    }

    fn now(&self) -> Tick {
        tick(self.started)
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Open {
                worker,
                join,
                session,
                admitted,
            } => {
                let known = self.sessions.get(&worker);
                let is_twin = known.is_some_and(|known| known.instance != session.instance);
                // Who asked may have gone.
                let _ = admitted.send(!is_twin);
                if is_twin {
                    warn!(%worker, "a second worker of this name was turned away");
                    return;
                }
                info!(%worker, "worker joined");
                self.sessions.insert(Arc::clone(&worker), session);
                self.handle(join);
            }
            Command::Close { worker, number } => {
                if self.is_current(&worker, number) {
                    info!(%worker, "worker disconnected");
                    self.disconnect(&worker);
                }
            }
            Command::Tell {
                worker,
                number,
                word,
                room,
            } => {
                self.rooms.push(room);
                if !self.is_current(&worker, number) {
                    debug!(%worker, "a word from a session that was replaced");
                    return;
                }
                match word {
                    Word::Input(input) => self.handle(input),
                    Word::Heartbeat(news) => {
                        self.progress.insert(Arc::clone(&worker), news);
                        self.handle(Input::Heartbeat(worker));
                    }
                }
            }
            Command::Submit(submit) => self.submit(*submit),
            Command::Control(wish, reply) => {
                let is_news = match &wish {
                    Input::Import(imported) => !self.has_result(imported.run),
                    _ => true,
                };
                match self.scheduler.handle(self.now(), wish) {
                    Ok(()) => self.replies.push((reply, is_news)),
                    Err(refusal) => {
                        // Who asked may have gone.
                        let _ = reply.send(Err(refusal));
                    }
                }
            }
            Command::Dismiss(name, reply) => {
                let dismissed = self.dismiss(&name);
                // As above.
                let _ = reply.send(dismissed);
            }
            Command::Compact(reply) => self.compactions.push(reply),
            Command::Ask(question) => self.questions.push(question),
        }
    }

    fn has_result(&self, run: RunId) -> bool {
        let no = self.scheduler.run_no(run);
        no.is_some_and(|no| self.scheduler.has_result(no))
    }

    /// Tells the worker whose name begins so to leave; it gets nothing more meanwhile.
    fn dismiss(&mut self, name: &str) -> Result<WorkerId, NoWorker> {
        let worker = match self.sessions.get_key_value(name) {
            Some((whole, _)) => Arc::clone(whole),
            None => {
                let mut fitting = self.sessions.keys().filter(|known| known.starts_with(name));
                match (fitting.next(), fitting.next()) {
                    (Some(one), None) if !name.is_empty() => Arc::clone(one),
                    (Some(_), Some(_)) => return Err(NoWorker::Ambiguous(name.to_owned())),
                    _ => return Err(NoWorker::NoMatch(name.to_owned())),
                }
            }
        };
        info!(%worker, "worker is asked to leave");
        self.handle(Input::Drain(Arc::clone(&worker)));
        let leave = coordinator_message::Message::Leave(wire::Leave {});
        self.tell(&worker, leave);
        Ok(worker)
    }

    fn is_current(&self, worker: &WorkerId, number: u64) -> bool {
        self.sessions
            .get(worker)
            .is_some_and(|session| session.number == number)
    }

    fn handle(&mut self, input: Input) {
        match self.scheduler.handle(self.now(), input) {
            Ok(()) => {}
            Err(Refusal::UnknownWorker(worker)) => {
                // Its session outlived a rebuild of the core: it must say hello again.
                self.sessions.remove(&worker);
            }
            Err(refusal) => debug!(%refusal, "a worker's word was not taken"),
        }
    }

    fn disconnect(&mut self, worker: &WorkerId) {
        self.sessions.remove(worker);
        self.progress.remove(worker);
        self.handle(Input::Disconnect(Arc::clone(worker)));
    }

    fn submit(&mut self, submit: Submit) {
        let Submit {
            sweep: plan,
            prepared,
            said,
            submission,
            manner,
            reply,
        } = submit;
        let (id, name, runs) = (plan.id, plan.name.clone(), plan.len());
        let created = self.scheduler.sweep(id).is_none();
        if created {
            self.submissions.insert(id, submission);
        }
        let input = match manner {
            Manner::Extending(sweep) => Input::Extend { sweep, by: plan },
            Manner::Alone | Manner::Beside | Manner::Paused => Input::Submit(plan),
        };
        self.scheduler.prepare(prepared);
        let mut taken = self.scheduler.handle(self.now(), input);
        if taken.is_ok() && manner == Manner::Alone {
            taken = self.serve_alone(id);
        }
        if taken.is_ok() && manner == Manner::Paused && created {
            taken = self.scheduler.handle(self.now(), Input::Pause(id));
        }
        if let Some((tags, notes)) = said.filter(|_| taken.is_ok()) {
            let sweep = id;
            let annotate = Input::Annotate { sweep, tags, notes };
            taken = self.scheduler.handle(self.now(), annotate);
        }
        match taken {
            Ok(()) => {
                info!(sweep = %id, name, runs, created, "sweep submitted");
                self.replies.push((reply, created));
            }
            Err(refusal) => {
                self.submissions.remove(&id);
                // Who submitted may have gone.
                let _ = reply.send(Err(refusal));
            }
        }
    }

    /// Lets a sweep go on that was stopped for another one, and stops the others. What failed for
    /// good stays so.
    fn serve_alone(&mut self, id: SweepId) -> Result<(), Refusal> {
        let now = self.now();
        let has_failed = self.scheduler.sweep(id).is_some_and(|sweep| {
            let most = sweep.sweep.limits.max_failures;
            most.is_some_and(|most| sweep.counts.failed >= most)
        });
        if !has_failed {
            self.scheduler.handle(now, Input::Resume(id))?;
        }
        let others: Vec<SweepId> = self
            .scheduler
            .sweeps()
            .map(|sweep| sweep.id)
            .filter(|other| *other != id)
            .collect();
        others
            .into_iter()
            .try_for_each(|other| self.scheduler.handle(now, Input::Cancel(other)))
    }

    /// Makes the core's decisions durable, then lets what follows from them leave.
    async fn settle(&mut self) -> Result<(), String> {
        loop {
            let mut writes = Vec::new();
            while let Some(event) = self.scheduler.poll_event() {
                writes.push(self.write_of(event));
            }
            let committed = if writes.is_empty() {
                Committed::default()
            } else {
                let (count, start) = (writes.len(), Instant::now());
                let writer = self.writer.as_ref();
                let writer =
                    writer.expect("nothing is decided before the disk has taken something");
                let committed = writer.commit(writes).await;
                let committed = committed
                    .map_err(|_| THREAD_ENDED.to_owned())?
                    .map_err(|problem| store::describe(&problem))?;
                self.stats.committed(count, start.elapsed());
                committed
            };
            while let Some(action) = self.scheduler.poll_action() {
                match action {
                    Action::Judge(run, attempt) => self.judge.ask(run, attempt),
                    action => self.say(action),
                }
            }
            self.judge.go_on(&self.folder.reader());
            for (reply, created) in self.replies.drain(..) {
                // Who submitted may have gone.
                let _ = reply.send(Ok(created));
            }
            if committed.differing.is_empty() {
                break;
            }
            for run in committed.differing {
                self.handle(Input::Differs(run));
            }
        }
        self.answer();
        self.compact().await;
        Ok(())
    }

    /// Answers what was asked so far. What was asked while nothing is known for certain is not
    /// answered: who asked hears why by [`Driver::gone`].
    fn answer(&mut self) {
        let questions = mem::take(&mut self.questions);
        if self
            .trouble
            .as_ref()
            .is_some_and(|trouble| !trouble.is_rebuilt)
        {
            return;
        }
        let view = View {
            scheduler: &self.scheduler,
            progress: &self.progress,
            trouble: self.stats.trouble(),
        };
        questions.into_iter().for_each(|question| question(&view));
    }

    /// Lets the store give a slice of room back, for all who wait for it; the next one comes when
    /// those who came meanwhile have been heard. That it can't is no trouble: everything is as it was.
    async fn compact(&mut self) {
        let Some(writer) = self
            .writer
            .as_ref()
            .filter(|_| !self.compactions.is_empty())
        else {
            return;
        };
        let done = match writer.compact().await {
            Ok(Ok(false)) => return,
            Ok(Ok(true)) => Ok(()),
            Ok(Err(problem)) => Err(store::describe(&problem)),
            Err(_) => Err(THREAD_ENDED.to_owned()),
        };
        for reply in self.compactions.drain(..) {
            // Who asked may have gone.
            let _ = reply.send(done.clone());
        }
    }

    fn write_of(&mut self, event: Event) -> Write {
        match event {
            Event::Submitted(sweep) => {
                let submission = self
                    .submissions
                    .remove(&sweep.id)
                    .expect("a sweep is accepted only by the command that brings its text");
                Write::Sweep(sweep, submission)
            }
            Event::Sweep(id, SweepEvent::Restored) => {
                let submission = self
                    .submissions
                    .remove(&id)
                    .expect("a sweep comes back only by the command that brings its text");
                Write::Restored(id, submission)
            }
            Event::Sweep(
                id,
                SweepEvent::Removed {
                    forgotten,
                    attempts,
                },
            ) => Write::Removed {
                sweep: id,
                forgotten,
                attempts,
                orphans: self.orphans(id),
            },
            event => Write::Event(event),
        }
    }

    /// The files that travelled with a removed sweep and that no other one names.
    fn orphans(&self, sweep: SweepId) -> Vec<BlobId> {
        let named = |sweep: SweepId| {
            let plan = self.scheduler.plan(sweep);
            plan.into_iter()
                .flat_map(|plan| plan.files.iter().map(|(_, id)| *id))
        };
        let mut orphans: Vec<BlobId> = named(sweep).collect();
        let others = self.scheduler.names().map(|(id, ..)| id);
        let kept: BTreeSet<BlobId> = others.flat_map(named).collect();
        orphans.retain(|id| !kept.contains(id));
        orphans
    }

    fn say(&mut self, action: Action) {
        let (worker, message) = message_of(action);
        self.send(&worker, message);
    }

    fn tell(&mut self, worker: &WorkerId, message: coordinator_message::Message) {
        let message = Some(message);
        self.send(worker, wire::CoordinatorMessage { message });
    }

    fn send(&mut self, worker: &WorkerId, message: wire::CoordinatorMessage) {
        let Some(session) = self.sessions.get(worker) else {
            // It comes back with what it holds.
            return;
        };
        if session.outbox.try_send(message).is_err() {
            warn!(%worker, "worker does not keep up; its session is closed");
            self.disconnect(worker);
        }
    }

    /// A commit failed: whatever followed from it is forgotten, and whoever waits for it is told.
    fn forget(&mut self, problem: &str) {
        self.stats.set_trouble(Some(problem));
        self.trouble = Some(Trouble {
            is_rebuilt: false,
            look_at: Instant::now(),
        });
        self.sessions.clear();
        self.progress.clear();
        self.submissions.clear();
        self.replies.clear();
        self.compactions.clear();
        self.judge = Judge::default();
    }

    /// In trouble only questions are answered: who is not, hears why by [`Driver::gone`].
    fn decline(&mut self, command: Command) {
        if let Command::Ask(question) = command {
            self.questions.push(question);
            self.answer();
        }
    }

    /// Reads the state back, and goes on if the disk takes something again.
    async fn look_again(&mut self) {
        let Some(trouble) = &mut self.trouble else {
            return;
        };
        if Instant::now() < trouble.look_at {
            return;
        }
        trouble.look_at = Instant::now() + LOOK_AGAIN;
        if !trouble.is_rebuilt {
            match recover(&self.folder, &self.config, tick(self.started)) {
                Ok(scheduler) => {
                    self.scheduler = scheduler;
                    trouble.is_rebuilt = true;
                }
                Err(problem) => {
                    error!(%problem, "can't read the state back; trying again");
                    return self.stats.set_trouble(Some(&problem.to_string()));
                }
            }
        }
        match self.probe().await {
            Ok(()) => {
                if self.stats.trouble().is_some() {
                    info!("the state can be written again");
                }
                self.stats.set_trouble(None);
                self.trouble = None;
            }
            Err(problem) => {
                if self.stats.trouble().is_none() {
                    warn!(%problem, "the state can't be written");
                }
                self.stats.set_trouble(Some(&problem));
            }
        }
    }

    /// Whether the disk takes something.
    async fn probe(&mut self) -> Result<(), String> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => self
                .folder
                .writer()
                .map_err(|problem| problem.to_string())?,
        };
        let probed = writer.commit(vec![Write::Probe]).await;
        let probed = probed.map_err(|_| THREAD_ENDED.to_owned())?;
        // Where there is no more than no room, its connection is as good as a new one; and while it
        // is open, so is the index of the log, for which a new one would need room.
        if probed.as_ref().err().is_none_or(store::is_full) {
            self.writer = Some(writer);
        }
        probed
            .map(|_| ())
            .map_err(|problem| store::describe(&problem))
    }

    fn say_goodbye(self) {
        let goodbye = wire::coordinator_message::Message::Goodbye(wire::Goodbye {});
        for session in self.sessions.into_values() {
            let message = wire::CoordinatorMessage {
                message: Some(goodbye.clone()),
            };
            // A worker that does not keep up finds out by the end of the stream.
            let _ = session.outbox.try_send(message);
        }
        mem::drop(self.writer);
    }
}

fn recover(folder: &StateFolder, config: &Config, now: Tick) -> Result<Scheduler, StoreError> {
    let mut scheduler = Scheduler::new(config.clone());
    folder.replay(|event| scheduler.replay(event))?;
    scheduler.recovered(now);
    Ok(scheduler)
}

fn tick(started: Instant) -> Tick {
    Tick(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX))
}

fn message_of(action: Action) -> (WorkerId, wire::CoordinatorMessage) {
    use wire::coordinator_message::Message;

    let key = wire::AttemptKey::new;
    let (worker, message) = match action {
        Action::Lease {
            worker,
            id,
            run,
            attempt,
            resume,
            time_limit,
        } => {
            let lease = convert::Lease {
                key: (id, attempt),
                run,
                resume,
                time_limit,
            };
            (worker, Message::Lease((&lease).into()))
        }
        Action::RecordStored(worker, run, attempt, step) => {
            let stored = wire::Stored {
                attempt: Some(key(run, attempt)),
                step,
            };
            (worker, Message::RecordStored(stored))
        }
        Action::CheckpointStored(worker, run, attempt, step) => {
            let stored = wire::Stored {
                attempt: Some(key(run, attempt)),
                step,
            };
            (worker, Message::CheckpointStored(stored))
        }
        Action::Settled(worker, run, attempt) => (worker, Message::Settled(key(run, attempt))),
        Action::Stale(worker, run, attempt) => (worker, Message::Stale(key(run, attempt))),
        Action::Judge(..) => unreachable!("it is for the driver"),
        Action::Recall(worker, run, attempt) => (worker, Message::Recall(key(run, attempt))),
    };
    (
        worker,
        wire::CoordinatorMessage {
            message: Some(message),
        },
    )
}
