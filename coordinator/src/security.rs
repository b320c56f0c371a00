//! Who may reach a coordinator, and what they may do there.
//!
//! Three things stand between a request and the services: the address (other machines reach only a
//! coordinator that has credentials, or was told to do without), TLS with certificates of both
//! sides, and a token that names the role of whoever calls.
//!
//! What is absent: users with rights of their own. Whoever has a role has all of it.

mod access;
mod guard;
mod hosts;
mod role;
mod secret;
mod tokens;

pub use access::{Access, AccessError, Credentials};
pub(crate) use guard::{Guard, guard, unknown};
pub(crate) use hosts::Hosts;
pub use role::Role;
pub(crate) use secret::make_private;
pub use secret::{SecretError, read_secret, write_secret};
pub use tokens::{Tokens, TokensError};
