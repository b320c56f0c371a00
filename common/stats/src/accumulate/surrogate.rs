//! Second moments of values and of block sums, for the Gaussian surrogate.
//!
//! The expectation of `published_rows` over Gaussian noise with the data's covariance and zeros is
//! closed: for X ~ N(0, v), E ln|X| = L(v) = ½ ln v − (γ + ln 2)/2, and a coordinate or block that
//! is always zero reads L(0) = ln 2⁻⁵². Hence
//!
//! θ* = {mean_b L(mean_i Y_ib²) − mean_j L(mean_i U_ij²)}/ln K1,
//!
//! with blocks b that restart in each row and the coordinates j that are in a block. It needs
//! M + M/K1 numbers, and it is not additive over rows: the sums are finished here.

use std::f64::consts::LN_2;
use std::ops::Range;

use super::blocks::{Chunk, LaneSums};
use crate::bias::EULER;
use crate::log_sum::sum_ln_abs;
use crate::shape::NoiseShape;
use crate::summary::{Series, SurrogateSums};
use crate::wide::{self, Eight, Loop};

/// The sums over rows.
#[derive(Debug)]
pub(super) struct Surrogate {
    rows: usize,
    /// Σ_i U_ij² by coordinate.
    squares: Vec<f64>,
    scopes: Vec<Blocks>,
}

#[derive(Debug)]
struct Blocks {
    series: Series,
    /// The columns that go into blocks.
    used: Range<usize>,
    /// None when the sums come from who makes them anyway.
    sums: Option<LaneSums>,
    /// Block sums of the chunk at hand.
    fresh: Vec<f64>,
    /// How many blocks of this row are complete.
    complete: usize,
    /// Σ_i Y_ib² by block.
    squares: Vec<f64>,
}

impl Surrogate {
    pub(super) fn new(shape: &NoiseShape) -> Self {
        let scopes = shape.surrogate_series().into_iter().map(|series| {
            let columns = shape.columns_of(series.layer);
            let blocks = columns.len() / series.k1;
            Blocks {
                series,
                used: columns.start..columns.start + blocks * series.k1,
                sums: Some(LaneSums::new(series.k1)),
                fresh: Vec::new(),
                complete: 0,
                squares: vec![0.0; blocks],
            }
        });
        Self {
            rows: 0,
            squares: vec![0.0; shape.params()],
            scopes: scopes.collect(),
        }
    }

    pub(super) fn add_chunk(&mut self, chunk: &Chunk<'_>) {
        let (start, values) = (chunk.start, chunk.values);
        let end = start + values.len();
        wide::run(AddSquares {
            squares: &mut self.squares[start..end],
            values,
        });
        for scope in &mut self.scopes {
            let Some(sums) = &mut scope.sums else {
                continue;
            };
            let from = scope.used.start.clamp(start, end) - start;
            let to = scope.used.end.clamp(start, end) - start;
            let mut fresh = std::mem::take(&mut scope.fresh);
            fresh.clear();
            sums.push(&values[from..to], &mut fresh);
            scope.add(&fresh);
            scope.fresh = fresh;
        }
    }

    /// The place of the blocks of this layer and length, if they are asked for. From now on their
    /// sums must come by [`Self::add_blocks`].
    pub(super) fn take_blocks(&mut self, layer: Option<usize>, k1: usize) -> Option<usize> {
        let own = |scope: &Blocks| scope.series.layer == layer && scope.series.k1 == k1;
        let place = self.scopes.iter().position(own)?;
        self.scopes[place].sums = None;
        Some(place)
    }

    /// The sums of the next blocks of a row.
    pub(super) fn add_blocks(&mut self, place: usize, sums: &[f64]) {
        self.scopes[place].add(sums);
    }

    pub(super) fn end_row(&mut self) {
        self.rows += 1;
        for scope in &mut self.scopes {
            scope.sums.iter_mut().for_each(LaneSums::restart);
            scope.complete = 0;
        }
    }

    /// By scope.
    pub(super) fn finish(self) -> Vec<SurrogateSums> {
        let rows = self.rows as f64;
        let sums = |squares: &[f64]| {
            let (ln, positive, zeros) = sum_ln_abs(squares);
            let n = positive + zeros;
            let positive = positive as f64;
            let above = 0.5 * (ln - positive * rows.ln()) - positive * 0.5 * (EULER + LN_2);
            (n, above + zeros as f64 * f64::EPSILON.ln())
        };
        self.scopes
            .into_iter()
            .map(|scope| {
                let (n_x, ln_x) = sums(&self.squares[scope.used.clone()]);
                let (n_y, ln_y) = sums(&scope.squares);
                SurrogateSums {
                    n_x,
                    ln_x,
                    n_y,
                    ln_y,
                }
            })
            .collect()
    }
}

impl Blocks {
    /// Adds the squares of the next block sums of a row.
    fn add(&mut self, sums: &[f64]) {
        wide::run(AddSquares {
            squares: &mut self.squares[self.complete..self.complete + sums.len()],
            values: sums,
        });
        self.complete += sums.len();
    }
}

/// Adds the squares of values to sums, one by one.
struct AddSquares<'a> {
    squares: &'a mut [f64],
    values: &'a [f64],
}

impl Loop for AddSquares<'_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        for (square, value) in self.squares.iter_mut().zip(self.values) {
            *square += value * value;
        }
    }
}
