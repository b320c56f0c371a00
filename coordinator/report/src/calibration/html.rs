//! The section of the page about synthetic noise.

use tailsweep_stats::{Estimator, Treatment};

use super::{Calibrated, calibrated};
use crate::html::{escaped, table};
use crate::lookup::Lookup;
use crate::numbers::{grouped, rounded};

/// Rows that are shown.
const MOST: usize = 400;

/// The section; none without synthetic noise.
pub(crate) fn section(lookup: &Lookup<'_>) -> Option<String> {
    let all = calibrated(lookup.facts);
    let shown: Vec<&Calibrated<'_>> = all.iter().filter(|one| is_shown(one)).collect();
    if shown.is_empty() {
        return None;
    }
    let head = [
        "Point",
        "Estimator<span class=\"asks\">on a treatment, K1</span>",
        "Read<span class=\"asks\">1 over the mean of 1/α̂, ± standard error</span>",
        "Closed form<span class=\"asks\">and the difference, in standard errors</span>",
        "Spread of α̂<span class=\"asks\">seen / formula</span>",
        "Coverage<span class=\"asks\">of the law’s own index, with its 95 % interval</span>",
        "Draws",
    ];
    let rows: Vec<Vec<String>> = shown
        .iter()
        .take(MOST)
        .map(|one| row(lookup, one))
        .collect();
    let mut html = String::from(INTRODUCTION);
    html.push_str(&table("cards", &head, &rows));
    if shown.len() < all.len() || rows.len() < shown.len() {
        html.push_str("\n<p>All block lengths and all points are in calibration.csv.</p>");
    }
    Some(html)
}

const INTRODUCTION: &str = "<p>All draws of a point, of all seeds, count alike. The closed forms \
     are those of one cause at a time: for independent values of a stable law its index; for \
     Gaussian values with scales ln σ ~ N(0, s²) 1/α̂ = ½ + s²/ln K1, which needs K1 much larger \
     than e^(4s²); with a correlation ρ inside blocks ½ + ln(1 + (K1 − 1)ρ)/(2 ln K1); with a share \
     z of scattered zeros ½ + (z(52 ln 2 + μ) + ½ ln(1 − z))/ln K1, μ the mean of ln|x| over the \
     others; with a share z of dead blocks (1 − z)/2; for one parameter across a partition of P \
     minibatches ½ + ln(1 − (K1 − 1)/(P − 1))/(2 ln K1). The spread of the published α̂ over \
     independent stable values is α²√(V/K2)/ln K1, V = (π²/6)(1/α² + ½). Coverage is the share of \
     draws whose 95 % interval holds the index of the law: the paired intervals should cover 95 %; \
     those of the published number are about another number as soon as a cause comes in between, \
     and their coverage is shown as it is.</p>\n";

/// One row for each estimator: those on a ladder at the published length alone, and slopes at
/// their first level.
fn is_shown(one: &Calibrated<'_>) -> bool {
    match (one.estimator, one.treatment) {
        (Estimator::LocalSlope, Treatment::Paired) => one.k1 == Some(2),
        (Estimator::LocalSlope, _) => is_near_published(one),
        (Estimator::Mohammadi, Treatment::Permuted) => false,
        _ => one.is_published_length,
    }
}

/// The level of a ladder that is nearest to √M, where scales have faded and blocks are many.
pub(crate) fn is_near_published(one: &Calibrated<'_>) -> bool {
    let near = f64::from(one.point.params).sqrt().log2().round() as u32;
    one.k1 == 1_u64.checked_shl(near)
}

fn row(lookup: &Lookup<'_>, one: &Calibrated<'_>) -> Vec<String> {
    let label = match lookup.label(one.index) {
        label if label.is_empty() => "all runs".to_owned(),
        label => label,
    };
    let k1 = one.k1.map_or(String::new(), |k1| {
        format!("<span class=\"at\">K1 = {}</span>", grouped(k1))
    });
    let pooled = one.pooled();
    let read = match pooled {
        None => "–".to_owned(),
        Some((alpha, error)) => format!(
            "{}{}",
            rounded(alpha, 3),
            error.map_or(String::new(), |error| format!(" ± {}", rounded(error, 3)))
        ),
    };
    let closed = match (one.expected_alpha(), pooled) {
        (Some(expected), Some((alpha, error))) => {
            let apart = error.filter(|error| *error > 0.0).map(|error| {
                let distance = rounded((alpha - expected) / error, 1);
                format!("<span class=\"at\">{distance} s.e.</span>")
            });
            format!("{}{}", rounded(expected, 3), apart.unwrap_or_default())
        }
        (Some(expected), None) => rounded(expected, 3),
        (None, _) => "–".to_owned(),
    };
    let spread = match (one.alpha.sd(), one.expected_sd) {
        (Some(sd), Some(formula)) => format!("{} / {}", rounded(sd, 4), rounded(formula, 4)),
        (Some(sd), None) => rounded(sd, 4),
        (None, _) => "–".to_owned(),
    };
    let coverage = one
        .coverage()
        .map_or("–".to_owned(), |(share, [low, high])| {
            let percent = |share: f64| rounded(100.0 * share, 1);
            format!(
                "{} %<span class=\"at\">[{}, {}]</span>",
                percent(share),
                percent(low),
                percent(high)
            )
        });
    let draws = match one.draws - one.alpha.count {
        0 => grouped(one.draws),
        none => format!(
            "{}<span class=\"at\">{} without a value</span>",
            grouped(one.draws),
            grouped(none)
        ),
    };
    let spanned = |text: String| format!("<span>{text}</span>");
    vec![
        escaped(&label),
        spanned(format!("{}, {}{k1}", one.estimator, one.treatment)),
        spanned(read),
        spanned(closed),
        spanned(spread),
        spanned(coverage),
        spanned(draws),
    ]
}
