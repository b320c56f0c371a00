//! Values that are none.

use super::super::problem::{Problem, Span, code};
use super::line::two_in_one;
use super::slip::{self, Slip, without_comment};
use super::word::{self, TOML, Word, in_marks, is_value, write};

/// What no word of a value has.
const BETWEEN: [char; 8] = [',', '=', '[', ']', '{', '}', '#', '\n'];

impl Slip<'_> {
    /// With the place up to which other errors follow from it.
    pub(super) fn value(&self, message: &str) -> (Problem, usize) {
        let span = self.word_span();
        let text = &self.source[span.clone()];
        let before = self.before();
        let behind = self.source[span.end..self.line_end()].trim_start();
        let list = before.rsplit_once('=').map_or("", |(_, value)| value);
        let is_in_list = list.matches('[').count() > list.matches(']').count();
        let is_in_braces = before.matches('{').count() > before.matches('}').count();
        let comment = ["//", "/*"].iter().find_map(|start| text.find(start));
        let is_call = text.starts_with(char::is_alphabetic) && text.contains('(');
        let word = Word {
            text,
            key: self.key(),
            is_in_list,
            takes_lists: self.takes_lists(),
        };
        let problem = if let Some(at) = comment {
            word::no_comment(span.start + at..span.end)
        } else if text.starts_with('(') || is_call {
            self.round_brackets(span.start)
        } else if !is_in_list && behind.starts_with('=') && text.contains(' ') {
            match is_in_braces {
                true => Problem::at(span, "a comma is missing").help("write one between two keys"),
                false => two_in_one(span.start..self.line_span().end),
            }
        } else {
            // The next value of a list may be wrong by itself.
            let is_among_others = is_in_list || is_in_braces;
            let is_at_end = behind.starts_with([',', ']', '}']) && is_among_others;
            let (message, help) = word.said().unwrap_or((message.to_owned(), TOML.to_owned()));
            let problem = Problem::at(span.clone(), message).help(help);
            if is_at_end && !text.is_empty() {
                return (problem, span.end);
            }
            problem
        };
        (problem, self.line_end() + 1)
    }

    /// Where the word at the error stands.
    fn word_span(&self) -> Span {
        let before = self.before();
        let from = before.rfind(BETWEEN).map_or(0, |at| at + 1);
        let from = self.at - before.len() + from;
        let rest = &self.source[self.at..];
        let to = self.at + rest.find(BETWEEN).unwrap_or(rest.len());
        let text = self.source[from..to].trim_end_matches([' ', '\t', '\r']);
        let word = text.trim_start_matches([' ', '\t']);
        from + text.len() - word.len()..from + text.len()
    }

    /// The key of the value at the error.
    pub(super) fn key(&self) -> &str {
        let pair = self.before().rsplit_once('=').map_or("", |(key, _)| key);
        let pair = pair.trim_end_matches(['=', ' ', '\t']);
        let key = pair.rsplit([',', '{', ' ', '\t', '\n', '\u{feff}']).next();
        key.unwrap_or(pair).trim_matches(['"', '\''])
    }

    /// `(16, 32)` and `range(2, 6)`.
    fn round_brackets(&self, start: usize) -> Problem {
        let text = without_comment(&self.source[start..self.line_end()]).trim_end();
        let name = text.split('(').next().unwrap_or_default();
        let inside = text[name.len()..].trim_matches(['(', ')', ' ', ',']);
        let list = format!("[{inside}]");
        let help = match name.rsplit('.').next().unwrap_or(name) {
            "" if is_value(&list) => &write(&list),
            "range" | "arange" => "write `{ range = [2, 6], step = 2 }`: both ends are included",
            "linspace" => "write `{ linspace = [0, 1], count = 5 }`",
            "geomspace" => "write `{ geomspace = [8, 512], count = 4 }`",
            "logspace" => "write `{ logspace = [-3, -1], count = 3 }`",
            _ => "lists stand in square brackets, as in `[16, 32]`",
        };
        Problem::at(start..start + text.len(), "round brackets in a value").help(help)
    }

    /// A text with a backslash, such as a path of Windows.
    pub(super) fn backslash(&self) -> Problem {
        let before = self.before();
        let start = self.at - before.len() + before.rfind('"').unwrap_or(before.len());
        let line = &self.source[start..self.line_end()];
        let inside = line.trim_start_matches('"').split('"').next();
        let inside = inside.unwrap_or_default();
        let help = match code(&in_marks(inside)) {
            Some(code) => format!("write {code}"),
            None => "write single quotation marks".to_owned(),
        };
        let end = start + line.len().min(inside.len() + 2);
        Problem::at(start..end, "a backslash in double quotation marks")
            .help(format!("{help}: single ones leave it as it is"))
    }

    /// A text without its second quotation mark, where that is known.
    pub(super) fn text_not_closed(&self) -> Option<Problem> {
        let quote = self.statement().quote?;
        let is_in_line = slip::line_end(self.source, quote) >= self.at;
        is_in_line.then(|| slip::text_not_closed(self.source, quote))
    }

    /// A space that is neither blank nor tab, and that no screen tells from one.
    pub(super) fn odd_space(&self) -> Option<Problem> {
        let is_odd = |c: char| {
            let is_plain = matches!(c, ' ' | '\t' | '\r' | '\n');
            let is_invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}');
            c.is_whitespace() && !is_plain || is_invisible || c == '\u{feff}'
        };
        let text = without_comment(&self.source[self.at..self.line_end()]);
        let (at, c) = text.char_indices().find(|(_, c)| is_odd(*c))?;
        let at = self.at + at;
        let message = format!("a space of another kind, U+{:04X}", u32::from(c));
        let problem = Problem::at(at..at + c.len_utf8(), message);
        Some(problem.help("write the space of the keyboard, or none"))
    }
}
