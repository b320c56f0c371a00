//! Data sets as matrices of normalised images and labels.
//!
//! | name | files, below the data directory, plain or `.gz` |
//! |---|---|
//! | `mnist-excerpt` | none: inside the program |
//! | `mnist` | `mnist/{train,t10k}-{images-idx3,labels-idx1}-ubyte` |
//! | `fashion-mnist` | the same names in `fashion-mnist/` |
//! | `cifar10` | `cifar-10-batches-bin/data_batch_{1..5}.bin`, `test_batch.bin` |
//! | `cifar100` | `cifar-100-binary/train.bin`, `test.bin` (fine labels) |
//!
//! | a user's own | none: its arrays travel with the sweep |
//! | `blobs`, `gaussian_regression` | none: drawn from their settings |
//!
//! A pixel p becomes (p/255 − mean)/sd of its channel in f32, as PyTorch does it. Limits take
//! the first examples; only the files that hold them are opened, and only the bytes that hold
//! them are read, so nothing that a compressed file claims can exhaust memory. A file that is
//! read to its end must end where its format says. There is no download and no augmentation, and
//! no judgement here of whether a well-formed file is the official one: the worker's, before it
//! loads.

mod cifar;
mod excerpt;
mod generated;
mod idx;
mod own;
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::Array2;
use tailsweep_common::id::BlobId;
use tailsweep_common::measurement::Split;
use tailsweep_common::run::{Dataset, DatasetName, OwnSplit, Source};

/// The examples of a run, in file order.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// What was loaded.
    pub dataset: Dataset,
    /// The examples that are trained on.
    pub train: Examples,
    /// The others.
    pub test: Examples,
}

impl Data {
    /// The examples of one split.
    pub fn split(&self, split: Split) -> &Examples {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }
}

/// The examples of one split, in file order.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    /// [examples, features], normalised, each image as channels × rows × columns, in C order.
    images: Array2<f32>,
    /// One for each example.
    labels: Vec<Label>,
}

/// What a network is to say of an example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Label {
    /// Its class, counted from 0.
    Class(u32),
    /// Its value.
    Value(f32),
}

impl Examples {
    /// [examples, features], normalised; an image is channels × rows × columns.
    pub fn images(&self) -> &Array2<f32> {
        &self.images
    }

    /// One for each example.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// All images, one after the other.
    pub(crate) fn pixels(&self) -> &[f32] {
        self.images
            .as_slice()
            .expect("built in C order from a vector")
    }

    fn new(dataset: DatasetName, raw: RawExamples) -> Self {
        let channels = normalisation(dataset);
        let features = dataset.features();
        let per_channel = features / channels.len();
        let tables: Vec<[f32; 256]> = channels
            .iter()
            .map(|(mean, deviation)| {
                std::array::from_fn(|pixel| (pixel as f32 / 255.0 - mean) / deviation)
            })
            .collect();
        let examples = raw.labels.len();
        let mut numbers = Vec::with_capacity(examples * features);
        for image in raw.pixels.chunks_exact(features) {
            for (channel, table) in image.chunks_exact(per_channel).zip(&tables) {
                numbers.extend(channel.iter().map(|pixel| table[usize::from(*pixel)]));
            }
        }
        let images = Array2::from_shape_vec((examples, features), numbers)
            .expect("a reader gives whole images, one for each label");
        let class = |label| Label::Class(u32::from(label));
        Self {
            images,
            labels: raw.labels.into_iter().map(class).collect(),
        }
    }
}

/// Mean and standard deviation of each channel, of pixels in 0 … 1.
fn normalisation(dataset: DatasetName) -> &'static [(f32, f32)] {
    match dataset {
        DatasetName::MnistExcerpt | DatasetName::Mnist => &[(0.1307, 0.3081)],
        DatasetName::FashionMnist => &[(0.2860, 0.3530)],
        DatasetName::Cifar10 => &[(0.491, 0.247), (0.482, 0.243), (0.447, 0.262)],
        DatasetName::Cifar100 => &[(0.5071, 0.2675), (0.4867, 0.2565), (0.4408, 0.2761)],
    }
}

/// The bytes of some examples, as their file has them.
struct RawExamples {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

/// Why a data set cannot be used.
///
/// The text names the file, what is wrong with it and how to get a good one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("data set `{dataset}`: {file}: {fault}; {remedy}", file = .file.display())]
pub struct DataError {
    /// The data set, as tables call it.
    pub dataset: String,
    /// The file, or its name inside the program.
    pub file: PathBuf,
    /// What is wrong.
    pub fault: DataFault,
    /// Where good files come from, and where to put them.
    remedy: String,
}

impl DataError {
    /// Of a file of an official data set that has the right form, and other contents.
    pub fn altered(dataset: &Dataset, file: PathBuf, fault: DataFault) -> Self {
        let dataset = dataset.name();
        let remedy = format!(
            "remove it, and `tailsweep data fetch {dataset}` gets the official one; or, if it was \
             changed on purpose, save its examples as `.npy` arrays and name these in the sweep \
             file, `dataset = {{ images = …, labels = … }}`"
        );
        Self {
            dataset,
            file,
            fault,
            remedy,
        }
    }
}

/// What is wrong with a file of a data set.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DataFault {
    /// Neither the plain file nor the compressed one is there.
    #[error("there is no such file, nor the same with `.gz`")]
    Missing,
    /// It cannot be read, or it is no gzip file.
    #[error("cannot be read: {0}")]
    Unreadable(Arc<std::io::Error>),
    /// It ends too early.
    #[error("is truncated: it ends within the first {needed} bytes")]
    Truncated {
        /// Bytes that are needed, after decompression.
        needed: u64,
    },
    /// It goes on after its last example.
    #[error("goes on after the {expected} bytes that it should have")]
    TooLong {
        /// Bytes that it should have, after decompression.
        expected: u64,
    },
    /// The header is not that of this data set.
    #[error("is not the expected file: its header has {name} `{found}` instead of `{expected}`")]
    Header {
        /// The field of the header.
        name: &'static str,
        /// What the field should be.
        expected: u32,
        /// What it is.
        found: u32,
    },
    /// It has the form of the official file, and other contents. Runs are known by the name of
    /// the data set, so its results would pass for those of the official data.
    #[error(
        "is not the official file: the SHA-256 of its content is {found} instead of {official}"
    )]
    NotOfficial {
        /// The SHA-256 of what is in it, decompressed.
        found: String,
        /// What that should be.
        official: String,
    },
    /// The files of own data are not in the data directory.
    #[error("travels with its sweep, and is not here")]
    NotHere,
    /// Own data are not what their sweep said.
    #[error("is not the array that the sweep describes")]
    OtherArray,
    /// A label is no class of the data set.
    #[error(
        "is corrupt: example {example} has the label `{label}`, but there are {classes} classes"
    )]
    Label {
        /// The example, counted from 0 in this file.
        example: usize,
        /// Its label.
        label: u8,
        /// The number of classes.
        classes: usize,
    },
}

/// Reads or makes the examples of `dataset` that lie within its limits; those of own data come
/// from [`load_own`].
///
/// # Errors
///
/// A file that is needed is missing, cannot be read, or is not what it should be.
pub fn load(dataset: &Dataset, data_dir: &Path) -> Result<Data, DataError> {
    let examples = |split| {
        let examples = dataset.examples(split);
        Ok(match &dataset.source {
            Source::Named(name) => Examples::new(*name, read(*name, data_dir, split, examples)?),
            Source::Own(_) => return Err(no_own(dataset, DataFault::NotHere)),
            Source::Blobs(settings) => generated::blobs(settings, split, examples),
            Source::GaussianRegression(settings) => {
                generated::gaussian_regression(settings, split, examples)
            }
        })
    };
    Ok(Data {
        dataset: dataset.clone(),
        train: examples(Split::Train)?,
        test: examples(Split::Test)?,
    })
}

/// The files that [`load`] reads of an official data set, below the data directory, without `.gz`:
/// those that hold the examples within its limits. None for all other data.
pub fn files(dataset: &Dataset) -> Vec<String> {
    let of_split = |split| {
        let examples = dataset.examples(split);
        match dataset.source {
            Source::Named(name @ (DatasetName::Mnist | DatasetName::FashionMnist))
                if examples > 0 =>
            {
                idx::files(name, split).to_vec()
            }
            Source::Named(name @ (DatasetName::Cifar10 | DatasetName::Cifar100)) => {
                cifar::files(name, split, examples)
            }
            _ => Vec::new(),
        }
    };
    [of_split(Split::Train), of_split(Split::Test)].concat()
}

/// Whether [`load`] would succeed: the same files are read and judged, and nothing is kept.
///
/// # Errors
///
/// Those of [`load`].
pub fn check(dataset: &Dataset, data_dir: &Path) -> Result<(), DataError> {
    match dataset.source {
        // Inside the program, and tested.
        Source::Named(DatasetName::MnistExcerpt) => {}
        Source::Named(name) => {
            for split in [Split::Train, Split::Test] {
                read(name, data_dir, split, dataset.examples(split))?;
            }
        }
        // Looked at when the sweep file was read.
        Source::Own(_) => {}
        Source::Blobs(_) | Source::GaussianRegression(_) => {}
    }
    Ok(())
}

/// The examples of a data set whose files travelled with its sweep.
///
/// # Errors
///
/// A file is not there, or not what the data set says.
pub fn load_own(dataset: &Dataset, files: &BTreeMap<BlobId, Vec<u8>>) -> Result<Data, DataError> {
    let fault = |fault| no_own(dataset, fault);
    let Source::Own(own) = &dataset.source else {
        return Err(fault(DataFault::NotHere));
    };
    let file = |id: &BlobId| files.get(id).ok_or_else(|| fault(DataFault::NotHere));
    let read = |split: Option<&OwnSplit>, which| {
        let Some(split) = split else {
            return Ok(Examples {
                images: Array2::zeros((0, dataset.features())),
                labels: Vec::new(),
            });
        };
        let (images, labels) = (file(&split.images)?, file(&split.labels)?);
        let examples = dataset.examples(which);
        own::read(images, labels, dataset.features(), own.targets, examples).map_err(fault)
    };
    Ok(Data {
        dataset: dataset.clone(),
        train: read(Some(&own.train), Split::Train)?,
        test: read(own.test.as_ref(), Split::Test)?,
    })
}

fn no_own(dataset: &Dataset, fault: DataFault) -> DataError {
    DataError {
        dataset: dataset.name(),
        file: PathBuf::from("its arrays"),
        fault,
        remedy: "submit the sweep again".to_owned(),
    }
}

fn read(
    name: DatasetName,
    data_dir: &Path,
    split: Split,
    examples: usize,
) -> Result<RawExamples, DataError> {
    match name {
        DatasetName::MnistExcerpt => excerpt::read(split, examples),
        DatasetName::Mnist | DatasetName::FashionMnist => {
            idx::read(name, data_dir, split, examples)
        }
        DatasetName::Cifar10 | DatasetName::Cifar100 => {
            cifar::read(name, data_dir, split, examples)
        }
    }
}
