//! The tables of reports as DataFusion reads them: one table for each name, over all reports.
//!
//! Rows are read from the CSV files, plain or packed, while a query runs; nothing but the head lines
//! is held. A column that a report lacks is empty there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, new_null_array};
use datafusion::arrow::csv::ReaderBuilder;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use serde_json::Value;
use tailsweep_report::{ColumnKind, column_kind};

use crate::command::verify::folder::{Folder, open};
use crate::failure::Failure;

/// All that a report can have.
const NAMES: [&str; 8] = [
    "points",
    "runs",
    "measurements",
    "estimates",
    "decomposition",
    "calibration",
    "exits",
    "transitions",
];
/// The column of the sweep's name, before those of the file.
const SWEEP: &str = "sweep";
/// The column that tells reports apart, after them: the folder, or the id of a sweep that was fetched.
const REPORT: &str = "report";

/// A report that is asked.
#[derive(Debug)]
pub(super) struct Report {
    /// What stands in the column `report`.
    name: String,
    /// The name of its sweep.
    sweep: String,
    path: PathBuf,
}

impl Report {
    /// The report in a folder.
    pub(super) fn read(name: String, path: &Path) -> std::result::Result<Self, Failure> {
        let sweep = Folder::read(path)?.name;
        let path = path.to_owned();
        Ok(Self { name, sweep, path })
    }
}

/// One table over all reports that have it.
#[derive(Debug)]
pub(super) struct Union {
    pub(super) name: &'static str,
    schema: SchemaRef,
    parts: Vec<Part>,
}

/// The file of one report.
#[derive(Clone, Debug)]
struct Part {
    report: String,
    sweep: String,
    /// Where its plain form would lie.
    path: PathBuf,
    /// The columns of the file, in its order.
    columns: Vec<String>,
}

/// The tables that at least one of these reports has.
pub(super) fn of(reports: &[Report]) -> std::result::Result<Vec<Union>, Failure> {
    let mut unions = Vec::new();
    for name in NAMES {
        let mut parts = Vec::new();
        let mut kinds = Kinds::default();
        for report in reports {
            let path = report.path.join(format!("{name}.csv"));
            let failed = |problem: &dyn std::fmt::Display| {
                Failure::error(format!("can't read `{}`: {problem}", path.display()))
            };
            let table = match open(&path) {
                Err(problem) if problem.kind() == io::ErrorKind::NotFound => continue,
                table => table.map_err(|problem| failed(&problem))?,
            };
            let mut table = csv::Reader::from_reader(table);
            let head = table.headers().map_err(|problem| failed(&problem))?;
            let columns: Vec<String> = head.iter().map(str::to_owned).collect();
            for (index, column) in columns.iter().enumerate() {
                let kind =
                    column_kind(name, column).or_else(|| told_kind(&report.path, name, column));
                let kind = match kind {
                    Some(kind) => kind,
                    None => seen_kind(&path, index).map_err(|problem| failed(&problem))?,
                };
                kinds.add(column, kind);
            }
            parts.push(Part {
                report: report.name.clone(),
                sweep: report.sweep.clone(),
                path,
                columns,
            });
        }
        if !parts.is_empty() {
            unions.push(Union {
                name,
                schema: kinds.schema(),
                parts,
            });
        }
    }
    Ok(unions)
}

/// What the columns of a table are, over several reports.
#[derive(Default)]
struct Kinds {
    order: Vec<String>,
    by_name: BTreeMap<String, ColumnKind>,
}

impl Kinds {
    /// An axis may be of numbers in one sweep and of words in another one.
    fn add(&mut self, column: &str, kind: ColumnKind) {
        use ColumnKind::{Number, Text, Whole};
        let Some(known) = self.by_name.get_mut(column) else {
            self.order.push(column.to_owned());
            self.by_name.insert(column.to_owned(), kind);
            return;
        };
        *known = match (*known, kind) {
            (Text, _) | (_, Text) => Text,
            (Number, _) | (_, Number) => Number,
            (Whole, Whole) => Whole,
        };
    }

    fn schema(&self) -> SchemaRef {
        let own = self.order.iter().map(|name| {
            let kind = match self.by_name[name] {
                ColumnKind::Text => DataType::Utf8,
                ColumnKind::Whole => DataType::Int64,
                ColumnKind::Number => DataType::Float64,
            };
            Field::new(name, kind, true)
        });
        let text = |name| Field::new(name, DataType::Utf8, false);
        let fields = [text(SWEEP)].into_iter().chain(own).chain([text(REPORT)]);
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// What `schema.json` says of a column, where the report has one.
fn told_kind(folder: &Path, table: &str, column: &str) -> Option<ColumnKind> {
    let schema = fs::read(folder.join("schema.json")).ok()?;
    let schema: Value = serde_json::from_slice(&schema).ok()?;
    let columns = schema["tables"][table].as_array()?;
    let told = columns.iter().find(|told| told["name"] == column)?;
    let kinds = [ColumnKind::Text, ColumnKind::Whole, ColumnKind::Number];
    let mut kinds = kinds.into_iter();
    kinds.find(|kind| told["type"] == kind.as_str())
}

/// Numbers if all cells are.
fn seen_kind(path: &Path, index: usize) -> std::result::Result<ColumnKind, csv::Error> {
    for row in csv::Reader::from_reader(open(path)?).records() {
        let row = row?;
        let cell = row.get(index).unwrap_or_default();
        if !cell.is_empty() && cell.parse::<f64>().is_err() {
            return Ok(ColumnKind::Text);
        }
    }
    Ok(ColumnKind::Number)
}

impl PartitionStream for Union {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The reports one after another, so that the order of rows is theirs.
    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        let parts = self.parts.clone().into_iter();
        let batches = parts.flat_map(move |part| part.batches(&schema));
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            tokio_stream::iter(batches),
        ))
    }
}

impl Part {
    fn batches(self, schema: &SchemaRef) -> Box<dyn Iterator<Item = Result<RecordBatch>> + Send> {
        let path = self.path.clone();
        let failed = move |problem: &dyn std::fmt::Display| {
            DataFusionError::External(format!("can't read `{}`: {problem}", path.display()).into())
        };
        let kind_of = |column: &String| schema.field_with_name(column).cloned();
        let fields: std::result::Result<Vec<Field>, _> = self.columns.iter().map(kind_of).collect();
        let reader = fields.and_then(|fields| {
            ReaderBuilder::new(Arc::new(Schema::new(fields)))
                .with_header(true)
                .build(open(&self.path)?)
        });
        let schema = Arc::clone(schema);
        match reader {
            Ok(reader) => Box::new(reader.map(move |batch| {
                let batch = batch.map_err(|problem| failed(&problem))?;
                self.widen(&batch, &schema)
            })),
            Err(problem) => Box::new(std::iter::once(Err(failed(&problem)))),
        }
    }

    /// With the columns that come from elsewhere, and empty ones for those that are not here.
    fn widen(&self, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let all = |text: &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(std::iter::repeat_n(
                text, rows,
            )))
        };
        let columns = schema
            .fields()
            .iter()
            .map(|field| match field.name().as_str() {
                SWEEP => all(&self.sweep),
                REPORT => all(&self.report),
                name => match batch.column_by_name(name) {
                    Some(column) => Arc::clone(column),
                    None => new_null_array(field.data_type(), rows),
                },
            });
        Ok(RecordBatch::try_new(Arc::clone(schema), columns.collect())?)
    }
}
