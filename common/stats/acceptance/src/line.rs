//! One line of the table: expected, measured, verdict.

use std::fmt;

use tailsweep_stats::{Estimate, Interval};

use crate::sample::Sample;

/// What was expected of one number, and what was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What the number is.
    pub what: String,
    /// What it must be.
    pub expected: Expected,
    /// The number; NaN where there was none.
    pub measured: f64,
    /// How sure the number is.
    pub beside: Option<Beside>,
    /// Decimals that are written.
    pub decimals: usize,
}

/// What a number must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected {
    /// This, give or take.
    Near {
        /// The value.
        value: f64,
        /// The largest distance from it.
        within: f64,
    },
    /// Not outside of these.
    Between {
        /// The least.
        low: f64,
        /// The most.
        high: f64,
    },
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// Nothing is asked; this would be the truth, or what the definition says.
    Shown(Option<f64>),
}

/// What stands beside a measured number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Beside {
    /// Its standard error.
    StdError(f64),
    /// The standard deviation between repeats.
    Spread(f64),
    /// Its 95 % interval.
    Interval(Interval),
}

/// Whether the number is what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Pass,
    /// It is not.
    Fail,
    /// Nothing was asked.
    Shown,
}

impl Verdict {
    /// As written in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Shown => "shown",
        }
    }
}

impl Line {
    pub(crate) fn new(what: impl Into<String>, expected: Expected, measured: f64) -> Self {
        Self {
            what: what.into(),
            expected,
            measured,
            beside: None,
            decimals: 3,
        }
    }

    /// α of the pooled θ of these repeats, with its standard error.
    pub(crate) fn of_thetas(what: impl Into<String>, expected: Expected, thetas: &Sample) -> Self {
        let alpha = 1.0 / thetas.mean();
        let std_error = alpha * alpha * thetas.std_error();
        Self::new(what, expected, alpha).beside(Beside::StdError(std_error))
    }

    /// α of an estimate, with its interval where it has one.
    pub(crate) fn of_estimate(
        what: impl Into<String>,
        expected: Expected,
        estimate: &Estimate,
    ) -> Self {
        let line = Self::new(what, expected, estimate.alpha.unwrap_or(f64::NAN));
        match estimate.interval {
            Some(interval) => line.beside(Beside::Interval(interval)),
            None => line,
        }
    }

    pub(crate) fn beside(self, beside: Beside) -> Self {
        Self {
            beside: Some(beside),
            ..self
        }
    }

    pub(crate) fn decimals(self, decimals: usize) -> Self {
        Self { decimals, ..self }
    }

    /// Whether the number is what it must be. What can't be computed is not.
    pub fn verdict(&self) -> Verdict {
        let measured = self.measured;
        let met = match self.expected {
            Expected::Near { value, within } => (measured - value).abs() <= within,
            Expected::Between { low, high } => low <= measured && measured <= high,
            Expected::AtMost(most) => measured <= most,
            Expected::AtLeast(least) => measured >= least,
            Expected::Shown(_) => return Verdict::Shown,
        };
        match met {
            true => Verdict::Pass,
            false => Verdict::Fail,
        }
    }

    /// The expectation, as written in the table.
    pub fn expected_text(&self) -> String {
        let digits = self.decimals;
        match self.expected {
            Expected::Near { value, within } if within < 0.5 * 0.1_f64.powi(digits as i32) => {
                format!("{value:.digits$}")
            }
            Expected::Near { value, within } => format!("{value:.digits$} ± {within:.digits$}"),
            Expected::Between { low, high } => format!("{low:.digits$} … {high:.digits$}"),
            Expected::AtMost(most) => format!("≤ {most:.digits$}"),
            Expected::AtLeast(least) => format!("≥ {least:.digits$}"),
            Expected::Shown(Some(value)) => format!("({value:.digits$})"),
            Expected::Shown(None) => String::new(),
        }
    }

    /// The measurement, as written in the table.
    pub fn measured_text(&self) -> String {
        let digits = self.decimals;
        let measured = match self.measured.is_nan() {
            true => "none".to_owned(),
            // Adding zero to what was rounded to −0 takes its sign.
            false => format!("{:.digits$}", rounded(self.measured, digits) + 0.0),
        };
        match self.beside {
            None => measured,
            Some(Beside::StdError(error)) => format!("{measured} (s.e. {error:.digits$})"),
            Some(Beside::Spread(spread)) => format!("{measured} (sd {spread:.digits$})"),
            Some(Beside::Interval(Interval { low, high })) => {
                format!("{measured} [{low:.digits$}, {high:.digits$}]")
            }
        }
    }
}

fn rounded(value: f64, digits: usize) -> f64 {
    let unit = 10_f64.powi(digits as i32);
    (value * unit).round() / unit
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_not_met() {
        let all = [
            Expected::Near {
                value: 1.0,
                within: f64::INFINITY,
            },
            Expected::Between {
                low: f64::NEG_INFINITY,
                high: f64::INFINITY,
            },
            Expected::AtMost(f64::INFINITY),
            Expected::AtLeast(f64::NEG_INFINITY),
        ];
        for expected in all {
            let line = Line::new("nothing", expected, f64::NAN);
            assert_eq!(line.verdict(), Verdict::Fail, "{expected:?}");
        }
    }

    #[test]
    fn the_edge_is_inside() {
        let near = Expected::Near {
            value: 2.0,
            within: 0.125,
        };
        assert_eq!(Line::new("", near, 2.125).verdict(), Verdict::Pass);
        assert_eq!(Line::new("", near, 2.126).verdict(), Verdict::Fail);
        assert_eq!(
            Line::new("", Expected::Shown(None), 1.0).verdict(),
            Verdict::Shown
        );
    }
}
