//! Values as text: in messages, and in the columns of tables.
//!
//! The text is what one would write in the sweep file, single words without quotation marks;
//! initial weights are shown by their digest, because the run knows no file name.

use std::fmt;

use tailsweep_stats::Treatments;

use super::key::Key;
use super::number::shortest;
use super::value::Value;
use crate::measurement::Split;
use crate::run::{Dataset, Init, Measure, Point, Sampling, Schedule, Train};

impl Point {
    /// The text of an own axis, such as `train.momentum`, in its column; `None` for other keys.
    pub fn setting(&self, key: &str) -> Option<String> {
        let key = Key::of_axis(key)?;
        let value = match (key, self) {
            (key, _) if !key.is_own_axis() => return None,
            (Key::Steps, point) => Value::Whole(point.steps()),
            (Key::Every, point) => Value::Whole(point.every()),
            (Key::Synthetic(key), Self::Synthetic(point)) => key.value_in(point)?,
            (Key::Levy(key), Self::LevySde(point)) => key.value_in(point)?,
            (key, Self::Network(point)) => {
                train_value(key, &point.train).or_else(|| measure_value(key, &point.measure))?
            }
            (key, Self::Synthetic(point)) => measure_value(key, &point.measure)?,
            (_, Self::LevySde(_)) => return None,
        };
        Some(value.to_string())
    }
}

fn train_value(key: Key, train: &Train) -> Option<Value> {
    Some(match key {
        Key::Sampling => Value::Sampling(train.sampling),
        Key::Momentum => Value::Real(train.momentum),
        Key::WeightDecay => Value::Real(train.weight_decay),
        Key::Dropout => Value::Real(train.dropout),
        Key::Schedule => Value::Schedule(train.schedule.clone()),
        Key::StopAtTrainAccuracy => Value::StopAtTrainAccuracy(train.stop_at_train_accuracy),
        Key::Init => Value::Init(train.init.clone()),
        _ => return None,
    })
}

fn measure_value(key: Key, measure: &Measure) -> Option<Value> {
    Some(match key {
        Key::Splits => Value::Splits(measure.splits.clone()),
        Key::Minibatches => Value::Minibatches(measure.minibatches),
        Key::Treatments => Value::Treatments(measure.treatments),
        Key::Iterates => Value::Iterates(measure.iterates),
        Key::Dump => Value::Dump(measure.dump.clone()),
        _ => return None,
    })
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dataset(dataset) => dataset_text(f, dataset),
            Self::Architecture(family) => f.write_str(family.as_str()),
            Self::Loss(loss) => f.write_str(loss.as_str()),
            Self::Whole(whole) => write!(f, "{whole}"),
            Self::Real(real) | Self::StopAtTrainAccuracy(Some(real)) => {
                f.write_str(&shortest(*real))
            }
            Self::StopAtTrainAccuracy(None) => f.write_str("false"),
            Self::Sampling(Sampling::FileOrder) => f.write_str("file_order"),
            Self::Sampling(Sampling::Shuffled) => f.write_str("shuffled"),
            Self::Sampling(Sampling::WithReplacement) => f.write_str("with_replacement"),
            Self::Schedule(Schedule::Constant) => f.write_str("constant"),
            Self::Schedule(Schedule::Cosine) => f.write_str("{ cosine = true }"),
            Self::Schedule(Schedule::Milestones { milestones, gamma }) => {
                write!(
                    f,
                    "{{ milestones = {milestones:?}, gamma = {} }}",
                    shortest(*gamma)
                )
            }
            Self::Init(Init::Default) => f.write_str("default"),
            Self::Init(Init::Weights(digest)) => write!(f, "{digest}"),
            Self::Splits(splits) => list(f, splits.iter().map(|split: &Split| split.as_str())),
            Self::Minibatches(None) => f.write_str("all"),
            Self::Minibatches(Some(count)) => write!(f, "{count}"),
            Self::Treatments(treatments) => treatments_text(f, *treatments),
            Self::Iterates(flag) | Self::Flag(flag) => write!(f, "{flag}"),
            Self::Dump(steps) => write!(f, "{steps:?}"),
            Self::Word(word) => f.write_str(word),
            Self::Reals(reals) => {
                let texts: Vec<String> = reals.iter().map(|real| shortest(*real)).collect();
                write!(f, "[{}]", texts.join(", "))
            }
        }
    }
}

fn dataset_text(f: &mut fmt::Formatter<'_>, dataset: &Dataset) -> fmt::Result {
    let Dataset {
        source,
        train_limit,
        test_limit,
    } = dataset;
    let (kind, settings) = (source.kind(), source.settings());
    if settings.is_empty() && train_limit.is_none() && test_limit.is_none() {
        return f.write_str(kind);
    }
    write!(f, "{{ name = \"{kind}\"")?;
    for (key, value) in settings {
        write!(f, ", {key} = {value}")?;
    }
    if let Some(limit) = train_limit {
        write!(f, ", train_limit = {limit}")?;
    }
    if let Some(limit) = test_limit {
        write!(f, ", test_limit = {limit}")?;
    }
    f.write_str(" }")
}

fn treatments_text(f: &mut fmt::Formatter<'_>, treatments: Treatments) -> fmt::Result {
    list(f, treatments.iter().map(|treatment| treatment.as_str()))
}

fn list<'a>(f: &mut fmt::Formatter<'_>, words: impl Iterator<Item = &'a str>) -> fmt::Result {
    let words: Vec<&str> = words.collect();
    write!(f, "{words:?}")
}
