//! A set of rows.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A set of row indices, as ranges: sorted, not empty, not touching one another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowSet(Vec<Range<u64>>);

impl RowSet {
    /// The rows 0 … `rows` − 1.
    pub fn first(rows: u64) -> Self {
        Self((rows > 0).then_some(0..rows).into_iter().collect())
    }

    /// The set of these ranges, if they are sorted, not empty and don't touch.
    pub fn from_ranges(ranges: Vec<Range<u64>>) -> Option<Self> {
        let set = Self(ranges);
        set.is_canonical().then_some(set)
    }

    pub(crate) fn is_canonical(&self) -> bool {
        self.0.iter().all(|range| range.start < range.end)
            && self.0.is_sorted_by(|left, right| left.end < right.start)
    }

    /// The ranges.
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.0
    }

    /// Number of rows.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more than the last row.
    pub(crate) fn end(&self) -> u64 {
        self.0.last().map_or(0, |range| range.end)
    }

    /// Whether a row of `range` is in the set.
    pub(crate) fn touches(&self, range: &Range<u64>) -> bool {
        self.0
            .iter()
            .any(|own| own.start < range.end && range.start < own.end)
    }

    /// The rows that are in `range` too.
    pub(crate) fn within(&self, range: &Range<u64>) -> Self {
        let cut = |own: &Range<u64>| own.start.max(range.start)..own.end.min(range.end);
        Self(
            self.0
                .iter()
                .map(cut)
                .filter(|range| range.start < range.end)
                .collect(),
        )
    }

    /// The rows of both sets; `None` when they share one.
    pub(crate) fn union(&self, other: &Self) -> Option<Self> {
        let mut ranges: Vec<Range<u64>> = self.0.iter().chain(&other.0).cloned().collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut union: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match union.last_mut() {
                Some(last) if range.start < last.end => return None,
                Some(last) if range.start == last.end => last.end = range.end,
                _ => union.push(range),
            }
        }
        Some(Self(union))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unions_are_canonical_and_overlaps_are_refused() {
        let set = |ranges: &[Range<u64>]| RowSet::from_ranges(ranges.to_vec()).unwrap();
        let odd = set(&[1..2, 3..4]);
        assert_eq!(odd.union(&set(&[0..1, 2..3])), Some(RowSet::first(4)));
        assert_eq!(odd.union(&set(&[3..9, 10..11])), None);
        assert_eq!(odd.union(&RowSet::default()), Some(odd.clone()));
        assert_eq!(odd.len(), 2);
    }

    #[test]
    fn ranges_out_of_order_are_refused() {
        assert_eq!(RowSet::from_ranges(vec![0..1, 1..2]), None);
        assert_eq!(RowSet::from_ranges(vec![3..4, 0..1]), None);
        assert_eq!(RowSet::from_ranges(vec![2..2, 3..4]), None);
    }
}
