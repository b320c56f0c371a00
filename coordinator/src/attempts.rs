//! What became of the attempts at a run, as the journal tells it.

use std::sync::Arc;

use serde::Serialize;
use tailsweep_common::state::Reason;
use tailsweep_scheduler::event::RunEvent;

/// One attempt.
#[derive(Debug, Serialize)]
pub(crate) struct Attempt {
    pub(crate) attempt: u32,
    pub(crate) worker: Arc<str>,
    pub(crate) kind: Arc<str>,
    /// What happened to it, and when (milliseconds of the Unix epoch).
    pub(crate) events: Vec<(i64, &'static str)>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
    /// What the trainer said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

/// Adds what an event tells. Attempts follow one another: what is told is of the latest one.
pub(crate) fn tell(attempts: &mut Vec<Attempt>, at_ms: i64, event: RunEvent) {
    let word = match event {
        RunEvent::Leased {
            attempt,
            worker,
            kind,
        } => {
            let events = vec![(at_ms, "leased")];
            attempts.push(Attempt {
                attempt,
                worker,
                kind,
                events,
                reason: None,
                message: None,
            });
            return;
        }
        RunEvent::Started { .. } => "started",
        RunEvent::Finished { .. } => "finished",
        RunEvent::Failed {
            reason, message, ..
        } => {
            if let Some(attempt) = attempts.last_mut() {
                attempt.reason = Some(reason);
                attempt.message = Some(message);
            }
            "failed"
        }
        RunEvent::Lost { .. } => {
            if let Some(attempt) = attempts.last_mut() {
                attempt.reason = Some(Reason::Lost);
            }
            "lost"
        }
        RunEvent::HandedBack { .. } => "handed_back",
        RunEvent::Judged { .. } => return,
        RunEvent::Differed => "differed",
        RunEvent::Reopened => "reopened",
    };
    if let Some(attempt) = attempts.last_mut() {
        attempt.events.push((at_ms, word));
    }
}
