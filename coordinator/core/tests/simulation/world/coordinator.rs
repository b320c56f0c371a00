//! The shell of the coordinator, played as it must behave.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tailsweep_scheduler::event::RunEvent;
use tailsweep_scheduler::{
    Action, Attempt, Config, Event, Held, Input, Refusal, RunNo, Scheduler, Tick, WorkerId,
};

use crate::truth;

use super::{Broken, CALM, Happening, LEASE, Step, Word, World};

pub(super) struct Coordinator {
    pub(super) scheduler: Scheduler,
    pub(super) born: u64,
    pub(super) sessions: HashMap<WorkerId, usize>,
    pub(super) batch: VecDeque<Step>,
    pub(super) writing: Vec<Step>,
    pub(super) alarm: Option<u64>,
    /// Who has the latest attempt at a run.
    pub(super) latest: HashMap<RunNo, (WorkerId, Attempt)>,
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

impl World {
    pub(super) fn start_coordinator(&mut self) {
        if self.coordinator.is_some() {
            return;
        }
        let config = Config {
            lease: Duration::from_millis(LEASE),
            grace: Duration::from_secs(5),
            backoff: Duration::from_secs(1),
            recovery: if self.broken == Some(Broken::NoFreshTerm) {
                Duration::ZERO
            } else {
                Duration::from_millis(LEASE)
            },
            // Few failures are told of in a world, and it does not last long.
            worker_failures: 2,
            rest: Duration::from_secs(20),
        };
        let mut scheduler = Scheduler::new(config);
        for event in &self.store.log {
            scheduler.replay(event.clone());
        }
        scheduler.recovered(Tick::ZERO);
        if self.broken == Some(Broken::NoFence) {
            scheduler.break_the_fence();
        }
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

    pub(super) fn kill_coordinator(&mut self) {
        let Some(dead) = self.coordinator.take() else {
            return;
        };
        self.tally.coordinator_kills += 1;
        if self.loud {
            eprintln!("{} kill -9 of the coordinator", self.now);
        }
        self.check_replay(&dead);
        // The group that was being written may have reached the disk, without anybody knowing.
        if self.random.percent(50) {
            for event in dead.writing.into_iter().flat_map(|step| step.events) {
                self.store.commit(event);
            }
        } else {
            let lost = dead.writing.iter().chain(&dead.batch);
            self.tally.events_lost += lost.map(|step| step.events.len() as u64).sum::<u64>();
        }
        self.break_all_sessions();
        let longest = if self.climate.only_restarts {
            4_000
        } else {
            30_000
        };
        self.after(100, longest, Happening::StartCoordinator);
    }

    /// A group can't be written: all that was decided since is forgotten, and the core is rebuilt
    /// from the disk.
    fn fail_to_write(&mut self) {
        let Some(failed) = self.coordinator.take() else {
            return;
        };
        self.tally.disk_failures += 1;
        if self.loud {
            eprintln!("{} the disk is full", self.now);
        }
        self.check_replay(&failed);
        self.break_all_sessions();
        self.after(0, 2_000, Happening::StartCoordinator);
    }

    /// A replay of everything that a core emitted would rebuild it as it was.
    fn check_replay(&self, dead: &Coordinator) {
        let lost = dead.writing.iter().chain(&dead.batch);
        let lost = lost.flat_map(|step| &step.events);
        let mut twin = Scheduler::new(Config::default());
        for event in self.store.log.iter().chain(lost) {
            twin.replay(event.clone());
        }
        assert_eq!(
            twin.snapshot(),
            dead.scheduler.snapshot(),
            "a replay rebuilds the core"
        );
    }

    fn break_all_sessions(&mut self) {
        self.lives += 1;
        self.asleep_until = self.now;
        for session in 0..self.sessions.len() {
            if self.sessions[session].open {
                self.sessions[session].open = false;
                self.after(0, 1_000, Happening::WorkerNotices(session));
            }
        }
    }

    /// One word to the core, and what follows.
    pub(super) fn input(&mut self, input: Input) -> Result<(), Refusal> {
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

    pub(super) fn tick(&self) -> Tick {
        Tick(
            self.now
                - self
                    .coordinator
                    .as_ref()
                    .map_or(0, |coordinator| coordinator.born),
        )
    }

    pub(super) fn after_step(&mut self, word: Option<&Input>) {
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
        let mut step = step;
        if self.broken == Some(Broken::AnswerBeforeCommit) {
            for action in std::mem::take(&mut step.actions) {
                self.act(action);
            }
        }
        let Some(coordinator) = &mut self.coordinator else {
            return;
        };
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

    pub(super) fn durable(&mut self, life: u64) {
        let Some(coordinator) = self.coordinator.as_mut().filter(|_| life == self.lives) else {
            return;
        };
        if self.now < CALM && self.random.percent(self.climate.full) {
            return self.fail_to_write();
        }
        let mut differing = Vec::new();
        let mut group = std::mem::take(&mut coordinator.writing);
        if self.broken == Some(Broken::TornGroup)
            && let Some(step) = group.last_mut()
        {
            step.events.pop();
        }
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
                differing.extend(self.store.commit_as(event, self.broken));
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

    pub(super) fn act(&mut self, action: Action) {
        let Some(coordinator) = &self.coordinator else {
            return;
        };
        let mut checkpoint = None;
        let worker = match &action {
            Action::Lease {
                worker,
                id,
                attempt,
                resume,
                ..
            } => {
                let no = coordinator
                    .scheduler
                    .run_no(*id)
                    .expect("a leased run is known");
                if self.broken == Some(Broken::AnyKindResumes) {
                    checkpoint = self.store.checkpoints.get(&no).cloned();
                } else if let Some(step) = *resume {
                    checkpoint = self.store.checkpoints.get(&no).cloned();
                    let stored = checkpoint.as_ref().map(|(step, _)| *step);
                    // Its run may have been forgotten since; the worker is told so next.
                    let is_current = coordinator.scheduler.workers().any(|view| {
                        let is_it = |held: &Held| (held.run, held.attempt) == (*id, *attempt);
                        view.id == worker && view.held.iter().any(is_it)
                    });
                    assert!(
                        stored == Some(step) || !is_current,
                        "the checkpoint to go on from: {stored:?} instead of {step}"
                    );
                    self.tally.resumed += 1;
                }
                worker
            }
            Action::Stale(worker, ..) => {
                self.tally.stale += 1;
                worker
            }
            Action::Judge(run, attempt) => {
                // The shell reads the records, which takes a while.
                let (run, attempt, life) = (*run, *attempt, self.lives);
                self.after(0, 2_000, Happening::Judged(life, run, attempt));
                return;
            }
            Action::Recall(worker, ..) => {
                self.tally.asked_back += 1;
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

    pub(super) fn alarm(&mut self, life: u64) {
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
    pub(super) fn heard(&mut self, session: usize, input: Input) {
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

    pub(super) fn coordinator_notices(&mut self, session: usize) {
        let name = self.sessions[session].name.clone();
        let Some(coordinator) = &mut self.coordinator else {
            return;
        };
        if coordinator.sessions.get(&name) == Some(&session) {
            coordinator.sessions.remove(&name);
            self.input(Input::Disconnect(name)).expect("never refused");
        }
    }

    /// The shell has read the records of a finished run.
    pub(super) fn judge(&mut self, life: u64, run: RunNo, attempt: Attempt) {
        if life != self.lives || self.coordinator.is_none() {
            return;
        }
        let late = truth::late(self.store.runs[run.0 as usize]);
        self.input(Input::Judged { run, attempt, late })
            .expect("never refused");
    }
}
