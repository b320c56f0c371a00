//! The IDX format of MNIST and Fashion-MNIST, as on <http://yann.lecun.com/exdb/mnist/>.
//!
//! Big-endian header: the magic number 0x0000_08RR (unsigned bytes, RR dimensions), then each
//! dimension; then the bytes in C order.

use std::path::Path;

use tailsweep_common::measurement::Split;
use tailsweep_common::run::DatasetName;

use super::source::Source;
use super::{DataError, RawExamples};

const LABELS_MAGIC: u32 = 0x0801;
const IMAGES_MAGIC: u32 = 0x0803;

/// The first `examples` of a split.
pub(super) fn read(
    dataset: DatasetName,
    data_dir: &Path,
    split: Split,
    examples: usize,
) -> Result<RawExamples, DataError> {
    if examples == 0 {
        return Ok(RawExamples {
            pixels: Vec::new(),
            labels: Vec::new(),
        });
    }
    let [images, labels] = files(dataset, split);
    let open = |file: &str| Source::open(dataset, data_dir, file);
    read_pair(dataset, split, open(&images)?, open(&labels)?, examples)
}

/// The images and the labels of a split, below the data directory, without `.gz`.
pub(super) fn files(dataset: DatasetName, split: Split) -> [String; 2] {
    let part = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    ["images-idx3", "labels-idx1"].map(|kind| format!("{dataset}/{part}-{kind}-ubyte"))
}

/// The first `examples` of an images file and its labels file.
pub(super) fn read_pair(
    dataset: DatasetName,
    split: Split,
    mut images: Source<'_>,
    mut labels: Source<'_>,
    examples: usize,
) -> Result<RawExamples, DataError> {
    let [_, height, width] = dataset.image_shape();
    let all = dataset.examples()[split as usize];

    images.header("magic number", IMAGES_MAGIC)?;
    images.header("number of images", all as u32)?;
    images.header("image height", height as u32)?;
    images.header("image width", width as u32)?;
    let pixels = images.bytes(examples * height * width)?;

    labels.header("magic number", LABELS_MAGIC)?;
    labels.header("number of labels", all as u32)?;
    let classes = labels.bytes(examples)?;
    labels.check_labels(&classes)?;

    if examples == all {
        images.end()?;
        labels.end()?;
    }
    Ok(RawExamples {
        pixels,
        labels: classes,
    })
}
