//! `[stop]`: when a point is known well enough.
//!
//! The seeds of a point are looked at in the order of the file. It ends at the smallest prefix, of
//! at least three seeds with a value, whose combined interval of late `within_coordinate` α is
//! narrow enough. Only finished runs are looked at, and nothing behind one that is not: so the
//! decision follows from the results alone, whoever made them and in whatever order they came. A
//! diverged run has no value and is passed over; a failed one may still get a result and holds the
//! decision up. While the shell still reads what a finished run says, its sweeps are not over:
//! nobody takes their tables for final before it is known which seeds belong to them.

use tailsweep_stats::late::{Seed, pool};

use super::Scheduler;
use crate::event::{Event, RunEvent, RunNo, SweepEvent};
use crate::input::{Action, Attempt};
use crate::ledger::{Stage, SweepNo};

/// Seeds with a value that a point has at least.
pub(super) const FEWEST: u32 = 3;

impl Scheduler {
    /// A run is finished: a sweep that stops early wants to know what it says.
    pub(super) fn ask_what_it_says(&mut self, no: RunNo) {
        let entry = self.ledger.entry(no);
        if matches!(entry.stage, Stage::Done { .. })
            && self.ledger.judged(no).is_none()
            && self.ledger.asking_for(no).next().is_some()
        {
            let attempt = entry.attempt;
            self.judging.insert(no, attempt);
            self.say(Action::Judge(no, attempt));
        }
    }

    /// Whether what a finished run of a sweep says of its point is still being read.
    pub(crate) fn is_deciding(&self, sweep: SweepNo) -> bool {
        let asks = |no: &RunNo| {
            self.ledger
                .asking_for(*no)
                .any(|(asking, _)| asking == sweep)
        };
        self.judging.keys().any(asks)
    }

    /// Nobody waits for what this attempt says any more.
    pub(super) fn stop_waiting_for(&mut self, no: RunNo, attempt: Attempt) {
        if self.judging.get(&no) == Some(&attempt) {
            self.judging.remove(&no);
        }
    }

    pub(super) fn judged(&mut self, no: RunNo, attempt: Attempt, late: Option<Seed>) {
        self.stop_waiting_for(no, attempt);
        let is_so = (no.0 as usize) < self.ledger.len() && {
            let entry = self.ledger.entry(no);
            matches!(entry.stage, Stage::Done { .. }) && entry.attempt == attempt
        };
        if is_so && self.ledger.judged(no).is_none() {
            self.emit_run(no, RunEvent::Judged { attempt, late });
        }
        if is_so {
            self.look_at_points_of(no);
        }
    }

    /// Ends the points of a run that are known well enough now.
    pub(super) fn look_at_points_of(&mut self, no: RunNo) {
        let asking: Vec<(SweepNo, u32)> = self.ledger.asking_for(no).collect();
        for (sweep, point) in asking {
            if let Some(seeds) = self.enough(sweep, point) {
                let id = self.ledger.sweep(sweep).sweep.id;
                self.emit(Event::Sweep(id, SweepEvent::Enough { point, seeds }));
                self.take_back_spare(sweep, point, seeds);
            }
        }
    }

    /// A sweep that stops early begins: what is known already may be enough.
    pub(super) fn look_at_all_points(&mut self, sweep: SweepNo) {
        if self.ledger.sweep(sweep).sweep.stop.is_none() {
            return;
        }
        for no in self.ledger.sweep(sweep).runs.clone() {
            self.ask_what_it_says(no);
            if self.ledger.judged(no).is_some() {
                self.look_at_points_of(no);
            }
        }
    }

    /// How many of its first seeds a point needs, if that is known and fewer than all.
    fn enough(&self, sweep: SweepNo, point: u32) -> Option<u32> {
        let entry = self.ledger.sweep(sweep);
        let widest = entry.sweep.stop?.alpha_ci;
        let (all, first) = (entry.seeds(), point.checked_mul(entry.seeds())?);
        let mut said: Vec<Seed> = Vec::new();
        for place in 0..all {
            let no = *entry.runs.get((first + place) as usize)?;
            match self.ledger.entry(no).stage {
                Stage::Done { .. } => said.extend(self.ledger.judged(no)?),
                Stage::Diverged => {}
                _ => return None,
            }
            let is_enough = || {
                let [low, high] = pool(&said).interval?;
                Some((high - low) / 2.0 <= widest)
            };
            let seeds = place + 1;
            if seeds < all && said.len() >= FEWEST as usize && is_enough() == Some(true) {
                return Some(seeds);
            }
        }
        None
    }

    fn take_back_spare(&mut self, sweep: SweepNo, point: u32, seeds: u32) {
        let entry = self.ledger.sweep(sweep);
        let (all, first) = (entry.seeds() as usize, (point * entry.seeds()) as usize);
        let spare = entry.runs.get(first + seeds as usize..first + all);
        for no in spare.unwrap_or_default().to_vec() {
            if self.ledger.wanted_by(no).next().is_none() {
                self.take_back_held(no);
            }
        }
    }
}
