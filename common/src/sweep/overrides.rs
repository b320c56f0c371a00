//! Values that are set from outside, as by `--set learning_rate=0.1,0.01`.
//!
//! They are written into the text of the sweep file, so that everything else follows as if the
//! user had written them there: the checks, the id, and the copy that is frozen, with its comments.
//! A map from the new text to where each part of it comes from lets every problem point into the
//! file or into the flag's own text.

mod place;
mod value;

use toml::de::DeTable;

use super::key::{Key, Place};
use super::problem::{Origin, Problem, Span, quoted};
use super::unknown;
use value::Written;

const HELP: &str = "write `KEY=VALUE`, as in `learning_rate=0.1,0.01` or `depth=range(2,6)`";

/// A sweep file with values set, and where its text comes from.
pub(super) struct Overridden {
    pub(super) source: String,
    pub(super) parts: Vec<Part>,
}

/// A part of the new text.
pub(super) struct Part {
    pub(super) at: Span,
    pub(super) origin: Origin,
    /// Where in the file or in the flag it stands.
    pub(super) from: Span,
}

/// One flag.
struct Set<'f> {
    number: usize,
    /// The block that it is about, from 1; absent: all of them.
    block: Option<usize>,
    key: &'f str,
    key_at: Span,
    value: Written,
}

impl Set<'_> {
    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::at(self.key_at.clone(), message).from(Origin::Flag(self.number))
    }
}

/// The file with the values of `flags` written into it; the last of several for one key counts.
pub(super) fn applied(
    source: &str,
    document: &DeTable<'_>,
    flags: &[String],
) -> Result<Overridden, Vec<Problem>> {
    let (mut sets, mut problems) = (Vec::new(), Vec::new());
    for (number, flag) in flags.iter().enumerate() {
        match read(number, flag) {
            Ok(set) => sets.push(set),
            Err(problem) => problems.push((*problem).from(Origin::Flag(number))),
        }
    }
    let mut edits = Vec::new();
    for set in &sets {
        match place::edits(source, document, set) {
            Ok(found) => edits.extend(found),
            Err(problem) => problems.push(*problem),
        }
    }
    if problems.is_empty() {
        Ok(place::spliced(source, edits))
    } else {
        Err(problems)
    }
}

fn read(number: usize, flag: &str) -> Result<Set<'_>, Box<Problem>> {
    let whole = 0..flag.len();
    let Some((written, _)) = flag.split_once('=') else {
        let problem = Problem::at(whole, format!("{} sets nothing", quoted(flag)));
        return Err(problem.help(HELP).into());
    };
    let key = written.trim();
    let start = written.len() - written.trim_start().len();
    let mut key_at = start..start + key.len();
    if key.is_empty() {
        return Err(Problem::at(whole, "no key before `=`").help(HELP).into());
    }
    let (block, key) = match key
        .strip_prefix("block.")
        .and_then(|rest| rest.split_once('.'))
    {
        Some((number, bare)) => {
            let number_at = start + "block.".len();
            let block = number.parse().ok().filter(|number| *number > 0);
            let Some(block) = block else {
                let at = number_at..number_at + number.len();
                let message = format!("{} is no number of a block", quoted(number));
                return Err(Problem::at(at, message)
                    .help("the first block is `block.1`")
                    .into());
            };
            key_at.start = number_at + number.len() + 1;
            (Some(block), bare)
        }
        None => (None, key),
    };
    known(key, key_at.clone(), block.is_some())?;
    let value = value::read(flag, written.len() + 1)?;
    Ok(Set {
        number,
        block,
        key,
        key_at,
        value,
    })
}

/// Whether the key is one that can be set.
fn known(word: &str, span: Span, in_block: bool) -> Result<(), Box<Problem>> {
    let in_blocks = Place::Block.keys();
    let own = || Key::all().map(Key::name);
    let elsewhere = ["train.protocol", "train.time_limit", "stop.alpha_ci"];
    let top = || {
        let is_value = |key: &&str| !matches!(*key, "train" | "measure" | "stop" | "block");
        Place::Top.keys().into_iter().filter(is_value)
    };
    let of_blocks: Vec<&str> = in_blocks.into_iter().chain(own()).collect();
    let all: Vec<&str> = if in_block {
        of_blocks
    } else {
        of_blocks
            .into_iter()
            .chain(top())
            .chain(elsewhere)
            .collect()
    };
    if all.contains(&word) {
        return Ok(());
    }
    let is_bare = |name: &&&str| name.split_once('.').is_some_and(|(_, bare)| bare == word);
    let meant = all
        .iter()
        .find(is_bare)
        .copied()
        .or_else(|| unknown::alias_among(word, &all))
        .or_else(|| unknown::closest(word, all.iter().copied()));
    let help = match meant {
        Some(key) => format!("did you mean `{key}`?"),
        None => "write a key of the sweep file, as in `width=8,16`, `train.steps=100`, \
                 `measure.every=10` or `seeds=3`"
            .to_owned(),
    };
    Err(Problem::at(span, format!("unknown key {}", quoted(word)))
        .help(help)
        .into())
}
