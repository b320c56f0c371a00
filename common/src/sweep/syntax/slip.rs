//! An error of TOML's reader, in words that say what to write.

use super::super::problem::{Problem, Span, quoted};
use super::statement::{Statement, is_header};
use super::word::{TOML, value_of, write};

/// An error of TOML's reader.
pub(super) struct Slip<'s> {
    pub(super) source: &'s str,
    pub(super) statements: &'s [Statement],
    /// The statement that has it.
    pub(super) index: usize,
    pub(super) at: usize,
    /// What the reader says.
    pub(super) message: &'s str,
}

impl Slip<'_> {
    /// Whether errors behind it are not found, because nothing is read there.
    pub(super) fn hides_others(&self) -> bool {
        let is_no_pair = ["key with no value", "missing value for key"];
        let text = &self.source[self.statement().span.clone()];
        is_header(text)
            || is_no_pair
                .iter()
                .any(|start| self.message.starts_with(start))
    }

    /// With the place up to which other errors follow from it.
    pub(super) fn problem(&self) -> (Problem, usize) {
        let (message, expected) = match self.message.split_once(", expected ") {
            Some((message, expected)) => (message, expected),
            None => (self.message, ""),
        };
        let here = |message: &str, help: &str| Problem::at(self.at..self.at, message).help(help);
        if let Some(problem) = self.odd_space() {
            return (problem, self.line_end() + 1);
        }
        let is_pair = self.line().contains('=');
        let problem = match message {
            "duplicate key" => self.twice(),
            "key with no value" | "missing value for key" => self.no_equals_sign(),
            "invalid unquoted key" if !is_pair && !is_header(self.line()) => self.no_equals_sign(),
            "invalid unquoted key" if self.source[self.at..].starts_with(':') => {
                here("a `=` is missing", "write it in place of `:`")
            }
            "invalid unquoted key" => {
                let c: String = self.source[self.at..].chars().take(1).collect();
                let message = format!("a key cannot have {}", quoted(&c));
                here(&message, "write letters from a to z, digits, `-` and `_`")
            }
            "unquoted keys cannot be empty" if is_header(self.line()) => here(
                "a header without a name",
                "write `[train]`, `[measure]`, `[stop]` or `[[block]]`",
            ),
            "unquoted keys cannot be empty" => here("a key is missing", "write `key = value`"),
            "invalid key-value pair" if self.line().starts_with('{') => here(
                "a sweep file is TOML, not JSON",
                "write `key = value`, each on a line of its own",
            ),
            "invalid key-value pair" => here(
                "neither a header nor a key with its value",
                "write `key = value`, or delete it",
            ),
            "unclosed table" | "unclosed array table" => self.header(),
            "unexpected key or value" => self.behind_value(),
            "extra `=`" => {
                let value = &self.source[self.at..self.line_end()];
                let value = without_comment(value).trim_matches(['=', ' ', '\t', '\r']);
                let pair = format!("{} = {}", self.key(), value_of(value));
                here("one `=` too many", &write(&pair))
            }
            "missing escaped value" | "too few unicode value digits" | "invalid value" => {
                self.backslash()
            }
            "invalid basic string" | "invalid literal string"
                if !expected.contains("character") =>
            {
                self.text_not_closed()
                    .unwrap_or_else(|| here(message, TOML))
            }
            "invalid basic string" | "invalid literal string" | "invalid comment character" => {
                here("a control character", "delete it: nobody sees it")
            }
            "carriage return must be followed by newline" => here(
                "a carriage return without a line feed",
                "save the file with line ends of one kind",
            ),
            "missing comma between array elements" | "missing comma between key-value pairs" => {
                here("a comma is missing", "write one before this value")
            }
            "extra comma in array" | "extra comma in inline table" => {
                here("one comma too many", "write one between two values")
            }
            "missing assignment between key-value pairs" => {
                here("a `=` is missing", "write it between the key and its value")
            }
            "missing table open" | "missing array opening" | "missing inline table opening" => {
                self.nothing_opens()
            }
            "cannot recurse further; max recursion depth met" | "recursion limit" => here(
                "tables and lists are nested too deeply",
                "write fewer brackets",
            ),
            _ if message.starts_with("cannot extend value") => here(
                "this stands above as a value, or in braces",
                "write all of its keys in one place",
            ),
            _ if is_of_value(message) => return self.value(message),
            _ => here(message, TOML),
        };
        (problem, self.line_end() + 1)
    }

    /// The same in the words of TOML's reader.
    pub(super) fn as_it_is(&self) -> (Problem, usize) {
        let problem = Problem::at(self.at..self.at, self.message).help(TOML);
        (problem, self.line_end() + 1)
    }

    pub(super) fn statement(&self) -> &Statement {
        &self.statements[self.index]
    }

    /// What stands in the statement before the error.
    pub(super) fn before(&self) -> &str {
        &self.source[self.statement().span.start.min(self.at)..self.at]
    }

    /// Where the line stands, from its first letter on and without a comment.
    pub(super) fn line_span(&self) -> Span {
        let start = self.source[..self.at].rfind('\n').map_or(0, |at| at + 1);
        let text = without_comment(&self.source[start..self.line_end()]);
        let text = text.trim_end_matches([' ', '\t', '\r']);
        let rest = text.trim_start_matches(['\u{feff}', ' ', '\t']);
        start + text.len() - rest.len()..start + text.len()
    }

    pub(super) fn line(&self) -> &str {
        &self.source[self.line_span()]
    }

    pub(super) fn line_end(&self) -> usize {
        line_end(self.source, self.at)
    }
}

/// A list or a table that has no end.
pub(super) fn not_closed(source: &str, statement: &Statement) -> Problem {
    if let Some(quote) = statement.quote {
        return text_not_closed(source, quote);
    }
    let (at, bracket) = statement.open[0];
    let last = statement.open.iter().rev().take(8);
    let ends: String = last
        .map(|(_, open)| if *open == '[' { ']' } else { '}' })
        .collect();
    Problem::at(at..at + 1, format!("nothing closes this `{bracket}`"))
        .help(format!("write `{ends}` behind the last value"))
}

/// A text whose quotation mark at `quote` has no second one in its line.
pub(super) fn text_not_closed(source: &str, quote: usize) -> Problem {
    let text = source[quote..line_end(source, quote)].trim_end();
    let (mark, inside) = text.split_at(1);
    let help = match inside.contains([',', ']', '}', '#']) {
        true => format!("write `{mark}` where the text ends"),
        false => write(&format!("{mark}{inside}{mark}")),
    };
    Problem::at(quote..quote + text.len(), "nothing closes this text").help(help)
}

/// Up to a `#`.
pub(super) fn without_comment(text: &str) -> &str {
    text.split('#').next().unwrap_or(text)
}

pub(super) fn line_end(source: &str, at: usize) -> usize {
    source[at..]
        .find('\n')
        .map_or(source.len(), |length| at + length)
}

/// Whether an error of TOML's reader is about a value that is none.
fn is_of_value(message: &str) -> bool {
    let others = [
        "missing key",
        "extra ",
        "unclosed",
        "unexpected `=`",
        "unexpected content",
        "cannot ",
    ];
    let is_other = others.iter().any(|start| message.starts_with(start));
    !(is_other || message.contains("inline table") || message.contains("multi-line"))
}
