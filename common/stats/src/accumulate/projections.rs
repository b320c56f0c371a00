//! Sums of the values of a row with random signs, in 16 lanes.

use std::sync::Arc;

use crate::projections::{PROJECTIONS, ProjectionRow, hadamard, signs};
use crate::shape::NoiseShape;
use crate::wide::{self, Eight, Loop};

/// Sign masks of eight neighbouring lanes, by their eight bits.
const MASKS: [[u64; 8]; 256] = {
    let mut masks = [[0; 8]; 256];
    let mut bits = 0;
    while bits < 256 {
        let mut lane = 0;
        while lane < 8 {
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
        let signs = &self.signs[start / 64..];
        self.lanes = wide::run(AddSigned {
            lanes: self.lanes,
            signs,
            values,
        });
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

/// Adds values, each with its sign, to lanes: 64 of them for each word of signs.
struct AddSigned<'a> {
    lanes: [f64; PROJECTIONS],
    signs: &'a [u64],
    values: &'a [f64],
}

impl Loop for AddSigned<'_> {
    type Output = [f64; PROJECTIONS];

    #[inline(always)]
    fn run<E: Eight>(self) -> [f64; PROJECTIONS] {
        let Self {
            mut lanes,
            signs,
            values,
        } = self;
        let (halves, _) = lanes.as_chunks::<8>();
        let mut sums = [E::load(&halves[0]), E::load(&halves[1])];
        let (words, rest) = values.as_chunks::<64>();
        for (values, word) in words.iter().zip(signs) {
            let (groups, _) = values.as_chunks::<8>();
            for (index, group) in groups.iter().enumerate() {
                let masks = &MASKS[(word >> (8 * index) & 255) as usize];
                let signed = E::xor(E::bits(E::load(group)), E::load_bits(masks));
                sums[index % 2] = sums[index % 2] + E::of_bits(signed);
            }
        }
        lanes[..8].copy_from_slice(&E::store(sums[0]));
        lanes[8..].copy_from_slice(&E::store(sums[1]));
        let signs = signs.get(words.len()).copied().unwrap_or_default();
        for (index, value) in rest.iter().enumerate() {
            let sign = (signs >> index & 1) << 63;
            lanes[index % PROJECTIONS] += f64::from_bits(value.to_bits() ^ sign);
        }
        lanes
    }
}
