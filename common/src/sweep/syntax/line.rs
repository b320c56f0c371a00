//! Lines that are neither a header nor a key with its value, and what stands behind a value.

use super::super::key::{Key, Place};
use super::super::problem::{Problem, Span, quoted};
use super::slip::{Slip, without_comment};
use super::statement::{first_word, is_header};
use super::word::{self, is_value, pair, value_of, write};

/// Keys that are no [`Key`] and take lists.
const LISTS: [&str; 5] = ["seeds", "requires", "zip", "exclude", "milestones"];

impl Slip<'_> {
    /// A line such as `width: 16`.
    pub(super) fn no_equals_sign(&self) -> Problem {
        let line = self.line();
        if ["//", "/*", ";", "--"]
            .iter()
            .any(|start| line.starts_with(start))
        {
            return word::no_comment(self.line_span());
        }
        let problem = Problem::at(self.line_span(), "a key without `=`");
        let line = line.trim_start_matches("- ");
        let word = first_word(line);
        let (key, rest) = (&line[word.clone()], &line[word.end..]);
        let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
        if let Some((words, value)) = rest.split_once('=')
            && words.trim_start().starts_with(char::is_alphanumeric)
        {
            return self.several_words(&format!("{key}{words}"), value);
        }
        let value = rest.trim_start_matches([':', '=', '>', ' ', '\t']);
        let value = value.trim_end_matches(',');
        let list = format!("[{value}]");
        problem.help(match (key, value) {
            ("block", "") => "write `[[block]]`, and its axes below it".to_owned(),
            (key, "") if is_section(key) => format!("write `[{key}]`, and its keys below it"),
            (key, "") => write(&pair(key)),
            (key, value) if is_value(&list) && !is_value(value) => {
                write(&format!("{key} = {list}"))
            }
            (_, value) if value.starts_with(['[', '{']) && !is_value(value) => {
                "write `=` in place of `:`".to_owned()
            }
            (key, value) => write(&format!("{key} = {}", value_of(value))),
        })
    }

    /// A line such as `batch size = 100`.
    fn several_words(&self, words: &str, value: &str) -> Problem {
        let key = words.split_whitespace().collect::<Vec<_>>().join("_");
        let help = match Place::ALL.iter().any(|place| place.keys().contains(&&*key)) {
            true => write(&format!("{key} = {}", value_of(value.trim()))),
            false => "write one word, as in `batch_size = 100`".to_owned(),
        };
        Problem::at(self.line_span(), "several words before `=`").help(help)
    }

    /// A header that is not closed as it was opened.
    pub(super) fn header(&self) -> Problem {
        let line = self.line();
        let name = &line[first_word(line)];
        let header = match line.starts_with("[[") || name == "block" {
            true => format!("[[{name}]]"),
            false => format!("[{name}]"),
        };
        Problem::at(self.line_span(), "a header without its end").help(write(&header))
    }

    /// Something between a value and the end of its line.
    pub(super) fn behind_value(&self) -> Problem {
        let rest = without_comment(&self.source[self.at..self.line_end()]);
        let rest = rest.trim_matches([' ', '\t', '\r']);
        let behind = self.at..self.at + rest.len();
        if is_header(self.line()) {
            return match rest.starts_with(']') {
                true => self.header(),
                false => two_in_one(self.line_span()),
            };
        }
        if rest.starts_with("//") || rest.starts_with("/*") {
            return word::no_comment(behind);
        }
        if rest.starts_with([']', '}']) {
            return self.nothing_opens();
        }
        let before = self.before();
        let start = before.rfind('=').map_or(0, |at| at + 1);
        let value = before[start..].trim_start_matches([' ', '\t']);
        let whole = self.at - value.len()..behind.end;
        let value = value.trim_end_matches([' ', '\t']);
        if rest.starts_with(';') {
            let (message, help) = word::semicolon(value);
            return Problem::at(behind, message).help(help);
        }
        if rest == "," {
            return Problem::at(behind, "a comma behind a value").help(write(value));
        }
        let between = if rest.starts_with(',') { "" } else { ", " };
        let list = format!("[{value}{between}{rest}]");
        let list = Some(list).filter(|list| is_value(list));
        if let Some((message, help)) = self.comma_in_number(value, rest, list.as_deref()) {
            Problem::at(whole, message).help(help)
        } else if let Some(list) = list {
            let (message, help) = word::several(&list, self.takes_lists());
            Problem::at(whole, message).help(help)
        } else if rest.contains('=') {
            two_in_one(whole)
        } else {
            Problem::at(behind, "something stands behind the value")
                .help("several values stand in a list, and comments begin with `#`")
        }
    }

    /// `0,1` and `65,000`.
    fn comma_in_number(
        &self,
        value: &str,
        rest: &str,
        list: Option<&str>,
    ) -> Option<(String, String)> {
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let behind = rest.strip_prefix(',')?;
        if !(is_digits(value.trim_start_matches(['+', '-'])) && is_digits(behind)) {
            return None;
        }
        let number = match behind.len() == 3 && value != "0" {
            true => format!("{value}{behind}"),
            false => format!("{value}.{behind}"),
        };
        let or_list = match list.filter(|_| self.takes_lists()) {
            Some(_) => format!(", or `[{value}, {behind}]` for two values"),
            None => String::new(),
        };
        let message = "a comma in a number".to_owned();
        Some((message, format!("{}{or_list}", write(&number))))
    }

    /// A bracket that closes nothing.
    pub(super) fn nothing_opens(&self) -> Problem {
        let bracket: String = self.source[self.at..].chars().take(1).collect();
        let span = self.at..self.at + bracket.len();
        Problem::at(span, format!("nothing opens this {}", quoted(&bracket))).help("delete it")
    }

    /// Whether several values may stand where the error is.
    pub(super) fn takes_lists(&self) -> bool {
        let key = self.key();
        let is_list = Key::written(key).is_some_and(Key::is_list) || LISTS.contains(&key);
        let mut before = self.statements[..self.index].iter().rev();
        let header = before.find_map(|statement| {
            let text = &self.source[statement.span.clone()];
            is_header(text).then(|| &text[first_word(text)])
        });
        is_list || header == Some("block") && Key::of_axis(key).is_some()
    }
}

/// Two statements that stand in one line.
pub(super) fn two_in_one(span: Span) -> Problem {
    Problem::at(span, "two keys in one line").help("write each of them on a line of its own")
}

fn is_section(word: &str) -> bool {
    Place::ALL.iter().any(|place| place.section() == Some(word))
}
