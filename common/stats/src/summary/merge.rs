//! Adding summaries, and cutting them.

use std::sync::Arc;

use super::NoiseSummary;
use crate::histogram::LogHistogram;
use crate::values::ValueSums;

/// Two summaries are not of disjoint rows of one matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// They are of matrices of different shapes, or other treatments were asked.
    #[error("the summaries are of different shapes")]
    DifferentShapes,
    /// A row is in both.
    #[error("a row is in both summaries")]
    OverlappingRows,
    /// The sums that are of all rows at once are in both, or more values than there are.
    #[error("the sums over all rows are in both summaries")]
    WholeTwice,
}

impl NoiseSummary {
    /// Adds the sums of other rows of the same matrix. Nothing is changed on error.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        if !Arc::ptr_eq(&self.shape, &other.shape) && self.shape != other.shape {
            return Err(MergeError::DifferentShapes);
        }
        let rows = self
            .rows
            .union(&other.rows)
            .ok_or(MergeError::OverlappingRows)?;
        if self.surrogate.is_some() && other.surrogate.is_some()
            || self.paired.is_some() && other.paired.is_some()
        {
            return Err(MergeError::WholeTwice);
        }
        let mut values = self.values.clone();
        if let Some(others) = &other.values {
            values.get_or_insert_default().merge(others);
        }
        if values.as_ref().map_or(0, ValueSums::count) > self.shape.values() {
            return Err(MergeError::WholeTwice);
        }
        if self.norms.count() + other.norms.count() > self.shape.minibatches() as u64 {
            return Err(MergeError::WholeTwice);
        }
        let mut block_sums = self.block_sums.clone();
        if let Some(others) = &other.block_sums {
            block_sums.get_or_insert_default().merge(others);
        }
        let most = self.shape.values() / self.shape.block_length() as u64;
        if block_sums.as_ref().map_or(0, LogHistogram::count) > most {
            return Err(MergeError::WholeTwice);
        }
        self.rows = rows;
        self.block_sums = block_sums;
        self.values = values;
        for (cell, other) in self.cells.iter_mut().zip(&other.cells) {
            cell.merge(other);
        }
        for (moments, other) in self.moments.iter_mut().zip(&other.moments) {
            moments.merge(other);
        }
        for place in self.shape.places_of(&other.rows) {
            self.projections[place] = other.projections[place];
        }
        for (layer, other) in self.layers.iter_mut().zip(&other.layers) {
            layer.merge(other);
        }
        self.norms.merge(&other.norms);
        self.surrogate = self.surrogate.take().or_else(|| other.surrogate.clone());
        self.paired = self.paired.take().or_else(|| other.paired.clone());
        Ok(())
    }

    /// Cuts the summary into at most `pieces` pieces by clusters of rows, for messages of bounded
    /// size. Merged in any order they are this summary again, to the byte. The sums over all rows
    /// travel with the first piece.
    pub fn split(self, pieces: usize) -> Vec<Self> {
        let clusters = self.shape.clusters();
        let pieces = pieces.clamp(1, clusters);
        let mut parts: Vec<Self> = (0..pieces)
            .map(|piece| {
                let cut = |piece: usize| piece * clusters / pieces;
                self.of_clusters(cut(piece)..cut(piece + 1))
            })
            .collect();
        parts[0].surrogate = self.surrogate;
        parts[0].paired = self.paired;
        parts[0].values = self.values;
        parts[0].layers = self.layers;
        parts[0].norms = self.norms;
        parts[0].block_sums = self.block_sums;
        parts
    }

    fn of_clusters(&self, clusters: std::ops::Range<usize>) -> Self {
        let mut piece = Self::empty(self.shape.clone());
        let first = self.shape.rows_of_cluster(clusters.start).start as u64;
        let end = self.shape.rows_of_cluster(clusters.end - 1).end as u64;
        piece.rows = self.rows.within(&(first..end));
        let all = self.shape.clusters();
        for series in 0..self.series.len() {
            let own = series * all + clusters.start..series * all + clusters.end;
            piece.cells[own.clone()].clone_from_slice(&self.cells[own]);
        }
        piece.moments[clusters.clone()].clone_from_slice(&self.moments[clusters]);
        for place in self.shape.places_of(&piece.rows) {
            piece.projections[place] = self.projections[place];
        }
        piece
    }
}
