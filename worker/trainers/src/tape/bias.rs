//! The bias of a layer: one number for each output, added to every row.

use super::parameter::Parameter;

/// Rows that are summed before their sum is added to the others.
const ROWS: usize = 64;

/// Puts the bias into every row of `rows`; whether there is one to start from.
pub(super) fn start(rows: &mut [f32], bias: Option<&Parameter>) -> bool {
    let Some(bias) = bias.map(Parameter::numbers) else {
        return false;
    };
    let bias = bias.row(0);
    for row in rows.chunks_exact_mut(bias.len()) {
        row.copy_from_slice(bias);
    }
    true
}

/// Puts the sum of the rows into `slopes`, in parts so that rounding does not grow with their
/// number.
pub(super) fn put_slopes(slopes: &mut [f32], rows: &[f32], columns: usize) {
    slopes.fill(0.0);
    let mut part = vec![0.0; columns];
    for rows in rows.chunks(ROWS * columns) {
        part.fill(0.0);
        for row in rows.chunks_exact(columns) {
            for (sum, number) in part.iter_mut().zip(row) {
                *sum += number;
            }
        }
        for (slope, sum) in slopes.iter_mut().zip(&part) {
            *slope += sum;
        }
    }
}
