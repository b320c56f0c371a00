//! A table as CSV: a head line, LF line ends, quotes only where they are needed.

use super::Table;

/// The bytes of the file.
pub(crate) fn csv(table: &dyn Table) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(table.columns())
        .expect("writing to memory cannot fail");
    for index in 0..table.len() {
        let row = table.row(index);
        let cells = row.iter().map(|cell| cell.to_csv());
        writer
            .write_record(cells.map(|cell| cell.into_owned()))
            .expect("all rows have a cell for each column, and memory cannot fail");
    }
    writer.into_inner().expect("writing to memory cannot fail")
}
