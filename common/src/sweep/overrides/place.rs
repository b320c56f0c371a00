//! Where in the text of the sweep file a value is written.

use toml::de::{DeTable, DeValue};

use super::super::key::{Key, Place};
use super::super::problem::{Origin, Problem, Span};
use super::super::reader::Node;
use super::{Overridden, Part, Set};

/// New text for a place in the file.
pub(super) struct Edit {
    /// What it replaces; empty where it is put in.
    at: Span,
    parts: Vec<(String, Option<(usize, Span)>)>,
    /// What is set: the block or none, and the key.
    target: (Option<usize>, String),
    /// The header that it needs above it.
    header: Option<String>,
    /// It stands alone in braces: others at its place need a comma between them.
    is_alone: bool,
}

/// What is written for one flag.
pub(super) fn edits(
    source: &str,
    document: &DeTable<'_>,
    set: &Set<'_>,
) -> Result<Vec<Edit>, Box<Problem>> {
    let blocks = blocks(document);
    let key = set.key;
    if let Some(number) = set.block {
        let Some(block) = blocks.get(number - 1) else {
            let help = format!("the file has {} of them", blocks.len());
            return Err(set
                .problem(format!("there is no block {number}"))
                .help(help)
                .into());
        };
        return Ok(vec![in_table(source, block, Some(number), key, set)?]);
    }
    let own = Key::of_axis(key).filter(|key| key.is_own_axis());
    if let Some((section, word)) = key.split_once('.') {
        let takes_lists = matches!(own, Some(Key::Splits | Key::Treatments));
        let is_axis = own.is_some()
            && if takes_lists {
                set.value.has_lists
            } else {
                set.value.is_several
            };
        let mut edits = Vec::new();
        for (index, block) in blocks.iter().enumerate() {
            if is_axis || has(block, key) {
                edits.push(in_table(source, block, Some(index + 1), key, set)?);
            }
        }
        if !is_axis {
            edits.push(in_section(source, document, section, word, set)?);
        }
        return Ok(edits);
    }
    if Place::Top.keys().contains(&key) {
        return Ok(vec![at_top(source, document, key, set)?]);
    }
    let is_somewhere = blocks.iter().any(|block| has(block, key));
    // What may be left out has a value all the same.
    let may_be_left_out = ["batch_size", "learning_rate", "loss"].contains(&key);
    let mut edits = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        let is_meant = !is_somewhere || (may_be_left_out && trains_a_network(block));
        if has(block, key) || is_meant {
            edits.push(in_table(source, block, Some(index + 1), key, set)?);
        }
    }
    Ok(edits)
}

fn blocks<'d, 's>(document: &'d DeTable<'s>) -> Vec<&'d Node<'s>> {
    match document.get("block").map(|node| node.get_ref()) {
        Some(DeValue::Array(items)) => items
            .iter()
            .filter(|item| item.get_ref().is_table())
            .collect(),
        _ => Vec::new(),
    }
}

fn has(table: &Node<'_>, key: &str) -> bool {
    table.get_ref().get(key).is_some()
}

fn trains_a_network(block: &Node<'_>) -> bool {
    let architecture = block
        .get_ref()
        .get("architecture")
        .map(|node| node.get_ref());
    let word = match architecture {
        Some(DeValue::Array(items)) => items.iter().next().and_then(|item| item.get_ref().as_str()),
        Some(value) => value.as_str(),
        None => None,
    };
    !matches!(word, Some("synthetic" | "levy_sde"))
}

fn at_top(
    source: &str,
    document: &DeTable<'_>,
    key: &str,
    set: &Set<'_>,
) -> Result<Edit, Box<Problem>> {
    if let Some(node) = document.get(key) {
        return replaced(source, node, None, key, set);
    }
    // Below the version, or else before everything.
    let version = document
        .get("version")
        .map(|node| line_end(source, node.span().end));
    Ok(line(version.unwrap_or_default(), None, key, key, set))
}

fn in_section(
    source: &str,
    document: &DeTable<'_>,
    section: &str,
    word: &str,
    set: &Set<'_>,
) -> Result<Edit, Box<Problem>> {
    match document.get(section) {
        Some(node) if is_dotted(source, node) && !has(node, word) => {
            let mut edit = at_top_of(document, source, set);
            edit.target.1 = set.key.to_owned();
            Ok(edit)
        }
        Some(node) if has(node, word) || !is_implied(source, node, section) => {
            in_table(source, node, None, word, set)
        }
        _ => {
            let mut edit = line(source.len(), None, set.key, word, set);
            edit.header = Some(format!("[{section}]\n"));
            Ok(edit)
        }
    }
}

/// `train.steps = 5` on a line of its own, before all headers.
fn at_top_of(document: &DeTable<'_>, source: &str, set: &Set<'_>) -> Edit {
    let version = document
        .get("version")
        .map(|node| line_end(source, node.span().end));
    line(version.unwrap_or_default(), None, set.key, set.key, set)
}

/// A value in a block or a section that has a header, or stands in braces.
fn in_table(
    source: &str,
    table: &Node<'_>,
    block: Option<usize>,
    word: &str,
    set: &Set<'_>,
) -> Result<Edit, Box<Problem>> {
    if let Some(node) = table.get_ref().get(word) {
        return replaced(source, node, block, word, set);
    }
    let quote = if word.contains('.') { "\"" } else { "" };
    let key = format!("{quote}{word}{quote}");
    let start = table.span().start;
    if source[start..].starts_with('{') {
        let is_empty = table.get_ref().as_table().is_some_and(DeTable::is_empty);
        let mut edit = written(start + 1..start + 1, block, set);
        edit.parts.insert(0, (" ".to_owned(), None));
        edit.parts
            .insert(1, (key, Some((set.number, set.key_at.clone()))));
        edit.parts.insert(2, (" = ".to_owned(), None));
        let end = if is_empty { " " } else { "," };
        edit.parts.push((end.to_owned(), None));
        edit.is_alone = is_empty;
        return Ok(edit);
    }
    Ok(line(line_end(source, start), block, set.key, &key, set))
}

fn replaced(
    source: &str,
    node: &Node<'_>,
    block: Option<usize>,
    word: &str,
    set: &Set<'_>,
) -> Result<Edit, Box<Problem>> {
    let at = node.span();
    if node.get_ref().is_table() && !source[at.clone()].starts_with('{') {
        return Err(set
            .problem(format!(
                "`{word}` cannot be set: in the file it is a table with a header"
            ))
            .help(format!(
                "write it there in one line, as in `{word} = {{ … }}`"
            ))
            .into());
    }
    Ok(written(at, block, set))
}

/// `key = value` on a line of its own at `at`, the beginning of a line or the end of the file.
fn line(at: usize, block: Option<usize>, name: &str, key: &str, set: &Set<'_>) -> Edit {
    let mut edit = written(at..at, block, set);
    edit.target.1 = name.to_owned();
    edit.parts
        .insert(0, (key.to_owned(), Some((set.number, set.key_at.clone()))));
    edit.parts.insert(1, (" = ".to_owned(), None));
    edit.parts.push(("\n".to_owned(), None));
    edit
}

/// The value alone.
fn written(at: Span, block: Option<usize>, set: &Set<'_>) -> Edit {
    let (text, mut end) = (&set.value.text, 0);
    let mut parts = Vec::new();
    for (piece, from) in &set.value.pieces {
        // Brackets and commas stand for the value as a whole.
        if piece.start > end {
            parts.push((
                text[end..piece.start].to_owned(),
                Some((set.number, set.value.at.clone())),
            ));
        }
        parts.push((
            text[piece.clone()].to_owned(),
            Some((set.number, from.clone())),
        ));
        end = piece.end;
    }
    if end < text.len() {
        parts.push((
            text[end..].to_owned(),
            Some((set.number, set.value.at.clone())),
        ));
    }
    Edit {
        at,
        parts,
        target: (block, set.key.to_owned()),
        header: None,
        is_alone: false,
    }
}

/// A table that no header and no braces name: `train.steps = 5`.
fn is_dotted(source: &str, table: &Node<'_>) -> bool {
    !source[table.span().start..].starts_with(['[', '{'])
}

/// A table that exists because of a header below it: `[train.schedule]`.
fn is_implied(source: &str, table: &Node<'_>, name: &str) -> bool {
    let header: String = source[table.span()]
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\''))
        .collect();
    header.starts_with('[') && header != format!("[{name}]")
}

/// The beginning of the line after `at`.
fn line_end(source: &str, at: usize) -> usize {
    source[at..]
        .find('\n')
        .map_or(source.len(), |length| at + length + 1)
}

/// The file with all edits. Of several for one key the last one counts.
pub(super) fn spliced(source: &str, edits: Vec<Edit>) -> Overridden {
    let mut kept: Vec<Edit> = Vec::new();
    for edit in edits {
        kept.retain(|other| other.target != edit.target || (other.at != edit.at));
        kept.push(edit);
    }
    // Stable: what is put in at one place keeps the order of the flags.
    kept.sort_by(|a, b| {
        let key = |edit: &Edit| (edit.at.start, edit.at.end, edit.header.clone());
        key(a).cmp(&key(b))
    });
    let mut overridden = Overridden {
        source: String::new(),
        parts: Vec::new(),
    };
    let (mut done, mut header, mut alone_at) = (0, None, None);
    for edit in kept {
        overridden.push(
            &source[done..edit.at.start],
            Origin::File,
            done..edit.at.start,
        );
        let here = edit.at.start..edit.at.start;
        let is_line = edit.parts.last().is_some_and(|(text, _)| text == "\n");
        if is_line && !(overridden.source.is_empty() || overridden.source.ends_with('\n')) {
            overridden.push("\n", Origin::File, here.clone());
        }
        if edit.is_alone && alone_at.replace(edit.at.start) == Some(edit.at.start) {
            overridden.push(",", Origin::File, here.clone());
        }
        if edit.header.is_some() && edit.header != header {
            let text = format!("\n{}", edit.header.as_deref().unwrap_or_default());
            overridden.push(&text, Origin::File, here.clone());
            header.clone_from(&edit.header);
        }
        for (text, from) in &edit.parts {
            match from {
                Some((flag, from)) => overridden.push(text, Origin::Flag(*flag), from.clone()),
                None => overridden.push(text, Origin::File, edit.at.start..edit.at.start),
            }
        }
        done = edit.at.end;
    }
    overridden.push(&source[done..], Origin::File, done..source.len());
    overridden
}

impl Overridden {
    fn push(&mut self, text: &str, origin: Origin, from: Span) {
        let start = self.source.len();
        self.source.push_str(text);
        if !text.is_empty() {
            self.parts.push(Part {
                at: start..self.source.len(),
                origin,
                from,
            });
        }
    }

    /// Where a place in the new text comes from.
    pub(in super::super) fn traced(&self, span: &Span) -> (Origin, Span) {
        let of = |at: usize| self.parts.iter().find(|part| part.at.contains(&at));
        let last = span.end.saturating_sub(1).max(span.start);
        let Some(first) = of(span.start).or(self.parts.last()) else {
            return (Origin::File, span.clone());
        };
        let within = |part: &Part, at: usize, is_end: bool| {
            if part.at.len() == part.from.len() {
                part.from.start + at.saturating_sub(part.at.start).min(part.from.len())
            } else if is_end {
                part.from.end
            } else {
                part.from.start
            }
        };
        let start = within(first, span.start, false);
        let end = match of(last).filter(|part| part.origin == first.origin) {
            Some(part) => within(part, span.end, true),
            None => first.from.end,
        };
        (first.origin, start..end.max(start))
    }
}
