//! The keys of `[synthetic]`, and the noise that they mean.

use super::draft::Fault;
use super::value::{Numbers, Value, above_0, from_0};
use crate::run::{Law, Measure, Rows, SyntheticPoint};

/// A key of `[synthetic]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SyntheticKey {
    Law,
    Alpha,
    Degrees,
    Params,
    Minibatches,
    Examples,
    ScaleSpread,
    Correlation,
    Group,
    Zeros,
    DeadGroups,
    Centred,
}

/// The most values of one draw, all of which are in memory: 1 GiB.
const MOST_VALUES: u64 = 1 << 27;

impl SyntheticKey {
    pub(super) const ALL: [Self; 12] = [
        Self::Law,
        Self::Alpha,
        Self::Degrees,
        Self::Params,
        Self::Minibatches,
        Self::Examples,
        Self::ScaleSpread,
        Self::Correlation,
        Self::Group,
        Self::Zeros,
        Self::DeadGroups,
        Self::Centred,
    ];

    /// With its section.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Law => "synthetic.law",
            Self::Alpha => "synthetic.alpha",
            Self::Degrees => "synthetic.degrees",
            Self::Params => "synthetic.params",
            Self::Minibatches => "synthetic.minibatches",
            Self::Examples => "synthetic.examples",
            Self::ScaleSpread => "synthetic.scale_spread",
            Self::Correlation => "synthetic.correlation",
            Self::Group => "synthetic.group",
            Self::Zeros => "synthetic.zeros",
            Self::DeadGroups => "synthetic.dead_groups",
            Self::Centred => "synthetic.centred",
        }
    }

    pub(super) fn numbers(self) -> Option<Numbers> {
        Some(match self {
            Self::Alpha => ALPHA,
            Self::Degrees => above_0(),
            Self::Params | Self::Minibatches | Self::Examples | Self::Group => Numbers::Whole {
                least: 1,
                most: i64::from(u32::MAX),
            },
            Self::ScaleSpread => from_0(),
            Self::Correlation => Numbers::Real {
                fits: |value| (0.0..=1.0).contains(&value),
                bounds: "a number from 0 to 1",
            },
            Self::Zeros | Self::DeadGroups => Numbers::Real {
                fits: |value| (0.0..1.0).contains(&value),
                bounds: "a share from 0 to below 1",
            },
            Self::Law | Self::Centred => return None,
        })
    }

    /// A value to write, for messages.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Law => "\"stable\"",
            Self::Alpha => "1.5",
            Self::Degrees => "3",
            Self::Params => "10000",
            Self::Minibatches => "100",
            Self::Examples => "10000",
            Self::ScaleSpread => "1.0",
            Self::Correlation => "0.05",
            Self::Group => "1000",
            Self::Zeros => "0.05",
            Self::DeadGroups => "0.1",
            Self::Centred => "false",
        }
    }

    /// What it means, in a few words.
    pub(super) fn says(self) -> &'static str {
        match self {
            Self::Law => "The law of a single value",
            Self::Alpha => "Tail index of the stable law",
            Self::Degrees => "Degrees of freedom of Student's t",
            Self::Params => "M, the number of parameters",
            Self::Minibatches => "P, the number of minibatches",
            Self::Examples => "Instead of P: examples, cut into minibatches",
            Self::ScaleSpread => "s of scales with ln σ ~ N(0, s²)",
            Self::Correlation => "Correlation of the parameters of a group",
            Self::Group => "Neighbouring parameters that are a group; all when left out",
            Self::Zeros => "Share of single parameters that are exactly zero",
            Self::DeadGroups => "Share of groups that are wholly zero",
            Self::Centred => "Whether the mean of the minibatches is subtracted",
        }
    }

    /// The value of a point.
    pub(super) fn value_in(self, point: &SyntheticPoint) -> Option<Value> {
        let whole = |number: u32| Some(Value::Whole(number.into()));
        match self {
            Self::Law => Some(Value::Word(point.law.as_str())),
            Self::Alpha => match point.law {
                Law::Stable { alpha } => Some(Value::Real(alpha)),
                _ => None,
            },
            Self::Degrees => match point.law {
                Law::StudentT { degrees } => Some(Value::Real(degrees)),
                _ => None,
            },
            Self::Params => whole(point.params),
            Self::Minibatches => match point.rows {
                Rows::Minibatches(count) => whole(count),
                Rows::Examples(_) => None,
            },
            Self::Examples => match point.rows {
                Rows::Examples(count) => whole(count),
                Rows::Minibatches(_) => None,
            },
            Self::ScaleSpread => Some(Value::Real(point.scale_spread)),
            Self::Correlation => Some(Value::Real(point.correlation)),
            Self::Group => whole(point.group),
            Self::Zeros => Some(Value::Real(point.zeros)),
            Self::DeadGroups => Some(Value::Real(point.dead_groups)),
            Self::Centred => Some(Value::Flag(point.centred)),
        }
    }
}

/// The bounds of a tail index.
pub(super) const ALPHA: Numbers = Numbers::Real {
    fits: |value| value > 0.0 && value <= 2.0,
    bounds: "a number above 0, up to 2",
};

/// The words of `law`.
pub(super) const LAWS: [&str; 4] = ["stable", "gaussian", "student_t", "laplace"];

/// What was written so far.
#[derive(Clone, Debug)]
pub(super) struct SyntheticDraft {
    law: &'static str,
    alpha: Option<f64>,
    degrees: Option<f64>,
    params: u32,
    minibatches: Option<u32>,
    examples: Option<u32>,
    scale_spread: f64,
    correlation: f64,
    group: Option<u32>,
    zeros: f64,
    dead_groups: f64,
    centred: bool,
}

impl Default for SyntheticDraft {
    fn default() -> Self {
        Self {
            law: "stable",
            alpha: None,
            degrees: None,
            params: 10_000,
            minibatches: None,
            examples: None,
            scale_spread: 0.0,
            correlation: 0.0,
            group: None,
            zeros: 0.0,
            dead_groups: 0.0,
            centred: true,
        }
    }
}

impl SyntheticDraft {
    pub(super) fn set(&mut self, key: SyntheticKey, value: &Value) {
        use SyntheticKey as Key;
        match (key, value) {
            (Key::Law, Value::Word(law)) => self.law = law,
            (Key::Alpha, Value::Real(alpha)) => self.alpha = Some(*alpha),
            (Key::Degrees, Value::Real(degrees)) => self.degrees = Some(*degrees),
            // The bounds of these keys are those of 32 bits.
            (Key::Params, Value::Whole(params)) => self.params = *params as u32,
            (Key::Minibatches, Value::Whole(count)) => self.minibatches = Some(*count as u32),
            (Key::Examples, Value::Whole(count)) => self.examples = Some(*count as u32),
            (Key::Group, Value::Whole(group)) => self.group = Some(*group as u32),
            (Key::ScaleSpread, Value::Real(spread)) => self.scale_spread = *spread,
            (Key::Correlation, Value::Real(correlation)) => self.correlation = *correlation,
            (Key::Zeros, Value::Real(zeros)) => self.zeros = *zeros,
            (Key::DeadGroups, Value::Real(dead)) => self.dead_groups = *dead,
            (Key::Centred, Value::Flag(centred)) => self.centred = *centred,
            _ => {}
        }
    }

    pub(super) fn point(
        self,
        batch_size: u32,
        learning_rate: f64,
        steps: u64,
        measure: Measure,
    ) -> Result<SyntheticPoint, Fault> {
        use SyntheticKey as Key;
        let lacks = |key: Key, of: &str| {
            let name = key.name();
            let message = format!("{of} has no `{name}`");
            let help = format!(
                "write `{}` below `[synthetic]`, or `\"{name}\"` in the block",
                written(key)
            );
            Err(Fault::at(key, message, help))
        };
        let law = match self.law {
            "stable" => match self.alpha {
                Some(alpha) => Law::Stable { alpha },
                None => return lacks(Key::Alpha, "a stable law"),
            },
            "student_t" => match self.degrees {
                Some(degrees) => Law::StudentT { degrees },
                None => return lacks(Key::Degrees, "Student's t"),
            },
            "laplace" => Law::Laplace,
            _ => Law::Gaussian,
        };
        let rows = match (self.minibatches, self.examples) {
            (Some(_), Some(_)) => {
                let message = "both `synthetic.minibatches` and `synthetic.examples`";
                let help = "write one of them: examples are cut into minibatches of `batch_size`";
                return Err(Fault::at(Key::Examples, message, help));
            }
            (None, Some(count)) if count < batch_size => {
                let message = format!("`synthetic.examples` cannot be `{count}`");
                let help = format!("write at least the batch size, {batch_size}");
                return Err(Fault::at(Key::Examples, message, help));
            }
            (None, Some(count)) => Rows::Examples(count),
            (count, None) => Rows::Minibatches(count.unwrap_or(100)),
        };
        let group = self.group.filter(|group| *group < self.params);
        let grouped = self.correlation > 0.0 || self.dead_groups > 0.0;
        let point = SyntheticPoint {
            law,
            params: self.params,
            rows,
            batch_size,
            learning_rate,
            scale_spread: self.scale_spread,
            correlation: self.correlation,
            group: group.filter(|_| grouped).unwrap_or(self.params),
            zeros: self.zeros,
            dead_groups: self.dead_groups,
            centred: self.centred,
            steps,
            measure,
        };
        if point.all_minibatches() as u64 * u64::from(point.params) > MOST_VALUES {
            let message = "a draw of so many values";
            let help = format!("write fewer minibatches or parameters: {MOST_VALUES} are the most");
            return Err(Fault::at(Key::Params, message, help));
        }
        Ok(point)
    }
}

fn written(key: SyntheticKey) -> String {
    let word = key.name().trim_start_matches("synthetic.");
    format!("{word} = {}", key.example())
}
