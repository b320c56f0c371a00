//! A coordinator, workers, a network and bad luck, in virtual time.
//!
//! The shell of the coordinator is played here as it must behave: events become durable in
//! groups, after a while; actions leave when all events before them are durable; a kill loses
//! what is not durable together with its actions, none of which has left.

mod coordinator;
mod network;
mod user;
mod workers;

use std::collections::BTreeMap;
use std::sync::Arc;

use tailsweep_common::id::RunId;
use tailsweep_common::sweep::Sweep;
use tailsweep_scheduler::{Action, Attempt, Event, Input, RunNo, Scheduler, WorkerId};

use crate::process::Process;
use crate::random::Random;
use crate::store::Store;
use coordinator::Coordinator;

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
    /// How often a group can't be written, percent.
    full: u64,
    faults: u64,
    /// Words of the user beside submissions.
    wishes: u64,
}

/// A rule that is broken on purpose, in the core or where the world begins: such a world must be found
/// out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// To the core any word about a run counts as one of its current attempt.
    NoFence,
    /// What is said leaves before the events that caused it are durable.
    AnswerBeforeCommit,
    /// The last event of a group never reaches the disk.
    TornGroup,
    /// Records and checkpoints of another kind stay when a run begins anew.
    NoDiscard,
    /// A checkpoint is used on a machine of another kind.
    AnyKindResumes,
    /// A worker sends a checkpoint before the records that it builds upon are acknowledged.
    HastyCheckpoint,
    /// After a restart leases end at once.
    NoFreshTerm,
}

impl Broken {
    /// In words, for the table in docs/guarantees.md.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::NoFence => {
                "no fencing: to the core any word counts as one of the current attempt"
            }
            Self::AnswerBeforeCommit => "answers leave before the commit",
            Self::TornGroup => "the last event of a group is not written",
            Self::NoDiscard => "records of another kind stay",
            Self::AnyKindResumes => "a checkpoint is used on another kind",
            Self::HastyCheckpoint => {
                "a worker sends a checkpoint before its records are acknowledged"
            }
            Self::NoFreshTerm => "leases end at once after a restart",
        }
    }

    pub(crate) const ALL: [Self; 7] = [
        Self::NoFence,
        Self::AnswerBeforeCommit,
        Self::TornGroup,
        Self::NoDiscard,
        Self::AnyKindResumes,
        Self::HastyCheckpoint,
        Self::NoFreshTerm,
    ];
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
    pub(crate) disk_failures: u64,
    pub(crate) asked_back: u64,
    pub(crate) cancelled: u64,
    pub(crate) paused: u64,
    pub(crate) removed: u64,
    pub(crate) extended: u64,
}

impl Tally {
    fn all(&mut self) -> [&mut u64; 22] {
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
            &mut self.disk_failures,
            &mut self.asked_back,
            &mut self.cancelled,
            &mut self.paused,
            &mut self.removed,
            &mut self.extended,
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
    Judged(u64, RunNo, Attempt),
    Alarm(u64),
    Submit(usize),
    Wish(usize),
    LastWish(usize),
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
    pub(crate) broken: Option<Broken>,
    random: Random,
    now: u64,
    count: u64,
    agenda: BTreeMap<(u64, u64), Happening>,
    sessions: Vec<Session>,
    coordinator: Option<Coordinator>,
    lives: u64,
    asleep_until: u64,
    stalled_until: Vec<u64>,
    /// Whether the user has said the last word about a plan.
    content: Vec<bool>,
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
            full: if only_restarts {
                0
            } else {
                [0, 0, 2][random.below(3)]
            },
            wishes: if only_restarts {
                0
            } else {
                random.between(0, 12)
            },
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
            content: vec![false; plans.len()],
            climate,
            tally: Tally::default(),
            store: Store::default(),
            loud: false,
            broken: None,
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
        for _ in 0..world.climate.wishes {
            let (at, plan) = (
                world.random.between(0, CALM - 1),
                world.random.below(world.plans.len()),
            );
            world.at(at, Happening::Wish(plan));
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
            && self.content.iter().all(|content| *content)
            && sweeps().all(|sweep| sweep.is_over)
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
            | Happening::Judged(..)
            | Happening::Alarm(_)
            | Happening::Submit(_)
            | Happening::Wish(_)
            | Happening::LastWish(_) => self.asleep_until,
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
            Happening::Judged(life, run, attempt) => self.judge(life, run, attempt),
            Happening::Alarm(life) => self.alarm(life),
            Happening::Submit(plan) => self.submit(plan),
            Happening::Wish(plan) => self.wish(plan),
            Happening::LastWish(plan) => self.last_wish(plan),
            Happening::StartCoordinator => self.start_coordinator(),
            Happening::StartWorker(worker) => self.start_worker(worker),
            Happening::Fault => self.fault(),
        }
    }
}
