//! Numbers as text: exact for programs, short for people.

/// The shortest text that reads back as the same number, in the form that all CSV and JSON
/// readers know: `0.1`, `1.0`, `1e21`, `inf`, `-inf`. A number always keeps its point or
/// exponent, so that a column of floats is one for every reader. NaN is no number: empty.
pub(crate) fn exact(number: f64) -> String {
    if number.is_nan() {
        String::new()
    } else {
        format!("{number:?}")
    }
}

/// With `decimals` digits after the point and a true minus sign; `∞` for an open end.
pub(crate) fn rounded(number: f64, decimals: usize) -> String {
    if number.is_infinite() {
        return if number > 0.0 {
            "∞".to_owned()
        } else {
            "−∞".to_owned()
        };
    }
    let text = format!("{number:.decimals$}");
    let is_zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    match text.strip_prefix('-') {
        Some(magnitude) if is_zero => magnitude.to_owned(),
        Some(magnitude) => format!("−{magnitude}"),
        None => text,
    }
}

/// A setting such as a learning rate: shortest exact form, `0.1`, `1` and `1e-5`.
pub fn setting(number: f64) -> String {
    let text = exact(number);
    let text = text.strip_suffix(".0").map_or(text.clone(), str::to_owned);
    text.replace('-', "−")
}

/// With a comma between thousands: `65,000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 run`, `2 runs`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_numbers_read_back() {
        for number in [
            0.1,
            1.0,
            -0.0,
            1e21,
            1.5e-7,
            5e-324,
            f64::MAX,
            1.0 / 3.0,
            f64::INFINITY,
            -1e300,
        ] {
            let back: f64 = exact(number).parse().unwrap();
            assert_eq!(back.to_bits(), number.to_bits(), "{number}");
        }
        assert_eq!(
            [1e21, 1e-7, 1.0, f64::INFINITY].map(exact),
            ["1e21", "1e-7", "1.0", "inf"]
        );
        assert_eq!(exact(f64::NAN), "");
    }

    #[test]
    fn rounded_numbers_have_a_true_minus() {
        assert_eq!(rounded(-0.5229, 3), "−0.523");
        assert_eq!(rounded(-0.0001, 2), "0.00");
        assert_eq!(rounded(f64::INFINITY, 2), "∞");
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            [7, 999, 1_000, 65_000, 1_234_567].map(grouped).join(" "),
            "7 999 1,000 65,000 1,234,567"
        );
    }
}
