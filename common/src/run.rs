//! A run: everything that determines the result of one training or simulation, and nothing else.

mod dataset;
mod levy_sde;
mod synthetic;

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tailsweep_stats::{Layer, Treatments};

use crate::id::{BlobId, RunId};
use crate::measurement::Split;
use crate::network::{self, Network};

pub use dataset::{
    Blobs, Dataset, DatasetName, GaussianRegression, OwnData, OwnSplit, Real, Source, Targets,
};
pub use levy_sde::{LevyPoint, PotentialForm};
pub use synthetic::{Law, Rows, SyntheticPoint};

/// Raised whenever the bytes of a result change for an unchanged run, so that results made by
/// different arithmetic are never mixed.
pub const NUMERICS: u32 = 5;

/// One training: a point plus a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The combination of axis values.
    pub point: Arc<Point>,
    /// The seed of every random stream of the run.
    pub seed: u64,
}

/// One combination of axis values, without the seed: what kind of run it is, and all that this
/// kind depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// A network is trained, and its gradient noise measured.
    Network(NetworkPoint),
    /// Noise of a known law is drawn and measured.
    Synthetic(SyntheticPoint),
    /// Paths of a stochastic differential equation are followed.
    LevySde(LevyPoint),
}

/// A network, its data, and how it is trained and measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkPoint {
    /// The examples.
    pub dataset: Dataset,
    /// The network.
    pub architecture: Architecture,
    /// Examples in a minibatch, in training and in measuring.
    pub batch_size: u32,
    /// η of the first step.
    pub learning_rate: f64,
    /// The loss.
    pub loss: Loss,
    /// How it is trained.
    pub train: Train,
    /// What is measured.
    pub measure: Measure,
}

impl Run {
    /// The digest of the canonical form: equal runs, and only they, have equal ids.
    ///
    /// Floats are written in their shortest form that reads back exactly.
    pub fn id(&self) -> RunId {
        let canonical = serde_json::to_vec(&(NUMERICS, &*self.point.anonymous(), self.seed))
            .expect("a point is plain data with finite floats");
        RunId::of(&canonical)
    }
}

/// A network and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Architecture {
    /// Linear layers without bias, ReLU between them.
    Fcn {
        /// Units of each hidden layer.
        width: u32,
        /// Number of linear layers, at least 2.
        depth: u32,
    },
    /// The scaled AlexNet of the paper's code.
    Alexnet {
        /// Channels of each convolution.
        width: u32,
    },
    /// One linear layer without bias.
    LinearRegression,
}

impl Architecture {
    /// As written in a sweep file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fcn { .. } => "fcn",
            Self::Alexnet { .. } => "alexnet",
            Self::LinearRegression => "linear_regression",
        }
    }

    /// Hidden units or channels.
    pub fn width(self) -> Option<u32> {
        match self {
            Self::Fcn { width, .. } | Self::Alexnet { width } => Some(width),
            Self::LinearRegression => None,
        }
    }

    /// Number of layers, where the architecture has a choice of it.
    pub fn depth(self) -> Option<u32> {
        match self {
            Self::Fcn { depth, .. } => Some(depth),
            Self::Alexnet { .. } | Self::LinearRegression => None,
        }
    }

    /// Whether the architecture has dropout layers.
    pub fn has_dropout(self) -> bool {
        matches!(self, Self::Alexnet { .. })
    }

    /// What it computes, for the examples of a data set.
    pub fn network(self, dataset: &Dataset) -> Network {
        let (input, outputs) = (dataset.shape(), dataset.targets().outputs());
        match self {
            Self::Fcn { width, depth } => network::fcn::network(input, outputs, width, depth),
            Self::Alexnet { width } => network::alexnet::network(input, outputs, width),
            Self::LinearRegression => network::linear_regression::network(input, outputs),
        }
    }

    /// The parameter tensors in module order, named as in PyTorch's state dictionaries.
    pub fn layers(self, dataset: &Dataset) -> Vec<Layer> {
        let network = self.network(dataset);
        network.parameters().map(|tensor| tensor.layer).collect()
    }

    /// M, the number of parameters.
    pub fn params(self, dataset: &Dataset) -> u64 {
        match self {
            // Without its modules: a sweep may hold a million points, each of a thousand layers.
            Self::Fcn { width, depth } => {
                let inputs = dataset.features() as u64;
                let outputs = dataset.targets().outputs() as u64;
                let (width, hidden) = (u64::from(width), u64::from(depth.saturating_sub(2)));
                let square = hidden.saturating_mul(width.saturating_mul(width));
                ((inputs + outputs) * width).saturating_add(square)
            }
            Self::Alexnet { .. } | Self::LinearRegression => self.network(dataset).params(),
        }
    }
}

/// The loss of a minibatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Softmax cross entropy, mean over the minibatch.
    Nll,
    /// Linear hinge: targets ±1, mean over minibatch and classes of max(0, 1 − target·output).
    Hinge,
    /// ½(output − value)², mean over the minibatch.
    Squared,
}

impl Loss {
    /// Every one, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Nll, Self::Hinge, Self::Squared];

    /// As written in a sweep file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nll => "nll",
            Self::Hinge => "hinge",
            Self::Squared => "squared",
        }
    }
}

/// How a run is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// Number of updates, if nothing stops it before.
    pub steps: u64,
    /// Which examples make a minibatch.
    pub sampling: Sampling,
    /// μ of v ← μv + (g + λw), w ← w − ηv.
    pub momentum: f64,
    /// λ of the same.
    pub weight_decay: f64,
    /// Share of units dropped in training; 0 where the architecture has no dropout.
    pub dropout: f64,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Ends the run at the first measured step with at least this training accuracy.
    pub stop_at_train_accuracy: Option<f64>,
    /// The initial weights.
    pub init: Init,
}

/// Which examples make the minibatches of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// In the order of the file, the same in each epoch, as in the published code.
    FileOrder,
    /// In a new random order in each epoch.
    Shuffled,
    /// Each example drawn independently.
    WithReplacement,
}

/// How the learning rate changes over the steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// η throughout.
    Constant,
    /// Update k (from 0) uses η·γ^#{milestones ≤ k}.
    Milestones {
        /// Steps, rising.
        milestones: Vec<u64>,
        /// γ.
        gamma: f64,
    },
    /// Update k (from 0) uses η(1 + cos(πk/steps))/2.
    Cosine,
}

impl Train {
    /// The learning rate of update `step`, counted from 0.
    pub fn learning_rate(&self, initial: f64, step: u64) -> f64 {
        match &self.schedule {
            Schedule::Constant => initial,
            Schedule::Milestones { milestones, gamma } => {
                let passed = milestones
                    .iter()
                    .filter(|milestone| **milestone <= step)
                    .count();
                initial * gamma.powi(passed as i32)
            }
            Schedule::Cosine => {
                let progress = step as f64 / self.steps as f64;
                // Not the system's: its last bit is not the same everywhere.
                initial * (1.0 + libm::cos(std::f64::consts::PI * progress)) / 2.0
            }
        }
    }
}

/// The initial weights of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Init {
    /// PyTorch's default: uniform ±1/√fan_in for weights and biases.
    Default,
    /// The tensors of a safetensors file that travels with the sweep.
    Weights(BlobId),
}

/// What is measured, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Steps between measurements; step 0 and the last one are always measured.
    pub every: u64,
    /// In the order train, test.
    pub splits: Vec<Split>,
    /// How many of the minibatches, evenly spaced; `None`: all.
    pub minibatches: Option<u32>,
    /// What is done to the noise before estimating.
    pub treatments: Treatments,
    /// Whether the averaged iterates are measured too.
    pub iterates: bool,
    /// The measured steps whose gradients are written to files, ascending. It is a part of the run,
    /// so that a run whose result is known is computed for its files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dump: Vec<u64>,
}

impl Measure {
    /// Whether a measurement is due after `step` updates of a run of `steps`.
    pub fn is_due(&self, step: u64, steps: u64) -> bool {
        step == steps || step.is_multiple_of(self.every)
    }
}

impl NetworkPoint {
    /// P of a split: how many minibatches are measured.
    pub fn minibatches(&self, split: Split) -> usize {
        let all = self
            .dataset
            .examples(split)
            .div_ceil(self.batch_size as usize);
        self.measure
            .minibatches
            .map_or(all, |limit| all.min(limit as usize))
    }

    /// The data that a run of it reads: those of a test split that is not measured are left out.
    pub fn needed_data(&self) -> Dataset {
        let mut needed = self.dataset.clone();
        if !self.measure.splits.contains(&Split::Test) {
            needed.test_limit = Some(0);
        }
        needed
    }

    /// M, the number of parameters.
    pub fn params(&self) -> u64 {
        self.architecture.params(&self.dataset)
    }
}

impl From<NetworkPoint> for Point {
    fn from(point: NetworkPoint) -> Self {
        Self::Network(point)
    }
}

/// What all kinds of runs have, and the columns that some of them leave empty.
impl Point {
    /// The same without what does not determine a result: names of data, and how fewer of them are
    /// asked for.
    fn anonymous(&self) -> Cow<'_, Self> {
        match self {
            Self::Network(point) if !matches!(point.dataset.source, Source::Named(_)) => {
                Cow::Owned(Self::Network(NetworkPoint {
                    dataset: point.dataset.anonymous(),
                    ..point.clone()
                }))
            }
            _ => Cow::Borrowed(self),
        }
    }

    /// The network that is trained, if one is.
    pub fn network(&self) -> Option<&NetworkPoint> {
        match self {
            Self::Network(point) => Some(point),
            Self::Synthetic(_) | Self::LevySde(_) => None,
        }
    }

    /// The noise that is drawn, if it is.
    pub fn synthetic(&self) -> Option<&SyntheticPoint> {
        match self {
            Self::Synthetic(point) => Some(point),
            Self::Network(_) | Self::LevySde(_) => None,
        }
    }

    /// The equation whose paths are followed, if there is one.
    pub fn levy_sde(&self) -> Option<&LevyPoint> {
        match self {
            Self::LevySde(point) => Some(point),
            Self::Network(_) | Self::Synthetic(_) => None,
        }
    }

    /// Number of steps, if nothing stops the run before.
    pub fn steps(&self) -> u64 {
        match self {
            Self::Network(point) => point.train.steps,
            Self::Synthetic(point) => point.steps,
            Self::LevySde(point) => point.steps,
        }
    }

    /// Steps between measurements.
    pub fn every(&self) -> u64 {
        match self {
            Self::Network(point) => point.measure.every,
            Self::Synthetic(point) => point.measure.every,
            Self::LevySde(point) => point.every,
        }
    }

    /// How noise is measured; `None` where there is no noise.
    pub fn measure(&self) -> Option<&Measure> {
        match self {
            Self::Network(point) => Some(&point.measure),
            Self::Synthetic(point) => Some(&point.measure),
            Self::LevySde(_) => None,
        }
    }

    /// Whether a measurement is due after `step` steps.
    pub fn is_due(&self, step: u64) -> bool {
        step == self.steps() || step.is_multiple_of(self.every())
    }

    /// M, the number of parameters; an equation has one variable.
    pub fn params(&self) -> u64 {
        match self {
            Self::Network(point) => point.params(),
            Self::Synthetic(point) => point.params.into(),
            Self::LevySde(_) => 1,
        }
    }

    /// The data set, where there is one.
    pub fn dataset(&self) -> Option<&Dataset> {
        self.network().map(|point| &point.dataset)
    }

    /// The data that a run of it reads, where there are any.
    pub fn needed_data(&self) -> Option<Dataset> {
        self.network().map(NetworkPoint::needed_data)
    }

    /// The architecture, as written in a sweep file.
    pub fn architecture(&self) -> &'static str {
        match self {
            Self::Network(point) => point.architecture.as_str(),
            Self::Synthetic(_) => "synthetic",
            Self::LevySde(_) => "levy_sde",
        }
    }

    /// Hidden units or channels.
    pub fn width(&self) -> Option<u32> {
        self.network().and_then(|point| point.architecture.width())
    }

    /// Number of layers, where there is a choice of it.
    pub fn depth(&self) -> Option<u32> {
        self.network().and_then(|point| point.architecture.depth())
    }

    /// Examples in a minibatch.
    pub fn batch_size(&self) -> u32 {
        match self {
            Self::Network(point) => point.batch_size,
            Self::Synthetic(point) => point.batch_size,
            Self::LevySde(point) => point.batch_size,
        }
    }

    /// η of the first step.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Self::Network(point) => point.learning_rate,
            Self::Synthetic(point) => point.learning_rate,
            Self::LevySde(point) => point.learning_rate,
        }
    }

    /// The loss, where there is one.
    pub fn loss(&self) -> Option<Loss> {
        self.network().map(|point| point.loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cifar10() -> Dataset {
        Dataset::all(DatasetName::Cifar10)
    }

    #[test]
    fn fcn_has_the_published_number_of_parameters() {
        let params = |width, depth, dataset: DatasetName| {
            Architecture::Fcn { width, depth }.params(&Dataset::all(dataset))
        };
        assert_eq!(params(4, 2, DatasetName::Mnist), 3_176);
        assert_eq!(params(32, 4, DatasetName::Mnist), 27_456);
        assert_eq!(params(512, 9, DatasetName::Mnist), 2_241_536);
        assert_eq!(params(1024, 9, DatasetName::Cifar10), 10_496_000);
    }

    #[test]
    fn modules_have_as_many_parameters_as_the_formula_says() {
        for (width, depth) in [(4, 2), (32, 4), (7, 9)] {
            let architecture = Architecture::Fcn { width, depth };
            let network = architecture.network(&cifar10());
            assert_eq!(network.params(), architecture.params(&cifar10()));
        }
    }

    #[test]
    fn alexnet_has_the_published_tensors() {
        let tensors: Vec<_> = Architecture::Alexnet { width: 4 }
            .network(&cifar10())
            .parameters()
            .map(|tensor| (tensor.layer.name, tensor.shape))
            .collect();
        let expected: [(&str, &[usize]); 16] = [
            ("features.0.weight", &[4, 3, 4, 4]),
            ("features.0.bias", &[4]),
            ("features.3.weight", &[4, 4, 5, 5]),
            ("features.3.bias", &[4]),
            ("features.6.weight", &[4, 4, 3, 3]),
            ("features.6.bias", &[4]),
            ("features.8.weight", &[4, 4, 3, 3]),
            ("features.8.bias", &[4]),
            ("features.10.weight", &[4, 4, 3, 3]),
            ("features.10.bias", &[4]),
            ("classifier.1.weight", &[12, 4]),
            ("classifier.1.bias", &[12]),
            ("classifier.4.weight", &[12, 12]),
            ("classifier.4.bias", &[12]),
            ("classifier.6.weight", &[10, 12]),
            ("classifier.6.bias", &[10]),
        ];
        let expected = expected.map(|(name, shape)| (name.to_owned(), shape.to_vec()));
        assert_eq!(tensors, expected);
    }

    #[test]
    fn alexnet_has_the_published_number_of_parameters() {
        let expected = [
            (2, 396),
            (4, 1_390),
            (8, 5_426),
            (16, 22_810),
            (32, 100_266),
            (64, 451_146),
            (128, 2_050_698),
            (256, 9_347_338),
            (512, 42_555_914),
        ];
        for (width, params) in expected {
            let architecture = Architecture::Alexnet { width };
            assert_eq!(architecture.params(&cifar10()), params, "{width} channels");
        }
    }

    #[test]
    fn milestones_count_from_the_update_that_they_name() {
        let train = Train {
            steps: 6,
            sampling: Sampling::FileOrder,
            momentum: 0.0,
            weight_decay: 0.0,
            dropout: 0.0,
            schedule: Schedule::Milestones {
                milestones: vec![2, 4],
                gamma: 0.5,
            },
            stop_at_train_accuracy: None,
            init: Init::Default,
        };
        let rates: Vec<f64> = (0..6).map(|step| train.learning_rate(1.0, step)).collect();
        assert_eq!(rates, [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]);
    }
}
