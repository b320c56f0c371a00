//! What people see: logs, tables, times.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use comfy_table::{CellAlignment, Row, Table, presets};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Sends logs to stderr.
pub(crate) fn start_logging(filter: &str) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|problem| {
        Failure::Usage(format!("error: `{filter}` is no log filter: {problem}"))
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(tailsweep_worker::stderr)
        .with_ansi(colours())
        .with_target(false)
        .init();
    tailsweep_worker::keep_panics();
    Ok(())
}

/// Whether stderr has colours.
pub(crate) fn colours() -> bool {
    let [no_color, term] = ["NO_COLOR", "TERM"].map(std::env::var_os);
    wants_colours(
        io::stderr().is_terminal(),
        no_color.as_deref(),
        term.as_deref(),
    )
}

/// On a terminal that knows them, unless `NO_COLOR` is set and not empty (<https://no-color.org>).
fn wants_colours(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty) && term.is_none_or(|term| term != "dumb")
}

/// Prints data on stdout. A reader that has seen enough (`| head`) is no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => Err(Failure::error(problem)),
        _ => Ok(()),
    }
}

/// Prints a value as JSON on stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::error)?;
    print(&format!("{text}\n"))
}

/// A table with a header; `numbers` are the columns that are aligned right.
pub(crate) fn table<R: Into<Row>>(
    header: impl Into<Row>,
    numbers: &[usize],
    rows: impl IntoIterator<Item = R>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table.add_rows(rows);
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n") + "\n"
}

/// A time for people: `3.2 s`, `4 min`, `2.5 h`.
pub(crate) fn human_time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..10.0 => format!("{seconds:.1} s"),
        ..90.0 => format!("{seconds:.0} s"),
        ..5400.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.1} h", seconds / 3600.0),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

/// A number of things: `1 run`, `12 runs`.
pub(crate) fn counted(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// A count for people, with three digits: `950`, `27.5 k`, `4.5 G`.
pub(crate) fn human_count(count: f64) -> String {
    let units = ["k", "M", "G", "T", "P", "E"];
    let thousands = (count.max(1.0).log10() / 3.0) as usize;
    let Some(unit) = thousands
        .checked_sub(1)
        .map(|unit| units[unit.min(units.len() - 1)])
    else {
        return format!("{count:.0}");
    };
    let value = count / 1000_f64.powi(thousands.min(units.len()) as i32);
    let decimals = if value < 100.0 { 1 } else { 0 };
    format!("{value:.decimals$} {unit}")
}

/// Bytes for people, in binary units.
pub(crate) fn human_bytes(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let decimals = usize::from(unit > 0 && value < 100.0);
    format!("{value:.decimals$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_and_for_those_who_want_them() {
        let wants = |is_terminal, no_color: Option<&str>, term: &str| {
            wants_colours(
                is_terminal,
                no_color.map(OsStr::new),
                Some(OsStr::new(term)),
            )
        };
        assert!(wants(true, None, "xterm-256color"));
        assert!(wants(true, Some(""), "xterm"), "empty says nothing");
        assert!(!wants(true, Some("1"), "xterm"));
        assert!(!wants(true, None, "dumb"));
        assert!(!wants(false, None, "xterm"), "a file or a pipe");
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(counted(1_u64, "run"), "1 run");
        assert_eq!(counted(0_usize, "run"), "0 runs");
        assert_eq!(human_count(950.0), "950");
        assert_eq!(human_count(27_456.0), "27.5 k");
        assert_eq!(human_count(4.5e9), "4.5 G");
        assert_eq!(human_bytes(16 << 20), "16.0 MiB");
        assert_eq!(human_time(Duration::from_millis(3200)), "3.2 s");
        assert_eq!(human_time(Duration::from_secs(240)), "4 min");
    }
}
