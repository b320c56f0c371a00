//! A report on the terminal: the late α of each point beside its controls.
//!
//! Only the settings in which points differ are columns, so that the table fits 80 columns; the
//! others are said once above it.

use std::collections::{BTreeMap, BTreeSet};

use crate::report_folder::Row;
use crate::terminal::table;

/// Points that are shown.
const MAX_POINTS: usize = 40;

/// The settings that every report has, and what they are called here. Own axes come after them.
const SETTINGS: [(&str, &str); 9] = [
    ("dataset", "data"),
    ("architecture", "network"),
    ("loss", "loss"),
    ("width", "width"),
    ("depth", "depth"),
    ("batch_size", "batch"),
    ("learning_rate", "rate"),
    ("train_limit", "train limit"),
    ("test_limit", "test limit"),
];
/// Those whose values say by themselves what they are.
const WORDS: usize = 3;

/// What is told of a point: heading, estimator, treatment, split.
const TOLD: [(&str, &str, &str, &str); 4] = [
    ("α train", "mohammadi", "published", "train"),
    ("α test", "mohammadi", "published", "test"),
    ("α Gaussian", "mohammadi", "gaussian_surrogate", "train"),
    ("α within", "within_coordinate", "", "train"),
];

const LEGEND: &str = "\
α train, α test: the paper's number, late in training, ± half its 95 % interval
α Gaussian: what Gaussian noise of the same second moments and zeros would read
α within: tails across minibatches, parameter by parameter
";

/// What a user wants to see first of the rows of points.csv.
pub(crate) fn summary(rows: &[Row]) -> String {
    let settings = settings(rows);
    let mut order: Vec<Vec<&str>> = Vec::new();
    let mut places: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    let mut told: Vec<[Option<String>; TOLD.len()]> = Vec::new();
    for row in rows {
        let point: Vec<&str> = settings.iter().map(|(key, _)| cell(row, key)).collect();
        let place = *places.entry(point.clone()).or_insert_with(|| {
            order.push(point);
            told.push(Default::default());
            told.len() - 1
        });
        for (value, (_, estimator, treatment, split)) in told[place].iter_mut().zip(TOLD) {
            let is_it = cell(row, "estimator") == estimator
                && (treatment.is_empty() || cell(row, "treatment") == treatment)
                && cell(row, "split") == split;
            if is_it && value.is_none() {
                *value = Some(with_interval(row));
            }
        }
    }
    let differs = |index: usize| order.iter().any(|point| point[index] != order[0][index]);
    let (varying, fixed): (Vec<usize>, Vec<usize>) =
        (0..settings.len()).partition(|index| differs(*index));

    let mut text = String::new();
    let values = fixed.iter().filter_map(|&index| {
        let value = *order.first()?.get(index)?;
        match value {
            "" => None,
            _ if index < WORDS => Some(value.to_owned()),
            _ => Some(format!("{} {value}", settings[index].1)),
        }
    });
    let values: Vec<String> = values.collect();
    if !values.is_empty() {
        text += &format!("{}\n\n", values.join(", "));
    }
    let names = varying.iter().map(|&index| settings[index].1);
    let header: Vec<&str> = names.chain(TOLD.map(|(heading, ..)| heading)).collect();
    let numbers: Vec<usize> = (0..header.len())
        .filter(|&column| varying.get(column).is_none_or(|&index| index >= WORDS))
        .collect();
    let lines = order.iter().zip(&told).take(MAX_POINTS);
    let lines = lines.map(|(point, told)| {
        let settings = varying.iter().map(|&index| point[index].to_owned());
        let told = told.iter().map(|value| value.clone().unwrap_or_default());
        settings.chain(told).collect::<Vec<String>>()
    });
    text += &table(header, &numbers, lines);
    if order.len() > MAX_POINTS {
        text += &format!(
            "… and {} more points, in points.csv\n",
            order.len() - MAX_POINTS
        );
    }
    if text.contains(NONE_YET) {
        text += &format!("{NONE_YET} no seed of this point is done\n");
    }
    text + LEGEND
}

/// Stands for a value that is not there yet.
const NONE_YET: &str = "–";

/// Those of every report, and the own axes of this one.
fn settings(rows: &[Row]) -> Vec<(&str, &str)> {
    let own: BTreeSet<&str> = rows
        .iter()
        .flat_map(Row::keys)
        .map(String::as_str)
        .collect();
    let own = own.into_iter().filter(|key| key.contains('.'));
    let own = own.map(|key| (key, key));
    SETTINGS.into_iter().chain(own).collect()
}

fn cell<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).map(String::as_str).unwrap_or_default()
}

fn with_interval(row: &Row) -> String {
    let number = |column| cell(row, column).parse::<f64>().ok();
    match (number("alpha"), number("ci_low"), number("ci_high")) {
        (Some(alpha), Some(low), Some(high)) if high.is_finite() => {
            format!("{alpha:.3} ±{:.3}", (high - low) / 2.0)
        }
        (Some(alpha), _, _) => format!("{alpha:.3}       "),
        _ => match cell(row, "problem") {
            "no_finished_run" => NONE_YET.to_owned(),
            problem => problem.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "dataset,architecture,width,depth,batch_size,learning_rate,loss,split,\
                        estimator,treatment,alpha,ci_low,ci_high,problem,train.momentum";

    fn rows(text: &str) -> Vec<Row> {
        let text = format!("{HEAD}\n{text}");
        let rows = csv::Reader::from_reader(text.as_bytes())
            .into_deserialize()
            .collect();
        let rows: Result<Vec<Row>, _> = rows;
        rows.unwrap()
    }

    #[test]
    fn points_that_differ_in_an_own_axis_alone_are_told_apart_within_80_columns() {
        let mut text = String::new();
        for momentum in ["0.0", "0.9"] {
            for (estimator, treatment, split, alpha) in [
                ("mohammadi", "published", "train", "1.3,1.2,1.4,"),
                ("mohammadi", "published", "test", "1.31,1.21,inf,"),
                ("mohammadi", "gaussian_surrogate", "train", "1.32,1.3,1.34,"),
                ("within_coordinate", "paired", "train", ",,,no_finished_run"),
                ("mohammadi", "permuted", "train", "9,9,9,"),
            ] {
                text += &format!(
                    "mnist,fcn,64,4,100,0.1,nll,{split},{estimator},{treatment},{alpha},{momentum}\n"
                );
            }
        }
        let said = summary(&rows(&text));
        insta::assert_snapshot!(said, @"
        mnist, fcn, nll, width 64, depth 4, batch 100, rate 0.1

         train.momentum       α train        α test    α Gaussian  α within
                    0.0  1.300 ±0.100  1.310         1.320 ±0.020         –
                    0.9  1.300 ±0.100  1.310         1.320 ±0.020         –
        – no seed of this point is done
        α train, α test: the paper's number, late in training, ± half its 95 % interval
        α Gaussian: what Gaussian noise of the same second moments and zeros would read
        α within: tails across minibatches, parameter by parameter
        ");
        assert!(said.lines().all(|line| line.chars().count() <= 82));
    }
}
