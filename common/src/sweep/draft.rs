//! A point under construction: defaults, then the protocol, then explicit keys, then axes.

use super::key::Key;
use super::levy_sde::{LevyDraft, LevyKey};
use super::synthetic::{SyntheticDraft, SyntheticKey};
use super::value::{Family, Value};
use super::written::{File, Protocol};
use crate::measurement::Split;
use crate::run::{
    Architecture, Dataset, DatasetName, Init, Loss, Measure, NetworkPoint, Point, Sampling,
    Schedule, Train,
};

/// Everything of a point; later values replace earlier ones.
#[derive(Clone)]
pub(super) struct Draft {
    dataset: Dataset,
    family: Family,
    width: u32,
    depth: u32,
    batch_size: u32,
    learning_rate: f64,
    loss: Loss,
    train: Train,
    measure: Measure,
    /// Whether the file says which splits are measured.
    has_splits: bool,
    synthetic: SyntheticDraft,
    levy: LevyDraft,
    /// Milestones follow the number of steps, until a schedule is given.
    halves_at_thirds: bool,
}

impl Draft {
    /// What every point of the file begins with.
    pub(super) fn of(file: &File) -> Self {
        let mut draft = Self {
            dataset: Dataset::all(DatasetName::Mnist),
            family: Family::Fcn,
            width: 1,
            depth: 2,
            batch_size: 1,
            learning_rate: 0.0,
            loss: Loss::Nll,
            train: Train {
                steps: 1,
                sampling: Sampling::FileOrder,
                momentum: 0.0,
                weight_decay: 0.0,
                dropout: 0.5,
                schedule: Schedule::Constant,
                stop_at_train_accuracy: None,
                init: Init::Default,
            },
            measure: Measure {
                every: 100,
                splits: vec![Split::Train, Split::Test],
                minibatches: None,
                treatments: tailsweep_stats::Treatments::default(),
                iterates: false,
                dump: Vec::new(),
            },
            has_splits: false,
            synthetic: SyntheticDraft::default(),
            levy: LevyDraft::default(),
            halves_at_thirds: false,
        };
        match file.train.protocol {
            None => {}
            Some(Protocol::Code) => {
                draft.train.steps = 65_000;
                draft.train.stop_at_train_accuracy = Some(1.0);
                draft.halves_at_thirds = true;
            }
            Some(Protocol::Paper) => {
                draft.train.sampling = Sampling::Shuffled;
                draft.train.stop_at_train_accuracy = Some(1.0);
            }
        }
        for section in file.sections() {
            for (key, value, _) in &section.values {
                draft.set(*key, value);
            }
        }
        draft
    }

    /// Takes over a value that was read for `key`.
    pub(super) fn set(&mut self, key: Key, value: &Value) {
        let Self { train, measure, .. } = self;
        match (key, value) {
            (Key::Synthetic(key), value) => self.synthetic.set(key, value),
            (Key::Levy(key), value) => self.levy.set(key, value),
            (_, Value::Dataset(dataset)) => self.dataset = dataset.clone(),
            (_, Value::Architecture(family)) => self.family = *family,
            (_, Value::Loss(loss)) => self.loss = *loss,
            // The bounds of these keys are those of 32 bits.
            (Key::Width, Value::Whole(width)) => self.width = *width as u32,
            (Key::Depth, Value::Whole(depth)) => self.depth = *depth as u32,
            (Key::BatchSize, Value::Whole(size)) => self.batch_size = *size as u32,
            (Key::Every, Value::Whole(every)) => measure.every = *every,
            (_, Value::Whole(steps)) => train.steps = *steps,
            (Key::LearningRate, Value::Real(rate)) => self.learning_rate = *rate,
            (Key::Momentum, Value::Real(momentum)) => train.momentum = *momentum,
            (Key::WeightDecay, Value::Real(decay)) => train.weight_decay = *decay,
            (_, Value::Real(dropout)) => train.dropout = *dropout,
            (_, Value::Sampling(sampling)) => train.sampling = *sampling,
            (_, Value::Schedule(schedule)) => {
                train.schedule = schedule.clone();
                self.halves_at_thirds = false;
            }
            (_, Value::StopAtTrainAccuracy(accuracy)) => train.stop_at_train_accuracy = *accuracy,
            (_, Value::Init(init)) => train.init = init.clone(),
            (_, Value::Splits(splits)) => {
                measure.splits.clone_from(splits);
                self.has_splits = true;
            }
            (_, Value::Minibatches(count)) => measure.minibatches = *count,
            (_, Value::Treatments(treatments)) => measure.treatments = *treatments,
            (_, Value::Iterates(iterates)) => measure.iterates = *iterates,
            (_, Value::Dump(steps)) => measure.dump.clone_from(steps),
            // Values of the sections above alone.
            (_, Value::Word(_) | Value::Flag(_) | Value::Reals(_)) => {}
        }
    }

    /// The point, in the one form that equal runs share.
    pub(super) fn point(self) -> Result<Point, Fault> {
        let (steps, batch_size, rate) = (self.train.steps, self.batch_size, self.learning_rate);
        match self.family {
            Family::Synthetic => {
                let mut measure = self.measure;
                measure.iterates = false;
                measure.dump.clear();
                if !self.has_splits {
                    measure.splits = vec![Split::Train];
                }
                let point = self.synthetic.point(batch_size, rate, steps, measure);
                point.map(Point::Synthetic)
            }
            Family::LevySde => {
                let every = self.measure.every;
                let point = self.levy.point(batch_size, rate, steps, every);
                point.map(Point::LevySde)
            }
            Family::Fcn => {
                let (width, depth) = (self.width, self.depth);
                Ok(self.network(Architecture::Fcn { width, depth }))
            }
            Family::Alexnet => {
                let width = self.width;
                Ok(self.network(Architecture::Alexnet { width }))
            }
            Family::LinearRegression => Ok(self.network(Architecture::LinearRegression)),
        }
    }

    fn network(self, architecture: Architecture) -> Point {
        let Self {
            dataset,
            batch_size,
            learning_rate,
            loss,
            ..
        } = self;
        let Self {
            mut train,
            mut measure,
            ..
        } = self;
        if dataset.examples(Split::Test) == 0 && measure.splits.contains(&Split::Train) {
            measure.splits = vec![Split::Train];
        }
        if !architecture.has_dropout() {
            train.dropout = 0.0;
        }
        if self.halves_at_thirds {
            let third = train.steps / 3;
            train.schedule = Schedule::Milestones {
                milestones: vec![third, 2 * third],
                gamma: 0.5,
            };
        }
        Point::Network(NetworkPoint {
            dataset,
            architecture,
            batch_size,
            learning_rate,
            loss,
            train,
            measure,
        })
    }
}

/// Why the values of a point make none.
pub(super) struct Fault {
    /// Whose value is at fault, or missing.
    pub(super) key: Key,
    pub(super) message: String,
    pub(super) help: String,
}

impl Fault {
    pub(super) fn at(
        key: impl Into<Key>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
            help: help.into(),
        }
    }
}

impl From<SyntheticKey> for Key {
    fn from(key: SyntheticKey) -> Self {
        Self::Synthetic(key)
    }
}

impl From<LevyKey> for Key {
    fn from(key: LevyKey) -> Self {
        Self::Levy(key)
    }
}
