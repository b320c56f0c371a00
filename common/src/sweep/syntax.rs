//! A sweep file as TOML, whatever is wrong with it.
//!
//! A statement that is no TOML becomes a problem and is left out, until the rest can be read. So
//! everything wrong with a file is said at once. What follows from a problem is not said: the keys
//! that were left out are known, so that nobody misses them.

mod line;
mod slip;
mod statement;
mod twice;
mod value;
mod word;

use std::borrow::Cow;
use std::collections::BTreeSet;

use toml::de::{DeTable, Error};

use super::problem::Problem;
use super::unknown::LONGEST_SLIP;
use slip::{Slip, not_closed};
use statement::{Statement, statements};

/// How often statements are left out: what a list without its end hides shows only then.
const ROUNDS: usize = 32;

/// Errors that are looked at closely, which reads their line each time: more are never shown.
const TOLD: usize = 200;

/// Keys that were left out are compared with all that there are: no sweep file has more.
const MOST_UNREAD: usize = 2_000;

/// The header of tables that nobody reads, in place of a wrong one.
const NOWHERE: &str = "[[-]]";

/// The text of a file without what is no TOML. Each place is still where it was.
pub(super) struct Readable<'s> {
    pub(super) text: Cow<'s, str>,
    pub(super) problems: Vec<Problem>,
    /// The keys that were left out, as written.
    pub(super) unread: BTreeSet<String>,
}

impl<'s> Readable<'s> {
    pub(super) fn of(source: &'s str) -> Self {
        let mut readable = Self {
            text: Cow::Borrowed(source),
            problems: Vec::new(),
            unread: BTreeSet::new(),
        };
        for _ in 0..ROUNDS {
            let (_, errors) = DeTable::parse_recoverable(&readable.text);
            if errors.is_empty() {
                return readable;
            }
            readable.leave_out_wrong(&errors);
            if readable.problems.len() > TOLD {
                break;
            }
        }
        let statements = statements(&readable.text);
        readable.leave_out(&statements, |_| true);
        readable
    }

    pub(super) fn document(&self) -> DeTable<'_> {
        let mut document = DeTable::parse_recoverable(&self.text).0.into_inner();
        if !self.unread.is_empty() {
            document.remove("-");
        }
        document
    }

    /// Says what is wrong with the statements that have errors, and leaves them out.
    fn leave_out_wrong(&mut self, errors: &[Error]) {
        let statements = statements(&self.text);
        let at = |error: &Error| {
            let start = error.span().map_or(0, |span| span.start);
            self.text.floor_char_boundary(start)
        };
        let mut errors: Vec<(usize, &str)> = errors
            .iter()
            .map(|error| (at(error), error.message()))
            .collect();
        errors.sort_by_key(|(at, _)| *at);
        let unclosed = statements.iter().position(Statement::is_unclosed);
        let mut wrong = BTreeSet::new();
        let mut said = 0;
        let mut are_hidden = false;
        for (at, message) in errors {
            let after = statements.partition_point(|statement| statement.span.start <= at);
            let index = after.saturating_sub(1);
            // What stands behind a bracket that is not closed was read as a part of its list.
            if let Some(unclosed) = unclosed.filter(|unclosed| *unclosed <= index) {
                wrong.insert(unclosed);
                let problem = not_closed(&self.text, &statements[unclosed]);
                self.problems.push(problem);
                break;
            }
            let slip = Slip {
                source: &self.text,
                statements: &statements,
                index,
                at,
                message,
            };
            // What is known of the lines behind is not all: the next round knows it.
            let hides_others = slip.hides_others();
            if are_hidden && !hides_others {
                continue;
            }
            are_hidden |= hides_others;
            wrong.insert(index);
            // An error in a line mostly follows from the one before it.
            if at >= said {
                let (problem, up_to) = match self.problems.len() < TOLD {
                    true => slip.problem(),
                    false => slip.as_it_is(),
                };
                self.problems.push(problem);
                said = up_to;
            }
        }
        self.leave_out(&statements, |index| wrong.contains(&index));
    }

    fn leave_out(&mut self, statements: &[Statement], is_wrong: impl Fn(usize) -> bool) {
        let mut rest = String::with_capacity(self.text.len());
        let mut is_below_wrong_header = false;
        for (index, statement) in statements.iter().enumerate() {
            let text = &self.text[statement.span.clone()];
            let is_header = statement::is_header(text);
            let is_wrong = is_wrong(index);
            if is_header {
                is_below_wrong_header = is_wrong;
            }
            if is_wrong || is_below_wrong_header {
                let words = statement::words(text).filter(|word| word.len() <= LONGEST_SLIP);
                let room = MOST_UNREAD.saturating_sub(self.unread.len());
                self.unread.extend(words.take(room));
            }
            match is_wrong {
                true => blank(&mut rest, text, is_header),
                false => rest.push_str(text),
            }
        }
        self.text = Cow::Owned(rest);
    }
}

/// As much white space as there is text. Below a wrong header stands what belongs nowhere.
fn blank(rest: &mut String, text: &str, is_header: bool) {
    let mut from = 0;
    if is_header && text.trim_end().len() >= NOWHERE.len() {
        rest.push_str(NOWHERE);
        from = NOWHERE.len();
    }
    let spaces = text.bytes().skip(from);
    rest.extend(spaces.map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
}
