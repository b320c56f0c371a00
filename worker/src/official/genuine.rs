//! Whether the files that a run is about to read are the official ones.
//!
//! A run's id names its data set and holds no digest of files, so that a sweep can be planned and
//! known results found where the data are not. This stands on the name meaning the same bytes
//! everywhere: a worker refuses any others before it loads them. A file is digested once in a
//! process, as long as its size and its time of change stay.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tailsweep_common::run::{Dataset, Source};
use tailsweep_trainers::data::{self, DataError, DataFault};
use tracing::warn;

use super::verify::judge;
use super::{Needed, State, needed};

/// Files that are not the official ones are not among them.
static JUDGED: Mutex<BTreeMap<PathBuf, Stamp>> = Mutex::new(BTreeMap::new());

/// What tells that a file was not touched.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    changed: Option<SystemTime>,
}

/// Requires that what [`data::load`] will read are the official files, plain or compressed by
/// whomever. Missing ones are left for it to name.
///
/// # Errors
///
/// A file has other contents, or cannot be read to its end.
pub(crate) fn require(dataset: &Dataset, data_dir: &Path) -> Result<(), DataError> {
    let Source::Named(name) = dataset.source else {
        return Ok(());
    };
    let read = data::files(dataset);
    needed(name)
        .iter()
        .filter(|file| read.iter().any(|read| read == file.path))
        .try_for_each(|file| require_one(dataset, file, data_dir))
}

fn require_one(dataset: &Dataset, file: &Needed, data_dir: &Path) -> Result<(), DataError> {
    let plain = data_dir.join(file.path);
    let found = match plain.is_file() {
        true => plain,
        false => data_dir.join(format!("{}.gz", file.path)),
    };
    let Ok(stamp) = stamp(&found) else {
        return Ok(());
    };
    let is_known = |judged: &BTreeMap<PathBuf, Stamp>| judged.get(&found) == Some(&stamp);
    if is_known(&JUDGED.lock().unwrap_or_else(PoisonError::into_inner)) {
        return Ok(());
    }
    let fault = match judge(file, data_dir).state {
        State::Official => None,
        State::Unknown(digest) => {
            warn!(
                file = %found.display(),
                digest,
                "can't tell whether this is the official file: known is the published .gz alone, \
                 which `tailsweep data fetch` gets once this one is removed"
            );
            None
        }
        State::Missing => None,
        State::Differs { found, official } => Some(DataFault::NotOfficial { found, official }),
        State::Unreadable(why) => Some(DataFault::Unreadable(Arc::new(io::Error::other(why)))),
    };
    if let Some(fault) = fault {
        return Err(DataError::altered(dataset, found, fault));
    }
    let mut judged = JUDGED.lock().unwrap_or_else(PoisonError::into_inner);
    judged.insert(found, stamp);
    Ok(())
}

fn stamp(file: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(file)?;
    Ok(Stamp {
        bytes: metadata.len(),
        changed: metadata.modified().ok(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on fails

    use tailsweep_common::run::DatasetName;
    use tempfile::TempDir;

    use super::super::verify::hex;
    use super::*;

    fn first(name: DatasetName, train: u32, test: u32) -> Dataset {
        Dataset {
            source: name.into(),
            train_limit: Some(train),
            test_limit: Some(test),
        }
    }

    #[test]
    fn a_file_is_official_by_its_content_until_it_is_touched() {
        use sha2::{Digest, Sha256};

        let dir = TempDir::new().unwrap();
        let file = Needed {
            path: "file",
            content: Some(hex(&Sha256::digest(b"right")).leak()),
            compressed: None,
        };
        let dataset = first(DatasetName::Mnist, 1, 1);
        let judged = || require_one(&dataset, &file, dir.path());
        judged().expect("a missing file is named by who reads it");
        fs::write(dir.path().join("file"), b"right").unwrap();
        judged().unwrap();
        judged().unwrap();
        fs::write(dir.path().join("file"), b"wrong!").unwrap();
        let refused = judged().unwrap_err();
        assert!(matches!(refused.fault, DataFault::NotOfficial { .. }));
        let text = refused.to_string();
        for part in ["file", "SHA-256", "remove it", "data fetch mnist", ".npy"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn only_the_files_that_are_read_are_judged() {
        let dir = TempDir::new().unwrap();
        let folder = dir.path().join("cifar-10-batches-bin");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("data_batch_2.bin"), b"altered").unwrap();
        let judged = |train| require(&first(DatasetName::Cifar10, train, 1), dir.path());
        judged(10_000).unwrap();
        judged(10_001).unwrap_err();
    }
}
