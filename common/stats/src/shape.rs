//! What a noise matrix looks like.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::block_length::{layer_block_length, published_block_length};
use crate::permutation::Permutation;
use crate::summary::RowSet;
use crate::treatment::{Treatment, Treatments};

/// Rows of sums that a summary keeps: clusters of consecutive minibatches.
const MAX_CLUSTERS: usize = 64;

/// One parameter tensor, flattened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Layer {
    /// The tensor's name.
    pub name: String,
    /// Number of its values.
    pub len: usize,
    /// Inputs of one unit.
    pub fan_in: usize,
    /// Whether it is a bias.
    pub bias: bool,
}

/// P minibatches × M parameters, and what is asked of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct NoiseShape {
    minibatches: usize,
    last_is_short: bool,
    layers: Vec<Layer>,
    treatments: Treatments,
    params: usize,
    block_length: usize,
    /// Whether the block length is another than the published one.
    is_own_block_length: bool,
}

/// A shape as it is written: without what follows from it.
#[derive(Serialize, Deserialize)]
struct Written {
    minibatches: usize,
    last_is_short: bool,
    params: usize,
    layers: Vec<Layer>,
    treatments: Treatments,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own_block_length: Option<usize>,
}

/// The numbers describe no noise matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// There is no row.
    #[error("there is no minibatch")]
    NoMinibatch,
    /// There is no column.
    #[error("there is no parameter")]
    NoParameter,
    /// P·M is 2⁵² or more, or M more than 2³¹.
    #[error("there are more values than can be counted")]
    TooLarge,
    /// The layers don't add up to M.
    #[error("the layers don't have as many values as there are parameters")]
    LayersMisfit,
}

impl NoiseShape {
    /// A matrix of `minibatches` rows; its columns are those of `layers`, in module order.
    ///
    /// `last_is_short`: the last row is of a shorter minibatch; paired differences leave it out.
    pub fn new(
        minibatches: usize,
        last_is_short: bool,
        layers: Vec<Layer>,
        treatments: Treatments,
    ) -> Result<Self, ShapeError> {
        let params = layers
            .iter()
            .try_fold(0_usize, |sum, layer| sum.checked_add(layer.len))
            .ok_or(ShapeError::TooLarge)?;
        Self::of(minibatches, last_is_short, params, layers, treatments)
    }

    /// A matrix whose columns are in no layers.
    pub fn without_layers(
        minibatches: usize,
        params: usize,
        treatments: Treatments,
    ) -> Result<Self, ShapeError> {
        Self::of(minibatches, false, params, Vec::new(), treatments)
    }

    /// The same, but the last row is of a shorter minibatch, or is not.
    pub fn with_last_short(self, last_is_short: bool) -> Self {
        Self {
            last_is_short,
            ..self
        }
    }

    fn of(
        minibatches: usize,
        last_is_short: bool,
        params: usize,
        layers: Vec<Layer>,
        treatments: Treatments,
    ) -> Result<Self, ShapeError> {
        if minibatches == 0 {
            return Err(ShapeError::NoMinibatch);
        }
        if params == 0 {
            return Err(ShapeError::NoParameter);
        }
        let values = (minibatches as u64)
            .checked_mul(params as u64)
            .filter(|values| *values < 1 << 52 && params <= Permutation::MAX_LEN)
            .ok_or(ShapeError::TooLarge)?;
        let block_length = published_block_length(values) as usize;
        Ok(Self {
            minibatches,
            last_is_short,
            layers,
            treatments,
            params,
            block_length,
            is_own_block_length: false,
        })
    }

    /// The same with another block length, at least 1, in place of the published K1. Blocks that run
    /// on leave out the last P·M mod K1 values.
    pub fn with_block_length(self, block_length: usize) -> Self {
        let published = published_block_length(self.values()) as usize;
        Self {
            block_length: block_length.max(1),
            is_own_block_length: block_length != published,
            ..self
        }
    }

    /// P.
    pub fn minibatches(&self) -> usize {
        self.minibatches
    }

    /// P·M, below 2⁵².
    pub(crate) fn values(&self) -> u64 {
        self.minibatches as u64 * self.params as u64
    }

    /// Whether the last row is of a shorter minibatch.
    pub fn last_is_short(&self) -> bool {
        self.last_is_short
    }

    /// M.
    pub fn params(&self) -> usize {
        self.params
    }

    /// The parameter tensors in module order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The columns of each layer.
    pub fn columns(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.layers.iter().scan(0, |start, layer| {
            let columns = *start..*start + layer.len;
            *start = columns.end;
            Some(columns)
        })
    }

    /// What is asked of the noise.
    pub fn treatments(&self) -> Treatments {
        self.treatments
    }

    /// Whether a standardised treatment is asked, for which a pass with
    /// [`ScaleSum`](crate::ScaleSum) is needed.
    pub fn needs_scales(&self) -> bool {
        self.treatments.contains(Treatment::Standardised)
            || self.treatments.contains(Treatment::StandardisedPermuted)
    }

    /// The published K1, the largest divisor of P·M that is at most √(P·M), or the one that
    /// [`Self::with_block_length`] put in its place.
    pub fn block_length(&self) -> usize {
        self.block_length
    }

    /// What [`Self::with_block_length`] put in the place of the published K1.
    pub fn own_block_length(&self) -> Option<usize> {
        self.is_own_block_length.then_some(self.block_length)
    }

    /// K1 of a layer: the largest power of two ≤ min(√(P·M_l), fan-in).
    pub fn layer_block_length(&self, layer: &Layer) -> usize {
        let values = (self.minibatches as u64).saturating_mul(layer.len as u64);
        layer_block_length(values, layer.fan_in as u64) as usize
    }

    /// G: how many clusters of consecutive rows a summary keeps apart.
    pub fn clusters(&self) -> usize {
        self.minibatches.min(MAX_CLUSTERS)
    }

    /// The cluster of a row: cluster r holds rows ⌊rP/G⌋ … ⌊(r+1)P/G⌋ − 1.
    pub fn cluster_of(&self, row: usize) -> usize {
        let (rows, clusters) = (self.minibatches, self.clusters());
        ((row + 1) * clusters - 1) / rows
    }

    /// The rows of a cluster.
    pub fn rows_of_cluster(&self, cluster: usize) -> Range<usize> {
        let cut = |cluster: usize| cluster * self.minibatches / self.clusters();
        cut(cluster)..cut(cluster + 1)
    }

    /// The clusters of which a row is in the set.
    pub(crate) fn clusters_of(&self, rows: &RowSet) -> Vec<usize> {
        (0..self.clusters())
            .filter(|cluster| {
                let own = self.rows_of_cluster(*cluster);
                rows.touches(&(own.start as u64..own.end as u64))
            })
            .collect()
    }
}

impl From<NoiseShape> for Written {
    fn from(shape: NoiseShape) -> Self {
        let own_block_length = shape.own_block_length();
        let NoiseShape {
            minibatches,
            last_is_short,
            layers,
            treatments,
            params,
            block_length: _,
            is_own_block_length: _,
        } = shape;
        Self {
            minibatches,
            last_is_short,
            params,
            layers,
            treatments,
            own_block_length,
        }
    }
}

impl TryFrom<Written> for NoiseShape {
    type Error = ShapeError;

    fn try_from(written: Written) -> Result<Self, ShapeError> {
        let Written {
            minibatches,
            last_is_short,
            params,
            layers,
            treatments,
            own_block_length,
        } = written;
        let shape = match layers.is_empty() && !last_is_short {
            true => Self::without_layers(minibatches, params, treatments)?,
            false => Self::new(minibatches, last_is_short, layers, treatments)?,
        };
        if shape.params != params {
            return Err(ShapeError::LayersMisfit);
        }
        Ok(match own_block_length {
            Some(block_length) => shape.with_block_length(block_length),
            None => shape,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_cut_the_rows_where_the_definition_says() {
        for minibatches in [1, 5, 63, 64, 65, 100, 127, 128, 600, 1201] {
            let layer = Layer {
                name: "w".into(),
                len: 3,
                fan_in: 3,
                bias: false,
            };
            let shape = NoiseShape::new(minibatches, false, vec![layer], Treatments::NONE).unwrap();
            let clusters = shape.clusters();
            for cluster in 0..clusters {
                let cut = |index: usize| index * minibatches / clusters;
                assert_eq!(
                    shape.rows_of_cluster(cluster),
                    cut(cluster)..cut(cluster + 1)
                );
                for row in cut(cluster)..cut(cluster + 1) {
                    assert_eq!(shape.cluster_of(row), cluster, "row {row} of {minibatches}");
                }
            }
        }
    }
}
