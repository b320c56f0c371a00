//! The table of exit times in the page.

use super::{PointExits, points};
use crate::html::{escaped, table};
use crate::lookup::Lookup;
use crate::numbers::{grouped, rounded};

/// Rows that are shown.
const MOST: usize = 400;

/// The sections of the page; none without an equation.
pub(crate) fn section(lookup: &Lookup<'_>) -> Option<String> {
    let points = points(lookup.facts);
    if points.is_empty() {
        return None;
    }
    let head = [
        "Point",
        "Well",
        "Exits",
        "Mean exit time<span class=\"asks\">± standard error</span>",
        "Theory<span class=\"asks\">mean exit time</span>",
        "Difference<span class=\"asks\">of the theory, and in standard errors</span>",
        "To the right<span class=\"asks\">seen / theory</span>",
        "Share of time<span class=\"asks\">seen / theory</span>",
    ];
    let rows: Vec<Vec<String>> = points
        .iter()
        .flat_map(|point| (0..point.wells.len()).map(move |well| row(lookup, point, well)))
        .collect();
    let left_out = rows.len().saturating_sub(MOST);
    let mut html = String::from(INTRODUCTION);
    html.push_str(&table("cards", &head, &rows[..rows.len() - left_out]));
    if left_out > 0 {
        html.push_str(&format!(
            "\n<p>{} more rows are in exits.csv.</p>",
            grouped(left_out as u64)
        ));
    }
    html.push_str(METHOD);
    Some(html)
}

const INTRODUCTION: &str = "<p>Times are in units of the equation, the runs of a point together. \
     Theory is the limit of small noise for α &lt; 2, where a well is left by one large jump and \
     its width decides, not its height; for α = 2, Brownian motion, it is the exact mean time, for \
     which the height decides. With clipped gradients the large jumps are gone: theory, which \
     knows no clipping, is then shown for comparison alone.</p>\n";

const METHOD: &str = "\n<p>A visit begins at the start, or when a path comes home: nearer to the \
     minimum than half the way to the nearest separator. It ends at the first step beyond a \
     separator, the exit. The mean is the time of all visits by the number of exits, so that \
     visits which had not ended are allowed for; its standard error is that of the visits, or, \
     where some had not ended, that of an exponential law. Shares of time are by separators. \
     Paths are seen at their steps only: the theory of Brownian motion allows for exits between \
     two steps (Broadie, Glasserman and Kou 1997).</p>";

fn row(lookup: &Lookup<'_>, point: &PointExits<'_>, well: usize) -> Vec<String> {
    let theory = point.theory.exit_time(well);
    let label = match lookup.label(point.index) {
        label if label.is_empty() => "all runs".to_owned(),
        label => label,
    };
    let time = point.exit_time(well);
    let seen = &point.wells[well];
    let exits = seen.exits();
    let (mean, difference) = match time {
        None => ("–".to_owned(), "–".to_owned()),
        Some((mean, error)) => {
            let share = format!("{} %", rounded(100.0 * (mean / theory - 1.0), 1));
            match error.filter(|error| *error > 0.0) {
                Some(error) => (
                    format!("{} ± {}", three_digits(mean), three_digits(error)),
                    format!("{share}, {} s.e.", rounded((mean - theory) / error, 1)),
                ),
                None => (three_digits(mean), share),
            }
        }
    };
    let both = |seen: Option<f64>, theory: Option<f64>| match (seen, theory) {
        (Some(seen), Some(theory)) => format!("{} / {}", rounded(seen, 3), rounded(theory, 3)),
        _ => "–".to_owned(),
    };
    let right = (exits > 0).then(|| seen.right as f64 / exits as f64);
    let unfinished = match seen.unfinished {
        0 => String::new(),
        count => format!("<span class=\"at\">{} not ended</span>", grouped(count)),
    };
    vec![
        escaped(&label),
        (well + 1).to_string(),
        format!("<span>{}{unfinished}</span>", grouped(exits)),
        format!("<span>{mean}</span>"),
        format!("<span>{}</span>", three_digits(theory)),
        format!("<span>{difference}</span>"),
        format!(
            "<span>{}</span>",
            both(right, Some(point.theory.to_the_right(well)))
        ),
        format!(
            "<span>{}</span>",
            both(point.share(well), point.theory.share(well))
        ),
    ]
}

/// With three digits that count, at least.
pub(crate) fn three_digits(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return rounded(number, 0);
    }
    let digits = 2 - number.abs().log10().floor() as i32;
    rounded(number, digits.clamp(0, 12) as usize)
}
