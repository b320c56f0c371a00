//! Finding the α that a figure or a row of the page is about.

use std::ops::Range;

use tailsweep_common::measurement::Split;
use tailsweep_common::run::Point;
use tailsweep_common::state::RunState;
use tailsweep_stats::late::{Late, is_late};
use tailsweep_stats::{Estimator, Treatment};

use crate::facts::{ALL, EstimateRow, Facts, MeasurementRow, RunFacts};
use crate::fields::{Field, label, varying};
use crate::late::PointRow;

/// Which α of a point: an estimator and a treatment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) estimator: Estimator,
    pub(crate) treatment: Treatment,
}

impl Kind {
    const fn new(estimator: Estimator, treatment: Treatment) -> Self {
        Self {
            estimator,
            treatment,
        }
    }

    pub(crate) const PUBLISHED: Self = Self::new(Estimator::Mohammadi, Treatment::Published);
    pub(crate) const PUBLISHED_ROWS: Self =
        Self::new(Estimator::Mohammadi, Treatment::PublishedRows);
    pub(crate) const SURROGATE: Self =
        Self::new(Estimator::Mohammadi, Treatment::GaussianSurrogate);
    pub(crate) const ZEROS_DROPPED: Self = Self::new(Estimator::Mohammadi, Treatment::ZerosDropped);
    pub(crate) const WITHIN: Self = Self::new(Estimator::WithinCoordinate, Treatment::Paired);
    pub(crate) const STANDARDISED: Self = Self::new(Estimator::Mohammadi, Treatment::Standardised);
    pub(crate) const STANDARDISED_PERMUTED: Self =
        Self::new(Estimator::Mohammadi, Treatment::StandardisedPermuted);
    pub(crate) const PERMUTED: Self = Self::new(Estimator::Mohammadi, Treatment::Permuted);
    pub(crate) const PERMUTED_SLOPE: Self = Self::new(Estimator::LocalSlope, Treatment::Permuted);
    pub(crate) const PAIRED_SLOPE: Self = Self::new(Estimator::LocalSlope, Treatment::Paired);

    pub(crate) fn is(self, estimator: Estimator, treatment: Option<Treatment>) -> bool {
        self.estimator == estimator && Some(self.treatment) == treatment
    }
}

/// A level of a ladder that rests on fewer groups has no interval in a run,
/// so one that is made of the seeds alone would hide how little there is.
const FEWEST_GROUPS: u64 = 5;

/// A slope tells nothing whose interval of 1/α is wider: about α = 2 it would be [1.5, 3.1]. That of α is no
/// measure, for the smaller α are by chance, the narrower it is.
const WIDEST: f64 = 0.35;

/// Facts and late α, with an index from points to their rows.
pub(crate) struct Lookup<'a> {
    pub(crate) facts: &'a Facts,
    late: &'a [PointRow],
    rows: Vec<Range<usize>>,
    /// The fields in which the points differ.
    pub(crate) varying: Vec<Field>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(facts: &'a Facts, late: &'a [PointRow]) -> Self {
        let mut rows = vec![0..0; facts.points.len()];
        for (index, row) in late.iter().enumerate() {
            let range = &mut rows[row.point];
            if range.start == range.end {
                range.start = index;
            }
            range.end = index + 1;
        }
        let varying = varying(&facts.text.sweep.own_axes, facts.all_points());
        Self {
            facts,
            late,
            rows,
            varying,
        }
    }

    pub(crate) fn point(&self, index: usize) -> &'a Point {
        &self.facts.points[index].point
    }

    pub(crate) fn runs(&self, point: usize) -> &'a [RunFacts] {
        &self.facts.runs[self.facts.points[point].runs.clone()]
    }

    /// What sets a point apart from the others: `width 32 · depth 4`.
    pub(crate) fn label(&self, point: usize) -> String {
        label(&self.varying, self.point(point))
    }

    /// The split that figures show: train, where it was measured.
    pub(crate) fn main_split(&self, point: usize) -> Split {
        let splits = self
            .point(point)
            .measure()
            .map_or(&[][..], |measure| &measure.splits);
        if splits.contains(&Split::Train) {
            Split::Train
        } else {
            Split::Test
        }
    }

    /// All late α of a kind, over its block lengths.
    pub(crate) fn levels(
        &self,
        point: usize,
        split: Split,
        kind: Kind,
    ) -> impl Iterator<Item = &'a PointRow> + use<'a> {
        let rows = &self.late[self.rows[point].clone()];
        rows.iter().filter(move |row| {
            row.key.split == Some(split) && kind.is(row.key.estimator, row.key.treatment)
        })
    }

    /// The levels of a ladder, from the first one that is `precise` up to the last before one that is not:
    /// behind it there is only noise.
    pub(crate) fn ladder(
        &self,
        point: usize,
        split: Split,
        kind: Kind,
        precise: impl Fn(&Late) -> bool,
    ) -> Vec<&'a PointRow> {
        let mut levels: Vec<&PointRow> = self.levels(point, split, kind).collect();
        levels.sort_by_key(|row| row.key.k1);
        let is_known = |row: &&PointRow| {
            row.late.alpha.is_some() && row.blocks >= FEWEST_GROUPS && precise(&row.late)
        };
        let known = levels.into_iter();
        known
            .skip_while(|row| !is_known(row))
            .take_while(is_known)
            .collect()
    }

    /// The levels of a ladder that tell flat below 2 from climbing to 2.
    pub(crate) fn slopes(&self, point: usize, split: Split, kind: Kind) -> Vec<&'a PointRow> {
        let is_precise = |late: &Late| {
            late.interval
                .is_some_and(|[low, high]| low > 0.0 && 1.0 / low - 1.0 / high <= WIDEST)
        };
        self.ladder(point, split, kind, is_precise)
    }

    /// The late α of the averaged iterates over all layers, by the published estimator.
    pub(crate) fn iterates(&self, point: usize) -> Option<&'a Late> {
        let rows = &self.late[self.rows[point].clone()];
        rows.iter()
            .find(|row| row.key.split.is_none() && row.key.estimator == Estimator::Mohammadi)
            .map(|row| &row.late)
    }

    /// The late α of a kind; of those on the ladder, the one at the published block length.
    pub(crate) fn late(&self, point: usize, split: Split, kind: Kind) -> Option<&'a Late> {
        let k1 = self.published_k1(point, split);
        let is_ladder = kind == Kind::PUBLISHED_ROWS;
        self.levels(point, split, kind)
            .find(|row| !is_ladder || row.key.k1 == k1)
            .map(|row| &row.late)
    }

    /// The published K1 of a point, as the estimates that are made at no other one have it.
    pub(crate) fn published_k1(&self, point: usize, split: Split) -> Option<u64> {
        [Kind::PUBLISHED, Kind::SURROGATE, Kind::ZEROS_DROPPED]
            .into_iter()
            .find_map(|kind| self.levels(point, split, kind).next())
            .and_then(|row| row.key.k1)
    }

    /// The late published α with restarted rows at a block length of the ladder.
    pub(crate) fn at_k1(&self, point: usize, split: Split, k1: u64) -> Option<&'a Late> {
        self.levels(point, split, Kind::PUBLISHED_ROWS)
            .find(|row| row.key.k1 == Some(k1))
            .map(|row| &row.late)
    }

    /// The block length of the ladder that all `points` have an α at, as near as can be to their
    /// published ones (the median).
    pub(crate) fn shared_k1(&self, points: &[usize]) -> Option<u64> {
        let mut published: Vec<u64> = points
            .iter()
            .filter_map(|point| self.published_k1(*point, self.main_split(*point)))
            .collect();
        published.sort_unstable();
        let median = (*published.get(published.len() / 2)? as f64).ln();
        let has_alpha = |point: &usize, k1: u64| {
            let late = self.at_k1(*point, self.main_split(*point), k1);
            late.is_some_and(|late| late.alpha.is_some())
        };
        (1..=40)
            .map(|level| 1_u64 << level)
            .filter(|k1| points.iter().all(|point| has_alpha(point, *k1)))
            .min_by(|a, b| {
                let far = |k1: u64| ((k1 as f64).ln() - median).abs();
                far(*a).total_cmp(&far(*b))
            })
    }

    /// The mean of a number over the late measurements of the done runs.
    pub(crate) fn late_mean(
        &self,
        point: usize,
        split: Split,
        of: fn(&MeasurementRow) -> Option<f64>,
    ) -> Option<f64> {
        let runs = self.runs(point).iter();
        let done = runs.filter(|run| run.state == RunState::Done);
        let values: Vec<f64> = done
            .flat_map(|run| {
                let rows = self.facts.measurements_of(run);
                let last = rows.last().map_or(0, |row| row.step);
                rows.iter()
                    .filter(move |row| row.split == split && is_late(row.step, last))
            })
            .filter_map(of)
            .collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// The estimates of a kind over all parameters of a run, in the order of their steps.
    pub(crate) fn estimates(
        &self,
        run: &'a RunFacts,
        split: Split,
        kind: Kind,
    ) -> impl Iterator<Item = &'a EstimateRow> + use<'a> {
        self.facts.estimates_of(run).iter().filter(move |row| {
            let told = &row.told;
            row.split == Some(split)
                && &*told.scope == ALL
                && kind.is(told.estimator, told.treatment)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::late::of_points;

    /// Slopes of sums of 2, 4, 8 and 16 terms, each with its interval and its groups.
    fn levels(slopes: [([f64; 2], u64); 4]) -> Vec<u64> {
        let mut facts = fixture::parts();
        for (index, row) in facts.estimates.iter_mut().enumerate() {
            let level = index % 5;
            let Some((interval, blocks)) = slopes.get(level) else {
                continue;
            };
            row.told.estimator = Estimator::LocalSlope;
            row.told.treatment = Some(Treatment::Paired);
            row.told.k1 = Some(2 << level);
            row.told.alpha = Some(1.5);
            // The s.e. of one seed is that of the point, its t that of many degrees.
            row.told.std_error = Some((interval[1] - interval[0]) / 4.0);
            row.told.interval = Some(*interval);
            row.told.degrees = Some(1000);
            row.told.blocks = *blocks;
        }
        facts.points[0].runs.end = 1;
        let late = of_points(&facts);
        let lookup = Lookup::new(&facts, &late);
        let known = lookup.slopes(0, Split::Train, Kind::PAIRED_SLOPE);
        known.iter().filter_map(|row| row.key.k1).collect()
    }

    #[test]
    fn a_ladder_ends_before_a_level_that_is_not_known_well_enough() {
        let narrow = [1.4, 1.6];
        assert_eq!(
            levels([(narrow, 40), (narrow, 20), (narrow, 10), (narrow, 5)]),
            [2, 4, 8, 16]
        );
        assert_eq!(
            levels([(narrow, 40), (narrow, 20), ([0.5, 2.5], 10), (narrow, 5)]),
            [2, 4]
        );
        assert_eq!(
            levels([(narrow, 16), (narrow, 8), (narrow, 4), (narrow, 2)]),
            [2, 4]
        );
        assert_eq!(
            levels([([0.5, 2.5], 40), (narrow, 20), (narrow, 10), (narrow, 5)]),
            [4, 8, 16]
        );
        let wide = [0.5, 2.5];
        assert!(levels([(wide, 40), (wide, 20), (wide, 10), (wide, 5)]).is_empty());
    }
}
