//! The five questions, answered for each point: the published α and its controls.

use tailsweep_common::measurement::Split;

use super::{escaped, table};
use crate::decomposition;
use crate::facts::MeasurementRow;
use tailsweep_stats::late::Late;

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
        .collect();
    if !all
        .iter()
        .any(|(point, split)| is_measured(lookup, *point, *split))
    {
        let is_measured = !lookup.facts.measurements.is_empty();
        let why = match lookup.facts.choice.words().filter(|_| is_measured) {
            Some(_) => "The chosen estimates answer none of these questions; points.csv has them.",
            None => "Nothing has been measured yet.",
        };
        return format!("<p class=\"none\">{why}</p>");
    }
    // The split that figures show is open, the other one folded.
    let (main, other): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|(point, split)| *split == lookup.main_split(*point));
    let rows = |of: &[&(usize, Split)]| -> Vec<Vec<String>> {
        let shown = of.iter().take(MOST + MOST_FOLDED);
        shown
            .map(|(point, split)| row(lookup, *point, *split))
            .collect()
    };
    let (mut main_rows, other_rows) = (rows(&main), rows(&other));
    let more = main_rows.split_off(main_rows.len().min(MOST));
    let mut html = format!(
        "<p>Late α of each point: pooled over its finished seeds and over the last quarter of \
         training (at most 10,000 steps), with 95 % intervals. An interval that ends in ∞ is \
         open above. Below it, where there are several seeds, the standard deviation of α \
         between them, which the interval takes into account. Δ(1/α) is 1/α of the rows \
         restarted less that of the surrogate, seed by seed, with a 95 % interval by Student’s t over \
         the seeds: how far the published number is from what Gaussian noise would read. It does \
         not decide about tails: if it is 0, the noise need not be Gaussian, and if it is not, tails need \
         not be heavy. Slopes of sums are shown as far as the interval of 1/α is no wider than \
         0.35 and they rest on at least five groups.</p>\n{}",
        table("cards", &HEAD, &main_rows)
    );
    let folded = [(more, "more"), (other_rows, "of the test split")];
    for (rows, which) in folded.iter().filter(|(rows, _)| !rows.is_empty()) {
        html.push_str(&format!(
            "\n<details><summary>{} {}</summary>\n{}\n</details>",
            counted(rows.len() as u64, "row"),
            which,
            table("cards", &HEAD, rows)
        ));
    }
    if main.len().max(other.len()) > MOST + MOST_FOLDED {
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

const HEAD: [&str; 8] = [
    "Point",
    "Published<span class=\"asks\">1 · what does the paper’s method read?</span>",
    "Rows restarted<span class=\"asks\">what 2 is compared with</span>",
    "Gaussian surrogate<span class=\"asks\">2 · would Gaussian noise read the same?</span>",
    "Zeros dropped<span class=\"asks\">and the share of zeros</span>",
    "Across parameters<span class=\"asks\">3 · how heavy are the tails there?</span>",
    "Across minibatches<span class=\"asks\">4 · how heavy, parameter by parameter?</span>",
    "When summed<span class=\"asks\">5 · do the tails survive?</span>",
];

const COLUMNS: [Kind; 7] = [
    Kind::PUBLISHED,
    Kind::PUBLISHED_ROWS,
    Kind::SURROGATE,
    Kind::ZEROS_DROPPED,
    Kind::PERMUTED_SLOPE,
    Kind::WITHIN,
    Kind::PAIRED_SLOPE,
];

fn is_measured(lookup: &Lookup<'_>, point: usize, split: Split) -> bool {
    COLUMNS
        .iter()
        .any(|kind| lookup.levels(point, split, *kind).next().is_some())
}

fn row(lookup: &Lookup<'_>, point: usize, split: Split) -> Vec<String> {
    let late = |kind| cell(lookup.late(point, split, kind));
    let label = match lookup.varying.is_empty() {
        true => "all runs".to_owned(),
        false => lookup.label(point),
    };
    let label = unbroken(&label);
    if !is_measured(lookup, point, split) {
        let none = "<span class=\"none\">not measured</span>".to_owned();
        let label = format!("{label}<span class=\"at\">{split}</span>");
        let empty = vec!["–".to_owned(); HEAD.len() - 2];
        return [label, none].into_iter().chain(empty).collect();
    }
    let seeds = COLUMNS
        .iter()
        .filter_map(|kind| lookup.late(point, split, *kind))
        .map(|late| late.seeds)
        .max()
        .unwrap_or(0);
    let share = |of: fn(&MeasurementRow) -> Option<f64>, decimals: usize, text: &str| {
        lookup
            .late_mean(point, split, of)
            .map_or(String::new(), |share| {
                let percent = rounded(100.0 * share, decimals);
                format!("<span class=\"at long\">{percent} % {text}</span>")
            })
    };
    let zeros = share(|row| row.zero_fraction, 2, "zeros");
    let gaussian = share(
        |row| Some(row.gaussianity.ok()?.shapiro_wilk),
        0,
        "pass as Gaussian",
    );
    vec![
        format!(
            "{}<span class=\"at\">{split}, {}</span>",
            label,
            counted(seeds, "seed")
        ),
        late(Kind::PUBLISHED).replace("<span class=\"value\">", "<span class=\"value lead\">"),
        format!(
            "<span>{}{}</span>",
            late(Kind::PUBLISHED_ROWS),
            at_chosen(lookup, point, split)
        ),
        format!(
            "<span>{}{}</span>",
            late(Kind::SURROGATE),
            difference(lookup, point, split)
        ),
        format!("<span>{}{zeros}</span>", late(Kind::ZEROS_DROPPED)),
        climb(lookup, point, split, Kind::PERMUTED_SLOPE, "parameters"),
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

/// 1/α of the rows restarted less that of the surrogate, where there is an interval.
fn difference(lookup: &Lookup<'_>, point: usize, split: Split) -> String {
    let over = decomposition::beyond_surrogate(lookup, point, split);
    over.and_then(|over| Some((over.mean, over.interval?)))
        .map_or(String::new(), |(mean, [low, high])| {
            let [mean, low, high] = [mean, low, high].map(|number| rounded(number, 3));
            format!("<span class=\"at long\">Δ(1/α) {mean} [{low}, {high}]</span>")
        })
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

/// The first and the last level of a ladder that are known well enough.
fn climb(lookup: &Lookup<'_>, point: usize, split: Split, kind: Kind, summed: &str) -> String {
    let Some(any) = lookup.levels(point, split, kind).next() else {
        return cell(None);
    };
    let levels = lookup.slopes(point, split, kind);
    let value = |row: &PointRow| row.late.alpha.map_or(String::new(), |it| rounded(it, 3));
    // Two intervals may stand below one another, each in one line.
    let whole = |interval| ends(interval).replace(' ', "\u{a0}");
    let interval = |row: &PointRow| row.late.interval.map_or(String::new(), whole);
    let at = |row: &PointRow| row.key.k1.map_or(String::new(), grouped);
    let texts = match levels[..] {
        [] if lookup
            .levels(point, split, kind)
            .all(|row| row.late.alpha.is_none()) =>
        {
            return cell(Some(&any.late));
        }
        [] => return "<span class=\"none\">too noisy to tell</span>".to_owned(),
        [one] => [
            value(one),
            interval(one),
            format!("sums of {} {summed}", at(one)),
        ],
        [first, .., last] => [
            format!("{}\u{a0}→\u{a0}{}", value(first), value(last)),
            format!("{} → {}", interval(first), interval(last)),
            format!("sums of {} → {} {summed}", at(first), at(last)),
        ],
    };
    let [value, interval, at] = texts;
    format!(
        "<span><span class=\"value\">{value}</span><span class=\"at long\">{interval}</span>\
         <span class=\"at long\">{at}</span></span>"
    )
}
