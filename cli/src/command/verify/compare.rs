//! Rows of two tables, byte by byte.

use std::collections::BTreeSet;

use csv::StringRecord;

use crate::failure::Failure;

/// A CSV file, with the bytes of each row as they are written.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    name: &'a str,
    columns: Vec<String>,
    pub(crate) rows: Vec<Row<'a>>,
}

/// A row.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    /// Counted from 1, the head included.
    pub(crate) line: u64,
    cells: StringRecord,
    raw: &'a [u8],
}

impl Row<'_> {
    /// A cell; empty if the row is too short.
    pub(crate) fn cell(&self, column: usize) -> &str {
        self.cells.get(column).unwrap_or_default()
    }
}

impl<'a> Table<'a> {
    /// Reads it.
    pub(crate) fn parse(name: &'a str, bytes: &'a [u8]) -> Result<Self, Failure> {
        let unreadable =
            |problem: csv::Error| Failure::error(format!("can't read {name}: {problem}"));
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
        let columns = reader.headers().map_err(unreadable)?;
        let columns = columns.iter().map(str::to_owned).collect();
        let records: Vec<StringRecord> = reader
            .records()
            .collect::<Result<_, _>>()
            .map_err(unreadable)?;
        let place = |index: usize| {
            let position = records.get(index).and_then(StringRecord::position);
            position.map_or((bytes.len(), 0), |place| {
                (place.byte() as usize, place.line())
            })
        };
        let rows = (0..records.len())
            .map(|index| {
                let ((start, line), (end, _)) = (place(index), place(index + 1));
                (line, bytes.get(start..end).unwrap_or_default())
            })
            .collect::<Vec<_>>();
        let rows = rows
            .into_iter()
            .zip(records)
            .map(|((line, raw), cells)| Row { line, cells, raw });
        Ok(Self {
            rows: rows.collect(),
            name,
            columns,
        })
    }

    /// Where a column is.
    pub(crate) fn column(&self, column: &str) -> Result<usize, Failure> {
        self.columns
            .iter()
            .position(|known| known == column)
            .ok_or_else(|| Failure::error(format!("{} has no column `{column}`", self.name)))
    }
}

/// What was compared, and what was different.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) compared: Vec<Compared>,
    /// The first difference.
    pub(crate) first: Option<Difference>,
    /// Rows that differ, that are missing or too many.
    pub(crate) different: usize,
}

/// How many rows of a table were compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    pub(crate) file: String,
    pub(crate) rows: usize,
    /// Rows that the table has.
    pub(crate) of: usize,
}

/// One cell, or one row, that is not what was computed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) file: String,
    /// In the report; for a missing row, where the others of its run are.
    pub(crate) line: Option<u64>,
    /// What the row is about: its words and whole numbers before the first value.
    pub(crate) row: String,
    /// `None`: the whole row.
    pub(crate) column: Option<String>,
    /// In the report; `None`: there is no such row.
    pub(crate) report: Option<String>,
    /// As computed here; `None`: there is no such row.
    pub(crate) computed: Option<String>,
}

impl Comparison {
    /// Whether all rows are the same.
    pub(crate) fn is_equal(&self) -> bool {
        self.different == 0
    }

    /// Compares the rows of some runs in a table of the report with all rows of a computed one.
    pub(crate) fn runs(
        &mut self,
        name: &str,
        report: &[u8],
        computed: &[u8],
        ids: &BTreeSet<String>,
    ) -> Result<(), Failure> {
        let (report, computed) = (Table::parse(name, report)?, Table::parse(name, computed)?);
        if self.heads_differ(&report, &computed) {
            return Ok(());
        }
        let id = report.column("run_id")?;
        let of_ids = report.rows.iter().filter(|row| ids.contains(row.cell(id)));
        self.rows(&computed, &report, &of_ids.collect::<Vec<_>>());
        Ok(())
    }

    /// Compares all rows of a table of the report with a computed one.
    pub(crate) fn whole(
        &mut self,
        name: &str,
        report: &[u8],
        computed: &[u8],
    ) -> Result<(), Failure> {
        let (report, computed) = (Table::parse(name, report)?, Table::parse(name, computed)?);
        if !self.heads_differ(&report, &computed) {
            self.rows(&computed, &report, &report.rows.iter().collect::<Vec<_>>());
        }
        Ok(())
    }

    /// Notes a table of which no row was compared.
    pub(crate) fn none(&mut self, name: &str, report: &[u8]) -> Result<(), Failure> {
        let report = Table::parse(name, report)?;
        self.compared.push(Compared {
            file: name.to_owned(),
            rows: 0,
            of: report.rows.len(),
        });
        Ok(())
    }

    fn heads_differ(&mut self, report: &Table<'_>, computed: &Table<'_>) -> bool {
        let differ = report.columns != computed.columns;
        if differ {
            self.differs(Difference {
                file: report.name.to_owned(),
                line: Some(1),
                row: "the head".to_owned(),
                column: None,
                report: Some(report.columns.join(",")),
                computed: Some(computed.columns.join(",")),
            });
        }
        differ
    }

    fn differs(&mut self, difference: Difference) {
        self.different += 1;
        self.first.get_or_insert(difference);
    }

    /// `report`: the rows of `table` that should be those of `computed`.
    fn rows(&mut self, computed: &Table<'_>, table: &Table<'_>, report: &[&Row<'_>]) {
        let name = computed.name.to_owned();
        self.compared.push(Compared {
            file: name.clone(),
            rows: report.len(),
            of: table.rows.len(),
        });
        let whole = |row: &Row<'_>| String::from_utf8_lossy(row.raw).trim_end().to_owned();
        let last_line = report.last().map(|row| row.line);
        for index in 0..report.len().max(computed.rows.len()) {
            let (found, expected) = (report.get(index), computed.rows.get(index));
            let about = found.copied().or(expected);
            let whole_row = |line| Difference {
                file: name.clone(),
                line,
                row: about.map(|row| subject(computed, row)).unwrap_or_default(),
                column: None,
                report: found.map(|row| whole(row)),
                computed: expected.map(whole),
            };
            match (found, expected) {
                (Some(found), Some(expected)) if found.raw == expected.raw => {}
                (Some(found), Some(expected)) => {
                    let cell = (0..computed.columns.len())
                        .find(|column| found.cell(*column) != expected.cell(*column));
                    self.differs(match cell {
                        Some(column) => Difference {
                            column: Some(computed.columns[column].clone()),
                            report: Some(found.cell(column).to_owned()),
                            computed: Some(expected.cell(column).to_owned()),
                            ..whole_row(Some(found.line))
                        },
                        None => whole_row(Some(found.line)),
                    });
                }
                (found, _) => self.differs(whole_row(found.map(|row| row.line).or(last_line))),
            }
        }
    }
}

/// What a row is about: its cells before the first number that was measured.
fn subject(table: &Table<'_>, row: &Row<'_>) -> String {
    const MEASURED: [&str; 6] = ["loss", "alpha", "seeds", "params", "exits", "transitions"];
    let is_measured = |column: &String| MEASURED.contains(&column.as_str());
    let is_counted = |column: &String| ["seeds", "law"].contains(&column.as_str());
    let keys = match table.columns.iter().position(|column| column == "run_id") {
        Some(_) => table.columns.iter().position(is_measured),
        // The loss of a point is a setting.
        None => table.columns.iter().position(is_counted),
    };
    let cells = (0..keys.unwrap_or(1)).map(|column| row.cell(column));
    let cells: Vec<&str> = cells.filter(|cell| !cell.is_empty()).collect();
    cells.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "run_id,step,alpha\na,0,1.5\na,10,1.25\nb,0,2\n";

    fn compared(report: &str, computed: &str) -> Comparison {
        let mut comparison = Comparison::default();
        let ids = BTreeSet::from(["a".to_owned()]);
        let done = comparison.runs(
            "estimates.csv",
            report.as_bytes(),
            computed.as_bytes(),
            &ids,
        );
        assert!(done.is_ok());
        comparison
    }

    #[test]
    fn rows_of_other_runs_are_not_looked_at() {
        let comparison = compared(REPORT, "run_id,step,alpha\na,0,1.5\na,10,1.25\n");
        assert!(comparison.is_equal());
        let compared = Compared {
            file: "estimates.csv".to_owned(),
            rows: 2,
            of: 3,
        };
        assert_eq!(comparison.compared, [compared]);
    }

    #[test]
    fn a_changed_digit_is_named_with_its_place() {
        let comparison = compared(REPORT, "run_id,step,alpha\na,0,1.5\na,10,1.26\n");
        let difference = comparison.first.unwrap();
        assert_eq!(difference.line, Some(3));
        assert_eq!(difference.row, "a 10");
        assert_eq!(difference.column.as_deref(), Some("alpha"));
        assert_eq!(difference.report.as_deref(), Some("1.25"));
        assert_eq!(difference.computed.as_deref(), Some("1.26"));
    }

    #[test]
    fn a_number_that_is_written_in_another_way_is_another_number() {
        let comparison = compared(REPORT, "run_id,step,alpha\na,0,1.50\na,10,1.25\n");
        assert_eq!(comparison.different, 1);
        let quoted = compared(REPORT, "run_id,step,alpha\na,0,\"1.5\"\na,10,1.25\n");
        assert_eq!(quoted.different, 1, "the same cells in other bytes");
    }

    #[test]
    fn missing_and_additional_rows_and_another_head_are_differences() {
        let missing = compared(REPORT, "run_id,step,alpha\na,0,1.5\na,10,1.25\na,20,1\n");
        let difference = missing.first.unwrap();
        assert_eq!((difference.report, difference.column), (None, None));
        let additional = compared(REPORT, "run_id,step,alpha\na,0,1.5\n");
        assert_eq!(additional.first.unwrap().computed, None);
        let head = compared(REPORT, "run_id,step,alpha,word\na,0,1.5,\na,10,1.25,\n");
        assert_eq!(head.first.unwrap().line, Some(1));
    }
}
