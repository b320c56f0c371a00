//! A report on the terminal: the late α of each point beside its controls.
//!
//! It begins with the runs, not with the α: a point is shown from the start, with a word for what
//! became of it until there is a number.

use std::collections::{BTreeMap, BTreeSet};

use tailsweep_common::state::RunState;

use crate::point_table::{self, PointTable, Setting, is_too_wide, shared, wrapped};
use crate::report_folder::Row;
use crate::terminal::counted;

/// Points that are shown.
const MAX_POINTS: usize = 40;
/// Columns of a number with its interval below.
const NARROW: usize = 12;

/// What is told of a point: heading, estimator, treatment, split.
const TOLD: [(&str, &str, &str, &str); 4] = [
    ("α train", "mohammadi", "published", "train"),
    ("α test", "mohammadi", "published", "test"),
    ("α Gaussian", "mohammadi", "gaussian_surrogate", "train"),
    ("α within", "within_coordinate", "", "train"),
];

const LEGEND: &str = "\
α train, α test: the paper's number, late in training, with its 95 % interval
α Gaussian: what Gaussian noise of the same second moments and zeros would read
α within: tails across minibatches, parameter by parameter
";

/// A point: where its runs stand, and what its rows of points.csv say.
#[derive(Default)]
struct Told<'r> {
    states: BTreeMap<RunState, usize>,
    rows: [Option<&'r Row>; TOLD.len()],
}

/// What a user wants to see first of the rows of points.csv and runs.csv.
pub(crate) fn summary(points: &[Row], runs: &[Row]) -> String {
    let settings = settings(runs);
    let mut order: Vec<Vec<&str>> = Vec::new();
    let mut places: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    let mut told: Vec<Told<'_>> = Vec::new();
    for run in runs {
        let point = values(run, &settings);
        let place = *places.entry(point.clone()).or_insert_with(|| {
            order.push(point);
            told.push(Told::default());
            told.len() - 1
        });
        if let Some(state) = RunState::from_word(cell(run, "state")) {
            *told[place].states.entry(state).or_default() += 1;
        }
    }
    for row in points {
        let Some(place) = places.get(&values(row, &settings)) else {
            continue;
        };
        for (told, (_, estimator, treatment, split)) in told[*place].rows.iter_mut().zip(TOLD) {
            let is_it = cell(row, "estimator") == estimator
                && (treatment.is_empty() || cell(row, "treatment") == treatment)
                && cell(row, "split") == split;
            if is_it && told.is_none() {
                *told = Some(row);
            }
        }
    }
    let head = banner(&told);
    if told.iter().all(|point| point.results() == 0) {
        return head.trim_end().to_owned() + "\n";
    }
    let differs = |index: usize| order.iter().any(|point| point[index] != order[0][index]);
    let (varying, fixed): (Vec<usize>, Vec<usize>) =
        (0..settings.len()).partition(|index| differs(*index));
    let shared_values: Vec<String> = fixed.iter().map(|&index| number(order[0][index])).collect();
    let fixed = fixed.iter().map(|&index| &settings[index]);
    let text = head + &shared(fixed.zip(shared_values.iter().map(String::as_str)));

    let is_told = |column: usize| told.iter().any(|point| point.rows[column].is_some());
    let columns: Vec<usize> = (0..TOLD.len()).filter(|column| is_told(*column)).collect();
    if columns.is_empty() {
        return text
            + "none of the α of this table was measured, or chosen; report.html and points.csv have the others\n";
    }
    // Runs begin with the longest: among many points, those with results are not the first.
    let is_shown = |place: &usize| order.len() <= MAX_POINTS || told[*place].results() > 0;
    let shown: Vec<usize> = (0..order.len()).filter(is_shown).take(MAX_POINTS).collect();
    let table = |broken: bool| PointTable {
        before: Vec::new(),
        settings: varying.iter().map(|&index| &settings[index]).collect(),
        after: columns.iter().map(|&column| TOLD[column].0).collect(),
        rows: shown
            .iter()
            .map(|&place| {
                let values = varying.iter().map(|&index| number(order[place][index]));
                [
                    Vec::new(),
                    values.collect(),
                    told[place].cells(&columns, broken),
                ]
            })
            .collect(),
    };
    let whole = table(false).whole();
    let mut text = text
        + &match is_too_wide(&whole) {
            true => table(true).fitted(),
            false => whole,
        };
    if order.len() > shown.len() {
        text += &format!("… and {} more points\n", order.len() - shown.len());
    }
    text + LEGEND
}

/// How much of the sweep this is; nothing, if it is all.
fn banner(points: &[Told<'_>]) -> String {
    let count = |state| {
        let counts = points.iter().filter_map(|point| point.states.get(&state));
        counts.sum::<usize>()
    };
    let runs: usize = points.iter().flat_map(|point| point.states.values()).sum();
    let results: usize = points.iter().map(Told::results).sum();
    if results == runs {
        return String::new();
    }
    let open = [RunState::Waiting, RunState::Running].map(count);
    let open: usize = open.iter().sum();
    let unfinished = if open > 0 { "Unfinished: " } else { "" };
    let mut text = format!(
        "{unfinished}{results} of {} have results",
        counted(runs, "run")
    );
    for state in [RunState::Diverged, RunState::Failed, RunState::Cancelled] {
        if count(state) > 0 {
            text += &format!(", {} {state}", count(state));
        }
    }
    text + "\n\n"
}

impl Told<'_> {
    /// Runs that have one; one that diverged has.
    fn results(&self) -> usize {
        let counts = [RunState::Done, RunState::Diverged].map(|state| self.states.get(&state));
        counts.into_iter().flatten().sum()
    }

    /// What is said of a point whose runs left no number.
    fn state(&self) -> RunState {
        let is_there = |state: &RunState| self.states.contains_key(state);
        let order = [
            RunState::Running,
            RunState::Waiting,
            RunState::Failed,
            RunState::Cancelled,
            RunState::Diverged,
        ];
        order.into_iter().find(is_there).unwrap_or(RunState::Done)
    }

    fn cells(&self, columns: &[usize], broken: bool) -> Vec<String> {
        let has_runs = self.states.contains_key(&RunState::Done);
        let cell = |(place, column): (usize, &usize)| match self.rows[*column] {
            Some(row) if has_runs => with_interval(row, broken),
            _ if !has_runs && place == 0 => self.state().to_string(),
            _ => NONE.to_owned(),
        };
        columns.iter().enumerate().map(cell).collect()
    }
}

/// Stands for a value that is not there.
const NONE: &str = "–";

/// Those of every report, and the own axes of this one.
fn settings(rows: &[Row]) -> Vec<Setting> {
    let columns = rows.iter().flat_map(Row::keys).map(String::as_str);
    let columns: BTreeSet<&str> = columns.filter(|column| column.contains('.')).collect();
    point_table::settings(columns)
}

fn values<'r>(row: &'r Row, settings: &[Setting]) -> Vec<&'r str> {
    let values = settings.iter().map(|setting| cell(row, &setting.column));
    values.collect()
}

fn cell<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).map(String::as_str).unwrap_or_default()
}

/// A setting as the report writes it: `1e6`, not `1000000.0`.
fn number(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(number) if value.contains(['.', 'e']) => tailsweep_report::setting(number),
        _ => value.to_owned(),
    }
}

/// `1.69 [1.23, 2.74]`, `1.69 [0.94, ∞)`, or a word; `broken`: the interval stands below.
fn with_interval(row: &Row, broken: bool) -> String {
    let number = |column| cell(row, column).parse::<f64>().ok();
    let problem = cell(row, "problem").replace('_', " ");
    let text = match (number("alpha"), number("ci_low"), number("ci_high")) {
        (None, ..) => problem,
        (Some(alpha), Some(low), Some(high)) if high.is_finite() => {
            format!("{alpha:.2} [{low:.2}, {high:.2}]")
        }
        (Some(alpha), Some(low), Some(_)) => format!("{alpha:.2} [{low:.2}, ∞)"),
        (Some(alpha), ..) => format!("{alpha:.2} {problem}").trim_end().to_owned(),
    };
    match (broken, text.split_once(" [")) {
        (true, Some((alpha, interval))) => format!("{alpha}\n[{interval}"),
        (true, None) => wrapped(&text, NARROW),
        (false, _) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(head: &str, text: &str) -> Vec<Row> {
        let text = format!("{head}\n{text}");
        let rows = csv::Reader::from_reader(text.as_bytes())
            .into_deserialize()
            .collect();
        let rows: Result<Vec<Row>, _> = rows;
        rows.unwrap()
    }

    fn points(text: &str) -> Vec<Row> {
        let head = "dataset,architecture,width,depth,batch_size,learning_rate,loss,split,\
                    estimator,treatment,alpha,ci_low,ci_high,problem,train.momentum";
        rows(head, text)
    }

    fn runs(text: &str) -> Vec<Row> {
        let head = "run_id,dataset,architecture,width,depth,batch_size,learning_rate,loss,seed,\
                    state,train.momentum";
        rows(head, text)
    }

    /// The rows of points.csv of one point with a value for each number that is told.
    fn told(point: &str, momentum: &str) -> String {
        let told = [
            ("mohammadi", "published", "train", "1.3,1.2,1.4,"),
            ("mohammadi", "published", "test", "1.31,1.21,inf,"),
            ("mohammadi", "gaussian_surrogate", "train", "1.32,1.3,1.34,"),
            (
                "within_coordinate",
                "paired",
                "train",
                ",,,too_few_minibatches",
            ),
            ("mohammadi", "permuted", "train", "9,9,9,"),
        ];
        let line = |(estimator, treatment, split, alpha): (&str, &str, &str, &str)| {
            format!("{point},{split},{estimator},{treatment},{alpha},{momentum}\n")
        };
        told.map(line).concat()
    }

    fn assert_narrow(text: &str) {
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn points_that_differ_in_an_own_axis_alone_are_told_apart_within_80_columns() {
        let point = "mnist,fcn,64,4,100,1000000.0,nll";
        let (mut all_points, mut all_runs) = (String::new(), String::new());
        for momentum in ["0.0", "0.9"] {
            all_points += &told(point, momentum);
            all_runs += &format!("{momentum},{point},0,done,{momentum}\n");
        }
        let said = summary(&points(&all_points), &runs(&all_runs));
        insta::assert_snapshot!(said, @"
        mnist, fcn, nll, width 64, depth 4, batch 100, rate 1000000

         momentum       α train     α test    α Gaussian     α within
                0          1.30       1.31          1.32      too few
                   [1.20, 1.40]  [1.21, ∞)  [1.30, 1.34]  minibatches
              0.9          1.30       1.31          1.32      too few
                   [1.20, 1.40]  [1.21, ∞)  [1.30, 1.34]  minibatches
        α train, α test: the paper's number, late in training, with its 95 % interval
        α Gaussian: what Gaussian noise of the same second moments and zeros would read
        α within: tails across minibatches, parameter by parameter
        ");
        assert_narrow(&said);
    }

    #[test]
    fn an_unfinished_sweep_says_so_and_shows_every_point() {
        let point = |width: u32| format!("mnist,fcn,{width},4,100,0.1,nll");
        let states = ["done", "waiting", "running", "diverged", "failed"];
        let all_runs: String = (8..)
            .zip(states)
            .map(|(width, state)| format!("{width},{},0,{state},0.9\n", point(width)))
            .collect();
        let none = told(&point(9), "0.9").replace("1.3,1.2,1.4,", ",,,no_finished_run");
        let all_points = told(&point(8), "0.9") + &none;
        let said = summary(&points(&all_points), &runs(&all_runs));
        insta::assert_snapshot!(said, @"
        Unfinished: 2 of 5 runs have results, 1 diverged, 1 failed

        mnist, fcn, nll, depth 4, batch 100, rate 0.1, momentum 0.9

         width       α train     α test    α Gaussian     α within
             8          1.30       1.31          1.32      too few
                [1.20, 1.40]  [1.21, ∞)  [1.30, 1.34]  minibatches
             9       waiting          –             –            –
            10       running          –             –            –
            11      diverged          –             –            –
            12        failed          –             –            –
        α train, α test: the paper's number, late in training, with its 95 % interval
        α Gaussian: what Gaussian noise of the same second moments and zeros would read
        α within: tails across minibatches, parameter by parameter
        ");
        assert_narrow(&said);
        let waiting = runs(
            &all_runs
                .replace("done", "waiting")
                .replace("diverged", "waiting"),
        );
        insta::assert_snapshot!(summary(&[], &waiting), @"Unfinished: 0 of 5 runs have results, 1 failed");
    }
}
