//! What happens to workers.

use tailsweep_common::id::RunId;
use tailsweep_scheduler::{Attempt, Input};

use super::{Happening, LEASE, Session, Word, World};

impl World {
    pub(super) fn start_worker(&mut self, worker: usize) {
        self.processes[worker].alive = true;
        let life = self.processes[worker].life;
        self.at(self.now, Happening::Connect(worker, life));
        self.at(self.now + 1, Happening::Beat(worker, life));
    }

    pub(super) fn connect(&mut self, worker: usize, life: u64) {
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

    pub(super) fn worker_notices(&mut self, session: usize) {
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

    pub(super) fn beat(&mut self, worker: usize, life: u64) {
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
    pub(super) fn go_on(&mut self, worker: usize) {
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

    pub(super) fn compute(&mut self, worker: usize, life: u64, run: RunId, attempt: Attempt) {
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

    pub(super) fn exit(&mut self, worker: usize, notice: u64) {
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

    pub(super) fn fault(&mut self) {
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
