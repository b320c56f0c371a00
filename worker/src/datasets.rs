//! Data sets in memory: loaded once, shared by the runs that use them, dropped with the last one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tailsweep_common::run::Dataset;
use tailsweep_trainers::data::{self, Data, DataError};

/// The data sets below a data directory.
#[derive(Debug)]
pub(crate) struct Datasets {
    folder: PathBuf,
    loaded: Mutex<BTreeMap<Dataset, Weak<Data>>>,
}

impl Datasets {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            loaded: Mutex::default(),
        }
    }

    /// The data set, from memory if a run uses it now. Others wait while one loads.
    pub(crate) fn get(&self, dataset: &Dataset) -> Result<Arc<Data>, DataError> {
        // A panic while loading leaves the map as it was.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(data) = loaded.get(dataset).and_then(Weak::upgrade) {
            return Ok(data);
        }
        loaded.retain(|_, data| data.strong_count() > 0);
        let data = Arc::new(data::load(dataset, &self.folder)?);
        loaded.insert(dataset.clone(), Arc::downgrade(&data));
        Ok(data)
    }
}
