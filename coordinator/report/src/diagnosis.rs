//! What the estimators say of numbers that somebody already has, without any sweep: the rows of
//! `estimates.csv` that one measurement would have, its other facts, the fitted stable laws, the five
//! questions, and a figure.

use std::sync::Arc;

use serde::Serialize;
use tailsweep_stats::{
    Estimator, Gaussianity, Incomplete, NoiseSummary, Problem, StableFit, Treatment, Treatments,
    ValueSums,
};

use crate::facts::{StableReadings, Told, scope_name};
use crate::figures;
use crate::lookup::Kind;
use crate::numbers::rounded;
use crate::tables::{self, Cell};

/// Raised whenever a key of [`json`] changes its meaning or goes.
const VERSION: u32 = 1;

/// A level of a ladder with a larger standard error of 1/α says little: at α = 2 this is 0.2 of α.
const LARGEST_ERROR: f64 = 0.05;

/// Blocks that stand for so small an error where there is none: one minibatch has no spread.
const FEWEST_BLOCKS: u64 = 1_400;

/// How many of the 95 % intervals of `mohammadi`, `published` hold α on independent stable noise of
/// 24 and of 100 minibatches, in percent, by α: A14 of `bench statistics`.
const CENTRED_COVERAGE: [(f64, [u32; 2]); 4] = [
    (2.0, [95, 95]),
    (1.8, [92, 93]),
    (1.5, [85, 86]),
    (1.2, [60, 42]),
];

/// The estimates of one file.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    pub(crate) file: String,
    pub(crate) told: Vec<Told>,
    pub(crate) values: Option<ValueSums>,
    asked: Treatments,
    centring: Centring,
    zero_fraction: Option<f64>,
    below_epsilon_fraction: Option<f64>,
    kurtosis: Option<f64>,
    /// Of x² and of x⁴.
    max_to_sum: [Option<f64>; 2],
    gaussianity: Result<Gaussianity, Problem>,
    fits: Vec<(Estimator, Result<StableFit, Problem>)>,
}

/// Where the mean row was subtracted from the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Centring {
    /// Here.
    Here,
    /// Before: they are noise, and each column sums to zero.
    Before,
    /// Nowhere: they are noise.
    Nowhere,
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

/// The columns of [`Diagnosis::laws`].
pub const LAW_COLUMNS: [&str; 6] = [
    "stable law by",
    "alpha",
    "scale",
    "skewness",
    "location",
    "problem",
];

impl Diagnosis {
    /// Of the sums of all rows of a matrix; `file` is what the user calls it.
    pub fn new(
        file: String,
        summary: &NoiseSummary,
        centring: Centring,
    ) -> Result<Self, Incomplete> {
        let stable = StableReadings::of(summary, centring != Centring::Nowhere);
        let scope: Arc<str> = crate::facts::ALL.into();
        let estimates = match centring {
            Centring::Here => summary.estimates()?,
            Centring::Before | Centring::Nowhere => summary.estimates_of_noise()?,
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
            asked: summary.shape().treatments(),
            centring,
            zero_fraction: summary.zero_fraction(),
            below_epsilon_fraction: summary.below_epsilon_fraction(),
            kurtosis: summary.kurtosis(),
            max_to_sum: [summary.max_to_sum_2(), summary.max_to_sum_4()],
            gaussianity: summary.gaussianity(),
            fits: summary.value_sums().map_or(Vec::new(), laws),
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

    /// The stable laws that were fitted to the single values, rounded for people.
    pub fn laws(&self) -> impl Iterator<Item = [String; LAW_COLUMNS.len()]> + '_ {
        self.fits.iter().map(|(estimator, fit)| {
            let number = |of: fn(&StableFit) -> Option<f64>| {
                let number = fit.as_ref().ok().and_then(of);
                number.map_or(String::new(), significant)
            };
            let alpha = fit.as_ref().map_or(String::new(), |fit| short(fit.alpha));
            [
                estimator.as_str().to_owned(),
                alpha,
                number(|fit| fit.scale),
                number(|fit| fit.skewness),
                number(|fit| fit.location),
                fit.err().map_or("", Problem::as_str).to_owned(),
            ]
        })
    }

    /// What else was seen of the values, a line for each.
    pub fn remarks(&self) -> Vec<String> {
        let number = |number: Option<f64>| number.map_or("none".to_owned(), significant);
        let mut remarks = vec![format!(
            "kurtosis {} (3 if Gaussian of one scale), largest x² / Σ x² {}, largest x⁴ / Σ x⁴ {}",
            number(self.kurtosis),
            number(self.max_to_sum[0]),
            number(self.max_to_sum[1]),
        )];
        remarks.push(match &self.gaussianity {
            Ok(read) => format!(
                "of {} random projections of {} minibatches Shapiro–Wilk accepts {:.0} % and \
                 Anderson–Darling {:.0} % (95 % if Gaussian)",
                read.projections,
                read.rows,
                100.0 * read.shapiro_wilk,
                100.0 * read.anderson_darling,
            ),
            Err(problem) => format!("Shapiro–Wilk, Anderson–Darling: none ({problem})"),
        });
        if let Some(share) = self.below_epsilon_fraction.filter(|share| *share > 0.0) {
            remarks.push(format!(
                "{} % of the values are not 0 but below the 2⁻⁵² that the published estimator adds",
                significant(100.0 * share)
            ));
        }
        remarks
    }

    /// What rows of the table are to be read beside: standardised ones, and centred intervals.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let standardised = self.told.iter().find(|told| told.stable_reads.is_some());
        if let Some((reading, k1)) = standardised.and_then(|told| told.stable_reads.zip(told.k1)) {
            notes.push(format!(
                "standardised: stable noise of α = 1.5 would read {} at K1 = {k1}",
                rounded(reading, 3)
            ));
        }
        let not_paired = |told: &Told| told.treatment != Some(Treatment::Paired);
        let intervals = || self.told.iter().filter(|told| told.interval.is_some());
        if self.centring != Centring::Nowhere && intervals().any(not_paired) {
            let at = |(alpha, covered): (f64, [u32; 2])| {
                format!("{} and {} % at α = {alpha}", covered[0], covered[1])
            };
            let paired = match intervals().all(not_paired) {
                true => "",
                false => "; the paired ones in 93–97 %",
            };
            notes.push(format!(
                "on drawn stable noise of 24 and 100 minibatches the intervals that are not paired held α in {}\
                 {paired}",
                CENTRED_COVERAGE.map(at).join(", ")
            ));
        }
        notes
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
            Some(told) => reading(told),
            None if self.asked.contains(kind.treatment) => "none (too few parameters)".to_owned(),
            None => "not asked for".to_owned(),
        }
    }

    /// How much 1/α varies at the levels of a ladder, beside Gaussian noise: as the standard deviation of
    /// ln|x| of stable noise of the α that the first level reads, the surest of them.
    pub(crate) fn spread(&self, kind: Kind) -> f64 {
        let first = self.levels(kind).find_map(|told| told.alpha);
        let first = first.filter(|alpha| (0.0..2.0).contains(alpha));
        first.map_or(1.0, |alpha| ((alpha.powi(-2) + 0.5) / 0.75).sqrt())
    }

    /// The first level of a ladder, and the last one that can be trusted.
    fn climb(&self, kind: Kind, place: fn(u64) -> String) -> String {
        let levels: Vec<&Told> = self.levels(kind).collect();
        let known = |told: &&&Told| told.alpha.is_some();
        let largest = LARGEST_ERROR * self.spread(kind);
        let precise = |told: &&&Told| match told.theta_error() {
            Some(error) => error <= largest,
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

/// About four digits.
fn significant(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        0.01..1.0 => rounded(number, 4),
        1.0..10_000.0 => rounded(number, 3),
        _ => format!("{number:.3e}").replace('-', "−"),
    }
}

/// The stable laws of the estimators that give more than α.
fn laws(values: &ValueSums) -> Vec<(Estimator, Result<StableFit, Problem>)> {
    vec![
        (Estimator::LogMoment, StableFit::of_log_moment(values)),
        (Estimator::Ecf, StableFit::of_ecf(values)),
        (Estimator::Mcculloch, StableFit::of_mcculloch(values)),
    ]
}

fn ends([low, high]: [f64; 2]) -> String {
    let close = if high.is_infinite() { ")" } else { "]" };
    format!("[{}, {}{close}", rounded(low, 2), rounded(high, 2))
}

/// `{"version":1,"estimates":[…],"files":[…]}`: of each estimate its file, and the columns of
/// `estimates.csv` from `scope` on; of each file what else is known of it.
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
    let files = diagnoses.iter().map(|diagnosis| {
        let file = FileFacts::of(diagnosis);
        let text = serde_json::to_string(&file).expect("texts, numbers and lists of them are JSON");
        format!("\n{text}")
    });
    let files: Vec<String> = files.collect();
    format!(
        "{{\"version\":{VERSION},\"estimates\":[{}\n],\"files\":[{}\n]}}\n",
        rows.join(","),
        files.join(",")
    )
}

/// What is known of a file beside its estimates, by the names of `measurements.csv` where they are
/// there.
#[derive(Serialize)]
struct FileFacts<'a> {
    file: &'a str,
    zero_fraction: Option<f64>,
    below_epsilon_fraction: Option<f64>,
    kurtosis: Option<f64>,
    max_to_sum_2: Option<f64>,
    max_to_sum_4: Option<f64>,
    projections: Option<u64>,
    shapiro_wilk_accepted: Option<f64>,
    anderson_darling_accepted: Option<f64>,
    gaussianity_problem: Option<&'static str>,
    stable_laws: Vec<Law>,
    notes: Vec<String>,
}

/// A fitted stable law.
#[derive(Serialize)]
struct Law {
    estimator: &'static str,
    alpha: Option<f64>,
    scale: Option<f64>,
    skewness: Option<f64>,
    location: Option<f64>,
    problem: Option<&'static str>,
}

impl<'a> FileFacts<'a> {
    fn of(diagnosis: &'a Diagnosis) -> Self {
        let read = diagnosis.gaussianity;
        let law = |(estimator, fit): &(Estimator, Result<StableFit, Problem>)| {
            let known = fit.ok();
            Law {
                estimator: estimator.as_str(),
                alpha: known.map(|fit| fit.alpha),
                scale: known.and_then(|fit| fit.scale),
                skewness: known.and_then(|fit| fit.skewness),
                location: known.and_then(|fit| fit.location),
                problem: fit.err().map(Problem::as_str),
            }
        };
        Self {
            file: &diagnosis.file,
            zero_fraction: diagnosis.zero_fraction,
            below_epsilon_fraction: diagnosis.below_epsilon_fraction,
            kurtosis: diagnosis.kurtosis,
            max_to_sum_2: diagnosis.max_to_sum[0],
            max_to_sum_4: diagnosis.max_to_sum[1],
            projections: read.ok().map(|read| read.projections),
            shapiro_wilk_accepted: read.ok().map(|read| read.shapiro_wilk),
            anderson_darling_accepted: read.ok().map(|read| read.anderson_darling),
            gaussianity_problem: read.err().map(Problem::as_str),
            stable_laws: diagnosis.fits.iter().map(law).collect(),
            notes: diagnosis.notes(),
        }
    }
}

/// α over K1, the Hill plot, and quantiles against the normal and the fitted stable law, as one
/// SVG with a row of panels for each file.
pub fn figure(diagnoses: &[Diagnosis]) -> String {
    figures::diagnosis(diagnoses).svg()
}
