//! Paths and what was seen of them, as bytes.
//!
//! ```text
//! paths: of each the place f64, doing u8, well u32, since u64; if places are kept, stride u64,
//!     their number u32, places f64 …
//! wells: of each left, right, steps u64, squares u128, inside u64, reached u64 …,
//!     number of lengths u32, of each length and count u64
//! ```

use tailsweep_common::exits::Path;
use tailsweep_common::run::LevyPoint;

use super::tally::{Tally, WellTally};
use super::walker::{Doing, Equation, Walker, keeps};
use crate::checkpoint::{CheckpointError, Reader};

pub(super) fn encode(walkers: &[Walker], tally: &Tally) -> Vec<u8> {
    let mut bytes = Vec::new();
    for walker in walkers {
        bytes.extend_from_slice(&walker.place.to_le_bytes());
        let (doing, well, since) = match walker.doing {
            Doing::Visits { well, since } => (0, well, since),
            Doing::Left { well } => (1, well, 0),
            Doing::Rests => (2, 0, 0),
        };
        bytes.push(doing);
        bytes.extend_from_slice(&(well as u32).to_le_bytes());
        bytes.extend_from_slice(&since.to_le_bytes());
        if let Some(Path { stride, places }) = &walker.kept {
            bytes.extend_from_slice(&stride.to_le_bytes());
            bytes.extend_from_slice(&(places.len() as u32).to_le_bytes());
            for place in places {
                bytes.extend_from_slice(&place.to_le_bytes());
            }
        }
    }
    for well in &tally.wells {
        for number in [well.left, well.right, well.steps] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&well.squares.to_le_bytes());
        bytes.extend_from_slice(&well.inside.to_le_bytes());
        for number in &well.reached {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&(well.lengths.len() as u32).to_le_bytes());
        for (length, count) in &well.lengths {
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&count.to_le_bytes());
        }
    }
    bytes
}

pub(super) fn decode(
    point: &LevyPoint,
    equation: &Equation,
    reader: &mut Reader<'_>,
) -> Result<(Vec<Walker>, Tally), CheckpointError> {
    let wells = equation.wells();
    let walkers = (0..point.paths)
        .map(|path| walker(path, wells, reader))
        .collect::<Result<_, _>>()?;
    let mut tally = Tally::new(wells);
    for seen in &mut tally.wells {
        *seen = well(wells, reader)?;
    }
    Ok((walkers, tally))
}

fn walker(path: u32, wells: usize, reader: &mut Reader<'_>) -> Result<Walker, CheckpointError> {
    let place = reader.f64()?;
    let (doing, well, since) = (reader.u8()?, reader.u32()? as usize, reader.u64()?);
    let doing = match doing {
        0 => Doing::Visits { well, since },
        1 => Doing::Left { well },
        2 => Doing::Rests,
        _ => return Err(CheckpointError::Content),
    };
    if well >= wells {
        return Err(CheckpointError::Content);
    }
    let mut kept = None;
    if keeps(path) {
        let (stride, count) = (reader.u64()?, reader.u32()?);
        if stride == 0 {
            return Err(CheckpointError::Content);
        }
        let places = (0..count).map(|_| reader.f64());
        kept = Some(Path {
            stride,
            places: places.collect::<Result<_, _>>()?,
        });
    }
    Ok(Walker {
        path,
        place,
        doing,
        kept,
    })
}

fn well(wells: usize, reader: &mut Reader<'_>) -> Result<WellTally, CheckpointError> {
    let (left, right, steps) = (reader.u64()?, reader.u64()?, reader.u64()?);
    let (low, high) = (reader.u64()?, reader.u64()?);
    let mut seen = WellTally {
        left,
        right,
        steps,
        squares: u128::from(high) << 64 | u128::from(low),
        inside: reader.u64()?,
        ..WellTally::default()
    };
    for _ in 0..wells {
        seen.reached.push(reader.u64()?);
    }
    for _ in 0..reader.u32()? {
        let (length, count) = (reader.u64()?, reader.u64()?);
        seen.lengths.insert(length, count);
    }
    Ok(seen)
}
