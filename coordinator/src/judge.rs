//! What finished runs say of their points, for `[stop]`: their records are read beside the driver,
//! some at a time.

use std::collections::VecDeque;

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

/// What is to be read, and what is being read.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    waiting: VecDeque<(RunNo, Attempt)>,
    reading: Option<JoinHandle<Vec<Input>>>,
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
        let read_all = move || {
            let read = |(run, attempt)| read(&reader, run, attempt);
            runs.into_iter().filter_map(read).collect()
        };
        self.reading = Some(tokio::task::spawn_blocking(read_all));
    }

    /// Completes when what was being read has been: one [`Input::Judged`] for each run.
    pub(crate) async fn next(&mut self) -> Vec<Input> {
        match &mut self.reading {
            Some(reading) => {
                let read = reading.await;
                self.reading = None;
                // A panic was reported where it happened; the seeds are then all computed.
                read.unwrap_or_default()
            }
            None => std::future::pending().await,
        }
    }
}

/// `None` if the records can't be read: then all seeds of the point are computed.
fn read(reader: &Reader, run: RunNo, attempt: Attempt) -> Option<Input> {
    let measurements = measurements(reader, run)
        .inspect_err(|problem| warn!(run = run.0, problem, "can't read a finished run"))
        .ok()?;
    let late = late::within_coordinate(&measurements);
    Some(Input::Judged { run, attempt, late })
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
