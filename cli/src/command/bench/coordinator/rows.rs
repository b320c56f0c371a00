//! The numbers, in groups that share a coordinator.

mod connected;
mod million;
mod records;
mod runs;
mod takeover;

use std::pin::Pin;

use super::Effort;
use super::line::Line;
use crate::failure::Failure;

/// The lines of a row.
type Measured = Pin<Box<dyn Future<Output = Result<Vec<Line>, Failure>>>>;

/// A group of numbers.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) measure: fn(Effort) -> Measured,
}

/// All of them.
pub(super) const ALL: [Row; 5] = [
    Row {
        name: "N5",
        measure: |effort| Box::pin(runs::measure(effort)),
    },
    Row {
        name: "N6",
        measure: |effort| Box::pin(records::measure(effort)),
    },
    Row {
        name: "N7",
        measure: |effort| Box::pin(million::measure(effort)),
    },
    Row {
        name: "N8",
        measure: |effort| Box::pin(connected::measure(effort)),
    },
    Row {
        name: "N9",
        measure: |effort| Box::pin(takeover::measure(effort)),
    },
];
