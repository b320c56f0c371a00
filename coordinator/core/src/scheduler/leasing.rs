//! Giving runs to workers, and taking them back.
//!
//! Workers with a free slot come first, the emptiest of them before the others. When all slots are
//! taken, workers get runs ahead (so that the way to the disk and back is hidden), but only while
//! more runs wait than there are slots in all. So a run is left for each slot that becomes free
//! soon, and what was given ahead was first in line, that is long, and would have been computed
//! early anyway. At the very end a run that was given ahead can still wait for its worker while a
//! slot elsewhere idles; it is not taken back: its worker may have begun, fencing would make that
//! safe, but one of the two would have worked for nothing.

use super::Scheduler;
use crate::event::{RunEvent, RunNo};
use crate::input::Action;
use crate::ledger::{Settled, Stage};
use crate::sessions::{FULL, WorkerNo};

/// Runs that are looked at for one that suits a worker.
const LOOK_AHEAD: usize = 32;

/// Workers that are looked at for one of the kind that made a run's checkpoint.
const LOOK_AROUND: usize = 16;

impl Scheduler {
    /// Gives out what can be given out now.
    pub(super) fn lease_all(&mut self) {
        let mut after = None;
        while self.queue.len() > 0 {
            let Some((load, worker)) = self.sessions.open(after).next() else {
                return;
            };
            if load >= FULL && self.queue.len() as u64 <= self.sessions.slots() {
                return;
            }
            let chosen = self
                .queue
                .iter()
                .take(LOOK_AHEAD)
                .find(|no| !self.avoids(*no, worker));
            match chosen {
                Some(no) => self.lease(no, self.same_kind(no, worker)),
                None => after = Some((load, worker)),
            }
        }
    }

    /// A run that failed goes to another worker, if there is another one.
    pub(crate) fn avoids(&self, no: RunNo, worker: WorkerNo) -> bool {
        let entry = self.ledger.entry(no);
        entry.failures > 0
            && entry.settled == Settled::Failed
            && entry.settled_by == worker
            && self.sessions.usable() > 1
    }

    /// Instead of `worker`, one with a free slot that can go on from the run's checkpoint.
    fn same_kind(&self, no: RunNo, worker: WorkerNo) -> WorkerNo {
        let entry = self.ledger.entry(no);
        let resumes = |worker: WorkerNo| {
            entry.resume_on(self.sessions.get(worker).kind).is_some() && !self.avoids(no, worker)
        };
        if entry.checkpoint.is_none() || resumes(worker) {
            return worker;
        }
        let others = self.sessions.open(None).take(LOOK_AROUND);
        let mut free = others
            .take_while(|(load, _)| *load < FULL)
            .map(|(_, other)| other);
        free.find(|other| resumes(*other)).unwrap_or(worker)
    }

    fn lease(&mut self, no: RunNo, worker: WorkerNo) {
        if self.ledger.holder(no).is_some() {
            self.write_off(no);
            if self.queue.home(no).is_none() {
                return; // lost too often
            }
        }
        let attempt = self.ledger.entry(no).attempt + 1;
        let name = self.worker(worker);
        let kind = self.sessions.get(worker).kind;
        let resume = self.ledger.entry(no).resume_on(kind);
        let kind = self.ledger.kinds.name(kind).clone();
        self.emit_run(
            no,
            RunEvent::Leased {
                attempt,
                worker: name.clone(),
                kind,
            },
        );
        self.say(Action::Lease {
            worker: name,
            id: self.id(no),
            run: self.ledger.run(no),
            attempt,
            resume,
            time_limit: self.ledger.time_limit(no),
        });
    }

    /// The holder of a run is gone, or never got it: the attempt is over.
    pub(super) fn write_off(&mut self, no: RunNo) {
        let entry = self.ledger.entry(no);
        let attempt = entry.attempt;
        if entry.stage == Stage::Started {
            let last = entry.losses >= self.ledger.max_losses(no);
            self.emit_run(no, RunEvent::Lost { attempt, last });
            if last {
                self.stop_sweeps_with_too_many_failures(no);
            }
        } else {
            self.emit_run(no, RunEvent::HandedBack { attempt });
        }
    }

    /// A worker's deadline passed.
    pub(super) fn expire(&mut self, worker: WorkerNo) {
        self.sessions
            .update(worker, |session| session.silent = true);
        let held: Vec<_> = self.sessions.get(worker).held.iter().copied().collect();
        for no in held {
            if self.ledger.holder(no) == Some(worker) {
                self.let_go_if_nobody_takes_over(no);
                self.place(no);
            }
        }
    }

    /// Writes off an expired lease at once where no later lease would: no sweep wants the run, or
    /// it was lost too often.
    fn let_go_if_nobody_takes_over(&mut self, no: RunNo) {
        let entry = self.ledger.entry(no);
        let is_wanted = self.ledger.wanted_by(no).next().is_some();
        let is_last = entry.stage == Stage::Started && entry.losses >= self.ledger.max_losses(no);
        if !is_wanted || is_last {
            self.write_off(no);
        }
    }

    /// No sweep wants this run any more: takes it back unless it is being computed.
    pub(super) fn recall(&mut self, no: RunNo) {
        let Some(worker) = self.ledger.holder(no) else {
            return;
        };
        if self.sessions.get(worker).silent {
            self.write_off(no);
        } else if self.ledger.entry(no).stage == Stage::Leased {
            let attempt = self.ledger.entry(no).attempt;
            self.emit_run(no, RunEvent::HandedBack { attempt });
            self.say(Action::Stale(self.worker(worker), self.id(no), attempt));
        }
    }
}
