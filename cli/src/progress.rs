//! The progress of a sweep on stderr: bars on a terminal, plain lines elsewhere.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tailsweep_proto::wire::{Counts, RunFailure, RunningRun, SweepStatus};

use crate::terminal::human_time;

/// Runs in computation that are shown.
const MAX_LINES: usize = 8;
/// Between two plain lines.
const PLAIN_PAUSE: Duration = Duration::from_secs(2);
/// Steps of the overall bar for each run, so that it moves within runs too.
const FINE: u64 = 1000;

/// The display of one sweep.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    /// Runs that were over when the display began: they say nothing about the rate.
    over_at_start: Option<u64>,
    look: Look,
    /// Failures that were told, by run and attempt.
    told: BTreeSet<(String, u32)>,
    /// Workers come from elsewhere: say so when there is none.
    hints: bool,
}

#[derive(Debug)]
enum Look {
    Bars {
        all: MultiProgress,
        overall: ProgressBar,
        lines: Vec<ProgressBar>,
    },
    Plain {
        last: Option<(Instant, u64)>,
    },
}

impl Progress {
    /// A display that shows nothing yet. `hints`: say it when no worker is connected.
    pub(crate) fn start(hints: bool) -> Self {
        let look = if io::stderr().is_terminal() {
            let all = MultiProgress::new();
            let overall = all.add(ProgressBar::new(0));
            let template = "{bar:30} {percent:>3}%  {msg}";
            overall.set_style(
                ProgressStyle::with_template(template)
                    .expect("the template is well formed")
                    .progress_chars("━╸─"),
            );
            Look::Bars {
                all,
                overall,
                lines: Vec::new(),
            }
        } else {
            Look::Plain { last: None }
        };
        Self {
            started: Instant::now(),
            over_at_start: None,
            look,
            told: BTreeSet::new(),
            hints,
        }
    }

    /// Shows a new status.
    pub(crate) fn show(&mut self, status: &SweepStatus) {
        let counts = status.runs.unwrap_or_default();
        let (over, total) = (over(&counts), total(&counts));
        let within: f64 = status.running.iter().map(fraction).sum();
        let at_start = *self.over_at_start.get_or_insert(over);
        let left = self.time_left(
            (over - at_start) as f64 + within,
            (total - over) as f64 - within,
        );
        let mut text = overall_text(status, &counts, over, total, left);
        if self.hints && !status.waiting_for.is_empty() {
            text += &format!(" ({})", status.waiting_for);
        }
        self.tell_failures(status);
        match &mut self.look {
            Look::Bars {
                all,
                overall,
                lines,
            } => {
                overall.set_length(total * FINE);
                overall.set_position(over * FINE + (within * FINE as f64) as u64);
                overall.set_message(text);
                let shown = status.running.len().min(MAX_LINES);
                while lines.len() < shown {
                    let line = all.add(ProgressBar::new_spinner());
                    line.set_style(
                        ProgressStyle::with_template("  {msg}")
                            .expect("the template is well formed"),
                    );
                    lines.push(line);
                }
                for line in lines.drain(shown..) {
                    line.finish_and_clear();
                    all.remove(&line);
                }
                for (line, run) in lines.iter().zip(&status.running) {
                    line.set_message(run_text(run));
                    line.tick();
                }
            }
            Look::Plain { last } => {
                let due = last.is_none_or(|(when, _)| when.elapsed() >= PLAIN_PAUSE);
                let moved = last.is_none_or(|(_, before)| before != over);
                if (due && moved) || status.over {
                    eprintln!("{text}");
                    *last = Some((Instant::now(), over));
                }
            }
        }
    }

    /// Takes the display off the terminal.
    pub(crate) fn finish(self) {
        if let Look::Bars {
            all,
            overall,
            lines,
        } = self.look
        {
            for line in lines {
                line.finish_and_clear();
            }
            overall.finish_and_clear();
            // What could not be cleared is only cosmetic.
            let _ = all.clear();
        }
    }

    /// From the rate since the start; nothing before there is one.
    fn time_left(&self, done: f64, left: f64) -> Option<Duration> {
        if done < 0.5 || left <= 0.0 {
            return None;
        }
        Duration::try_from_secs_f64(self.started.elapsed().as_secs_f64() * left / done).ok()
    }

    fn tell_failures(&mut self, status: &SweepStatus) {
        for failure in &status.failures {
            if !self.told.insert((failure.run_id.clone(), failure.attempt)) {
                continue;
            }
            let again = if failure.last {
                "given up"
            } else {
                "it is tried again"
            };
            let text = format!("{}; {again}", failure_text(failure));
            match &self.look {
                Look::Bars { all, .. } => {
                    // A terminal that is gone has nobody to tell.
                    let _ = all.println(text);
                }
                Look::Plain { .. } => eprintln!("{text}"),
            }
        }
    }
}

/// A failure in a line: which run, and why.
pub(crate) fn failure_text(failure: &RunFailure) -> String {
    let mut text = format!(
        "{} ({}) failed at attempt {}",
        failure.label,
        failure.run_id.get(..12).unwrap_or_default(),
        failure.attempt,
    );
    for word in [&failure.reason, &failure.message] {
        if !word.is_empty() {
            text += ": ";
            text += word;
        }
    }
    text
}

fn over(counts: &Counts) -> u64 {
    counts.done + counts.diverged + counts.failed + counts.cancelled
}

fn total(counts: &Counts) -> u64 {
    over(counts) + counts.waiting + counts.running
}

fn fraction(run: &RunningRun) -> f64 {
    let progress = run.progress.clone().unwrap_or_default();
    if progress.steps == 0 {
        0.0
    } else {
        (progress.step as f64 / progress.steps as f64).min(1.0)
    }
}

fn overall_text(
    status: &SweepStatus,
    counts: &Counts,
    over: u64,
    total: u64,
    left: Option<Duration>,
) -> String {
    let computing = status.running.len();
    let mut text = format!(
        "{}: {over}/{total} runs, {computing} in computation",
        status.name
    );
    for (count, word) in [
        (counts.diverged, "diverged"),
        (counts.failed, "failed"),
        (counts.cancelled, "cancelled"),
        (counts.not_needed, "not needed"),
    ] {
        if count > 0 {
            text += &format!(", {count} {word}");
        }
    }
    if let Some(left) = left.filter(|_| !status.over) {
        text += &format!(", {} left", human_time(left));
    }
    text
}

fn run_text(run: &RunningRun) -> String {
    let progress = run.progress.clone().unwrap_or_default();
    let mut text = format!("{}: step {}/{}", run.label, progress.step, progress.steps);
    if let Some(loss) = progress.loss {
        text += &format!(", loss {loss:.4}");
    }
    if let Some(alpha) = progress.alpha {
        text += &format!(", α {alpha:.3}");
    }
    text
}
