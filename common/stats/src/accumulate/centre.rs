//! The first pass: the mean gradient, and (on request) the scale of each coordinate.

use std::sync::Arc;

use crate::wide::{self, Eight, Loop};

/// Rows whose sum is kept apart before it goes into the total.
pub(crate) const RUN: usize = 32;

/// Sums of rows in runs of 32 consecutive ones, then the runs in order.
#[derive(Clone, Debug)]
struct RunSums {
    run: Vec<f64>,
    total: Vec<f64>,
    rows: usize,
}

impl RunSums {
    fn new(params: usize) -> Self {
        Self {
            run: vec![0.0; params],
            total: vec![0.0; params],
            rows: 0,
        }
    }

    fn end_row(&mut self) {
        self.rows += 1;
        if self.rows.is_multiple_of(RUN) {
            self.end_run();
        }
    }

    fn end_run(&mut self) {
        for (total, run) in self.total.iter_mut().zip(&mut self.run) {
            *total += *run;
            *run = 0.0;
        }
    }

    fn mean(mut self) -> Vec<f64> {
        if !self.rows.is_multiple_of(RUN) {
            self.end_run();
        }
        let rows = self.rows as f64;
        for total in &mut self.total {
            *total /= rows;
        }
        self.total
    }
}

/// The mean of the rows, coordinate by coordinate: sums in f64 over runs of 32 consecutive rows,
/// then the runs in order. Runs could be summed anywhere without changing a bit.
#[derive(Clone, Debug)]
pub struct CentreSum(RunSums);

impl CentreSum {
    /// No row yet, of `params` coordinates.
    pub fn new(params: usize) -> Self {
        Self(RunSums::new(params))
    }

    /// Adds the next row.
    ///
    /// # Panics
    ///
    /// If the row has another length.
    pub fn add_row<T: Copy + Into<f64>>(&mut self, gradient: &[T]) {
        let sums = &mut self.0;
        assert_eq!(gradient.len(), sums.run.len(), "the length of a row");
        let run = &mut sums.run;
        wide::run(Add { run, gradient });
        sums.end_row();
    }

    /// The mean. A coordinate with a value that is not finite has a mean that is not finite.
    pub fn finish(self) -> Vec<f64> {
        self.0.mean()
    }
}

/// Coordinates that are equal in all rows: their mean is that value and their noise exactly zero. In f64
/// P equal values of f32 have an exact sum, but values of f64 may miss their own mean by a rounding, which
/// would be taken for noise.
#[derive(Clone, Debug, Default)]
pub struct EqualInAllRows {
    first: Vec<f64>,
    is_equal: Vec<bool>,
}

impl EqualInAllRows {
    /// Looks at the next row.
    ///
    /// # Panics
    ///
    /// If the row has another length than the first one.
    pub fn add_row<T: Copy + Into<f64>>(&mut self, gradient: &[T]) {
        if self.first.is_empty() {
            self.first = gradient.iter().map(|value| (*value).into()).collect();
            self.is_equal = vec![true; gradient.len()];
        }
        assert_eq!(gradient.len(), self.first.len(), "the length of a row");
        let seen = self.first.iter().zip(&mut self.is_equal);
        for ((first, is_equal), value) in seen.zip(gradient) {
            *is_equal &= (*value).into() == *first;
        }
    }

    /// Puts the values that are equal in all rows in the place of their means.
    pub fn mend(&self, centre: &mut [f64]) {
        let seen = self.first.iter().zip(&self.is_equal);
        for (mean, (first, is_equal)) in centre.iter_mut().zip(seen) {
            if *is_equal {
                *mean = *first;
            }
        }
    }
}

/// Adds a row to a run.
struct Add<'a, T> {
    run: &'a mut [f64],
    gradient: &'a [T],
}

impl<T: Copy + Into<f64>> Loop for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        for (sum, value) in self.run.iter_mut().zip(self.gradient) {
            *sum += (*value).into();
        }
    }
}

/// The scale s_j = √(Σ_i U_ij²/P) of each coordinate, which the standardised treatments divide by.
/// Rows are summed as in [`CentreSum`].
#[derive(Clone, Debug)]
pub struct ScaleSum {
    centre: Arc<[f64]>,
    sums: RunSums,
}

impl ScaleSum {
    /// No row yet; `centre` is the mean row.
    pub fn new(centre: Arc<[f64]>) -> Self {
        let sums = RunSums::new(centre.len());
        Self { centre, sums }
    }

    /// Adds the next row.
    ///
    /// # Panics
    ///
    /// If the row has another length.
    pub fn add_row<T: Copy + Into<f64>>(&mut self, gradient: &[T]) {
        assert_eq!(gradient.len(), self.centre.len(), "the length of a row");
        for ((sum, value), centre) in self.sums.run.iter_mut().zip(gradient).zip(&*self.centre) {
            let noise = (*value).into() - centre;
            *sum += noise * noise;
        }
        self.sums.end_row();
    }

    /// The scales.
    pub fn finish(self) -> Vec<f64> {
        self.sums.mean().into_iter().map(f64::sqrt).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_equal_rows_is_exact() {
        let row = [0.1_f32, -3.7e-12, 1e30];
        let mut sum = CentreSum::new(3);
        (0..100).for_each(|_| sum.add_row(&row));
        assert_eq!(sum.finish(), row.map(f64::from));
    }

    #[test]
    fn equal_doubles_are_their_own_mean() {
        let rows = [[0.1, 1.0], [0.1, 2.0], [0.1, 2.0]];
        let (mut sum, mut equal) = (CentreSum::new(2), EqualInAllRows::default());
        for row in rows {
            sum.add_row(&row);
            equal.add_row(&row);
        }
        let mut centre = sum.finish();
        assert_ne!(centre[0], 0.1, "the sum is rounded");
        equal.mend(&mut centre);
        assert_eq!(centre, [0.1, 5.0 / 3.0]);
    }

    #[test]
    fn runs_of_32_rows_are_summed_first() {
        let rows: Vec<f64> = (0..70).map(|row| 1.0 / (row as f64 + 3.0)).collect();
        let mut sum = CentreSum::new(1);
        rows.iter().for_each(|value| sum.add_row(&[*value]));
        let run = |rows: &[f64]| rows.iter().fold(0.0, |sum, value| sum + value);
        let total = run(&rows[..32]) + run(&rows[32..64]) + run(&rows[64..]);
        assert_eq!(sum.finish(), [total / 70.0]);
    }

    #[test]
    fn a_value_that_is_not_finite_shows() {
        let mut sum = CentreSum::new(2);
        sum.add_row(&[1.0_f32, f32::INFINITY]);
        sum.add_row(&[1.0_f32, f32::NEG_INFINITY]);
        let centre = sum.finish();
        assert_eq!(centre[0], 1.0);
        assert!(centre[1].is_nan());
    }

    #[test]
    fn scales_are_root_mean_squares() {
        let mut sum = ScaleSum::new(Arc::from([1.0, 5.0]));
        sum.add_row(&[4.0_f32, 5.0]);
        sum.add_row(&[-3.0_f32, 5.0]);
        assert_eq!(sum.finish(), [12.5_f64.sqrt(), 0.0]);
    }
}
