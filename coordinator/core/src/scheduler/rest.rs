//! Workers that fail again and again.
//!
//! A worker whose disk, memory or installation is broken would fail every run that it gets, and get
//! more than others because it is soon free again. After some failures in a row it rests: it gets no
//! runs for a while, and is asked for what it has not begun. It does so only while another worker
//! finishes what it gets; where all fail, the runs are to blame, and their attempts are counted.

use tailsweep_common::state::Reason;

use super::Scheduler;
use crate::sessions::WorkerNo;

impl Scheduler {
    /// An attempt failed on a worker.
    pub(super) fn count_failure(&mut self, worker: WorkerNo, reason: Reason) {
        if reason == Reason::TimeLimit {
            return; // the run's own
        }
        self.sessions
            .update(worker, |session| session.failures += 1);
        let session = self.sessions.get(worker);
        let others_do_better = || {
            let mut all = self.sessions.iter();
            all.any(|(other, session)| other != worker && session.is_sound())
        };
        if session.resting || session.failures < self.config.worker_failures || !others_do_better()
        {
            return;
        }
        let held: Vec<_> = session.held.iter().copied().collect();
        self.sessions
            .update(worker, |session| session.resting = true);
        self.resting.set(worker, self.now() + self.config.rest);
        for no in held {
            self.ask_for(no, worker);
        }
    }

    /// A worker finished a run.
    pub(super) fn forgive(&mut self, worker: WorkerNo) {
        self.sessions.update(worker, |session| {
            session.failures = 0;
            session.proven = true;
        });
    }

    /// It may try again; the next failure is one too many.
    pub(super) fn end_rest(&mut self, worker: WorkerNo) {
        self.resting.remove(worker);
        let most = self.config.worker_failures.saturating_sub(1);
        self.sessions.update(worker, |session| {
            session.resting = false;
            session.failures = session.failures.min(most);
        });
    }

    /// Nobody else is here any more: better a worker that fails than none.
    pub(super) fn wake_the_last(&mut self) {
        while self.sessions.usable() == 0
            && let Some(worker) = self.resting.any()
        {
            self.end_rest(worker);
        }
    }
}
