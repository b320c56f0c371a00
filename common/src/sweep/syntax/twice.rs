//! Keys and headers that stand in the file already.

use super::super::problem::{Problem, Span, quoted};
use super::slip::Slip;
use super::statement::{Statement, first_word, is_header};

const KEY: &str = "write each key once: several values stand in a list";
const HEADER: &str = "join the two: write all of its keys in one place";

impl Slip<'_> {
    pub(super) fn twice(&self) -> Problem {
        let text = self.text(self.statement());
        let own = self.word(self.statement());
        if self.at > own.end {
            return self.twice_in_braces();
        }
        let word = &self.source[own.clone()];
        if is_header(text) {
            stands_twice(&format!("[{word}]"), own.clone(), self.first_header(word)).help(HEADER)
        } else {
            stands_twice(word, own.clone(), self.first_pair(word)).help(KEY)
        }
    }

    fn twice_in_braces(&self) -> Problem {
        let rest = &self.source[self.at..];
        let word = &rest[first_word(rest)];
        let before = self.before();
        let open = before.rfind('{').unwrap_or(0);
        let first = before[open..].find(word).map(|at| {
            let start = self.at - before.len() + open + at;
            start..start + word.len()
        });
        stands_twice(word, self.at..self.at + word.len(), first).help(KEY)
    }

    /// Where the table `name` was begun.
    fn first_header(&self, name: &str) -> Option<Span> {
        let before = &self.statements[..self.index];
        let mut is_at_top = true;
        before.iter().find_map(|statement| {
            let is_header = is_header(self.text(statement));
            is_at_top &= !is_header;
            let word = self.word(statement);
            let rest = self.source[word.clone()].strip_prefix(name)?;
            let is_same = rest.is_empty() || rest.starts_with('.');
            (is_same && (is_at_top || is_header)).then_some(word)
        })
    }

    /// Where a key of the same table stands.
    fn first_pair(&self, key: &str) -> Option<Span> {
        let before = self.statements[..self.index].iter().rev();
        let mut table = before.take_while(|statement| !is_header(self.text(statement)));
        table.find_map(|statement| {
            let word = self.word(statement);
            (self.source[word.clone()] == *key).then_some(word)
        })
    }

    fn text(&self, statement: &Statement) -> &str {
        &self.source[statement.span.clone()]
    }

    fn word(&self, statement: &Statement) -> Span {
        let word = first_word(self.text(statement));
        let start = statement.span.start;
        start + word.start..start + word.end
    }
}

fn stands_twice(word: &str, again: Span, first: Option<Span>) -> Problem {
    let problem = Problem::at(again, format!("{} stands twice", quoted(word)));
    match first {
        Some(first) => problem.label("again here").also(first, "first here"),
        None => problem,
    }
}
