//! The way between: words are late, lost, doubled and overtaken.

use std::sync::Arc;

use tailsweep_scheduler::{Action, Input};

use super::{CALM, Happening, Session, Word, World};

impl World {
    pub(super) fn send(&mut self, session: usize, word: Word) {
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
    pub(super) fn break_session(&mut self, session: usize, notice: u64) {
        if !std::mem::replace(&mut self.sessions[session].open, false) {
            return;
        }
        self.after(0, notice, Happening::WorkerNotices(session));
        if self.random.percent(70) {
            self.after(0, notice, Happening::Word(session, Word::Broke));
        }
    }

    pub(super) fn is_delivered(&self, session: usize) -> bool {
        // A stream that broke delivers nothing; datagrams that are on their way arrive.
        self.sessions[session].open || !self.climate.ordered
    }

    /// A word reaches a worker.
    pub(super) fn told(
        &mut self,
        session: usize,
        action: Action,
        checkpoint: Option<(u64, Arc<[u8]>)>,
    ) {
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
            Action::Judge(..) => unreachable!("it is for the shell"),
            Action::Recall(_, run, attempt) => process.recall(run, attempt),
            Action::Settled(_, run, attempt) | Action::Stale(_, run, attempt) => {
                process.forget(run, attempt);
            }
        }
        self.go_on(worker);
    }
}
