//! `mnist-excerpt`: the first 10,000 training and 2,000 test images of MNIST, inside the program.
//!
//! Four IDX files, as the official ones but shorter, made by `examples/make_excerpt.rs`.

use tailsweep_common::measurement::Split;
use tailsweep_common::run::DatasetName;

use super::source::Source;
use super::{DataError, RawExamples, idx};

macro_rules! embedded {
    ($name:literal) => {
        Source::embedded(
            DatasetName::MnistExcerpt,
            $name,
            include_bytes!(concat!("../../data/mnist-excerpt/", $name)),
        )
    };
}

/// The first `examples` of a split.
pub(super) fn read(split: Split, examples: usize) -> Result<RawExamples, DataError> {
    let (images, labels) = match split {
        Split::Train => (
            embedded!("train-images-idx3-ubyte.gz"),
            embedded!("train-labels-idx1-ubyte.gz"),
        ),
        Split::Test => (
            embedded!("t10k-images-idx3-ubyte.gz"),
            embedded!("t10k-labels-idx1-ubyte.gz"),
        ),
    };
    idx::read_pair(DatasetName::MnistExcerpt, split, images, labels, examples)
}
