//! The empirical characteristic function, after Kogon and Williams.
//!
//! Values are centred by their median and divided by σ = (q75 − q25)/ν_c. For SαS values
//! ln(−ln|φ(t)|²) = ln 2 + α ln t: α is the slope of the left side on ln t over t = 0.1, 0.2, …, 1.
//!
//! Source: Kogon, Williams, "Characteristic function based estimation of stable parameters", in:
//! Adler, Feldman, Taqqu (eds.), A Practical Guide to Heavy Tails, 1998, 311–335.
//!
//! **From bins.** A bin from a to b of which values are evenly spread has the mean of e^(itx)
//! e^(itm)·sin(th)/(th), m = (a+b)/2, h = (b−a)/2. Values at −x and x are kept apart. At the ten t,
//! sine and cosine follow from those at t = 0.1 by rotation. Against the exact φ the error is
//! O((th)²) of what values differ from an even spread, some 10⁻⁵ for smooth laws; for values at few
//! places 0.002·t|x| each.
//!
//! **When it fails.** Where |φ| is not between 0 and 1 or the slope is not positive, the values are
//! too few or too alike: [`Problem::Degenerate`].

use super::Problem;
use super::quantiles::Quartiles;
use crate::histogram::{LogHistogram, edges};
use crate::values::ValueSums;

/// t = 0.1, 0.2, …, 1.
const POINTS: usize = 10;
const STEP: f64 = 0.1;

/// α as the slope of ln(−ln|φ(t)|²) on ln t. It may be above 2.
pub fn ecf(values: &ValueSums) -> Result<f64, Problem> {
    Ok(Characteristic::of(&values.histogram)?.line()?.slope)
}

/// The characteristic function of values in a unit of their own, at the ten t.
pub(super) struct Characteristic {
    unit: Unit,
    /// Real and imaginary part.
    phi: [(f64, f64); POINTS],
    /// Number of values.
    count: u64,
}

/// Where values lie, and σ by their quartiles: z = (x − median)/scale is what φ is of.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    pub(super) median: f64,
    pub(super) scale: f64,
}

/// The least-squares line of ln(−ln|φ(t)|²) on ln t: α, and ln 2 + α ln σ.
pub(super) struct Fitted {
    pub(super) slope: f64,
    pub(super) intercept: f64,
}

impl Characteristic {
    pub(super) fn of(values: &LogHistogram) -> Result<Self, Problem> {
        let quartiles = Quartiles::of(values)?;
        let unit = Unit {
            median: quartiles.median,
            scale: quartiles.scale(),
        };
        Ok(Self {
            unit,
            phi: characteristic(values, unit.median, unit.scale),
            count: values.count(),
        })
    }

    pub(super) fn unit(&self) -> Unit {
        self.unit
    }

    /// Number of values.
    pub(super) fn count(&self) -> f64 {
        self.count as f64
    }

    pub(super) fn line(&self) -> Result<Fitted, Problem> {
        let points = ts().zip(self.phi).map(|(t, (re, im))| {
            let square: f64 = re * re + im * im;
            (t.ln(), (-square.ln()).ln())
        });
        let (mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0);
        for (ln_t, left) in points {
            x += ln_t;
            y += left;
            xx += ln_t * ln_t;
            xy += ln_t * left;
        }
        let n = POINTS as f64;
        let slope = (n * xy - x * y) / (n * xx - x * x);
        match slope.is_finite() && slope > 0.0 {
            true => Ok(Fitted {
                slope,
                intercept: (y - slope * x) / n,
            }),
            false => Err(Problem::Degenerate),
        }
    }

    /// t, and the argument of φ there.
    pub(super) fn angles(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        ts().zip(self.phi.iter().map(|(re, im)| im.atan2(*re)))
    }
}

fn ts() -> impl Iterator<Item = f64> {
    (0..POINTS).map(|index| STEP * (index + 1) as f64)
}

/// φ of (x − `median`)/`scale` at the ten t.
fn characteristic(values: &LogHistogram, median: f64, scale: f64) -> [(f64, f64); POINTS] {
    let mut real = [0.0; POINTS];
    let mut imaginary = [0.0; POINTS];
    for (bin, count) in values.bins() {
        let edges = edges(bin);
        let (low, high) = (edges.start / scale, edges.end / scale);
        let magnitude = 0.5 * low + 0.5 * high;
        let middle = if bin < 0 { -magnitude } else { magnitude } - median / scale;
        let half = STEP * (0.5 * high - 0.5 * low);
        // Far out every period of e^(itx) has its share of a bin: the mean is 0.
        if half > 1e6 {
            continue;
        }
        let weight = count as f64;
        let (sin, cos) = (STEP * middle).sin_cos();
        let (mut re, mut im) = (cos, sin);
        for point in 0..POINTS {
            let weight = weight * sinc(half * (point + 1) as f64);
            real[point] += weight * re;
            imaginary[point] += weight * im;
            (re, im) = (re * cos - im * sin, re * sin + im * cos);
        }
    }
    let count = values.count() as f64;
    std::array::from_fn(|point| (real[point] / count, imaginary[point] / count))
}

/// sin(x)/x.
fn sinc(x: f64) -> f64 {
    let square = x * x;
    if square < 1e-3 {
        1.0 - square * (1.0 / 6.0 - square * (1.0 / 120.0 - square / 5040.0))
    } else {
        x.sin() / x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sinc_is_smooth_where_its_forms_meet() {
        for x in [0.0316_f64, 0.03162, 0.03163, 0.0317] {
            assert!((sinc(x) - x.sin() / x).abs() < 1e-14);
        }
        assert_eq!(sinc(0.0), 1.0);
    }

    #[test]
    fn values_at_one_place_are_degenerate() {
        let read = ecf(&ValueSums::of(&[2.0; 30]));
        assert_eq!(read, Err(Problem::Degenerate));
        assert_eq!(ecf(&ValueSums::default()), Err(Problem::NoValues));
    }
}
