//! The noise summary on the wire (placeholder: to be replaced by columns).

use tailsweep_stats::NoiseSummary;

use crate::convert::WireError;
use crate::wire;

impl From<&NoiseSummary> for wire::NoiseSummary {
    fn from(summary: &NoiseSummary) -> Self {
        Self { json: serde_json::to_vec(summary).expect("plain data").into() }
    }
}

impl TryFrom<wire::NoiseSummary> for NoiseSummary {
    type Error = WireError;

    fn try_from(summary: wire::NoiseSummary) -> Result<Self, WireError> {
        serde_json::from_slice(&summary.json)
            .map_err(|error| WireError::new("NoiseSummary", "json", error))
    }
}
