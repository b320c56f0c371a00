//! The spectrum of the noise across minibatches: leading eigenvalues of the noise covariance.
//!
//! The covariance of the noise, UᵀU/P, is M × M, but its eigenvalues that are not zero are those of
//! the P × P Gram matrix UUᵀ/P. A few large ones say that the noise lives in a few directions
//! (Xie, Sato, Sugiyama 2021, arXiv 2002.03495).
//!
//! **How.** All pairs of rows would have to be in memory at once, and rows are not kept. So each row
//! is folded into [`WIDTH`] = 8,192 sums of coordinates with random signs, one addition for each
//! value (Charikar, Chen, Farach-Colton 2002); the products of the folded rows are those of the rows
//! on average over the signs; of up to 8,192 coordinates each has a sum of its own. Each product is
//! then scaled so that the length of every row is the exact one. Places and signs are functions of M alone. Of more than [`MAX_ROWS`] = 256 rows those
//! ⌊kP/256⌋ are taken.
//!
//! **Error.** A product of two rows u, v is off by a random number of standard deviation at most
//! |u||v|·√(2/8192) = 1.6 % of |u||v|. An eigenvalue that stands out is good to about 1 %; those
//! below 3 % of the trace are mostly this error when many are alike. The trace is exact but for
//! rounding.
//!
//! **When it fails.** Fewer than two rows, or a number that is not finite: no spectrum.

use serde::{Deserialize, Serialize};

use crate::stable::SplitMix64;
use crate::wide::{self, Eight, Loop};

/// Sums that a row is folded into: a power of two.
const WIDTH: usize = 8192;

/// Rows that are taken.
const MAX_ROWS: usize = 256;

/// Leading eigenvalues that are kept.
pub const EIGENVALUES: usize = 5;

/// State of the generator of places and signs at the start.
const SEED: u64 = 0x6569_6765_6e76_616c;

/// Coordinates that go to neighbouring sums together, each with a sign of its own.
const RUN: usize = 32;

/// Coordinates that are folded together: whole runs.
const CHUNK: usize = 1024;

/// The sign bits of eight neighbours, for each pattern of their signs.
static SIGNS: [[u64; 8]; 256] = {
    let mut signs = [[0; 8]; 256];
    let mut pattern = 0;
    while pattern < 256 {
        let mut lane = 0;
        while lane < 8 {
            signs[pattern][lane] = (pattern as u64 >> lane & 1) << 63;
            lane += 1;
        }
        pattern += 1;
    }
    signs
};

/// Eigenvalues of the noise covariance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spectrum {
    /// Rows that were taken.
    pub rows: u64,
    /// The sum of all eigenvalues: the mean of |u|² over the rows.
    pub trace: f64,
    /// The largest ones, from the largest down; at most [`EIGENVALUES`], fewer of few rows.
    pub leading: Vec<f64>,
}

/// Folded rows. It must be fed the noise of all P rows, in order.
#[derive(Debug)]
pub struct GramSums {
    minibatches: usize,
    params: usize,
    /// For each run of coordinates, where it goes, and the signs of its coordinates.
    places: Vec<(u32, u32)>,
    /// The next row.
    row: usize,
    /// The rows that were taken: their squared lengths, and what they were folded into.
    squares: Vec<f64>,
    folded: Vec<f32>,
    /// The row at hand: whether it is taken, how much of it has come, and its sums.
    taken: bool,
    filled: usize,
    square: f64,
    sums: Vec<f64>,
    /// The squares of a chunk, and a last chunk with zeros behind it.
    noise_squares: Box<[f64; CHUNK]>,
    last: Box<[f64; CHUNK]>,
}

impl GramSums {
    /// About how long a value takes, in nanoseconds, beside the parts of an accumulator.
    pub const COST: f64 = 0.4;

    /// No row yet, of `minibatches` rows of `params` values.
    pub fn new(minibatches: usize, params: usize) -> Self {
        let mut words = SplitMix64::new(SEED);
        let place = |word: u64| {
            let run = (word >> 32) as usize % (WIDTH / RUN);
            ((run * RUN) as u32, word as u32)
        };
        let runs = params.div_ceil(RUN);
        // As long as each run has a place of its own, nothing is lost.
        let place = |(run, word): (usize, u64)| match place(word) {
            (_, signs) if runs * RUN <= WIDTH => ((run * RUN) as u32, signs),
            other => other,
        };
        let rows = minibatches.min(MAX_ROWS);
        Self {
            minibatches,
            params,
            places: (0..runs)
                .map(|run| place((run, words.next_word())))
                .collect(),
            row: 0,
            squares: Vec::with_capacity(rows),
            folded: Vec::with_capacity(rows * WIDTH),
            taken: false,
            filled: 0,
            square: 0.0,
            sums: vec![0.0; WIDTH],
            noise_squares: Box::new([0.0; CHUNK]),
            last: Box::new([0.0; CHUNK]),
        }
    }

    /// The next row begins.
    pub fn begin_row(&mut self) {
        let (row, rows) = (self.row, self.minibatches.min(MAX_ROWS));
        self.row += 1;
        // Row ⌊kP/R⌋ for some k.
        let k = (row * rows).div_ceil(self.minibatches);
        self.taken = k < rows && k * self.minibatches / rows == row;
        (self.filled, self.square) = (0, 0.0);
        self.sums.fill(0.0);
    }

    /// Takes the noise of the next columns of the row, a multiple of 1,024 but for the last ones.
    pub fn add_chunk(&mut self, noise: &[f64]) {
        if !self.taken {
            return;
        }
        for noise in noise.chunks(CHUNK) {
            let noise = match noise.len() {
                CHUNK => noise,
                len => {
                    self.last[..len].copy_from_slice(noise);
                    self.last[len..].fill(0.0);
                    &*self.last
                }
            };
            wide::run(Fold {
                noise,
                places: &self.places[self.filled / RUN..],
                sums: &mut self.sums,
                squares: &mut self.noise_squares,
            });
            self.filled += CHUNK;
            self.square = wide::run(AddRuns(self.square, &self.noise_squares));
        }
    }

    /// The row is over.
    ///
    /// # Panics
    ///
    /// If not all of its values came.
    pub fn end_row(&mut self) {
        if self.taken {
            assert_eq!(
                self.filled,
                self.params.next_multiple_of(CHUNK),
                "the length of a row"
            );
            self.squares.push(self.square);
            self.folded.extend(self.sums.iter().map(|sum| *sum as f32));
        }
    }

    /// The spectrum, if there is one.
    pub fn finish(self) -> Option<Spectrum> {
        let rows = self.squares.len();
        let trace = self.squares.iter().sum::<f64>() / rows as f64;
        if rows < 2 || !trace.is_finite() {
            return None;
        }
        let folded: Vec<&[f32]> = self.folded.chunks_exact(WIDTH).collect();
        let product = |i: usize, j: usize| wide::run(Product(folded[i], folded[j]));
        let scales: Vec<f64> = (0..rows)
            .map(|row| {
                let found = product(row, row);
                if found > 0.0 {
                    (self.squares[row] / found).sqrt()
                } else {
                    0.0
                }
            })
            .collect();
        let mut gram = vec![0.0; rows * rows];
        for i in 0..rows {
            for j in 0..=i {
                let value = product(i, j) * scales[i] * scales[j] / rows as f64;
                (gram[i * rows + j], gram[j * rows + i]) = (value, value);
            }
        }
        let mut values = eigenvalues(gram, rows);
        values.truncate(EIGENVALUES);
        values
            .iter()
            .all(|value| value.is_finite())
            .then_some(Spectrum {
                rows: rows as u64,
                trace,
                leading: values,
            })
    }
}

/// The total, plus the sum of each run of squares in turn. Eight runs are summed side by side.
struct AddRuns<'a>(f64, &'a [f64; CHUNK]);

impl Loop for AddRuns<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<E: Eight>(self) -> f64 {
        let Self(mut total, squares) = self;
        let (groups, _) = squares.as_chunks::<{ 8 * RUN }>();
        for runs in groups {
            let (eights, _) = runs.as_chunks::<8>();
            let mut sums = E::splat(0.0);
            for place in 0..RUN / 8 {
                let mut rows = [E::splat(0.0); 8];
                for (run, row) in rows.iter_mut().enumerate() {
                    *row = E::load(&eights[run * (RUN / 8) + place]);
                }
                sums = wide::add_in_order(sums, rows);
            }
            for sum in E::store(sums) {
                total += sum;
            }
        }
        total
    }
}

/// Squares noise, and adds its runs, with their signs, to the sums of their places.
struct Fold<'a> {
    noise: &'a [f64],
    places: &'a [(u32, u32)],
    sums: &'a mut [f64],
    squares: &'a mut [f64; CHUNK],
}

impl Loop for Fold<'_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let (noise, _) = self.noise.as_chunks::<8>();
        let (squares, _) = self.squares.as_chunks_mut::<8>();
        for (square, noise) in squares.iter_mut().zip(noise) {
            let noise = E::load(noise);
            *square = E::store(noise * noise);
        }
        for (run, (start, signs)) in noise.chunks_exact(RUN / 8).zip(self.places) {
            let start = *start as usize;
            let (sums, _) = self.sums[start..start + RUN].as_chunks_mut::<8>();
            for ((sums, noise), pattern) in sums.iter_mut().zip(run).zip(signs.to_le_bytes()) {
                let signs = E::load_bits(&SIGNS[usize::from(pattern)]);
                let signed = E::of_bits(E::xor(E::bits(E::load(noise)), signs));
                *sums = E::store(E::load(sums) + signed);
            }
        }
    }
}

/// The inner product of two folded rows: terms i mod 8 together, then the eight in order.
struct Product<'a>(&'a [f32], &'a [f32]);

impl Loop for Product<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<E: Eight>(self) -> f64 {
        let (left, _) = self.0.as_chunks::<8>();
        let (right, _) = self.1.as_chunks::<8>();
        let mut lanes = E::splat(0.0);
        for (left, right) in left.iter().zip(right) {
            let (left, right) = (left.map(f64::from), right.map(f64::from));
            lanes = lanes + E::load(&left) * E::load(&right);
        }
        E::store(lanes).iter().sum()
    }
}

/// All eigenvalues of a symmetric matrix, from the largest down: Householder's reduction to three
/// diagonals, then implicit shifts (Golub and Van Loan, Matrix Computations, 8.3).
fn eigenvalues(mut a: Vec<f64>, n: usize) -> Vec<f64> {
    let (mut diagonal, mut beside) = tridiagonal(&mut a, n);
    for first in 0..n {
        // Each takes two or three rounds; the bound is for numbers that are not finite.
        for _ in 0..60 {
            let small = |k: usize| {
                let size = diagonal[k].abs() + diagonal[k + 1].abs();
                beside[k].abs() <= f64::EPSILON * size
            };
            let last = (first..n - 1).find(|k| small(*k)).unwrap_or(n - 1);
            if last == first {
                break;
            }
            let half = (diagonal[first + 1] - diagonal[first]) / (2.0 * beside[first]);
            let root = half.hypot(1.0).copysign(half);
            let mut g = diagonal[last] - diagonal[first] + beside[first] / (half + root);
            let (mut sine, mut cosine, mut shift) = (1.0, 1.0, 0.0);
            let mut whole = true;
            for k in (first..last).rev() {
                let (f, b) = (sine * beside[k], cosine * beside[k]);
                let length = f.hypot(g);
                beside[k + 1] = length;
                if length == 0.0 {
                    diagonal[k + 1] -= shift;
                    beside[last] = 0.0;
                    whole = false;
                    break;
                }
                (sine, cosine) = (f / length, g / length);
                let before = diagonal[k + 1] - shift;
                let turned = (diagonal[k] - before) * sine + 2.0 * cosine * b;
                shift = sine * turned;
                diagonal[k + 1] = before + shift;
                g = cosine * turned - b;
            }
            if whole {
                diagonal[first] -= shift;
                beside[first] = g;
                beside[last] = 0.0;
            }
        }
    }
    diagonal.sort_by(|left, right| right.total_cmp(left));
    diagonal
}

/// The diagonal, and what stands below it (the last is 0), of a similar matrix that has no others.
fn tridiagonal(a: &mut [f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut beside = vec![0.0; n];
    for column in 0..n.saturating_sub(2) {
        let below = column + 1..n;
        let length = below
            .clone()
            .map(|row| a[row * n + column].powi(2))
            .sum::<f64>()
            .sqrt();
        if length == 0.0 {
            continue;
        }
        let head = a[(column + 1) * n + column];
        let turned = -length.copysign(head);
        // The vector of the reflection I − 2vvᵀ/|v|².
        let mut v: Vec<f64> = below.clone().map(|row| a[row * n + column]).collect();
        v[0] -= turned;
        let square: f64 = v.iter().map(|number| number * number).sum();
        beside[column] = turned;
        let mut p: Vec<f64> = below
            .clone()
            .map(|row| {
                let product = v.iter().zip(&a[row * n + column + 1..(row + 1) * n]);
                2.0 * product.map(|(v, a)| v * a).sum::<f64>() / square
            })
            .collect();
        let along = v.iter().zip(&p).map(|(v, p)| v * p).sum::<f64>() / square;
        p.iter_mut().zip(&v).for_each(|(p, v)| *p -= along * v);
        for (i, row) in below.clone().enumerate() {
            let own = &mut a[row * n + column + 1..(row + 1) * n];
            for ((a, v_j), p_j) in own.iter_mut().zip(&v).zip(&p) {
                *a -= v[i] * p_j + p[i] * v_j;
            }
        }
    }
    if n >= 2 {
        beside[n - 2] = a[(n - 1) * n + n - 2];
    }
    ((0..n).map(|k| a[k * n + k]).collect(), beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(words: &mut SplitMix64) -> f64 {
        let law = crate::stable::Stable::symmetric(2.0, std::f64::consts::FRAC_1_SQRT_2).unwrap();
        law.sample(|| words.next_word())
    }

    #[test]
    fn eigenvalues_of_known_matrices() {
        // −1, 2, −1 on three diagonals: 2 − 2 cos(kπ/(n + 1)).
        for n in [1, 2, 3, 10, 50] {
            let mut a = vec![0.0; n * n];
            for i in 0..n {
                a[i * n + i] = 2.0;
                if i > 0 {
                    (a[i * n + i - 1], a[(i - 1) * n + i]) = (-1.0, -1.0);
                }
            }
            let found = eigenvalues(a, n);
            for (k, found) in (1..=n).rev().zip(found) {
                let angle = std::f64::consts::PI * k as f64 / (n + 1) as f64;
                assert!((found - (2.0 - 2.0 * angle.cos())).abs() < 1e-12, "{n} {k}");
            }
        }
        // All ones: n, and zeros.
        let found = eigenvalues(vec![1.0; 36], 6);
        assert!((found[0] - 6.0).abs() < 1e-12 && found[1..].iter().all(|v| v.abs() < 1e-12));
        // A full one, with the trace and the squares of its eigenvalues.
        let mut words = SplitMix64::new(1);
        let n = 40;
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let value = normal(&mut words);
                (a[i * n + j], a[j * n + i]) = (value, value);
            }
        }
        let trace: f64 = (0..n).map(|i| a[i * n + i]).sum();
        let squares: f64 = a.iter().map(|a| a * a).sum();
        let found = eigenvalues(a, n);
        assert!((found.iter().sum::<f64>() - trace).abs() < 1e-10);
        assert!((found.iter().map(|v| v * v).sum::<f64>() - squares).abs() < 1e-9);
    }

    fn add_row(sums: &mut GramSums, noise: &[f64]) {
        sums.begin_row();
        noise
            .chunks(4 * CHUNK)
            .for_each(|chunk| sums.add_chunk(chunk));
        sums.end_row();
    }

    #[test]
    fn directions_that_stand_out_are_found() {
        // Variance 25 and 9 along two directions, and 1e-3 in each of 20,000 coordinates.
        let (params, rows) = (20_000, 300);
        let mut words = SplitMix64::new(2);
        let mut direction = || {
            let raw: Vec<f64> = (0..params).map(|_| normal(&mut words)).collect();
            let length = raw.iter().map(|x| x * x).sum::<f64>().sqrt();
            raw.into_iter().map(|x| x / length).collect::<Vec<f64>>()
        };
        let (one, two) = (direction(), direction());
        let mut sums = GramSums::new(rows, params);
        let (mut first, mut second) = (0.0, 0.0);
        for _ in 0..rows {
            let (a, b) = (5.0 * normal(&mut words), 3.0 * normal(&mut words));
            (first, second) = (first + a * a, second + b * b);
            let row: Vec<f64> = (0..params)
                .map(|j| a * one[j] + b * two[j] + 0.03 * normal(&mut words))
                .collect();
            add_row(&mut sums, &row);
        }
        let found = sums.finish().unwrap();
        assert_eq!((found.rows, found.leading.len()), (256, EIGENVALUES));
        let (first, second) = (first / rows as f64, second / rows as f64);
        assert!(
            (found.leading[0] / first - 1.0).abs() < 0.1,
            "{found:?} {first}"
        );
        assert!(
            (found.leading[1] / second - 1.0).abs() < 0.1,
            "{found:?} {second}"
        );
        assert!(found.leading[2] < 0.05 * second, "{found:?}");
        assert!((found.trace / (first + second + 18.0) - 1.0).abs() < 0.1);
    }

    #[test]
    fn one_row_and_broken_ones_have_no_spectrum() {
        let of = |rows: &[&[f64]]| {
            let mut sums = GramSums::new(rows.len(), 2);
            rows.iter().for_each(|row| add_row(&mut sums, row));
            sums.finish()
        };
        assert_eq!(of(&[&[1.0, 2.0]]), None);
        assert_eq!(of(&[&[1.0, f64::NAN], &[0.0, 0.0]]), None);
        let found = of(&[&[3.0, 4.0], &[0.0, 0.0]]).unwrap();
        assert!((found.trace - 12.5).abs() < 1e-12 && (found.leading[0] - 12.5).abs() < 1e-5);
    }
}
