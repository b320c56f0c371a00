//! Labels: what workers say they are good for, and sweeps ask for.

/// What a label looks like, for messages.
pub const HELP: &str = "a label has 1 to 63 letters, digits and `-_.:=/`";

/// Whether a text can be a label, such as `gpu` or `zone=a`.
pub fn is_label(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.:=/".contains(c);
    (1..=63).contains(&text.len()) && text.chars().all(fits)
}
