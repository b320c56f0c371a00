//! Numbers as text: CSV, or columns separated by tabs, semicolons or spaces.
//!
//! The first line tells what separates the columns. Lines that are empty or begin with `#` are
//! skipped; quotes around a cell are dropped.
//!
//! **What the first line is.** A header when no cell of it is a number. Tables of pandas and R bring
//! two more: a header that counts the columns, `0,1,2,…`, unless the next line goes on counting (a
//! single column counts if its next cell is no whole number); and one whose first cell is empty, or
//! is not there at all, above a column of row names, which is left out. What was taken for a header
//! though it has numbers, and what was left out, is said.

use super::Table;

/// A line that is neither empty nor a comment, with its number.
type Line<'a> = (usize, &'a str);

pub(super) fn parse(text: &str) -> Result<Table, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..)
        .zip(text.lines())
        // A tab at the beginning has an empty cell before it.
        .map(|(number, line)| (number, line.trim_end().trim_start_matches(' ')))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .peekable();
    let Some(first) = lines.next() else {
        return Err("no numbers: there is no line but empty ones and comments".to_owned());
    };
    // A comma beside one of the others may be a decimal one: numbers tell.
    let present = ['\t', ';', ',']
        .into_iter()
        .filter(|c| first.1.contains(*c));
    let sample = lines.peek().map_or(first.1, |(_, line)| *line);
    let fits = |c: &char| cells(sample, Some(*c)).all(|cell| number(cell).is_some());
    let separator = present
        .clone()
        .find(fits)
        .or_else(|| present.clone().next());
    let head = Head::of(first, lines.peek().copied(), separator);
    if head.is_header && lines.peek().is_none() {
        return Err(format!("no numbers: the only line is `{}`", shown(first.1)));
    }
    let mut values = Vec::new();
    let data = (!head.is_header).then_some(first).into_iter().chain(lines);
    for (line_number, line) in data {
        if separator == Some(',') && is_halved(line) {
            return Err(format!(
                "line {line_number}: `{}` looks like a decimal comma: write a point",
                shown(line)
            ));
        }
        let before = values.len();
        for (column, cell) in (1..).zip(cells(line, separator)).skip(head.names) {
            let value = number(cell).ok_or_else(|| match number(&cell.replacen(',', ".", 1)) {
                _ if cell.is_empty() => format!("line {line_number}: column {column} is empty"),
                Some(_) => format!(
                    "line {line_number}: `{}` in column {column} has a decimal comma: write a point",
                    shown(cell)
                ),
                None => format!(
                    "line {line_number}: `{}` in column {column} is no number",
                    shown(cell)
                ),
            })?;
            values.push(value);
        }
        let found = values.len() - before;
        if found != head.columns {
            return Err(format!(
                "line {line_number} has {} columns, the first line has {}",
                found + head.names,
                head.columns + head.names
            ));
        }
    }
    Ok(Table {
        columns: head.columns,
        values,
        notes: head.notes,
    })
}

/// What the first line says of the others.
struct Head {
    is_header: bool,
    /// Columns of row names: 0 or 1.
    names: usize,
    /// Columns of numbers.
    columns: usize,
    /// What a reader might not have meant.
    notes: Vec<String>,
}

impl Head {
    fn of((_, first): Line<'_>, next: Option<Line<'_>>, separator: Option<char>) -> Self {
        let own: Vec<&str> = cells(first, separator).collect();
        let next: Vec<&str> = next.map_or(Vec::new(), |(_, line)| cells(line, separator).collect());
        let no_number = own.iter().all(|cell| number(cell).is_none());
        let (named, unnamed) = match own.split_first() {
            Some((first, rest)) if first.is_empty() && !rest.is_empty() => (rest, true),
            // R writes no cell above the names of rows.
            _ => (&own[..], no_number && next.len() == own.len() + 1),
        };
        let titles = named
            .iter()
            .all(|cell| number(cell).is_none() || is_whole(cell));
        let names = usize::from(unnamed && titles && !next.is_empty());
        let counts = names == 0 && is_count(&own) && !next.is_empty() && !goes_on(&own, &next);
        let mut notes = Vec::new();
        if counts {
            let last = own.len() - 1;
            notes.push(match last {
                0 => "the first line, `0`, is taken for a header".to_owned(),
                _ => format!("the first line counts from 0 to {last} and is taken for a header"),
            });
        }
        if names == 1 {
            notes.push(
                "the first column has no name and is left out as that of row names".to_owned(),
            );
        }
        Self {
            is_header: no_number || counts || names == 1,
            names,
            columns: match names {
                0 => own.len(),
                _ => named.len(),
            },
            notes,
        }
    }
}

/// Whether a decimal comma would be taken for one between columns: no whole number begins with `00`, or
/// with `0` and another digit, as the second half of `1,05` does.
fn is_halved(line: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    line.split_once(',').is_some_and(|(whole, rest)| {
        let whole = whole.trim_start_matches(['-', '+']);
        is_digits(whole) && is_digits(rest) && rest.len() > 1 && rest.starts_with('0')
    })
}

/// 0, 1, 2, …
fn is_count(cells: &[&str]) -> bool {
    (0..)
        .zip(cells)
        .all(|(index, cell)| cell.parse() == Ok(index))
}

/// Whether numbers that began with 0, 1, 2, … are not the names of columns.
fn goes_on(first: &[&str], next: &[&str]) -> bool {
    match first {
        [_] => next.iter().all(|cell| is_whole(cell)),
        _ => next
            .first()
            .is_some_and(|cell| cell.parse() == Ok(first.len())),
    }
}

/// Digits alone, and a sign.
fn is_whole(cell: &str) -> bool {
    cell.parse::<i64>().is_ok()
}

fn cells(line: &str, separator: Option<char>) -> impl Iterator<Item = &str> {
    let (by_separator, by_space) = match separator {
        Some(separator) => (Some(line.split(separator)), None),
        None => (None, Some(line.split_whitespace())),
    };
    let cells = by_separator.into_iter().flatten();
    cells.chain(by_space.into_iter().flatten()).map(unquoted)
}

fn unquoted(cell: &str) -> &str {
    let cell = cell.trim();
    let inner = cell
        .strip_prefix('"')
        .and_then(|cell| cell.strip_suffix('"'));
    inner.unwrap_or(cell).trim()
}

fn number(cell: &str) -> Option<f64> {
    cell.parse().ok()
}

/// The beginning of a text that may be long or no text at all.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (usize, Vec<f64>) {
        let table = parse(text).expect("numbers");
        (table.columns, table.values)
    }

    #[test]
    fn headers_and_row_names_of_pandas_and_r_are_no_numbers() {
        let values = vec![0.5, -2.0, 3e-4, 7.0];
        for (text, notes) in [
            ("0,1\n0.5,-2\n3e-4,7\n", 1),
            (",0,1\n0,0.5,-2\n1,3e-4,7\n", 1),
            (",loss,bias\na,0.5,-2\nb,3e-4,7\n", 1),
            ("\"\",\"V1\",\"V2\"\n\"1\",0.5,-2\n\"2\",3e-4,7\n", 1),
            ("\"V1\" \"V2\"\n\"1\" 0.5 -2\n\"2\" 3e-4 7\n", 1),
            ("\t0\t1\n0\t0.5\t-2\n1\t3e-4\t7\n", 1),
            ("w,b\n0.5,-2\n3e-4,7\n", 0),
        ] {
            let table = parse(text).expect("numbers");
            assert_eq!((table.columns, &table.values), (2, &values), "{text:?}");
            assert_eq!(table.notes.len(), notes, "{text:?}: {:?}", table.notes);
        }
        assert_eq!(read("0\n0.5\n-2\n"), (1, vec![0.5, -2.0]));
        assert_eq!(read(",0\n0,0.5\n1,-2\n"), (1, vec![0.5, -2.0]));
        // Whole numbers that are no header.
        assert_eq!(read("0,1,2\n3,4,5\n").1.len(), 6);
        assert_eq!(read("0\n0\n0\n").1.len(), 3);
        assert_eq!(read("0,1,2,3\n").1.len(), 4);
        assert_eq!(read("0.0,1.0\n5.5,4.5\n").1.len(), 4);
    }

    #[test]
    fn separators_headers_quotes_and_comments_are_understood() {
        let values = vec![1.0, -2.5, 3e-4, 4.0];
        for text in [
            "1,-2.5\n3e-4,4\n",
            "a,b\n1,-2.5\n3e-4,4",
            "\u{feff}\"a\";\"b\"\r\n1;-2.5\r\n\r\n3e-4;4\r\n",
            "1,\t-2.5\n3e-4,\t4\n",
            "loss;x,acc\n1,-2.5\n3e-4,4\n",
            "# by numpy.savetxt\n1 -2.5\n3.0e-04 4\n",
            "a\tb\n1\t-2.5\n\"3e-4\"\t4\n",
        ] {
            assert_eq!(read(text), (2, values.clone()), "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_shown_with_its_line() {
        for (text, said) in [
            ("1,2\n3,x\n", "line 2: `x` in column 2 is no number"),
            ("a,2\n3,4\n", "line 1: `a` in column 1 is no number"),
            ("1,2\n3\n", "line 2 has 1 columns, the first line has 2"),
            ("1,2\n3,\n", "line 2: column 2 is empty"),
            (",1.5\n3,4\n", "line 1: column 1 is empty"),
            (",0,1\n0,0.5,\n", "line 2: column 3 is empty"),
            (",a\n0,1,2\n", "line 2 has 3 columns, the first line has 2"),
            (
                "1;0,5\n2;1\n",
                "line 1: `0,5` in column 2 has a decimal comma",
            ),
            (
                "0,51\n-1,05\n",
                "line 2: `-1,05` looks like a decimal comma",
            ),
            ("hello\n", "no numbers: the only line is `hello`"),
            ("\n# x\n", "no numbers"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.starts_with(said), "{text:?}: {problem}");
        }
    }
}
