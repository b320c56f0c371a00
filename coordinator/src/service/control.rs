//! What users want of a sweep, as inputs of the core.

use tailsweep_common::id::SweepId;
use tailsweep_proto::wire;
use tailsweep_proto::wire::control_request::Wish;
use tailsweep_scheduler::{Input, Refusal};
use tonic::Status;

/// The input that does it.
pub(super) fn input(sweep: SweepId, wish: Option<Wish>) -> Result<Input, Status> {
    Ok(match wish {
        Some(Wish::Cancel(wire::Cancel {})) => Input::Cancel(sweep),
        Some(Wish::Pause(wire::Pause {})) => Input::Pause(sweep),
        Some(Wish::Resume(wire::Resume {})) => Input::Resume(sweep),
        Some(Wish::Retry(wire::Retry { failed_only })) => Input::Retry { sweep, failed_only },
        Some(Wish::Priority(priority)) => Input::Prioritise { sweep, priority },
        Some(Wish::Remove(wire::Remove {})) => Input::Remove(sweep),
        None => {
            return Err(Status::invalid_argument(
                "field `wish` of message `ControlRequest`: is missing, or newer than this \
                 coordinator",
            ));
        }
    })
}

/// The answer when the core does not do it.
pub(super) fn refused(refusal: Refusal) -> Status {
    let text = refusal.to_string();
    match refusal {
        Refusal::UnknownSweep(_) => Status::not_found(text),
        Refusal::TooManyRuns => Status::resource_exhausted(text),
        _ => Status::failed_precondition(text),
    }
}
