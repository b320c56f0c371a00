//! What was seen of all paths, in whole numbers: parts of it add up in any order.

use std::collections::BTreeMap;

use tailsweep_common::exits::WellExits;

/// What was seen of the wells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) wells: Vec<WellTally>,
    /// The last exit of this part.
    pub(super) last_exit: Option<u64>,
    /// The first step from which a path did not come to a finite place.
    pub(super) not_finite: Option<u64>,
}

/// What was seen of one well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WellTally {
    pub(super) left: u64,
    pub(super) right: u64,
    pub(super) steps: u64,
    pub(super) squares: u128,
    pub(super) inside: u64,
    pub(super) reached: Vec<u64>,
    /// How many visits took about so many steps.
    pub(super) lengths: BTreeMap<u64, u64>,
}

/// Leading bits of a length that are kept: the middle of what they leave open is off by less than
/// 0.2 %.
const BITS: u32 = 9;

impl Tally {
    pub(super) fn new(wells: usize) -> Self {
        let well = WellTally {
            reached: vec![0; wells],
            ..WellTally::default()
        };
        Self {
            wells: vec![well; wells],
            ..Self::default()
        }
    }

    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        for (well, more) in self.wells.iter_mut().zip(other.wells) {
            well.left += more.left;
            well.right += more.right;
            well.steps += more.steps;
            well.squares += more.squares;
            well.inside += more.inside;
            for (reached, more) in well.reached.iter_mut().zip(more.reached) {
                *reached += more;
            }
            for (length, count) in more.lengths {
                *well.lengths.entry(length).or_default() += count;
            }
        }
        self.last_exit = self.last_exit.max(other.last_exit);
        let steps = [self.not_finite, other.not_finite].into_iter().flatten();
        self.not_finite = steps.min();
        self
    }

    pub(super) fn is_inside(&mut self, well: usize) {
        self.wells[well].inside += 1;
    }

    pub(super) fn is_not_finite(&mut self, step: u64) {
        self.not_finite = Some(self.not_finite.map_or(step, |first| first.min(step)));
    }

    pub(super) fn reaches(&mut self, left: usize, home: usize) {
        self.wells[left].reached[home] += 1;
    }

    pub(super) fn leaves(&mut self, well: usize, to_the_right: bool, since: u64, now: u64) {
        let steps = now - since;
        let well = &mut self.wells[well];
        match to_the_right {
            true => well.right += 1,
            false => well.left += 1,
        }
        well.steps += steps;
        well.squares += u128::from(steps) * u128::from(steps);
        *well.lengths.entry(rounded(steps)).or_default() += 1;
        self.last_exit = self.last_exit.max(Some(now));
    }

    /// As a measurement, with the visits that have not ended: the well, and the steps so far.
    pub(super) fn wells(&self, visits: impl Iterator<Item = (usize, u64)>) -> Vec<WellExits> {
        let mut wells: Vec<WellExits> = self.wells.iter().map(WellTally::exits).collect();
        for (well, steps) in visits {
            wells[well].unfinished += 1;
            wells[well].unfinished_steps += steps;
        }
        wells
    }
}

impl WellTally {
    fn exits(&self) -> WellExits {
        WellExits {
            left: self.left,
            right: self.right,
            steps: self.steps,
            squares: self.squares as f64,
            median: self.median(),
            unfinished: 0,
            unfinished_steps: 0,
            inside: self.inside,
            reached: self.reached.clone(),
        }
    }

    /// The mean of the two middle lengths.
    fn median(&self) -> Option<f64> {
        let visits = self.left + self.right;
        let length = |rank: u64| {
            let mut before = 0;
            self.lengths.iter().find_map(|(length, count)| {
                before += count;
                (rank < before).then_some(*length as f64)
            })
        };
        let lower = length(visits.checked_sub(1)? / 2)?;
        Some(0.5 * (lower + length(visits / 2)?))
    }
}

/// The middle of the numbers that share the leading bits of `length`; short lengths as they are.
fn rounded(length: u64) -> u64 {
    let open = (u64::BITS - length.leading_zeros()).saturating_sub(BITS);
    match open {
        0 => length,
        _ => (length >> open << open) + (1 << (open - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(visits: &[u64]) -> Tally {
        let mut tally = Tally::new(1);
        visits
            .iter()
            .for_each(|steps| tally.leaves(0, steps % 2 == 0, 0, *steps));
        tally
    }

    #[test]
    fn parts_add_up_in_any_order() {
        let parts = [tally(&[1, 5000]), tally(&[7]), tally(&[300_000, 300_001])];
        let [a, b, c] = parts.clone();
        let [d, e, f] = parts;
        let whole = tally(&[7, 300_001, 1, 300_000, 5000]);
        assert_eq!(a.and(b).and(c), whole);
        assert_eq!(f.and(d).and(e), whole);
    }

    #[test]
    fn the_median_is_near() {
        let median = |visits: &[u64]| tally(visits).wells(std::iter::empty())[0].median;
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[4]), Some(4.0));
        assert_eq!(median(&[4, 100, 6]), Some(6.0));
        assert_eq!(median(&[4, 8]), Some(6.0));
        let far = median(&[123_456_789]).expect("a median");
        assert!((far / 123_456_789.0 - 1.0).abs() < 0.002);
    }
}
