//! Sums of the values of a row with random signs, in 16 lanes.

use std::sync::Arc;

use crate::projections::{PROJECTIONS, ProjectionRow, hadamard, signs};
use crate::shape::NoiseShape;

/// Sign masks of four neighbouring lanes, by their four bits.
const MASKS: [[u64; 4]; 16] = {
    let mut masks = [[0; 4]; 16];
    let mut bits = 0;
    while bits < 16 {
        let mut lane = 0;
        while lane < 4 {
            masks[bits][lane] = ((bits as u64 >> lane) & 1) << 63;
            lane += 1;
        }
        bits += 1;
    }
    masks
};

/// The lanes of one row, and the projections of the rows before.
#[derive(Debug)]
pub(super) struct ProjectionSums {
    shape: Arc<NoiseShape>,
    signs: Vec<u64>,
    lanes: [f64; PROJECTIONS],
    /// The row at hand.
    row: usize,
    /// By place, those before.
    rows: Vec<ProjectionRow>,
}

impl ProjectionSums {
    pub(super) fn new(shape: &Arc<NoiseShape>) -> Self {
        Self {
            shape: shape.clone(),
            signs: signs(shape.params()),
            lanes: [0.0; PROJECTIONS],
            row: 0,
            rows: vec![ProjectionRow::default(); shape.kept_projections()],
        }
    }

    /// The next values of a row from column `start` on, a multiple of 64.
    pub(super) fn add_chunk(&mut self, start: usize, values: &[f64]) {
        let mut lanes = self.lanes;
        for (values, word) in values.chunks(64).zip(&self.signs[start / 64..]) {
            let groups = values.chunks_exact(4);
            let (rest, whole) = (groups.remainder(), groups.len());
            for (group, values) in groups.enumerate() {
                let masks = &MASKS[(word >> (4 * group) & 15) as usize];
                let lanes = &mut lanes[4 * (group % 4)..][..4];
                add(lanes, values, masks);
            }
            let masks = &MASKS[(word >> (4 * whole % 64) & 15) as usize];
            add(&mut lanes[4 * (whole % 4)..], rest, masks);
        }
        self.lanes = lanes;
    }

    pub(super) fn end_row(&mut self) {
        let lanes = std::mem::take(&mut self.lanes);
        if let Some(place) = self.shape.place_of_projection(self.row) {
            self.rows[place] = ProjectionRow::of(hadamard(lanes));
        }
        self.row += 1;
    }

    /// By place.
    pub(super) fn finish(self) -> Vec<ProjectionRow> {
        self.rows
    }
}

#[inline(always)]
fn add(lanes: &mut [f64], values: &[f64], masks: &[u64; 4]) {
    for ((lane, value), mask) in lanes.iter_mut().zip(values).zip(masks) {
        *lane += f64::from_bits(value.to_bits() ^ mask);
    }
}
