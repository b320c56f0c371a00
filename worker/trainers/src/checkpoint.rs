//! A run between two units of work, as bytes.
//!
//! ```text
//! magic "tswpckpt", version u32, run id (16 bytes)
//! step u64, phase u8, ending step u64
//! content: of a network, the number of tensors u32; of each: length u64, weights f32 …, then
//!     velocities f32 … if μ ≠ 0
//!     if iterates are measured: how many u64, and of each tensor their sum f64 …
//! SHA-256 of all of it (32 bytes)
//! ```
//! All little-endian. There is no random state: streams are functions of the seed and the step.

use sha2::{Digest, Sha256};
use tailsweep_common::id::RunId;
use tailsweep_common::run::{NetworkPoint, Run};
use tailsweep_common::state::Ending;

use crate::average::Average;

const MAGIC: &[u8; 8] = b"tswpckpt";
const VERSION: u32 = 1;
const DIGEST: usize = 32;

/// Where a run stands at its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The measurement of this step, if one is due, has not been taken.
    Arrived,
    /// It has; the next thing is an update.
    Measured,
    /// There is nothing left to do.
    Ended(Ending),
}

/// What a checkpoint holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) step: u64,
    pub(crate) phase: Phase,
    pub(crate) weights: Vec<Vec<f32>>,
    /// v of SGD; absent when there is no momentum, or none yet.
    pub(crate) velocities: Option<Vec<Vec<f32>>>,
    /// Of the iterates since the last measurement, if they are measured.
    pub(crate) average: Option<Average>,
}

/// Why a checkpoint cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is something else, or was written by another version.
    #[error("not a checkpoint of this version")]
    Format,
    /// Some of its bytes are not those that were written.
    #[error("damaged: its digest does not fit")]
    Damaged,
    /// It belongs to another run.
    #[error("belongs to run {found}, not to {expected}")]
    OtherRun {
        /// The run that was to be resumed.
        expected: RunId,
        /// The run of the checkpoint.
        found: String,
    },
    /// Its content does not fit the run.
    #[error("its content does not fit the run")]
    Content,
}

/// The content of a checkpoint in its envelope.
pub(crate) fn seal(run: &Run, step: u64, phase: Phase, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128 + content.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(run.id().as_bytes());
    bytes.extend_from_slice(&step.to_le_bytes());
    let (phase, ending) = match phase {
        Phase::Arrived => (0, 0),
        Phase::Measured => (1, 0),
        Phase::Ended(Ending::Done {
            steps,
            accuracy_reached: false,
        }) => (2, steps),
        Phase::Ended(Ending::Done {
            steps,
            accuracy_reached: true,
        }) => (3, steps),
        Phase::Ended(Ending::Diverged { step }) => (4, step),
    };
    bytes.push(phase);
    bytes.extend_from_slice(&ending.to_le_bytes());
    bytes.extend_from_slice(content);
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    bytes
}

/// The step and phase of a checkpoint of `run`, and its content.
pub(crate) fn open<'b>(
    run: &Run,
    bytes: &'b [u8],
) -> Result<(u64, Phase, Reader<'b>), CheckpointError> {
    let content = bytes
        .len()
        .checked_sub(DIGEST)
        .ok_or(CheckpointError::Format)?;
    let (bytes, digest) = bytes.split_at(content);
    let head = [MAGIC.as_slice(), &VERSION.to_le_bytes()].concat();
    let mut reader = Reader(bytes.strip_prefix(&*head).ok_or(CheckpointError::Format)?);
    if Sha256::digest(bytes).as_slice() != digest {
        return Err(CheckpointError::Damaged);
    }
    let (expected, found) = (run.id(), reader.take(16)?);
    if expected.as_bytes() != found {
        let found = RunId::try_from(found).map_or_else(|_| String::new(), |id| id.to_string());
        return Err(CheckpointError::OtherRun { expected, found });
    }
    let step = reader.u64()?;
    let (phase, ending) = (reader.u8()?, reader.u64()?);
    let phase = match phase {
        0 => Phase::Arrived,
        1 => Phase::Measured,
        2 | 3 => Phase::Ended(Ending::Done {
            steps: ending,
            accuracy_reached: phase == 3,
        }),
        4 => Phase::Ended(Ending::Diverged { step: ending }),
        _ => return Err(CheckpointError::Content),
    };
    if step > run.point.steps() {
        return Err(CheckpointError::Content);
    }
    Ok((step, phase, reader))
}

impl State {
    /// The bytes.
    pub(crate) fn encode(&self, run: &Run) -> Vec<u8> {
        let numbers: usize = self.weights.iter().map(Vec::len).sum();
        let mut bytes = Vec::with_capacity(8 * numbers);
        bytes.extend_from_slice(&(self.weights.len() as u32).to_le_bytes());
        for (index, weights) in self.weights.iter().enumerate() {
            bytes.extend_from_slice(&(weights.len() as u64).to_le_bytes());
            let velocities = self
                .velocities
                .iter()
                .flat_map(|velocities| &velocities[index]);
            for number in weights.iter().chain(velocities) {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        if let Some(Average { count, sums }) = &self.average {
            bytes.extend_from_slice(&count.to_le_bytes());
            for sum in sums.iter().flatten() {
                bytes.extend_from_slice(&sum.to_le_bytes());
            }
        }
        seal(run, self.step, self.phase, &bytes)
    }

    /// The state of `run`, which trains `point`, whose parameter tensors have `lengths`.
    pub(crate) fn decode(
        run: &Run,
        point: &NetworkPoint,
        lengths: &[usize],
        bytes: &[u8],
    ) -> Result<Self, CheckpointError> {
        let (step, phase, mut reader) = open(run, bytes)?;
        if reader.u32()? as usize != lengths.len() {
            return Err(CheckpointError::Content);
        }
        let momentum = point.train.momentum != 0.0;
        let (mut weights, mut velocities) = (Vec::new(), Vec::new());
        for length in lengths {
            if reader.u64()? != *length as u64 {
                return Err(CheckpointError::Content);
            }
            weights.push(reader.numbers(*length)?);
            if momentum {
                velocities.push(reader.numbers(*length)?);
            }
        }
        let mut average = point.measure.iterates.then(|| Average::new(lengths));
        if let Some(Average { count, sums }) = &mut average {
            *count = reader.u64()?;
            for sum in sums.iter_mut().flatten() {
                *sum = f64::from_bits(reader.u64()?);
            }
        }
        reader.end()?;
        Ok(Self {
            step,
            phase,
            weights,
            velocities: momentum.then_some(velocities),
            average,
        })
    }
}

/// The content of a checkpoint, read from its beginning.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), CheckpointError> {
        match self.0 {
            [] => Ok(()),
            _ => Err(CheckpointError::Content),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CheckpointError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(CheckpointError::Content)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, CheckpointError> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn f64(&mut self) -> Result<f64, CheckpointError> {
        Ok(f64::from_bits(self.u64()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, CheckpointError> {
        Ok(u32::from_le_bytes(
            self.take(4)?.try_into().expect("four bytes were taken"),
        ))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, CheckpointError> {
        Ok(u64::from_le_bytes(
            self.take(8)?.try_into().expect("eight bytes were taken"),
        ))
    }

    fn numbers(&mut self, length: usize) -> Result<Vec<f32>, CheckpointError> {
        let bytes = self.take(length.checked_mul(4).ok_or(CheckpointError::Content)?)?;
        Ok(bytes
            .as_chunks()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect())
    }
}
