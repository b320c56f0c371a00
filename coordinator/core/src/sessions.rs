//! The workers as far as they are here: forgotten by a restart, told again by their hello.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::event::RunNo;

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
    /// It has said hello, and its session is not known to be broken.
    pub(crate) connected: bool,
    /// It takes no more leases.
    pub(crate) draining: bool,
    /// Its deadline passed without a word: what it holds may be leased to others.
    pub(crate) silent: bool,
    /// The runs whose current attempt it has.
    pub(crate) held: BTreeSet<RunNo>,
}

impl Session {
    /// Whether it may be given leases at all.
    pub(crate) fn is_usable(&self) -> bool {
        self.connected && !self.draining && !self.silent && self.slots > 0
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
}

/// All workers, the emptiest first.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    sessions: Vec<Session>,
    open: BTreeSet<(Load, WorkerNo)>,
    usable: usize,
    slots: u64,
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
        let before = (
            session.is_usable(),
            session.slots,
            session.is_open(),
            session.load(),
        );
        change(session);
        let after = (
            session.is_usable(),
            session.slots,
            session.is_open(),
            session.load(),
        );
        if before == after {
            return;
        }
        if before.0 {
            self.usable -= 1;
            self.slots -= u64::from(before.1);
        }
        if before.2 {
            self.open.remove(&(before.3, no));
        }
        if after.0 {
            self.usable += 1;
            self.slots += u64::from(after.1);
        }
        if after.2 {
            self.open.insert((after.3, no));
        }
    }

    /// Number of workers that may be given leases.
    pub(crate) fn usable(&self) -> usize {
        self.usable
    }

    /// Sum of their slots.
    pub(crate) fn slots(&self) -> u64 {
        self.slots
    }

    /// The workers with room, the emptiest first, beginning behind `after`.
    pub(crate) fn open(
        &self,
        after: Option<(Load, WorkerNo)>,
    ) -> impl Iterator<Item = (Load, WorkerNo)> + '_ {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.open.range((from, Bound::Unbounded)).copied()
    }

    /// All workers, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (WorkerNo, &Session)> {
        (0..).map(WorkerNo).zip(&self.sessions)
    }

    /// Panics if an order or a sum does not follow from the sessions.
    pub(crate) fn check_invariants(&self) {
        let usable = || self.sessions.iter().filter(|session| session.is_usable());
        assert_eq!(self.usable, usable().count(), "number of usable workers");
        let slots = usable()
            .map(|session| u64::from(session.slots))
            .sum::<u64>();
        assert_eq!(self.slots, slots, "slots of usable workers");
        let open: BTreeSet<_> = self
            .iter()
            .filter(|(_, session)| session.is_open())
            .map(|(no, session)| (session.load(), no))
            .collect();
        assert_eq!(self.open, open, "workers with room");
    }
}
