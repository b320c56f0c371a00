//! The keys of `[levy_sde]`, and the paths that they mean.

use super::draft::Fault;
use super::key::Key;
use super::synthetic::ALPHA;
use super::value::{Numbers, Value, above_0};
use crate::run::{LevyPoint, PotentialForm};

/// A key of `[levy_sde]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LevyKey {
    Potential,
    Alpha,
    Epsilon,
    Curvature,
    A,
    B,
    Depth,
    LeftDepth,
    Minima,
    Separators,
    Depths,
    Paths,
    Start,
    FirstExit,
    Clip,
}

impl LevyKey {
    pub(super) const ALL: [Self; 15] = [
        Self::Potential,
        Self::Alpha,
        Self::Epsilon,
        Self::Curvature,
        Self::A,
        Self::B,
        Self::Depth,
        Self::LeftDepth,
        Self::Minima,
        Self::Separators,
        Self::Depths,
        Self::Paths,
        Self::Start,
        Self::FirstExit,
        Self::Clip,
    ];

    /// With its section.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Potential => "levy_sde.potential",
            Self::Alpha => "levy_sde.alpha",
            Self::Epsilon => "levy_sde.epsilon",
            Self::Curvature => "levy_sde.curvature",
            Self::A => "levy_sde.a",
            Self::B => "levy_sde.b",
            Self::Depth => "levy_sde.depth",
            Self::LeftDepth => "levy_sde.left_depth",
            Self::Minima => "levy_sde.minima",
            Self::Separators => "levy_sde.separators",
            Self::Depths => "levy_sde.depths",
            Self::Paths => "levy_sde.paths",
            Self::Start => "levy_sde.start",
            Self::FirstExit => "levy_sde.first_exit",
            Self::Clip => "levy_sde.clip",
        }
    }

    pub(super) fn numbers(self) -> Option<Numbers> {
        Some(match self {
            Self::Alpha => ALPHA,
            Self::Epsilon
            | Self::Curvature
            | Self::A
            | Self::B
            | Self::Depth
            | Self::LeftDepth
            | Self::Clip => above_0(),
            Self::Paths => Numbers::Whole {
                least: 1,
                most: 1_000_000,
            },
            Self::Start => Numbers::Whole {
                least: 1,
                most: 1_000,
            },
            Self::Potential | Self::Minima | Self::Separators | Self::Depths | Self::FirstExit => {
                return None;
            }
        })
    }

    /// Whether each value is a list.
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::Minima | Self::Separators | Self::Depths)
    }

    /// A value to write, for messages.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Potential => "\"quadratic\"",
            Self::Alpha => "1.5",
            Self::Epsilon => "0.1",
            Self::Curvature | Self::A | Self::B | Self::Depth | Self::LeftDepth => "1.0",
            Self::Minima => "[-2.5, 0.0, 2.0]",
            Self::Separators => "[-1.5, 1.0]",
            Self::Depths => "[1.0, 1.0, 1.0]",
            Self::Paths => "300",
            Self::Start => "1",
            Self::FirstExit => "true",
            Self::Clip => "10.0",
        }
    }

    /// What it means, in a few words.
    pub(super) fn says(self) -> &'static str {
        match self {
            Self::Potential => "The form of f",
            Self::Alpha => "Tail index of the noise; 2 is Brownian motion",
            Self::Epsilon => "Scale of the noise",
            Self::Curvature => "M of the quadratic potential M w²/2",
            Self::A => "From the minimum 0 to the right end, or from 0 to the right minimum",
            Self::B => "The same to the left; as `a` when left out",
            Self::Depth => "Depth of the wells of a double well",
            Self::LeftDepth => "Depth of the left one; as `depth` when left out",
            Self::Minima => "Minima of several wells, from left to right",
            Self::Separators => "What lies between the minima",
            Self::Depths => "Depth of each well; 1 when left out",
            Self::Paths => "Number of paths",
            Self::Start => "The well, from 1, where all paths start; all by turns when left out",
            Self::FirstExit => "Whether a path ends with its first exit",
            Self::Clip => "The largest absolute value of a gradient",
        }
    }

    /// The value of a point.
    pub(super) fn value_in(self, point: &LevyPoint) -> Option<Value> {
        use PotentialForm::{DoubleWell, Quadratic, Wells};
        let real = |number: &f64| Some(Value::Real(*number));
        let list = |numbers: &[f64]| Some(Value::Reals(numbers.to_vec()));
        match (self, &point.potential) {
            (Self::Potential, form) => Some(Value::Word(form.as_str())),
            (Self::Alpha, _) => real(&point.alpha),
            (Self::Epsilon, _) => real(&point.epsilon),
            (Self::Curvature, Quadratic { curvature, .. }) => real(curvature),
            (Self::A, Quadratic { a, .. } | DoubleWell { a, .. }) => real(a),
            (Self::B, Quadratic { b, .. } | DoubleWell { b, .. }) => real(b),
            (Self::Depth, DoubleWell { depth, .. }) => real(depth),
            (Self::LeftDepth, DoubleWell { left_depth, .. }) => real(left_depth),
            (Self::Minima, Wells { minima, .. }) => list(minima),
            (Self::Separators, Wells { separators, .. }) => list(separators),
            (Self::Depths, Wells { depths, .. }) => list(depths),
            (Self::Paths, _) => Some(Value::Whole(point.paths.into())),
            (Self::Start, _) => point.start.map(|start| Value::Whole(u64::from(start) + 1)),
            (Self::FirstExit, _) => Some(Value::Flag(point.first_exit)),
            (Self::Clip, _) => point.clip.map(Value::Real),
            _ => None,
        }
    }
}

/// The words of `potential`.
pub(super) const POTENTIALS: [&str; 3] = ["quadratic", "double_well", "wells"];

/// What was written so far.
#[derive(Clone, Debug, Default)]
pub(super) struct LevyDraft {
    potential: Option<&'static str>,
    alpha: Option<f64>,
    epsilon: Option<f64>,
    curvature: Option<f64>,
    a: Option<f64>,
    b: Option<f64>,
    depth: Option<f64>,
    left_depth: Option<f64>,
    minima: Option<Vec<f64>>,
    separators: Option<Vec<f64>>,
    depths: Option<Vec<f64>>,
    paths: Option<u32>,
    start: Option<u32>,
    first_exit: Option<bool>,
    clip: Option<f64>,
}

impl LevyDraft {
    pub(super) fn set(&mut self, key: LevyKey, value: &Value) {
        use LevyKey as Key;
        match (key, value) {
            (Key::Potential, Value::Word(word)) => self.potential = Some(word),
            (Key::Alpha, Value::Real(real)) => self.alpha = Some(*real),
            (Key::Epsilon, Value::Real(real)) => self.epsilon = Some(*real),
            (Key::Curvature, Value::Real(real)) => self.curvature = Some(*real),
            (Key::A, Value::Real(real)) => self.a = Some(*real),
            (Key::B, Value::Real(real)) => self.b = Some(*real),
            (Key::Depth, Value::Real(real)) => self.depth = Some(*real),
            (Key::LeftDepth, Value::Real(real)) => self.left_depth = Some(*real),
            (Key::Clip, Value::Real(real)) => self.clip = Some(*real),
            (Key::Minima, Value::Reals(list)) => self.minima = Some(list.clone()),
            (Key::Separators, Value::Reals(list)) => self.separators = Some(list.clone()),
            (Key::Depths, Value::Reals(list)) => self.depths = Some(list.clone()),
            // The bounds of these keys are those of 32 bits.
            (Key::Paths, Value::Whole(whole)) => self.paths = Some(*whole as u32),
            (Key::Start, Value::Whole(whole)) => self.start = Some(*whole as u32),
            (Key::FirstExit, Value::Flag(flag)) => self.first_exit = Some(*flag),
            _ => {}
        }
    }

    /// The numbers that the potential does not have, and the word of one that has them.
    fn of_another_potential(&self) -> Option<(LevyKey, &'static str)> {
        use LevyKey as Key;
        let [quadratic, double, wells] = POTENTIALS;
        let form = self.potential.unwrap_or(quadratic);
        [
            (Key::Curvature, self.curvature.is_some(), &[quadratic][..]),
            (Key::A, self.a.is_some(), &[quadratic, double]),
            (Key::B, self.b.is_some(), &[quadratic, double]),
            (Key::Depth, self.depth.is_some(), &[double]),
            (Key::LeftDepth, self.left_depth.is_some(), &[double]),
            (Key::Minima, self.minima.is_some(), &[wells]),
            (Key::Separators, self.separators.is_some(), &[wells]),
            (Key::Depths, self.depths.is_some(), &[wells]),
        ]
        .into_iter()
        .find(|(_, is_set, forms)| *is_set && !forms.contains(&form))
        .map(|(key, _, forms)| (key, forms[0]))
    }

    fn form(&self) -> Result<PotentialForm, Fault> {
        if let Some((key, word)) = self.of_another_potential() {
            let message = format!(
                "the potential `{}` has no `{}`",
                self.potential.unwrap_or("quadratic"),
                key.name()
            );
            let help = format!("leave it out, or write `potential = \"{word}\"`");
            return Err(Fault::at(key, message, help));
        }
        let a = self.a.unwrap_or(1.0);
        let b = self.b.unwrap_or(a);
        match self.potential {
            Some("double_well") => {
                let depth = self.depth.unwrap_or(1.0);
                Ok(PotentialForm::DoubleWell {
                    a,
                    b,
                    depth,
                    left_depth: self.left_depth.unwrap_or(depth),
                })
            }
            Some("wells") => {
                let minima = self.minima.clone().ok_or(lacks(LevyKey::Minima))?;
                Ok(PotentialForm::Wells {
                    separators: self.separators.clone().ok_or(lacks(LevyKey::Separators))?,
                    depths: self.depths.clone().unwrap_or(vec![1.0; minima.len()]),
                    minima,
                })
            }
            _ => Ok(PotentialForm::Quadratic {
                curvature: self.curvature.unwrap_or(1.0),
                a,
                b,
            }),
        }
    }

    pub(super) fn point(
        self,
        batch_size: u32,
        learning_rate: f64,
        steps: u64,
        every: u64,
    ) -> Result<LevyPoint, Fault> {
        let form = self.form()?;
        let potential = form.potential().map_err(|problem| {
            let message = format!("no potential: {problem}");
            let help = "write them as in `minima = [-2.5, 0.0, 2.0]`, `separators = [-1.5, 1.0]` \
                        and `depths = [1.0, 1.0, 1.0]`";
            Fault::at(LevyKey::Minima, message, help)
        })?;
        let wells = potential.len();
        if let Some(start) = self.start.filter(|start| *start as usize > wells) {
            let message = format!("`levy_sde.start` cannot be `{start}`");
            let help = format!("write a well, from 1 to {wells}");
            return Err(Fault::at(LevyKey::Start, message, help));
        }
        if wells == 1 && self.first_exit == Some(false) {
            let message = "a path that leaves the interval does not come back";
            let help = "leave `first_exit` out, or write `potential = \"double_well\"`";
            return Err(Fault::at(LevyKey::FirstExit, message, help));
        }
        if learning_rate == 0.0 {
            let message = "steps of `learning_rate = 0` lead nowhere";
            return Err(Fault::at(
                Key::LearningRate,
                message,
                "write the time of a step, as in `0.01`",
            ));
        }
        // Steps of 2/f″ and more do not come back to the minimum but swing about it wider and wider.
        if learning_rate * potential.curvature() >= 1.0 {
            let message = "a step of this `learning_rate` leaps over the minimum";
            let help = format!("write less, such as {:.0e}", 0.5 / potential.curvature());
            return Err(Fault::at(Key::LearningRate, message, help));
        }
        let point = LevyPoint {
            potential: form,
            alpha: self.alpha.ok_or(lacks(LevyKey::Alpha))?,
            epsilon: self.epsilon.ok_or(lacks(LevyKey::Epsilon))?,
            paths: self.paths.unwrap_or(300),
            start: self
                .start
                .filter(|_| wells > 1)
                .map(|start| start.saturating_sub(1)),
            first_exit: wells == 1 || self.first_exit.unwrap_or(false),
            clip: self.clip,
            batch_size,
            learning_rate,
            steps,
            every,
        };
        let noise = point.noise();
        if point.theory().is_none() || !(noise.is_finite() && noise > 0.0) {
            let message = format!("the noise of a step would be {noise:?}");
            let help = "it is `epsilon`·(`learning_rate`·`batch_size`)^(1/`alpha` − 1): write numbers \
                        nearer to 1, such as `alpha = 1.5` and `epsilon = 0.1`";
            return Err(Fault::at(LevyKey::Alpha, message, help));
        }
        Ok(point)
    }
}

fn lacks(key: LevyKey) -> Fault {
    let name = key.name();
    let word = name.trim_start_matches("levy_sde.");
    let message = format!("`levy_sde` has no `{name}`");
    let help = format!(
        "write `{word} = {}` below `[levy_sde]`, or `\"{name}\"` in the block",
        key.example()
    );
    Fault::at(key, message, help)
}
