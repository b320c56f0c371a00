//! `sample`: a seeded subset of the points of a block.
//!
//! Every point draws a number from the seed and from its own values, and the points with the
//! smallest numbers are taken. So a sample knows no order of values, a smaller one is part of a
//! larger one, and a point that is added to the block takes the place of at most one other.

use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::sync::Arc;

use toml::de::DeValue;

use super::block::Block;
use super::problem::{Problem, Span, quoted};
use super::reader::{Node, Reader, wrong_kind};
use super::unknown::closest;
use crate::id::RunId;
use crate::run::Point;

const HELP: &str = "write how many points to take, as in `sample = 50`, or \
                    `sample = { count = 50, seed = 1 }` for others";

/// How many points to take of a block, and which.
pub(super) struct Sample {
    pub(super) count: usize,
    seed: u64,
    span: Span,
}

impl Reader<'_> {
    pub(super) fn sample(&mut self, node: &Node<'_>) -> Option<Sample> {
        let (mut count, mut seed) = (None, 0);
        match node.get_ref() {
            DeValue::Integer(_) | DeValue::Float(_) => {
                count = Some(self.whole("sample", node, 1)?);
            }
            DeValue::Table(table) => {
                let before = self.problems.len();
                for entry in self.entries(table) {
                    match entry.key {
                        "count" => count = self.whole("count", entry.value, 1),
                        "seed" => seed = self.whole("seed", entry.value, 0).unwrap_or_default(),
                        other => {
                            let help = closest(other, ["count", "seed"])
                                .map_or(HELP.to_owned(), |key| format!("did you mean `{key}`?"));
                            let message = format!("unknown key {} in `sample`", quoted(other));
                            self.problems
                                .push(Problem::at(entry.span, message).help(help));
                        }
                    }
                }
                if self.problems.len() > before {
                    return None;
                }
            }
            other => {
                let problem = wrong_kind("sample", "a whole number", other, node.span(), HELP);
                return self.refuse(problem);
            }
        }
        let Some(count) = count else {
            let problem = Problem::at(node.span(), "`sample` has no `count`").help(HELP);
            return self.refuse(problem);
        };
        Some(Sample {
            count: usize::try_from(count).unwrap_or(usize::MAX),
            seed,
            span: node.span(),
        })
    }
}

/// The points that were drawn so far.
pub(super) struct Drawn<'b> {
    block: &'b Block,
    sample: &'b Sample,
    seen: usize,
    /// With the largest numbers on top, to be replaced by smaller ones.
    kept: BinaryHeap<Ticket>,
}

/// A point with the number that it drew.
pub(super) struct Ticket {
    number: RunId,
    order: usize,
    /// In the axes of the block.
    pub(super) position: Vec<usize>,
    pub(super) point: Arc<Point>,
}

impl PartialEq for Ticket {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Ticket {}

impl PartialOrd for Ticket {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ticket {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.number, self.order).cmp(&(other.number, other.order))
    }
}

impl<'b> Drawn<'b> {
    pub(super) fn of(block: &'b Block, sample: &'b Sample) -> Self {
        Self {
            block,
            sample,
            seen: 0,
            kept: BinaryHeap::new(),
        }
    }

    /// The next point of the block.
    pub(super) fn offer(&mut self, position: &[usize], point: Point) {
        let ticket = Ticket {
            number: self.number(position),
            order: self.seen,
            position: position.to_vec(),
            point: Arc::new(point),
        };
        self.seen += 1;
        if self.kept.len() < self.sample.count {
            self.kept.push(ticket);
        } else if let Some(mut largest) = self.kept.peek_mut()
            && ticket < *largest
        {
            *largest = ticket;
        }
    }

    /// What the point draws.
    fn number(&self, position: &[usize]) -> RunId {
        let mut text = format!("sample {}", self.sample.seed);
        for (axis, index) in self.block.axes.iter().zip(position) {
            let (name, value) = (axis.key.name(), &axis.values[*index]);
            write!(text, "\n{name} = {value}").expect("memory cannot fail");
        }
        RunId::of(text.as_bytes())
    }

    /// The sample in the order of the block, or why there is none.
    pub(super) fn into_points(self) -> Result<Vec<Ticket>, Box<Problem>> {
        let Sample { count, span, .. } = self.sample;
        if (1..*count).contains(&self.seen) {
            let message = format!("a sample of {count} of {} points", self.seen);
            let help = format!("write at most `{}`, or leave `sample` out", self.seen);
            return Err(Box::new(Problem::at(span.clone(), message).help(help)));
        }
        let mut tickets = self.kept.into_vec();
        tickets.sort_by_key(|ticket| ticket.order);
        Ok(tickets)
    }
}
