//! Paths of a stochastic differential equation that is driven by stable noise.

use serde::{Deserialize, Serialize};
use tailsweep_stats::{Metastability, NotAPotential, Potential};

/// Euler steps of dw = −f′(w)dt + ε dL, with L a symmetric α-stable Lévy process:
///
/// ```text
/// w ← w − η·g,   g = f′(w) − ε·η^(1/α − 1)·b^(1/α − 1)·S,   S ~ SαS(1)
/// ```
///
/// g is what a minibatch gradient is to training, η the learning rate, b the batch size: the mean
/// of b stable noises has the scale b^(1/α − 1). With `clip`, g is cut to [−clip, clip].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevyPoint {
    /// f.
    pub potential: PotentialForm,
    /// α in (0, 2].
    pub alpha: f64,
    /// ε.
    pub epsilon: f64,
    /// Number of paths.
    pub paths: u32,
    /// The well, from 0, in which all paths start; `None`: in all wells by turns.
    pub start: Option<u32>,
    /// Whether a path ends with its first exit.
    pub first_exit: bool,
    /// The largest |g|.
    pub clip: Option<f64>,
    /// b.
    pub batch_size: u32,
    /// η, the time of a step.
    pub learning_rate: f64,
    /// Steps, if the run does not end before because every path has.
    pub steps: u64,
    /// Steps between measurements.
    pub every: u64,
}

/// A potential as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PotentialForm {
    /// `curvature`·w²/2, to be left from [−b, a].
    Quadratic {
        /// f″.
        curvature: f64,
        /// To the right end.
        a: f64,
        /// To the left end.
        b: f64,
    },
    /// Minima at −b and a, a separator at 0.
    DoubleWell {
        /// To the right minimum.
        a: f64,
        /// To the left minimum.
        b: f64,
        /// Depth of the right well.
        depth: f64,
        /// Depth of the left well.
        left_depth: f64,
    },
    /// Wells at given places.
    Wells {
        /// From left to right.
        minima: Vec<f64>,
        /// Between them.
        separators: Vec<f64>,
        /// Of each well.
        depths: Vec<f64>,
    },
}

impl PotentialForm {
    /// As written in a sweep file.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Quadratic { .. } => "quadratic",
            Self::DoubleWell { .. } => "double_well",
            Self::Wells { .. } => "wells",
        }
    }

    /// The potential.
    ///
    /// # Errors
    ///
    /// Its numbers contradict each other.
    pub fn potential(&self) -> Result<Potential, NotAPotential> {
        match self {
            Self::Quadratic { curvature, a, b } => Potential::quadratic(*curvature, *b, *a),
            Self::DoubleWell {
                a,
                b,
                depth,
                left_depth,
            } => Potential::wells(&[-b, *a], &[0.0], &[*left_depth, *depth]),
            Self::Wells {
                minima,
                separators,
                depths,
            } => Potential::wells(minima, separators, depths),
        }
    }
}

impl LevyPoint {
    /// ε of the noise of a minibatch: ε·b^(1/α − 1).
    pub fn minibatch_epsilon(&self) -> f64 {
        self.epsilon * f64::from(self.batch_size).powf(1.0 / self.alpha - 1.0)
    }

    /// The scale of the noise in g: ε·(ηb)^(1/α − 1). It must be a number above 0 for there to be
    /// a process.
    pub fn noise(&self) -> f64 {
        self.minibatch_epsilon() * self.learning_rate.powf(1.0 / self.alpha - 1.0)
    }

    /// What theory says of the process; `None` if the potential is none, or α or ε out of bounds.
    /// Clipping is no part of it.
    pub fn theory(&self) -> Option<Metastability> {
        let potential = self.potential.potential().ok()?;
        Metastability::new(potential, self.alpha, self.minibatch_epsilon())
    }

    /// The well, from 0, in which path `path` starts, of so many wells.
    pub fn start_of(&self, path: u32, wells: usize) -> usize {
        self.start
            .map_or(path as usize % wells, |start| start as usize)
    }
}
