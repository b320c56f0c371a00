//! Numbers as they are written, and evenly spaced ones between them.
//!
//! A sweep file is written in decimals, so it is read in decimals: `range = [0.1, 0.5]` with
//! `step = 0.1` means 0.1, 0.2, 0.3, 0.4, 0.5 and not 0.30000000000000004. Each literal is kept
//! as m·10^e with a whole m, a value in between is computed as a fraction of two whole numbers,
//! and only the quotient is rounded, once. Where m or e are too large for that, plain floats do.
//!
//! The ends of a range are the very literals. Powers (`geomspace`, `logspace`) are rounded floats
//! in between; one that lies within a few units in the last place of a decimal of 12 digits is
//! that decimal, so that a doubling gives 32 and not 31.999999999999996. Other powers come from the
//! mathematics library of the platform: the only values of a sweep whose last bit may depend on it.

use toml::de::{DeFloat, DeInteger};

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Literal {
    /// The float that is nearest to it.
    pub(super) value: f64,
    /// Written without a decimal point or exponent.
    pub(super) is_integer: bool,
    exact: Option<Decimal>,
}

/// `digits` · 10^`exponent`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Literal {
    pub(super) const ONE: Self = Self {
        value: 1.0,
        is_integer: true,
        exact: Some(Decimal {
            digits: 1,
            exponent: 0,
        }),
    };

    /// `None` when it does not fit into 64 bits.
    pub(super) fn of_integer(written: &DeInteger<'_>) -> Option<Self> {
        let whole = i64::from_str_radix(written.as_str(), written.radix()).ok()?;
        let exact = Decimal {
            digits: i128::from(whole),
            exponent: 0,
        };
        Some(Self {
            value: whole as f64,
            is_integer: true,
            exact: Some(exact),
        })
    }

    /// `None` when it is not finite.
    pub(super) fn of_float(written: &DeFloat<'_>) -> Option<Self> {
        let value: f64 = written.as_str().parse().ok()?;
        // Minus zero is zero: it would be another run that computes the same.
        let value = if value == 0.0 { 0.0 } else { value };
        let exact = Decimal::read(written.as_str());
        value.is_finite().then_some(Self {
            value,
            is_integer: false,
            exact,
        })
    }

    /// The whole number that it is.
    pub(super) fn whole(self) -> Option<i64> {
        if let Some(Decimal {
            digits,
            exponent: 0,
        }) = self.exact.filter(|_| self.is_integer)
        {
            return i64::try_from(digits).ok();
        }
        let fits = self.value.fract() == 0.0 && self.value.abs() < 9e15;
        fits.then_some(self.value as i64)
    }
}

impl Decimal {
    fn read(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (text, 0_i32),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}").parse().ok()?;
        let decimals = i32::try_from(fraction.len()).ok()?;
        Some(Self {
            digits,
            exponent: exponent.checked_sub(decimals)?,
        })
    }

    /// Number of decimals that it takes to write it.
    fn decimals(self) -> u32 {
        (-self.exponent.clamp(i32::MIN + 1, 0)) as u32
    }

    /// It times 10^`decimals`.
    fn scaled(self, decimals: u32) -> Option<i128> {
        let shift = i64::from(self.exponent) + i64::from(decimals);
        self.digits
            .checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)
    }
}

/// Two literals and a third as whole numbers of the same unit, 1/10^decimals.
fn common_unit(numbers: [Literal; 3]) -> Option<([i128; 3], i128)> {
    let exact = numbers.map(|number| number.exact);
    let decimals = exact
        .iter()
        .try_fold(0, |most, one| Some(one.as_ref()?.decimals().max(most)))?;
    let mut scaled = [0; 3];
    for (scaled, decimal) in scaled.iter_mut().zip(exact) {
        // Far enough from the largest whole number that a sum of two cannot overflow.
        *scaled = decimal?
            .scaled(decimals)
            .filter(|scaled| scaled.unsigned_abs() < 1 << 120)?;
    }
    Some((scaled, 10_i128.checked_pow(decimals)?))
}

/// The float nearest to `numerator`/`denominator`, when both are floats; next to it otherwise.
fn quotient(numerator: i128, denominator: i128) -> f64 {
    numerator as f64 / denominator as f64
}

/// Why a range has no values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NoRange {
    /// It takes more values than are allowed.
    TooMany,
    /// No step hits its end, but these two before and behind it.
    Missed([f64; 2]),
}

/// A remainder of less than this share of a step is rounding.
const ROUNDING: f64 = 1e-9;

/// `first`, `first + step`, … up to `last`, which a step must hit.
///
/// `first` ≤ `last` and 0 < `step`.
pub(super) fn range(
    first: Literal,
    last: Literal,
    step: Literal,
    most: usize,
) -> Result<Vec<f64>, NoRange> {
    let exact = common_unit([first, last, step]).and_then(|([a, b, s], unit)| {
        let distance = b.checked_sub(a)?;
        // Every value in between lies between the two; the one behind them may overflow.
        (s > 0).then_some((a, distance, s, unit))
    });
    let (steps, at): (f64, Box<dyn Fn(usize) -> f64>) = match exact {
        Some((a, distance, s, unit)) => {
            let whole = distance / s;
            let rest = (distance % s) as f64 / s as f64;
            let steps_of = move |index: usize| (index as i128).saturating_mul(s);
            let at = move |index: usize| quotient(a.saturating_add(steps_of(index)), unit);
            (whole as f64 + rest, Box::new(at))
        }
        None => {
            let (a, s) = (first.value, step.value);
            (
                (last.value - a) / s,
                Box::new(move |index| a + index as f64 * s),
            )
        }
    };
    if steps.is_nan() || steps >= most as f64 {
        return Err(NoRange::TooMany);
    }
    let nearest = steps.round();
    let hits = steps == 0.0 || nearest >= 1.0 && (steps - nearest).abs() < ROUNDING * nearest;
    if !hits {
        let before = steps.floor() as usize;
        return Err(NoRange::Missed([at(before), at(before + 1)]));
    }
    let intervals = nearest as usize;
    let mut values: Vec<f64> = (0..=intervals).map(at).collect();
    values[0] = first.value;
    values[intervals] = last.value;
    Ok(values)
}

/// `count` ≥ 1 values, evenly spaced from `first` to `last`, both included.
pub(super) fn linspace(first: Literal, last: Literal, count: usize) -> Vec<f64> {
    let intervals = count - 1;
    let exact = common_unit([first, last, first]).and_then(|([a, b, _], unit)| {
        let most = a
            .checked_abs()?
            .max(b.checked_abs()?)
            .checked_mul(2 * count as i128)?;
        // Both whole numbers have to be floats for their quotient to be the nearest float.
        (most < 1 << 53).then_some((a, b - a, unit.checked_mul(intervals.max(1) as i128)?))
    });
    let at = |index: usize| match exact {
        Some((a, distance, denominator)) => quotient(
            a * intervals as i128 + distance * index as i128,
            denominator,
        ),
        None => {
            let share = index as f64 / intervals as f64;
            first.value * (1.0 - share) + last.value * share
        }
    };
    with_ends(count, first.value, last.value, at)
}

/// `count` ≥ 1 values with a constant ratio from `first` to `last`, both included and positive.
pub(super) fn geomspace(first: Literal, last: Literal, count: usize) -> Vec<f64> {
    // The difference of logarithms, so that no ratio overflows.
    let (a, b) = (first.value, last.value);
    let ratio = b / a;
    with_ends(count, a, b, |index| {
        let share = index as f64 / (count - 1) as f64;
        let value = if ratio.is_finite() && ratio > 0.0 {
            a * ratio.powf(share)
        } else {
            (a.ln() * (1.0 - share) + b.ln() * share).exp()
        };
        tidy(value)
    })
}

/// Ten to the power of `count` ≥ 1 evenly spaced values from `first` to `last`.
pub(super) fn logspace(first: Literal, last: Literal, count: usize) -> Vec<f64> {
    linspace(first, last, count)
        .into_iter()
        .map(power_of_ten)
        .collect()
}

fn power_of_ten(exponent: f64) -> f64 {
    if exponent.fract() == 0.0 && exponent.abs() < 400.0 {
        return format!("1e{exponent}")
            .parse()
            .expect("a power of ten is written so");
    }
    tidy(10_f64.powf(exponent))
}

fn with_ends(count: usize, first: f64, last: f64, at: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = (0..count)
        .map(|index| {
            if index == 0 || index + 1 == count {
                first
            } else {
                at(index)
            }
        })
        .collect();
    if count > 1 {
        values[count - 1] = last;
    }
    values
}

/// The decimal of 12 digits that lies within a few units in the last place, if there is one.
fn tidy(value: f64) -> f64 {
    let decimal: f64 = format!("{value:.11e}").parse().expect("a float reads back");
    let near = (decimal - value).abs() <= 8.0 * f64::EPSILON * value.abs();
    if near { decimal } else { value }
}

/// A float as tables show it: its shortest form that reads back exactly.
pub(crate) fn shortest(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-5..1e16).contains(&size) {
        format!("{value:e}")
    } else {
        format!("{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Literal {
        let value = toml::de::DeValue::parse(text)
            .expect("a number")
            .into_inner();
        match value {
            toml::de::DeValue::Integer(written) => Literal::of_integer(&written),
            toml::de::DeValue::Float(written) => Literal::of_float(&written),
            _ => None,
        }
        .expect("a number")
    }

    fn stepped(first: &str, last: &str, step: &str) -> Vec<f64> {
        range(literal(first), literal(last), literal(step), 1_000).expect("few")
    }

    #[test]
    fn a_range_is_counted_in_decimals() {
        assert_eq!(stepped("0.1", "0.5", "0.1"), [0.1, 0.2, 0.3, 0.4, 0.5]);
        assert_eq!(
            stepped("1e-3", "5e-3", "1e-3"),
            [0.001, 0.002, 0.003, 0.004, 0.005]
        );
        assert_eq!(stepped("0", "1", "0.25"), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(stepped("-0.2", "0.1", "0.1"), [-0.2, -0.1, 0.0, 0.1]);
        assert_eq!(stepped("3", "3", "1"), [3.0]);
    }

    #[test]
    fn a_range_ends_where_a_step_hits_its_end_or_not_at_all() {
        let missed = range(literal("2"), literal("7"), literal("2"), 10);
        assert_eq!(missed, Err(NoRange::Missed([6.0, 8.0])));
        let missed = range(literal("0"), literal("1"), literal("9e307"), 10);
        assert_eq!(missed, Err(NoRange::Missed([0.0, 9e307])));
        assert_eq!(stepped("0", "1", "0.3333333333333333").last(), Some(&1.0));
        assert_eq!(stepped("1e300", "3e300", "1e300"), [1e300, 2e300, 3e300]);
        assert_eq!(stepped("0", "1e-300", "5e-301"), [0.0, 5e-301, 1e-300]);
    }

    #[test]
    fn a_huge_range_is_refused_and_not_computed() {
        for (first, last, step) in [
            ("0", "9223372036854775807", "1"),
            ("-9223372036854775808", "9223372036854775807", "1"),
            ("0", "1", "1e-300"),
            ("-1e308", "1e308", "1e-308"),
            ("0.000000000000000000000000000000000000001", "1e38", "1"),
        ] {
            let result = range(literal(first), literal(last), literal(step), 1_000_000);
            assert_eq!(result, Err(NoRange::TooMany), "{first} {last} {step}");
        }
    }

    #[test]
    fn evenly_spaced_values_are_the_decimals_that_a_person_would_write() {
        let spaced = linspace(literal("0.1"), literal("0.9"), 9);
        assert_eq!(spaced, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
        assert_eq!(linspace(literal("1"), literal("0"), 3), [1.0, 0.5, 0.0]);
        assert_eq!(linspace(literal("5"), literal("5"), 1), [5.0]);
        assert_eq!(linspace(literal("0"), literal("1"), 4)[1], 1.0 / 3.0);
        assert_eq!(linspace(literal("-1e308"), literal("1e308"), 3)[1], 0.0);
    }

    #[test]
    fn powers_hit_whole_numbers_and_keep_their_ends() {
        assert_eq!(
            geomspace(literal("8"), literal("512"), 4),
            [8.0, 32.0, 128.0, 512.0]
        );
        assert_eq!(
            geomspace(literal("1e-5"), literal("0.1"), 5),
            [1e-5, 1e-4, 1e-3, 0.01, 0.1]
        );
        assert_eq!(geomspace(literal("2"), literal("1024"), 10)[4], 32.0);
        assert_eq!(geomspace(literal("1e-300"), literal("1e300"), 3)[1], 1.0);
        assert_eq!(logspace(literal("-2"), literal("-1"), 2), [0.01, 0.1]);
        assert_eq!(
            logspace(literal("-4"), literal("0"), 5),
            [1e-4, 1e-3, 1e-2, 0.1, 1.0]
        );
        assert_eq!(
            logspace(literal("-2"), literal("-1"), 3)[1],
            0.03162277660168379
        );
    }

    #[test]
    fn floats_are_shown_in_their_shortest_form() {
        let shown = [0.1, 0.0, 1.0, 1e-7, 2.5e20].map(shortest);
        assert_eq!(shown, ["0.1", "0", "1", "1e-7", "2.5e20"]);
    }
}
