//! The tables, each defined once and written as CSV, Parquet, JSON Lines and JSON.

mod cell;
mod csv;
mod estimates;
mod json;
mod measurements;
pub(crate) mod paper;
mod parquet;
mod points;
mod runs;
pub(crate) mod schema;

pub(crate) use cell::Cell;
pub(crate) use csv::csv;
pub(crate) use estimates::{TOLD, told};
pub(crate) use json::{json, json_lines, object, sweep_json};
pub(crate) use parquet::parquet;
pub(crate) use points::Points;

use crate::calibration;
use crate::decomposition;
use crate::exits;
use crate::facts::Facts;
use crate::late::PointRow;

/// A table: named columns, and rows of as many cells.
pub(crate) trait Table {
    /// Its name: that of the CSV file without its ending.
    fn name(&self) -> &'static str;
    /// The names of the columns.
    fn columns(&self) -> Vec<String>;
    /// Number of rows.
    fn len(&self) -> usize;
    /// Row `index`, in the order of the columns.
    fn row(&self, index: usize) -> Vec<Cell<'_>>;
}

/// The four that every report has, in the order of the documentation, then those of what is in the
/// sweep.
pub(crate) fn all<'a>(facts: &'a Facts, late: &'a [PointRow]) -> Vec<Box<dyn Table + 'a>> {
    let mut tables: Vec<Box<dyn Table + 'a>> = vec![
        Box::new(Points { facts, late }),
        Box::new(runs::Runs { facts }),
        Box::new(measurements::Measurements { facts }),
        Box::new(estimates::Estimates { facts }),
    ];
    let parts = decomposition::table::PartsTable::new(facts, late);
    if !parts.is_empty() {
        tables.push(Box::new(parts));
    }
    if calibration::is_there(facts) {
        tables.push(Box::new(calibration::table::CalibrationTable::new(facts)));
    }
    if exits::is_there(facts) {
        tables.push(Box::new(exits::tables::ExitTable::new(facts)));
        tables.push(Box::new(exits::tables::TransitionTable::new(facts)));
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::late::of_points;

    fn text(name: &str) -> String {
        text_of(&fixture::facts(), name)
    }

    fn text_of(facts: &Facts, name: &str) -> String {
        let late = of_points(facts);
        let tables = all(facts, &late);
        let table = tables
            .iter()
            .find(|table| table.name() == name)
            .expect("a table");
        String::from_utf8(csv(table.as_ref())).expect("text")
    }

    #[test]
    fn points() {
        insta::assert_snapshot!(text("points"));
    }

    #[test]
    fn runs() {
        insta::assert_snapshot!(text("runs"));
    }

    #[test]
    fn measurements() {
        insta::assert_snapshot!(text("measurements"));
    }

    #[test]
    fn estimates() {
        insta::assert_snapshot!(text("estimates"));
    }

    #[test]
    fn calibration() {
        insta::assert_snapshot!(text_of(&fixture::draws(), "calibration"));
    }

    #[test]
    fn decomposition() {
        insta::assert_snapshot!(text_of(&fixture::parts(), "decomposition"));
    }

    #[test]
    fn exits() {
        insta::assert_snapshot!(text_of(&fixture::equations(), "exits"));
    }

    #[test]
    fn transitions() {
        insta::assert_snapshot!(text_of(&fixture::equations(), "transitions"));
    }

    #[test]
    fn a_text_with_commas_quotes_and_line_ends_is_one_cell() {
        struct Odd;
        impl Table for Odd {
            fn name(&self) -> &'static str {
                "odd"
            }
            fn columns(&self) -> Vec<String> {
                vec!["a".to_owned(), "b".to_owned()]
            }
            fn len(&self) -> usize {
                1
            }
            fn row(&self, _: usize) -> Vec<Cell<'_>> {
                vec![
                    Cell::text("one, \"two\"\nthree"),
                    Cell::Number(f64::NEG_INFINITY),
                ]
            }
        }
        assert_eq!(csv(&Odd), b"a,b\n\"one, \"\"two\"\"\nthree\",-inf\n");
    }

    #[test]
    fn an_own_axis_of_texts_has_texts_alone_in_json() {
        struct Mixed;
        impl Table for Mixed {
            fn name(&self) -> &'static str {
                "runs"
            }
            fn columns(&self) -> Vec<String> {
                vec!["measure.minibatches".to_owned(), "width".to_owned()]
            }
            fn len(&self) -> usize {
                2
            }
            fn row(&self, index: usize) -> Vec<Cell<'_>> {
                let minibatches = [Cell::text("all"), Cell::Whole(24)];
                vec![minibatches[index].clone(), Cell::Whole(8)]
            }
        }
        let expected = "{\"measure.minibatches\":\"all\",\"width\":8}\n\
                        {\"measure.minibatches\":\"24\",\"width\":8}\n";
        assert_eq!(json_lines(&Mixed), expected.as_bytes());
    }
}
