//! Norms of the rows of the noise, relative to their median, in bins wide enough to be drawn.
//!
//! The rows of a measurement are divided by their median, so that measurements and seeds of
//! different scale can be added; the counts of a run are those of its late measurements.

use std::cmp::Ordering;

use tailsweep_stats::LogHistogram;

/// Bins to a doubling of the norm.
const PER_OCTAVE: f64 = 8.0;
/// Bins on each side of the median; what lies outside is in the last one.
const REACH: usize = 64;
/// All bins.
pub(crate) const BINS: usize = 2 * REACH;

/// Counts by bin; empty until something is added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RelativeNorms(Vec<u64>);

impl RelativeNorms {
    /// Adds the rows of one measurement.
    pub(crate) fn add(&mut self, norms: &LogHistogram) {
        let Some(median) = ln_median(norms) else {
            return;
        };
        self.0.resize(BINS, 0);
        for (ln, count) in norms.ln_magnitudes() {
            let octaves = (ln - median) / std::f64::consts::LN_2;
            let bin = (octaves * PER_OCTAVE).floor() + REACH as f64;
            self.0[bin.clamp(0.0, (BINS - 1) as f64) as usize] += count;
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.resize(other.0.len(), 0);
        }
        for (count, more) in self.0.iter_mut().zip(&other.0) {
            *count += more;
        }
    }

    /// Rows in all bins.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The share of the rows in each bin; none without rows.
    pub(crate) fn shares(&self) -> Vec<f64> {
        let total = self.count() as f64;
        self.0.iter().map(|count| *count as f64 / total).collect()
    }
}

/// The edges of a bin, as a multiple of the median.
pub(crate) fn edges(bin: usize) -> [f64; 2] {
    let edge = |bin: usize| ((bin as f64 - REACH as f64) / PER_OCTAVE).exp2();
    [edge(bin), edge(bin + 1)]
}

/// Between the two middle values of an even number of them.
fn ln_median(norms: &LogHistogram) -> Option<f64> {
    let count = norms.count();
    let at = |rank: u64| {
        let mut before = 0;
        norms.ln_magnitudes().find_map(|(ln, count)| {
            before += count;
            (before.cmp(&rank) == Ordering::Greater).then_some(ln)
        })
    };
    Some(0.5 * (at(count.checked_sub(1)? / 2)? + at(count / 2)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_are_told_apart_by_their_ratio_to_the_median() {
        let mut norms = RelativeNorms::default();
        assert_eq!(norms.shares(), Vec::<f64>::new());
        norms.add(&LogHistogram::default());
        assert_eq!(norms.count(), 0);
        // Medians of 3 and 30: the same ratios.
        norms.add(&LogHistogram::of(&[2.0, 2.9, 3.1, 25.0]));
        norms.add(&LogHistogram::of(&[20.0, 29.0, 31.0, 1e9]));
        let shares = norms.shares();
        let in_bin = |ratio: f64| {
            let bin = (0..BINS).find(|bin| (edges(*bin)[0]..edges(*bin)[1]).contains(&ratio));
            shares[bin.unwrap()]
        };
        assert_eq!(in_bin(0.667), 0.25);
        assert_eq!(in_bin(0.97), 0.25);
        assert_eq!(in_bin(1.03), 0.25);
        assert_eq!(in_bin(25.0 / 3.0), 0.125);
        assert_eq!(shares[BINS - 1], 0.125, "what is beyond the bins");
    }
}
