//! Which pairs of means a shape asks for.

use crate::estimate::{Problem, Scope};
use crate::shape::NoiseShape;
use crate::treatment::Treatment;

/// One pair of means, of ln|X| and of ln|Y|, at one block length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Series {
    /// The index of a layer; `None`: all columns.
    pub(crate) layer: Option<usize>,
    pub(crate) treatment: Treatment,
    pub(crate) k1: usize,
}

/// Treatments that are read at the published K1 for all columns, in the order of tables.
pub(crate) const AT_PUBLISHED_K1: [Treatment; 6] = [
    Treatment::Published,
    Treatment::PublishedRows,
    Treatment::ZerosDropped,
    Treatment::GaussianSurrogate,
    Treatment::Standardised,
    Treatment::StandardisedPermuted,
];

/// Treatments that are read at a layer's K1, in the order of tables.
pub(crate) const AT_LAYER_K1: [Treatment; 3] = [
    Treatment::PublishedRows,
    Treatment::ZerosDropped,
    Treatment::GaussianSurrogate,
];

/// Why a treatment can't be read at this block length, whatever the values are.
pub(crate) fn problem(treatment: Treatment, k1: usize, columns: usize) -> Option<Problem> {
    let runs_on = matches!(treatment, Treatment::Published | Treatment::ZerosDropped);
    if k1 < 2 {
        Some(Problem::BlockLengthOne)
    } else if k1 > columns && !runs_on {
        Some(Problem::BlockLongerThanRow)
    } else {
        None
    }
}

/// The block lengths 2^j of the ladder: j = 0 … ⌊log2 M⌋.
pub(crate) fn ladder(params: usize) -> impl Iterator<Item = usize> {
    (0..=params.ilog2()).map(|level| 1 << level)
}

impl NoiseShape {
    /// The pairs of means kept by cluster, in a fixed order. The surrogate is not among them: its
    /// sums are of all rows at once.
    ///
    /// The level K1 = 1 of `permuted` has no X: its Y are the values themselves.
    pub(crate) fn series(&self) -> Vec<Series> {
        let (params, k1) = (self.params(), self.block_length());
        let mut series = Vec::new();
        let mut add = |layer, treatment, k1, columns| {
            if self.treatments().contains(treatment)
                && treatment != Treatment::GaussianSurrogate
                && problem(treatment, k1, columns).is_none()
            {
                series.push(Series {
                    layer,
                    treatment,
                    k1,
                });
            }
        };
        for treatment in AT_PUBLISHED_K1 {
            add(None, treatment, k1, params);
        }
        for level in ladder(params).filter(|level| *level != k1) {
            add(None, Treatment::PublishedRows, level, params);
        }
        for (index, layer) in self.weights() {
            for treatment in AT_LAYER_K1 {
                add(
                    Some(index),
                    treatment,
                    self.layer_block_length(layer),
                    layer.len,
                );
            }
        }
        if self.treatments().contains(Treatment::Permuted) {
            series.extend(ladder(params).map(|level| Series {
                layer: None,
                treatment: Treatment::Permuted,
                k1: level,
            }));
        }
        series
    }

    /// How many pairs of means are kept.
    pub(crate) fn series_len(&self) -> usize {
        self.series().len()
    }

    /// Whose second moments the surrogate keeps: the layer (`None`: all columns) and the K1.
    pub(crate) fn surrogate_series(&self) -> Vec<Series> {
        let treatment = Treatment::GaussianSurrogate;
        if !self.treatments().contains(treatment) {
            return Vec::new();
        }
        let all = (None, self.block_length(), self.params());
        let layers = self
            .weights()
            .map(|(index, layer)| (Some(index), self.layer_block_length(layer), layer.len));
        std::iter::once(all)
            .chain(layers)
            .filter(|(_, k1, columns)| problem(treatment, *k1, *columns).is_none())
            .map(|(layer, k1, _)| Series {
                layer,
                treatment,
                k1,
            })
            .collect()
    }

    /// The layers that are no biases, with their indices.
    pub(crate) fn weights(&self) -> impl Iterator<Item = (usize, &crate::shape::Layer)> {
        self.layers()
            .iter()
            .enumerate()
            .filter(|(_, layer)| !layer.bias)
    }

    /// The columns of a layer; `None`: all.
    pub(crate) fn columns_of(&self, layer: Option<usize>) -> std::ops::Range<usize> {
        match layer {
            None => 0..self.params(),
            Some(index) => self
                .columns()
                .nth(index)
                .expect("series name layers of their own shape"),
        }
    }

    pub(crate) fn scope(&self, layer: Option<usize>) -> Scope {
        match layer {
            None => Scope::All,
            Some(index) => Scope::Layer(self.layers()[index].name.clone()),
        }
    }
}
