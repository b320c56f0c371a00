//! Data sets in memory: loaded once, shared by the runs that use them.
//!
//! The one that was asked for last stays when no run uses it, so that the runs of a slot one after
//! another load it once; any other goes with its last run.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tailsweep_common::cost::dataset_bytes;
use tailsweep_common::id::BlobId;
use tailsweep_common::run::{Dataset, Source};
use tailsweep_trainers::data::{self, Data, DataError, DataFault};
use tracing::{info, warn};

use crate::official;

/// The data sets below a data directory.
#[derive(Debug)]
pub(crate) struct Datasets {
    folder: PathBuf,
    /// Whether official files that are missing are downloaded.
    fetch: bool,
    loaded: Mutex<Loaded>,
    /// Held while own data travel: no file is fetched twice.
    travel: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Loaded {
    known: BTreeMap<Dataset, Weak<Data>>,
    last: Option<Arc<Data>>,
}

impl Loaded {
    fn get(&mut self, dataset: &Dataset) -> Option<Arc<Data>> {
        let found = self.known.get(dataset).and_then(Weak::upgrade);
        match &found {
            Some(_) => self.last.clone_from(&found),
            // Room for the one that is about to be loaded.
            None => self.last = None,
        }
        found
    }

    fn insert(&mut self, data: &Arc<Data>) {
        self.known.retain(|_, data| data.strong_count() > 0);
        let dataset = data.dataset.clone();
        self.known.insert(dataset, Arc::downgrade(data));
        self.last = Some(Arc::clone(data));
    }
}

impl Datasets {
    pub(crate) fn new(folder: PathBuf, fetch: bool) -> Self {
        Self {
            folder,
            fetch,
            loaded: Mutex::default(),
            travel: tokio::sync::Mutex::default(),
        }
    }

    /// The data set, from memory if it is there. Others wait while one loads.
    pub(crate) fn get(&self, dataset: &Dataset) -> Result<Arc<Data>, DataError> {
        let mut loaded = self.loaded();
        if let Some(data) = loaded.get(dataset) {
            return Ok(data);
        }
        let data = Arc::new(self.load(dataset)?);
        loaded.insert(&data);
        Ok(data)
    }

    /// Bytes that data take here now, about.
    pub(crate) fn bytes(&self) -> u64 {
        let loaded = self.loaded();
        let alive = loaded
            .known
            .iter()
            .filter(|(_, data)| data.strong_count() > 0);
        alive.map(|(dataset, _)| dataset_bytes(dataset)).sum()
    }

    /// Reads it, after a download if that is wished and needed.
    fn load(&self, dataset: &Dataset) -> Result<Data, DataError> {
        let missing = match self.read(dataset) {
            Err(problem) if self.fetch && matches!(problem.fault, DataFault::Missing) => problem,
            loaded => return loaded,
        };
        let Source::Named(name) = dataset.source else {
            return Err(missing);
        };
        info!(%name, "downloading");
        if let Err(problem) = official::fetch(name, &self.folder, None, &mut |_| {}) {
            warn!(%problem, "the download failed");
            return Err(missing);
        }
        self.read(dataset)
    }

    /// Reads it, if its files are the official ones.
    fn read(&self, dataset: &Dataset) -> Result<Data, DataError> {
        let loaded = data::load(dataset, &self.folder)?;
        official::require(dataset, &self.folder)?;
        Ok(loaded)
    }

    /// The data set whose files travelled with its sweep; `fetch` brings one of them.
    ///
    /// # Errors
    ///
    /// That of fetching; or, inside, the files are not what they should be.
    pub(crate) async fn own<E, F: Future<Output = Result<Vec<u8>, E>>>(
        &self,
        dataset: &Dataset,
        fetch: impl Fn(BlobId) -> F,
    ) -> Result<Result<Arc<Data>, DataError>, E> {
        let _alone = self.travel.lock().await;
        if let Some(data) = self.loaded().get(dataset) {
            return Ok(Ok(data));
        }
        let mut files = BTreeMap::new();
        for id in dataset.files() {
            if let Entry::Vacant(place) = files.entry(id) {
                place.insert(fetch(id).await?);
            }
        }
        let wanted = dataset.clone();
        let read = tokio::task::spawn_blocking(move || data::load_own(&wanted, &files));
        let read = read.await.expect("reading arrays does not panic");
        Ok(read.map(|data| {
            let data = Arc::new(data);
            self.loaded().insert(&data);
            data
        }))
    }

    /// A panic while loading leaves the map as it was.
    fn loaded(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the data set could be had from the data directory: the same files are read and judged,
/// and nothing is kept.
///
/// # Errors
///
/// A file is missing, damaged, or not the official one; the text says what to do.
pub fn check_data(dataset: &Dataset, data_dir: &Path) -> Result<(), DataError> {
    data::check(dataset, data_dir)?;
    official::require(dataset, data_dir)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tailsweep_common::npy::encode_f32;
    use tailsweep_common::run::{Blobs, OwnData, OwnSplit, Targets};

    use super::*;

    #[test]
    fn runs_at_the_same_time_share_their_data() {
        let datasets = Datasets::new(PathBuf::new(), false);
        let blobs = Dataset::all(Blobs::default());
        let first = datasets.get(&blobs).expect("generated");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let again = datasets.get(&blobs).expect("generated");
                    assert!(Arc::ptr_eq(&first, &again));
                });
            }
        });
    }

    #[test]
    fn runs_one_after_another_load_their_data_once() {
        let datasets = Datasets::new(PathBuf::new(), false);
        let blobs = |examples| {
            Dataset::all(Blobs {
                examples,
                ..Blobs::default()
            })
        };
        let of_a_run = |dataset: &Dataset| {
            let data = datasets.get(dataset).expect("generated");
            Arc::downgrade(&data)
        };
        let (one, other) = (blobs(100), blobs(200));
        let first = of_a_run(&one);
        assert!(of_a_run(&one).ptr_eq(&first), "loaded again");
        assert_eq!(datasets.bytes(), dataset_bytes(&one));
        let second = of_a_run(&other);
        assert!(first.upgrade().is_none(), "it stays beside another");
        assert!(of_a_run(&other).ptr_eq(&second));
        assert_eq!(datasets.bytes(), dataset_bytes(&other));
    }

    #[tokio::test]
    async fn own_files_travel_once_for_all_slots() {
        let images = encode_f32(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let labels = encode_f32(&[2], &[0.5, 1.5]);
        let dataset = Dataset::all(OwnData {
            name: "mine".to_owned(),
            shape: [3, 1, 1],
            targets: Targets::Values,
            train: OwnSplit {
                images: BlobId::of(&images),
                labels: BlobId::of(&labels),
                examples: 2,
            },
            test: None,
        });
        let fetched = AtomicUsize::new(0);
        let files = [&images, &labels];
        let fetch = |id| {
            fetched.fetch_add(1, Ordering::Relaxed);
            let file = files.iter().find(|file| BlobId::of(file) == id);
            let file = file.map(|file| file.to_vec()).ok_or(());
            async {
                tokio::task::yield_now().await;
                file
            }
        };
        let datasets = Datasets::new(PathBuf::new(), false);
        let (one, two) = tokio::join!(
            datasets.own(&dataset, &fetch),
            datasets.own(&dataset, &fetch)
        );
        let (one, two) = (
            one.expect("fetched").expect("two arrays"),
            two.expect("fetched").expect("the same"),
        );
        assert!(Arc::ptr_eq(&one, &two));
        assert_eq!(fetched.into_inner(), 2);
        assert_eq!(one.train.images()[[1, 2]], 5.0);
        assert!(one.test.is_empty());
    }
}
