//! What comes out of a run, whoever computes it.

use std::sync::Arc;

use tailsweep_common::id::RunId;
use tailsweep_common::state::{Ending, Reason};
use tailsweep_stats::late::Seed;

use crate::random::mix;

/// How a run behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Ends after its last step.
    Fine,
    /// A loss is not finite at this step.
    Diverges(u64),
    /// Each attempt fails here.
    Broken(u64),
    /// Some attempts fail here.
    Flaky(u64),
}

fn number(run: RunId) -> u64 {
    u64::from_le_bytes(
        run.as_bytes()[..8]
            .try_into()
            .expect("an id has sixteen bytes"),
    )
}

/// Number of steps of a run; each of them is measured.
pub(crate) fn steps(run: RunId) -> u64 {
    3 + number(run) % 4
}

pub(crate) fn fate(run: RunId) -> Fate {
    let at = 1 + mix(number(run), 2) % 2;
    match mix(number(run), 3) % 12 {
        0 => Fate::Diverges(at),
        1 => Fate::Broken(at),
        2 | 3 => Fate::Flaky(at),
        _ => Fate::Fine,
    }
}

/// Milliseconds of one step.
pub(crate) fn pace(run: RunId) -> u64 {
    100 + mix(number(run), 4) % 3_000
}

/// What is known before step 0.
pub(crate) fn origin(run: RunId, kind: &str) -> u64 {
    let kind = kind.bytes().fold(7, |sum, byte| mix(sum, u64::from(byte)));
    mix(number(run), kind)
}

pub(crate) fn next(state: u64) -> u64 {
    mix(state, 5)
}

pub(crate) fn payload(state: u64) -> Arc<[u8]> {
    Arc::from(state.to_le_bytes())
}

pub(crate) fn state(payload: &[u8]) -> u64 {
    u64::from_le_bytes(payload.try_into().expect("payloads are eight bytes"))
}

/// What a finished run says of the late α of its point.
pub(crate) fn late(run: RunId) -> Option<Seed> {
    let chance = mix(number(run), 11);
    let theta = 0.5 + (chance % 100) as f64 / 10_000.0;
    (!chance.is_multiple_of(7)).then_some(Seed {
        theta,
        std_error: Some(0.002),
        degrees: Some(9),
        alpha_mean: 1.0 / theta,
    })
}

/// All records of a run, computed in one go.
pub(crate) fn records(run: RunId, kind: &str, last: u64) -> Vec<(u64, Arc<[u8]>)> {
    let states = std::iter::successors(Some(origin(run, kind)), |state| Some(next(*state)));
    (0..=last).zip(states.map(payload)).collect()
}

/// Whether, and how, an attempt ends after a step.
pub(crate) fn end(run: RunId, attempt: u32, step: u64) -> Option<Result<Ending, Reason>> {
    match fate(run) {
        Fate::Diverges(at) if step == at => Some(Ok(Ending::Diverged { step })),
        Fate::Broken(at) if step == at => Some(Err(Reason::Panic)),
        Fate::Flaky(at)
            if step == at && mix(number(run), 6 + u64::from(attempt)).is_multiple_of(2) =>
        {
            Some(Err(Reason::OutOfMemory))
        }
        _ if step == steps(run) => Some(Ok(Ending::Done {
            steps: step,
            accuracy_reached: false,
        })),
        _ => None,
    }
}
