//! `points.md` and `points.tex`: the late α of each point beside its controls, for a text.
//!
//! Fewer columns and digits than points.csv: the settings in which the points differ, and the
//! numbers that answer the five questions, with their 95 % intervals.

use tailsweep_common::measurement::Split;
use tailsweep_stats::late::Late;

use crate::fields::Field;
use crate::lookup::{Kind, Lookup};
use crate::numbers::rounded;

/// The columns of one α each.
const ALPHAS: [(&str, Kind); 5] = [
    ("published", Kind::PUBLISHED),
    ("rows restarted", Kind::PUBLISHED_ROWS),
    ("Gaussian surrogate", Kind::SURROGATE),
    ("zeros dropped", Kind::ZEROS_DROPPED),
    ("within coordinate", Kind::WITHIN),
];

/// Those of the first and the last slope of a ladder.
const SLOPES: [(&str, Kind); 2] = [
    ("across parameters, summed", Kind::PERMUTED_SLOPE),
    ("across minibatches, summed", Kind::PAIRED_SLOPE),
];

const SAYS: &str = "Late α of each point with its 95 % interval. Published: the estimator of the \
    paper. Gaussian surrogate: what Gaussian noise with the same covariance and zeros would read; \
    where it agrees with the rows restarted, the published number does not decide about tails. \
    Within coordinate: tails across minibatches, parameter by parameter. Summed: local slopes of sums \
    of few and of many parameters, or minibatches, as far as they are known (noisy: none is); flat \
    below 2 is what stable noise does, climbing to 2 what heavy tails of finite variance do.";

/// A cell, before it is written in either form.
enum Written {
    Text(String),
    Alpha(Reading),
    /// The first and the last slope, and how many terms their sums have.
    Climb([Reading; 2], [u64; 2]),
    /// One slope alone.
    Slope(Reading, u64),
    Noisy,
    None,
}

/// An α and its interval.
#[derive(Clone, Copy)]
struct Reading(f64, Option<[f64; 2]>);

impl Reading {
    fn of(late: &Late) -> Option<Self> {
        Some(Self(late.alpha?, late.interval))
    }

    /// `1.778 [0.34, ∞)`.
    fn plain(self) -> String {
        let interval = self.1.map_or(String::new(), |[low, high]| {
            let close = if high.is_infinite() { ")" } else { "]" };
            format!(" [{}, {}{close}", rounded(low, 2), rounded(high, 2))
        });
        format!("{}{interval}", rounded(self.0, 3))
    }

    /// The ends of the interval as subscript and superscript, in mathematics.
    fn math(self, decimals: usize) -> String {
        let number = |number, decimals| {
            rounded(number, decimals)
                .replace('−', "-")
                .replace('∞', "\\infty")
        };
        let interval = self.1.map_or(String::new(), |[low, high]| {
            format!("_{{{}}}^{{{}}}", number(low, 2), number(high, 2))
        });
        format!("{}{interval}", number(self.0, decimals))
    }
}

/// A table in Markdown.
pub(crate) fn markdown(lookup: &Lookup<'_>) -> Vec<u8> {
    let line = |cells: Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let write = |cell: Written| match cell {
        Written::Text(text) => text,
        Written::Alpha(reading) => reading.plain(),
        Written::Climb([first, last], at) => format!(
            "{} → {} ({} → {})",
            first.plain(),
            last.plain(),
            at[0],
            at[1]
        ),
        Written::Slope(reading, at) => format!("{} ({at})", reading.plain()),
        Written::Noisy => "too noisy to tell".to_owned(),
        Written::None => "–".to_owned(),
    };
    let head = head(lookup);
    let rule = "|---".repeat(head.len()) + "|\n";
    let rows: String = rows(lookup)
        .into_iter()
        .map(|row| line(row.into_iter().map(write).collect()))
        .collect();
    format!("{}{rule}{rows}\n{SAYS}\n", line(head)).into_bytes()
}

/// A floating table in LaTeX over both columns of a page, for `booktabs`.
pub(crate) fn latex(lookup: &Lookup<'_>) -> Vec<u8> {
    let line = |cells: Vec<String>| format!("  {} \\\\\n", cells.join(" & "));
    let write = |cell: Written| match cell {
        Written::Text(text) => tex(&text),
        Written::Alpha(reading) => format!("${}$", reading.math(3)),
        Written::Climb([first, last], _) => {
            format!("${} \\to {}$", first.math(2), last.math(2))
        }
        Written::Slope(reading, _) => format!("${}$", reading.math(2)),
        Written::Noisy => "noisy".to_owned(),
        Written::None => "--".to_owned(),
    };
    let head = head(lookup);
    let numbers = ALPHAS.len() + SLOPES.len();
    let columns = "l".repeat(head.len() - numbers) + &"c".repeat(numbers);
    // Words below one another, so that columns are as narrow as their numbers.
    let head = head.iter().map(|name| match name.contains(' ') {
        true => format!("\\shortstack{{{}}}", tex(name).replace(' ', " \\\\ ")),
        false => tex(name),
    });
    let rows: String = rows(lookup)
        .into_iter()
        .map(|row| line(row.into_iter().map(write).collect()))
        .collect();
    let label: String = lookup
        .facts
        .text
        .sweep
        .name
        .chars()
        .map(|letter| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' => letter,
            _ => '-',
        })
        .collect();
    format!(
        "% \\usepackage{{booktabs}}\n\\begin{{table*}}[t]\n\\centering\n\\footnotesize\n\
         \\setlength{{\\tabcolsep}}{{2pt}}\n\\renewcommand{{\\arraystretch}}{{1.4}}\n\
         \\caption{{{} Ends of intervals are written small.}}\n\\label{{tab:{label}}}\n\
         \\begin{{tabular}}{{{columns}}}\n  \\toprule\n{}  \\midrule\n{rows}  \
         \\bottomrule\n\\end{{tabular}}\n\\end{{table*}}\n",
        tex(SAYS),
        line(head.collect()),
    )
    .into_bytes()
}

fn head(lookup: &Lookup<'_>) -> Vec<String> {
    let settings = lookup.varying.iter().map(Field::name).chain(["split"]);
    let columns = ALPHAS.iter().chain(&SLOPES).map(|(name, _)| *name);
    settings.chain(columns).map(str::to_owned).collect()
}

/// A row for each point and split that has a number.
fn rows(lookup: &Lookup<'_>) -> Vec<Vec<Written>> {
    let points = 0..lookup.facts.points.len();
    let both = points.flat_map(|point| [(point, Split::Train), (point, Split::Test)]);
    let rows = both.filter_map(|(point, split)| {
        let alphas = ALPHAS.map(|(_, kind)| alpha(lookup.late(point, split, kind)));
        let slopes = SLOPES.map(|(_, kind)| climb(lookup, point, split, kind));
        let is_none = |cell: &Written| matches!(cell, Written::None);
        if alphas.iter().chain(&slopes).all(is_none) {
            return None;
        }
        let settings = lookup
            .varying
            .iter()
            .map(|field| field.value(lookup.point(point)));
        let settings = settings.chain([split.to_string()]).map(Written::Text);
        Some(settings.chain(alphas).chain(slopes).collect())
    });
    rows.collect()
}

fn alpha(late: Option<&Late>) -> Written {
    late.and_then(Reading::of)
        .map_or(Written::None, Written::Alpha)
}

fn climb(lookup: &Lookup<'_>, point: usize, split: Split, kind: Kind) -> Written {
    let mut all = lookup.levels(point, split, kind);
    if all.all(|row| row.late.alpha.is_none()) {
        return Written::None;
    }
    let known: Vec<(Reading, u64)> = lookup
        .slopes(point, split, kind)
        .into_iter()
        .filter_map(|row| Some((Reading::of(&row.late)?, row.key.k1?)))
        .collect();
    match known[..] {
        [] => Written::Noisy,
        [(one, at)] => Written::Slope(one, at),
        [(first, from), .., (last, to)] => Written::Climb([first, last], [from, to]),
    }
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
