//! Deadlines as data: at most one for each key.

use std::collections::{BTreeMap, BTreeSet};

use crate::tick::Tick;

/// Keys with a deadline, the earliest first.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    order: BTreeSet<(Tick, K)>,
    due: BTreeMap<K, Tick>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self {
            order: BTreeSet::new(),
            due: BTreeMap::new(),
        }
    }
}

impl<K: Copy + Ord> Timers<K> {
    /// Sets the deadline of `key`, in place of an earlier one.
    pub(crate) fn set(&mut self, key: K, at: Tick) {
        if let Some(before) = self.due.insert(key, at) {
            self.order.remove(&(before, key));
        }
        self.order.insert((at, key));
    }

    /// Forgets the deadline of `key`.
    pub(crate) fn remove(&mut self, key: K) {
        if let Some(before) = self.due.remove(&key) {
            self.order.remove(&(before, key));
        }
    }

    /// The deadline of `key`.
    pub(crate) fn get(&self, key: K) -> Option<Tick> {
        self.due.get(&key).copied()
    }

    /// The key whose deadline is the earliest.
    pub(crate) fn any(&self) -> Option<K> {
        self.order.first().map(|(_, key)| *key)
    }

    /// The earliest deadline.
    pub(crate) fn first(&self) -> Option<Tick> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes out one key whose deadline is not after `now`, the earliest first.
    pub(crate) fn pop_due(&mut self, now: Tick) -> Option<K> {
        let (at, key) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.remove(key);
        Some(key)
    }

    /// Moves every earlier deadline to `at`.
    pub(crate) fn not_before(&mut self, at: Tick) {
        for due in self.due.values_mut() {
            *due = at.max(*due);
        }
        self.order = self.due.iter().map(|(key, at)| (*at, *key)).collect();
    }
}
