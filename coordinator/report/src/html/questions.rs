//! The five questions, answered for each point: the published α and its controls.

use tailsweep_common::measurement::Split;
use tailsweep_common::state::RunState;

use super::{escaped, table};
use crate::facts::MeasurementRow;
use tailsweep_stats::late::{Late, is_late};

use crate::late::PointRow;
use crate::lookup::{Kind, Lookup};
use crate::numbers::{counted, grouped, rounded};

/// Rows that are shown at once, and those that can be unfolded.
const MOST: usize = 16;
const MOST_FOLDED: usize = 400;

pub(super) fn section(lookup: &Lookup<'_>) -> String {
    let all: Vec<(usize, Split)> = (0..lookup.facts.points.len())
        .flat_map(|point| {
            lookup
                .point(point)
                .measure()
                .into_iter()
                .flat_map(|measure| &measure.splits)
                .map(move |split| (point, *split))
        })
        .filter(|(point, split)| {
            COLUMNS
                .iter()
                .any(|kind| lookup.levels(*point, *split, *kind).next().is_some())
        })
        .collect();
    if all.is_empty() {
        return "<p class=\"none\">Nothing has been measured yet.</p>".to_owned();
    }
    let head = [
        "Point",
        "Published<span class=\"asks\">1 · what does the paper’s method read?</span>",
        "Rows restarted<span class=\"asks\">what 2 is compared with</span>",
        "Gaussian surrogate<span class=\"asks\">2 · would Gaussian noise read the same?</span>",
        "Zeros dropped<span class=\"asks\">and the share of zeros</span>",
        "Across parameters<span class=\"asks\">3 · how heavy are the tails there?</span>",
        "Across minibatches<span class=\"asks\">4 · how heavy, parameter by parameter?</span>",
        "When summed<span class=\"asks\">5 · do the tails survive?</span>",
    ];
    let mut rows: Vec<Vec<String>> = all
        .iter()
        .take(MOST + MOST_FOLDED)
        .map(|(point, split)| row(lookup, *point, *split))
        .collect();
    let folded = rows.split_off(rows.len().min(MOST));
    let mut html = format!(
        "<p>Late α of each point: pooled over its finished seeds and over the last quarter of \
         training (at most 10,000 steps), with 95 % intervals. An interval that ends in ∞ is \
         open above. Below it, where there are several seeds, the standard deviation of α \
         between them, which the interval takes into account.</p>\n{}",
        table("cards", &head, &rows)
    );
    if !folded.is_empty() {
        html.push_str(&format!(
            "\n<details><summary>{} more</summary>\n{}\n</details>",
            counted(folded.len() as u64, "row"),
            table("cards", &head, &folded)
        ));
    }
    if all.len() > MOST + MOST_FOLDED {
        html.push_str(&format!(
            "\n<p>All {} rows are in points.csv.</p>",
            grouped(all.len() as u64)
        ));
    }
    html.push_str(&standardised(lookup, &all));
    html
}

/// Standardised readings, where they were asked for, beside what stable noise would read.
fn standardised(lookup: &Lookup<'_>, all: &[(usize, Split)]) -> String {
    const ASKED: [Kind; 2] = [Kind::STANDARDISED, Kind::STANDARDISED_PERMUTED];
    let rows: Vec<Vec<String>> = all
        .iter()
        .filter_map(|(point, split)| {
            let levels = |kind| lookup.levels(*point, *split, kind);
            let known = ASKED.into_iter().find_map(|kind| levels(kind).next())?;
            let late = |kind| cell(lookup.late(*point, *split, kind));
            Some(vec![
                format!(
                    "{}<span class=\"at\">{split}</span>",
                    unbroken(&lookup.label(*point))
                ),
                late(Kind::STANDARDISED),
                late(Kind::STANDARDISED_PERMUTED),
                known
                    .stable_reads
                    .map_or("–".to_owned(), |reading| rounded(reading, 3)),
            ])
        })
        .take(MOST + MOST_FOLDED)
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let head = [
        "Point",
        "Standardised",
        "Standardised, permuted",
        "Stable noise of α = 1.5<span class=\"asks\">what it would read here</span>",
    ];
    format!(
        "\n<p>Dividing each parameter by its deviation pulls truly stable noise towards 2: what such \
         noise of α = 1.5 would read stands last.</p>\n{}",
        table("cards", &head, &rows)
    )
}

const COLUMNS: [Kind; 7] = [
    Kind::PUBLISHED,
    Kind::PUBLISHED_ROWS,
    Kind::SURROGATE,
    Kind::ZEROS_DROPPED,
    Kind::PERMUTED_SLOPE,
    Kind::WITHIN,
    Kind::PAIRED_SLOPE,
];

fn row(lookup: &Lookup<'_>, point: usize, split: Split) -> Vec<String> {
    let late = |kind| cell(lookup.late(point, split, kind));
    let label = match lookup.varying.is_empty() {
        true => "all runs".to_owned(),
        false => lookup.label(point),
    };
    let seeds = COLUMNS
        .iter()
        .filter_map(|kind| lookup.late(point, split, *kind))
        .map(|late| late.seeds)
        .max()
        .unwrap_or(0);
    let share = |of: fn(&MeasurementRow) -> Option<f64>, text: &str| {
        late_mean(lookup, point, split, of).map_or(String::new(), |share| {
            let percent = rounded(100.0 * share, 2);
            format!("<span class=\"at long\">{percent} % {text}</span>")
        })
    };
    let zeros = share(|row| row.zero_fraction, "zeros");
    let gaussian = share(
        |row| Some(row.gaussianity.ok()?.shapiro_wilk),
        "pass as Gaussian",
    );
    vec![
        format!(
            "{}<span class=\"at\">{split}, {}</span>",
            unbroken(&label),
            counted(seeds, "seed")
        ),
        late(Kind::PUBLISHED).replace("<span class=\"value\">", "<span class=\"value lead\">"),
        format!(
            "<span>{}{}</span>",
            late(Kind::PUBLISHED_ROWS),
            at_chosen(lookup, point, split)
        ),
        late(Kind::SURROGATE),
        format!("<span>{}{zeros}</span>", late(Kind::ZEROS_DROPPED)),
        climb(lookup, point, split, Kind::PERMUTED_SLOPE, "K₁"),
        format!(
            "<span>{}{gaussian}</span>",
            late(Kind::WITHIN).replace("<span class=\"value\">", "<span class=\"value lead\">")
        ),
        climb(lookup, point, split, Kind::PAIRED_SLOPE, "minibatches"),
    ]
}

/// A label that breaks between its parts alone.
fn unbroken(label: &str) -> String {
    escaped(label)
        .replace(' ', "&nbsp;")
        .replace("·&nbsp;", "· ")
}

/// α and its interval, or why there is none.
fn cell(late: Option<&Late>) -> String {
    let Some(late) = late else {
        return "<span class=\"none\">not asked for</span>".to_owned();
    };
    let Some(alpha) = late.alpha else {
        return format!(
            "<span class=\"none\">{}</span>",
            escaped(&late.problem.unwrap_or("no_estimate").replace('_', " "))
        );
    };
    let mut html = format!("<span class=\"value\">{}</span>", rounded(alpha, 3));
    if let Some(interval) = late.interval {
        html.push_str(&format!("<span class=\"at\">{}</span>", ends(interval)));
    }
    if let Some(sd) = late.between_seed_sd {
        let sd = rounded(sd, 3);
        html.push_str(&format!("<span class=\"at\">seeds: sd {sd}</span>"));
    }
    if late.values < late.rows {
        html.push_str(&format!(
            "<span class=\"at\">{} of {} late values</span>",
            late.values, late.rows
        ));
    }
    format!("<span>{html}</span>")
}

fn ends([low, high]: [f64; 2]) -> String {
    let close = if high.is_infinite() { ")" } else { "]" };
    format!("[{}, {}{close}", rounded(low, 2), rounded(high, 2))
}

/// The same estimate at the block lengths that were chosen.
fn at_chosen(lookup: &Lookup<'_>, point: usize, split: Split) -> String {
    let k1 = lookup.facts.choice.k1.iter();
    let values = k1.filter_map(|k1| {
        let late = lookup.at_k1(point, split, *k1)?;
        let alpha = rounded(late.alpha?, 3);
        let interval = late.interval.map_or(String::new(), ends);
        Some(format!(
            "<span class=\"at\">K₁ = {k1}: {alpha} {interval}</span>"
        ))
    });
    values.collect()
}

/// The first and the last trustworthy level of a ladder.
fn climb(lookup: &Lookup<'_>, point: usize, split: Split, kind: Kind, unit: &str) -> String {
    let levels: Vec<&PointRow> = lookup.levels(point, split, kind).collect();
    let known = |row: &&&PointRow| row.late.alpha.is_some();
    let is_precise = |row: &&&PointRow| row.late.std_error.is_some_and(|error| error <= 0.15);
    let first = levels.iter().find(known);
    let last = levels
        .iter()
        .rev()
        .find(|row| known(row) && is_precise(row))
        .or(levels.iter().rev().find(known));
    let (Some(first), Some(last)) = (first, last) else {
        return cell(levels.first().map(|row| &row.late));
    };
    let value = |row: &PointRow| {
        row.late
            .alpha
            .map_or(String::new(), |alpha| rounded(alpha, 3))
    };
    let interval = |row: &PointRow| row.late.interval.map_or("–".to_owned(), ends);
    let at = |row: &PointRow| row.key.k1.map_or(String::new(), |k1| k1.to_string());
    if first.key.k1 >= last.key.k1 {
        return format!(
            "<span><span class=\"value\">{}</span><span class=\"at\">{}</span><span class=\"at\">at {} {unit}</span></span>",
            value(first),
            interval(first),
            at(first)
        );
    }
    format!(
        "<span><span class=\"value\">{} → {}</span><span class=\"at\">{} → {}</span>\
         <span class=\"at\">{} → {} {unit}</span></span>",
        value(first),
        value(last),
        interval(first),
        interval(last),
        at(first),
        at(last),
    )
}

/// The mean of a number over the late measurements of the done runs.
fn late_mean(
    lookup: &Lookup<'_>,
    point: usize,
    split: Split,
    of: fn(&MeasurementRow) -> Option<f64>,
) -> Option<f64> {
    let runs = lookup
        .runs(point)
        .iter()
        .filter(|run| run.state == RunState::Done);
    let values: Vec<f64> = runs
        .flat_map(|run| {
            let rows = lookup.facts.measurements_of(run);
            let last = rows.last().map_or(0, |row| row.step);
            rows.iter()
                .filter(move |row| row.split == split && is_late(row.step, last))
        })
        .filter_map(of)
        .collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
