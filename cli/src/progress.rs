//! The progress of a sweep on stderr: bars on a terminal, plain lines elsewhere.
//!
//! On a terminal no line is wider than it: one that wraps would be drawn again and again. What tells
//! a run from the others stays longest.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tailsweep_proto::wire::{Counts, RunFailure, RunningRun, SweepStatus};

use crate::terminal::human_time;

/// Runs in computation that are shown.
const MAX_LINES: usize = 8;
/// Between two plain lines.
const PLAIN_PAUSE: Duration = Duration::from_secs(2);
/// Between two plain lines while no run ends: then with the runs in computation.
const STILL_PAUSE: Duration = Duration::from_secs(30);
/// Columns of the bar, where there is room for it and its message.
const BAR: usize = 30;
/// Columns between the bar and its message.
const PERCENT: usize = 7;
/// Columns of a message such as `2.5 runs/min, 80 min left`.
const AHEAD: usize = 27;
/// Columns before the line of a run.
const INDENT: usize = 2;
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
    /// What is left of the display once the sweep is over.
    outcome: Option<String>,
    /// That of the first rate, for all of them: numbers of one unit can be compared.
    unit: Option<Unit>,
    workers: Workers,
}

/// Where the workers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workers {
    /// In this process: they have numbers.
    Here,
    /// Elsewhere: they have names, and it is said when there is none.
    Elsewhere,
}

/// How fast runs end.
#[derive(Clone, Copy, Debug)]
struct Pace {
    per_second: f64,
    left: Duration,
}

#[derive(Debug)]
enum Look {
    Bars {
        all: MultiProgress,
        head: ProgressBar,
        overall: ProgressBar,
        lines: Vec<ProgressBar>,
    },
    Plain {
        last: Option<(Instant, u64)>,
    },
}

impl Progress {
    /// A display that shows nothing yet.
    pub(crate) fn start(workers: Workers) -> Self {
        let look = if io::stderr().is_terminal() {
            let all = MultiProgress::new();
            let head = all.add(ProgressBar::new_spinner().with_style(style("{msg}")));
            let overall = all.add(ProgressBar::new(0));
            Look::Bars {
                all,
                head,
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
            outcome: None,
            unit: None,
            workers,
        }
    }

    /// Shows a new status.
    pub(crate) fn show(&mut self, status: &SweepStatus) {
        let counts = status.runs.unwrap_or_default();
        let (over, total) = (over(&counts), total(&counts));
        let within: f64 = status.running.iter().map(fraction).sum();
        let at_start = *self.over_at_start.get_or_insert(over);
        let pace = self.pace(
            (over - at_start) as f64 + within,
            (total - over) as f64 - within,
        );
        let counted = counts_text(status, &counts, over, total);
        let pace = pace.filter(|_| !status.over);
        if let Some(pace) = pace.filter(|_| over > at_start) {
            self.unit.get_or_insert(Unit::of(pace.per_second));
        }
        let mut ahead = pace_text(pace, self.unit);
        if self.workers == Workers::Elsewhere && !status.waiting_for.is_empty() {
            ahead.push(status.waiting_for.clone());
        }
        if status.over {
            self.outcome = Some(match over > at_start {
                true => format!("{counted}, after {}", human_time(self.started.elapsed())),
                false => counted.clone(),
            });
        }
        self.tell_failures(status);
        match &mut self.look {
            Look::Bars {
                all,
                head,
                overall,
                lines,
            } => {
                let width = usize::from(Term::stderr().size().1);
                head.set_message(fitted(&status.name, &counted, width));
                let bar = bar_of(width);
                overall.set_style(
                    style(&format!("{{bar:{bar}}} {{percent:>3}}%  {{msg}}")).progress_chars("━╸─"),
                );
                overall.set_length(total * FINE);
                overall.set_position(over * FINE + (within * FINE as f64) as u64);
                overall.set_message(cut(&ahead.join(", "), width.saturating_sub(bar + PERCENT)));
                let width = width.saturating_sub(INDENT);
                let texts = running_lines(status, self.workers, width);
                while lines.len() < texts.len() {
                    let line = all.add(ProgressBar::new_spinner());
                    line.set_style(style("  {msg}"));
                    lines.push(line);
                }
                for line in lines.drain(texts.len()..) {
                    line.finish_and_clear();
                    all.remove(&line);
                }
                for (line, text) in lines.iter().zip(texts) {
                    line.set_message(text);
                    line.tick();
                }
            }
            Look::Plain { last } => {
                let text = [vec![counted], ahead].concat().join(", ");
                let due = last.is_none_or(|(when, _)| when.elapsed() >= PLAIN_PAUSE);
                let moved = last.is_none_or(|(_, before)| before != over);
                let still = last.is_some_and(|(when, _)| when.elapsed() >= STILL_PAUSE);
                if (due && moved) || still || status.over {
                    eprintln!("{text}");
                    if still && !moved {
                        for line in running_lines(status, self.workers, usize::MAX) {
                            eprintln!("  {line}");
                        }
                    }
                    *last = Some((Instant::now(), over));
                }
            }
        }
    }

    /// Takes the display off the terminal.
    pub(crate) fn finish(self) {
        if let Look::Bars {
            all,
            head,
            overall,
            lines,
        } = self.look
        {
            for line in lines.into_iter().chain([overall, head]) {
                line.finish_and_clear();
            }
            // What could not be cleared is only cosmetic.
            let _ = all.clear();
            if let Some(outcome) = self.outcome {
                eprintln!("{outcome}");
            }
        }
    }

    /// Since the start; none before there is one.
    fn pace(&self, done: f64, left: f64) -> Option<Pace> {
        let seconds = self.started.elapsed().as_secs_f64();
        if done < 0.5 || left <= 0.0 || seconds <= 0.0 {
            return None;
        }
        Some(Pace {
            per_second: done / seconds,
            left: Duration::try_from_secs_f64(seconds * left / done).ok()?,
        })
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

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is well formed")
}

/// Columns of the bar on a terminal of so many: the time that is left is worth more.
fn bar_of(width: usize) -> usize {
    width.saturating_sub(PERCENT + AHEAD).clamp(4, BAR)
}

/// A line that begins with a name, the name cut first where there is no room.
fn fitted(name: &str, line: &str, width: usize) -> String {
    let rest = line.strip_prefix(name).unwrap_or_default();
    let room = width.saturating_sub(chars(rest)).max(8);
    cut(&(cut(name, room) + rest), width)
}

/// A failure in a line: which run, and why.
pub(crate) fn failure_text(failure: &RunFailure) -> String {
    let mut text = format!(
        "{} ({}) failed at attempt {}",
        failure.label,
        failure.run_id.get(..12).unwrap_or_default(),
        failure.attempt,
    );
    // The lines below are what the worker said before.
    let message = failure.message.lines().next().unwrap_or_default();
    for word in [failure.reason.as_str(), message] {
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

/// How many runs are where.
fn counts_text(status: &SweepStatus, counts: &Counts, over: u64, total: u64) -> String {
    let mut text = format!("{}: {over}/{total} runs", status.name);
    if !status.over {
        text += &format!(", {} in computation", status.running.len());
    }
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
    text
}

/// How fast, and how long still.
fn pace_text(pace: Option<Pace>, unit: Option<Unit>) -> Vec<String> {
    pace.map_or_else(Vec::new, |pace| {
        let unit = unit.unwrap_or(Unit::of(pace.per_second));
        let left = format!("{} left", human_time(pace.left));
        vec![unit.rate(pace.per_second), left]
    })
}

/// What the workers compute, as far as there is room: each line at most `width` wide.
pub(crate) fn running_lines(status: &SweepStatus, whose: Workers, width: usize) -> Vec<String> {
    let worker = |run: &RunningRun| run.worker.clone();
    let workers: BTreeSet<String> = status.running.iter().map(worker).collect();
    let whose = Some(whose).filter(|_| workers.len() > 1);
    let mut lines: Vec<String> = status
        .running
        .iter()
        .take(MAX_LINES)
        .map(|run| run_text(run, whose, width))
        .collect();
    if status.running.len() > MAX_LINES {
        let more = status.running.len() - MAX_LINES;
        lines.push(cut(&format!("… and {more} more in computation"), width));
    }
    lines
}

/// A run in a line: on which worker, if there are several, and how far it is. Where there is no
/// room, the loss goes first, then the worker, then α.
fn run_text(run: &RunningRun, whose: Option<Workers>, width: usize) -> String {
    let progress = run.progress.clone().unwrap_or_default();
    let number = run.worker.rsplit('-').next().unwrap_or_default();
    let worker = whose.map(|workers| match workers {
        Workers::Here => format!("#{number}: "),
        Workers::Elsewhere => format!("{}: ", run.worker),
    });
    let far = format!("{}, step {}/{}", run.label, progress.step, progress.steps);
    let loss = progress.loss.map(|loss| format!(", loss {loss:.4}"));
    let alpha = progress.alpha.map(|alpha| format!(", α {alpha:.3}"));
    let mut parts = [worker, Some(far), loss, alpha];
    let text = |parts: &[Option<String>]| parts.iter().flatten().cloned().collect::<String>();
    for place in [2, 0, 3] {
        if chars(&text(&parts)) > width {
            parts[place] = None;
        }
    }
    cut(&text(&parts), width)
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// The beginning of a text that is too long for its place.
fn cut(text: &str, width: usize) -> String {
    if chars(text) <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain(['…']).collect()
}

/// The time that a rate is for.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Second,
    Minute,
    Hour,
}

impl Unit {
    /// The one in which a rate is a number of a few digits.
    fn of(per_second: f64) -> Self {
        match per_second {
            1.0.. => Self::Second,
            0.05.. => Self::Minute,
            _ => Self::Hour,
        }
    }

    /// Runs in a time for people: `2.5 runs/s`, `12 runs/min`, `3.1 runs/h`.
    fn rate(self, per_second: f64) -> String {
        let (rate, unit) = match self {
            Self::Second => (per_second, "s"),
            Self::Minute => (60.0 * per_second, "min"),
            Self::Hour => (3600.0 * per_second, "h"),
        };
        let decimals = usize::from(rate < 10.0);
        format!("{rate:.decimals$} runs/{unit}")
    }
}

#[cfg(test)]
mod tests {
    use tailsweep_proto::wire::RunProgress;

    use super::*;

    fn running(worker: &str, alpha: Option<f64>) -> RunningRun {
        RunningRun {
            label: "mnist fcn width 32".to_owned(),
            worker: worker.to_owned(),
            progress: Some(RunProgress {
                step: 300,
                steps: 2000,
                loss: Some(0.25),
                alpha,
                ..RunProgress::default()
            }),
        }
    }

    #[test]
    fn a_status_is_one_line_and_one_for_each_run() {
        let mut status = SweepStatus {
            name: "grid".to_owned(),
            running: vec![running("node-1", Some(1.3)), running("node-2", None)],
            ..SweepStatus::default()
        };
        let counts = Counts {
            done: 3,
            failed: 1,
            running: 2,
            waiting: 6,
            ..Counts::default()
        };
        let pace = Pace {
            per_second: 0.1,
            left: Duration::from_secs(80),
        };
        let mut text = vec![counts_text(&status, &counts, over(&counts), total(&counts))];
        text.extend(pace_text(Some(pace), None));
        assert_eq!(
            text.join(", "),
            "grid: 4/12 runs, 2 in computation, 1 failed, 6.0 runs/min, 80 s left"
        );
        assert_eq!(
            running_lines(&status, Workers::Elsewhere, 80),
            [
                "node-1: mnist fcn width 32, step 300/2000, loss 0.2500, α 1.300",
                "node-2: mnist fcn width 32, step 300/2000, loss 0.2500"
            ]
        );
        assert_eq!(
            running_lines(&status, Workers::Here, 80)[1],
            "#2: mnist fcn width 32, step 300/2000, loss 0.2500"
        );
        status.running = vec![running("node", None); 30];
        let lines = running_lines(&status, Workers::Elsewhere, 80);
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert_eq!(lines[0], "mnist fcn width 32, step 300/2000, loss 0.2500");
        assert_eq!(lines[MAX_LINES], "… and 22 more in computation");
    }

    #[test]
    fn a_narrow_terminal_keeps_what_tells_runs_apart() {
        let run = running("node-1", Some(1.3));
        let text = |width| run_text(&run, Some(Workers::Elsewhere), width);
        assert_eq!(
            text(70),
            "node-1: mnist fcn width 32, step 300/2000, loss 0.2500, α 1.300"
        );
        assert_eq!(
            text(55),
            "node-1: mnist fcn width 32, step 300/2000, α 1.300"
        );
        assert_eq!(text(45), "mnist fcn width 32, step 300/2000, α 1.300");
        assert_eq!(text(35), "mnist fcn width 32, step 300/2000");
        assert_eq!(text(15), "mnist fcn widt…");
        for width in [0, 1, 10, 40, 60] {
            assert!(chars(&text(width)) <= width.max(1), "{width}");
        }
    }

    #[test]
    fn a_narrow_terminal_keeps_the_counts_and_the_time_left() {
        let line = "a-name-that-says-it-all: 2/4 runs, 1 failed";
        let name = "a-name-that-says-it-all";
        assert_eq!(fitted(name, line, 80), line);
        assert_eq!(
            fitted(name, line, 40),
            "a-name-that-says-it…: 2/4 runs, 1 failed"
        );
        assert_eq!(fitted(name, line, 20), "a-name-…: 2/4 runs,…");
        assert_eq!((bar_of(80), bar_of(40), bar_of(20)), (30, 6, 4));
    }

    #[test]
    fn rates_are_written_for_people_in_one_unit() {
        let rate = |per_second| Unit::of(per_second).rate(per_second);
        assert_eq!(rate(25.0), "25 runs/s");
        assert_eq!(rate(0.2), "12 runs/min");
        assert_eq!(rate(0.001), "3.6 runs/h");
        assert_eq!(Unit::of(0.9).rate(1.1), "66 runs/min");
    }
}
