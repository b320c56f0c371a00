//! What was done, in a paragraph, and how far it got.

use std::fmt::Write as _;

use tailsweep_common::measurement::Split;
use tailsweep_common::run::Point;
use tailsweep_common::state::RunState;

use super::{escaped, findings};
use crate::fields::Field;
use crate::lookup::Lookup;
use crate::numbers::{counted, grouped};

pub(super) fn section(lookup: &Lookup<'_>) -> String {
    let facts = lookup.facts;
    let (points, runs) = (facts.points.len() as u64, facts.runs.len() as u64);
    let values = |field: &Field| field.values(facts.all_points());
    let seeds = counted(facts.text.sweep.seeds.len() as u64, "seed");
    let mut text = banner(lookup);
    write!(
        text,
        "<p>{} ({}, {seeds}) {}",
        capital(&counted(runs, "run")),
        counted(points, "point"),
        deeds(lookup),
    )
    .expect("writing to a string cannot fail");
    let varied: Vec<String> = lookup
        .varying
        .iter()
        .filter(|field| !matches!(field, Field::Dataset | Field::Architecture))
        .map(|field| format!("{} ({})", field.name(), summary(&values(field))))
        .collect();
    match varied.is_empty() {
        true => text.push_str(". "),
        false => write!(text, ", with different {}. ", escaped(&join(&varied)))
            .expect("writing to a string cannot fail"),
    }
    text.push_str(&measured(lookup));
    text.push_str("</p>");
    text.push_str(&findings::section(lookup));
    text.push_str(&counts(lookup));
    text
}

/// Whether runs were still to be computed when the report was made.
fn is_unfinished(lookup: &Lookup<'_>) -> bool {
    let runs = &lookup.facts.runs;
    runs.is_empty() || runs.iter().any(|run| !run.state.is_over())
}

/// Says of an unfinished sweep that it is one.
fn banner(lookup: &Lookup<'_>) -> String {
    if !is_unfinished(lookup) {
        return String::new();
    }
    let runs = &lookup.facts.runs;
    let has_result = |state: RunState| matches!(state, RunState::Done | RunState::Diverged);
    let results = runs.iter().filter(|run| has_result(run.state)).count();
    let noun = if results == 1 {
        "has a result"
    } else {
        "have results"
    };
    let late = match results {
        0 => "There is no late α yet",
        _ => "Late α are of these alone",
    };
    format!(
        "<p class=\"banner\"><b>Unfinished: {} of {} {noun}.</b> {late}; what is not over is listed \
         below.</p>\n",
        grouped(results as u64),
        counted(runs.len() as u64, "run"),
    )
}

/// What the runs did, or do, by kind.
fn deeds(lookup: &Lookup<'_>) -> String {
    let tense = |past: &'static str, present| match is_unfinished(lookup) {
        true => present,
        false => past,
    };
    let points = || lookup.facts.all_points();
    let mut deeds = Vec::new();
    if points().any(|point| point.network().is_some()) {
        let networks = || points().filter(|point| point.network().is_some());
        deeds.push(format!(
            "{} {} on {}",
            tense("trained", "train"),
            join(&Field::Architecture.values(networks())),
            join(&Field::Dataset.values(networks())),
        ));
    }
    let mut laws: Vec<String> = Vec::new();
    for point in points().filter_map(Point::synthetic) {
        let law = point.law.as_str().replace('_', " ");
        if !laws.contains(&law) {
            laws.push(law);
        }
    }
    if !laws.is_empty() {
        let drew = tense("drew", "draw");
        deeds.push(format!("{drew} noise of a known law ({})", join(&laws)));
    }
    if points().any(|point| point.levy_sde().is_some()) {
        let followed = tense("followed", "follow");
        deeds.push(format!(
            "{followed} paths of dw = −f′(w)dt + ε dL, driven by stable noise"
        ));
    }
    join(&deeds)
}

/// What was measured, and what the report gives.
fn measured(lookup: &Lookup<'_>) -> String {
    let points = || lookup.facts.all_points();
    let mut text = String::new();
    if points().any(|point| point.network().is_some()) {
        let splits = splits(points().filter(|point| point.network().is_some()));
        text.push_str(&format!(
            "At regular steps the gradient of each measured minibatch is taken at fixed \
             weights{splits}; the deviations from their mean are the gradient noise. This report \
             gives the tail index α of that noise as the paper of Simsekli, Sagun and Gurbuzbalaban \
             (ICML 2019) estimates it, and beside it the controls that say what the number can and \
             cannot show. "
        ));
    }
    if points().any(|point| point.synthetic().is_some()) {
        text.push_str(
            "Each measured step of synthetic noise is a fresh draw of a matrix of minibatches × \
             parameters, to which the estimators and controls are applied as if it came from a \
             network, so that what they read can be held against the truth. ",
        );
    }
    if points().any(|point| point.levy_sde().is_some()) {
        text.push_str(
            "The paths are followed step by step; this report tells how long they stay in a well \
             and where they go, beside the theory of small noise. ",
        );
    }
    text.trim_end().to_owned()
}

fn splits<'a>(mut points: impl Iterator<Item = &'a Point> + Clone) -> &'static str {
    let has = |point: &Point, split| {
        point
            .measure()
            .is_some_and(|measure| measure.splits.contains(&split))
    };
    let both = |point: &&Point| has(point, Split::Train) && has(point, Split::Test);
    if points.clone().all(|point| both(&point)) {
        ", on the training and on the test split"
    } else if points.all(|point| !has(point, Split::Test)) {
        ", on the training split"
    } else {
        ""
    }
}

fn counts(lookup: &Lookup<'_>) -> String {
    let order = [
        RunState::Done,
        RunState::Diverged,
        RunState::Failed,
        RunState::Cancelled,
        RunState::Running,
        RunState::Waiting,
    ];
    let states = order.into_iter().filter_map(|state| {
        let count = lookup
            .facts
            .runs
            .iter()
            .filter(|run| run.state == state)
            .count();
        (count > 0).then(|| (count as u64, state.as_str()))
    });
    let measured: u64 = lookup
        .facts
        .runs
        .iter()
        .map(|run| {
            let rows = lookup.facts.measurements_of(run);
            let mut steps: Vec<u64> = rows.iter().map(|row| row.step).collect();
            steps.dedup();
            steps.len() as u64
        })
        .sum();
    let exits: u64 = lookup.facts.exits.len() as u64;
    let others = [
        (measured + exits, "measurements"),
        (lookup.facts.estimates.len() as u64, "estimates"),
    ];
    let others = others
        .into_iter()
        .filter(|(count, _)| exits == 0 || *count > 0);
    let items: String = states
        .chain(others)
        .map(|(count, what)| format!("<li><b>{}</b>{what}</li>", grouped(count)))
        .collect();
    format!("\n<ul class=\"counts\">{items}</ul>")
}

/// `8, 32 and 128`.
pub(super) fn join(values: &[String]) -> String {
    match values {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// All values if they are few, else the first and the last.
pub(super) fn summary(values: &[String]) -> String {
    match values {
        [first, .., last] if values.len() > 10 => {
            format!("{} values from {first} to {last}", values.len())
        }
        _ => values.join(", "),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
