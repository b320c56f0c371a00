//! What is removed when room is wanted: old sweeps, by a policy.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use tailsweep_common::id::SweepId;
use tailsweep_proto::wire;
use tailsweep_scheduler::{RunNo, Scheduler};

use crate::store::Reader;

/// A sweep with this tag stays.
const KEEP: &str = "keep";

/// A sweep that is over, and its runs.
pub(super) struct Over {
    id: SweepId,
    name: String,
    runs: Vec<RunNo>,
}

/// The sweeps that may go, the newest first: those that are over and not to be kept, without the
/// newest ones of all.
pub(super) fn candidates(scheduler: &Scheduler, keep_last: u32) -> Vec<Over> {
    let newest_first = scheduler.sweeps().rev().skip(keep_last as usize);
    let over = newest_first
        .filter(|sweep| sweep.is_over && !sweep.tags.iter().any(|tag| tag == KEEP))
        .map(|sweep| Over {
            id: sweep.id,
            name: sweep.name.to_owned(),
            runs: scheduler.runs_of(sweep.id).map(|run| run.no).collect(),
        });
    over.collect()
}

/// Those of them to which nothing has happened for so long.
pub(super) fn idle(
    candidates: Vec<Over>,
    idle_ms: u64,
    reader: &Reader,
) -> rusqlite::Result<Vec<(SweepId, wire::CollectedSweep)>> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let (runs, wishes) = (reader.last_changes()?, reader.last_wishes()?);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let idle = candidates.into_iter().map(|sweep| {
        let last = last_change(&sweep, &runs, &wishes);
        let told = wire::CollectedSweep {
            id: sweep.id.to_string(),
            idle_ms: now.saturating_sub(last).max(0) as u64,
            runs: sweep.runs.len() as u64,
            name: sweep.name,
        };
        (sweep.id, told)
    });
    Ok(idle.filter(|(_, told)| told.idle_ms >= idle_ms).collect())
}

fn last_change(sweep: &Over, runs: &HashMap<RunNo, i64>, wishes: &HashMap<SweepId, i64>) -> i64 {
    let of_runs = sweep.runs.iter().filter_map(|no| runs.get(no));
    of_runs
        .chain(wishes.get(&sweep.id))
        .copied()
        .max()
        .unwrap_or(0)
}
