//! Exits from wells on the wire and in the domain.

use tailsweep_common::exits::{Exits, Path, WellExits};

use crate::convert::WireError;
use crate::wire;

impl From<&Exits> for wire::Exits {
    fn from(exits: &Exits) -> Self {
        let Exits {
            wells,
            running,
            paths,
        } = exits;
        Self {
            wells: wells.iter().map(Into::into).collect(),
            running: *running,
            paths: paths.iter().map(Into::into).collect(),
        }
    }
}

impl From<&WellExits> for wire::WellExits {
    fn from(exits: &WellExits) -> Self {
        let WellExits {
            left,
            right,
            steps,
            squares,
            median,
            unfinished,
            unfinished_steps,
            inside,
            reached,
        } = exits;
        Self {
            left: *left,
            right: *right,
            steps: *steps,
            squares: *squares,
            median: *median,
            unfinished: *unfinished,
            unfinished_steps: *unfinished_steps,
            inside: *inside,
            reached: reached.clone(),
        }
    }
}

impl From<&Path> for wire::Path {
    fn from(path: &Path) -> Self {
        let Path { stride, places } = path;
        Self {
            stride: *stride,
            places: places.clone(),
        }
    }
}

impl TryFrom<wire::Exits> for Exits {
    type Error = WireError;

    fn try_from(exits: wire::Exits) -> Result<Self, WireError> {
        let wire::Exits {
            wells,
            running,
            paths,
        } = exits;
        let count = wells.len();
        let wells: Vec<WellExits> = wells
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?;
        if wells.is_empty() {
            return Err(WireError::missing("Exits", "wells"));
        }
        if wells.iter().any(|well| well.reached.len() != count) {
            let problem = "does not have a number for each well";
            return Err(WireError::new("WellExits", "reached", problem));
        }
        Ok(Self {
            wells,
            running,
            paths: paths
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<wire::WellExits> for WellExits {
    type Error = WireError;

    fn try_from(exits: wire::WellExits) -> Result<Self, WireError> {
        const MESSAGE: &str = "WellExits";
        let wire::WellExits {
            left,
            right,
            steps,
            squares,
            median,
            unfinished,
            unfinished_steps,
            inside,
            reached,
        } = exits;
        if left.checked_add(right).is_none() {
            return Err(WireError::new(MESSAGE, "right", "is too large"));
        }
        for (field, number) in [("squares", Some(squares)), ("median", median)] {
            if number.is_some_and(|number| !(number.is_finite() && number >= 0.0)) {
                return Err(WireError::new(MESSAGE, field, "is not a number from 0 up"));
            }
        }
        Ok(Self {
            left,
            right,
            steps,
            squares,
            median,
            unfinished,
            unfinished_steps,
            inside,
            reached,
        })
    }
}

impl TryFrom<wire::Path> for Path {
    type Error = WireError;

    fn try_from(path: wire::Path) -> Result<Self, WireError> {
        let wire::Path { stride, places } = path;
        if stride == 0 {
            return Err(WireError::missing("Path", "stride"));
        }
        if places.iter().any(|place| !place.is_finite()) {
            return Err(WireError::new("Path", "places", "are not finite"));
        }
        Ok(Self { stride, places })
    }
}
