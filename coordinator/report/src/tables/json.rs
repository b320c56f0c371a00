//! `report.json`: the sweep and its tables in one versioned file, a row on each line.
//!
//! A row is an object with the columns of the CSV file as keys; numbers are numbers, an empty
//! cell is `null`, an interval that is open above ends in `"inf"`. A table alone, as JSON Lines,
//! has the same rows.

use serde::ser::{Serialize, SerializeMap, Serializer};
use tailsweep_common::run::NUMERICS;
use tailsweep_common::state::RunState;

use super::schema::{Kind, described};
use super::{Cell, Table};
use crate::facts::Facts;

/// Raised whenever a key changes its meaning or goes.
const VERSION: u32 = 1;

/// The bytes of the file.
pub(crate) fn json(facts: &Facts, tables: &[Box<dyn Table + '_>]) -> Vec<u8> {
    let mut text = format!("{{\"version\": {VERSION},\n\"sweep\": {}", sweep(facts));
    for table in tables {
        text.push_str(&format!(",\n\"{}\": [", table.name()));
        for (index, row) in rows(&**table).enumerate() {
            text.push_str(if index == 0 { "\n" } else { ",\n" });
            text.push_str(&row);
        }
        text.push_str("\n]");
    }
    text.push_str("}\n");
    text.into_bytes()
}

/// The bytes of `sweep.json`: the sweep alone, all that is needed to compute its runs again.
pub(crate) fn sweep_json(facts: &Facts) -> Vec<u8> {
    format!("{{\"version\": {VERSION},\n\"sweep\": {}}}\n", sweep(facts)).into_bytes()
}

/// One table, an object on each line.
pub(crate) fn json_lines(table: &dyn Table) -> Vec<u8> {
    let lines = rows(table).map(|row| row + "\n");
    lines.collect::<String>().into_bytes()
}

/// The rows as objects. A column of texts has texts alone, those that look like numbers too.
fn rows(table: &dyn Table) -> impl Iterator<Item = String> + '_ {
    let columns = table.columns();
    let kinds: Vec<Kind> = described(table).iter().map(|column| column.kind).collect();
    (0..table.len()).map(move |index| {
        let mut cells = table.row(index);
        for (cell, kind) in cells.iter_mut().zip(&kinds) {
            if *kind == Kind::Text && matches!(cell, Cell::Whole(_) | Cell::Number(_)) {
                *cell = Cell::Text(cell.to_csv().into_owned().into());
            }
        }
        object(&columns, &cells)
    })
}

fn sweep(facts: &Facts) -> String {
    let sweep = &facts.text.sweep;
    let states: Vec<String> = RunState::ALL
        .iter()
        .map(|state| {
            let count = facts.runs.iter().filter(|run| run.state == *state).count();
            format!("{}: {count}", encoded(state.as_str()))
        })
        .collect();
    let stop = sweep.stop.map_or("null".to_owned(), |stop| {
        format!("{{\"alpha_ci\": {}}}", encoded(&stop.alpha_ci))
    });
    let choice = match facts.choice.words() {
        Some(_) => format!("\"choice\": {},\n", encoded(&facts.choice)),
        None => String::new(),
    };
    format!(
        "{{\"id\": {}, \"name\": {}, \"tailsweep\": {}, \"numerics\": {NUMERICS}, \"seeds\": {}, \
         \"own_axes\": {}, \
         \"stop\": {stop}, \"states\": {{{}}},\n{choice}\"source\": {}}}",
        encoded(&sweep.id.to_string()),
        encoded(&sweep.name),
        encoded(env!("CARGO_PKG_VERSION")),
        encoded(&sweep.seeds),
        encoded(&sweep.own_axes),
        states.join(", "),
        encoded(&facts.text.source),
    )
}

/// A row as an object.
pub(crate) fn object(columns: &[String], cells: &[Cell<'_>]) -> String {
    encoded(&Row { columns, cells })
}

struct Row<'a> {
    columns: &'a [String],
    cells: &'a [Cell<'a>],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.cells.len()))?;
        for (column, cell) in self.columns.iter().zip(self.cells) {
            map.serialize_entry(column, cell)?;
        }
        map.end()
    }
}

fn encoded<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("text, numbers and lists of them are JSON")
}
