//! Results of other coordinators.
//!
//! An imported result is an attempt like any other, by a worker of the name [`IMPORT`]: leased,
//! begun, recorded and finished in one go. So fencing, kinds and `[stop]` need to know nothing of it.

use std::sync::Arc;

use super::Scheduler;
use crate::event::{Event, RunEvent};
use crate::input::{Imported, Refusal, WorkerId};
use crate::ledger::Stage;

/// The name under which imported results stand among attempts.
const IMPORT: &str = "import";

impl Scheduler {
    pub(super) fn import(&mut self, imported: Imported) -> Result<(), Refusal> {
        let Imported {
            run: id,
            kind,
            ending,
            nondeterministic,
            records,
        } = imported;
        let mut known = self.ledger.run_no(id).into_iter();
        let no = known.find(|no| {
            let mut sweeps = self.ledger.sweeps_of(*no);
            sweeps.any(|sweep| !self.ledger.sweep(sweep).removed)
        });
        let no = no.ok_or(Refusal::UnknownRun(id))?;
        if matches!(
            self.ledger.entry(no).stage,
            Stage::Done { .. } | Stage::Diverged
        ) {
            return Ok(());
        }
        self.take_back_held(no);
        let worker = WorkerId::from(IMPORT);
        self.ledger.workers.intern(&worker);
        self.grow();
        let entry = self.ledger.entry(no);
        let attempt = entry.attempt + 1;
        // Records of a part of the run would stand beside the imported ones.
        let discard = entry.made_by.is_some();
        let kind = Arc::clone(&kind);
        self.emit_run(
            no,
            RunEvent::Leased {
                attempt,
                worker,
                kind,
            },
        );
        self.emit_run(no, RunEvent::Started { attempt, discard });
        for (step, payload) in records {
            self.emit(Event::Recorded {
                run: no,
                step,
                payload,
            });
        }
        self.emit_run(no, RunEvent::Finished { attempt, ending });
        if nondeterministic {
            self.emit_run(no, RunEvent::Differed);
        }
        self.look_at_points_of(no);
        Ok(())
    }
}
