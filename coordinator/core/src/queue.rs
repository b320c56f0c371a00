//! The runs that may be leased now, in the order in which they are.
//!
//! Larger priority first. Of the sweeps of one priority, the one of which workers have the fewest
//! runs is first, so that they share the workers; of equal ones, the earlier one. In a sweep, the
//! run that is predicted to take longest goes first (so that no long run is left for the end),
//! then the lower number. A run that several sweeps want stands once, in the first of them.
//!
//! The line of a sweep is kept apart by the memory that runs take, in powers of two, so that a
//! worker with little memory finds its runs behind any number of larger ones.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::event::RunNo;
use crate::ledger::{Needs, SweepNo};

/// Runs that are looked at for one that suits a worker, for each size and sweep.
const LOOK_AHEAD: usize = 32;

/// A run that is at most so much shorter than the first one may go before it.
const NEARLY_AS_LONG: f32 = 0.5;

/// A sweep's place among the sweeps.
type Rank = (Reverse<i32>, u32, SweepNo);

/// A run's place in its line: how far behind the seeds that its point needs in any case, then its
/// length.
type Item = (u32, Reverse<u32>, RunNo);

/// Runs of a sweep, by the power of two of their memory.
type Line = BTreeMap<u32, BTreeSet<Item>>;

/// How well a run suits a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suits {
    /// Not at all.
    No,
    /// It can be computed there.
    Yes,
    /// And the worker has its data set already.
    Well,
}

/// Runs in order.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    lines: Vec<Line>,
    /// The ranks of the sweeps whose line is not empty.
    order: BTreeSet<Rank>,
    /// Priority of each sweep, and the number of its runs that workers have.
    shares: Vec<(i32, u32)>,
    /// The home of each run that is in the queue, by run number.
    homes: Vec<Option<(SweepNo, u32)>>,
    len: usize,
}

/// Seconds as an ordered number: for the floats that are not negative, the order of the bits is
/// the order of the numbers.
fn ordered(seconds: f32) -> u32 {
    seconds.max(0.0).to_bits()
}

/// All sizes in it are at least 2^size bytes.
fn size(memory: u64) -> u32 {
    memory.max(1).ilog2()
}

impl Queue {
    /// Makes room for runs below `runs` and sweeps below `sweeps`.
    pub(crate) fn grow(&mut self, runs: usize, sweeps: usize) {
        self.homes.resize(runs.max(self.homes.len()), None);
        let sweeps = sweeps.max(self.lines.len());
        self.lines.resize_with(sweeps, Line::default);
        self.shares.resize(sweeps, (0, 0));
    }

    /// Number of runs.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Sets what the rank of a sweep follows from: its priority, and the number of its runs that
    /// workers have.
    pub(crate) fn rank(&mut self, sweep: SweepNo, priority: i32, held: u32) {
        let before = self.rank_of(sweep);
        self.shares[sweep.index()] = (priority, held);
        if self.order.remove(&before) {
            self.order.insert(self.rank_of(sweep));
        }
    }

    /// Puts a run into the line of `home`, or nowhere, wherever it was before.
    pub(crate) fn place(&mut self, no: RunNo, needs: Needs, home: Option<(SweepNo, u32)>) {
        let before = std::mem::replace(&mut self.homes[no.0 as usize], home);
        if before == home {
            return;
        }
        let seconds = Reverse(ordered(needs.seconds));
        let size = size(needs.memory);
        if let Some((before, behind)) = before {
            let item = (behind, seconds, no);
            let line = &mut self.lines[before.index()];
            let of_size = line.get_mut(&size).expect("the run is in this line");
            of_size.remove(&item);
            if of_size.is_empty() {
                line.remove(&size);
            }
            if line.is_empty() {
                let rank = self.rank_of(before);
                self.order.remove(&rank);
            }
            self.len -= 1;
        }
        if let Some((home, behind)) = home {
            let item = (behind, seconds, no);
            let line = &mut self.lines[home.index()];
            line.entry(size).or_default().insert(item);
            let rank = self.rank_of(home);
            self.order.insert(rank);
            self.len += 1;
        }
    }

    /// Where a run stands.
    pub(crate) fn home(&self, no: RunNo) -> Option<(SweepNo, u32)> {
        self.homes[no.0 as usize]
    }

    /// The runs in the line of a sweep.
    pub(crate) fn line(&self, sweep: SweepNo) -> Vec<RunNo> {
        let line = self.lines[sweep.index()].values().flatten();
        line.map(|(.., no)| *no).collect()
    }

    /// The first run for a worker with so much free memory. Of a sweep's runs that suit, it is the
    /// longest, unless one that is nearly as long suits well.
    pub(crate) fn pick(
        &self,
        free_memory: u64,
        mut suits: impl FnMut(RunNo) -> Suits,
    ) -> Option<RunNo> {
        self.order.iter().find_map(|(_, _, sweep)| {
            let mut first: Option<Item> = None;
            let mut good: Option<Item> = None;
            for of_size in self.lines[sweep.index()]
                .range(..=size(free_memory))
                .map(|(_, of_size)| of_size)
            {
                for item in of_size.iter().take(LOOK_AHEAD) {
                    match suits(item.2) {
                        Suits::No => {}
                        Suits::Yes => first = Some(first.map_or(*item, |first| first.min(*item))),
                        Suits::Well => {
                            first = Some(first.map_or(*item, |first| first.min(*item)));
                            good = Some(good.map_or(*item, |good| good.min(*item)));
                            break;
                        }
                    }
                }
            }
            let seconds = |item: &Item| f32::from_bits(item.1.0);
            let first = first?;
            let good = good.filter(|good| {
                good.0 == first.0 && seconds(good) >= NEARLY_AS_LONG * seconds(&first)
            });
            Some(good.unwrap_or(first).2)
        })
    }

    fn rank_of(&self, sweep: SweepNo) -> Rank {
        let (priority, held) = self.shares[sweep.index()];
        (Reverse(priority), held, sweep)
    }

    /// Panics if an order or a sum does not follow from the homes.
    pub(crate) fn check_invariants(&self) {
        let mut runs: Vec<RunNo> = self
            .lines
            .iter()
            .flat_map(BTreeMap::values)
            .flatten()
            .map(|(.., no)| *no)
            .collect();
        runs.sort_unstable();
        let at_home = (0..).map(RunNo).zip(&self.homes);
        let at_home = at_home.filter_map(|(no, home)| home.map(|_| no));
        assert!(at_home.eq(runs.iter().copied()), "runs in the queue");
        assert_eq!(runs.len(), self.len, "length of the queue");
        let busy = (0..self.lines.len() as u32).map(SweepNo);
        let busy = busy.filter(|sweep| !self.lines[sweep.index()].is_empty());
        let order: BTreeSet<Rank> = busy.map(|sweep| self.rank_of(sweep)).collect();
        assert_eq!(self.order, order, "order of the sweeps");
    }

    /// What the rank of a sweep follows from.
    pub(crate) fn share(&self, sweep: SweepNo) -> (i32, u32) {
        self.shares[sweep.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(seconds: f32, memory: u64) -> Needs {
        Needs {
            seconds,
            memory,
            dataset: None,
        }
    }

    /// One sweep; run k takes `runs[k]`.
    fn queue(runs: &[Needs]) -> Queue {
        let mut queue = Queue::default();
        queue.grow(runs.len(), 1);
        for (no, needs) in runs.iter().enumerate() {
            queue.place(RunNo(no as u32), *needs, Some((SweepNo(0), 0)));
        }
        queue.check_invariants();
        queue
    }

    #[test]
    fn a_small_worker_finds_its_run_behind_any_number_of_large_ones() {
        let mut runs = vec![needs(100.0, 1 << 33); 1000];
        runs.push(needs(1.0, 1 << 20));
        let queue = queue(&runs);
        let fits = |no: RunNo| match runs[no.0 as usize].memory <= 1 << 30 {
            true => Suits::Yes,
            false => Suits::No,
        };
        assert_eq!(queue.pick(1 << 30, fits), Some(RunNo(1000)));
        assert_eq!(queue.pick(1 << 40, |_| Suits::Yes), Some(RunNo(0)));
    }

    #[test]
    fn a_run_that_suits_well_goes_first_if_it_is_nearly_as_long() {
        let runs = [needs(10.0, 1), needs(6.0, 1), needs(1.0, 1)];
        let queue = queue(&runs);
        let only_well = |well: u32| {
            move |no: RunNo| {
                if no == RunNo(well) {
                    Suits::Well
                } else {
                    Suits::Yes
                }
            }
        };
        assert_eq!(queue.pick(1, only_well(1)), Some(RunNo(1)));
        assert_eq!(queue.pick(1, only_well(2)), Some(RunNo(0)));
    }
}
