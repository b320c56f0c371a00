//! What the columns of the tables are: their types, and what each of them says.
//!
//! The one list that the Parquet files, `schema.json` and docs/tables.md are made of. A new
//! column goes into its table and into this list; a test holds the two together.

use std::borrow::Cow;

use super::{Cell, Table};

/// Raised whenever a column changes its meaning or its type, or goes; new columns come after the
/// old ones and raise nothing.
pub(crate) const VERSION: u32 = 1;

/// What the cells of a column are. Any cell may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// A whole number that is not negative.
    Whole,
    /// A number, which may be infinite.
    Number,
}

impl Kind {
    /// As `schema.json` and the documentation call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Whole => "whole number",
            Self::Number => "number",
        }
    }
}

/// A column: name, kind, what it says.
type Column = (&'static str, Kind, &'static str);

use Kind::{Number, Text, Whole};

/// The settings of a point, where a table has them first.
const POINT: [Column; 7] = [
    ("dataset", Text, "name of the data set"),
    (
        "architecture",
        Text,
        "what was trained, as in the sweep file",
    ),
    (
        "width",
        Whole,
        "units of a hidden layer, or channels; empty where there is none",
    ),
    (
        "depth",
        Whole,
        "number of linear layers; empty where the architecture fixes it",
    ),
    (
        "batch_size",
        Whole,
        "examples of a minibatch, in training and in measuring",
    ),
    ("learning_rate", Number, "learning rate at the first update"),
    ("loss", Text, "what is minimised, as in the sweep file"),
];

/// The settings that come after the listed columns.
const LIMITS: [Column; 2] = [
    (
        "train_limit",
        Whole,
        "training examples, where only the first ones are taken",
    ),
    (
        "test_limit",
        Whole,
        "test examples, where only the first ones are taken",
    ),
];

const POINTS: [Column; 16] = [
    (
        "split",
        Text,
        "`train` or `test`: whose minibatches the gradients are of",
    ),
    (
        "estimator",
        Text,
        "how α is estimated (docs/tables.md, Words)",
    ),
    (
        "treatment",
        Text,
        "what is done to the noise before (docs/tables.md, Words)",
    ),
    ("k1", Whole, "block length; empty where there is none"),
    ("seeds", Whole, "runs that are done and have a value"),
    (
        "alpha",
        Number,
        "late α: 1 over the mean of 1/α over the seeds",
    ),
    (
        "alpha_mean",
        Number,
        "the plain mean of α over the seeds, as the paper takes it",
    ),
    (
        "between_seed_sd",
        Number,
        "standard deviation of α between the seeds",
    ),
    ("std_error", Number, "standard error of `alpha`"),
    (
        "ci_low",
        Number,
        "lower end of the 95 % interval of `alpha`",
    ),
    (
        "ci_high",
        Number,
        "upper end; infinite when the interval is open above",
    ),
    (
        "problem",
        Text,
        "why `alpha` is missing, or a word about it",
    ),
    (
        "late_rows",
        Whole,
        "measured steps that are late, over all seeds",
    ),
    ("late_values", Whole, "those of them that have a value"),
    (
        "measured",
        Text,
        "`gradient_noise`, or `iterate` for the averaged weights",
    ),
    (
        "stable_reads",
        Number,
        "α that symmetric stable noise of α = 1.5 would read with this standardised treatment, K1 and \
         number of minibatches, to 0.005; empty for other treatments, and below 8 minibatches",
    ),
];

const RUNS: [Column; 10] = [
    (
        "run_id",
        Text,
        "digest of all that determines the run's result",
    ),
    ("seed", Whole, "seed of the run"),
    ("params", Whole, "number of parameters"),
    (
        "state",
        Text,
        "`waiting`, `running`, `done`, `diverged`, `failed` or `cancelled`",
    ),
    (
        "steps",
        Whole,
        "updates that were taken; empty until the run is over",
    ),
    (
        "train_loss",
        Number,
        "loss over the training data at the last measured step",
    ),
    (
        "train_accuracy",
        Number,
        "share of the training data that is classified rightly, there",
    ),
    (
        "test_loss",
        Number,
        "loss over the test data at the last measured step",
    ),
    (
        "test_accuracy",
        Number,
        "share of the test data that is classified rightly, there",
    ),
    ("reason", Text, "why it stands so: one word of a fixed list"),
];

const MEASUREMENTS: [Column; 23] = [
    ("run_id", Text, "the run, as in runs"),
    (
        "step",
        Whole,
        "updates before the measurement; 0 is the initial point",
    ),
    ("split", Text, "`train` or `test`"),
    ("loss", Number, "mean loss over the whole split"),
    (
        "accuracy",
        Number,
        "share of the split that is classified rightly",
    ),
    ("params", Whole, "M: coordinates of a gradient"),
    (
        "batches",
        Whole,
        "P: minibatches whose gradients were taken",
    ),
    (
        "zero_fraction",
        Number,
        "share of the noise that is exactly zero",
    ),
    (
        "noise_norm_mean",
        Number,
        "mean Euclidean norm of the noise of a minibatch",
    ),
    ("noise_norm_max", Number, "largest of them"),
    (
        "kurtosis",
        Number,
        "m₄/m₂² of all noise values; 3 for Gaussian noise of one scale",
    ),
    ("max_to_sum_2", Number, "max |u|² / Σ |u|²"),
    ("max_to_sum_4", Number, "max |u|⁴ / Σ |u|⁴"),
    (
        "projections",
        Whole,
        "random projections of the noise that were tested for a Gaussian, at most 16",
    ),
    (
        "shapiro_wilk_accepted",
        Number,
        "share of them that Shapiro and Wilk's test accepts at 5 %; 0.95 for Gaussian noise",
    ),
    (
        "anderson_darling_accepted",
        Number,
        "the same of Anderson and Darling's test",
    ),
    ("gaussianity_problem", Text, "why no projection was tested"),
    (
        "covariance_trace",
        Number,
        "sum of all eigenvalues of the noise covariance, over at most 256 minibatches: mean squared \
         norm of their noise",
    ),
    (
        "eigenvalue_1",
        Number,
        "largest eigenvalue of the noise covariance, over at most 256 minibatches",
    ),
    ("eigenvalue_2", Number, "the second one"),
    ("eigenvalue_3", Number, "the third one"),
    ("eigenvalue_4", Number, "the fourth one"),
    ("eigenvalue_5", Number, "the fifth one"),
];

const ESTIMATES: [Column; 16] = [
    ("run_id", Text, "the run, as in runs"),
    ("step", Whole, "updates before the measurement"),
    ("split", Text, "`train` or `test`; empty for `iterate`"),
    ("scope", Text, "`all`, or the name of a layer's tensor"),
    ("estimator", Text, "how α is estimated"),
    (
        "treatment",
        Text,
        "what is done to the noise before; empty for `iterate`",
    ),
    ("k1", Whole, "block length; empty where there is none"),
    ("alpha", Number, "estimated tail index"),
    ("std_error", Number, "standard error of `alpha`"),
    ("ci_low", Number, "lower end of the 95 % interval"),
    (
        "ci_high",
        Number,
        "upper end; infinite when the interval is open above",
    ),
    (
        "samples",
        Whole,
        "values in the first mean of the estimator",
    ),
    ("blocks", Whole, "block sums in its second mean"),
    (
        "problem",
        Text,
        "why `alpha` is missing, or a word about it",
    ),
    (
        "measured",
        Text,
        "`gradient_noise`, or `iterate` for the averaged weights",
    ),
    (
        "stable_reads",
        Number,
        "α that symmetric stable noise of α = 1.5 would read with this standardised treatment, K1 and \
         number of minibatches, to 0.005; empty for other treatments, and below 8 minibatches",
    ),
];

/// Of a sweep of `levy_sde`.
const EXITS: [Column; 20] = [
    ("run_id", Text, "the run, as in runs"),
    ("step", Whole, "steps before the measurement"),
    ("time", Number, "the same as time: steps × learning rate"),
    ("well", Whole, "the well, from 1 on the left"),
    ("minimum", Number, "where it has its minimum"),
    ("height", Number, "how high its lower end is above it"),
    ("exits", Whole, "visits that ended, so far, of all paths"),
    ("exits_left", Whole, "those of them that ended to the left"),
    (
        "exits_right",
        Whole,
        "those of them that ended to the right",
    ),
    (
        "mean_exit_time",
        Number,
        "time of all visits by the number of exits",
    ),
    ("std_error", Number, "standard error of `mean_exit_time`"),
    (
        "median_exit_time",
        Number,
        "median of the visits that ended, to 0.2 %",
    ),
    (
        "theory_exit_time",
        Number,
        "mean exit time by theory, without clipping",
    ),
    ("share_right", Number, "share of exits to the right"),
    ("theory_share_right", Number, "the same by theory"),
    ("unfinished", Whole, "visits that have not ended"),
    ("unfinished_time", Number, "their time so far"),
    (
        "time_share",
        Number,
        "share of time in the well; empty where there is one alone",
    ),
    ("theory_time_share", Number, "the same by theory"),
    ("running", Whole, "paths that are still followed"),
];

const TRANSITIONS: [Column; 7] = [
    ("run_id", Text, "the run, as in runs"),
    ("step", Whole, "steps before the measurement"),
    ("from_well", Whole, "the well that was left"),
    (
        "to_well",
        Whole,
        "the well in which the path came home next; may be the same",
    ),
    ("transitions", Whole, "how often, so far, of all paths"),
    (
        "rate",
        Number,
        "`transitions` by the time of all visits to `from_well`",
    ),
    (
        "theory_rate",
        Number,
        "the same by theory; empty for Brownian motion",
    ),
];

const CALIBRATION: [Column; 20] = [
    ("split", Text, "`train` or `test`: draws of their own"),
    ("estimator", Text, "how α is estimated"),
    ("treatment", Text, "what is done to the noise before"),
    ("k1", Whole, "block length; empty where there is none"),
    ("law", Text, "the law of the values, as in the sweep file"),
    (
        "index",
        Number,
        "index of the stable law that sums of such values come near to; of the law itself if it is stable",
    ),
    (
        "draws",
        Whole,
        "measured steps of all done seeds, each a draw of its own",
    ),
    ("values", Whole, "those of them that gave an α̂"),
    ("alpha", Number, "1 over the mean of 1/α̂ over the draws"),
    ("std_error", Number, "standard error of `alpha`"),
    (
        "expected_alpha",
        Number,
        "what `alpha` should be, where a closed form is known",
    ),
    ("alpha_mean", Number, "the plain mean of α̂"),
    ("alpha_sd", Number, "standard deviation of α̂"),
    (
        "expected_sd",
        Number,
        "what `alpha_sd` should be, where a formula is known",
    ),
    (
        "covered",
        Whole,
        "draws whose 95 % interval holds `index`; empty where there are no intervals",
    ),
    ("coverage", Number, "their share of all draws"),
    (
        "coverage_low",
        Number,
        "lower end of the 95 % interval of `coverage` (Wilson)",
    ),
    ("coverage_high", Number, "its upper end"),
    ("params", Whole, "M"),
    ("minibatches", Whole, "P"),
];

/// Of a sweep with the treatments that take the published number apart.
const DECOMPOSITION: [Column; 6] = [
    (
        "split",
        Text,
        "`train` or `test`: whose minibatches the gradients are of",
    ),
    (
        "part",
        Text,
        "`published`, its parts `zeros`, `scales`, `correlation` and `left`, or what is beside them",
    ),
    (
        "seeds",
        Whole,
        "runs that are done and have a value; empty of `stable_left`",
    ),
    (
        "value",
        Number,
        "late part of 1/α, a mean over the seeds; negative where it lowers 1/α",
    ),
    (
        "ci_low",
        Number,
        "lower end of the 95 % interval of `value` between the seeds; empty for one seed",
    ),
    ("ci_high", Number, "its upper end"),
];

/// The columns of the table `name` that every sweep has; the sweep's own axes are not listed.
pub(crate) fn columns(name: &str) -> Vec<Column> {
    match name {
        "points" => [&POINT[..], &POINTS, &LIMITS].concat(),
        "runs" => [&POINT[..], &RUNS, &LIMITS].concat(),
        "measurements" => MEASUREMENTS.to_vec(),
        "estimates" => ESTIMATES.to_vec(),
        "decomposition" => [&POINT[..], &DECOMPOSITION, &LIMITS].concat(),
        "calibration" => [&POINT[..], &CALIBRATION, &LIMITS].concat(),
        "exits" => EXITS.to_vec(),
        "transitions" => TRANSITIONS.to_vec(),
        _ => Vec::new(),
    }
}

/// What the cells of a column are that every sweep has, by the names of table and column; none for
/// a sweep's own axes.
pub fn kind(table: &str, column: &str) -> Option<Kind> {
    let listed = columns(table).into_iter();
    let mut kinds = listed.filter_map(|(name, kind, _)| (name == column).then_some(kind));
    kinds.next()
}

/// What a column of a table is: name, kind, and what it says.
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) says: Cow<'static, str>,
}

/// The columns of `table` in its order. An axis of the sweep's own is of whole numbers or of
/// numbers when the sweep file says so for its key, or else when all of its cells are.
pub(crate) fn described(table: &dyn Table) -> Vec<Described> {
    let listed = columns(table.name());
    let names = table.columns().into_iter().enumerate();
    let describe = |(index, name): (usize, String)| {
        let known = listed.iter().find(|(known, ..)| *known == name);
        let (kind, says) = match known {
            Some((_, kind, says)) => (*kind, Cow::Borrowed(*says)),
            None => (own_kind(table, index, &name), own_says(&name).into()),
        };
        Described { name, kind, says }
    };
    names.map(describe).collect()
}

fn own_kind(table: &dyn Table, index: usize, name: &str) -> Kind {
    match name {
        "train.steps" | "measure.every" => return Whole,
        "train.momentum" | "train.weight_decay" | "train.dropout" => return Number,
        _ => {}
    }
    let is_text =
        (0..table.len()).any(|row| matches!(table.row(row).get(index), Some(Cell::Text(_))));
    if is_text { Text } else { Number }
}

fn own_says(name: &str) -> String {
    format!("the axis `{name}` of this sweep")
}

/// `schema.json`: the columns of the tables of this report.
pub(crate) fn json(tables: &[Box<dyn Table + '_>]) -> Vec<u8> {
    let mut text = format!("{{\"version\": {VERSION},\n\"tables\": {{");
    for (number, table) in tables.iter().enumerate() {
        let columns: Vec<String> = described(table.as_ref())
            .iter()
            .map(|column| {
                let value = serde_json::json!({
                    "name": column.name,
                    "type": column.kind.as_str(),
                    "says": column.says,
                });
                format!("\n  {value}")
            })
            .collect();
        let comma = if number == 0 { "" } else { "," };
        text += &format!("{comma}\n\"{}\": [{}\n]", table.name(), columns.join(","));
    }
    text += "\n}}\n";
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use tailsweep_common::state::Reason;
    use tailsweep_stats::{Estimator, Problem, Treatment};

    use super::*;
    use crate::facts::Facts;
    use crate::fixture;
    use crate::late::{PointRow, of_points};
    use crate::tables::all;

    fn with_late(facts: Facts) -> (Facts, Vec<PointRow>) {
        let late = of_points(&facts);
        (facts, late)
    }

    fn fixtures() -> [Facts; 4] {
        [
            fixture::facts(),
            fixture::parts(),
            fixture::draws(),
            fixture::equations(),
        ]
    }

    #[test]
    fn every_column_is_described_and_every_description_has_its_column() {
        for (facts, late) in fixtures().map(with_late) {
            for table in all(&facts, &late) {
                let mut names = table.columns();
                let mut listed: Vec<_> = columns(table.name())
                    .into_iter()
                    .map(|(name, ..)| name)
                    .collect();
                names.sort();
                listed.sort_unstable();
                // Own axes are not listed.
                names.retain(|name| !name.contains('.'));
                assert_eq!(names, listed, "{}: see tables/schema.rs", table.name());
            }
        }
    }

    #[test]
    fn cells_are_of_the_kind_of_their_column() {
        for (facts, late) in fixtures().map(with_late) {
            for table in all(&facts, &late) {
                let columns = described(table.as_ref());
                for index in 0..table.len() {
                    for (cell, column) in table.row(index).iter().zip(&columns) {
                        let fits = match cell {
                            Cell::Empty => true,
                            Cell::Text(_) => column.kind == Text,
                            Cell::Whole(_) => column.kind == Whole,
                            Cell::Number(_) => column.kind == Number,
                        };
                        assert!(fits, "{} {}: {cell:?}", table.name(), column.name);
                    }
                }
            }
        }
    }

    /// The columns of each table as docs/tables.md has them; with `TAILSWEEP_BLESS` set the page is
    /// written anew.
    #[test]
    fn the_documentation_lists_the_columns() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tables.md");
        let page = fs::read_to_string(&path).unwrap();
        let mut expected = page.clone();
        let (facts, late) = with_late(fixture::facts());
        let (equations, none) = with_late(fixture::equations());
        let of_equations = all(&equations, &none).into_iter().skip(4);
        let (draws, of_draws) = with_late(fixture::draws());
        let (parts, of_parts) = with_late(fixture::parts());
        let further = [all(&parts, &of_parts), all(&draws, &of_draws)]
            .into_iter()
            .flat_map(|tables| tables.into_iter().skip(4))
            .chain(of_equations);
        for table in all(&facts, &late).into_iter().chain(further) {
            let begin = format!("<!-- columns: {} -->\n", table.name());
            let start = expected.find(&begin).expect("a place for the columns") + begin.len();
            let end = start + expected[start..].find("<!-- end -->").expect("its end");
            let rows: String = described(table.as_ref())
                .iter()
                .map(|column| {
                    let says = column.says.replace('|', "\\|");
                    format!(
                        "| `{}` | {} | {says} |\n",
                        column.name,
                        column.kind.as_str()
                    )
                })
                .collect();
            let text = format!("| column | type | what it says |\n|---|---|---|\n{rows}");
            expected.replace_range(start..end, &text);
        }
        if std::env::var_os("TAILSWEEP_BLESS").is_some() {
            fs::write(&path, &expected).unwrap();
        }
        assert!(
            page == expected,
            "write docs/tables.md anew: TAILSWEEP_BLESS=1 cargo test"
        );
    }

    #[test]
    fn the_documentation_explains_every_word() {
        let page = include_str!("../../../../docs/tables.md");
        let words = Treatment::ALL
            .iter()
            .map(|word| word.as_str())
            .chain(Estimator::ALL.iter().map(|word| word.as_str()))
            .chain(Problem::ALL.iter().map(|word| word.as_str()))
            .chain(Reason::ALL.iter().map(|word| word.as_str()));
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
        for word in words {
            let cell = format!("`{word}`");
            let is_explained =
                |row: &&str| row.split('|').nth(1).is_some_and(|it| it.contains(&cell));
            assert!(rows.iter().any(is_explained), "`{word}`");
        }
    }
}
