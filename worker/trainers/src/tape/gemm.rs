//! Matrix products over slices, by gemm 0.19 on one thread.
//!
//! Sums over more than 512 terms are split into parts of 512, added in order. gemm cuts a sum
//! where it no longer fits the first-level cache, but never below 512 terms, so with these parts
//! the bits of a product depend on the instruction set alone and not on the cache.

#![expect(unsafe_code, reason = "gemm's only interface takes pointers")]

use ::gemm::Parallelism;

/// Terms of a sum that are handed to gemm at once.
const TERMS: usize = 512;

/// A matrix in a slice.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    numbers: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// [rows, columns] in C order.
    ///
    /// # Panics
    ///
    /// Unless there are rows × columns numbers.
    pub(super) fn new(numbers: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(
            Some(numbers.len()),
            rows.checked_mul(columns),
            "a matrix fills its slice"
        );
        Self {
            numbers,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// [rows, columns] in C order, each row followed by `row_stride` − `columns` other numbers.
    ///
    /// # Panics
    ///
    /// Unless there are rows × row_stride numbers, and a row has room for its columns.
    pub(super) fn padded(
        numbers: &'a [f32],
        rows: usize,
        columns: usize,
        row_stride: usize,
    ) -> Self {
        assert!(columns <= row_stride, "a row has room for its columns");
        Self {
            columns,
            ..Self::new(numbers, rows, row_stride)
        }
    }

    /// [columns, rows] over the same numbers.
    pub(super) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// `out` ← `left` · `right`, or `out` + `left` · `right` if it accumulates; `out` is
/// [left.rows, right.columns] in C order, its rows `row_stride` numbers apart.
///
/// # Panics
///
/// If the shapes do not fit each other.
pub(super) fn multiply(
    out: &mut [f32],
    row_stride: usize,
    accumulate: bool,
    left: Matrix<'_>,
    right: Matrix<'_>,
) {
    let (rows, terms, columns) = (left.rows, left.columns, right.columns);
    assert_eq!(
        terms, right.rows,
        "as many columns on the left as rows on the right"
    );
    assert!(columns <= row_stride, "a row has room for its columns");
    assert_eq!(
        Some(out.len()),
        rows.checked_mul(row_stride),
        "the product fills its slice"
    );
    if !accumulate && terms == 0 {
        out.fill(0.0);
    }
    for first in (0..terms).step_by(TERMS) {
        let part = TERMS.min(terms - first);
        let read_out = accumulate || first > 0;
        // SAFETY: gemm reads left[i, t] and right[t, j] and reads and writes out[i, j] for i in
        // 0..rows, t in first..first + part, j in 0..columns, nothing else. `Matrix::new` and
        // `padded` made sure that the slice holds rows × row_stride numbers, columns ≤
        // row_stride, and `transposed` only swaps, so the largest offset, (rows − 1)·row_stride +
        // (columns − 1)·column_stride, lies in the slice; `first < terms` keeps the start of a
        // part inside too, or the matrix has no element and gemm returns at once (rows or columns
        // 0). The same holds of `out`, by the assertions above, and it is borrowed mutably, so it
        // overlaps neither operand. Strides are at most the slice's length (or the matrix has no
        // element), hence below `isize::MAX`.
        unsafe {
            ::gemm::gemm(
                rows,
                columns,
                part,
                out.as_mut_ptr(),
                1,
                row_stride as isize,
                read_out,
                left.numbers
                    .as_ptr()
                    .wrapping_add(first * left.column_stride),
                left.column_stride as isize,
                left.row_stride as isize,
                right
                    .numbers
                    .as_ptr()
                    .wrapping_add(first * right.row_stride),
                right.column_stride as isize,
                right.row_stride as isize,
                1.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    }
}

/// The instructions that the products use on this machine: results are the same to the byte only
/// between machines that agree on it.
pub fn instruction_set() -> &'static str {
    // As gemm 0.19 chooses its kernels.
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            "x86_64-avx512"
        } else if is_x86_feature_detected!("fma") {
            "x86_64-avx2"
        } else {
            "x86_64"
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::env::consts::ARCH
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(len: usize, seed: usize) -> Vec<f32> {
        (0..len)
            .map(|i| (((i + seed) * 7919) % 101) as f32 / 50.0 - 1.0)
            .collect()
    }

    #[test]
    fn products_of_any_shape_and_orientation_agree_with_the_definition() {
        for (rows, terms, columns) in [
            (1, 1, 1),
            (3, 5, 2),
            (1, 600, 7),
            (9, 1, 4),
            (20, 1100, 33),
            (70, 64, 10),
            (4, 0, 3),
        ] {
            let (a, b) = (numbers(rows * terms, 1), numbers(terms * columns, 2));
            let at = transpose(&a, rows, terms);
            let bt = transpose(&b, terms, columns);
            let lefts = [
                Matrix::new(&a, rows, terms),
                Matrix::new(&at, terms, rows).transposed(),
            ];
            let rights = [
                Matrix::new(&b, terms, columns),
                Matrix::new(&bt, columns, terms).transposed(),
            ];
            for left in lefts {
                for right in rights {
                    let mut out = vec![1.0; rows * columns];
                    multiply(&mut out, columns, true, left, right);
                    for (index, found) in out.iter().enumerate() {
                        let (i, j) = (index / columns, index % columns);
                        let expected: f64 = (0..terms)
                            .map(|t| f64::from(a[i * terms + t]) * f64::from(b[t * columns + j]))
                            .sum();
                        assert!((f64::from(*found) - 1.0 - expected).abs() < 1e-3);
                    }
                    multiply(&mut out, columns, false, left, right);
                    let mut again = vec![f32::NAN; rows * columns];
                    multiply(&mut again, columns, false, left, right);
                    assert_eq!(out, again, "what lay in the output before must not matter");
                    let stride = columns + 3;
                    let mut apart = vec![7.0; rows * stride];
                    multiply(&mut apart, stride, false, left, right);
                    for (apart, row) in apart.chunks(stride).zip(out.chunks(columns)) {
                        if terms > 0 {
                            assert_eq!(apart, [row, &[7.0; 3]].concat());
                        }
                    }
                }
            }
        }
    }

    fn transpose(numbers: &[f32], rows: usize, columns: usize) -> Vec<f32> {
        (0..columns)
            .flat_map(|j| (0..rows).map(move |i| numbers[i * columns + j]))
            .collect()
    }
}
