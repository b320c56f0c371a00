//! What users want: sweeps begin, go on and stop.

use std::sync::Arc;

use tailsweep_common::id::SweepId;
use tailsweep_common::state::{Reason, RunState};
use tailsweep_common::sweep::Sweep;

use super::Scheduler;
use crate::event::{Event, RunEvent, RunNo, SweepEvent};
use crate::input::Refusal;
use crate::ledger::{Stage, SweepNo};

impl Scheduler {
    pub(super) fn submit(&mut self, sweep: Arc<Sweep>) -> Result<(), Refusal> {
        if self.ledger.sweep_no(sweep.id).is_some() {
            return Ok(());
        }
        if !self.ledger.has_numbers_for(sweep.len()) {
            return Err(Refusal::TooManyRuns);
        }
        let id = sweep.id;
        self.emit(Event::Submitted(sweep));
        if let Some(no) = self.ledger.sweep_no(id) {
            self.reopen_failed(no);
        }
        Ok(())
    }

    pub(super) fn retry(&mut self, id: SweepId) -> Result<(), Refusal> {
        let no = self.ledger.sweep_no(id).ok_or(Refusal::UnknownSweep(id))?;
        self.reopen_failed(no);
        if self.ledger.sweep(no).stopped.is_some() {
            self.emit(Event::Sweep(id, SweepEvent::Resumed));
        }
        Ok(())
    }

    pub(super) fn cancel(&mut self, id: SweepId) -> Result<(), Refusal> {
        let no = self.ledger.sweep_no(id).ok_or(Refusal::UnknownSweep(id))?;
        let is_over = self.sweep(id).is_none_or(|sweep| sweep.is_over);
        if !is_over && self.ledger.sweep(no).stopped.is_none() {
            self.stop(no, Reason::Cancelled);
        }
        Ok(())
    }

    fn reopen_failed(&mut self, sweep: SweepNo) {
        if self.ledger.sweep(sweep).count(RunState::Failed) == 0 {
            return;
        }
        for no in self.ledger.sweep(sweep).runs.clone() {
            if matches!(self.ledger.entry(no).stage, Stage::Failed(_)) {
                self.emit_run(no, RunEvent::Reopened);
            }
        }
    }

    /// A run has failed for good: the sweeps that have had enough of that stop.
    pub(super) fn stop_sweeps_with_too_many_failures(&mut self, no: RunNo) {
        let wanted: Vec<_> = self.ledger.wanted_by(no).collect();
        for sweep in wanted {
            let entry = self.ledger.sweep(sweep);
            let has_enough = entry
                .sweep
                .limits
                .max_failures
                .is_some_and(|most| entry.count(RunState::Failed) >= most);
            // It may have stopped meanwhile, over a run that was written off when another stopped.
            if has_enough && entry.stopped.is_none() {
                self.stop(sweep, Reason::MaxFailures);
            }
        }
    }

    fn stop(&mut self, sweep: SweepNo, reason: Reason) {
        let id = self.ledger.sweep(sweep).sweep.id;
        self.emit(Event::Sweep(id, SweepEvent::Stopped { reason }));
        let held: Vec<_> = self.ledger.sweep(sweep).finishing.iter().copied().collect();
        for no in held {
            if self.ledger.wanted_by(no).next().is_none() {
                self.recall(no);
            }
        }
    }
}
