//! What the estimators say of numbers that somebody already has, without any sweep: the rows of
//! `estimates.csv` that one measurement would have, the five questions, and a figure.

use std::sync::Arc;

use tailsweep_stats::{Incomplete, NoiseSummary, Problem, Treatment, ValueSums};

use crate::facts::{StableReadings, Told, scope_name};
use crate::figures;
use crate::lookup::Kind;
use crate::numbers::rounded;
use crate::tables::{self, Cell};

/// Raised whenever a key of [`json`] changes its meaning or goes.
const VERSION: u32 = 1;

/// A level of a ladder with a larger standard error says nothing.
const LARGEST_ERROR: f64 = 0.15;

/// Blocks that stand for so small an error where there is none: one minibatch has no spread.
const FEWEST_BLOCKS: u64 = 2_500;

/// The estimates of one file.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    pub(crate) file: String,
    pub(crate) told: Vec<Told>,
    pub(crate) values: Option<ValueSums>,
}

/// An answer to one of the five questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Without its number.
    pub question: &'static str,
    /// Estimator and treatment.
    pub from: &'static str,
    /// α with its interval, or why there is none.
    pub answer: String,
}

/// The columns of [`Diagnosis::rows`].
pub const COLUMNS: [&str; 9] = [
    "estimator",
    "treatment",
    "K1",
    "alpha",
    "std_error",
    "95 %",
    "samples",
    "blocks",
    "problem",
];

impl Diagnosis {
    /// Of the sums of all rows of a matrix, taken about their mean (`centred`) or as they are; `file`
    /// is what the user calls it.
    pub fn new(file: String, summary: &NoiseSummary, centred: bool) -> Result<Self, Incomplete> {
        let stable = StableReadings::of(summary, centred);
        let scope: Arc<str> = crate::facts::ALL.into();
        let estimates = match centred {
            true => summary.estimates()?,
            false => summary.estimates_of_noise()?,
        };
        let told = estimates.into_iter().map(|estimate| {
            let scope = match scope_name(&estimate.scope) {
                name if name == &*scope => Arc::clone(&scope),
                name => name.into(),
            };
            Told::new(scope, &estimate, stable)
        });
        Ok(Self {
            file,
            told: told.collect(),
            values: summary.value_sums().cloned(),
        })
    }

    /// What the user calls the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The five questions that an α is to be read with.
    pub fn answers(&self) -> [Answer; 5] {
        [
            Answer {
                question: "What does the paper's method read?",
                from: "mohammadi, published",
                answer: self.answer(Kind::PUBLISHED),
            },
            Answer {
                question: "Would Gaussian noise with these second moments and zeros read the same?",
                from: "mohammadi, gaussian_surrogate",
                answer: match self.levels(Kind::PUBLISHED_ROWS).next() {
                    None => self.answer(Kind::SURROGATE),
                    Some(rows) => format!(
                        "{}, beside {} for these numbers in the same blocks",
                        self.answer(Kind::SURROGATE),
                        reading(rows)
                    ),
                },
            },
            Answer {
                question: "How heavy are the tails across parameters?",
                from: "local_slope, permuted",
                answer: self.climb(Kind::PERMUTED_SLOPE, |k1| format!("K1 = {k1}")),
            },
            Answer {
                question: "How heavy are the tails across minibatches, parameter by parameter?",
                from: "within_coordinate, paired",
                answer: self.answer(Kind::WITHIN),
            },
            Answer {
                question: "Do those tails survive when minibatches are summed?",
                from: "local_slope, paired",
                answer: self.climb(Kind::PAIRED_SLOPE, |k1| format!("{k1} minibatches")),
            },
        ]
    }

    /// Every estimate, rounded for people, in the order of `estimates.csv`.
    pub fn rows(&self) -> impl Iterator<Item = [String; COLUMNS.len()]> + '_ {
        self.told.iter().map(|told| {
            let number = |number: Option<f64>| number.map_or(String::new(), short);
            [
                told.estimator.as_str().to_owned(),
                told.treatment.map_or("", Treatment::as_str).to_owned(),
                told.k1.map_or(String::new(), |k1| k1.to_string()),
                number(told.alpha),
                number(told.std_error),
                told.interval.map_or(String::new(), ends),
                told.samples.to_string(),
                told.blocks.to_string(),
                told.problem.map_or("", Problem::as_str).to_owned(),
            ]
        })
    }

    /// What standardised rows are to be read beside, if there are any.
    pub fn note(&self) -> Option<String> {
        let told = self.told.iter().find(|told| told.stable_reads.is_some())?;
        let (reading, k1) = (told.stable_reads?, told.k1?);
        Some(format!(
            "standardised: stable noise of α = 1.5 would read {} at K1 = {k1}",
            rounded(reading, 3)
        ))
    }

    /// The estimates of a kind over its block lengths.
    pub(crate) fn levels(&self, kind: Kind) -> impl Iterator<Item = &Told> + Clone {
        let told = self.told.iter();
        told.filter(move |told| {
            &*told.scope == crate::facts::ALL && kind.is(told.estimator, told.treatment)
        })
    }

    /// The estimate of a kind, the first one of a ladder: that at the published block length.
    fn answer(&self, kind: Kind) -> String {
        match self.levels(kind).next() {
            None => "not asked for".to_owned(),
            Some(told) => reading(told),
        }
    }

    /// The first and the last level of a ladder that can be trusted.
    fn climb(&self, kind: Kind, place: fn(u64) -> String) -> String {
        let levels: Vec<&Told> = self.levels(kind).collect();
        let known = |told: &&&Told| told.alpha.is_some();
        let precise = |told: &&&Told| match told.std_error {
            Some(error) => error <= LARGEST_ERROR,
            None => told.blocks >= FEWEST_BLOCKS,
        };
        let Some(first) = levels.iter().find(known) else {
            return self.answer(kind);
        };
        let last = levels.iter().rev().filter(known).find(precise);
        let at = |told: &Told| format!("{} at {}", reading(told), place(told.k1.unwrap_or(1)));
        match last.filter(|last| last.k1 > first.k1) {
            None => at(first),
            Some(last) => format!("{} → {}", at(first), at(last)),
        }
    }
}

/// α with its interval, or why there is none.
fn reading(told: &Told) -> String {
    let problem = told.problem.map_or("no_estimate", Problem::as_str);
    match (told.alpha, told.interval) {
        (None, _) => format!("none ({problem})"),
        (Some(alpha), None) => short(alpha),
        (Some(alpha), Some(interval)) => format!("{} {}", short(alpha), ends(interval)),
    }
}

/// Three digits after the point, of numbers that have a use for them.
fn short(number: f64) -> String {
    match number.abs() {
        0.0005..10_000.0 => rounded(number, 3),
        0.0 => "0".to_owned(),
        _ => format!("{number:.2e}"),
    }
}

fn ends([low, high]: [f64; 2]) -> String {
    let close = if high.is_infinite() { ")" } else { "]" };
    format!("[{}, {}{close}", rounded(low, 2), rounded(high, 2))
}

/// `{"version":1,"estimates":[…]}`: of each estimate its file, and the columns of `estimates.csv`
/// from `scope` on.
pub fn json(diagnoses: &[Diagnosis]) -> String {
    let columns: Vec<String> = std::iter::once("file")
        .chain(tables::TOLD)
        .map(str::to_owned)
        .collect();
    let rows = diagnoses.iter().flat_map(|diagnosis| {
        diagnosis.told.iter().map(|told| {
            let own = Cell::text(&diagnosis.file);
            let cells: Vec<Cell<'_>> = std::iter::once(own).chain(tables::told(told)).collect();
            format!("\n{}", tables::object(&columns, &cells))
        })
    });
    let rows: Vec<String> = rows.collect();
    format!(
        "{{\"version\":{VERSION},\"estimates\":[{}\n]}}\n",
        rows.join(",")
    )
}

/// α over K1, the Hill plot, and quantiles against the normal and the fitted stable law, as one
/// SVG with a row of panels for each file.
pub fn figure(diagnoses: &[Diagnosis]) -> String {
    figures::diagnosis(diagnoses).svg()
}
