//! Where the published number comes from, as a table.

use tailsweep_common::measurement::Split;

use super::{escaped, table};
use crate::decomposition::{beyond_surrogate, parts};
use crate::lookup::Lookup;
use crate::numbers::rounded;
use crate::seeds::OverSeeds;

/// Rows that are shown.
const MOST: usize = 200;

/// The section; none where the treatments that it needs were not asked for.
pub(super) fn section(lookup: &Lookup<'_>) -> Option<String> {
    let rows: Vec<Vec<String>> = (0..lookup.facts.points.len())
        .flat_map(|point| [Split::Train, Split::Test].map(|split| (point, split)))
        .filter_map(|(point, split)| row(lookup, point, split))
        .take(MOST)
        .collect();
    if rows.is_empty() {
        return None;
    }
    let head = [
        "Point",
        "Published<span class=\"asks\">1/α̂ − ½, rows restarted</span>",
        "Exact zeros",
        "Unequal scales",
        "Correlation",
        "What is left",
        "In the other order<span class=\"asks\">correlation first, then scales</span>",
    ];
    Some(format!("{INTRODUCTION}{}", table("cards", &head, &rows)))
}

const INTRODUCTION: &str = "<p>Independent Gaussian values of equal scale read 1/α̂ = ½; what the \
     published number has above it is taken apart here, late in training, run by run. Zeros: the \
     difference of 1/α̂ between the values as they are and without their exact zeros. Unequal \
     scales: between the values as they are and divided by their standard deviation over \
     minibatches. Correlation: between these in their order and in one fixed random order with \
     random signs. What is left is 1/α̂ − ½ after all of it: heavier tails than those of Gaussian \
     noise across parameters, as far as dividing by a standard deviation leaves them; beside it \
     stands what symmetric stable noise of α = 1.5 would leave. The four add up to the published \
     one. Scales and correlation do not simply add: the last column takes \
     correlation first (at the power of two nearest to K1). Beyond the surrogate: how far 1/α̂ \
     is from what Gaussian noise with the same covariance and zeros would read, which does not \
     decide about tails either way. 95 % intervals between seeds, by Student’s t. The numbers are in \
     decomposition.csv.</p>\n";

fn row(lookup: &Lookup<'_>, point: usize, split: Split) -> Option<Vec<String>> {
    let parts = parts(lookup, point, split)?;
    let label = match lookup.label(point) {
        label if label.is_empty() => "all runs".to_owned(),
        label => label,
    };
    let share = |part: OverSeeds| match parts.published.mean > 0.0 {
        true => format!(
            "<span class=\"at\">{} %</span>",
            rounded(100.0 * part.mean / parts.published.mean, 0)
        ),
        false => String::new(),
    };
    let cell = |part: OverSeeds| {
        let ends = part.interval.map_or(String::new(), |[low, high]| {
            let ends = format!("[{}, {}]", rounded(low, 3), rounded(high, 3));
            format!("<span class=\"at\">{ends}</span>")
        });
        format!(
            "<span class=\"value\">{}</span>{ends}",
            rounded(part.mean, 3)
        )
    };
    let with_share = |part: OverSeeds| format!("<span>{}{}</span>", cell(part), share(part));
    let other = match (parts.correlation_first, parts.scales_second) {
        (Some(correlation), Some(scales)) => format!(
            "<span>{}<span class=\"at\">correlation</span>{}<span class=\"at\">scales</span></span>",
            cell(correlation),
            cell(scales)
        ),
        _ => "–".to_owned(),
    };
    let beyond = beyond_surrogate(lookup, point, split);
    let beyond = beyond.map_or(String::new(), |over| {
        format!(
            "{}<span class=\"at\">beyond the surrogate</span>",
            cell(over)
        )
    });
    let stable = parts.stable_rest.map_or(String::new(), |rest| {
        let rest = rounded(rest, 3);
        format!("<span class=\"at\">SαS(1.5) would leave {rest}</span>")
    });
    Some(vec![
        format!("{}<span class=\"at\">{split}</span>", escaped(&label)),
        format!("<span>{}{beyond}</span>", cell(parts.published)),
        with_share(parts.zeros),
        with_share(parts.scales),
        with_share(parts.correlation),
        format!(
            "<span>{}{}{stable}</span>",
            cell(parts.rest),
            share(parts.rest)
        ),
        other,
    ])
}
