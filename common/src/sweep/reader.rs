//! Reading single values out of the TOML document, and collecting what is wrong with them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{Key, Place};
use super::number::Literal;
use super::problem::{Problem, Span, code, quoted};
use super::syntax::Readable;
use super::unknown::{all_meant, meant, unknown_key};
use super::{Files, MAX_FILE};
use crate::id::BlobId;
use crate::own_data::{Examples, Labels, OwnDataError};
use crate::run::OwnData;

/// A value of the document with its place.
pub(super) type Node<'s> = Spanned<DeValue<'s>>;

/// One `key = value` of a table.
pub(super) struct Entry<'t, 's> {
    pub(super) key: &'t str,
    pub(super) span: Span,
    pub(super) value: &'t Node<'s>,
}

/// Most values, points and runs that one file may ask for.
pub(super) const MOST: usize = 10_000_000;
pub(super) const MOST_HELP: &str = "one file may ask for 10,000,000 values, points and runs";

/// What is collected while a file is read.
pub(super) struct Reader<'f> {
    pub(super) problems: Vec<Problem>,
    source: &'f str,
    /// Keys that stand in the file and could not be read: nobody misses them.
    unread: Vec<(Place, &'static str)>,
    /// The files that were named, with their digests, in the order of the file.
    pub(super) named: Vec<(String, BlobId)>,
    /// Values that ranges may still make.
    pub(super) budget: usize,
    /// Own data by their name.
    pub(super) own: BTreeMap<String, Arc<OwnData>>,
    /// Initial weights, each where it is written.
    pub(super) weights: Vec<Weights>,
    pub(super) files: &'f dyn Files,
    /// What was found in arrays, by path.
    examples: BTreeMap<String, Examples>,
    labels: BTreeMap<String, Labels>,
}

/// Initial weights that the sweep file names.
pub(super) struct Weights {
    pub(super) path: String,
    pub(super) digest: BlobId,
    pub(super) span: Span,
}

impl<'f> Reader<'f> {
    pub(super) fn new(readable: &'f Readable<'_>, files: &'f dyn Files) -> Self {
        let mut unread = Vec::new();
        for key in readable.unread.iter().flat_map(|word| all_meant(word)) {
            if !unread.contains(&key) {
                unread.push(key);
            }
        }
        Self {
            problems: readable.problems.clone(),
            source: &readable.text,
            unread,
            named: Vec::new(),
            budget: MOST,
            own: BTreeMap::new(),
            weights: Vec::new(),
            files,
            examples: BTreeMap::new(),
            labels: BTreeMap::new(),
        }
    }

    /// Adds a problem; `None`, so that it can stand at the end of a reading.
    pub(super) fn refuse<T>(&mut self, problem: Problem) -> Option<T> {
        self.problems.push(problem);
        None
    }

    /// What is written at a place.
    pub(super) fn written(&self, span: Span) -> &'f str {
        &self.source[span]
    }

    /// Takes a key for one that stands in the file and cannot be read.
    pub(super) fn take_as_unread(&mut self, place: Place, word: &'static str) {
        self.unread.push((place, word));
    }

    pub(super) fn is_unread(&self, place: Place, word: &str) -> bool {
        self.unread.contains(&(place, word))
    }

    /// The keys of a section, or the axes of a block, that could not be read.
    pub(super) fn unread_keys(&self, place: Place) -> Vec<Key> {
        let unread = self.unread.iter().filter(|(other, _)| *other == place);
        let key = |word: &str| match place {
            Place::Block => Key::of_axis(word),
            _ => Key::of_setting(place, word),
        };
        unread.filter_map(|(_, word)| key(word)).collect()
    }

    /// The entries of a table in the order of the file.
    pub(super) fn entries<'t, 's>(&self, table: &'t DeTable<'s>) -> Vec<Entry<'t, 's>> {
        let mut entries: Vec<Entry<'t, 's>> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref(),
                span: key.span(),
                value,
            })
            .collect();
        entries.sort_by_key(|entry| entry.span.start);
        entries
    }

    pub(super) fn table<'t, 's>(
        &mut self,
        what: &str,
        node: &'t Node<'s>,
        example: &str,
    ) -> Option<&'t DeTable<'s>> {
        match node.get_ref() {
            DeValue::Table(table) => Some(table),
            other => self.refuse(wrong_kind(what, "a table", other, node.span(), example)),
        }
    }

    /// Says that the key is unknown; returns the one that was probably meant, which is then not
    /// missing.
    pub(super) fn unknown_key(
        &mut self,
        place: Place,
        entry: &Entry<'_, '_>,
    ) -> Option<&'static str> {
        self.problems
            .push(unknown_key(place, entry.key, entry.span.clone()));
        meant(place, entry.key)
    }

    pub(super) fn text<'t>(
        &mut self,
        what: &str,
        node: &'t Node<'_>,
        example: &str,
    ) -> Option<&'t str> {
        match node.get_ref() {
            DeValue::String(text) => Some(text),
            other => self.refuse(wrong_kind(what, "a string", other, node.span(), example)),
        }
    }

    pub(super) fn flag(&mut self, what: &str, node: &Node<'_>) -> Option<bool> {
        match node.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            other => {
                let example = format!("write `{what} = true` or `{what} = false`");
                self.refuse(wrong_kind(
                    what,
                    "true or false",
                    other,
                    node.span(),
                    &example,
                ))
            }
        }
    }

    /// Any finite number; `example` helps.
    pub(super) fn number(&mut self, what: &str, node: &Node<'_>, example: &str) -> Option<Literal> {
        let literal = match node.get_ref() {
            DeValue::Integer(written) => Literal::of_integer(written),
            DeValue::Float(written) => Literal::of_float(written),
            other => {
                return self.refuse(wrong_kind(what, "a number", other, node.span(), example));
            }
        };
        if literal.is_none() {
            let trouble = if node.get_ref().is_integer() {
                "too large"
            } else {
                "not finite"
            };
            let message = format!("`{what}` is {trouble}");
            return self.refuse(Problem::at(node.span(), message).help(example));
        }
        literal
    }

    /// A whole number of at least `least`, and small enough to count with.
    pub(super) fn whole(&mut self, what: &str, node: &Node<'_>, least: i64) -> Option<u64> {
        self.whole_within(what, node, least, i64::MAX)
            .and_then(|whole| u64::try_from(whole).ok())
    }

    pub(super) fn whole_within(
        &mut self,
        what: &str,
        node: &Node<'_>,
        least: i64,
        most: i64,
    ) -> Option<i64> {
        let example = format!("write a whole number from {}", from_to(least, most));
        self.whole_like(what, node, least, most, &example)
    }

    /// The same with a help of its own.
    pub(super) fn whole_like(
        &mut self,
        what: &str,
        node: &Node<'_>,
        least: i64,
        most: i64,
        example: &str,
    ) -> Option<i64> {
        let fits = |literal: Literal| {
            let whole = literal.whole().filter(|_| literal.is_integer);
            whole.is_some_and(|whole| (least..=most).contains(&whole))
        };
        let example = without_quotes(node, fits).unwrap_or(example.to_owned());
        let literal = self.number(what, node, &example)?;
        let example = match literal.whole() {
            Some(whole) if whole > most => format!("write at most `{most}`"),
            _ => example,
        };
        let whole = literal.whole().filter(|_| literal.is_integer);
        let Some(whole) = whole else {
            let help = match literal.whole() {
                Some(whole) if (least..=most).contains(&whole) => format!("write `{whole}`"),
                _ => example,
            };
            let message = format!("`{what}` must be a whole number");
            return self.refuse(Problem::at(node.span(), message).help(help));
        };
        if !(least..=most).contains(&whole) {
            return self.refuse(out_of_bounds(
                what,
                &whole.to_string(),
                node.span(),
                &example,
            ));
        }
        Some(whole)
    }

    /// The digest of a file that the sweep file names.
    pub(super) fn named_file(&mut self, path: &str, span: Span) -> Option<BlobId> {
        if let Some((_, digest)) = self.named.iter().find(|(named, _)| named == path) {
            return Some(*digest);
        }
        let content = self.content(path, span)?;
        Some(self.name_file(path, &content))
    }

    /// What is in an array of examples that the sweep file names.
    pub(super) fn examples(&mut self, path: &str, span: Span) -> Option<(BlobId, Examples)> {
        if let Some(examples) = self.examples.get(path).copied() {
            return Some((self.named_file(path, span)?, examples));
        }
        let content = self.content(path, span.clone())?;
        match Examples::of(&content) {
            Ok(examples) => {
                self.examples.insert(path.to_owned(), examples);
                Some((self.name_file(path, &content), examples))
            }
            Err(why) => self.refuse(no_array(path, "images", &why, span)),
        }
    }

    /// What is in an array of labels that the sweep file names.
    pub(super) fn labels(&mut self, path: &str, span: Span) -> Option<(BlobId, Labels)> {
        if let Some(labels) = self.labels.get(path).copied() {
            return Some((self.named_file(path, span)?, labels));
        }
        let content = self.content(path, span.clone())?;
        match Labels::of(&content) {
            Ok(labels) => {
                self.labels.insert(path.to_owned(), labels);
                Some((self.name_file(path, &content), labels))
            }
            Err(why) => self.refuse(no_array(path, "labels", &why, span)),
        }
    }

    pub(super) fn content(&mut self, path: &str, span: Span) -> Option<Cow<'f, [u8]>> {
        const HELP: &str = "relative paths start at the folder of the sweep file";
        let cannot_read = || Problem::at(span, format!("cannot read {}", quoted(path)));
        match self.files.content(path) {
            Ok(content) if content.len() > MAX_FILE => {
                let problem = cannot_read().label(format!("it has {} bytes", content.len()));
                self.refuse(problem.help(format!(
                    "a file that travels with a sweep has at most {MAX_FILE} bytes"
                )))
            }
            Ok(content) => Some(content),
            Err(why) => self.refuse(cannot_read().label(plain(&why)).help(HELP)),
        }
    }

    fn name_file(&mut self, path: &str, content: &[u8]) -> BlobId {
        let digest = BlobId::of(content);
        if !self.named.iter().any(|(named, _)| named == path) {
            self.named.push((path.to_owned(), digest));
        }
        digest
    }
}

/// That a number is to be written without its quotation marks, if it is one that fits.
pub(super) fn without_quotes(node: &Node<'_>, fits: impl Fn(Literal) -> bool) -> Option<String> {
    let text = node.get_ref().as_str()?;
    let literal = match DeValue::parse(text).ok()?.get_ref() {
        DeValue::Integer(written) => Literal::of_integer(written),
        DeValue::Float(written) => Literal::of_float(written),
        _ => None,
    };
    literal.filter(|literal| fits(*literal))?;
    Some(format!("write {}", code(text)?))
}

/// The problem of a file that is no array of `what`.
fn no_array(path: &str, what: &str, why: &OwnDataError, span: Span) -> Problem {
    Problem::at(span, format!("{} cannot be `{what}`", quoted(path)))
        .label(plain(&why.to_string()))
        .help("save it with `numpy.save`, one example for each index of the first axis")
}

/// A message from elsewhere, on one line.
pub(super) fn plain(message: &str) -> String {
    message.trim().chars().filter(|c| !c.is_control()).collect()
}

fn from_to(least: i64, most: i64) -> String {
    if most > 1_000_000 {
        format!("{least} up")
    } else {
        format!("{least} to {most}")
    }
}

/// The problem of a number that lies outside its bounds.
pub(super) fn out_of_bounds(what: &str, value: &str, span: Span, help: &str) -> Problem {
    Problem::at(span, format!("`{what}` cannot be `{value}`")).help(help)
}

/// The problem of a value of another kind than `wanted`.
pub(super) fn wrong_kind(
    what: &str,
    wanted: &str,
    found: &DeValue<'_>,
    span: Span,
    example: &str,
) -> Problem {
    Problem::at(span, format!("`{what}` must be {wanted}"))
        .label(format!("this is {}", kind(found)))
        .help(example)
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with decimals",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
