//! Spans of time as people write them: `90s`, `2h`, `1h30m`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
];

/// A hundred years: more is a slip of the pen, and clocks stay far from their ends.
const LONGEST: u64 = 100 * 365 * 86_400_000;

/// How to write one.
pub(super) const HELP: &str = "write whole numbers with their units, from large to small, as in \
                               `\"90s\"`, `\"30m\"`, `\"2h\"` or `\"1h30m\"`";

/// Why a text is no span of time that can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSpan {
    Zero,
    TooLong,
    Other,
}

/// `None` for text that is no span of time above zero.
pub fn parse(text: &str) -> Option<Duration> {
    read(text).ok()
}

pub(super) fn read(text: &str) -> Result<Duration, NoSpan> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(NoSpan::Other);
    }
    let mut total = Some(0_u64);
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit());
        let digits = digits.filter(|digits| *digits > 0).ok_or(NoSpan::Other)?;
        let number: Option<u64> = rest[..digits].parse().ok();
        rest = &rest[digits..];
        let unit = UNITS.into_iter().find(|(unit, _)| rest.starts_with(unit));
        let (unit, length) = unit.ok_or(NoSpan::Other)?;
        // From large to small, each once: `1h30m`.
        if length >= smallest {
            return Err(NoSpan::Other);
        }
        smallest = length;
        let more = number.and_then(|number| number.checked_mul(length));
        total = total
            .zip(more)
            .and_then(|(total, more)| total.checked_add(more));
        rest = rest[unit.len()..].trim_start();
    }
    match total {
        Some(0) => Err(NoSpan::Zero),
        Some(total) if total <= LONGEST => Ok(Duration::from_millis(total)),
        _ => Err(NoSpan::TooLong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_read() {
        for (text, seconds) in [
            ("90s", 90.0),
            ("2h", 7_200.0),
            ("1h30m", 5_400.0),
            ("1d 2h", 93_600.0),
            ("250ms", 0.25),
        ] {
            assert_eq!(
                parse(text),
                Some(Duration::from_secs_f64(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            " ",
            "2",
            "h",
            "2x",
            "-2h",
            "1.5h",
            "0s",
            "30m1h",
            "1h1h",
            "99999999999999999999h",
            "9999999999999d",
            "2 h",
            "٣s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_and_too_much_are_told_from_what_is_no_time() {
        assert_eq!(read("0h 0s"), Err(NoSpan::Zero));
        assert_eq!(read("99999999999999999999h"), Err(NoSpan::TooLong));
        assert_eq!(read("999999d"), Err(NoSpan::TooLong));
        assert_eq!(read("90"), Err(NoSpan::Other));
    }
}
