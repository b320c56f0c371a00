//! One measured number, and what it is held against.

use serde_json::{Value, json};

use crate::terminal::{human_bytes, human_count};

/// A measured number.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) row: &'static str,
    pub(super) what: String,
    pub(super) measured: f64,
    pub(super) unit: Unit,
    pub(super) bound: Bound,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unit {
    PerSecond,
    BytesPerSecond,
    Seconds,
    Bytes,
    Count,
    /// One number over another.
    Ratio,
}

/// What the number is held against: first what it must reach, then what is wished.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bound {
    Shown,
    AtLeast(f64, f64),
    AtMost(f64, f64),
}

/// How a number compares with its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Shown,
    Missed,
    Reached,
    Aim,
}

impl Line {
    pub(super) fn verdict(&self) -> Verdict {
        let (reached, aim) = match self.bound {
            Bound::Shown => return Verdict::Shown,
            Bound::AtLeast(least, aim) => (self.measured >= least, self.measured >= aim),
            Bound::AtMost(most, aim) => (self.measured <= most, self.measured <= aim),
        };
        match (reached, aim) {
            (_, true) => Verdict::Aim,
            (true, false) => Verdict::Reached,
            (false, false) => Verdict::Missed,
        }
    }

    pub(super) fn cells(&self) -> [String; 6] {
        let (least, aim) = match self.bound {
            Bound::Shown => (String::new(), String::new()),
            Bound::AtLeast(least, aim) => (self.unit.text(least), self.unit.text(aim)),
            Bound::AtMost(most, aim) => (
                format!("≤ {}", self.unit.text(most)),
                format!("≤ {}", self.unit.text(aim)),
            ),
        };
        let verdict = self.verdict().as_str().to_owned();
        let measured = self.unit.text(self.measured);
        [
            self.row.to_owned(),
            self.what.clone(),
            measured,
            least,
            aim,
            verdict,
        ]
    }

    pub(super) fn to_json(&self) -> Value {
        let (least, most, aim) = match self.bound {
            Bound::Shown => (None, None, None),
            Bound::AtLeast(least, aim) => (Some(least), None, Some(aim)),
            Bound::AtMost(most, aim) => (None, Some(most), Some(aim)),
        };
        json!({
            "row": self.row, "what": self.what, "measured": self.measured,
            "unit": self.unit.word(), "least": least, "most": most, "aim": aim,
            "verdict": self.verdict().as_str(),
        })
    }
}

impl Verdict {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Missed => "missed",
            Self::Reached => "reached",
            Self::Aim => "aim",
        }
    }
}

impl Unit {
    fn word(self) -> &'static str {
        match self {
            Self::PerSecond => "1/s",
            Self::BytesPerSecond => "bytes/s",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::Count => "count",
            Self::Ratio => "ratio",
        }
    }

    fn text(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", human_count(value)),
            Self::BytesPerSecond => format!("{}/s", human_bytes(value as u64)),
            Self::Seconds => format!("{value:.2} s"),
            Self::Bytes => human_bytes(value as u64),
            Self::Count => format!("{value:.0}"),
            Self::Ratio => format!("{value:.2}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_judged_by_its_bound() {
        let line = |measured, bound| Line {
            row: "N0",
            what: String::new(),
            measured,
            unit: Unit::Count,
            bound,
        };
        let least = Bound::AtLeast(10.0, 50.0);
        assert_eq!(line(9.0, least).verdict(), Verdict::Missed);
        assert_eq!(line(10.0, least).verdict(), Verdict::Reached);
        assert_eq!(line(50.0, least).verdict(), Verdict::Aim);
        let most = Bound::AtMost(15.0, 5.0);
        assert_eq!(line(16.0, most).verdict(), Verdict::Missed);
        assert_eq!(line(15.0, most).verdict(), Verdict::Reached);
        assert_eq!(line(5.0, most).verdict(), Verdict::Aim);
        assert_eq!(line(f64::NAN, least).verdict(), Verdict::Missed);
        assert_eq!(line(1.0, Bound::Shown).verdict(), Verdict::Shown);
    }
}
