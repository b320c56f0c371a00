//! Numbers in Parquet: a column for each parameter, or one column of lists of equal length.
//!
//! A row of the file is a minibatch. A column that pandas keeps its index in is left out: the metadata
//! of the file name it. Pages may be plain or compressed with snappy, zstd, gzip or lz4.

use std::panic;

use bytes::Bytes;
use parquet::basic::LogicalType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use serde::Deserialize;

use super::Table;

/// What a file begins with.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// Records that are decoded at a time.
const BATCH: usize = 1 << 16;

/// The numbers of a file. The library takes some damaged pages for its own mistake and panics:
/// that is an error like any other, told once.
pub(super) fn parse(bytes: &[u8]) -> Result<Table, String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let parsed = panic::catch_unwind(|| read(bytes));
    panic::set_hook(hook);
    let meaningless = |_| Err("a damaged Parquet file: its pages make no sense".to_owned());
    parsed.unwrap_or_else(meaningless)
}

fn read(bytes: &[u8]) -> Result<Table, String> {
    let file = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).map_err(damaged)?;
    let facts = file.metadata().file_metadata();
    let schema = facts.schema_descr_ptr();
    let of_pandas = facts.key_value_metadata().into_iter().flatten();
    let of_pandas = of_pandas.filter(|entry| entry.key == "pandas");
    let indices: Vec<String> = of_pandas
        .filter_map(|entry| serde_json::from_str(entry.value.as_deref()?).ok())
        .flat_map(|pandas: Pandas| pandas.index_columns)
        .filter_map(|index| Some(index.as_str()?.to_owned()))
        .collect();
    let is_index = |column: &ColumnDescriptor| match column.path().parts() {
        [name] => is_unnamed_index(name) || indices.contains(name),
        _ => false,
    };
    let columns = schema.columns().iter().enumerate();
    let (left_out, columns): (Vec<_>, Vec<_>) = columns.partition(|(_, column)| is_index(column));
    let columns: Vec<Column> = columns
        .into_iter()
        .map(|(index, column)| Column::new(index, column))
        .collect::<Result<_, _>>()?;
    let mut table = table(&file, &columns)?;
    let names = left_out.iter().map(|(_, column)| column.name());
    table
        .notes
        .extend(names.filter(|name| !is_unnamed_index(name)).map(|name| {
            format!(
                "the column `{}` is an index of pandas and left out",
                name.escape_debug()
            )
        }));
    Ok(table)
}

/// What pandas says of a file it wrote.
#[derive(Deserialize)]
struct Pandas {
    /// The names of columns; a range of numbers, which is no column, is an object.
    index_columns: Vec<serde_json::Value>,
}

fn table(file: &SerializedFileReader<Bytes>, columns: &[Column]) -> Result<Table, String> {
    match columns {
        [] => Err("no numbers: there is no column".to_owned()),
        [list] if list.is_list => Values::of(file, list)?.lists(),
        columns => {
            if let Some(list) = columns.iter().find(|column| column.is_list) {
                return Err(format!(
                    "column `{}` has lists and there are {} columns: keep the lists alone, or \
                     numbers alone",
                    list.name,
                    columns.len()
                ));
            }
            let all = columns.iter().map(|column| Values::of(file, column));
            side_by_side(&all.collect::<Result<Vec<_>, _>>()?)
        }
    }
}

fn damaged(problem: ParquetError) -> String {
    let problem = problem.to_string();
    match problem.split_once("Disabled feature at compile time: ") {
        Some((_, name)) => format!(
            "compressed with {name}: write it with zstd or snappy (`compression=\"zstd\"` in Python), or \
             not compressed"
        ),
        None => format!("a damaged Parquet file: {problem}"),
    }
}

/// Whether pandas calls an index so that has no name.
fn is_unnamed_index(name: &str) -> bool {
    name.starts_with("__index_level_") && name.ends_with("__")
}

/// What a column holds that is no number this program reads.
fn kind(logical: &LogicalType) -> String {
    match logical {
        LogicalType::Float16 => "floats of 16 bits".to_owned(),
        LogicalType::Decimal(_) => "decimal numbers".to_owned(),
        LogicalType::String => "text".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Where numbers lie.
struct Column {
    index: usize,
    name: String,
    is_list: bool,
    is_unsigned: bool,
    /// The definition level of a number that is there.
    defined: i16,
}

impl Column {
    fn new(index: usize, column: &ColumnDescriptor) -> Result<Self, String> {
        let name = column.path().string().escape_debug().to_string();
        let is_unsigned = match column.logical_type_ref() {
            None => false,
            Some(LogicalType::Integer(integer)) => !integer.is_signed,
            Some(other) => {
                return Err(format!(
                    "column `{name}` holds {}: leave it out, or save it as float32 or float64",
                    kind(other)
                ));
            }
        };
        if column.max_rep_level() > 1 {
            return Err(format!("column `{name}` holds lists of lists"));
        }
        Ok(Self {
            index,
            name,
            is_list: column.max_rep_level() == 1,
            is_unsigned,
            defined: column.max_def_level(),
        })
    }
}

/// The numbers of a column.
struct Values<'a> {
    column: &'a Column,
    values: Vec<f64>,
    /// Of lists: where each begins.
    starts: Vec<usize>,
}

impl<'a> Values<'a> {
    fn of(file: &SerializedFileReader<Bytes>, column: &'a Column) -> Result<Self, String> {
        let mut all = Self {
            column,
            values: Vec::new(),
            starts: Vec::new(),
        };
        for group in 0..file.num_row_groups() {
            let group = file.get_row_group(group).map_err(damaged)?;
            let reader = group.get_column_reader(column.index).map_err(damaged)?;
            let is_unsigned = column.is_unsigned;
            match reader {
                ColumnReader::FloatColumnReader(reader) => all.read(reader, f64::from)?,
                ColumnReader::DoubleColumnReader(reader) => all.read(reader, |value| value)?,
                ColumnReader::Int32ColumnReader(reader) if is_unsigned => {
                    all.read(reader, |value| f64::from(value as u32))?;
                }
                ColumnReader::Int32ColumnReader(reader) => all.read(reader, f64::from)?,
                ColumnReader::Int64ColumnReader(reader) if is_unsigned => {
                    all.read(reader, |value| value as u64 as f64)?;
                }
                ColumnReader::Int64ColumnReader(reader) => {
                    all.read(reader, |value| value as f64)?
                }
                _ => {
                    return Err(format!(
                        "column `{}` holds no numbers: leave it out",
                        column.name
                    ));
                }
            }
        }
        Ok(all)
    }

    fn read<T: DataType>(
        &mut self,
        mut reader: ColumnReaderImpl<T>,
        number: impl Fn(T::T) -> f64,
    ) -> Result<(), String> {
        let (mut defined, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            defined.clear();
            repeated.clear();
            values.clear();
            let (records, ..) = reader
                .read_records(BATCH, Some(&mut defined), Some(&mut repeated), &mut values)
                .map_err(damaged)?;
            if records == 0 {
                return Ok(());
            }
            if defined.iter().any(|level| *level < self.column.defined) {
                return Err(format!(
                    "column `{}` has empty cells: estimates need numbers",
                    self.column.name
                ));
            }
            let begun = self.values.len();
            let starts = (begun..).zip(&repeated).filter(|(_, level)| **level == 0);
            self.starts.extend(starts.map(|(start, _)| start));
            self.values.extend(values.drain(..).map(&number));
        }
    }

    /// A list for each minibatch.
    fn lists(self) -> Result<Table, String> {
        let columns = self.starts.get(1).copied().unwrap_or(self.values.len());
        let ends = self.starts.iter().skip(1).copied();
        let ends = ends.chain([self.values.len()]);
        for (row, (start, end)) in (1..).zip(self.starts.iter().zip(ends)) {
            if end - start != columns {
                return Err(format!(
                    "list {row} has {} values, the first has {columns}",
                    end - start
                ));
            }
        }
        Ok(Table {
            columns,
            values: self.values,
            notes: Vec::new(),
        })
    }
}

fn side_by_side(columns: &[Values<'_>]) -> Result<Table, String> {
    let rows = columns.first().map_or(0, |column| column.values.len());
    if let Some(other) = columns.iter().find(|column| column.values.len() != rows) {
        return Err(format!(
            "column `{}` has {} values, the first has {rows}",
            other.column.name,
            other.values.len()
        ));
    }
    let values = (0..rows).flat_map(|row| columns.iter().map(move |column| column.values[row]));
    Ok(Table {
        columns: columns.len(),
        values: values.collect(),
        notes: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_an_error_and_no_panic() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/estimate");
        for name in ["lists", "columns", "nulls", "ragged"] {
            let whole = std::fs::read(format!("{folder}/{name}.parquet")).expect("a file");
            // Every byte of the small ones, every 29th of the others.
            let step = 1 + whole.len() / 1000;
            for place in (0..whole.len()).step_by(step) {
                for flip in [0x01, 0x80, 0xff] {
                    let mut bytes = whole.clone();
                    bytes[place] ^= flip;
                    drop(parse(&bytes));
                }
            }
        }
    }
}
