//! The value of a flag as TOML: `0.1,0.01` is a list, `range(2,6)` a range, a bare word a text.

use super::super::problem::{Problem, Span, quoted};
use super::super::syntax::Readable;
use super::super::unknown::closest;

const FORMS: [&str; 4] = ["range", "linspace", "geomspace", "logspace"];

/// A value in TOML, and which part of it comes from which part of the flag.
pub(super) struct Written {
    pub(super) text: String,
    /// Places in `text`, in its order, with those in the flag.
    pub(super) pieces: Vec<(Span, Span)>,
    /// It can only be the values of an axis: a list or a range.
    pub(super) is_several: bool,
    /// It is a list of lists.
    pub(super) has_lists: bool,
    /// The value in the flag.
    pub(super) at: Span,
}

impl Written {
    fn new(at: Span) -> Self {
        Self {
            text: String::new(),
            pieces: Vec::new(),
            is_several: false,
            has_lists: false,
            at,
        }
    }

    fn push(&mut self, text: &str, from: Span) {
        let start = self.text.len();
        self.text.push_str(text);
        self.pieces.push((start..self.text.len(), from));
    }
}

/// Reads what stands in `flag` from `start` on.
pub(super) fn read(flag: &str, start: usize) -> Result<Written, Box<Problem>> {
    let at = trimmed(flag, start..flag.len());
    let mut parts = split(flag, at.clone());
    let is_list = parts.len() > 1;
    if is_list && parts.last().is_some_and(Span::is_empty) {
        parts.pop();
    }
    let mut written = Written::new(at);
    if is_list {
        written.text.push('[');
    }
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            written.text.push_str(", ");
        }
        one(&mut written, flag, part.clone())?;
    }
    if is_list {
        written.text.push(']');
        written.is_several = true;
        written.has_lists = parts.iter().any(|part| flag[part.clone()].starts_with('['));
    }
    Ok(written)
}

/// One value between commas.
fn one(written: &mut Written, flag: &str, at: Span) -> Result<(), Box<Problem>> {
    let text = &flag[at.clone()];
    if text.is_empty() {
        let at = at.start..at.start;
        return Err(Problem::at(at, "a value is missing")
            .help("write it after `=`, several with commas between them, a text in quotes if empty")
            .into());
    }
    if let Some((name, inside)) = call(text) {
        written.is_several = true;
        let name = at.start..at.start + name.len();
        let inside = at.start + inside.start..at.start + inside.end;
        return spacing(written, flag, name, inside);
    }
    match is_toml(text) {
        Ok(()) => {
            written.is_several |= text.starts_with('[');
            written.has_lists |= text[1..].trim_start().starts_with('[') && text.starts_with('[');
            written.push(text, at);
            Ok(())
        }
        // What was begun as TOML was meant as TOML.
        Err(why) if text.starts_with(['[', '{', '"', '\'']) => {
            Err(Problem::at(at, format!("{} is no value", quoted(text)))
                .label(why.message)
                .help(why.help)
                .into())
        }
        Err(_) => {
            let quoted = toml::Value::String(text.to_owned()).to_string();
            written.push(&quoted, at);
            Ok(())
        }
    }
}

/// `range(2,6)`: its name, and where its arguments stand.
fn call(text: &str) -> Option<(&str, Span)> {
    let (name, rest) = text.split_once('(')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic());
    (is_name && rest.ends_with(')')).then(|| (name, name.len() + 1..text.len() - 1))
}

/// `range(2,6,2)` as `{ range = [2, 6], step = 2 }`, `geomspace(8,512,4,round)` likewise.
fn spacing(
    written: &mut Written,
    flag: &str,
    name_at: Span,
    inside: Span,
) -> Result<(), Box<Problem>> {
    let name = &flag[name_at.clone()];
    if !FORMS.contains(&name) {
        let help = match closest(name, FORMS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "the ranges are `range(2,6)`, `linspace(0,1,5)`, `geomspace(8,512,4)` and \
                     `logspace(-3,-1,3)`"
                .to_owned(),
        };
        return Err(
            Problem::at(name_at, format!("unknown range {}", quoted(name)))
                .help(help)
                .into(),
        );
    }
    let arguments = split(flag, inside.clone());
    let (third, example) = match name {
        "range" => ("step", "`range(2,6)` or `range(2,6,2)`"),
        "linspace" => ("count", "`linspace(0,1,5)`"),
        "geomspace" => (
            "count",
            "`geomspace(8,512,4)` or `geomspace(8,512,4,round)`",
        ),
        _ => ("count", "`logspace(-3,-1,3)`"),
    };
    let wrong = |at: Span| -> Box<Problem> {
        Problem::at(
            at,
            format!(
                "{} is no `{name}`",
                quoted(&flag[name_at.start..inside.end + 1])
            ),
        )
        .help(format!("write {example}"))
        .into()
    };
    let [first, last, rest @ ..] = &arguments[..] else {
        return Err(wrong(name_at.start..inside.end + 1));
    };
    written.text.push_str("{ ");
    written.push(name, name_at.clone());
    written.text.push_str(" = [");
    written.push(&flag[first.clone()], first.clone());
    written.text.push_str(", ");
    written.push(&flag[last.clone()], last.clone());
    written.text.push(']');
    for (index, at) in rest.iter().enumerate() {
        let text = &flag[at.clone()];
        let is_value = is_toml(text).is_ok();
        if text == "round" {
            written.text.push_str(", ");
            written.push("round = true", at.clone());
        } else if let Some((key, value)) = text.split_once('=')
            && is_toml(value.trim()).is_ok()
            && key.trim().chars().all(|c| c.is_ascii_lowercase())
        {
            written.text.push_str(", ");
            written.push(&format!("{} = {}", key.trim(), value.trim()), at.clone());
        } else if index == 0 && is_value {
            written.text.push_str(&format!(", {third} = "));
            written.push(text, at.clone());
        } else {
            return Err(wrong(at.clone()));
        }
    }
    if [first, last]
        .into_iter()
        .any(|at| is_toml(&flag[at.clone()]).is_err())
    {
        return Err(wrong(inside.clone()));
    }
    if third == "count" && !written.text.contains("count = ") {
        return Err(wrong(name_at.start..inside.end + 1));
    }
    written.text.push_str(" }");
    Ok(())
}

/// Whether all of `text` is one value of TOML on one line; if not, why.
fn is_toml(text: &str) -> Result<(), Box<Problem>> {
    if text.contains(['\n', '\r']) {
        let problem = Problem::at(0..0, "it has several lines").help("write it on one line");
        return Err(problem.into());
    }
    let line = format!("value = {text}");
    let readable = Readable::of(&line);
    if let Some(problem) = readable.problems.first() {
        return Err(problem.clone().into());
    }
    // Nothing may stand behind it, such as a comment.
    let value = readable.document().get("value").map(|value| value.span());
    if value == Some("value = ".len()..line.len()) {
        Ok(())
    } else {
        let problem = Problem::at(0..0, "something stands behind the value");
        Err(problem.help("write the value alone").into())
    }
}

/// The parts of `flag` in `at` between commas that stand in no brackets and no quotes, trimmed.
fn split(flag: &str, at: Span) -> Vec<Span> {
    let (mut parts, mut start) = (Vec::new(), at.start);
    let (mut depth, mut quote, mut escaped) = (0_i32, None, false);
    for (index, c) in flag[at.clone()].char_indices() {
        let here = at.start + index;
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(trimmed(flag, start..here));
                start = here + 1;
            }
            (None, _) => {}
        }
    }
    parts.push(trimmed(flag, start..at.end));
    parts
}

fn trimmed(flag: &str, at: Span) -> Span {
    let text = &flag[at.clone()];
    let start = at.start + text.len() - text.trim_start().len();
    start..(start + text.trim().len())
}
