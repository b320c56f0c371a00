//! Data sets: where examples come from, how many there are, and of what shape.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Loss;
use crate::id::BlobId;
use crate::measurement::Split;
use crate::network::numbers;
use crate::sweep::shortest;

/// A data set, with how many of its first examples are used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Where the examples come from.
    #[serde(rename = "name")]
    pub source: Source,
    /// Only the first training examples; `None`: all.
    pub train_limit: Option<u32>,
    /// Only the first test examples; `None`: all.
    pub test_limit: Option<u32>,
}

/// Where examples come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A user's own files.
    Own(Arc<OwnData>),
    /// Gaussian clusters, generated.
    Blobs(Blobs),
    /// Gaussian data around a plane, generated.
    GaussianRegression(GaussianRegression),
    /// One that tailsweep knows by name.
    #[serde(untagged)]
    Named(DatasetName),
}

/// The data sets that tailsweep knows by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatasetName {
    /// The first 10,000 training and 2,000 test images of MNIST, inside the program.
    MnistExcerpt,
    /// MNIST, from its four official files.
    Mnist,
    /// Fashion-MNIST, from its four official files.
    FashionMnist,
    /// CIFAR-10, from its official binary files.
    Cifar10,
    /// CIFAR-100 (fine labels), from its official binary files.
    Cifar100,
}

impl DatasetName {
    /// Every name, in the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::MnistExcerpt,
        Self::Mnist,
        Self::FashionMnist,
        Self::Cifar10,
        Self::Cifar100,
    ];

    /// As written in a sweep file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MnistExcerpt => "mnist-excerpt",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
        }
    }

    /// Channels, height and width of an image.
    pub fn image_shape(self) -> [usize; 3] {
        match self {
            Self::MnistExcerpt | Self::Mnist | Self::FashionMnist => [1, 28, 28],
            Self::Cifar10 | Self::Cifar100 => [3, 32, 32],
        }
    }

    /// Numbers in one example.
    pub fn features(self) -> usize {
        numbers(self.image_shape())
    }

    /// Number of classes.
    pub fn classes(self) -> usize {
        match self {
            Self::Cifar100 => 100,
            _ => 10,
        }
    }

    /// Training and test examples of the whole data set.
    pub fn examples(self) -> [usize; 2] {
        match self {
            Self::MnistExcerpt => [10_000, 2_000],
            Self::Mnist | Self::FashionMnist => [60_000, 10_000],
            Self::Cifar10 | Self::Cifar100 => [50_000, 10_000],
        }
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A user's own files: what is in them (see [`crate::own_data`]), not where they lie.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnData {
    /// As it is called in tables; no part of what determines a result.
    pub name: String,
    /// Channels, height and width of an example; [features, 1, 1] if it is no image.
    pub shape: [u32; 3],
    /// What the labels are.
    pub targets: Targets,
    /// The training examples.
    pub train: OwnSplit,
    /// The test examples, if there are any.
    pub test: Option<OwnSplit>,
}

/// The files of one split.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnSplit {
    /// The array of examples.
    pub images: BlobId,
    /// The array of labels.
    pub labels: BlobId,
    /// How many examples.
    pub examples: u32,
}

/// Clusters of examples, one for each class, for tests and demonstrations.
///
/// The centre of each cluster is drawn from N(0, I). An example is in any of the classes with
/// equal probability, and lies at its centre plus `spread` · N(0, I).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blobs {
    /// Number of clusters.
    pub classes: u32,
    /// Numbers in one example.
    pub features: u32,
    /// Standard deviation of each coordinate around the centre of the cluster.
    pub spread: Real,
    /// Training examples.
    pub examples: u32,
    /// Test examples.
    pub test_examples: u32,
    /// Other seeds are other data.
    pub seed: u64,
}

impl Default for Blobs {
    fn default() -> Self {
        Self {
            classes: 10,
            features: 20,
            spread: Real(1.0),
            examples: 10_000,
            test_examples: 2_000,
            seed: 0,
        }
    }
}

impl Blobs {
    fn settings(&self) -> [(&'static str, String); 6] {
        [
            ("classes", self.classes.to_string()),
            ("features", self.features.to_string()),
            ("spread", shortest(self.spread.0)),
            ("examples", self.examples.to_string()),
            ("test_examples", self.test_examples.to_string()),
            ("seed", self.seed.to_string()),
        ]
    }
}

/// The data of Gurbuzbalaban, Simsekli and Zhu 2021 (arXiv 2006.04740): examples a from N(0, I),
/// weights w from N(0, `weights`²·I), values y = a·w + ε with ε from N(0, `noise`²).
///
/// The defaults are those of their published code,
/// <https://github.com/umutsimsekli/sgd_ht>: n = 10,000, d = 100, σ_x = σ_y = 3.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianRegression {
    /// d: numbers in one example.
    pub features: u32,
    /// σ_x: standard deviation of each of the weights that the values come from.
    pub weights: Real,
    /// σ_y: standard deviation of the values around the plane.
    pub noise: Real,
    /// n: training examples.
    pub examples: u32,
    /// Test examples.
    pub test_examples: u32,
    /// Other seeds are other data.
    pub seed: u64,
}

impl Default for GaussianRegression {
    fn default() -> Self {
        Self {
            features: 100,
            weights: Real(3.0),
            noise: Real(3.0),
            examples: 10_000,
            test_examples: 2_000,
            seed: 0,
        }
    }
}

impl GaussianRegression {
    fn settings(&self) -> [(&'static str, String); 6] {
        [
            ("features", self.features.to_string()),
            ("weights", shortest(self.weights.0)),
            ("noise", shortest(self.noise.0)),
            ("examples", self.examples.to_string()),
            ("test_examples", self.test_examples.to_string()),
            ("seed", self.seed.to_string()),
        ]
    }
}

/// What a label is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Targets {
    /// One of so many classes.
    Classes(u32),
    /// A number.
    Values,
}

impl Targets {
    /// Outputs of a network for them.
    pub fn outputs(self) -> usize {
        match self {
            Self::Classes(classes) => classes as usize,
            Self::Values => 1,
        }
    }

    /// Whether the loss can be computed from such labels.
    pub fn fit(self, loss: Loss) -> bool {
        match self {
            Self::Classes(_) => matches!(loss, Loss::Nll | Loss::Hinge),
            Self::Values => matches!(loss, Loss::Squared),
        }
    }
}

impl Dataset {
    /// All examples of a data set.
    pub fn all(source: impl Into<Source>) -> Self {
        Self {
            source: source.into(),
            train_limit: None,
            test_limit: None,
        }
    }

    /// The same data without what does not determine a result: the name of own data, and whether
    /// a limit or a setting says how many are generated.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        let mut dataset = self.clone();
        let Self {
            source,
            train_limit,
            test_limit,
        } = &mut dataset;
        let sizes = match source {
            Source::Own(own) => {
                Arc::make_mut(own).name = String::new();
                return dataset;
            }
            Source::Named(_) => return dataset,
            Source::Blobs(data) => [&mut data.examples, &mut data.test_examples],
            Source::GaussianRegression(data) => [&mut data.examples, &mut data.test_examples],
        };
        for (size, limit) in sizes.into_iter().zip([train_limit, test_limit]) {
            *size = limit.take().unwrap_or(*size);
        }
        dataset
    }

    /// The files that it is read from, if they travel with the sweep.
    pub fn files(&self) -> Vec<BlobId> {
        match &self.source {
            Source::Own(own) => {
                let splits = [Some(&own.train), own.test.as_ref()];
                let files = splits.into_iter().flatten();
                files
                    .flat_map(|split| [split.images, split.labels])
                    .collect()
            }
            Source::Named(_) | Source::Blobs(_) | Source::GaussianRegression(_) => Vec::new(),
        }
    }

    /// As it is called in tables: its name, and what differs from the defaults of that name, but
    /// for limits, which have columns of their own.
    pub fn name(&self) -> String {
        let settings: Vec<String> = self
            .source
            .settings()
            .into_iter()
            .map(|(key, value)| format!(" {key}={value}"))
            .collect();
        format!("{}{}", self.source.kind(), settings.concat())
    }

    /// Examples used of one split.
    pub fn examples(&self, split: Split) -> usize {
        let [train, test] = self.source.examples();
        let (all, limit) = match split {
            Split::Train => (train, self.train_limit),
            Split::Test => (test, self.test_limit),
        };
        limit.map_or(all, |limit| all.min(limit as usize))
    }

    /// Channels, height and width of an example; [features, 1, 1] if it is no image.
    pub fn shape(&self) -> [usize; 3] {
        match &self.source {
            Source::Named(name) => name.image_shape(),
            Source::Own(own) => own.shape.map(|length| length as usize),
            Source::Blobs(blobs) => [blobs.features as usize, 1, 1],
            Source::GaussianRegression(data) => [data.features as usize, 1, 1],
        }
    }

    /// Numbers in one example.
    pub fn features(&self) -> usize {
        numbers(self.shape())
    }

    /// What the labels are.
    pub fn targets(&self) -> Targets {
        match &self.source {
            Source::Named(name) => Targets::Classes(name.classes() as u32),
            Source::Own(own) => own.targets,
            Source::Blobs(blobs) => Targets::Classes(blobs.classes),
            Source::GaussianRegression(_) => Targets::Values,
        }
    }
}

impl Source {
    /// The name alone, whatever its settings.
    pub fn kind(&self) -> &str {
        match self {
            Self::Named(name) => name.as_str(),
            Self::Own(own) => &own.name,
            Self::Blobs(_) => "blobs",
            Self::GaussianRegression(_) => "gaussian_regression",
        }
    }

    /// The keys whose values are not the defaults, as a sweep file has them.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let (own, usual) = match self {
            Self::Named(_) | Self::Own(_) => return Vec::new(),
            Self::Blobs(blobs) => (blobs.settings(), Blobs::default().settings()),
            Self::GaussianRegression(data) => {
                (data.settings(), GaussianRegression::default().settings())
            }
        };
        let differs = own
            .into_iter()
            .zip(usual)
            .filter(|(own, usual)| own != usual);
        differs.map(|(own, _)| own).collect()
    }

    /// Training and test examples of the whole data set.
    pub fn examples(&self) -> [usize; 2] {
        let pair = |train: u32, test: u32| [train as usize, test as usize];
        match self {
            Self::Named(name) => name.examples(),
            Self::Own(own) => pair(
                own.train.examples,
                own.test.as_ref().map_or(0, |test| test.examples),
            ),
            Self::Blobs(blobs) => pair(blobs.examples, blobs.test_examples),
            Self::GaussianRegression(data) => pair(data.examples, data.test_examples),
        }
    }
}

impl From<OwnData> for Source {
    fn from(own: OwnData) -> Self {
        Self::Own(Arc::new(own))
    }
}

impl From<Blobs> for Source {
    fn from(blobs: Blobs) -> Self {
        Self::Blobs(blobs)
    }
}

impl From<GaussianRegression> for Source {
    fn from(data: GaussianRegression) -> Self {
        Self::GaussianRegression(data)
    }
}

impl From<DatasetName> for Source {
    fn from(name: DatasetName) -> Self {
        Self::Named(name)
    }
}

/// A finite number that can be compared and hashed: equal numbers have equal bits.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Real(pub f64);

impl Ord for Real {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Real {}

impl Hash for Real {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}
