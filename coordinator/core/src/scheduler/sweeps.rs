//! What users want: sweeps begin, pause, go on, grow and end.

use std::collections::HashSet;
use std::sync::Arc;

use tailsweep_common::id::{RunId, SweepId};
use tailsweep_common::state::{Reason, RunState};
use tailsweep_common::sweep::Sweep;

use super::Scheduler;
use crate::event::{Event, RunEvent, RunNo, SweepEvent};
use crate::input::Refusal;
use crate::ledger::{Stage, SweepNo};

impl Scheduler {
    pub(super) fn submit(&mut self, sweep: Arc<Sweep>) -> Result<(), Refusal> {
        let id = sweep.id;
        match self.ledger.sweep_no(id) {
            Some(known) if self.ledger.sweep(known).removed => {
                self.emit(Event::Sweep(id, SweepEvent::Restored));
            }
            Some(_) => return Ok(()),
            None if self.ledger.has_numbers_for(sweep.len()) => {
                self.emit(Event::Submitted(sweep));
            }
            None => return Err(Refusal::TooManyRuns),
        }
        if let Some(no) = self.ledger.sweep_no(id) {
            self.reopen_failed(no);
            self.look_at_all_points(no);
        }
        Ok(())
    }

    pub(super) fn extend(&mut self, id: SweepId, by: Arc<Sweep>) -> Result<(), Refusal> {
        let no = self.known_sweep(id)?;
        if by.id == id {
            return Ok(());
        }
        if let Some(known) = self.ledger.sweep_no(by.id)
            && self.ledger.sweep(known).replaced_by.is_some()
        {
            return Err(Refusal::Extended(by.id));
        }
        let larger: HashSet<RunId> = match self.ledger.prepared.ids(&by) {
            Some(ids) => ids.iter().copied().collect(),
            None => by.runs().map(|run| run.id()).collect(),
        };
        let runs = &self.ledger.sweep(no).runs;
        let missing = runs
            .iter()
            .filter(|run| !larger.contains(&self.ledger.entry(**run).id))
            .count();
        if missing > 0 {
            let of = runs.len();
            return Err(Refusal::NotAnExtension { missing, of });
        }
        let (by, is_paused) = (by, self.ledger.sweep(no).paused);
        let by_id = by.id;
        self.submit(by)?;
        self.emit(Event::Sweep(id, SweepEvent::Replaced { by: by_id }));
        if is_paused {
            self.pause(by_id)?;
        }
        Ok(())
    }

    pub(super) fn retry(&mut self, id: SweepId, failed_only: bool) -> Result<(), Refusal> {
        let no = self.known_sweep(id)?;
        let stopped = self.ledger.sweep(no).stopped;
        if failed_only && stopped == Some(Reason::Cancelled) {
            return Err(Refusal::Cancelled(id));
        }
        self.reopen_failed(no);
        if stopped.is_some() {
            self.emit(Event::Sweep(id, SweepEvent::Resumed));
        }
        if !failed_only && self.ledger.sweep(no).paused {
            self.emit(Event::Sweep(id, SweepEvent::Unpaused));
        }
        Ok(())
    }

    pub(super) fn cancel(&mut self, id: SweepId) -> Result<(), Refusal> {
        let no = self.known_sweep(id)?;
        let view = self.sweep(id);
        let is_computed = view.is_none_or(|sweep| sweep.is_over || sweep.is_deciding);
        let stopped = self.ledger.sweep(no).stopped;
        if !is_computed && stopped != Some(Reason::Cancelled) {
            self.stop(no, Reason::Cancelled);
        }
        Ok(())
    }

    pub(super) fn pause(&mut self, id: SweepId) -> Result<(), Refusal> {
        let no = self.known_sweep(id)?;
        if self.ledger.sweep(no).paused {
            return Ok(());
        }
        self.emit(Event::Sweep(id, SweepEvent::Paused));
        let is_paused = |scheduler: &Self, run: RunNo| {
            let mut wanted = scheduler.ledger.wanted_by(run);
            wanted.all(|sweep| scheduler.ledger.sweep(sweep).paused)
        };
        for run in self.held_of(no) {
            if is_paused(self, run) {
                self.take_back_unbegun(run);
            }
        }
        Ok(())
    }

    pub(super) fn resume(&mut self, id: SweepId) -> Result<(), Refusal> {
        let no = self.known_sweep(id)?;
        if self.ledger.sweep(no).stopped.is_some() {
            self.emit(Event::Sweep(id, SweepEvent::Resumed));
        }
        if self.ledger.sweep(no).paused {
            self.emit(Event::Sweep(id, SweepEvent::Unpaused));
        }
        Ok(())
    }

    pub(super) fn prioritise(&mut self, id: SweepId, priority: i32) -> Result<(), Refusal> {
        let no = self.known_sweep(id)?;
        if self.ledger.sweep(no).priority != priority {
            self.emit(Event::Sweep(id, SweepEvent::Prioritised { priority }));
        }
        Ok(())
    }

    pub(super) fn annotate(
        &mut self,
        id: SweepId,
        tags: Vec<String>,
        notes: String,
    ) -> Result<(), Refusal> {
        let no = self.known_sweep(id)?;
        let entry = self.ledger.sweep(no);
        if (&entry.tags, &entry.notes) != (&tags, &notes) {
            self.emit(Event::Sweep(id, SweepEvent::Annotated { tags, notes }));
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, id: SweepId) -> Result<(), Refusal> {
        let no = self.known_sweep(id)?;
        // The sweeps that it stands for go first: they have no runs that it lacks.
        let stood_for = self.ledger.sweeps().iter().filter(|entry| {
            let by = entry.replaced_by.filter(|_| !entry.removed);
            by == Some(id) && entry.sweep.id != id
        });
        let stood_for: Vec<SweepId> = stood_for.map(|entry| entry.sweep.id).collect();
        for smaller in stood_for {
            self.remove(smaller)?;
        }
        if self.ledger.sweep(no).stopped != Some(Reason::Cancelled) {
            self.stop(no, Reason::Cancelled);
        }
        let forgotten = self.ledger.only_in(no);
        let removed = SweepEvent::Removed {
            attempts: Some(self.ledger.attempts_at(&forgotten)),
            forgotten,
        };
        self.emit(Event::Sweep(id, removed));
        Ok(())
    }

    fn known_sweep(&self, id: SweepId) -> Result<SweepNo, Refusal> {
        let known = self.ledger.sweep_no(id);
        let known = known.filter(|no| !self.ledger.sweep(*no).removed);
        known.ok_or(Refusal::UnknownSweep(id))
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
        for no in self.held_of(sweep) {
            if self.ledger.wanted_by(no).next().is_none() {
                self.recall(no, reason);
            }
        }
    }

    /// The runs of a sweep that workers have.
    fn held_of(&self, sweep: SweepNo) -> Vec<RunNo> {
        let is_of = |no: &RunNo| self.ledger.sweeps_of(*no).any(|of| of == sweep);
        self.ledger.held().iter().copied().filter(is_of).collect()
    }
}
