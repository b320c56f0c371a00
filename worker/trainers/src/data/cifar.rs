//! The binary format of CIFAR-10 and CIFAR-100, <https://www.cs.toronto.edu/~kriz/cifar.html>.
//!
//! Records without a header: the label (CIFAR-100: coarse label, fine label), then 3 × 32 × 32
//! bytes, channel by channel.

use std::path::Path;

use tailsweep_common::measurement::Split;
use tailsweep_common::run::DatasetName;

use super::source::Source;
use super::{DataError, RawExamples};

/// The first `examples` of a split; files beyond them are not opened.
pub(super) fn read(
    dataset: DatasetName,
    data_dir: &Path,
    split: Split,
    examples: usize,
) -> Result<RawExamples, DataError> {
    let (label_bytes, records_per_file, files) = match (dataset, split) {
        (DatasetName::Cifar100, Split::Train) => (2, 50_000, vec!["train".to_owned()]),
        (DatasetName::Cifar100, Split::Test) => (2, 10_000, vec!["test".to_owned()]),
        (_, Split::Train) => (
            1,
            10_000,
            (1..=5).map(|batch| format!("data_batch_{batch}")).collect(),
        ),
        (_, Split::Test) => (1, 10_000, vec!["test_batch".to_owned()]),
    };
    let folder = if label_bytes == 2 {
        "cifar-100-binary"
    } else {
        "cifar-10-batches-bin"
    };

    let features = dataset.features();
    let record = label_bytes + features;
    let mut raw = RawExamples {
        pixels: Vec::with_capacity(examples * features),
        labels: Vec::with_capacity(examples),
    };
    for file in files {
        let wanted = (examples - raw.labels.len()).min(records_per_file);
        if wanted == 0 {
            break;
        }
        let mut source = Source::open(dataset, data_dir, &format!("{folder}/{file}.bin"))?;
        let bytes = source.bytes(wanted * record)?;
        let labels = labels_of(&bytes, record, label_bytes);
        source.check_labels(&labels)?;
        raw.labels.extend(labels);
        if wanted == records_per_file {
            source.end()?;
        }
        for record in bytes.chunks_exact(record) {
            raw.pixels.extend_from_slice(&record[label_bytes..]);
        }
    }
    Ok(raw)
}

/// The last label byte of each record: the fine one.
fn labels_of(bytes: &[u8], record: usize, label_bytes: usize) -> Vec<u8> {
    bytes
        .chunks_exact(record)
        .map(|record| record[label_bytes - 1])
        .collect()
}
