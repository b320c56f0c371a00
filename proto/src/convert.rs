//! Conversions between the wire and the domain, by message.

use std::sync::Arc;
use std::time::Duration;

use tailsweep_common::exits::Exits;
use tailsweep_common::id::RunId;
use tailsweep_common::measurement::{Measurement, Split, SplitMeasurement};
use tailsweep_common::run::{Point, Run};
use tailsweep_common::state::Ending;
use tailsweep_stats::{EIGENVALUES, IterateMeans, IterateSummary, Scope, Spectrum};

use crate::wire;

/// A message that a peer sent and that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}` of message `{message}`: {problem}")]
pub struct WireError {
    /// The name of the message type.
    pub message: &'static str,
    /// The name of the field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl WireError {
    /// An error of one field.
    pub fn new(message: &'static str, field: &'static str, problem: impl ToString) -> Self {
        Self {
            message,
            field,
            problem: problem.to_string(),
        }
    }

    pub(crate) fn missing(message: &'static str, field: &'static str) -> Self {
        Self::new(message, field, "is missing")
    }
}

/// The fencing token as the domain has it.
pub type AttemptKey = (RunId, u32);

impl wire::AttemptKey {
    /// The key of an attempt.
    pub fn new(run: RunId, attempt: u32) -> Self {
        Self {
            run_id: run.as_bytes().to_vec().into(),
            attempt,
        }
    }
}

impl TryFrom<wire::AttemptKey> for AttemptKey {
    type Error = WireError;

    fn try_from(key: wire::AttemptKey) -> Result<Self, WireError> {
        let wire::AttemptKey { run_id, attempt } = key;
        let run = RunId::try_from(run_id.as_ref())
            .map_err(|error| WireError::new("AttemptKey", "run_id", error))?;
        if attempt == 0 {
            return Err(WireError::new("AttemptKey", "attempt", "counts from 1"));
        }
        Ok((run, attempt))
    }
}

/// The attempt that a message of type `message` speaks of.
pub fn attempt_of(
    key: Option<wire::AttemptKey>,
    message: &'static str,
) -> Result<AttemptKey, WireError> {
    key.ok_or_else(|| WireError::missing(message, "attempt"))?
        .try_into()
}

impl From<&Measurement> for wire::Measurement {
    fn from(measurement: &Measurement) -> Self {
        let Measurement {
            step,
            splits,
            iterates,
            exits,
        } = measurement;
        Self {
            step: *step,
            splits: splits.iter().map(Into::into).collect(),
            exits: exits.as_ref().map(Into::into),
            iterates: iterates.as_ref().map(Into::into),
        }
    }
}

impl From<&SplitMeasurement> for wire::SplitMeasurement {
    fn from(measurement: &SplitMeasurement) -> Self {
        let SplitMeasurement {
            split,
            loss,
            accuracy,
            noise,
            spectrum,
        } = measurement;
        let split = match split {
            Split::Train => wire::Split::Train,
            Split::Test => wire::Split::Test,
        };
        Self {
            split: split.into(),
            loss: *loss,
            accuracy: *accuracy,
            noise: Some(noise.into()),
            spectrum: spectrum.as_ref().map(|spectrum| wire::Spectrum {
                rows: spectrum.rows,
                trace: spectrum.trace,
                leading: spectrum.leading.clone(),
            }),
        }
    }
}

impl TryFrom<wire::Measurement> for Measurement {
    type Error = WireError;

    fn try_from(measurement: wire::Measurement) -> Result<Self, WireError> {
        let wire::Measurement {
            step,
            splits,
            exits,
            iterates,
        } = measurement;
        let splits: Vec<SplitMeasurement> = splits
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?;
        let exits = exits.map(Exits::try_from).transpose()?;
        if splits.is_empty() && exits.is_none() && iterates.is_none()
            || !splits.is_sorted_by(|a, b| a.split < b.split)
        {
            let problem = "expected `train`, `test` or both, in this order";
            return Err(WireError::new("Measurement", "splits", problem));
        }
        Ok(Self {
            step,
            splits,
            iterates: iterates.map(TryInto::try_into).transpose()?,
            exits,
        })
    }
}

impl TryFrom<wire::SplitMeasurement> for SplitMeasurement {
    type Error = WireError;

    fn try_from(measurement: wire::SplitMeasurement) -> Result<Self, WireError> {
        const MESSAGE: &str = "SplitMeasurement";
        let wire::SplitMeasurement {
            split,
            loss,
            accuracy,
            noise,
            spectrum,
        } = measurement;
        let split = match wire::Split::try_from(split) {
            Ok(wire::Split::Train) => Split::Train,
            Ok(wire::Split::Test) => Split::Test,
            Ok(wire::Split::Unspecified) | Err(_) => {
                return Err(WireError::new(MESSAGE, "split", "is not a known split"));
            }
        };
        if loss.is_some_and(|loss| !loss.is_finite()) {
            return Err(WireError::new(MESSAGE, "loss", "is not finite"));
        }
        if accuracy.is_some_and(|accuracy| !(0.0..=1.0).contains(&accuracy)) {
            return Err(WireError::new(
                MESSAGE,
                "accuracy",
                "is not between 0 and 1",
            ));
        }
        let noise = noise
            .ok_or_else(|| WireError::missing(MESSAGE, "noise"))?
            .try_into()?;
        let spectrum = spectrum.map(TryInto::try_into).transpose()?;
        Ok(Self {
            split,
            loss,
            accuracy,
            noise,
            spectrum,
        })
    }
}

impl TryFrom<wire::Spectrum> for Spectrum {
    type Error = WireError;

    fn try_from(spectrum: wire::Spectrum) -> Result<Self, WireError> {
        let wire::Spectrum {
            rows,
            trace,
            leading,
        } = spectrum;
        if !leading
            .iter()
            .chain([&trace])
            .all(|value| value.is_finite())
        {
            return Err(WireError::new("Spectrum", "leading", "is not finite"));
        }
        if leading.len() > EIGENVALUES {
            return Err(WireError::new("Spectrum", "leading", "has too many values"));
        }
        Ok(Self {
            rows,
            trace,
            leading,
        })
    }
}

impl From<&IterateSummary> for wire::Iterates {
    fn from(summary: &IterateSummary) -> Self {
        let IterateSummary { steps, scopes } = summary;
        Self {
            steps: *steps,
            scopes: scopes.iter().map(Into::into).collect(),
        }
    }
}

impl From<&IterateMeans> for wire::IterateMeans {
    fn from(means: &IterateMeans) -> Self {
        let IterateMeans {
            scope,
            k1,
            samples,
            ln_x,
            blocks,
            ln_y,
        } = means;
        let layer = match scope {
            Scope::All => None,
            Scope::Layer(name) => Some(name.clone()),
        };
        Self {
            layer,
            k1: *k1,
            samples: *samples,
            ln_x: *ln_x,
            blocks: *blocks,
            ln_y: *ln_y,
        }
    }
}

impl TryFrom<wire::Iterates> for IterateSummary {
    type Error = WireError;

    fn try_from(iterates: wire::Iterates) -> Result<Self, WireError> {
        let wire::Iterates { steps, scopes } = iterates;
        let scopes = scopes.into_iter().map(TryInto::try_into);
        Ok(Self {
            steps,
            scopes: scopes.collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<wire::IterateMeans> for IterateMeans {
    type Error = WireError;

    fn try_from(means: wire::IterateMeans) -> Result<Self, WireError> {
        let wire::IterateMeans {
            layer,
            k1,
            samples,
            ln_x,
            blocks,
            ln_y,
        } = means;
        if k1 == 0 {
            return Err(WireError::new("IterateMeans", "k1", "is 1 or more"));
        }
        if !(ln_x.is_finite() && ln_y.is_finite()) {
            return Err(WireError::new("IterateMeans", "ln_x", "is not finite"));
        }
        Ok(Self {
            scope: layer.map_or(Scope::All, Scope::Layer),
            k1,
            samples,
            ln_x,
            blocks,
            ln_y,
        })
    }
}

impl wire::Finished {
    /// The end of an attempt.
    pub fn new(key: AttemptKey, ending: Ending) -> Self {
        let ending = match ending {
            Ending::Done {
                steps,
                accuracy_reached,
            } => wire::finished::Ending::Done(wire::Done {
                steps,
                accuracy_reached,
            }),
            Ending::Diverged { step } => wire::finished::Ending::Diverged(wire::Diverged { step }),
        };
        Self {
            attempt: Some(wire::AttemptKey::new(key.0, key.1)),
            ending: Some(ending),
        }
    }
}

impl TryFrom<wire::Finished> for (AttemptKey, Ending) {
    type Error = WireError;

    fn try_from(finished: wire::Finished) -> Result<Self, WireError> {
        let wire::Finished { attempt, ending } = finished;
        let key = attempt_of(attempt, "Finished")?;
        let ending = match ending.ok_or_else(|| WireError::missing("Finished", "ending"))? {
            wire::finished::Ending::Done(wire::Done {
                steps,
                accuracy_reached,
            }) => Ending::Done {
                steps,
                accuracy_reached,
            },
            wire::finished::Ending::Diverged(wire::Diverged { step }) => Ending::Diverged { step },
        };
        Ok((key, ending))
    }
}

/// A lease as a worker understands it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    /// The fencing token.
    pub key: AttemptKey,
    /// What to train.
    pub run: Run,
    /// Updates of the stored checkpoint to go on from.
    pub resume: Option<u64>,
    /// How long the attempt may take.
    pub time_limit: Option<Duration>,
}

impl From<&Lease> for wire::Lease {
    fn from(lease: &Lease) -> Self {
        let Lease {
            key,
            run,
            resume,
            time_limit,
        } = lease;
        Self {
            attempt: Some(wire::AttemptKey::new(key.0, key.1)),
            point: serde_json::to_string(&*run.point)
                .expect("a point is plain data with finite floats"),
            seed: run.seed,
            resume: *resume,
            time_limit_ms: time_limit.map(|limit| limit.as_millis() as u64),
        }
    }
}

impl TryFrom<wire::Lease> for Lease {
    type Error = WireError;

    fn try_from(lease: wire::Lease) -> Result<Self, WireError> {
        let wire::Lease {
            attempt,
            point,
            seed,
            resume,
            time_limit_ms,
        } = lease;
        let key = attempt_of(attempt, "Lease")?;
        let point: Point = serde_json::from_str(&point)
            .map_err(|error| WireError::new("Lease", "point", error))?;
        let run = Run {
            point: Arc::new(point),
            seed,
        };
        if run.id() != key.0 {
            let problem = "does not have the run's id: the versions do not agree on numerics";
            return Err(WireError::new("Lease", "point", problem));
        }
        Ok(Self {
            key,
            run,
            resume,
            time_limit: time_limit_ms.map(Duration::from_millis),
        })
    }
}
