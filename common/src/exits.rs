//! What the paths of a stochastic differential equation did: exits from wells, and the places of a
//! few paths.
//!
//! A *visit* to a well begins where its path starts, or when the path comes home: nearer to the
//! minimum than half the way to the nearest separator. It ends with the *exit*, at the first step
//! beyond a separator. The well in which the path comes home next is the one that it *reached*,
//! which may be the one that it left.

/// All that was seen of the paths of a run so far. Times are numbers of steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Exits {
    /// Wells from left to right; at least one.
    pub wells: Vec<WellExits>,
    /// Paths that are still followed.
    pub running: u64,
    /// The first few paths.
    pub paths: Vec<Path>,
}

/// What was seen of one well.
#[derive(Clone, Debug, PartialEq)]
pub struct WellExits {
    /// Exits to the left.
    pub left: u64,
    /// Exits to the right.
    pub right: u64,
    /// Steps of all visits that ended.
    pub steps: u64,
    /// Sum of the squares of their steps.
    pub squares: f64,
    /// Median of their steps.
    pub median: Option<f64>,
    /// Visits that have not ended.
    pub unfinished: u64,
    /// Their steps so far.
    pub unfinished_steps: u64,
    /// Steps that paths were between the separators of the well.
    pub inside: u64,
    /// How often each well was reached from this one.
    pub reached: Vec<u64>,
}

/// Some of the places of a path: those after 0, `stride`, 2·`stride`, … steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Steps between two places.
    pub stride: u64,
    /// The places.
    pub places: Vec<f64>,
}

impl WellExits {
    /// Nothing yet, of a potential of so many wells.
    pub fn none(wells: usize) -> Self {
        Self {
            left: 0,
            right: 0,
            steps: 0,
            squares: 0.0,
            median: None,
            unfinished: 0,
            unfinished_steps: 0,
            inside: 0,
            reached: vec![0; wells],
        }
    }

    /// Number of exits.
    pub fn exits(&self) -> u64 {
        self.left + self.right
    }

    /// The mean steps of a visit: the steps of all visits by the number of exits, which allows for
    /// visits that have not ended (where exits come at a constant rate, it is the maximum of the
    /// likelihood). `None` without an exit.
    pub fn mean(&self) -> Option<f64> {
        let exits = self.exits();
        let steps = self.steps as f64 + self.unfinished_steps as f64;
        (exits > 0).then(|| steps / exits as f64)
    }

    /// Standard error of the mean: sd/√n of the visits; the mean by √n where some have not ended,
    /// as of an exponential law. `None` with fewer than 2 exits.
    pub fn std_error(&self) -> Option<f64> {
        let exits = self.exits() as f64;
        if exits < 2.0 {
            return None;
        }
        if self.unfinished > 0 {
            return Some(self.mean()? / exits.sqrt());
        }
        let mean = self.steps as f64 / exits;
        let variance = (self.squares - exits * mean * mean).max(0.0) / (exits - 1.0);
        Some((variance / exits).sqrt())
    }

    /// Adds what another run of the same potential saw; the median of both is not known then.
    pub fn merge(&mut self, other: &Self) {
        self.median = match (self.exits(), other.exits()) {
            (0, _) => other.median,
            (_, 0) => self.median,
            _ => None,
        };
        self.left += other.left;
        self.right += other.right;
        self.steps += other.steps;
        self.squares += other.squares;
        self.unfinished += other.unfinished;
        self.unfinished_steps += other.unfinished_steps;
        self.inside += other.inside;
        for (reached, more) in self.reached.iter_mut().zip(&other.reached) {
            *reached += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visits(steps: &[u64], unfinished: &[u64]) -> WellExits {
        WellExits {
            right: steps.len() as u64,
            steps: steps.iter().sum(),
            squares: steps.iter().map(|steps| (steps * steps) as f64).sum(),
            unfinished: unfinished.len() as u64,
            unfinished_steps: unfinished.iter().sum(),
            ..WellExits::none(1)
        }
    }

    #[test]
    fn visits_that_have_not_ended_lengthen_the_mean() {
        let ended = visits(&[1, 2, 3], &[]);
        assert_eq!(ended.mean(), Some(2.0));
        assert!((ended.std_error().expect("three visits") - 1.0 / 3.0_f64.sqrt()).abs() < 1e-12);
        let some = visits(&[1, 2, 3], &[6]);
        assert_eq!(some.mean(), Some(4.0));
        assert_eq!(some.std_error(), Some(4.0 / 3.0_f64.sqrt()));
        assert_eq!(visits(&[], &[6]).mean(), None);
        assert_eq!(visits(&[1], &[]).std_error(), None);
    }

    #[test]
    fn two_runs_are_seen_as_one() {
        let mut both = visits(&[1, 2], &[7]);
        both.merge(&visits(&[5], &[]));
        assert_eq!(both, visits(&[1, 2, 5], &[7]));
    }
}
