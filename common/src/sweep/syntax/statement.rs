//! The statements of a sweep file: each `key = value` and each header with all of its lines.
//!
//! They are told apart line by line, so that one that is not closed ends where the next begins.

use super::super::key::Place;
use super::super::problem::Span;

/// `key = value` or a header; an empty line or a comment is one too.
pub(super) struct Statement {
    /// Whole lines.
    pub(super) span: Span,
    /// The brackets that are not closed, with their places.
    pub(super) open: Vec<(usize, char)>,
    /// A quotation mark without a second one in its line.
    pub(super) quote: Option<usize>,
}

impl Statement {
    pub(super) fn is_unclosed(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether a line goes on with this statement.
    fn goes_on(&self, line: &str) -> bool {
        let is_next = match self.open.last() {
            None => true,
            Some((_, '[')) => is_known_header(line) || is_pair(line),
            Some(_) => is_known_header(line),
        };
        !is_next
    }

    /// Takes the brackets of its next line.
    fn read(&mut self, text: &str, start: usize) {
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            match c {
                '#' => return,
                '[' | '{' => self.open.push((start + at, c)),
                ']' | '}' => _ = self.open.pop(),
                '"' | '\'' => {
                    let Some(length) = quoted_length(&text[at..]) else {
                        self.quote = Some(start + at);
                        return;
                    };
                    at += length;
                    continue;
                }
                _ if is_between(c) => {}
                // A quotation mark inside a word is a part of it.
                _ => {
                    at += text[at..].find(is_between).unwrap_or(text.len() - at);
                    continue;
                }
            }
            at += 1;
        }
    }
}

/// What no word has.
fn is_between(c: char) -> bool {
    matches!(
        c,
        '.' | '=' | ',' | '[' | ']' | '{' | '}' | '#' | ' ' | '\t' | '\r' | '\n'
    )
}

/// Bytes of a text that begins with its quotation mark, both marks included.
fn quoted_length(text: &str) -> Option<usize> {
    let mark = text.chars().next()?;
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if c == mark {
            return Some(at + 1);
        } else {
            is_escaped = c == '\\' && mark == '"';
        }
    }
    None
}

/// In the order of the file, without gaps.
pub(super) fn statements(source: &str) -> Vec<Statement> {
    let mut found: Vec<Statement> = Vec::new();
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        let end = start + line.len();
        if !found.last().is_some_and(|last| last.goes_on(line)) {
            found.push(Statement {
                span: start..end,
                open: Vec::new(),
                quote: None,
            });
        }
        let last = found.last_mut().expect("one was made");
        last.span.end = end;
        if !(start == last.span.start && is_header(line)) {
            last.read(line, start);
        }
        start = end;
    }
    found
}

pub(super) fn is_header(text: &str) -> bool {
    plain_start(text).starts_with('[')
}

/// Whether a line is the header of a table that a sweep file may have.
fn is_known_header(line: &str) -> bool {
    let is_known = |word: &str| {
        let name = word.split('.').next().unwrap_or(word);
        Place::Top.keys().contains(&name)
    };
    // An item of a list, such as `["train.momentum", "width"],`, is none.
    let text = line.split('#').next().unwrap_or(line);
    is_header(line) && !text.contains([',', '"', '\'']) && is_known(&line[first_word(line)])
}

/// Whether a line begins with a key and `=`.
fn is_pair(line: &str) -> bool {
    let line = plain_start(line);
    let is_of_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let length = match line.starts_with(['"', '\'']) {
        true => quoted_length(line).unwrap_or(0),
        false => line.len() - line.trim_start_matches(is_of_key).len(),
    };
    length > 0 && line[length..].trim_start().starts_with('=')
}

fn plain_start(text: &str) -> &str {
    text.trim_start_matches(['\u{feff}', ' ', '\t'])
}

/// Where the key of a line stands, or the name in a header, without quotation marks.
pub(super) fn first_word(line: &str) -> Span {
    let before = ['\u{feff}', ' ', '\t', '[', '"', '\''];
    let start = line.len() - line.trim_start_matches(before).len();
    let is_behind = |c: char| c.is_whitespace() || matches!(c, '=' | ':' | ']' | '"' | '\'');
    let length = line[start..].find(is_behind);
    start..length.map_or(line.len(), |length| start + length)
}

/// The first words of all lines.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.lines().map(|line| {
        // An item of a list in YAML.
        let line = line.trim_start().trim_start_matches("- ");
        line[first_word(line)].to_owned()
    });
    words.filter(|word| !word.is_empty() && !word.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(source: &str) -> Vec<&str> {
        statements(source)
            .into_iter()
            .map(|statement| &source[statement.span])
            .collect()
    }

    #[test]
    fn a_statement_has_all_of_its_lines() {
        let list = "width = [\n  16, # [\n  32,\n]\n";
        let table = "train = {\n  steps = 5,\n}\n";
        let rules = "zip = [\n  [\"a]\", \"b\"],\n  \"c=d\",\n]\n";
        let source = format!("{list}{table}[[block]]\n{rules}");
        assert_eq!(split(&source), [list, table, "[[block]]\n", rules]);
    }

    #[test]
    fn a_statement_that_is_not_closed_ends_where_the_next_begins() {
        let source = "width = [16,\n 32\ndepth = 2\nzip = [[\"a\"]\n[train]\nsteps = 5";
        let parts = [
            "width = [16,\n 32\n",
            "depth = 2\n",
            "zip = [[\"a\"]\n",
            "[train]\n",
            "steps = 5",
        ];
        assert_eq!(split(source), parts);
        let open: Vec<usize> = statements(source)
            .iter()
            .map(|statement| statement.open.len())
            .collect();
        assert_eq!(open, [1, 0, 1, 0, 0]);
    }

    #[test]
    fn the_word_of_a_line_is_its_key() {
        let words: Vec<String> = words("[[block]]\n\"train.steps\"=5\n- a: b\n\n# c").collect();
        assert_eq!(words, ["block", "train.steps", "a"]);
    }
}
