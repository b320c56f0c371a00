//! A sweep: the frozen plan that a sweep file means.
//!
//! [`parse`] reads what the user wrote, in three steps: the TOML document with places, without what
//! is no TOML; the file as it is *written*, value by value, where every slip of the pen becomes a
//! [`Problem`]; and the sweep as it is *meant*, with defaults and protocols filled in and every point
//! made. A [`Sweep`] is valid by construction.
//!
//! **Order.** Blocks in the order of the file; in a block the axes vary in the order dataset,
//! architecture, width, depth, batch_size, learning_rate, loss, own axes (in the order of the
//! file), the last fastest; axes that are zipped vary where the first of them stands. Runs go
//! point by point, and each point seed by seed.

mod block;
mod check;
mod dataset;
mod draft;
mod duration;
mod grid;
mod key;
mod levy_sde;
mod meant;
mod naming;
mod number;
mod overrides;
mod problem;
mod reader;
mod rules;
mod sample;
mod schema;
mod spacing;
mod syntax;
mod synthetic;
mod text;
mod unknown;
mod value;
mod written;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::id::{BlobId, SweepId};
use crate::run::{NetworkPoint, Point, Run};
use serde::{Deserialize, Serialize};

use reader::Reader;
use syntax::Readable;

pub(crate) use number::shortest;

pub use duration::parse as parse_duration;
pub use naming::Naming;
pub use problem::{Problem, Problems};
pub use schema::schema;

/// A file that travels with a sweep is not larger, bytes: the coordinator's store takes no larger one.
pub const MAX_FILE: usize = 900_000_000;

/// The files beside a sweep file: initial weights and own data.
pub trait Files {
    /// The content of the file that is named so; relative paths start at the folder of the sweep
    /// file. An error is shown to the user as it is.
    fn content(&self, path: &str) -> Result<Cow<'_, [u8]>, String>;

    /// Whether these are initial weights of the network. An error is shown to the user as it is;
    /// who knows no networks says nothing.
    fn check_weights(&self, _network: &NetworkPoint, _content: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

/// The files that travelled with a sweep.
impl Files for BTreeMap<String, Vec<u8>> {
    fn content(&self, path: &str) -> Result<Cow<'_, [u8]>, String> {
        self.get(path)
            .map(|content| Cow::Borrowed(&**content))
            .ok_or_else(|| "it did not travel with the sweep".to_owned())
    }
}

/// Reads, checks and expands a sweep file. `path` is what problems call it.
///
/// Equal sources and files give equal sweeps on every machine.
pub fn parse(source: &str, path: &str, files: &dyn Files) -> Result<Sweep, Problems> {
    read(source, files).map_err(|problems| Problems::new(path, source, &[], problems))
}

/// The same, with values set from outside: `KEY=VALUE`, such as `learning_rate=0.1,0.01`,
/// `depth=range(2,6)`, `train.steps=100` or `block.2.width=8`. Returns the text of the sweep file
/// with these values written into it, comments kept, and what that means. Problems of such a value
/// point into its own text.
pub fn parse_with(
    source: &str,
    path: &str,
    set: &[String],
    files: &dyn Files,
) -> Result<(String, Sweep), Problems> {
    if set.is_empty() {
        return parse(source, path, files).map(|sweep| (source.to_owned(), sweep));
    }
    let wrong = |problems| Problems::new(path, source, set, problems);
    let readable = Readable::of(source);
    if !readable.problems.is_empty() {
        return Err(wrong(readable.problems));
    }
    let overridden = overrides::applied(source, &readable.document(), set).map_err(wrong)?;
    match read(&overridden.source, files) {
        Ok(sweep) => Ok((overridden.source, sweep)),
        Err(problems) => Err(wrong(
            problems
                .into_iter()
                .map(|problem| problem.traced(|span| overridden.traced(span)))
                .collect(),
        )),
    }
}

fn read(source: &str, files: &dyn Files) -> Result<Sweep, Vec<Problem>> {
    let readable = Readable::of(source);
    let mut reader = Reader::new(&readable, files);
    let file = reader.file(&readable.document());
    meant::sweep(&mut reader, &file, source).ok_or(reader.problems)
}

/// That a sweep is larger than it may be without a word, at what makes it so: its seeds, or else
/// its first block. `help` says how to give that word.
pub fn too_large(source: &str, path: &str, runs: usize, help: &str) -> Problems {
    let readable = Readable::of(source);
    let document = readable.document();
    let (seeds, blocks) = (document.get("seeds"), document.get("block"));
    let first = blocks.and_then(|blocks| blocks.get_ref().as_array()?.first());
    let span = seeds.or(first).map_or(0..0, |node| node.span());
    let problem = Problem::at(span, format!("a sweep of {runs} runs")).help(help);
    Problems::new(path, source, &[], vec![problem])
}

/// A sweep file, checked and expanded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// Digest of the file's text and of the files that it names.
    pub id: SweepId,
    /// What the user calls it.
    pub name: String,
    /// The seeds of every point, in the order of the file.
    pub seeds: Vec<u64>,
    /// The points, in the order of the file.
    pub points: Vec<Arc<Point>>,
    /// `[train]` and `[measure]` keys that are axes of some block, such as `train.momentum`.
    pub own_axes: Vec<String>,
    /// The files that travel with the sweep, as the sweep file names them, with their digests.
    pub files: Vec<(String, BlobId)>,
    /// What it may use up.
    pub limits: Limits,
    /// Larger goes first.
    pub priority: i32,
    /// Labels that a worker must have to be given its runs.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Ends a point's seeds early; absent: never.
    pub stop: Option<Stop>,
}

/// What the runs of a sweep may use up before they are given up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// A run's own failures.
    pub max_attempts: u32,
    /// Lost workers of a run without a newer checkpoint.
    pub max_losses: u32,
    /// Failed runs after which the sweep stops.
    pub max_failures: Option<u32>,
    /// Time for one attempt at a run.
    pub time_limit: Option<Duration>,
}

/// When a point has enough seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// Half-width of the interval of its late `within_coordinate` α.
    pub alpha_ci: f64,
}

impl Sweep {
    /// Number of runs.
    pub fn len(&self) -> usize {
        self.points.len() * self.seeds.len()
    }

    /// Whether there is no run; never so for a checked file.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Run `index` in the order of the sweep: point by point, seed by seed.
    pub fn run(&self, index: usize) -> Option<Run> {
        let point = Arc::clone(self.points.get(index / self.seeds.len())?);
        Some(Run {
            point,
            seed: self.seeds[index % self.seeds.len()],
        })
    }

    /// All runs in the order of the sweep.
    pub fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        (0..self.len()).filter_map(|index| self.run(index))
    }
}
