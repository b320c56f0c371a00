//! A coordinator, workers, a network and bad luck, in virtual time.
//!
//! The shell of the coordinator is played here as it must behave: events become durable in
//! groups, after a while; actions leave when all events before them are durable; a kill loses
//! what is not durable together with its actions, none of which has left.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tailsweep_common::id::RunId;
use tailsweep_common::sweep::Sweep;
use tailsweep_scheduler::event::RunEvent;
use tailsweep_scheduler::{
    Action, Attempt, Config, Event, Input, Refusal, RunNo, Scheduler, Tick, WorkerId,
};

use crate::process::Process;
use crate::random::Random;
use crate::store::Store;

pub(crate) const LEASE: u64 = 15_000;
/// Until then bad things happen.
const CALM: u64 = 120_000;
/// Until then all must be over.
const DEADLINE: u64 = 4_000_000;

/// What may happen in this world.
#[derive(Debug)]
struct Climate {
    /// Nothing but restarts of the coordinator, within a lease.
    only_restarts: bool,
    /// Sessions keep the order of words, as streams do; if not, words overtake one another, are
    /// doubled, and arrive after their session broke.
    ordered: bool,
    /// Longest time on the way.
    delay: u64,
    /// Longest time until a group of events is durable.
    disk: u64,
    faults: u64,
}

/// How often bad things happened.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) worker_kills: u64,
    pub(crate) coordinator_kills: u64,
    pub(crate) coordinator_pauses: u64,
    pub(crate) worker_pauses: u64,
    pub(crate) partitions: u64,
    pub(crate) drains: u64,
    pub(crate) events_lost: u64,
    pub(crate) doubled: u64,
    pub(crate) refused: u64,
    pub(crate) stale: u64,
    pub(crate) lost: u64,
    pub(crate) handed_back: u64,
    pub(crate) failed: u64,
    pub(crate) discarded: u64,
    pub(crate) resumed: u64,
    pub(crate) revived: u64,
}

impl Tally {
    fn all(&mut self) -> [&mut u64; 16] {
        [
            &mut self.worker_kills,
            &mut self.coordinator_kills,
            &mut self.coordinator_pauses,
            &mut self.worker_pauses,
            &mut self.partitions,
            &mut self.drains,
            &mut self.events_lost,
            &mut self.doubled,
            &mut self.refused,
            &mut self.stale,
            &mut self.lost,
            &mut self.handed_back,
            &mut self.failed,
            &mut self.discarded,
            &mut self.resumed,
            &mut self.revived,
        ]
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let mut other = Self { ..*other };
        for (sum, more) in self.all().into_iter().zip(other.all()) {
            *sum += *more;
        }
    }

    /// A fault that never fires tests nothing.
    pub(crate) fn assert_all_happened(mut self) {
        assert!(
            self.all().iter().all(|count| **count >= 10),
            "too rarely: {self:#?}"
        );
    }
}

enum Word {
    /// From a worker.
    Up(Input),
    /// To a worker; a lease travels with its checkpoint.
    Down(Action, Option<(u64, Arc<[u8]>)>),
    /// The coordinator's side notices that the session is broken.
    Broke,
}

enum Happening {
    Word(usize, Word),
    WorkerNotices(usize),
    Connect(usize, u64),
    Beat(usize, u64),
    Compute(usize, u64, RunId, Attempt),
    Durable(u64),
    Alarm(u64),
    Submit(usize),
    Retry(usize),
    StartCoordinator,
    StartWorker(usize),
    Fault,
}

struct Session {
    worker: usize,
    name: WorkerId,
    life: u64,
    open: bool,
    up: u64,
    down: u64,
}

struct Coordinator {
    scheduler: Scheduler,
    born: u64,
    sessions: HashMap<WorkerId, usize>,
    batch: VecDeque<Step>,
    writing: Vec<Step>,
    alarm: Option<u64>,
    /// Who has the latest attempt at a run.
    latest: HashMap<RunNo, (WorkerId, Attempt)>,
}

impl Coordinator {
    /// What changes a run's state or data is the word of its latest attempt, or of the core itself.
    fn check_fence(&mut self, event: &Event, word: Option<&Input>) {
        let (no, is_of_worker) = match event {
            Event::Run(
                no,
                RunEvent::Leased {
                    worker, attempt, ..
                },
            ) => {
                let before = self.latest.insert(*no, (worker.clone(), *attempt));
                let before = before.map_or(0, |(_, attempt)| attempt);
                assert_eq!(
                    before + 1,
                    *attempt,
                    "attempts at {no:?} follow one another"
                );
                return;
            }
            Event::Run(no, RunEvent::Finished { .. } | RunEvent::Failed { .. }) => (no, true),
            Event::Run(no, RunEvent::Started { .. }) => (no, true),
            Event::Recorded { run, .. } | Event::Checkpointed { run, .. } => (run, true),
            Event::Run(no, _) => (no, false),
            Event::Submitted(_) | Event::Sweep(..) => return,
        };
        let spoken = match word {
            Some(
                Input::Record {
                    worker,
                    run,
                    attempt,
                    ..
                }
                | Input::Checkpoint {
                    worker,
                    run,
                    attempt,
                    ..
                }
                | Input::Failed {
                    worker,
                    run,
                    attempt,
                    ..
                }
                | Input::Started(worker, run, attempt)
                | Input::Finished(worker, run, attempt, _),
            ) => Some((self.scheduler.run_no(*run), (worker.clone(), *attempt))),
            _ => None,
        };
        if is_of_worker {
            let latest = (Some(*no), self.latest[no].clone());
            assert_eq!(spoken, Some(latest), "{event:?} over {word:?}");
        }
    }
}

#[derive(Default)]
struct Step {
    events: Vec<Event>,
    actions: Vec<Action>,
}

/// All of it.
pub(crate) struct World {
    climate: Climate,
    pub(crate) tally: Tally,
    pub(crate) store: Store,
    pub(crate) plans: Vec<Arc<Sweep>>,
    pub(crate) processes: Vec<Process>,
    /// Tells all words and events on standard error.
    pub(crate) loud: bool,
    random: Random,
    now: u64,
    count: u64,
    agenda: BTreeMap<(u64, u64), Happening>,
    sessions: Vec<Session>,
    coordinator: Option<Coordinator>,
    lives: u64,
    asleep_until: u64,
    stalled_until: Vec<u64>,
    retried: Vec<bool>,
}

impl World {
    pub(crate) fn new(seed: u64, only_restarts: bool, plans: Vec<Sweep>) -> Self {
        let mut random = Random::new(seed);
        let climate = Climate {
            only_restarts,
            ordered: only_restarts || random.percent(50),
            delay: if only_restarts {
                200
            } else {
                [20, 500, 3_000][random.below(3)]
            },
            disk: [1, 50, 800][random.below(3)],
            faults: if only_restarts {
                random.between(1, 12)
            } else {
                random.between(0, 30)
            },
        };
        let workers = random.between(1, 5);
        let mixed = !only_restarts && random.percent(30);
        let processes: Vec<_> = (0..workers)
            .map(|number| {
                let kind = if mixed && random.percent(50) {
                    "cuda"
                } else {
                    "cpu"
                };
                let slots = random.between(1, 3) as u32;
                Process::new(&format!("w{number}"), kind, slots, !climate.ordered)
            })
            .collect();
        let mut world = Self {
            stalled_until: vec![0; processes.len()],
            retried: vec![false; plans.len()],
            climate,
            tally: Tally::default(),
            store: Store::default(),
            loud: false,
            plans: plans.into_iter().map(Arc::new).collect(),
            processes,
            random,
            now: 0,
            count: 0,
            agenda: BTreeMap::new(),
            sessions: Vec::new(),
            coordinator: None,
            lives: 0,
            asleep_until: 0,
        };
        world.at(0, Happening::StartCoordinator);
        for worker in 0..world.processes.len() {
            let at = world.random.between(0, 5_000);
            world.at(at, Happening::StartWorker(worker));
        }
        for plan in 0..world.plans.len() {
            let at = world.random.between(0, 60_000) * plan as u64 / 2;
            world.at(at, Happening::Submit(plan));
        }
        for _ in 0..world.climate.faults {
            let at = world.random.between(0, CALM - 1);
            world.at(at, Happening::Fault);
        }
        world
    }

    /// Lets everything happen, until all sweeps are over and all is said.
    pub(crate) fn run(&mut self) {
        while let Some(((at, count), happening)) = self.agenda.pop_first() {
            self.now = at;
            assert!(
                self.now < DEADLINE,
                "all should be over: {}",
                self.state_of_things()
            );
            self.happens(count, happening);
            if self.is_over() {
                break;
            }
        }
        assert!(
            self.is_over(),
            "nothing more happens: {}",
            self.state_of_things()
        );
    }

    /// The core as it is at the end.
    pub(crate) fn scheduler(&self) -> &Scheduler {
        &self
            .coordinator
            .as_ref()
            .expect("it is up at the end")
            .scheduler
    }

    fn is_over(&self) -> bool {
        let Some(coordinator) = &self.coordinator else {
            return false;
        };
        let sweeps = || coordinator.scheduler.sweeps();
        self.now > CALM
            && coordinator.writing.is_empty()
            && coordinator.batch.is_empty()
            && sweeps().count() == self.plans.len()
            && sweeps().all(|sweep| sweep.is_over)
            && (0..self.plans.len()).all(|plan| {
                let stopped = coordinator.scheduler.sweep(self.plans[plan].id);
                self.retried[plan] || stopped.is_some_and(|sweep| sweep.stopped.is_none())
            })
            && self
                .processes
                .iter()
                .all(|process| process.tasks.is_empty())
    }

    fn state_of_things(&self) -> String {
        let Some(coordinator) = &self.coordinator else {
            return "no coordinator".to_owned();
        };
        let sweeps: Vec<_> = coordinator
            .scheduler
            .sweeps()
            .map(|sweep| (sweep.name.to_owned(), sweep.counts, sweep.stopped))
            .collect();
        let tasks: Vec<_> = self
            .processes
            .iter()
            .map(|process| (process.name.clone(), process.alive, process.tasks.len()))
            .collect();
        let workers: Vec<_> = coordinator.scheduler.workers().collect();
        format!("at {}: {sweeps:?} {tasks:?} {workers:?}", self.now)
    }

    fn at(&mut self, at: u64, happening: Happening) {
        self.count += 1;
        self.agenda
            .insert((at.max(self.now), self.count), happening);
    }

    fn after(&mut self, low: u64, high: u64, happening: Happening) {
        let at = self.now + self.random.between(low, high);
        self.at(at, happening);
    }

    fn happens(&mut self, count: u64, happening: Happening) {
        // Who is stopped gets to it later, in the same order.
        let wakes = match &happening {
            Happening::Word(_, Word::Up(_) | Word::Broke)
            | Happening::Durable(_)
            | Happening::Alarm(_)
            | Happening::Submit(_)
            | Happening::Retry(_) => self.asleep_until,
            Happening::Word(session, Word::Down(..)) | Happening::WorkerNotices(session) => {
                self.stalled_until[self.sessions[*session].worker]
            }
            Happening::Connect(worker, _)
            | Happening::Beat(worker, _)
            | Happening::Compute(worker, ..) => self.stalled_until[*worker],
            _ => 0,
        };
        if wakes > self.now {
            self.agenda.insert((wakes, count), happening);
            return;
        }
        match happening {
            Happening::Word(session, Word::Up(input)) => self.heard(session, input),
            Happening::Word(session, Word::Down(action, checkpoint)) => {
                self.told(session, action, checkpoint);
            }
            Happening::Word(session, Word::Broke) => self.coordinator_notices(session),
            Happening::WorkerNotices(session) => self.worker_notices(session),
            Happening::Connect(worker, life) => self.connect(worker, life),
            Happening::Beat(worker, life) => self.beat(worker, life),
            Happening::Compute(worker, life, run, attempt) => {
                self.compute(worker, life, run, attempt);
            }
            Happening::Durable(life) => self.durable(life),
            Happening::Alarm(life) => self.alarm(life),
            Happening::Submit(plan) => self.submit(plan),
            Happening::Retry(plan) => self.retry(plan),
            Happening::StartCoordinator => self.start_coordinator(),
            Happening::StartWorker(worker) => self.start_worker(worker),
            Happening::Fault => self.fault(),
        }
    }
}

/// The coordinator.
impl World {
    fn start_coordinator(&mut self) {
        if self.coordinator.is_some() {
            return;
        }
        let config = Config {
            lease: Duration::from_millis(LEASE),
            grace: Duration::from_secs(5),
            backoff: Duration::from_secs(1),
        };
        let mut scheduler = Scheduler::new(config);
        for event in &self.store.log {
            scheduler.replay(event.clone());
        }
        scheduler.recovered(Tick::ZERO);
        scheduler.check_invariants();
        self.lives += 1;
        let mut latest = HashMap::new();
        for event in &self.store.log {
            if let Event::Run(
                no,
                RunEvent::Leased {
                    worker, attempt, ..
                },
            ) = event
            {
                latest.insert(*no, (worker.clone(), *attempt));
            }
        }
        self.coordinator = Some(Coordinator {
            latest,
            scheduler,
            born: self.now,
            sessions: HashMap::new(),
            batch: VecDeque::new(),
            writing: Vec::new(),
            alarm: None,
        });
        self.set_alarm();
    }

    fn kill_coordinator(&mut self) {
        let Some(dead) = self.coordinator.take() else {
            return;
        };
        self.tally.coordinator_kills += 1;
        if self.loud {
            eprintln!("{} kill -9 of the coordinator", self.now);
        }
        // A replay of everything that it emitted would rebuild it as it was.
        let lost: Vec<_> = dead
            .writing
            .iter()
            .chain(&dead.batch)
            .flat_map(|step| &step.events)
            .collect();
        let mut twin = Scheduler::new(Config::default());
        self.store
            .log
            .iter()
            .chain(lost.iter().copied())
            .for_each(|event| twin.replay(event.clone()));
        assert_eq!(
            twin.snapshot(),
            dead.scheduler.snapshot(),
            "a replay rebuilds the core"
        );
        // The group that was being written may have reached the disk, without anybody knowing.
        if self.random.percent(50) {
            for event in dead.writing.into_iter().flat_map(|step| step.events) {
                self.store.commit(event);
            }
        } else {
            self.tally.events_lost += lost.len() as u64;
        }
        self.lives += 1;
        self.asleep_until = self.now;
        for session in 0..self.sessions.len() {
            if self.sessions[session].open {
                self.sessions[session].open = false;
                self.after(0, 1_000, Happening::WorkerNotices(session));
            }
        }
        self.after(
            100,
            if self.climate.only_restarts {
                4_000
            } else {
                30_000
            },
            Happening::StartCoordinator,
        );
    }

    /// One word to the core, and what follows.
    fn input(&mut self, input: Input) -> Result<(), Refusal> {
        let word = input.clone();
        let now = self.tick();
        let Some(coordinator) = &mut self.coordinator else {
            return Ok(());
        };
        let was_silent = |coordinator: &Coordinator| {
            coordinator
                .scheduler
                .workers()
                .filter(|worker| worker.silent && !worker.held.is_empty())
                .count()
        };
        let before = was_silent(coordinator);
        let result = coordinator.scheduler.handle(now, input);
        self.tally.revived += (was_silent(coordinator) < before) as u64;
        self.after_step(Some(&word));
        result
    }

    fn tick(&self) -> Tick {
        Tick(
            self.now
                - self
                    .coordinator
                    .as_ref()
                    .map_or(0, |coordinator| coordinator.born),
        )
    }

    fn after_step(&mut self, word: Option<&Input>) {
        let Some(coordinator) = &mut self.coordinator else {
            return;
        };
        let scheduler = &mut coordinator.scheduler;
        scheduler.check_invariants();
        let step = Step {
            events: std::iter::from_fn(|| scheduler.poll_event()).collect(),
            actions: std::iter::from_fn(|| scheduler.poll_action()).collect(),
        };
        if self.loud {
            eprintln!(
                "{} {word:?} => {:?} {:?}",
                self.now, step.events, step.actions
            );
        }
        for event in &step.events {
            coordinator.check_fence(event, word);
        }
        if !step.events.is_empty() || !step.actions.is_empty() {
            coordinator.batch.push_back(step);
            self.write();
        }
        self.set_alarm();
    }

    /// Begins to write what has gathered, unless a group is being written.
    fn write(&mut self) {
        let Some(coordinator) = &mut self.coordinator else {
            return;
        };
        if !coordinator.writing.is_empty() || coordinator.batch.is_empty() {
            return;
        }
        coordinator.writing = coordinator.batch.drain(..).collect();
        let life = self.lives;
        self.after(0, self.climate.disk, Happening::Durable(life));
    }

    fn durable(&mut self, life: u64) {
        let Some(coordinator) = self.coordinator.as_mut().filter(|_| life == self.lives) else {
            return;
        };
        let mut differing = Vec::new();
        let group = std::mem::take(&mut coordinator.writing);
        let mut actions = Vec::new();
        for step in group {
            for event in step.events {
                match &event {
                    Event::Run(_, RunEvent::Lost { .. }) => self.tally.lost += 1,
                    Event::Run(_, RunEvent::HandedBack { .. }) => self.tally.handed_back += 1,
                    Event::Run(_, RunEvent::Failed { .. }) => self.tally.failed += 1,
                    Event::Run(_, RunEvent::Started { discard: true, .. }) => {
                        self.tally.discarded += 1;
                    }
                    _ => {}
                }
                differing.extend(self.store.commit(event));
            }
            actions.extend(step.actions);
        }
        for action in actions {
            self.act(action);
        }
        for no in differing {
            self.input(Input::Differs(no)).expect("a known run");
        }
        self.write();
    }

    fn act(&mut self, action: Action) {
        let Some(coordinator) = &self.coordinator else {
            return;
        };
        let mut checkpoint = None;
        let worker = match &action {
            Action::Lease {
                worker, id, resume, ..
            } => {
                if let Some(step) = *resume {
                    let no = coordinator
                        .scheduler
                        .run_no(*id)
                        .expect("a leased run is known");
                    checkpoint = self.store.checkpoints.get(&no).cloned();
                    let stored = checkpoint.as_ref().map(|(step, _)| *step);
                    assert_eq!(stored, Some(step), "the checkpoint to go on from");
                    self.tally.resumed += 1;
                }
                worker
            }
            Action::Stale(worker, ..) => {
                self.tally.stale += 1;
                worker
            }
            Action::RecordStored(worker, ..)
            | Action::CheckpointStored(worker, ..)
            | Action::Settled(worker, ..) => worker,
        };
        if let Some(session) = coordinator.sessions.get(worker).copied() {
            self.send(session, Word::Down(action, checkpoint));
        }
    }

    fn set_alarm(&mut self) {
        let Some(coordinator) = &mut self.coordinator else {
            return;
        };
        let due = coordinator
            .scheduler
            .poll_timeout()
            .map(|tick| tick.0 + coordinator.born);
        if let Some(due) = due
            && coordinator.alarm.is_none_or(|alarm| due < alarm)
        {
            coordinator.alarm = Some(due);
            let late = self.random.between(0, 20);
            let life = self.lives;
            self.at(due + late, Happening::Alarm(life));
        }
    }

    fn alarm(&mut self, life: u64) {
        if life != self.lives {
            return;
        }
        let now = self.tick();
        let Some(coordinator) = &mut self.coordinator else {
            return;
        };
        coordinator.alarm = None;
        coordinator.scheduler.handle_timeout(now);
        self.after_step(None);
    }

    /// A word from a session arrives.
    fn heard(&mut self, session: usize, input: Input) {
        let name = self.sessions[session].name.clone();
        // Words of a session that was replaced should not reach the core, but what is said of an
        // attempt does no harm. (A late drain would: nothing fences it.)
        let is_of_worker = matches!(input, Input::Drain(_));
        let is_rude = !self.climate.ordered && !is_of_worker && self.random.percent(50);
        if !self.is_delivered(session) {
            return;
        }
        let Some(coordinator) = &mut self.coordinator else {
            return;
        };
        if let Input::Join { .. } = &input {
            if let Some(replaced) = coordinator.sessions.insert(name, session)
                && replaced != session
            {
                self.break_session(replaced, 1_000);
            }
        } else if coordinator.sessions.get(&name) != Some(&session) {
            self.break_session(session, 1_000);
            if !is_rude {
                return;
            }
        }
        if self.input(input).is_err() {
            self.tally.refused += 1;
            self.break_session(session, 1_000);
        }
    }

    fn coordinator_notices(&mut self, session: usize) {
        let name = self.sessions[session].name.clone();
        let Some(coordinator) = &mut self.coordinator else {
            return;
        };
        if coordinator.sessions.get(&name) == Some(&session) {
            coordinator.sessions.remove(&name);
            self.input(Input::Disconnect(name)).expect("never refused");
        }
    }

    /// The user submits until it is durable, and now and then once more.
    fn submit(&mut self, plan: usize) {
        let sweep = self.plans[plan].clone();
        let is_durable =
            |event: &Event| matches!(event, Event::Submitted(known) if known.id == sweep.id);
        if !self.store.log.iter().any(is_durable) || self.random.percent(20) {
            self.input(Input::Submit(sweep))
                .expect("there are few runs");
            self.after(2_000, 9_000, Happening::Submit(plan));
        } else {
            let at = self.now.max(CALM) + 60_000;
            self.at(at, Happening::Retry(plan));
        }
    }

    /// In the end, the user wants the rest of what stopped, once.
    fn retry(&mut self, plan: usize) {
        let id = self.plans[plan].id;
        let Some(coordinator) = &self.coordinator else {
            return;
        };
        if coordinator
            .scheduler
            .sweep(id)
            .is_some_and(|sweep| sweep.stopped.is_some())
        {
            self.input(Input::Retry(id)).expect("a known sweep");
        }
        self.retried[plan] = true;
    }
}

/// The network.
impl World {
    fn send(&mut self, session: usize, word: Word) {
        if !self.sessions[session].open {
            return;
        }
        if !self.climate.only_restarts && self.now < CALM && self.random.percent(1) {
            self.tally.partitions += 1;
            self.break_session(session, 20_000);
            return;
        }
        let mut at = self.now + self.random.between(1, self.climate.delay);
        let is_hello = matches!(word, Word::Up(Input::Join { .. }));
        let way = &mut self.sessions[session];
        let last = if matches!(word, Word::Up(_)) {
            &mut way.up
        } else {
            &mut way.down
        };
        if self.climate.ordered || is_hello {
            at = at.max(*last);
            *last = at;
        } else {
            // Words may overtake one another, but not the hello.
            at = at.max(*last + 1);
        }
        if !self.climate.ordered && !is_hello && self.random.percent(10) {
            self.tally.doubled += 1;
            let copy = match &word {
                Word::Up(input) => Word::Up(input.clone()),
                Word::Down(action, checkpoint) => Word::Down(action.clone(), checkpoint.clone()),
                Word::Broke => Word::Broke,
            };
            let later = at + self.random.between(1, 5_000);
            self.at(later, Happening::Word(session, copy));
        }
        self.at(at, Happening::Word(session, word));
    }

    /// The session ends; each side notices within `notice`, the coordinator's sometimes never.
    fn break_session(&mut self, session: usize, notice: u64) {
        if !std::mem::replace(&mut self.sessions[session].open, false) {
            return;
        }
        self.after(0, notice, Happening::WorkerNotices(session));
        if self.random.percent(70) {
            self.after(0, notice, Happening::Word(session, Word::Broke));
        }
    }

    fn is_delivered(&self, session: usize) -> bool {
        // A stream that broke delivers nothing; datagrams that are on their way arrive.
        self.sessions[session].open || !self.climate.ordered
    }

    /// A word reaches a worker.
    fn told(&mut self, session: usize, action: Action, checkpoint: Option<(u64, Arc<[u8]>)>) {
        let Session { worker, life, .. } = self.sessions[session];
        let process = &mut self.processes[worker];
        let is_of_now = process.session == Some(session) || !self.climate.ordered;
        if process.life != life || !is_of_now || !self.is_delivered(session) {
            return;
        }
        let process = &mut self.processes[worker];
        match action {
            Action::Lease { id, attempt, .. } => {
                if process.session == Some(session) {
                    process.take(id, attempt, checkpoint);
                }
            }
            Action::RecordStored(_, run, attempt, step) => {
                process.record_stored(run, attempt, step)
            }
            Action::CheckpointStored(_, run, attempt, step) => {
                process.checkpoint_stored(run, attempt, step);
            }
            Action::Settled(_, run, attempt) | Action::Stale(_, run, attempt) => {
                process.forget(run, attempt);
            }
        }
        self.go_on(worker);
    }
}

/// The workers.
impl World {
    fn start_worker(&mut self, worker: usize) {
        self.processes[worker].alive = true;
        let life = self.processes[worker].life;
        self.at(self.now, Happening::Connect(worker, life));
        self.at(self.now + 1, Happening::Beat(worker, life));
    }

    fn connect(&mut self, worker: usize, life: u64) {
        let process = &mut self.processes[worker];
        if process.life != life || !process.alive || process.session.is_some() {
            return;
        }
        if self.coordinator.is_none() {
            self.after(200, 500, Happening::Connect(worker, life));
            return;
        }
        let session = self.sessions.len();
        let name = process.name.clone();
        self.sessions.push(Session {
            worker,
            name,
            life,
            open: true,
            up: 0,
            down: 0,
        });
        process.session = Some(session);
        let hello = process.hello();
        self.send(session, Word::Up(hello));
        if self.processes[worker].draining {
            let drain = Input::Drain(self.processes[worker].name.clone());
            self.send(session, Word::Up(drain));
        }
        self.go_on(worker);
    }

    fn worker_notices(&mut self, session: usize) {
        let Session { worker, life, .. } = self.sessions[session];
        let process = &mut self.processes[worker];
        if process.life == life && process.session == Some(session) {
            process.session = None;
            let longest = if self.climate.only_restarts {
                500
            } else {
                5_000
            };
            self.after(0, longest, Happening::Connect(worker, life));
        }
    }

    fn beat(&mut self, worker: usize, life: u64) {
        let process = &mut self.processes[worker];
        if process.life != life {
            return;
        }
        if let Some(session) = process.session {
            let word = Input::Heartbeat(process.name.clone());
            self.send(session, Word::Up(word));
        }
        self.at(self.now + LEASE / 3, Happening::Beat(worker, life));
    }

    /// Begins what there are slots for, says what there is to say, leaves when drained.
    fn go_on(&mut self, worker: usize) {
        let process = &mut self.processes[worker];
        let life = process.life;
        let (mut words, begun) = process.begin();
        let session = process.session;
        if session.is_some() {
            words.extend(process.words());
        }
        if process.draining && process.tasks.is_empty() {
            self.exit(worker, 1_000);
            return;
        }
        for (run, attempt) in begun {
            self.next_step(worker, life, run, attempt);
        }
        for word in words {
            if let Some(session) = session {
                self.send(session, Word::Up(word));
            }
        }
    }

    fn next_step(&mut self, worker: usize, life: u64, run: RunId, attempt: Attempt) {
        let pace = crate::truth::pace(run);
        self.after(
            pace / 2,
            pace,
            Happening::Compute(worker, life, run, attempt),
        );
    }

    fn compute(&mut self, worker: usize, life: u64, run: RunId, attempt: Attempt) {
        let keeps = self.random.percent(40);
        let process = &mut self.processes[worker];
        if process.life != life {
            return;
        }
        if process.compute(run, attempt, keeps) {
            self.next_step(worker, life, run, attempt);
        }
        self.go_on(worker);
    }

    fn exit(&mut self, worker: usize, notice: u64) {
        if let Some(session) = self.processes[worker].session {
            self.break_session(session, notice);
        }
        self.processes[worker].die();
        // Now and then the next one on this machine has another name.
        if self.random.percent(20) {
            let name = format!("{}'", self.processes[worker].name);
            self.processes[worker].name = name.into();
        }
        self.after(500, 30_000, Happening::StartWorker(worker));
    }

    fn fault(&mut self) {
        let worker = self.random.below(self.processes.len());
        let kind = if self.climate.only_restarts {
            0
        } else {
            self.random.below(8)
        };
        let is_alive = self.processes[worker].alive;
        match kind {
            0 | 1 => self.kill_coordinator(),
            2 => {
                self.tally.coordinator_pauses += 1;
                let until = self.now + self.random.between(1_000, 60_000);
                self.asleep_until = self.asleep_until.max(until);
            }
            3 | 4 if is_alive => {
                self.tally.worker_kills += 1;
                self.exit(worker, 25_000);
            }
            5 if is_alive => {
                self.tally.worker_pauses += 1;
                let until = self.now + self.random.between(1_000, 60_000);
                self.stalled_until[worker] = self.stalled_until[worker].max(until);
            }
            6 if is_alive => {
                self.tally.drains += 1;
                let word = self.processes[worker].drain();
                if let Some(session) = self.processes[worker].session {
                    self.send(session, Word::Up(word));
                }
                self.go_on(worker);
            }
            7 => {
                if let Some(session) = self.processes[worker].session {
                    self.tally.partitions += 1;
                    self.break_session(session, 40_000);
                }
            }
            _ => {}
        }
    }
}
