//! The state machine: what is decided when something happens outside.
//!
//! # Time
//!
//! A worker has one deadline for all that it holds: each of its words moves it to one lease from
//! now, the break of its session to one grace from now if that is earlier. The core asks to be
//! called twice in a lease while a deadline is pending; if it was not called for a whole one, the
//! process (or the machine) was asleep, and every lease gets one fresh term before anything
//! expires.
//!
//! # An expired lease is still current
//!
//! When the deadline passes, the worker's runs stand in the queue again, but nothing durable
//! happens: the attempt stays the current one until the run is leased to somebody else, and any
//! word of its worker revives it. Only then the old attempt is written off (as lost if it had
//! started, as handed back if not). Earlier only where nobody is to take over: too many losses, or
//! no sweep that wants the run.
//!
//! # Absent
//!
//! Time limits of attempts (workers keep them), encoding of measurements and checkpoints (opaque
//! bytes here), deduplication of records (the store), sockets, disks, clocks.

mod enough;
mod import;
mod leasing;
mod rest;
mod sweeps;
mod words;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tailsweep_common::id::RunId;

use crate::event::{Event, RunEvent, RunNo, SweepEvent};
use crate::input::{Action, Attempt, Input, Refusal, WorkerId};
use crate::ledger::{Ledger, Settled, Snapshot, Stage, SweepNo};
use crate::prepared::Prepared;
use crate::queue::Queue;
use crate::sessions::{Sessions, WorkerNo};
use crate::tick::Tick;
use crate::timers::Timers;

/// The longest back-off.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// How patient the core is.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long a lease lasts without a word from its worker.
    pub lease: Duration,
    /// How long it lasts after its worker's session broke, if that is shorter.
    pub grace: Duration,
    /// How long the leases that a restart finds last at least: their workers may come back.
    pub recovery: Duration,
    /// Pause after a run's first own failure; it doubles with each, up to a minute.
    pub backoff: Duration,
    /// Failures in a row after which a worker rests, if another one does better.
    pub worker_failures: u32,
    /// How long.
    pub rest: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            grace: Duration::from_secs(5),
            recovery: Duration::from_secs(15),
            backoff: Duration::from_secs(1),
            worker_failures: 5,
            rest: Duration::from_secs(300),
        }
    }
}

/// The scheduling core. See the [crate's documentation](crate) for how to drive it.
#[derive(Debug)]
pub struct Scheduler {
    config: Config,
    // Durable: changed by events only.
    ledger: Ledger,
    // Transient: follows from the ledger and from what workers said since the start.
    sessions: Sessions,
    deadlines: Timers<WorkerNo>,
    resting: Timers<WorkerNo>,
    cooling: Timers<RunNo>,
    queue: Queue,
    /// Runs that were given ahead and are asked back, until there is an answer.
    recalled: BTreeSet<RunNo>,
    /// Finished runs whose records the shell reads for `[stop]`, each with the attempt.
    judging: BTreeMap<RunNo, Attempt>,
    /// A run has come into the queue since leases were given.
    queue_grew: bool,
    last_call: Tick,
    replaying: bool,
    /// See [`Self::break_the_fence`].
    unfenced: bool,
    // What the shell has yet to take.
    events: VecDeque<Event>,
    actions: VecDeque<Action>,
}

/// The doors and the bell.
impl Scheduler {
    /// A core that knows nothing yet.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            ledger: Ledger::default(),
            sessions: Sessions::default(),
            deadlines: Timers::default(),
            resting: Timers::default(),
            cooling: Timers::default(),
            queue: Queue::default(),
            recalled: BTreeSet::new(),
            judging: BTreeMap::new(),
            queue_grew: false,
            last_call: Tick::ZERO,
            replaying: false,
            unfenced: false,
            events: VecDeque::new(),
            actions: VecDeque::new(),
        }
    }

    /// From now on any word about a run counts as one of its current attempt. For the simulation
    /// alone, which must find such a core out.
    #[doc(hidden)]
    pub fn break_the_fence(&mut self) {
        self.unfenced = true;
    }

    /// Applies a stored event. Only while rebuilding: end with [`Self::recovered`].
    ///
    /// Payloads are not looked at and may be left empty.
    pub fn replay(&mut self, event: Event) {
        self.ledger.apply(&event);
        self.replaying = true;
    }

    /// After the last replayed event: every lease gets one fresh term, back-offs begin again.
    pub fn recovered(&mut self, now: Tick) {
        self.replaying = false;
        self.last_call = now;
        self.grow();
        let held: Vec<_> = self.ledger.held().iter().copied().collect();
        for sweep in (0..self.ledger.sweeps().len() as u32).map(SweepNo) {
            self.rank(sweep);
        }
        for no in held {
            let worker = self.ledger.entry(no).worker;
            let kind = self.ledger.entry(no).kind;
            let needs = self.ledger.needs(no);
            self.sessions.update(worker, |session| {
                session.kind = kind;
                session.take(no, needs, self.ledger.points());
            });
            self.deadlines.set(worker, now + self.config.recovery);
        }
        for no in (0..self.ledger.len() as u32).map(RunNo) {
            self.ask_what_it_says(no);
            let entry = self.ledger.entry(no);
            if entry.stage == Stage::Waiting
                && entry.settled == Settled::Failed
                && entry.failures > 0
            {
                self.cooling
                    .set(no, now + backoff(self.config.backoff, entry.failures));
            }
            self.place(no);
        }
    }

    /// Takes in what was worked out of a sweep whose [`Input::Submit`] or [`Input::Extend`] comes
    /// next. Without it the core works it out then, which takes about a microsecond for each run.
    pub fn prepare(&mut self, prepared: Prepared) {
        self.ledger.prepared.put(prepared);
    }

    /// Something happened outside. Then drain [`Self::poll_event`] and [`Self::poll_action`].
    pub fn handle(&mut self, now: Tick, input: Input) -> Result<(), Refusal> {
        self.wake(now);
        let taken = self.take(input);
        self.ledger.prepared.clear();
        taken?;
        self.lease_all();
        Ok(())
    }

    fn take(&mut self, input: Input) -> Result<(), Refusal> {
        match input {
            Input::Submit(sweep) => self.submit(sweep)?,
            Input::Extend { sweep, by } => self.extend(sweep, by)?,
            Input::Retry { sweep, failed_only } => self.retry(sweep, failed_only)?,
            Input::Cancel(sweep) => self.cancel(sweep)?,
            Input::Pause(sweep) => self.pause(sweep)?,
            Input::Resume(sweep) => self.resume(sweep)?,
            Input::Prioritise { sweep, priority } => self.prioritise(sweep, priority)?,
            Input::Remove(sweep) => self.remove(sweep)?,
            Input::Annotate { sweep, tags, notes } => self.annotate(sweep, tags, notes)?,
            Input::Import(imported) => self.import(*imported)?,
            Input::Join {
                worker,
                offer,
                holds,
            } => self.join(worker, offer, holds),
            Input::Disconnect(worker) => self.disconnect(&worker),
            Input::Heartbeat(worker) => drop(self.hear(&worker)?),
            Input::Drain(worker) => self.drain(&worker)?,
            Input::Started(worker, run, attempt) => self.started(worker, run, attempt)?,
            Input::Record {
                worker,
                run,
                attempt,
                step,
                payload,
            } => {
                self.record(worker, run, attempt, step, payload)?;
            }
            Input::Checkpoint {
                worker,
                run,
                attempt,
                step,
                payload,
            } => {
                self.checkpoint(worker, run, attempt, step, payload)?;
            }
            Input::Finished(worker, run, attempt, ending) => {
                self.finished(worker, run, attempt, ending)?;
            }
            Input::Failed {
                worker,
                run,
                attempt,
                reason,
                message,
            } => {
                self.failed(worker, run, attempt, reason, message)?;
            }
            Input::HandBack(worker, run, attempt) => self.hand_back(worker, run, attempt)?,
            Input::Judged { run, attempt, late } => self.judged(run, attempt, late),
            Input::Unjudged { run, attempt } => self.stop_waiting_for(run, attempt),
            Input::Differs(run) => self.differs(run),
        }
        Ok(())
    }

    /// The time that [`Self::poll_timeout`] named has come (earlier calls do no harm).
    pub fn handle_timeout(&mut self, now: Tick) {
        self.wake(now);
        while let Some(worker) = self.deadlines.pop_due(now) {
            self.expire(worker);
        }
        while let Some(no) = self.cooling.pop_due(now) {
            self.place(no);
        }
        while let Some(worker) = self.resting.pop_due(now) {
            self.end_rest(worker);
        }
        self.lease_all();
    }

    /// When to call [`Self::handle_timeout`] at the latest.
    pub fn poll_timeout(&self) -> Option<Tick> {
        let deadline = self.deadlines.first();
        let pulse = deadline.map(|_| self.last_call + self.config.lease / 2);
        [deadline, pulse, self.cooling.first(), self.resting.first()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next fact to be made durable.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next thing to be said, once all events so far are durable.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// All that the events say, as a value that can be compared.
    pub fn snapshot(&self) -> Snapshot {
        self.ledger.snapshot()
    }
}

/// Facts and what follows from them.
impl Scheduler {
    /// Time passes. Nothing expires here.
    fn wake(&mut self, now: Tick) {
        if self.replaying {
            self.recovered(now);
        }
        if now.since(self.last_call) > self.config.lease {
            self.deadlines.not_before(now + self.config.lease);
        }
        self.last_call = now.max(self.last_call);
    }

    fn now(&self) -> Tick {
        self.last_call
    }

    /// Makes a fact of it: applies it, and lets all that is derived follow.
    fn emit(&mut self, event: Event) {
        match &event {
            Event::Run(no, change) => {
                let no = *no;
                let before = self.ledger.holder(no);
                self.ledger.apply(&event);
                let after = self.ledger.holder(no);
                if before != after {
                    self.held_changed(no, before, after);
                }
                if self.ledger.entry(no).stage != Stage::Leased {
                    self.recalled.remove(&no);
                }
                if matches!(change, RunEvent::Finished { .. }) {
                    self.ask_what_it_says(no);
                }
                if let RunEvent::Failed { last: false, .. } = change {
                    let pause = backoff(self.config.backoff, self.ledger.entry(no).failures);
                    self.cooling.set(no, self.now() + pause);
                }
                self.place(no);
            }
            Event::Sweep(_, SweepEvent::Annotated { .. }) => self.ledger.apply(&event),
            Event::Sweep(id, _) => {
                self.ledger.apply(&event);
                if let Some(sweep) = self.ledger.sweep_no(*id) {
                    self.rank(sweep);
                    // What is in its line may belong elsewhere now, and the other way round.
                    self.place_all(self.queue.line(sweep));
                    self.place_all(self.ledger.sweep(sweep).runs.clone());
                }
            }
            Event::Submitted(sweep) => {
                self.ledger.apply(&event);
                self.grow();
                if let Some(sweep) = self.ledger.sweep_no(sweep.id) {
                    self.rank(sweep);
                    self.place_all(self.ledger.sweep(sweep).runs.clone());
                }
            }
            Event::Recorded { .. } | Event::Checkpointed { .. } => self.ledger.apply(&event),
        }
        self.events.push_back(event);
    }

    /// Another worker has the run, or none.
    fn held_changed(&mut self, no: RunNo, before: Option<WorkerNo>, after: Option<WorkerNo>) {
        let (needs, points) = (self.ledger.needs(no), self.ledger.points());
        if let Some(worker) = before {
            self.sessions
                .update(worker, |session| session.give(no, needs, points));
            let session = self.sessions.get(worker);
            if !session.connected && session.held.is_empty() {
                self.deadlines.remove(worker);
            }
        }
        if let Some(worker) = after {
            self.sessions
                .update(worker, |session| session.take(no, needs, points));
        }
        let sweeps: Vec<SweepNo> = self.ledger.sweeps_of(no).collect();
        for sweep in sweeps {
            self.rank(sweep);
        }
    }

    fn emit_run(&mut self, no: RunNo, change: RunEvent) {
        self.emit(Event::Run(no, change));
    }

    fn say(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    /// Makes room for what the ledger knows.
    fn grow(&mut self) {
        self.sessions.grow(self.ledger.workers.len());
        let (runs, sweeps) = (self.ledger.len(), self.ledger.sweeps().len());
        self.queue.grow(runs, sweeps);
    }

    /// Tells the queue where a sweep stands among the sweeps.
    fn rank(&mut self, sweep: SweepNo) {
        let entry = self.ledger.sweep(sweep);
        self.queue.rank(sweep, entry.priority, entry.held);
    }

    /// Puts a run where it belongs in the queue, or takes it out.
    fn place(&mut self, no: RunNo) {
        let home = self.home(no);
        self.queue_grew |= home.is_some();
        self.queue.place(no, self.ledger.needs(no), home);
    }

    fn place_all(&mut self, runs: Vec<RunNo>) {
        for no in runs {
            self.place(no);
        }
    }

    /// The sweep in whose line a run belongs, the first of those that want it, if it may be leased;
    /// and how many places behind the first ones that its point needs in any case it stands.
    fn home(&self, no: RunNo) -> Option<(SweepNo, u32)> {
        let may_be_leased = match self.ledger.holder(no) {
            Some(worker) => self.sessions.get(worker).silent,
            None => self.ledger.entry(no).stage == Stage::Waiting && self.cooling.get(no).is_none(),
        };
        let entry = |sweep: SweepNo| self.ledger.sweep(sweep);
        let wanted = self.ledger.places_wanting(no).filter(|_| may_be_leased);
        let wanted = wanted.filter(|(sweep, _)| !entry(*sweep).paused);
        let first =
            wanted.min_by_key(|(sweep, _)| (std::cmp::Reverse(entry(*sweep).priority), *sweep));
        first.map(|(sweep, place)| {
            let may_stop = entry(sweep).sweep.stop.is_some();
            let behind = if may_stop {
                (place + 1).saturating_sub(enough::FEWEST)
            } else {
                0
            };
            (sweep, behind)
        })
    }

    fn worker(&self, no: WorkerNo) -> WorkerId {
        self.ledger.workers.name(no.0).clone()
    }

    fn id(&self, no: RunNo) -> RunId {
        self.ledger.entry(no).id
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(crate) fn queue_len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn backoff_of(&self, no: RunNo) -> Option<Duration> {
        self.cooling.get(no).map(|until| until.since(self.now()))
    }

    /// Panics, with a reason, if what is derived does not follow from what is durable.
    ///
    /// It looks at everything: for tests.
    pub fn check_invariants(&self) {
        self.ledger.check_invariants();
        self.sessions
            .check_invariants(|no| self.ledger.needs(no), self.ledger.points());
        self.queue.check_invariants();
        for (index, entry) in self.ledger.sweeps().iter().enumerate() {
            let share = self.queue.share(SweepNo(index as u32));
            assert_eq!(share, (entry.priority, entry.held), "rank of a sweep");
        }
        assert!(
            self.recalled
                .iter()
                .all(|no| self.ledger.entry(*no).stage == Stage::Leased),
            "recalled runs"
        );
        for (no, entry) in self.ledger.numbered() {
            assert_eq!(
                self.queue.home(no),
                self.home(no),
                "place of {no:?} in the queue"
            );
            let cools = self.cooling.get(no).is_some();
            assert!(
                !cools || entry.stage == Stage::Waiting,
                "back-off of {no:?}"
            );
        }
        for (worker, session) in self.sessions.iter() {
            let held = self.ledger.held().iter().copied();
            let held = held.filter(|no| self.ledger.entry(*no).worker == worker);
            assert!(
                held.eq(session.held.iter().copied()),
                "what {worker:?} holds"
            );
            assert_eq!(
                session.resting,
                self.resting.get(worker).is_some(),
                "rest of {worker:?}"
            );
            let waits = self.deadlines.get(worker).is_some();
            let may_be_lost = session.connected || !session.held.is_empty();
            assert_eq!(
                waits,
                may_be_lost && !session.silent,
                "deadline of {worker:?}"
            );
        }
    }
}

/// The pause after a run's `failures`-th failure.
fn backoff(first: Duration, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    first.saturating_mul(1 << doublings).min(LONGEST_BACKOFF)
}
