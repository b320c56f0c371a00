//! The points of a block as positions in its axes: the product after `zip`, less what `exclude`
//! and `when` leave out.
//!
//! Axes vary in their order, the last fastest; axes that advance together vary where the first
//! of them stands. Both kinds of rules are judged on the full product, so their order is of no
//! account.

use super::block::Block;
use super::rules::Condition;

/// Axes that advance together; most of the time one alone.
struct Dimension {
    axes: Vec<usize>,
    len: usize,
}

/// The product of one block.
pub(super) struct Grid<'b> {
    block: &'b Block,
    dimensions: Vec<Dimension>,
}

impl<'b> Grid<'b> {
    pub(super) fn of(block: &'b Block) -> Self {
        let zips = &block.rules.zip;
        let dimensions = (0..block.axes.len())
            .filter_map(|axis| {
                let together = zips.iter().find(|group| group.contains(&axis));
                let axes = together.cloned().unwrap_or_else(|| vec![axis]);
                let is_first = axes.iter().all(|other| *other >= axis);
                is_first.then(|| Dimension {
                    axes,
                    len: block.axes[axis].values.len(),
                })
            })
            .collect();
        Self { block, dimensions }
    }

    /// Number of points before any is left out; `None` when it does not fit.
    pub(super) fn size(&self) -> Option<usize> {
        self.dimensions
            .iter()
            .try_fold(1_usize, |size, one| size.checked_mul(one.len))
    }

    /// Calls `keep` with the position in each axis of every point that is meant, and returns
    /// for each `exclude` whether it left out any.
    pub(super) fn each(&self, mut keep: impl FnMut(&[usize])) -> Vec<bool> {
        let rules = &self.block.rules;
        let mut hit = vec![false; rules.exclude.len()];
        let mut position = vec![0; self.block.axes.len()];
        loop {
            let mut is_kept = true;
            for (rule, hit) in rules.exclude.iter().zip(&mut hit) {
                if holds(&rule.points, &position) {
                    *hit = true;
                    is_kept = false;
                }
            }
            is_kept = is_kept
                && rules
                    .when
                    .iter()
                    .all(|rule| !holds(&rule.matches, &position) || holds(&rule.keeps, &position));
            if is_kept {
                keep(&position);
            }
            if !self.advance(&mut position) {
                return hit;
            }
        }
    }

    /// Moves on to the next point; false after the last one.
    fn advance(&self, position: &mut [usize]) -> bool {
        for Dimension { axes, len } in self.dimensions.iter().rev() {
            let next = position[axes[0]] + 1;
            let is_over = next == *len;
            for axis in axes {
                position[*axis] = if is_over { 0 } else { next };
            }
            if !is_over {
                return true;
            }
        }
        false
    }
}

fn holds(conditions: &[Condition], position: &[usize]) -> bool {
    conditions
        .iter()
        .all(|condition| condition.among[position[condition.axis]])
}
