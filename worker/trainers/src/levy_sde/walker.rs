//! One path: where it is, which well it visits, and what it does in a step.

use std::ops::Range;

use tailsweep_common::exits;
use tailsweep_common::run::LevyPoint;
use tailsweep_stats::Potential;
use tailsweep_stats::stable::Stable;

use super::tally::Tally;
use crate::random::Stream;

/// Paths whose places are kept.
const KEPT: u32 = 4;

/// Places that are kept of a path, before every second one is given up.
const MOST_PLACES: usize = 1024;

/// Words of 32 bits that a step takes from the stream of its path.
const WORDS: u128 = 4;

/// What all paths of a run share.
#[derive(Debug)]
pub(super) struct Equation {
    potential: Potential,
    /// Places nearer than this to the minimum of a well are home.
    cores: Vec<f64>,
    law: Stable,
    /// What a value of the law is multiplied by in a gradient.
    noise: f64,
    rate: f64,
    clip: Option<f64>,
    first_exit: bool,
    stream: Stream,
}

impl Equation {
    pub(super) fn new(point: &LevyPoint, seed: u64) -> Option<Self> {
        let potential = point.potential.potential().ok()?;
        let law = Stable::symmetric(point.alpha, 1.0).ok()?;
        let rate = point.learning_rate;
        let noise = point.noise();
        let clip_is_sound = point.clip.is_none_or(|clip| clip > 0.0);
        if !(rate > 0.0 && noise.is_finite() && noise > 0.0 && clip_is_sound) {
            return None;
        }
        let core = |well| {
            let minimum = potential.minimum(well);
            let [left, right] = potential.domain(well).map(|end| (end - minimum).abs());
            0.5 * left.min(right)
        };
        Some(Self {
            cores: (0..potential.len()).map(core).collect(),
            potential,
            law,
            noise,
            rate,
            clip: point.clip,
            first_exit: point.first_exit,
            stream: Stream::new("levy sde", seed, &[], 0),
        })
    }

    pub(super) fn wells(&self) -> usize {
        self.potential.len()
    }

    /// The well that `place` is home in.
    fn home(&self, well: Option<usize>, place: f64) -> Option<usize> {
        well.filter(|well| (place - self.potential.minimum(*well)).abs() < self.cores[*well])
    }

    fn next(&self, place: f64, value: f64) -> f64 {
        let gradient = self.potential.slope(place) - self.noise * value;
        let gradient = match self.clip {
            Some(clip) => gradient.clamp(-clip, clip),
            None => gradient,
        };
        place - self.rate * gradient
    }
}

/// What a path is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// It visits a well, since a step.
    Visits { well: usize, since: u64 },
    /// It left a well, and is on its way home.
    Left { well: usize },
    /// Its first exit was its last.
    Rests,
}

/// A path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Walker {
    pub(super) path: u32,
    pub(super) place: f64,
    pub(super) doing: Doing,
    /// Some of its places, of the first few paths.
    pub(super) kept: Option<exits::Path>,
}

impl Walker {
    pub(super) fn new(equation: &Equation, path: u32, well: usize) -> Self {
        let place = equation.potential.minimum(well);
        Self {
            path,
            place,
            doing: Doing::Visits { well, since: 0 },
            kept: keeps(path).then(|| exits::Path {
                stride: 1,
                places: vec![place],
            }),
        }
    }

    pub(super) fn rests(&self) -> bool {
        self.doing == Doing::Rests
    }

    /// The well that it visits, and since when.
    pub(super) fn visit(&self) -> Option<(usize, u64)> {
        match self.doing {
            Doing::Visits { well, since } => Some((well, since)),
            Doing::Left { .. } | Doing::Rests => None,
        }
    }

    /// Its places, if they are kept.
    pub(super) fn kept(&self) -> Option<exits::Path> {
        self.kept.clone()
    }

    /// Takes these steps, and adds to `tally` what is seen of them.
    pub(super) fn walk(&mut self, equation: &Equation, steps: Range<u64>, tally: &mut Tally) {
        if self.rests() {
            return;
        }
        let position = u128::from(steps.start) * WORDS;
        let mut stream = equation.stream.at(self.path.into(), position);
        for step in steps {
            let value = equation.law.sample(|| stream.word());
            let place = equation.next(self.place, value);
            let now = step + 1;
            if !place.is_finite() && !equation.first_exit {
                tally.is_not_finite(step);
                return;
            }
            self.place = place;
            self.arrive(equation, now, tally);
            self.keep(now);
            if self.rests() {
                return;
            }
        }
    }

    /// Looks about after a step.
    fn arrive(&mut self, equation: &Equation, now: u64, tally: &mut Tally) {
        let well = equation.potential.well_at(self.place);
        if let Some(well) = well {
            tally.is_inside(well);
        }
        if let Doing::Visits { well: left, since } = self.doing
            && well != Some(left)
        {
            let to_the_right = self.place > equation.potential.minimum(left);
            tally.leaves(left, to_the_right, since, now);
            self.doing = match equation.first_exit {
                true => Doing::Rests,
                false => Doing::Left { well: left },
            };
        }
        if let Doing::Left { well: left } = self.doing
            && let Some(home) = equation.home(well, self.place)
        {
            tally.reaches(left, home);
            self.doing = Doing::Visits {
                well: home,
                since: now,
            };
        }
    }

    fn keep(&mut self, now: u64) {
        let rests = self.rests();
        let Some(kept) = self.kept.as_mut().filter(|_| self.place.is_finite()) else {
            return;
        };
        if !now.is_multiple_of(kept.stride) && !rests {
            return;
        }
        kept.places.push(self.place);
        if kept.places.len() > MOST_PLACES && !rests {
            let mut index = 0;
            kept.places.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            kept.stride *= 2;
        }
    }
}

/// Whether places of this path are kept.
pub(super) fn keeps(path: u32) -> bool {
    path < KEPT
}
