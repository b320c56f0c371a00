//! A table as Parquet: snappy pages, every column optional, numbers as DOUBLE and INT64, texts as
//! UTF-8. The bytes follow from the table and from the version of the library alone.

use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::schema::{self, Described, Kind, described};
use super::{Cell, Table};

/// Rows that are held as cells at a time.
const GROUP: usize = 1 << 16;

/// The bytes of the file.
pub(crate) fn parquet(table: &dyn Table) -> Vec<u8> {
    written(table).expect("writing well-formed columns to memory cannot fail")
}

fn written(table: &dyn Table) -> Result<Vec<u8>, ParquetError> {
    let columns = described(table);
    let about = [
        ("tailsweep.table", table.name().to_owned()),
        ("tailsweep.schema", schema::VERSION.to_string()),
    ];
    let about = about.map(|(key, value)| KeyValue::new(key.to_owned(), value));
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(about.to_vec()))
        .build();
    let mut writer = SerializedFileWriter::new(
        Vec::new(),
        message(table.name(), &columns)?,
        Arc::new(properties),
    )?;
    let mut start = 0;
    while start < table.len() {
        let end = table.len().min(start + GROUP);
        let rows: Vec<Vec<Cell<'_>>> = (start..end).map(|row| table.row(row)).collect();
        let mut group = writer.next_row_group()?;
        for (index, column) in columns.iter().enumerate() {
            let cells = rows.iter().map(|row| &row[index]);
            let mut sink = group.next_column()?.expect("the schema has every column");
            write(&mut sink, column.kind, cells)?;
            sink.close()?;
        }
        group.close()?;
        start = end;
    }
    writer.into_inner()
}

fn message(name: &str, columns: &[Described]) -> Result<TypePtr, ParquetError> {
    let field = |column: &Described| {
        let (physical, logical) = match column.kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Whole => (Physical::INT64, None),
            Kind::Number => (Physical::DOUBLE, None),
        };
        Type::primitive_type_builder(&column.name, physical)
            .with_logical_type(logical)
            .with_repetition(Repetition::OPTIONAL)
            .build()
            .map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    Type::group_type_builder(name)
        .with_fields(fields)
        .build()
        .map(Arc::new)
}

fn write<'c>(
    sink: &mut SerializedColumnWriter<'_>,
    kind: Kind,
    cells: impl Iterator<Item = &'c Cell<'c>>,
) -> Result<(), ParquetError> {
    match kind {
        Kind::Text => {
            let (values, levels) = split(cells, |cell| {
                Some(ByteArray::from(text(cell)?.into_bytes()))
            });
            sink.typed::<ByteArrayType>()
                .write_batch(&values, Some(&levels), None)?;
        }
        Kind::Whole => {
            let (values, levels) = split(cells, |cell| match cell {
                Cell::Whole(whole) => i64::try_from(*whole).ok(),
                _ => None,
            });
            sink.typed::<Int64Type>()
                .write_batch(&values, Some(&levels), None)?;
        }
        Kind::Number => {
            let (values, levels) = split(cells, |cell| match cell {
                Cell::Number(number) if !number.is_nan() => Some(*number),
                Cell::Whole(whole) => Some(*whole as f64),
                _ => None,
            });
            sink.typed::<DoubleType>()
                .write_batch(&values, Some(&levels), None)?;
        }
    }
    Ok(())
}

fn text(cell: &Cell<'_>) -> Option<String> {
    match cell {
        Cell::Empty => None,
        cell => Some(cell.to_csv().into_owned()),
    }
}

/// The values that there are, and for each cell 1 if it has one.
fn split<'c, T>(
    cells: impl Iterator<Item = &'c Cell<'c>>,
    value: impl Fn(&Cell<'_>) -> Option<T>,
) -> (Vec<T>, Vec<i16>) {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    for cell in cells {
        let value = value(cell);
        levels.push(i16::from(value.is_some()));
        values.extend(value);
    }
    (values, levels)
}
