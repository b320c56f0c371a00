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

/// `None` for text that is no span of time above zero.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, length) = UNITS.into_iter().find(|(unit, _)| rest.starts_with(unit))?;
        // From large to small, each once: `1h30m`.
        if length >= smallest {
            return None;
        }
        smallest = length;
        total = total.checked_add(number.checked_mul(length)?)?;
        rest = rest[unit.len()..].trim_start();
    }
    (1..=LONGEST)
        .contains(&total)
        .then(|| Duration::from_millis(total))
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
}
