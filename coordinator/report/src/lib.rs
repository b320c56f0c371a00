//! From accepted results to the tables and figures of a report: pure, values in, bytes out.
//!
//! ```text
//! RunResult ──add──▶ facts ──finish──▶ late α of each point ──files──▶ csv, parquet, json, svg, html
//! ```
//!
//! [`ReportBuilder::add`] takes the runs in the order of the sweep, makes their estimates and
//! drops the noise summaries, so that what is held grows with the rows of the tables alone.
//! Every file follows from the added results and the sweep by itself: there is no clock, no
//! host name, no hash order and no path in it, and two reports of equal results are equal to
//! the byte. What may differ between them, `manifest.json`, is written by the shell.
//!
//! *Absent*: reading and writing of files, measuring, and the estimators (`tailsweep-stats`).
//!
//! | module | says |
//! |---|---|
//! | [`late`] | what the late α of a point is |
//! | `calibration` | what estimators read of noise of a known law, beside closed forms |
//! | `decomposition` | what zeros, scales and correlation add to the published number |
//! | `exits` | exit times of stochastic differential equations, beside theory |
//! | `choice` | which of the possible estimates are given |
//! | `facts` | what is kept of a sweep and its results |
//! | `fields` | the settings in which points differ |
//! | `tables` | the tables, as CSV, Parquet and JSON |
//! | `seeds` | a number over the seeds of a point |
//! | `norms` | norms of the noise, relative to their median |
//! | `pooled` | `points.csv`, `decomposition.csv` and `calibration.csv` again, from the other tables |
//! | `lookup` | the α that a figure or a row of the page is about |
//! | `figures` | which figures are drawn, and how |
//! | `html` | the page |
//! | [`diagnosis`] | the same rows and figures of numbers without a sweep |
//! | [`picture`] | curves in the same style, for documentation |

use std::iter;
use std::sync::Arc;

use tailsweep_common::id::RunId;
use tailsweep_common::measurement::Measurement;
use tailsweep_common::run::Run;
use tailsweep_common::state::{Reason, RunState};
use tailsweep_common::sweep::Sweep;

mod calibration;
mod choice;
mod decomposition;
pub mod diagnosis;
mod exits;
mod facts;
mod fields;
mod figures;
#[cfg(test)]
mod fixture;
mod html;
pub mod late;
mod lookup;
mod norms;
mod numbers;
pub mod picture;
mod pooled;
mod seeds;
mod tables;

pub use choice::{Choice, NoSuchBlockLength};
use facts::Facts;
pub use numbers::setting;
pub use pooled::{NotOfReport, ToldRun, pooled};
pub use tables::schema::{Kind as ColumnKind, kind as column_kind};

/// What a report tells of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// Its id.
    pub id: RunId,
    /// What was trained.
    pub run: Run,
    /// Where it stands.
    pub state: RunState,
    /// Why, where that is worth a word.
    pub reason: Option<Reason>,
    /// Updates taken, once it is over.
    pub steps: Option<u64>,
    /// In the order of their steps.
    pub measurements: Vec<Measurement>,
}

/// The sweep that is reported on.
#[derive(Clone, Debug)]
pub struct SweepText {
    /// The plan.
    pub sweep: Arc<Sweep>,
    /// The sweep file as the user wrote it.
    pub source: String,
}

/// Gathers the results of a sweep.
#[derive(Debug)]
pub struct ReportBuilder {
    facts: Facts,
}

impl ReportBuilder {
    /// A report of `sweep` without any run yet.
    pub fn new(sweep: SweepText) -> Self {
        Self {
            facts: Facts::new(sweep),
        }
    }

    /// Gives a part of the estimates.
    #[must_use]
    pub fn with_choice(mut self, choice: Choice) -> Self {
        self.facts.choice = choice;
        self
    }

    /// The next run in the order of the sweep: point by point, seed by seed. Runs that are not
    /// needed are not added. The estimates are made here, and the summaries dropped.
    pub fn add(&mut self, result: RunResult) {
        self.facts.add(result);
    }

    /// Whether the sums that were added allow what was chosen.
    ///
    /// # Errors
    ///
    /// A chosen block length has no sums in any run.
    pub fn check_choice(&self) -> Result<(), NoSuchBlockLength> {
        self.facts.choice.check(&self.facts.ladders)
    }

    /// No run is left: the late α of each point can be told.
    pub fn finish(self) -> Report {
        Report {
            late: late::of_points(&self.facts),
            facts: self.facts,
        }
    }
}

/// The results of a sweep, ready to be written.
#[derive(Debug)]
pub struct Report {
    facts: Facts,
    late: Vec<late::PointRow>,
}

impl Report {
    /// The files of the report's folder, in a fixed order: all but `manifest.json`.
    pub fn files(&self) -> Vec<ReportFile> {
        self.each_file().collect()
    }

    /// The same, each made when it is asked for: the tables of a large sweep are large.
    pub fn each_file(&self) -> impl Iterator<Item = ReportFile> + '_ {
        let figures = figures::all(&self.facts, &self.late);
        let page = ReportFile {
            path: "report.html".to_owned(),
            bytes: html::page(&self.facts, &self.late, &figures).into_bytes(),
        };
        let tables = tables::all(&self.facts, &self.late)
            .into_iter()
            .flat_map(|table| {
                let forms = [
                    ("csv", tables::csv as fn(&dyn tables::Table) -> Vec<u8>),
                    ("parquet", tables::parquet),
                    ("jsonl", tables::json_lines),
                ];
                forms.map(|(ending, bytes)| ReportFile {
                    path: format!("{}.{ending}", table.name()),
                    bytes: bytes(table.as_ref()),
                })
            });
        let paper = [
            (
                "points.md",
                tables::paper::markdown as fn(&lookup::Lookup<'_>) -> Vec<u8>,
            ),
            ("points.tex", tables::paper::latex),
        ]
        .into_iter()
        .map(|(path, bytes)| ReportFile {
            path: path.to_owned(),
            bytes: bytes(&lookup::Lookup::new(&self.facts, &self.late)),
        });
        let schema = iter::once_with(|| ReportFile {
            path: "schema.json".to_owned(),
            bytes: tables::schema::json(&tables::all(&self.facts, &self.late)),
        });
        let json = iter::once_with(|| ReportFile {
            path: "report.json".to_owned(),
            bytes: tables::json(&self.facts, &tables::all(&self.facts, &self.late)),
        });
        let sweep = iter::once_with(|| ReportFile {
            path: "sweep.json".to_owned(),
            bytes: tables::sweep_json(&self.facts),
        });
        let figures = figures.into_iter().flat_map(|figure| {
            let file = |ending, bytes| ReportFile {
                path: format!("figures/{}.{ending}", figure.name),
                bytes,
            };
            [
                file("svg", figure.svg().into_bytes()),
                file("pdf", figure.pdf()),
            ]
        });
        iter::once(page)
            .chain(tables)
            .chain(paper)
            .chain(schema)
            .chain(json)
            .chain(sweep)
            .chain(figures)
    }
}

/// A file of the report's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Below the folder, parts separated by `/`: `points.csv`, `figures/alpha-width.svg`.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}
