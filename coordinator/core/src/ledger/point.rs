//! What is predicted of the runs of one point, once for all of its seeds.

use std::collections::HashMap;

use tailsweep_common::cost;
use tailsweep_common::run::{Dataset, Point};

use crate::prepared::Predicted;

/// A data set, by the order in which it was first heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DatasetNo(pub(crate) u32);

/// What runs of a point take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Needs {
    /// Predicted seconds on one core.
    pub(crate) seconds: f32,
    /// Predicted memory, bytes, without the data set.
    pub(crate) memory: u64,
    /// The data set, if it has one; the runs of a worker share it.
    pub(crate) dataset: Option<DatasetNo>,
}

/// What is known of points, and of their data sets.
#[derive(Debug, Default)]
pub(crate) struct Points {
    needs: Vec<Needs>,
    datasets: HashMap<Dataset, DatasetNo>,
    /// Bytes in memory of each data set.
    sizes: Vec<u64>,
}

impl Points {
    /// Keeps what a point is predicted to take; returns its number.
    pub(crate) fn add(&mut self, point: &Point, predicted: Predicted) -> u32 {
        let Predicted { seconds, memory } = predicted;
        let dataset = point.dataset().map(|dataset| self.number(dataset));
        self.needs.push(Needs {
            seconds,
            memory,
            dataset,
        });
        (self.needs.len() - 1) as u32
    }

    fn number(&mut self, dataset: &Dataset) -> DatasetNo {
        if let Some(known) = self.datasets.get(dataset) {
            return *known;
        }
        let new = DatasetNo(self.sizes.len() as u32);
        self.datasets.insert(dataset.clone(), new);
        self.sizes.push(cost::dataset_bytes(dataset));
        new
    }

    /// What the runs of a point take.
    pub(crate) fn needs(&self, number: u32) -> Needs {
        self.needs[number as usize]
    }

    /// Bytes that the data of a run take in memory.
    pub(crate) fn data_bytes(&self, needs: Needs) -> u64 {
        needs
            .dataset
            .map_or(0, |dataset| self.sizes[dataset.0 as usize])
    }
}
