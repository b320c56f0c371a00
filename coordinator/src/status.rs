//! What users are told of sweeps and workers: the state of the core in words.

use tailsweep_common::id::{RunId, SweepId};
use tailsweep_common::state::RunState;
use tailsweep_proto::convert::AttemptKey;
use tailsweep_proto::wire;
use tailsweep_scheduler::{Counts, SweepView, Why, WorkerView};

use crate::driver::View;
use crate::explain;

/// Runs in computation that a status names.
const MAX_RUNNING: usize = 64;
/// Runs that are looked at for one that waits.
const LOOKED_AT: usize = 10_000;
/// Failures that a status names.
const MAX_FAILURES: usize = 8;

/// The status of a sweep with its runs in computation and its failures.
pub(crate) fn of_sweep(view: &View<'_>, id: SweepId) -> Option<wire::SweepStatus> {
    let sweep = view.scheduler.sweep(id)?;
    let mut status = brief(&sweep);
    if !sweep.is_over {
        status.running = running(view, id);
        status.waiting_for = waiting_for(view, &sweep);
    }
    status.failures = failures(view, &sweep);
    Some(status)
}

/// The status of a sweep as a line of a list.
pub(crate) fn brief(sweep: &SweepView<'_>) -> wire::SweepStatus {
    let Counts {
        waiting,
        running,
        done,
        diverged,
        failed,
        cancelled,
        not_needed,
    } = sweep.counts;
    wire::SweepStatus {
        id: sweep.id.to_string(),
        name: sweep.name.to_owned(),
        runs: Some(wire::Counts {
            waiting: waiting.into(),
            running: running.into(),
            done: done.into(),
            diverged: diverged.into(),
            failed: failed.into(),
            cancelled: cancelled.into(),
            not_needed: not_needed.into(),
        }),
        over: sweep.is_over,
        stopped: sweep
            .stopped
            .map(|reason| reason.to_string())
            .unwrap_or_default(),
        running: Vec::new(),
        failures: Vec::new(),
        waiting_for: String::new(),
        priority: sweep.priority,
        paused: sweep.paused,
        tags: sweep.tags.to_vec(),
        notes: sweep.notes.to_owned(),
        sizes: None,
        age_ms: None,
    }
}

/// The status of a worker.
pub(crate) fn of_worker(worker: &WorkerView<'_>) -> wire::WorkerStatus {
    let computing = worker.held.iter().filter(|held| held.started).count();
    wire::WorkerStatus {
        id: worker.id.to_string(),
        kind: worker.kind.to_string(),
        slots: worker.slots,
        connected: worker.connected,
        draining: worker.draining,
        computing: computing as u32,
        prefetched: (worker.held.len() - computing) as u32,
        memory: worker.memory,
        memory_used: worker.memory_used,
        resting: worker.resting,
        labels: worker.labels.iter().map(ToString::to_string).collect(),
    }
}

fn running(view: &View<'_>, sweep: SweepId) -> Vec<wire::RunningRun> {
    let belongs = |run: RunId| {
        let no = view.scheduler.run_no(run)?;
        let is_in = view.scheduler.is_in(no, sweep);
        let label = view.scheduler.name_of(no, sweep)?;
        Some((view.scheduler.run(no).filter(|_| is_in)?, label))
    };
    let mut running = Vec::new();
    for worker in view.scheduler.workers().filter(|worker| !worker.silent) {
        let news = view.progress.get(worker.id).map_or(&[][..], Vec::as_slice);
        for held in worker.held.iter().filter(|held| held.started) {
            let Some((run, label)) = belongs(held.run) else {
                continue;
            };
            let key = (held.run, held.attempt);
            let told = news.iter().find(|progress| {
                let told: Option<AttemptKey> = progress
                    .attempt
                    .clone()
                    .and_then(|told| told.try_into().ok());
                told == Some(key)
            });
            let progress = told.cloned().unwrap_or_else(|| wire::RunProgress {
                attempt: Some(wire::AttemptKey::new(held.run, held.attempt)),
                steps: run.point.steps(),
                ..Default::default()
            });
            running.push(wire::RunningRun {
                progress: Some(progress),
                worker: worker.id.to_string(),
                label,
            });
            if running.len() == MAX_RUNNING {
                return running;
            }
        }
    }
    running
}

fn failures(view: &View<'_>, sweep: &SweepView<'_>) -> Vec<wire::RunFailure> {
    if sweep.counts.failed == 0 && sweep.counts.waiting + sweep.counts.running == 0 {
        return Vec::new();
    }
    let runs = view.scheduler.failures_of(sweep.id).take(MAX_FAILURES);
    runs.map(|run| wire::RunFailure {
        run_id: run.id.to_string(),
        label: view.scheduler.name_of(run.no, sweep.id).unwrap_or_default(),
        attempt: run.attempts,
        reason: run
            .reason
            .map(|reason| reason.to_string())
            .unwrap_or_default(),
        message: run.message.unwrap_or_default().to_owned(),
        last: run.state == RunState::Failed,
    })
    .collect()
}

/// Why nothing moves, if nothing does.
fn waiting_for(view: &View<'_>, sweep: &SweepView<'_>) -> String {
    if let Some(trouble) = &view.trouble {
        return format!("the coordinator can't keep anything now: {trouble}");
    }
    if sweep.counts.running > 0 || sweep.counts.waiting == 0 {
        return String::new();
    }
    let mut runs = view.scheduler.runs_of(sweep.id).take(LOOKED_AT);
    let first = runs.find(|run| run.state == RunState::Waiting);
    let why = first.and_then(|run| view.scheduler.why(run.no));
    match why {
        // It is on its way.
        None | Some(Why::Ahead(_)) => String::new(),
        Some(why) => explain::sentence(&why),
    }
}
