//! Numbers as text: CSV, or columns separated by tabs, semicolons or spaces.
//!
//! The first line tells what separates the columns. It is a header when no cell of it is a number.
//! Lines that are empty or begin with `#` are skipped; quotes around a cell are dropped.

use super::Table;

pub(super) fn parse(text: &str) -> Result<Table, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .peekable();
    let Some((_, first)) = lines.peek() else {
        return Err("no numbers: there is no line but empty ones and comments".to_owned());
    };
    let separator = [',', ';', '\t'].into_iter().find(|c| first.contains(*c));
    let columns = cells(first, separator).count();
    if cells(first, separator).all(|cell| number(cell).is_none()) {
        let header = lines.next();
        if lines.peek().is_none() {
            let line = header.map_or("", |(_, line)| line);
            return Err(format!("no numbers: the only line is `{}`", shown(line)));
        }
    }
    let mut values = Vec::new();
    for (line_number, line) in lines {
        let before = values.len();
        for cell in cells(line, separator) {
            let value = number(cell).ok_or_else(|| {
                let column = values.len() - before + 1;
                match cell.is_empty() {
                    true => format!("line {line_number}: column {column} is empty"),
                    false => format!(
                        "line {line_number}: `{}` in column {column} is no number",
                        shown(cell)
                    ),
                }
            })?;
            values.push(value);
        }
        let found = values.len() - before;
        if found != columns {
            return Err(format!(
                "line {line_number} has {found} columns, the first line has {columns}"
            ));
        }
    }
    Ok(Table { columns, values })
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
    fn separators_headers_quotes_and_comments_are_understood() {
        let values = vec![1.0, -2.5, 3e-4, 4.0];
        for text in [
            "1,-2.5\n3e-4,4\n",
            "a,b\n1,-2.5\n3e-4,4",
            "\u{feff}\"a\";\"b\"\r\n1;-2.5\r\n\r\n3e-4;4\r\n",
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
            ("hello\n", "no numbers: the only line is `hello`"),
            ("\n# x\n", "no numbers"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.starts_with(said), "{text:?}: {problem}");
        }
    }
}
