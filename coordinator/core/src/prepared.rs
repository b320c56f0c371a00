//! What takes long to work out of a sweep: the ids of its runs, and what its points are predicted
//! to take.
//!
//! A million runs take seconds, and the task that owns the core has answers to give meanwhile. So
//! the shell works this out on another thread and hands it in before the sweep.

use tailsweep_common::cost;
use tailsweep_common::id::{RunId, SweepId};
use tailsweep_common::sweep::Sweep;

/// What a point is predicted to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Predicted {
    /// Seconds on one core.
    pub(crate) seconds: f32,
    /// Bytes, without the data set.
    pub(crate) memory: u64,
}

/// All that the core would otherwise work out when a sweep comes in.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    pub(crate) sweep: SweepId,
    /// Of its runs, in its order.
    pub(crate) ids: Vec<RunId>,
    /// Of its points.
    pub(crate) costs: Vec<Predicted>,
}

impl Prepared {
    /// Works it out: about a microsecond for each run.
    pub fn new(sweep: &Sweep) -> Self {
        let predicted = |point| {
            let cost = cost::predict(point);
            Predicted {
                seconds: cost.seconds as f32,
                memory: cost.memory_bytes,
            }
        };
        Self {
            sweep: sweep.id,
            ids: sweep.runs().map(|run| run.id()).collect(),
            costs: sweep.points.iter().map(|point| predicted(point)).collect(),
        }
    }

    /// The ids of its runs, in its order.
    pub fn ids(&self) -> &[RunId] {
        &self.ids
    }

    fn fits(&self, sweep: &Sweep) -> bool {
        self.sweep == sweep.id
            && self.ids.len() == sweep.len()
            && self.costs.len() == sweep.points.len()
    }
}

/// What was handed in ahead of its sweep: that of one sweep at a time.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Option<Prepared>);

impl Waiting {
    pub(crate) fn put(&mut self, prepared: Prepared) {
        self.0 = Some(prepared);
    }

    /// The ids of a sweep's runs, if they were handed in.
    pub(crate) fn ids(&self, sweep: &Sweep) -> Option<&[RunId]> {
        let prepared = self.0.as_ref().filter(|prepared| prepared.fits(sweep));
        prepared.map(|prepared| &*prepared.ids)
    }

    /// What was handed in for a sweep; worked out now if nothing was.
    pub(crate) fn take(&mut self, sweep: &Sweep) -> Prepared {
        let handed_in = self.0.take().filter(|prepared| prepared.fits(sweep));
        handed_in.unwrap_or_else(|| Prepared::new(sweep))
    }

    /// Whatever waits belongs to nobody any more.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use tailsweep_common::sweep::parse;

    use super::*;
    use crate::{Config, Input, Scheduler, Tick};

    /// Ids that are not those of the runs show that nobody worked them out again.
    #[test]
    fn the_core_works_out_no_id_that_was_handed_in() {
        let source = "version = 1\nname = \"t\"\nseeds = 3\n[train]\nsteps = 10\n[[block]]\n\
                      dataset = \"mnist-excerpt\"\narchitecture = \"fcn\"\nwidth = 8\ndepth = 2\n\
                      batch_size = 100\nlearning_rate = 0.1\n";
        let sweep = parse(source, "t.toml", &BTreeMap::new()).expect("a right file");
        let mut prepared = Prepared::new(&sweep);
        prepared.ids = (0..3_u8).map(|number| RunId::of(&[number])).collect();
        let marked = prepared.ids.clone();
        let mut core = Scheduler::new(Config::default());
        core.prepare(prepared);
        let taken = core.handle(Tick(0), Input::Submit(Arc::new(sweep.clone())));
        assert_eq!(taken, Ok(()));
        let known: Vec<RunId> = core.runs_of(sweep.id).map(|run| run.id).collect();
        assert_eq!(known, marked);
    }
}
