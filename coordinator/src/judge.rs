//! What finished runs say of their points, for `[stop]`: their records are read beside the driver,
//! some at a time. Each run that is asked for gets an answer, also where reading fails: its sweep
//! waits for it.

use std::collections::VecDeque;
use std::thread::sleep;
use std::time::Duration;

use prost::Message as _;
use tailsweep_common::measurement::Measurement;
use tailsweep_proto::{WireError, wire};
use tailsweep_report::late;
use tailsweep_scheduler::{Attempt, Input, RunNo};
use tokio::task::JoinHandle;
use tracing::warn;

use crate::store::Reader;

/// Runs that are read together.
const TOGETHER: usize = 16;

/// How often the records of a run are tried to read.
const TRIES: u32 = 3;

/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug)]
struct Reading {
    runs: Vec<(RunNo, Attempt)>,
    read: JoinHandle<Vec<Input>>,
}

/// What is to be read, and what is being read.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    waiting: VecDeque<(RunNo, Attempt)>,
    reading: Option<Reading>,
}

impl Judge {
    /// Asks for a finished run whose end is durable.
    pub(crate) fn ask(&mut self, run: RunNo, attempt: Attempt) {
        self.waiting.push_back((run, attempt));
    }

    /// Begins to read what waits, unless something is being read.
    pub(crate) fn go_on(&mut self, reader: &Reader) {
        if self.reading.is_some() || self.waiting.is_empty() {
            return;
        }
        let most = self.waiting.len().min(TOGETHER);
        let runs: Vec<_> = self.waiting.drain(..most).collect();
        let reader = reader.clone();
        let asked = runs.clone();
        let read_all = move || {
            let read = |(run, attempt)| read(&reader, run, attempt);
            asked.into_iter().map(read).collect()
        };
        let read = tokio::task::spawn_blocking(read_all);
        self.reading = Some(Reading { runs, read });
    }

    /// Completes when what was being read has been: one [`Input::Judged`] or [`Input::Unjudged`]
    /// for each run.
    pub(crate) async fn next(&mut self) -> Vec<Input> {
        let Some(reading) = &mut self.reading else {
            return std::future::pending().await;
        };
        let read = (&mut reading.read).await;
        let runs = std::mem::take(&mut reading.runs);
        self.reading = None;
        // A panic was reported where it happened.
        read.unwrap_or_else(|_| {
            let unjudged = |(run, attempt)| Input::Unjudged { run, attempt };
            runs.into_iter().map(unjudged).collect()
        })
    }
}

/// If the records can't be read, all seeds of the point are computed.
fn read(reader: &Reader, run: RunNo, attempt: Attempt) -> Input {
    for tried in 1..=TRIES {
        match measurements(reader, run) {
            Ok(measurements) => {
                let late = late::within_coordinate(&measurements);
                return Input::Judged { run, attempt, late };
            }
            Err(problem) => warn!(run = run.0, problem, "can't read a finished run"),
        }
        if tried < TRIES {
            sleep(PAUSE);
        }
    }
    Input::Unjudged { run, attempt }
}

fn measurements(reader: &Reader, run: RunNo) -> Result<Vec<Measurement>, String> {
    let records = reader.records().map_err(|problem| problem.to_string())?;
    let payloads = records.of(run).map_err(|problem| problem.to_string())?;
    let decode = |payload: Vec<u8>| {
        let measurement =
            wire::Measurement::decode(&payload[..]).map_err(|problem| problem.to_string())?;
        Measurement::try_from(measurement).map_err(|problem: WireError| problem.to_string())
    };
    payloads.into_iter().map(decode).collect()
}
