//! `points.md` and `points.tex`: the late α of each point beside its controls, for a text.
//!
//! Fewer columns and digits than points.csv: the settings in which the points differ, and the
//! numbers that answer the five questions, with their 95 % intervals.

use tailsweep_common::measurement::Split;
use tailsweep_stats::late::Late;

use crate::lookup::{Kind, Lookup};
use crate::numbers::rounded;

const COLUMNS: [(&str, Kind); 5] = [
    ("published", Kind::PUBLISHED),
    ("rows restarted", Kind::PUBLISHED_ROWS),
    ("Gaussian surrogate", Kind::SURROGATE),
    ("zeros dropped", Kind::ZEROS_DROPPED),
    ("within coordinate", Kind::WITHIN),
];

const SAYS: &str = "Late α of each point with its 95 % interval. Published: the estimator of the \
    paper. Gaussian surrogate: what Gaussian noise with the same covariance and zeros would read; \
    where it agrees with the rows restarted, the published number does not decide about tails. \
    Within coordinate: tails across minibatches, parameter by parameter.";

/// A table in Markdown.
pub(crate) fn markdown(lookup: &Lookup<'_>) -> Vec<u8> {
    let (head, rows) = cells(lookup);
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = "|---".repeat(head.len()) + "|\n";
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!("{}{rule}{rows}\n{SAYS}\n", line(&head)).into_bytes()
}

/// A table in LaTeX, for `booktabs`.
pub(crate) fn latex(lookup: &Lookup<'_>) -> Vec<u8> {
    let (head, rows) = cells(lookup);
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| tex(cell)).collect();
        format!("  {} \\\\\n", cells.join(" & "))
    };
    let settings = head.len() - COLUMNS.len();
    let columns = "l".repeat(settings) + &"c".repeat(COLUMNS.len());
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!(
        "% {}\n\\begin{{tabular}}{{{columns}}}\n  \\toprule\n{}  \\midrule\n{rows}  \
         \\bottomrule\n\\end{{tabular}}\n",
        SAYS.replace('%', "percent"),
        line(&head),
    )
    .into_bytes()
}

/// The head and the rows, as text.
fn cells(lookup: &Lookup<'_>) -> (Vec<String>, Vec<Vec<String>>) {
    let mut head: Vec<String> = lookup
        .varying
        .iter()
        .map(|field| field.name().to_owned())
        .collect();
    head.push("split".to_owned());
    head.extend(COLUMNS.map(|(name, _)| name.to_owned()));
    let mut rows = Vec::new();
    for point in 0..lookup.facts.points.len() {
        for split in [Split::Train, Split::Test] {
            let numbers = COLUMNS.map(|(_, kind)| cell(lookup.late(point, split, kind)));
            if numbers.iter().all(|number| number == NONE) {
                continue;
            }
            let fields = lookup
                .varying
                .iter()
                .map(|field| field.value(lookup.point(point)));
            rows.push(fields.chain([split.to_string()]).chain(numbers).collect());
        }
    }
    (head, rows)
}

const NONE: &str = "–";

fn cell(late: Option<&Late>) -> String {
    let Some((late, alpha)) = late.and_then(|late| Some((late, late.alpha?))) else {
        return NONE.to_owned();
    };
    let interval = late.interval.map_or(String::new(), |[low, high]| {
        let close = if high.is_infinite() { ")" } else { "]" };
        format!(" [{}, {}{close}", rounded(low, 2), rounded(high, 2))
    });
    format!("{}{interval}", rounded(alpha, 3))
}

/// A text in LaTeX.
fn tex(text: &str) -> String {
    let mut tex = String::new();
    for letter in text.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => tex.extend(['\\', letter]),
            '\\' => tex.push_str("\\textbackslash{}"),
            '~' => tex.push_str("\\textasciitilde{}"),
            '^' => tex.push_str("\\textasciicircum{}"),
            '–' => tex.push_str("--"),
            '−' => tex.push_str("$-$"),
            '∞' => tex.push_str("$\\infty$"),
            'α' => tex.push_str("$\\alpha$"),
            other => tex.push(other),
        }
    }
    tex
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::late::of_points;

    #[test]
    fn a_table_for_a_text() {
        let facts = fixture::facts();
        let late = of_points(&facts);
        let lookup = Lookup::new(&facts, &late);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        insta::assert_snapshot!("paper", text(markdown(&lookup)) + &text(latex(&lookup)));
    }

    #[test]
    fn names_with_signs_of_latex_are_printed() {
        assert_eq!(
            tex("a_b & 5 % −∞ {x}"),
            "a\\_b \\& 5 \\% $-$$\\infty$ \\{x\\}"
        );
    }
}
