//! The runs that may be leased now, in the order in which they are.
//!
//! Larger priority first, then the sweep that was submitted earlier, then the run that is
//! predicted to take longest (so that no long run is left for the end), then the lower number. A
//! run that several sweeps want stands once, in the first of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::event::RunNo;
use crate::ledger::SweepNo;

/// A sweep's place among the sweeps.
type Home = (Reverse<i32>, SweepNo);

/// Seconds as an ordered number: for the floats that are not negative, the order of the bits is
/// the order of the numbers.
fn ordered(seconds: f32) -> u32 {
    seconds.max(0.0).to_bits()
}

/// Runs in order.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    lines: BTreeMap<Home, BTreeSet<(Reverse<u32>, RunNo)>>,
    /// The home of each run that is in the queue, by run number.
    homes: Vec<Option<SweepNo>>,
    /// The priority of each sweep, by sweep number.
    priorities: Vec<i32>,
    len: usize,
}

impl Queue {
    /// Makes room for runs below `runs`, and for the sweeps with these priorities.
    pub(crate) fn grow(&mut self, runs: usize, priorities: impl Iterator<Item = i32>) {
        self.homes.resize(runs.max(self.homes.len()), None);
        let known = self.priorities.len();
        self.priorities.extend(priorities.skip(known));
    }

    /// Number of runs.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts a run into the line of `home`, or nowhere, wherever it was before.
    pub(crate) fn place(&mut self, no: RunNo, seconds: f32, home: Option<SweepNo>) {
        let before = std::mem::replace(&mut self.homes[no.0 as usize], home);
        if before == home {
            return;
        }
        let item = (Reverse(ordered(seconds)), no);
        if let Some(before) = before.map(|sweep| self.key(sweep)) {
            let line = self
                .lines
                .get_mut(&before)
                .expect("the run is in this line");
            line.remove(&item);
            if line.is_empty() {
                self.lines.remove(&before);
            }
            self.len -= 1;
        }
        if let Some(home) = home {
            let home = self.key(home);
            self.lines.entry(home).or_default().insert(item);
            self.len += 1;
        }
    }

    /// Where a run stands.
    pub(crate) fn home(&self, no: RunNo) -> Option<SweepNo> {
        self.homes[no.0 as usize]
    }

    /// The runs in the line of a sweep.
    pub(crate) fn line(&self, sweep: SweepNo) -> Vec<RunNo> {
        let line = self.lines.get(&self.key(sweep));
        line.into_iter().flatten().map(|(_, no)| *no).collect()
    }

    /// All runs in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = RunNo> + '_ {
        self.lines.values().flatten().map(|(_, no)| *no)
    }

    fn key(&self, sweep: SweepNo) -> Home {
        (Reverse(self.priorities[sweep.index()]), sweep)
    }
}
