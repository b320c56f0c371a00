//! The coordinator's shell: sockets, disk and clock around the scheduling core.
//!
//! One task, the driver, owns the [`tailsweep_scheduler::Scheduler`]. Services hand it commands
//! through a bounded queue; it commits what the core decides, and only then lets answers leave.

mod accept;
mod attempts;
mod driver;
mod explain;
mod judge;
mod page;
mod report;
mod room;
mod security;
mod select;
mod server;
mod service;
mod stats;
mod status;
mod store;

pub use security::{
    Access, AccessError, Credentials, Role, SecretError, Tokens, TokensError, read_secret,
    write_secret,
};
pub use server::{Coordinator, ServeError, Settings, Shutdown};
pub use store::StoreError;
