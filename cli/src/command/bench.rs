//! `tailsweep bench`

mod calibrate;
mod coordinator;

use std::time::Instant;

use serde_json::{Value, json};
use tailsweep_acceptance::{Beside, Effort, Expected, Line, Row, Verdict};

use crate::args::{Bench, StatisticsArgs};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::{self, human_time};

pub(crate) fn run(bench: Bench, settings: &Settings) -> Result<(), Failure> {
    match bench {
        Bench::Calibrate(args) => calibrate::run(&args, settings),
        Bench::Statistics(args) => statistics(args),
        Bench::Coordinator(args) => coordinator::run(args),
    }
}

fn statistics(args: StatisticsArgs) -> Result<(), Failure> {
    let effort = match args.quick {
        true => Effort::Quick,
        false => Effort::Full,
    };
    let mut lines: Vec<(Row, Line)> = Vec::new();
    for row in Row::ALL {
        let start = Instant::now();
        lines.extend(row.run(effort).into_iter().map(|line| (row, line)));
        eprintln!("{row} took {}", human_time(start.elapsed()));
    }
    if args.json {
        let all: Vec<Value> = lines.iter().map(to_json).collect();
        let document = json!({ "version": 1, "quick": args.quick, "lines": all });
        terminal::print_json(&document)?;
    } else {
        let header = ["row", "what", "expected", "measured", "verdict"];
        let rows = lines.iter().map(|(row, line)| {
            [
                row.as_str().to_owned(),
                line.what.clone(),
                line.expected_text(),
                line.measured_text(),
                line.verdict().as_str().to_owned(),
            ]
        });
        terminal::print(&terminal::table(header, &[], rows))?;
    }
    let judged = |verdict| {
        let of_verdict = lines.iter().filter(|(_, line)| line.verdict() == verdict);
        of_verdict.count()
    };
    match (judged(Verdict::Fail), judged(Verdict::Pass)) {
        (0, _) => Ok(()),
        (failed, passed) => Err(Failure::error(format!(
            "{failed} of {} lines failed",
            failed + passed
        ))),
    }
}

/// Numbers that are not finite are null.
fn to_json((row, line): &(Row, Line)) -> Value {
    let expected = match line.expected {
        Expected::Near { value, within } => json!({ "value": value, "within": within }),
        Expected::Between { low, high } => json!({ "low": low, "high": high }),
        Expected::AtMost(high) => json!({ "high": high }),
        Expected::AtLeast(low) => json!({ "low": low }),
        Expected::Shown(value) => json!({ "value": value }),
    };
    let beside = match line.beside {
        None => Value::Null,
        Some(Beside::StdError(error)) => json!({ "std_error": error }),
        Some(Beside::Spread(spread)) => json!({ "sd": spread }),
        Some(Beside::Interval(interval)) => {
            json!({ "low": interval.low, "high": interval.high })
        }
    };
    json!({
        "row": row.as_str(),
        "what": line.what,
        "expected": expected,
        "measured": line.measured,
        "beside": beside,
        "verdict": line.verdict().as_str().to_lowercase(),
    })
}
