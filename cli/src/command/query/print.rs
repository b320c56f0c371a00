//! An answer on stdout: aligned for people, CSV and JSON for programs.

use std::collections::BTreeSet;

use super::answer::{Answer, Column, Value};
use crate::failure::Failure;
use crate::terminal;

/// How an answer is printed.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Table,
    Csv,
    Json,
}

pub(super) async fn print(answer: Answer, form: Form) -> Result<(), Failure> {
    match form {
        Form::Table => for_people(answer).await,
        Form::Csv => csv(answer).await,
        Form::Json => json(answer).await,
    }
}

/// Aligned columns, then how many rows there were, on stderr.
async fn for_people(mut answer: Answer) -> Result<(), Failure> {
    let header: Vec<String> = names(&answer);
    let is_numeric = answer.columns().iter().map(Column::is_numeric);
    let numbers = is_numeric.enumerate().filter(|(_, is_numeric)| *is_numeric);
    let numbers: Vec<usize> = numbers.map(|(index, _)| index).collect();
    let mut cells: Vec<Vec<String>> = Vec::new();
    while let Some(rows) = answer.next().await? {
        let row = |row: &Vec<Value>| row.iter().map(Value::for_people).collect();
        cells.extend(rows.iter().map(row));
    }
    let count = cells.len();
    terminal::print(&terminal::table(header, &numbers, cells))?;
    eprintln!("{}", terminal::counted(count, "row"));
    Ok(())
}

/// A head line, LF line ends, an empty cell where there is no value.
async fn csv(mut answer: Answer) -> Result<(), Failure> {
    let line = |cells: Vec<String>| -> Result<String, Failure> {
        let mut line = csv::Writer::from_writer(Vec::new());
        line.write_record(&cells).map_err(Failure::error)?;
        let line = line.into_inner().map_err(Failure::error)?;
        String::from_utf8(line).map_err(Failure::error)
    };
    terminal::print(&line(names(&answer))?)?;
    while let Some(rows) = answer.next().await? {
        let mut text = String::new();
        for row in rows {
            text += &line(row.iter().map(Value::exact).collect())?;
        }
        terminal::print(&text)?;
    }
    Ok(())
}

/// The documented shape: the columns, and the rows as objects.
async fn json(mut answer: Answer) -> Result<(), Failure> {
    let names = names(&answer);
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
        return Err(Failure::Usage(format!(
            "error: two columns are called `{twice}`: name one of them by AS"
        )));
    }
    let columns = answer.columns().iter();
    let columns = columns
        .map(|column| serde_json::json!({ "name": column.name, "type": column.type_name() }));
    let columns: serde_json::Value = columns.collect();
    let mut text = format!("{{\"version\":1,\"columns\":{columns},\"rows\":[");
    let mut gap = "\n";
    while let Some(rows) = answer.next().await? {
        for row in rows {
            let cells = names.iter().cloned().zip(row.iter().map(Value::json));
            let row: serde_json::Map<_, _> = cells.collect();
            text += gap;
            text += &serde_json::Value::Object(row).to_string();
            gap = ",\n";
        }
        terminal::print(&std::mem::take(&mut text))?;
    }
    terminal::print(&(text + "\n]}\n"))
}

fn names(answer: &Answer) -> Vec<String> {
    let columns = answer.columns().iter();
    columns.map(|column| column.name.clone()).collect()
}
