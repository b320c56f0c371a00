//! Giving runs to workers, and taking them back.
//!
//! Workers with a free slot come first, the emptiest of them before the others. When all slots are
//! taken, workers get runs ahead (so that the way to the disk and back is hidden), but only while
//! more runs wait than there are slots in all. So a run is left for each slot that becomes free
//! soon, and what was given ahead was first in line, that is long, and would have been computed
//! early anyway. At the end of a sweep a run that was given ahead may wait for its worker while a
//! slot elsewhere is free: it is asked back, and the worker gives it unless it has begun.

use tailsweep_common::state::Reason;

use super::Scheduler;
use crate::event::{RunEvent, RunNo};
use crate::input::Action;
use crate::ledger::{Settled, Stage};
use crate::queue::Suits;
use crate::sessions::{FULL, WorkerNo};

/// Workers that are looked at for one of the kind that made a run's checkpoint.
const LOOK_AROUND: usize = 16;

impl Scheduler {
    /// Gives out what can be given out now.
    pub(super) fn lease_all(&mut self) {
        self.wake_the_last();
        // A sign of life alone changes nothing; a lease may, when it writes an older one off.
        while self.sessions.take_stirred() | std::mem::take(&mut self.queue_grew) {
            self.lease_queued();
            self.ask_back();
        }
    }

    fn lease_queued(&mut self) {
        let mut after = None;
        // Workers like these found nothing: labels, free memory, and whether they hold runs.
        let mut in_vain = Vec::new();
        while self.queue.len() > 0 {
            let Some((load, worker)) = self.sessions.open(after).next() else {
                return;
            };
            if load >= FULL && self.queue.len() as u64 <= self.sessions.slots() {
                return;
            }
            let session = self.sessions.get(worker);
            let profile = (
                session.labels.clone(),
                session.free_memory(),
                session.held.is_empty(),
            );
            if in_vain.contains(&profile) {
                after = Some((load, worker));
                continue;
            }
            let mut avoided = false;
            let chosen = self.queue.pick(profile.1, |no| {
                if self.avoids(no, worker) {
                    avoided = true;
                    return Suits::No;
                }
                self.suits(no, worker)
            });
            match chosen {
                Some(no) => self.lease(no, self.same_kind(no, worker)),
                None => {
                    after = Some((load, worker));
                    if !avoided && profile.2 {
                        in_vain.push(profile);
                    }
                }
            }
        }
    }

    /// Slots are free and nothing is in line for them: asks for what waits at other workers.
    fn ask_back(&mut self) {
        if self.sessions.idle() == 0 {
            return;
        }
        let full: Vec<WorkerNo> = self.sessions.overfull().take(LOOK_AROUND).collect();
        for worker in full {
            let session = self.sessions.get(worker);
            let mut spare = session.held.len() - session.slots as usize;
            for no in session.held.clone() {
                if self.recalled.len() as u64 >= self.sessions.idle() {
                    return;
                }
                if self.recalled.contains(&no) {
                    spare = spare.saturating_sub(1);
                }
                if spare == 0 {
                    break;
                }
                if self.ledger.entry(no).stage != Stage::Leased || self.recalled.contains(&no) {
                    continue;
                }
                if self.has_free_slot(no) {
                    spare -= 1;
                    self.ask_for(no, worker);
                }
            }
        }
    }

    /// Asks a worker to give a run back unless it has begun.
    pub(super) fn ask_for(&mut self, no: RunNo, worker: WorkerNo) {
        let entry = self.ledger.entry(no);
        if entry.stage == Stage::Leased && self.recalled.insert(no) {
            let attempt = self.ledger.entry(no).attempt;
            self.say(Action::Recall(self.worker(worker), self.id(no), attempt));
        }
    }

    /// Whether one of the emptiest workers would begin a run at once.
    fn has_free_slot(&self, no: RunNo) -> bool {
        let mut emptiest = self.sessions.open(None).take(LOOK_AROUND);
        emptiest.any(|(load, worker)| {
            load < FULL && !self.avoids(no, worker) && self.suits(no, worker) != Suits::No
        })
    }

    /// Whether a worker could compute a run now, for what it says of itself.
    fn suits(&self, no: RunNo, worker: WorkerNo) -> Suits {
        let session = self.sessions.get(worker);
        let needs = self.ledger.needs(no);
        let takes = session.would_take(needs, self.ledger.points());
        if takes > session.free_memory() || !self.is_asked_for(no, worker) {
            Suits::No
        } else if session.has_data(needs) {
            Suits::Well
        } else {
            Suits::Yes
        }
    }

    /// Whether a worker has the labels that one of the sweeps that want a run asks for.
    pub(crate) fn is_asked_for(&self, no: RunNo, worker: WorkerNo) -> bool {
        let session = self.sessions.get(worker);
        let mut wanted = self.ledger.wanted_by(no);
        wanted.any(|sweep| session.has_labels(&self.ledger.sweep(sweep).sweep.requires))
    }

    /// Whether a worker that is here could compute a run once all of its memory is free.
    pub(crate) fn could(&self, no: RunNo, worker: WorkerNo) -> bool {
        let session = self.sessions.get(worker);
        session.is_usable()
            && self.is_asked_for(no, worker)
            && self.ledger.full_size(no) <= session.all_memory()
    }

    /// A run that failed goes to another worker, if there is another one that could compute it.
    pub(crate) fn avoids(&self, no: RunNo, worker: WorkerNo) -> bool {
        let entry = self.ledger.entry(no);
        let others = || self.sessions.iter().map(|(other, _)| other);
        entry.failures > 0
            && entry.settled == Settled::Failed
            && entry.settled_by == worker
            && others().any(|other| other != worker && self.could(no, other))
    }

    /// Instead of `worker`, one with a free slot that can go on from the run's checkpoint.
    fn same_kind(&self, no: RunNo, worker: WorkerNo) -> WorkerNo {
        let entry = self.ledger.entry(no);
        let resumes = |worker: WorkerNo| {
            entry.resume_on(self.sessions.get(worker).kind).is_some()
                && !self.avoids(no, worker)
                && self.suits(no, worker) != Suits::No
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

    /// No sweep wants this run any more: takes it back, unless it is in computation and what
    /// stopped the last sweep lets it finish.
    pub(super) fn recall(&mut self, no: RunNo, reason: Reason) {
        let Some(worker) = self.ledger.holder(no) else {
            return;
        };
        if self.ledger.entry(no).stage == Stage::Leased || reason == Reason::Cancelled {
            self.take_back(no, worker);
        } else if self.sessions.get(worker).silent {
            self.write_off(no);
        }
    }

    /// Takes a run back that its worker has not begun, as far as the core knows.
    pub(super) fn take_back_unbegun(&mut self, no: RunNo) {
        if self.ledger.entry(no).stage == Stage::Leased
            && let Some(worker) = self.ledger.holder(no)
        {
            self.take_back(no, worker);
        }
    }

    /// Takes a run back wherever it is.
    pub(super) fn take_back_held(&mut self, no: RunNo) {
        if let Some(worker) = self.ledger.holder(no) {
            self.take_back(no, worker);
        }
    }

    fn take_back(&mut self, no: RunNo, worker: WorkerNo) {
        let attempt = self.ledger.entry(no).attempt;
        self.emit_run(no, RunEvent::HandedBack { attempt });
        self.say(Action::Stale(self.worker(worker), self.id(no), attempt));
    }
}
