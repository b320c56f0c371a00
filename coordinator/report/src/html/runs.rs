//! The runs: all of them in a table, and those that need a word.

use tailsweep_common::measurement::Split;
use tailsweep_common::state::{Reason, RunState};

use super::{escaped, table};
use crate::facts::RunFacts;
use crate::lookup::Lookup;
use crate::numbers::{counted, grouped, rounded};

/// Rows of the table of runs that are shown.
const MOST: usize = 300;
/// Exceptions of one kind that are listed one by one.
const MOST_LISTED: usize = 20;

pub(super) fn section(lookup: &Lookup<'_>) -> String {
    let runs = &lookup.facts.runs;
    let head = [
        "Run",
        "Point",
        "Seed",
        "State",
        "Steps",
        "Train loss",
        "Train accuracy",
        "Test loss",
        "Test accuracy",
    ];
    let rows: Vec<Vec<String>> = runs.iter().take(MOST).map(|run| row(lookup, run)).collect();
    let mut html = String::new();
    html.push_str(
        "<p>Losses and accuracies are those of the last measurement. Full ids are in \
         runs.csv.</p>\n",
    );
    html.push_str(&table("cards runs", &head, &rows));
    if runs.len() > MOST {
        html.push_str(&format!(
            "\n<p>{} more are in runs.csv.</p>",
            counted((runs.len() - MOST) as u64, "run")
        ));
    }
    html
}

fn row(lookup: &Lookup<'_>, run: &RunFacts) -> Vec<String> {
    let [train, test] = [Split::Train, Split::Test].map(|split| lookup.facts.last(run, split));
    let number = |value: Option<f64>| {
        value.map_or(String::new(), |value| {
            format!("<span>{}</span>", rounded(value, 4))
        })
    };
    let state = match run.reason {
        Some(reason) => format!("{}<span class=\"at\">{}</span>", run.state, words(reason)),
        None => run.state.to_string(),
    };
    let class = if is_bad(run.state) { "bad" } else { "" };
    vec![
        format!("<code>{}</code>", &run.id.to_string()[..8]),
        format!("<span>{}</span>", escaped(&lookup.label(run.point))),
        run.seed.to_string(),
        format!("<span class=\"{class}\">{state}</span>"),
        run.steps
            .filter(|_| run.state.is_over())
            .map_or(String::new(), grouped),
        number(train.and_then(|row| row.loss)),
        number(train.and_then(|row| row.accuracy)),
        number(test.and_then(|row| row.loss)),
        number(test.and_then(|row| row.accuracy)),
    ]
}

fn is_bad(state: RunState) -> bool {
    matches!(
        state,
        RunState::Diverged | RunState::Failed | RunState::Cancelled
    )
}

fn words(reason: Reason) -> String {
    reason.as_str().replace('_', " ")
}

/// What failed, diverged or stopped early; `None` if all ran to plan.
pub(super) fn exceptions(lookup: &Lookup<'_>) -> Option<String> {
    let of_state = |state: RunState| move |run: &&RunFacts| run.state == state;
    let of_reason = |state: RunState, reason: Reason| {
        move |run: &&RunFacts| run.state == state && run.reason == Some(reason)
    };
    let runs = || lookup.facts.runs.iter();
    let mut html = String::new();
    let mut tell = |kept: Vec<&RunFacts>, text: &str| {
        if !kept.is_empty() {
            html.push_str(&format!(
                "<h3>{} {text}</h3>\n{}",
                counted(kept.len() as u64, "run"),
                list(lookup, &kept)
            ));
        }
    };
    tell(
        runs().filter(of_state(RunState::Failed)).collect(),
        "failed",
    );
    tell(
        runs().filter(of_state(RunState::Diverged)).collect(),
        "diverged: a result too, but not part of the late α of its point",
    );
    tell(
        runs().filter(of_state(RunState::Cancelled)).collect(),
        "cancelled",
    );
    tell(
        runs()
            .filter(|run| run.reason == Some(Reason::Nondeterministic))
            .collect(),
        "measured different bytes in two attempts on one kind of machine",
    );
    tell(
        runs()
            .filter(of_reason(RunState::Done, Reason::TrainAccuracyReached))
            .collect(),
        "ended because the training accuracy was reached",
    );
    let planned = lookup.facts.text.sweep.len();
    let not_needed = planned.saturating_sub(lookup.facts.runs.len());
    if lookup.facts.text.sweep.stop.is_some() && not_needed > 0 {
        html.push_str(&format!(
            "<h3>{} not needed</h3>\n<p>Their points were known well enough with fewer seeds \
             ([stop]): the half-width of the interval of their late within_coordinate α was small \
             enough. Runs that are not needed are in no table, also if they were computed.</p>\n{}",
            counted(not_needed as u64, "run"),
            stopped_early(lookup)
        ));
    }
    (!html.is_empty()).then_some(html)
}

/// What was not over when the report was made; `None` of a finished sweep.
pub(super) fn unfinished(lookup: &Lookup<'_>) -> Option<String> {
    let html: String = [
        (RunState::Running, "in computation"),
        (RunState::Waiting, "waiting"),
    ]
    .into_iter()
    .map(|(state, text)| {
        let runs = lookup.facts.runs.iter();
        let kept: Vec<&RunFacts> = runs.filter(|run| run.state == state).collect();
        match kept.len() {
            0 => String::new(),
            count => format!(
                "<h3>{} {text}</h3>\n{}",
                counted(count as u64, "run"),
                list(lookup, &kept)
            ),
        }
    })
    .collect();
    (!html.is_empty()).then_some(html)
}

/// The points that have fewer seeds than were planned.
fn stopped_early(lookup: &Lookup<'_>) -> String {
    let planned = lookup.facts.text.sweep.seeds.len();
    let points = lookup.facts.points.iter().enumerate();
    let items = points.filter_map(|(index, point)| {
        let seeds = point.runs.len();
        let label = escaped(&lookup.label(index));
        let colon = if label.is_empty() { "" } else { ": " };
        (seeds < planned).then(|| format!("<li>{label}{colon}{seeds} of {planned} seeds</li>"))
    });
    format!("<ul>{}</ul>\n", items.collect::<String>())
}

fn list(lookup: &Lookup<'_>, runs: &[&RunFacts]) -> String {
    let item = |run: &&RunFacts| {
        let last = lookup.facts.measurements_of(run).last();
        let mut details = vec![format!("seed {}", run.seed)];
        details.extend(run.reason.map(words));
        match (run.steps.filter(|_| run.state.is_over()), last) {
            (Some(steps), _) => details.push(format!("after {}", counted(steps, "step"))),
            (None, Some(row)) => {
                details.push(format!("last measured at step {}", grouped(row.step)))
            }
            (None, None) => details.push("not measured".to_owned()),
        }
        let label = match lookup.varying.is_empty() {
            true => String::new(),
            false => format!("{}: ", escaped(&lookup.label(run.point))),
        };
        format!(
            "<li>{label}{} <code class=\"tag\">{}</code></li>",
            details.join(", "),
            &run.id.to_string()[..8]
        )
    };
    let mut items: String = runs.iter().take(MOST_LISTED).map(item).collect();
    if runs.len() > MOST_LISTED {
        items.push_str(&format!(
            "<li>and {} more (runs.csv)</li>",
            runs.len() - MOST_LISTED
        ));
    }
    format!("<ul>{items}</ul>\n")
}
