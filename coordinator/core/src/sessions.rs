//! The workers as far as they are here: forgotten by a restart, told again by their hello.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::event::RunNo;
use crate::ledger::{DatasetNo, Needs, Points};

/// A worker, by the order in which its name was first heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WorkerNo(pub(crate) u32);

/// How full a worker is: 2²⁰ when each slot has a run.
pub(crate) type Load = u64;

/// The load from which on a lease is a prefetch.
pub(crate) const FULL: Load = 1 << 20;

/// What is known of a worker now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    /// Device and instruction set, by number.
    pub(crate) kind: u32,
    /// Runs that it computes at a time.
    pub(crate) slots: u32,
    /// Bytes that its runs may take together; `None`: it does not say.
    pub(crate) memory: Option<u64>,
    /// What it says it is good for, in order.
    pub(crate) labels: Arc<[Arc<str>]>,
    /// It has said hello, and its session is not known to be broken.
    pub(crate) connected: bool,
    /// It takes no more leases.
    pub(crate) draining: bool,
    /// Its deadline passed without a word: what it holds may be leased to others.
    pub(crate) silent: bool,
    /// Failures since it last finished a run.
    pub(crate) failures: u32,
    /// It has finished a run.
    pub(crate) proven: bool,
    /// It failed too often, one time after another: it takes no leases for a while.
    pub(crate) resting: bool,
    /// The runs whose current attempt it has.
    pub(crate) held: BTreeSet<RunNo>,
    /// Bytes that these are predicted to take, with their data sets.
    pub(crate) used: u64,
    /// How many of these are on each data set.
    on: BTreeMap<DatasetNo, u32>,
    /// The data sets of all runs that it was given since its hello.
    seen: BTreeSet<DatasetNo>,
}

impl Session {
    /// Whether it may be given leases at all.
    pub(crate) fn is_usable(&self) -> bool {
        self.connected && !self.draining && !self.silent && !self.resting && self.slots > 0
    }

    /// Whether what it computed last was no failure.
    pub(crate) fn is_sound(&self) -> bool {
        self.is_usable() && self.proven && self.failures == 0
    }

    /// Slots without a run.
    pub(crate) fn idle(&self) -> u64 {
        u64::from(self.slots).saturating_sub(self.held.len() as u64)
    }

    /// Bytes that its runs may take together.
    pub(crate) fn all_memory(&self) -> u64 {
        self.memory.unwrap_or(u64::MAX)
    }

    /// Bytes that further runs may take.
    pub(crate) fn free_memory(&self) -> u64 {
        let free = |memory: u64| memory.saturating_sub(self.used);
        self.memory.map_or(u64::MAX, free)
    }

    /// Bytes that a run would take here: its data set counts unless it is there already.
    pub(crate) fn would_take(&self, needs: Needs, points: &Points) -> u64 {
        let is_here = |dataset: DatasetNo| self.on.contains_key(&dataset);
        let data = if needs.dataset.is_some_and(is_here) {
            0
        } else {
            points.data_bytes(needs)
        };
        needs.memory.saturating_add(data)
    }

    /// Whether it has the data of a run already.
    pub(crate) fn has_data(&self, needs: Needs) -> bool {
        needs
            .dataset
            .is_none_or(|dataset| self.seen.contains(&dataset))
    }

    /// Whether it says all of these of itself.
    pub(crate) fn has_labels(&self, wanted: &[String]) -> bool {
        wanted
            .iter()
            .all(|wanted| self.labels.iter().any(|label| **label == **wanted))
    }

    /// It has the current attempt at a run from now on.
    pub(crate) fn take(&mut self, no: RunNo, needs: Needs, points: &Points) {
        self.used = self.used.saturating_add(self.would_take(needs, points));
        if let Some(dataset) = needs.dataset {
            *self.on.entry(dataset).or_default() += 1;
            self.seen.insert(dataset);
        }
        self.held.insert(no);
    }

    /// It no longer has it.
    pub(crate) fn give(&mut self, no: RunNo, needs: Needs, points: &Points) {
        if !self.held.remove(&no) {
            return;
        }
        if let Some(dataset) = needs.dataset
            && let Some(runs) = self.on.get_mut(&dataset)
        {
            *runs -= 1;
            if *runs == 0 {
                self.on.remove(&dataset);
            }
        }
        self.used = self.used.saturating_sub(self.would_take(needs, points));
    }

    /// It begins anew: its data sets are to be read again.
    pub(crate) fn forget_data(&mut self) {
        self.seen = self.on.keys().copied().collect();
    }

    fn load(&self) -> Load {
        ((self.held.len() as u64) << 20) / u64::from(self.slots.max(1))
    }

    /// Slots and prefetch together: as many again as it has slots, and at least two, so that the
    /// way to the coordinator and its disk is hidden for a worker with one slot, too.
    fn capacity(&self) -> u64 {
        let slots = u64::from(self.slots);
        slots + slots.max(2)
    }

    fn is_open(&self) -> bool {
        self.is_usable() && (self.held.len() as u64) < self.capacity()
    }

    fn standing(&self) -> Standing {
        Standing {
            usable: self.is_usable(),
            slots: self.slots,
            idle: self.idle(),
            open: self.is_open(),
            load: self.load(),
            used: self.used,
        }
    }
}

/// What orders and sums follow from.
#[derive(PartialEq)]
struct Standing {
    usable: bool,
    slots: u32,
    idle: u64,
    open: bool,
    load: Load,
    used: u64,
}

/// All workers, the emptiest first.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    sessions: Vec<Session>,
    /// The usable ones with room.
    open: BTreeSet<(Load, WorkerNo)>,
    /// The usable ones with more runs than slots.
    overfull: BTreeSet<(Load, WorkerNo)>,
    usable: usize,
    slots: u64,
    idle: u64,
    stirred: bool,
}

impl Sessions {
    /// Makes room for workers below `workers`.
    pub(crate) fn grow(&mut self, workers: usize) {
        if workers > self.sessions.len() {
            self.sessions.resize_with(workers, Session::default);
        }
    }

    /// What is known of a worker.
    pub(crate) fn get(&self, no: WorkerNo) -> &Session {
        &self.sessions[no.0 as usize]
    }

    /// Changes what is known of a worker; the only way to do so, so that order and sums follow.
    pub(crate) fn update(&mut self, no: WorkerNo, change: impl FnOnce(&mut Session)) {
        let session = &mut self.sessions[no.0 as usize];
        let before = session.standing();
        change(session);
        let after = session.standing();
        if before == after {
            return;
        }
        self.stirred = true;
        if before.usable {
            self.usable -= 1;
            self.slots -= u64::from(before.slots);
            self.idle -= before.idle;
            self.overfull.remove(&(before.load, no));
        }
        if before.open {
            self.open.remove(&(before.load, no));
        }
        if after.usable {
            self.usable += 1;
            self.slots += u64::from(after.slots);
            self.idle += after.idle;
            if after.load > FULL {
                self.overfull.insert((after.load, no));
            }
        }
        if after.open {
            self.open.insert((after.load, no));
        }
    }

    /// Something changed that orders and sums do not show.
    pub(crate) fn stir(&mut self) {
        self.stirred = true;
    }

    /// Whether anything changed since the last time that this was asked.
    pub(crate) fn take_stirred(&mut self) -> bool {
        std::mem::take(&mut self.stirred)
    }

    /// Number of workers that may be given leases.
    pub(crate) fn usable(&self) -> usize {
        self.usable
    }

    /// Sum of their slots.
    pub(crate) fn slots(&self) -> u64 {
        self.slots
    }

    /// Sum of their slots without a run.
    pub(crate) fn idle(&self) -> u64 {
        self.idle
    }

    /// The workers with room, the emptiest first, beginning behind `after`.
    pub(crate) fn open(
        &self,
        after: Option<(Load, WorkerNo)>,
    ) -> impl Iterator<Item = (Load, WorkerNo)> + '_ {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.open.range((from, Bound::Unbounded)).copied()
    }

    /// The workers that have more runs than slots, the fullest first.
    pub(crate) fn overfull(&self) -> impl Iterator<Item = WorkerNo> + '_ {
        self.overfull.iter().rev().map(|(_, worker)| *worker)
    }

    /// All workers, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (WorkerNo, &Session)> {
        (0..).map(WorkerNo).zip(&self.sessions)
    }

    /// Panics if an order or a sum does not follow from the sessions.
    pub(crate) fn check_invariants(&self, needs: impl Fn(RunNo) -> Needs, points: &Points) {
        let usable = || self.sessions.iter().filter(|session| session.is_usable());
        assert_eq!(self.usable, usable().count(), "number of usable workers");
        let slots = usable()
            .map(|session| u64::from(session.slots))
            .sum::<u64>();
        assert_eq!(self.slots, slots, "slots of usable workers");
        let idle = usable().map(Session::idle).sum::<u64>();
        assert_eq!(self.idle, idle, "idle slots of usable workers");
        let chosen = |choose: fn(&Session) -> bool| -> BTreeSet<_> {
            self.iter()
                .filter(|(_, session)| choose(session))
                .map(|(no, session)| (session.load(), no))
                .collect()
        };
        assert_eq!(self.open, chosen(Session::is_open), "workers with room");
        assert_eq!(
            self.overfull,
            chosen(|session| session.is_usable() && session.load() > FULL),
            "workers with more runs than slots"
        );
        for (no, session) in self.iter() {
            let mut on: BTreeMap<DatasetNo, u32> = BTreeMap::new();
            let mut used = 0;
            for needs in session.held.iter().map(|run| needs(*run)) {
                used += needs.memory;
                if let Some(dataset) = needs.dataset {
                    let runs = on.entry(dataset).or_default();
                    used += if *runs == 0 {
                        points.data_bytes(needs)
                    } else {
                        0
                    };
                    *runs += 1;
                }
            }
            assert_eq!((&session.on, session.used), (&on, used), "memory of {no:?}");
        }
    }
}
