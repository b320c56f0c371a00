//! The text of a value that is no TOML, and what was probably meant by it.

use toml::de::DeValue;

use super::super::duration;
use super::super::key::Key;
use super::super::number::shortest;
use super::super::problem::{Problem, Span, code, quoted};

/// What helps where nothing better is known.
pub(super) const TOML: &str = "see https://toml.io for how values are written";

/// Keys that take numbers, beside those that can be axes.
const NUMBERS: [&str; 14] = [
    "version",
    "seeds",
    "max_attempts",
    "max_losses",
    "max_failures",
    "priority",
    "alpha_ci",
    "sample",
    "seed",
    "count",
    "step",
    "gamma",
    "train_limit",
    "test_limit",
];

/// Keys that are mostly required.
const REQUIRED: [&str; 7] = [
    "version",
    "name",
    "steps",
    "dataset",
    "architecture",
    "batch_size",
    "learning_rate",
];

/// What is wrong, and what to write instead.
pub(super) type Said = (String, String);

/// A text where a value of `key` was expected.
pub(super) struct Word<'s> {
    pub(super) text: &'s str,
    pub(super) key: &'s str,
    pub(super) is_in_list: bool,
    /// Whether the key may have several values.
    pub(super) takes_lists: bool,
}

impl Word<'_> {
    pub(super) fn said(&self) -> Option<Said> {
        if self.text.is_empty() {
            let help = write(&pair(self.key));
            return Some(("a value is missing".to_owned(), help));
        }
        self.of_another_language()
            .or_else(|| self.several())
            .or_else(|| self.span_of_time())
            .or_else(|| self.range())
            .or_else(|| self.number())
            .or_else(|| self.constant())
            .or_else(|| self.bare())
    }

    fn is_no(&self, what: &str, help: String) -> Option<Said> {
        Some((format!("{} is no {what}", quoted(self.text)), help))
    }

    fn of_another_language(&self) -> Option<Said> {
        let text = self.text;
        if text.contains(is_curly) {
            let help = write(&in_marks(text.trim_matches(is_curly)));
            return Some(("quotation marks of another kind".to_owned(), help));
        }
        let with_minus = text.replace(['−', '–', '—'], "-");
        if with_minus != text && is_value(&with_minus) {
            return Some(("a minus of another kind".to_owned(), write(&with_minus)));
        }
        if text.starts_with('$') {
            let help = "axes multiply by themselves, and `zip` lets them advance together";
            return Some(("no value can name another key".to_owned(), help.to_owned()));
        }
        let value = text.strip_suffix(';')?;
        Some(semicolon(&value_of(value.trim_end())))
    }

    /// Values without a comma between them.
    fn several(&self) -> Option<Said> {
        let words = self.text.split_whitespace();
        let words: Vec<&str> = words.map(|word| word.trim_end_matches(';')).collect();
        if words.len() < 2 {
            return None;
        }
        if self.is_in_list {
            let values: Vec<String> = words.into_iter().map(value_of).collect();
            return Some(("a comma is missing".to_owned(), write(&values.join(", "))));
        }
        let list = format!("[{}]", words.join(", "));
        is_value(&list).then(|| several(&list, self.takes_lists))
    }

    fn span_of_time(&self) -> Option<Said> {
        if !self.key.ends_with("time_limit") {
            return None;
        }
        match duration::parse(self.text) {
            Some(_) => Some(without_marks(self.text)),
            None => self.is_no("span of time", duration::HELP.to_owned()),
        }
    }

    /// `2..6`, `2:6` and `2-6`.
    fn range(&self) -> Option<Said> {
        Key::of_axis(self.key)?;
        let ends = [":", "..=", "...", "..", "-"]
            .into_iter()
            .find_map(|between| self.text.split_once(between));
        let is_whole = |end: &str| end.parse::<u64>().is_ok() && is_value(end);
        let (first, last) = ends.filter(|(first, last)| is_whole(first) && is_whole(last))?;
        self.is_no("value", write(&format!("{{ range = [{first}, {last}] }}")))
    }

    fn number(&self) -> Option<Said> {
        let unsigned = self.text.trim_start_matches(['+', '-']);
        if let Some((mantissa, exponent)) = unsigned.split_once(['e', 'E'])
            && is_value(mantissa)
            && exponent
                .chars()
                .all(|c| matches!(c, '0'..='9' | '.' | '+' | '-'))
        {
            let help = "write a whole exponent, as in `1e-2`";
            return self.is_no("number", help.to_owned());
        }
        let digits = unsigned.replace('_', "");
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let end = digits.find(|c| !is_digit(c)).unwrap_or(digits.len());
        let (digits, unit) = digits.split_at(end);
        let value: f64 = digits.parse().ok()?;
        let number = match unit {
            _ if self.takes_text() => return None,
            "%" => shortest(value / 100.0),
            "k" | "K" => shortest(value * 1e3),
            "M" => shortest(value * 1e6),
            // `0xZZ` is no 0, and `2fast` may be a name.
            _ if digits == "0" => return None,
            _ if unit.chars().all(char::is_alphabetic) => mended(digits),
            _ => return None,
        };
        let sign = if self.text.starts_with('-') { "-" } else { "" };
        self.is_no("number", write(&format!("{sign}{number}")))
    }

    fn takes_text(&self) -> bool {
        let is_key = Key::written(self.key).is_some_and(|key| key.numbers().is_none());
        is_key || ["name", "requires"].contains(&self.key)
    }

    fn takes_numbers(&self) -> bool {
        let is_key = Key::written(self.key).is_some_and(Key::takes_numbers_alone);
        is_key || NUMBERS.contains(&self.key)
    }

    /// A word that other languages know.
    fn constant(&self) -> Option<Said> {
        let word = self.text.to_lowercase();
        let flag = match word.as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        };
        let takes_flags = Key::written(self.key).is_none_or(Key::takes_flags);
        let help = match (flag, word.trim_start_matches(['+', '-'])) {
            (Some(_), _) if self.takes_numbers() => return None,
            (Some(flag), _) if takes_flags => write(&flag.to_string()),
            (None, "inf" | "infinity" | "infinite" | "nan") => {
                let or_none = match REQUIRED.contains(&self.key) {
                    true => String::new(),
                    false => format!(", or leave `{}` out", self.key),
                };
                return self.is_no("number", format!("write a finite number{or_none}"));
            }
            (Some(false), _) | (None, "none" | "null" | "nil" | "~")
                if !REQUIRED.contains(&self.key) =>
            {
                format!("leave `{}` out", self.key)
            }
            (Some(_), _) | (None, "none" | "null" | "nil" | "~") => write(&pair(self.key)),
            _ => return None,
        };
        self.is_no("value", help)
    }

    /// A word without quotation marks, or with one.
    fn bare(&self) -> Option<Said> {
        if self.takes_numbers() {
            let help = match Key::written(self.key) {
                Some(_) => format!("write a number, as in `{}`", pair(self.key)),
                None => "write a number".to_owned(),
            };
            return self.is_no("number", help);
        }
        let is_of_text = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '/');
        let text = self.text.trim_matches(['"', '\'']);
        if !text.chars().all(is_of_text) {
            return None;
        }
        Some(without_marks(text))
    }
}

/// `key = value`, with a value that the key may have.
pub(super) fn pair(key: &str) -> String {
    if key.is_empty() {
        return "key = value".to_owned();
    }
    let mark = if key.contains('.') { "\"" } else { "" };
    let example = Key::written(key).map_or("value", Key::example);
    format!("{mark}{key}{mark} = {example}")
}

pub(super) fn several(list: &str, takes_lists: bool) -> Said {
    match takes_lists {
        true => ("several values without brackets".to_owned(), write(list)),
        false => ("several values".to_owned(), "write one of them".to_owned()),
    }
}

pub(super) fn no_comment(span: Span) -> Problem {
    Problem::at(span, "this begins no comment").help("comments begin with `#`")
}

pub(super) fn semicolon(value: &str) -> Said {
    ("a `;` behind a value".to_owned(), write(value))
}

fn without_marks(text: &str) -> Said {
    let message = "a text without quotation marks".to_owned();
    (message, write(&in_marks(text)))
}

/// What to write, when it can be shown.
pub(super) fn write(text: &str) -> String {
    code(text).map_or(TOML.to_owned(), |code| format!("write {code}"))
}

/// A text as TOML, with a backslash as it is.
pub(super) fn in_marks(text: &str) -> String {
    match text.contains(['"', '\\']) && !text.contains('\'') {
        true => format!("'{text}'"),
        false => toml::Value::String(text.to_owned()).to_string(),
    }
}

/// A value, or else a text.
pub(super) fn value_of(text: &str) -> String {
    match is_value(text) {
        true => text.to_owned(),
        false => in_marks(text),
    }
}

pub(super) fn is_value(text: &str) -> bool {
    DeValue::parse(text).is_ok()
}

/// Digits and a point as TOML wants them: without zeros in front, and with digits on both sides.
fn mended(digits: &str) -> String {
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    match fraction {
        None => whole.to_owned(),
        Some("") => format!("{whole}.0"),
        Some(fraction) => format!("{whole}.{fraction}"),
    }
}

fn is_curly(c: char) -> bool {
    matches!(
        c,
        '“' | '”' | '„' | '‟' | '‘' | '’' | '‚' | '«' | '»' | '`' | '´'
    )
}
