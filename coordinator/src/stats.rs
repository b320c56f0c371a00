//! Counters of the shell, for those who watch it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What happened since the process started.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    commits: AtomicU64,
    commit_micros: AtomicU64,
    writes: AtomicU64,
    /// Why nothing can be kept now.
    trouble: Mutex<Option<Arc<str>>>,
}

impl Stats {
    /// A commit of so many events was on disk after so long.
    pub(crate) fn committed(&self, writes: usize, time: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.writes.fetch_add(writes as u64, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.commit_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Why nothing can be kept now, if that is so.
    pub(crate) fn trouble(&self) -> Option<Arc<str>> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.clone()
    }

    /// Something keeps the state from being written, or no longer does.
    pub(crate) fn set_trouble(&self, trouble: Option<&str>) {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *known = trouble.map(Arc::from);
    }

    /// Commits so far, events in them, and the seconds that they took.
    pub(crate) fn commits(&self) -> (u64, u64, f64) {
        let seconds = self.commit_micros.load(Ordering::Relaxed) as f64 * 1e-6;
        let commits = self.commits.load(Ordering::Relaxed);
        (commits, self.writes.load(Ordering::Relaxed), seconds)
    }
}
