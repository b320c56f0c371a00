//! What workers say.
//!
//! A word about an attempt is about the current one, or repeats the end of the last settled one,
//! or is stale. Only the first changes anything; the second is acknowledged like the first time;
//! the third is answered kindly.

use std::collections::BTreeSet;
use std::sync::Arc;

use tailsweep_common::id::RunId;
use tailsweep_common::state::{Ending, Reason};

use super::Scheduler;
use crate::event::{Event, RunEvent, RunNo};
use crate::input::{Action, Attempt, Offer, Refusal, WorkerId};
use crate::ledger::{Settled, Stage};
use crate::sessions::WorkerNo;

/// What an attempt is to the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The worker has it, as far as the core knows.
    Current(RunNo),
    /// The last one that is over, and this worker had it.
    Settled(RunNo, Settled),
    /// Anything else.
    Stale,
}

/// Coming and going.
impl Scheduler {
    pub(super) fn join(&mut self, worker: WorkerId, offer: Offer, holds: Vec<(RunId, Attempt)>) {
        let Offer {
            slots,
            kind,
            memory,
            mut labels,
        } = offer;
        labels.sort_unstable();
        let no = WorkerNo(self.ledger.workers.intern(&worker));
        let kind = self.ledger.kinds.intern(&kind);
        self.grow();
        let was_silent = self.sessions.get(no).silent;
        self.sessions.update(no, |session| {
            session.kind = kind;
            session.slots = slots;
            session.memory = memory;
            session.labels = labels.into();
            session.forget_data();
            session.connected = true;
            session.draining = false;
            session.silent = false;
        });
        self.end_rest(no);
        self.sessions.stir();
        self.deadlines.set(no, self.now() + self.config.lease);

        let mut still_held = BTreeSet::new();
        for (id, attempt) in holds {
            match self.standing(no, id, attempt) {
                Standing::Current(run) => {
                    // It may not have heard that it was asked for it.
                    self.recalled.remove(&run);
                    still_held.insert(run);
                }
                Standing::Settled(_, Settled::Finished | Settled::Failed) => {
                    self.say(Action::Settled(Arc::clone(&worker), id, attempt));
                }
                _ => self.say(Action::Stale(Arc::clone(&worker), id, attempt)),
            }
        }
        let held: Vec<_> = self.sessions.get(no).held.iter().copied().collect();
        for run in held {
            if self.ledger.holder(run) != Some(no) {
                continue; // taken back meanwhile, when a sweep stopped over the one before
            }
            if !still_held.contains(&run) {
                self.write_off(run);
            } else if was_silent {
                self.place(run);
            }
        }
    }

    pub(super) fn disconnect(&mut self, worker: &WorkerId) {
        let Some(no) = self
            .known(worker)
            .filter(|no| self.sessions.get(*no).connected)
        else {
            return; // the end of a session that was refused or replaced
        };
        self.sessions
            .update(no, |session| session.connected = false);
        let session = self.sessions.get(no);
        if session.held.is_empty() {
            self.deadlines.remove(no);
        } else if !session.silent {
            let grace = self.now() + self.config.grace;
            let deadline = self
                .deadlines
                .get(no)
                .map_or(grace, |deadline| deadline.min(grace));
            self.deadlines.set(no, deadline);
        }
    }

    pub(super) fn drain(&mut self, worker: &WorkerId) -> Result<(), Refusal> {
        let no = self.hear(worker)?;
        self.sessions.update(no, |session| session.draining = true);
        Ok(())
    }

    /// A sign of life: renews all leases of the worker, and revives those that expired.
    pub(super) fn hear(&mut self, worker: &WorkerId) -> Result<WorkerNo, Refusal> {
        let no = self
            .known(worker)
            .filter(|no| self.sessions.get(*no).connected)
            .ok_or_else(|| Refusal::UnknownWorker(Arc::clone(worker)))?;
        self.deadlines.set(no, self.now() + self.config.lease);
        if self.sessions.get(no).silent {
            self.sessions.update(no, |session| session.silent = false);
            self.place_all(self.sessions.get(no).held.iter().copied().collect());
        }
        Ok(no)
    }

    fn known(&self, worker: &WorkerId) -> Option<WorkerNo> {
        self.ledger.workers.number(worker).map(WorkerNo)
    }
}

/// Words about an attempt.
impl Scheduler {
    pub(super) fn started(
        &mut self,
        worker: WorkerId,
        run: RunId,
        attempt: Attempt,
    ) -> Result<(), Refusal> {
        let by = self.hear(&worker)?;
        match self.standing(by, run, attempt) {
            Standing::Current(no) => self.imply_started(no),
            Standing::Settled(_, Settled::Finished | Settled::Failed) => {}
            _ => self.say(Action::Stale(worker, run, attempt)),
        }
        Ok(())
    }

    pub(super) fn record(
        &mut self,
        worker: WorkerId,
        run: RunId,
        attempt: Attempt,
        step: u64,
        payload: Arc<[u8]>,
    ) -> Result<(), Refusal> {
        let by = self.hear(&worker)?;
        let no = match self.standing(by, run, attempt) {
            Standing::Current(no) => {
                self.imply_started(no);
                Some(no)
            }
            // A repeated one, or one that its end overtook: the store compares. Not once a newer
            // attempt may make records of its own, nor if they would not be of one kind.
            Standing::Settled(no, _) => Some(no).filter(|no| {
                let entry = self.ledger.entry(*no);
                !entry.stage.is_held() && entry.made_by == Some(entry.kind)
            }),
            Standing::Stale => None,
        };
        let answer = match no {
            Some(no) => {
                self.emit(Event::Recorded {
                    run: no,
                    step,
                    payload,
                });
                Action::RecordStored(worker, run, attempt, step)
            }
            None => Action::Stale(worker, run, attempt),
        };
        self.say(answer);
        Ok(())
    }

    pub(super) fn checkpoint(
        &mut self,
        worker: WorkerId,
        run: RunId,
        attempt: Attempt,
        step: u64,
        payload: Arc<[u8]>,
    ) -> Result<(), Refusal> {
        let by = self.hear(&worker)?;
        let answer = match self.standing(by, run, attempt) {
            Standing::Current(no) => {
                self.imply_started(no);
                if self
                    .ledger
                    .entry(no)
                    .checkpoint
                    .is_none_or(|stored| stored < step)
                {
                    self.emit(Event::Checkpointed {
                        run: no,
                        step,
                        payload,
                    });
                }
                Action::CheckpointStored(worker, run, attempt, step)
            }
            Standing::Settled(..) => Action::CheckpointStored(worker, run, attempt, step),
            Standing::Stale => Action::Stale(worker, run, attempt),
        };
        self.say(answer);
        Ok(())
    }

    pub(super) fn finished(
        &mut self,
        worker: WorkerId,
        run: RunId,
        attempt: Attempt,
        ending: Ending,
    ) -> Result<(), Refusal> {
        let by = self.hear(&worker)?;
        let standing = self.standing(by, run, attempt);
        if let Standing::Current(no) = standing {
            self.imply_started(no);
            self.emit_run(no, RunEvent::Finished { attempt, ending });
            self.forgive(by);
            // A diverged run says nothing, and that is known at once.
            self.look_at_points_of(no);
        }
        self.answer_the_end(standing, Settled::Finished, worker, run, attempt);
        Ok(())
    }

    pub(super) fn failed(
        &mut self,
        worker: WorkerId,
        run: RunId,
        attempt: Attempt,
        reason: Reason,
        message: String,
    ) -> Result<(), Refusal> {
        let by = self.hear(&worker)?;
        let standing = self.standing(by, run, attempt);
        if let Standing::Current(no) = standing {
            let last = self.ledger.entry(no).failures + 1 >= self.ledger.max_attempts(no);
            self.emit_run(
                no,
                RunEvent::Failed {
                    attempt,
                    reason,
                    message,
                    last,
                },
            );
            if last {
                self.stop_sweeps_with_too_many_failures(no);
            }
            self.count_failure(by, reason);
        }
        self.answer_the_end(standing, Settled::Failed, worker, run, attempt);
        Ok(())
    }

    pub(super) fn hand_back(
        &mut self,
        worker: WorkerId,
        run: RunId,
        attempt: Attempt,
    ) -> Result<(), Refusal> {
        let by = self.hear(&worker)?;
        let standing = self.standing(by, run, attempt);
        if let Standing::Current(no) = standing {
            self.emit_run(no, RunEvent::HandedBack { attempt });
        }
        self.answer_the_end(standing, Settled::HandedBack, worker, run, attempt);
        Ok(())
    }

    pub(super) fn differs(&mut self, no: RunNo) {
        let is_news =
            (no.0 as usize) < self.ledger.len() && !self.ledger.entry(no).nondeterministic;
        if is_news {
            self.emit_run(no, RunEvent::Differed);
        }
    }

    /// The first sign that an attempt is computed. Records of another kind go now, and not when
    /// the lease was given: it may never have arrived.
    fn imply_started(&mut self, no: RunNo) {
        let entry = self.ledger.entry(no);
        if entry.stage == Stage::Leased {
            let discard = entry.made_by.is_some_and(|kind| kind != entry.kind);
            let attempt = entry.attempt;
            self.emit_run(no, RunEvent::Started { attempt, discard });
        }
    }

    fn answer_the_end(
        &mut self,
        standing: Standing,
        how: Settled,
        worker: WorkerId,
        run: RunId,
        attempt: Attempt,
    ) {
        let taken = match standing {
            Standing::Current(_) => true,
            Standing::Settled(_, before) => before == how,
            Standing::Stale => false,
        };
        self.say(if taken {
            Action::Settled(worker, run, attempt)
        } else {
            Action::Stale(worker, run, attempt)
        });
    }

    fn standing(&self, worker: WorkerNo, run: RunId, attempt: Attempt) -> Standing {
        let Some(no) = self.ledger.run_no(run) else {
            return Standing::Stale;
        };
        let entry = self.ledger.entry(no);
        let is_of_it = entry.attempt == attempt && entry.worker == worker;
        if entry.stage.is_held() && (is_of_it || self.unfenced) {
            return Standing::Current(no);
        }
        let is_last_settled =
            attempt > 0 && attempt == entry.settled_attempt() && worker == entry.settled_by;
        match entry.settled {
            Settled::Never | Settled::Lost => Standing::Stale,
            how if is_last_settled => Standing::Settled(no, how),
            _ => Standing::Stale,
        }
    }
}
