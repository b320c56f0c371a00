//! The scheduling core: a deterministic state machine that leases the runs of sweeps to workers.
//!
//! It has three doors and a bell: [`Scheduler::handle`], [`Scheduler::handle_timeout`],
//! [`Scheduler::poll_timeout`], and what it wants done: [`Scheduler::poll_event`] and
//! [`Scheduler::poll_action`]. There is no socket, no disk, no clock and no async here; the shell
//! (`tailsweep-coordinator`) owns those.
//!
//! # Events and actions
//!
//! An [`Event`] is a fact that must be durable. The core changes its own state by applying events
//! and in no other way, so replaying the stored events in order rebuilds it exactly
//! ([`Scheduler::replay`]). An [`Action`] is something to be said to a worker. The shell lets the
//! actions of an input leave only after the events that were emitted before them are on disk.
//!
//! # What the shell must do
//!
//! - Give a worker's words in the order of its session, and none of an older session once a newer
//!   one has joined; in particular, no `Disconnect` of a session that has been replaced.
//! - Look into its inbox before it calls [`Scheduler::handle_timeout`], so that a heartbeat that
//!   has arrived is not overtaken by the deadline that it moves.
//! - Answer a word that is refused with [`Refusal::UnknownWorker`] by closing the session: the
//!   worker says hello again.

pub mod event;
pub mod input;
mod ledger;
mod names;
mod prepared;
mod queue;
mod scheduler;
mod sessions;
pub mod tick;
mod timers;
pub mod view;

pub use event::{Event, RunNo};
pub use input::{Action, Attempt, Imported, Input, Offer, Refusal, WorkerId};
pub use ledger::Snapshot;
pub use prepared::Prepared;
pub use scheduler::{Config, Scheduler};
pub use tick::Tick;
pub use view::{Counts, Held, RunView, SweepView, Why, WorkerView};
