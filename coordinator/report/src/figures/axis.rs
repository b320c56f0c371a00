//! Axes: a range, its ticks, and where a value lies.

use crate::numbers::{exact, rounded, setting};

/// How values lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    /// Equal ratios have equal lengths.
    Log,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(super) label: String,
    pub(super) scale: Scale,
    pub(super) range: [f64; 2],
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// A linear axis over all `values`, with round ticks.
    pub(super) fn linear(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let [low, high] = bounds(values).unwrap_or([0.0, 1.0]);
        let pad = if high > low {
            0.04 * (high - low)
        } else {
            0.1 * high.abs().max(1.0)
        };
        Self::between(label, [low - pad, high + pad])
    }

    /// A linear axis over a given range.
    pub(super) fn between(label: &str, range: [f64; 2]) -> Self {
        let ticks = round_ticks(range, 5.0);
        Self {
            label: label.to_owned(),
            scale: Scale::Linear,
            range,
            ticks,
        }
    }

    /// The same with fewer ticks, for a low plot.
    pub(super) fn low(mut self) -> Self {
        if self.scale == Scale::Linear {
            self.ticks = round_ticks(self.range, 2.6);
        }
        self
    }

    /// A linear axis from 0, for steps.
    pub(super) fn steps(last: u64) -> Self {
        let last = last.max(1) as f64;
        let mut axis = Self::between("step", [-0.02 * last, 1.03 * last]);
        axis.ticks = round_ticks([0.0, last], 5.0);
        for (value, text) in &mut axis.ticks {
            *text = crate::numbers::grouped(*value as u64);
        }
        axis
    }

    /// An axis whose ticks are the values of the sweep themselves, as many as fit; on a
    /// logarithmic one they are above 0.
    pub(super) fn values(label: &str, scale: Scale, values: &[f64]) -> Self {
        let mut values: Vec<f64> = values.to_vec();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let [low, high] = bounds(values.iter().copied()).unwrap_or([1.0, 2.0]);
        let range = match scale {
            Scale::Linear => {
                let pad = if high > low { 0.07 * (high - low) } else { 1.0 };
                [low - pad, high + pad]
            }
            Scale::Log => {
                let pad = if high > low {
                    (high / low).powf(0.07)
                } else {
                    2.0
                };
                [low / pad, high * pad]
            }
        };
        let mut axis = Self {
            label: label.to_owned(),
            scale,
            range,
            ticks: vec![],
        };
        let mut right = f64::NEG_INFINITY;
        for value in values {
            let text = setting(value);
            // As a share of the axis: a figure is about 1/50 wide, and needs a gap.
            let half = 0.011 * text.chars().count() as f64 + 0.008;
            let at = axis.share(value);
            if at - half > right {
                right = at + half;
                axis.ticks.push((value, text));
            }
        }
        axis
    }

    /// A logarithmic axis with a tick at each power of `base` that fits.
    pub(super) fn powers(label: &str, base: u64, range: [f64; 2]) -> Self {
        let base = base as f64;
        let mut value = base.powf(range[0].log(base).floor());
        let mut all = Vec::new();
        while value <= range[1] && all.len() < 64 {
            if value >= range[0] {
                all.push(value);
            }
            value *= base;
        }
        let every = all.len().div_ceil(7).max(1);
        let ticks = all
            .into_iter()
            .step_by(every)
            .map(|value| (value, power_text(value)))
            .collect();
        Self {
            label: label.to_owned(),
            scale: Scale::Log,
            range,
            ticks,
        }
    }

    /// A logarithmic axis with ticks at powers of ten, above and below 1, as many as fit.
    pub(super) fn decades(label: &str, range: [f64; 2]) -> Self {
        let [first, last] = [
            range[0].log10().ceil() as i32,
            range[1].log10().floor() as i32,
        ];
        let every = (last - first + 1).max(1).unsigned_abs().div_ceil(6) as usize;
        let ticks = (first..=last).step_by(every).map(|power| {
            let value = format!("1e{power}").parse().unwrap_or(1.0);
            (value, power_text(value))
        });
        Self {
            label: label.to_owned(),
            scale: Scale::Log,
            range,
            ticks: ticks.collect(),
        }
    }

    /// The same axis; where powers leave few ticks, with multiples of them too.
    pub(super) fn filled(mut self) -> Self {
        let [low, high] = self.range;
        let decades = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
        let ticks = |factors: &'static [f64]| {
            let all = decades.clone().flat_map(|decade| {
                // Powers below 1 are made by division, so that 0.1 is 0.1.
                let power = 10f64.powi(decade.abs());
                factors.iter().map(move |factor| match decade < 0 {
                    true => factor / power,
                    false => factor * power,
                })
            });
            let inside = all.filter(|value| (low..=high).contains(value));
            inside
                .map(|value| (value, power_text(value)))
                .collect::<Vec<_>>()
        };
        self.ticks = ticks(&[1.0]);
        if self.ticks.len() < 3 {
            self.ticks = ticks(&[1.0, 3.0]);
        }
        if self.ticks.len() < 2 {
            self.ticks = ticks(&[1.0, 2.0, 5.0]);
        }
        let every = self.ticks.len().div_ceil(4).max(1);
        self.ticks = self.ticks.into_iter().step_by(every).collect();
        self
    }

    /// Where `value` lies, 0 at the lower end of the range and 1 at the upper one.
    pub(super) fn share(&self, value: f64) -> f64 {
        let [low, high] = self.range;
        match self.scale {
            Scale::Linear => (value - low) / (high - low),
            Scale::Log => (value / low).ln() / (high / low).ln(),
        }
    }
}

/// A tick at a power: `100000`, then `1e6`.
fn power_text(value: f64) -> String {
    let (plain, short) = (setting(value), format!("{value:e}"));
    match value >= 1e6 && short.len() < plain.len() {
        true => short,
        false => plain,
    }
}

/// The least and the greatest finite value.
pub(super) fn bounds(values: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    values
        .into_iter()
        .filter(|value| value.is_finite())
        .fold(None, |bounds, value| match bounds {
            None => Some([value, value]),
            Some([low, high]) => Some([value.min(low), value.max(high)]),
        })
}

/// Round values inside the range, at most about `count` steps of them.
fn round_ticks([low, high]: [f64; 2], count: f64) -> Vec<(f64, String)> {
    let rough = (high - low) / count;
    let power = 10f64.powi(rough.log10().floor() as i32);
    let factor = [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .find(|factor| factor * power >= rough * 0.999);
    let (factor, power) = factor.map_or((1.0, 10.0 * power), |factor| (factor, power));
    let step = factor * power;
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    let decimals = -(power.log10().round()) + if factor == 2.5 { 1.0 } else { 0.0 };
    let decimals = decimals.max(0.0) as usize;
    let text = |value: f64| {
        if decimals > 4 || step >= 1e6 {
            exact(value)
        } else {
            rounded(value, decimals)
        }
    };
    (first..=last)
        .map(|index| index as f64 * step)
        .map(|value| (value, text(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> String {
        axis.ticks
            .iter()
            .map(|(_, text)| text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            texts(&Axis::between("", [0.93, 2.07])),
            "1.00 1.25 1.50 1.75 2.00"
        );
        assert_eq!(
            texts(&Axis::between("", [-0.2, 0.6])),
            "−0.2 0.0 0.2 0.4 0.6"
        );
        assert_eq!(texts(&Axis::steps(65_000)), "0 20,000 40,000 60,000");
    }

    #[test]
    fn widths_are_their_own_ticks_and_never_overlap() {
        let widths = [8.0, 32.0, 128.0, 512.0];
        assert_eq!(
            texts(&Axis::values("width", Scale::Log, &widths)),
            "8 32 128 512"
        );
        let many: Vec<f64> = (1..=200).map(f64::from).collect();
        assert!(Axis::values("width", Scale::Log, &many).ticks.len() < 30);
    }

    #[test]
    fn one_value_has_an_axis_too() {
        assert_eq!(Axis::values("", Scale::Log, &[4.0]).share(4.0), 0.5);
        assert!((Axis::linear("", [0.0]).share(0.0) - 0.5).abs() < 1e-12);
    }
}
