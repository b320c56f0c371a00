//! The gRPC services: wire messages in, commands to the driver, wire messages out.

mod age;
mod collect;
mod control;
mod export;
mod import;
mod part;
mod runs;
mod session;
mod sweep;
mod worker;

use tonic::Status;

use crate::driver::Gone;

pub(crate) use sweep::Sweeps;
pub(crate) use worker::Workers;

impl From<Gone> for Status {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Away => Status::unavailable(gone.to_string()),
            Gone::Troubled(_) => Status::resource_exhausted(gone.to_string()),
        }
    }
}

/// The state could not be read.
fn unreadable(problem: impl std::fmt::Display) -> Status {
    tracing::error!(%problem, "can't read the state");
    Status::internal(format!("can't read the state: {problem}"))
}
