//! Text that is no TOML, in the words of TOML's own reader, with what to write instead.

use super::problem::Problem;

/// The problems of all syntax errors, the first of each line: the others follow from it.
pub(super) fn problems(source: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let mut after = 0;
    let mut problems = Vec::new();
    for error in errors {
        let at = error.span().unwrap_or(0..0).start.min(source.len());
        if at >= after || problems.is_empty() {
            problems.push(problem(error));
            let rest = source.as_bytes()[at..]
                .iter()
                .position(|byte| *byte == b'\n');
            after = rest.map_or(source.len() + 1, |length| at + length + 1);
        }
    }
    problems
}

fn problem(error: &toml::de::Error) -> Problem {
    let (message, expected) = match error.message().split_once(", expected ") {
        Some((message, expected)) => (message, Some(expected)),
        None => (error.message(), None),
    };
    let help = match (message, expected) {
        ("string values must be quoted", _) => {
            "write texts in quotation marks, as in `loss = \"nll\"`".to_owned()
        }
        ("duplicate key", _) => "write each key once: several values stand in a list".to_owned(),
        ("key with no value", _) => "write `key = value`".to_owned(),
        ("missing comma between array elements", _) => {
            "write a comma between the values, and `]` after the last".to_owned()
        }
        ("recursion limit", _) => "tables and lists are nested too deeply".to_owned(),
        ("unexpected leading zero", _) => "write the number without the zero in front".to_owned(),
        (_, Some("nothing") | None) => "see https://toml.io for how values are written".to_owned(),
        (_, Some(expected)) => format!("expected {expected}"),
    };
    Problem::at(error.span().unwrap_or(0..0), message).help(help)
}
