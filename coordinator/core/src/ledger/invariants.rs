//! What always holds of the durable state.

use super::sweep::place;
use super::{Ledger, Settled, Stage, SweepNo};

impl Ledger {
    /// Panics if a sum or an index does not follow from the runs.
    pub(crate) fn check_invariants(&self) {
        self.check_runs();
        for (index, sweep) in self.sweeps.iter().enumerate() {
            assert_eq!(
                self.sweep_no(sweep.sweep.id).map(SweepNo::index),
                Some(index)
            );
            let (mut counts, mut spare, mut held) = ([0; 6], [0; 6], 0);
            for no in &sweep.runs {
                let stage = self.entry(*no).stage;
                let is_spare = !self.is_needed(*no, SweepNo(index as u32));
                spare[place(stage.state())] += u32::from(is_spare);
                counts[place(stage.state())] += 1;
                held += u32::from(stage.is_held());
                assert!(
                    self.sweeps_of(*no).any(|of| of.index() == index),
                    "sweep of {no:?}"
                );
            }
            let name = &sweep.sweep.name;
            let failures = (0..).zip(&sweep.runs).filter(|(_, no)| {
                let is_given_up = matches!(self.entry(**no).stage, Stage::Failed(_));
                is_given_up || self.message(**no).is_some()
            });
            assert!(
                failures
                    .map(|(place, _)| place)
                    .eq(sweep.failures.iter().copied()),
                "index of failures of sweep `{name}`"
            );
            assert_eq!(sweep.counts, counts, "counts of sweep `{name}`");
            assert_eq!(sweep.spare, spare, "runs that sweep `{name}` does not need");
            assert_eq!(sweep.held, held, "held runs of sweep `{name}`");
            assert!(
                sweep
                    .finishing
                    .iter()
                    .all(|no| self.entry(*no).stage == Stage::Started),
                "finishing runs"
            );
            assert!(
                sweep.stopped.is_some() || sweep.finishing.is_empty(),
                "finishing runs"
            );
        }
    }

    fn check_runs(&self) {
        let held = self.numbered().filter(|(_, entry)| entry.stage.is_held());
        assert!(
            held.map(|(no, _)| no).eq(self.held.iter().copied()),
            "index of held runs"
        );
        for (no, entry) in self.numbered() {
            assert_eq!(self.run_no(entry.id), Some(no), "index of ids");
            assert!(
                self.sweeps_of(no).any(|sweep| sweep.0 == entry.sweep),
                "chain of sweeps"
            );
            assert_eq!(
                entry.settled == Settled::Never,
                entry.settled_attempt() == 0,
                "run {no:?}: attempts without a gap, and each settled before the next"
            );
            assert_eq!(
                matches!(entry.stage, Stage::Done { .. } | Stage::Diverged),
                entry.settled == Settled::Finished,
                "run {no:?}: a result is the end of the last attempt"
            );
        }
    }
}
