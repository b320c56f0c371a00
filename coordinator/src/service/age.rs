//! How long ago sweeps were submitted: a duration, because clocks differ.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::store::Reader;

/// Milliseconds since each sweep was submitted, by its id.
pub(super) fn ages(reader: &Reader) -> rusqlite::Result<HashMap<String, u64>> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let age = |at: i64| now.saturating_sub(at).max(0) as u64;
    let submissions = reader.submissions()?.into_iter();
    Ok(submissions
        .map(|(sweep, at)| (sweep.to_string(), age(at)))
        .collect())
}
