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
    let (label_bytes, records_per_file) = match (dataset, split) {
        (DatasetName::Cifar100, Split::Train) => (2, 50_000),
        (DatasetName::Cifar100, Split::Test) => (2, 10_000),
        _ => (1, 10_000),
    };
    let features = dataset.features();
    let record = label_bytes + features;
    let mut raw = RawExamples {
        pixels: Vec::with_capacity(examples * features),
        labels: Vec::with_capacity(examples),
    };
    for file in files(dataset, split, examples) {
        let wanted = (examples - raw.labels.len()).min(records_per_file);
        let mut source = Source::open(dataset, data_dir, &file)?;
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

/// The files that hold the first `examples` of a split, below the data directory, without `.gz`.
pub(super) fn files(dataset: DatasetName, split: Split, examples: usize) -> Vec<String> {
    match (dataset, split) {
        _ if examples == 0 => Vec::new(),
        (DatasetName::Cifar100, Split::Train) => vec!["cifar-100-binary/train.bin".to_owned()],
        (DatasetName::Cifar100, Split::Test) => vec!["cifar-100-binary/test.bin".to_owned()],
        (_, Split::Train) => (1..=examples.div_ceil(10_000).min(5))
            .map(|batch| format!("cifar-10-batches-bin/data_batch_{batch}.bin"))
            .collect(),
        (_, Split::Test) => vec!["cifar-10-batches-bin/test_batch.bin".to_owned()],
    }
}

/// The last label byte of each record: the fine one.
fn labels_of(bytes: &[u8], record: usize, label_bytes: usize) -> Vec<u8> {
    bytes
        .chunks_exact(record)
        .map(|record| record[label_bytes - 1])
        .collect()
}
