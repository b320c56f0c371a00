//! The state in numbers, in Prometheus' text format.
//!
//! `tailsweep_queue_depth` is what an autoscaler reads: the runs that a worker could be given now.

use std::fmt::Write as _;

use tailsweep_common::state::RunState;

use crate::driver::View;

/// Sweeps that have lines of their own: the newest of those that go on.
const MAX_SWEEPS: usize = 50;

/// What is told.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    queue_depth: usize,
    writable: bool,
    /// Connected and taking leases, connected and leaving, not connected.
    workers: [usize; 3],
    slots: u64,
    computing: u64,
    prefetched: u64,
    sweeps: Vec<Sweep>,
    sweeps_in_all: usize,
    /// Commits, events in them, seconds.
    pub(super) commits: (u64, u64, f64),
    pub(super) inbox: usize,
    pub(super) refused: u64,
    pub(super) state_bytes: u64,
}

/// A sweep that goes on.
#[derive(Debug)]
struct Sweep {
    id: String,
    name: String,
    runs: Vec<(RunState, u32)>,
}

/// What the core knows.
pub(super) fn of(view: &View<'_>) -> Gauges {
    let mut gauges = Gauges {
        queue_depth: view.scheduler.queued(),
        writable: view.trouble.is_none(),
        ..Gauges::default()
    };
    for worker in view.scheduler.workers() {
        let state = match (worker.connected, worker.draining) {
            (true, false) => 0,
            (true, true) => 1,
            (false, _) => 2,
        };
        gauges.workers[state] += 1;
        if state == 0 {
            gauges.slots += u64::from(worker.slots);
        }
        let computing = worker.held.iter().filter(|held| held.started).count() as u64;
        gauges.computing += computing;
        gauges.prefetched += worker.held.len() as u64 - computing;
    }
    let mut sweeps: Vec<_> = view.scheduler.sweeps().collect();
    gauges.sweeps_in_all = sweeps.len();
    sweeps.reverse();
    let going_on = sweeps
        .iter()
        .filter(|sweep| !sweep.is_over)
        .take(MAX_SWEEPS);
    gauges.sweeps = going_on
        .map(|sweep| {
            let counts = RunState::ALL
                .iter()
                .map(|state| (*state, sweep.counts.of(*state)));
            Sweep {
                id: sweep.id.to_string(),
                name: sweep.name.to_owned(),
                runs: counts.collect(),
            }
        })
        .collect();
    gauges
}

/// The text.
pub(super) fn text(gauges: &Gauges) -> String {
    let mut text = Text::default();
    text.metric("info", "gauge", "the program");
    let version = env!("CARGO_PKG_VERSION");
    text.line("info", &[("version", version)], 1.0);
    text.one(
        "queue_depth",
        "gauge",
        "runs that could be given to a worker now",
        gauges.queue_depth as f64,
    );
    let writable = "whether the state can be written";
    text.one(
        "writable",
        "gauge",
        writable,
        f64::from(u8::from(gauges.writable)),
    );
    text.metric("workers", "gauge", "workers by what they do");
    for (state, count) in ["connected", "leaving", "away"].iter().zip(gauges.workers) {
        text.line("workers", &[("state", state)], count as f64);
    }
    let slots = "runs that all connected workers can compute at a time";
    text.one("slots", "gauge", slots, gauges.slots as f64);
    text.one(
        "computing",
        "gauge",
        "runs in computation",
        gauges.computing as f64,
    );
    let ahead = "runs that wait at a worker";
    text.one("prefetched", "gauge", ahead, gauges.prefetched as f64);
    text.one(
        "sweeps",
        "gauge",
        "sweeps in all",
        gauges.sweeps_in_all as f64,
    );
    text.metric(
        "runs",
        "gauge",
        "runs of the newest sweeps that go on, by state",
    );
    for Sweep { id, name, runs } in &gauges.sweeps {
        for (state, count) in runs {
            let labels = [
                ("sweep", &**id),
                ("name", &**name),
                ("state", state.as_str()),
            ];
            text.line("runs", &labels, f64::from(*count));
        }
    }
    let (commits, events, seconds) = gauges.commits;
    text.one(
        "commits_total",
        "counter",
        "commits to disk",
        commits as f64,
    );
    text.one(
        "events_total",
        "counter",
        "events in these commits",
        events as f64,
    );
    text.one(
        "commit_seconds_total",
        "counter",
        "time until they were on disk",
        seconds,
    );
    text.one(
        "inbox",
        "gauge",
        "requests that wait for the scheduler",
        gauges.inbox as f64,
    );
    let refused = "requests without the credentials that they needed";
    text.one("refused_total", "counter", refused, gauges.refused as f64);
    text.one(
        "state_bytes",
        "gauge",
        "size of the state on disk",
        gauges.state_bytes as f64,
    );
    text.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        self.put(format_args!(
            "# HELP tailsweep_{name} {help}\n# TYPE tailsweep_{name} {kind}\n"
        ));
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escape(value)))
            .collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        self.put(format_args!("tailsweep_{name}{labels} {value}\n"));
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.metric(name, kind, help);
        self.line(name, &[], value);
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        self.0
            .write_fmt(text)
            .expect("a string takes what is written to it");
    }
}

/// The value of a label: backslash, quote and line feed are written with a backslash.
fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_of_the_format() {
        let gauges = Gauges {
            queue_depth: 7,
            workers: [2, 1, 0],
            sweeps: vec![Sweep {
                id: "00ff".to_owned(),
                name: "a \"b\"\n\\".to_owned(),
                runs: vec![(RunState::Waiting, 5)],
            }],
            ..Gauges::default()
        };
        let text = text(&gauges);
        assert!(text.contains("\ntailsweep_queue_depth 7\n"), "{text}");
        assert!(text.contains("tailsweep_workers{state=\"leaving\"} 1\n"));
        let run = r#"tailsweep_runs{sweep="00ff",name="a \"b\"\n\\",state="waiting"} 5"#;
        assert!(text.contains(run), "{text}");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("tailsweep_"), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
}
