//! Counters of the shell, for those who watch it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What happened since the process started.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    commits: AtomicU64,
    commit_micros: AtomicU64,
    writes: AtomicU64,
}

impl Stats {
    /// A commit of so many events was on disk after so long.
    pub(crate) fn committed(&self, writes: usize, time: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.writes.fetch_add(writes as u64, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.commit_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Commits so far, events in them, and the seconds that they took.
    pub(crate) fn commits(&self) -> (u64, u64, f64) {
        let seconds = self.commit_micros.load(Ordering::Relaxed) as f64 * 1e-6;
        let commits = self.commits.load(Ordering::Relaxed);
        (commits, self.writes.load(Ordering::Relaxed), seconds)
    }
}
