//! What was done, in a paragraph, and how far it got.

use std::fmt::Write as _;

use tailsweep_common::measurement::Split;
use tailsweep_common::run::Point;
use tailsweep_common::state::RunState;

use super::escaped;
use crate::fields::Field;
use crate::lookup::Lookup;
use crate::numbers::{counted, grouped};

pub(super) fn section(lookup: &Lookup<'_>) -> String {
    let facts = lookup.facts;
    let (points, runs) = (facts.points.len() as u64, facts.runs.len() as u64);
    let values = |field: &Field| field.values(facts.all_points());
    let seeds = counted(facts.text.sweep.seeds.len() as u64, "seed");
    let mut text = format!(
        "<p>{} ({}, {seeds}) trained {} on {}",
        capital(&counted(runs, "run")),
        counted(points, "point"),
        join(&values(&Field::Architecture)),
        join(&values(&Field::Dataset)),
    );
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
    let splits = splits(facts.all_points());
    text.push_str(&format!(
        "At regular steps the gradient of each measured minibatch was taken at fixed \
         weights{splits}; the deviations from their mean are the gradient noise. This report \
         gives the tail index α of that noise as the paper of Simsekli, Sagun and Gurbuzbalaban \
         (ICML 2019) estimates it, and beside it the controls that say what the number can and \
         cannot show.</p>"
    ));
    text.push_str(&counts(lookup));
    text
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
    let measured = lookup
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
    let others = [
        (measured, "measurements"),
        (lookup.facts.estimates.len() as u64, "estimates"),
    ];
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
