//! The answer to a query, row by row, in the few kinds of values that people and programs read.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::execution::SendableRecordBatchStream;
use serde_json::json;
use tokio_stream::StreamExt as _;

use super::ask::said;
use crate::failure::Failure;

/// Rows that come while they are computed.
pub(super) struct Answer {
    columns: Vec<Column>,
    rows: SendableRecordBatchStream,
}

/// A column of the answer.
pub(super) struct Column {
    pub(super) name: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Whole,
    Number,
    Text,
}

/// One cell.
pub(super) enum Value {
    Empty,
    Bool(bool),
    Whole(i64),
    Number(f64),
    Text(String),
}

impl Answer {
    pub(super) fn new(rows: SendableRecordBatchStream) -> Self {
        let columns = rows
            .schema()
            .fields()
            .iter()
            .map(|field| Column {
                name: field.name().clone(),
                kind: Kind::of(field.data_type()),
            })
            .collect();
        Self { columns, rows }
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The next rows, until there are none.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Vec<Value>>>, Failure> {
        let Some(batch) = self.rows.next().await else {
            return Ok(None);
        };
        let batch = batch.map_err(|problem| Failure::error(said(&problem)))?;
        rows(&self.columns, &batch)
            .map(Some)
            .map_err(Failure::error)
    }
}

impl Column {
    /// As `schema.json` calls it.
    pub(super) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Bool => "truth value",
            Kind::Whole => "whole number",
            Kind::Number => "number",
            Kind::Text => "text",
        }
    }

    pub(super) fn is_numeric(&self) -> bool {
        matches!(self.kind, Kind::Whole | Kind::Number)
    }
}

impl Kind {
    fn of(kind: &DataType) -> Self {
        match kind {
            DataType::Boolean => Self::Bool,
            kind if kind.is_integer() => Self::Whole,
            kind if kind.is_floating() || kind.is_decimal() => Self::Number,
            _ => Self::Text,
        }
    }

    fn values(self, array: &ArrayRef) -> Result<Vec<Value>, ArrowError> {
        fn each<T>(values: impl Iterator<Item = Option<T>>, kind: fn(T) -> Value) -> Vec<Value> {
            values
                .map(|value| value.map_or(Value::Empty, kind))
                .collect()
        }
        Ok(match self {
            Self::Bool => each(array.as_boolean().iter(), Value::Bool),
            Self::Whole => {
                let whole = cast(array, &DataType::Int64)?;
                each(whole.as_primitive::<Int64Type>().iter(), Value::Whole)
            }
            Self::Number => {
                let number = cast(array, &DataType::Float64)?;
                each(number.as_primitive::<Float64Type>().iter(), Value::Number)
            }
            Self::Text => {
                let options = FormatOptions::default();
                let format = ArrayFormatter::try_new(array.as_ref(), &options)?;
                let text = |row| Value::Text(format.value(row).to_string());
                let value = |row| {
                    if array.is_null(row) {
                        Value::Empty
                    } else {
                        text(row)
                    }
                };
                (0..array.len()).map(value).collect()
            }
        })
    }
}

fn rows(columns: &[Column], batch: &RecordBatch) -> Result<Vec<Vec<Value>>, ArrowError> {
    let mut rows: Vec<Vec<Value>> = (0..batch.num_rows()).map(|_| Vec::new()).collect();
    for (column, array) in columns.iter().zip(batch.columns()) {
        for (row, value) in rows.iter_mut().zip(column.kind.values(array)?) {
            row.push(value);
        }
    }
    Ok(rows)
}

impl Value {
    /// As in the CSV files of a report: every number reads back.
    pub(super) fn exact(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Bool(truth) => truth.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => format!("{number:?}"),
            Self::Text(text) => text.clone(),
        }
    }

    /// As in the JSON of a report: `"inf"` for what JSON lacks.
    pub(super) fn json(&self) -> serde_json::Value {
        match self {
            Self::Empty => serde_json::Value::Null,
            Self::Bool(truth) => json!(truth),
            Self::Whole(number) => json!(number),
            Self::Number(number) if number.is_finite() => json!(number),
            Self::Number(_) => json!(self.exact()),
            Self::Text(text) => json!(text),
        }
    }

    /// With six digits.
    pub(super) fn for_people(&self) -> String {
        match self {
            Self::Number(number) if number.is_finite() && *number != 0.0 => {
                let digits = 5 - number.abs().log10().floor() as i32;
                match digits {
                    0..=9 => {
                        let text = format!("{number:.*}", digits as usize);
                        let text = match text.contains('.') {
                            true => text.trim_end_matches('0').trim_end_matches('.'),
                            false => &text,
                        };
                        text.to_owned()
                    }
                    _ => {
                        let rounded = format!("{number:.5e}").parse().unwrap_or(*number);
                        format!("{rounded:?}")
                    }
                }
            }
            Self::Number(number) if *number == 0.0 => "0".to_owned(),
            other => other.exact(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_digits_for_people_and_all_for_programs() {
        let people = |number| Value::Number(number).for_people();
        assert_eq!(people(1.4142135623), "1.41421");
        assert_eq!(people(0.05), "0.05");
        assert_eq!(people(-0.000123456789), "-0.000123457");
        assert_eq!(people(65000.0), "65000");
        assert_eq!(people(1.23456789e-9), "1.23457e-9");
        assert_eq!(people(1.23456789e21), "1.23457e21");
        assert_eq!(people(0.0), "0");
        assert_eq!(people(f64::INFINITY), "inf");
        assert_eq!(Value::Number(0.1 + 0.2).exact(), "0.30000000000000004");
        assert_eq!(Value::Number(f64::INFINITY).json(), json!("inf"));
    }
}
