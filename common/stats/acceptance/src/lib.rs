//! The statistics put to the proof: known laws go in, and what comes out is held against closed
//! forms.
//!
//! The rows are those of the acceptance table that need no training: [`Row::A0`] unit vectors,
//! [`Row::A1`] the paper's Figure 4, [`Row::A2`] the bias atlas, [`Row::A13`] the controls beside
//! the published number, [`Row::A14`] the coverage of intervals. Each gives [`Line`]s: what was
//! expected, what was measured, and the [`Verdict`].
//!
//! Numbers are drawn from streams that are named by row, case and repeat. Repeats run on the
//! threads of the current rayon pool and are put together in their order, so the lines are the same
//! to the bit for any number of threads, on one kind of CPU.
//!
//! Absent: clocks, files, output, and networks. Real gradients are accepted by sweeps.

mod atlas;
mod controls;
mod coverage;
mod draws;
mod fig4;
mod line;
mod matrix;
mod resampled;
mod sample;
mod unit_vectors;

use std::fmt;

pub use self::line::{Beside, Expected, Line, Verdict};

/// How much is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Seconds: fewer repeats, with tolerances that follow from their number.
    Quick,
    /// Minutes: what the acceptance table asks for.
    Full,
}

impl Effort {
    fn pick<T>(self, quick: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

/// A row of the acceptance table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Unit vectors, sizes and block lengths; one worker and several.
    A0,
    /// α̂ against α for iid stable numbers: the paper's Figure 4.
    A1,
    /// What else than heavy tails moves an estimate, and by how much.
    A2,
    /// The published number beside its controls, for three laws.
    A13,
    /// How often 95 % intervals hold the truth.
    A14,
}

impl Row {
    /// Every row, in the order of the table.
    pub const ALL: [Self; 5] = [Self::A0, Self::A1, Self::A2, Self::A13, Self::A14];

    /// As written in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A0 => "A0",
            Self::A1 => "A1",
            Self::A2 => "A2",
            Self::A13 => "A13",
            Self::A14 => "A14",
        }
    }

    /// Draws, estimates and compares.
    pub fn run(self, effort: Effort) -> Vec<Line> {
        match self {
            Self::A0 => unit_vectors::lines(),
            Self::A1 => fig4::lines(effort),
            Self::A2 => atlas::lines(effort),
            Self::A13 => controls::lines(effort),
            Self::A14 => [coverage::lines(effort), resampled::lines()].concat(),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
