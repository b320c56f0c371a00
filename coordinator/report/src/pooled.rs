//! `points.csv`, `decomposition.csv` and `calibration.csv` made again from the other tables of the same
//! report.
//!
//! They follow from the rows of `estimates.csv`, which say every number in full, with the states of
//! the runs and the last measured steps. What needs no training needs no trust: `tailsweep verify`
//! holds every row of them against this.
//!
//! *Degrees of freedom* stand in no column, and a point of one seed needs them. An interval tells
//! them by its lower end, on the scale h on which it is symmetric (1/α; for `within_coordinate`
//! V, linear in 1/α²):
//!
//! ```text
//! t = (h(low) − h(α)) / (|h′(α)|·s.e.(α)) = t_{0.975} of so many degrees
//! ```

use std::collections::BTreeMap;
use std::iter::Peekable;

use csv::{StringRecord, StringRecordsIntoIter};
use tailsweep_common::id::RunId;
use tailsweep_common::measurement::Split;
use tailsweep_common::run::Run;
use tailsweep_common::state::RunState;
use tailsweep_stats::{Estimator, Problem, Treatment, student_t_quantile};

use crate::calibration;
use crate::decomposition::table::PartsTable;
use crate::facts::{ALL, EstimateRow, Facts, Told};
use crate::late::of_points;
use crate::tables::{self, Table};
use crate::{ReportFile, SweepText};

/// What `runs.csv` says of one run.
#[derive(Clone, Debug)]
pub struct ToldRun {
    /// Its id.
    pub id: RunId,
    /// What was trained.
    pub run: Run,
    /// Where it stands.
    pub state: RunState,
}

/// A table that is none of a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{table}, line {line}: {problem}")]
pub struct NotOfReport {
    /// Its file.
    pub table: &'static str,
    /// Counted from 1, the head included.
    pub line: u64,
    /// What is wrong there.
    pub problem: String,
}

/// `points.csv`, and `decomposition.csv` and `calibration.csv` where the sweep has them, from the runs in the order of the
/// sweep and the bytes of `measurements.csv` and `estimates.csv`.
///
/// # Errors
///
/// A cell can't be read, or rows are of no run or in another order than the runs.
pub fn pooled(
    text: SweepText,
    runs: Vec<ToldRun>,
    measurements: &[u8],
    estimates: &[u8],
) -> Result<Vec<ReportFile>, NotOfReport> {
    let mut measurements = Rows::of("measurements.csv", measurements)?;
    let mut estimates = Rows::of("estimates.csv", estimates)?;
    let step = measurements.column("step")?;
    let columns = Columns::of(&estimates)?;
    let mut degrees = Degrees::default();
    let mut facts = Facts::new(text);
    for run in runs {
        let id = run.id.to_string();
        let mut last_step = 0;
        while let Some(row) = measurements.next_of(&id)? {
            last_step = row.number(step)?.unwrap_or_default();
        }
        let mut told = Vec::new();
        while let Some(row) = estimates.next_of(&id)? {
            // No other scope is pooled.
            if row.text(columns.scope) == ALL {
                told.push(columns.read(&row, facts.runs.len(), &mut degrees)?);
            }
        }
        facts.add_told(run, last_step, told);
    }
    measurements.end()?;
    estimates.end()?;
    let late = of_points(&facts);
    let file = |table: &dyn Table| ReportFile {
        path: format!("{}.csv", table.name()),
        bytes: tables::csv(table),
    };
    let mut files = vec![file(&tables::Points {
        facts: &facts,
        late: &late,
    })];
    let parts = PartsTable::new(&facts, &late);
    if !parts.is_empty() {
        files.push(file(&parts));
    }
    if calibration::is_there(&facts) {
        files.push(file(&calibration::table::CalibrationTable::new(&facts)));
    }
    Ok(files)
}

/// The rows of a table whose rows belong to runs.
struct Rows<'a> {
    table: &'static str,
    head: StringRecord,
    run_id: usize,
    records: Peekable<StringRecordsIntoIter<&'a [u8]>>,
}

impl<'a> Rows<'a> {
    fn of(table: &'static str, bytes: &'a [u8]) -> Result<Self, NotOfReport> {
        let mut reader = csv::Reader::from_reader(bytes);
        let head = reader.headers().cloned();
        let mut rows = Self {
            table,
            head: head.map_err(|problem| unreadable(table, &problem))?,
            run_id: 0,
            records: reader.into_records().peekable(),
        };
        rows.run_id = rows.column("run_id")?;
        Ok(rows)
    }

    fn column(&self, name: &str) -> Result<usize, NotOfReport> {
        let place = self.head.iter().position(|known| known == name);
        place.ok_or_else(|| NotOfReport {
            table: self.table,
            line: 1,
            problem: format!("there is no column `{name}`"),
        })
    }

    /// The next row, if it is of this run.
    fn next_of(&mut self, id: &str) -> Result<Option<Row>, NotOfReport> {
        let run_id = self.run_id;
        let is_of_run = |record: &Result<StringRecord, csv::Error>| match record {
            Ok(record) => record.get(run_id) == Some(id),
            Err(_) => true,
        };
        let record = self.records.next_if(is_of_run).transpose();
        let record = record.map_err(|problem| unreadable(self.table, &problem))?;
        Ok(record.map(|record| Row {
            table: self.table,
            record,
        }))
    }

    /// No row is left.
    fn end(&mut self) -> Result<(), NotOfReport> {
        let Some(record) = self.records.next() else {
            return Ok(());
        };
        let record = record.map_err(|problem| unreadable(self.table, &problem))?;
        let row = Row {
            table: self.table,
            record,
        };
        let id = row.text(self.run_id);
        Err(row.wrong(format!(
            "run `{id}` is not in runs.csv, or not in this place"
        )))
    }
}

fn unreadable(table: &'static str, problem: &csv::Error) -> NotOfReport {
    NotOfReport {
        table,
        line: problem.position().map_or(1, csv::Position::line),
        problem: problem.to_string(),
    }
}

struct Row {
    table: &'static str,
    record: StringRecord,
}

impl Row {
    /// A cell; empty if there is none.
    fn text(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    fn wrong(&self, problem: String) -> NotOfReport {
        NotOfReport {
            table: self.table,
            line: self.record.position().map_or(1, csv::Position::line),
            problem,
        }
    }

    /// `None` of an empty cell.
    fn number<T: std::str::FromStr>(&self, column: usize) -> Result<Option<T>, NotOfReport> {
        self.word(column, |text| text.parse().ok())
    }

    /// `None` of an empty cell.
    fn word<T>(
        &self,
        column: usize,
        known: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, NotOfReport> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let read = known(text).map(Some);
        read.ok_or_else(|| self.wrong(format!("`{text}` can't be read")))
    }
}

/// Where the columns of `estimates.csv` are.
struct Columns {
    step: usize,
    split: usize,
    scope: usize,
    estimator: usize,
    treatment: usize,
    k1: usize,
    alpha: usize,
    std_error: usize,
    low: usize,
    high: usize,
    samples: usize,
    blocks: usize,
    problem: usize,
    stable_reads: usize,
}

impl Columns {
    fn of(rows: &Rows<'_>) -> Result<Self, NotOfReport> {
        Ok(Self {
            step: rows.column("step")?,
            split: rows.column("split")?,
            scope: rows.column("scope")?,
            estimator: rows.column("estimator")?,
            treatment: rows.column("treatment")?,
            k1: rows.column("k1")?,
            alpha: rows.column("alpha")?,
            std_error: rows.column("std_error")?,
            low: rows.column("ci_low")?,
            high: rows.column("ci_high")?,
            samples: rows.column("samples")?,
            blocks: rows.column("blocks")?,
            problem: rows.column("problem")?,
            stable_reads: rows.column("stable_reads")?,
        })
    }

    /// A row over all parameters.
    fn read(
        &self,
        row: &Row,
        run: usize,
        degrees: &mut Degrees,
    ) -> Result<EstimateRow, NotOfReport> {
        let estimator = |word: &str| {
            let mut all = Estimator::ALL.iter().copied();
            all.find(|known| known.as_str() == word)
        };
        let problem = |word: &str| {
            let mut all = Problem::ALL.iter().copied();
            all.find(|known| known.as_str() == word)
        };
        let split = |word: &str| {
            let mut all = [Split::Train, Split::Test].into_iter();
            all.find(|known| known.as_str() == word)
        };
        let estimator = row
            .word(self.estimator, estimator)?
            .ok_or_else(|| row.wrong("there is no estimator".to_owned()))?;
        let treatment = |word: &str| word.parse::<Treatment>().ok();
        let low: Option<f64> = row.number(self.low)?;
        let interval = low.zip(row.number(self.high)?);
        let mut told = Told {
            scope: ALL.into(),
            estimator,
            treatment: row.word(self.treatment, treatment)?,
            k1: row.number(self.k1)?,
            alpha: row.number(self.alpha)?,
            std_error: row.number(self.std_error)?,
            interval: interval.map(|(low, high)| [low, high]),
            degrees: None,
            samples: row.number(self.samples)?.unwrap_or_default(),
            blocks: row.number(self.blocks)?.unwrap_or_default(),
            problem: row.word(self.problem, problem)?,
            stable_reads: row.number(self.stable_reads)?,
        };
        told.degrees = degrees.of(&told);
        Ok(EstimateRow {
            run,
            step: row.number(self.step)?.unwrap_or_default(),
            split: row.word(self.split, split)?,
            told,
        })
    }
}

/// Degrees of freedom from intervals; quantiles that were needed once are kept.
#[derive(Default)]
struct Degrees {
    quantiles: BTreeMap<u32, f64>,
}

impl Degrees {
    /// More than any measurement has, and few enough for the quantile to be computed fast.
    const MOST: u32 = 1 << 17;

    /// `None` without an interval.
    fn of(&mut self, told: &Told) -> Option<u32> {
        let (alpha, error, [low, _]) = (told.alpha?, told.std_error?, told.interval?);
        let t = match told.estimator {
            Estimator::WithinCoordinate => {
                (low.powi(-2) - alpha.powi(-2)) * alpha.powi(3) / (2.0 * error)
            }
            _ => (low.recip() - alpha.recip()) * alpha * alpha / error,
        };
        self.nearest(t)
    }

    /// The number of degrees whose t is nearest to this one; it falls with the degrees.
    fn nearest(&mut self, t: f64) -> Option<u32> {
        if !t.is_finite() {
            return None;
        }
        // The quantile at `few` is not below t, or `few` is 1; that at `many` is, or `many` is MOST.
        let (mut few, mut many) = (1, 2);
        while many < Self::MOST && self.quantile(many) >= t {
            (few, many) = (many, 2 * many);
        }
        while many - few > 1 {
            let middle = few + (many - few) / 2;
            match self.quantile(middle) >= t {
                true => few = middle,
                false => many = middle,
            }
        }
        let far = |degrees: &u32, known: &mut Self| (known.quantile(*degrees) - t).abs();
        let is_few = far(&few, self) <= far(&many, self);
        Some(if is_few { few } else { many })
    }

    fn quantile(&mut self, degrees: u32) -> f64 {
        let quantile = || student_t_quantile(0.975, f64::from(degrees));
        *self.quantiles.entry(degrees).or_insert_with(quantile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(estimator: Estimator, alpha: f64, error: f64, low: f64) -> Told {
        Told {
            scope: ALL.into(),
            estimator,
            treatment: Some(Treatment::Paired),
            k1: None,
            alpha: Some(alpha),
            std_error: Some(error),
            interval: Some([low, f64::INFINITY]),
            degrees: None,
            samples: 0,
            blocks: 0,
            problem: None,
            stable_reads: None,
        }
    }

    #[test]
    fn degrees_are_found_from_the_lower_end() {
        let mut degrees = Degrees::default();
        for wanted in [1, 2, 5, 23, 63, 64, 1_249] {
            let t = student_t_quantile(0.975, f64::from(wanted));
            let (alpha, error) = (1.3_f64, 0.01);
            let theta = alpha.recip() + t * error / (alpha * alpha);
            let row = told(Estimator::Mohammadi, alpha, error, theta.recip());
            assert_eq!(degrees.of(&row), Some(wanted));
            // V = (π²/6)(1/α² + ½) has the standard error (π²/3)·s.e.(α)/α³.
            let square = alpha.powi(-2) + 2.0 * t * error / alpha.powi(3);
            let row = told(
                Estimator::WithinCoordinate,
                alpha,
                error,
                square.sqrt().recip(),
            );
            assert_eq!(degrees.of(&row), Some(wanted), "on the scale of V");
        }
    }
}
