//! `tailsweep bench coordinator`: how fast a coordinator keeps its promises.
//!
//! The coordinator is this program in a process of its own, with its state on a disk, reached over
//! loopback by peers of this process that compute nothing: a lease is answered at once by
//! `started` and `finished`, and it counts when the coordinator has said that both are on disk.
//! Only the take-over times use real workers, which are killed.

mod home;
mod line;
mod machine;
mod peer;
mod rows;

use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};

use self::line::{Line, Verdict};
use crate::args::CoordinatorBenchArgs;
use crate::failure::Failure;
use crate::terminal::{self, human_time};

/// How much is measured.
#[derive(Clone, Debug)]
pub(super) struct Effort {
    /// Small numbers: seconds.
    quick: bool,
    /// Where states lie while they are measured.
    folder: PathBuf,
}

pub(super) fn run(args: CoordinatorBenchArgs) -> Result<(), Failure> {
    let effort = Effort {
        quick: args.quick,
        folder: args.dir.unwrap_or_else(std::env::temp_dir),
    };
    let machine = machine::describe(&effort.folder)?;
    eprintln!("{machine}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|problem| Failure::error(format!("can't start: {problem}")))?;
    let mut lines = Vec::new();
    for row in rows::ALL {
        if !args.only.is_empty() && !args.only.iter().any(|only| only == row.name) {
            continue;
        }
        let start = Instant::now();
        lines.extend(runtime.block_on((row.measure)(effort.clone()))?);
        eprintln!("{} took {}", row.name, human_time(start.elapsed()));
    }
    if args.json {
        let all: Vec<Value> = lines.iter().map(Line::to_json).collect();
        let document = json!({
            "version": 1, "quick": args.quick, "machine": machine, "lines": all,
        });
        terminal::print_json(&document)?;
    } else {
        let header = ["row", "what", "measured", "at least", "aim", "verdict"];
        let table = terminal::table(header, &[2, 3, 4], lines.iter().map(Line::cells));
        terminal::print(&format!("{machine}\n\n{table}"))?;
    }
    match lines
        .iter()
        .filter(|line| line.verdict() == Verdict::Missed)
        .count()
    {
        0 => Ok(()),
        missed => Err(Failure::error(format!("{missed} numbers were not reached"))),
    }
}
