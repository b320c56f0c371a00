//! What users are told of single runs.

use std::time::{SystemTime, UNIX_EPOCH};

use tailsweep_common::id::SweepId;
use tailsweep_common::state::RunState;
use tailsweep_proto::wire;
use tailsweep_scheduler::{RunNo, RunView};
use tonic::Status;

use crate::attempts;
use crate::driver::View;
use crate::explain;
use crate::store::Reader;

/// Runs that are looked at for one page: a filter may pass over all of them.
const LOOKED_AT: usize = 20_000;

/// The states of these words.
pub(super) fn states(words: &[String]) -> Result<Vec<RunState>, Status> {
    let state = |word: &String| {
        RunState::from_word(word).ok_or_else(|| {
            let known: Vec<&str> = RunState::ALL.iter().map(|state| state.as_str()).collect();
            let problem = format!("no state `{word}`: write one of {}", known.join(", "));
            Status::invalid_argument(problem)
        })
    };
    words.iter().map(state).collect()
}

/// Some of the runs of a sweep, from `start` in its order on.
pub(super) fn page(
    view: &View<'_>,
    sweep: SweepId,
    states: &[RunState],
    start: usize,
    size: usize,
) -> wire::ListRunsReply {
    let mut reply = wire::ListRunsReply::default();
    let mut runs = view.scheduler.runs_from(sweep, start);
    for place in start..start + LOOKED_AT {
        if reply.runs.len() == size {
            reply.next_page = place.to_string();
            return reply;
        }
        let Some(run) = runs.next() else {
            return reply;
        };
        if states.is_empty() || states.contains(&run.state) {
            reply.runs.push(status(view, sweep, &run));
        }
    }
    if runs.next().is_some() {
        reply.next_page = (start + LOOKED_AT).to_string();
    }
    reply
}

fn status(view: &View<'_>, sweep: SweepId, run: &RunView<'_>) -> wire::RunStatus {
    let known = view.scheduler.run(run.no);
    let news = run.worker.and_then(|worker| view.progress.get(worker));
    let news = news.into_iter().flatten().filter(|told| {
        let told = told.attempt.as_ref();
        run.state == RunState::Running
            && told.is_some_and(|told| {
                told.run_id == run.id.as_bytes() && told.attempt == run.attempts
            })
    });
    let news = news.map(|told| told.step).max();
    wire::RunStatus {
        id: run.id.to_string(),
        label: view.scheduler.name_of(run.no, sweep).unwrap_or_default(),
        state: run.state.to_string(),
        reason: run
            .reason
            .map(|reason| reason.to_string())
            .unwrap_or_default(),
        step: news.unwrap_or(0).max(run.steps),
        steps: known.map_or(0, |run| run.point.steps()),
        attempts: run.attempts,
        worker: run.worker.map(ToString::to_string).unwrap_or_default(),
        taken_over: run.taken_over,
    }
}

/// All that the core knows of a run.
pub(super) fn detail(view: &View<'_>, no: RunNo) -> (RunNo, wire::RunDetail) {
    let scheduler = view.scheduler;
    let sweeps = scheduler.sweeps_of(no);
    let newest = sweeps
        .first()
        .and_then(|(sweep, _)| Some((*sweep, scheduler.run_of(no, *sweep)?)));
    let in_sweep = |(id, taken_over): &(SweepId, bool)| wire::RunInSweep {
        id: id.to_string(),
        name: scheduler
            .sweep(*id)
            .map(|sweep| sweep.name.to_owned())
            .unwrap_or_default(),
        state: scheduler
            .run_of(no, *id)
            .map(|run| run.state.to_string())
            .unwrap_or_default(),
        taken_over: *taken_over,
    };
    let why = scheduler.why(no);
    let (memory, seconds) = scheduler.predicted(no).unwrap_or_default();
    let detail = wire::RunDetail {
        run: newest
            .as_ref()
            .map(|(sweep, run)| status(view, *sweep, run)),
        sweeps: sweeps.iter().map(in_sweep).collect(),
        why: why
            .as_ref()
            .map(|why| explain::word(why).to_owned())
            .unwrap_or_default(),
        explanation: why.as_ref().map(explain::sentence).unwrap_or_default(),
        checkpoint: newest.and_then(|(_, run)| run.checkpoint),
        seconds,
        memory,
        attempts: Vec::new(),
        point: scheduler.run(no).map_or(String::new(), |run| {
            serde_json::to_string(&*run.point).expect("a point is plain data with finite floats")
        }),
        seed: scheduler.run(no).map_or(0, |run| run.seed),
    };
    (no, detail)
}

/// What became of each attempt at a run.
pub(super) fn attempts(reader: &Reader, run: RunNo) -> rusqlite::Result<Vec<wire::AttemptDetail>> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let mut attempts = Vec::new();
    reader.journal_of(run, |at_ms, event| {
        attempts::tell(&mut attempts, at_ms, event)
    })?;
    let detail = |attempt: attempts::Attempt| wire::AttemptDetail {
        attempt: attempt.attempt,
        worker: attempt.worker.to_string(),
        kind: attempt.kind.to_string(),
        events: attempt
            .events
            .iter()
            .map(|(at_ms, what)| wire::AttemptEvent {
                ago_ms: now.saturating_sub(*at_ms).max(0) as u64,
                what: (*what).to_owned(),
            })
            .collect(),
        reason: attempt
            .reason
            .map(|reason| reason.to_string())
            .unwrap_or_default(),
        message: attempt.message.unwrap_or_default(),
    };
    Ok(attempts.into_iter().map(detail).collect())
}
