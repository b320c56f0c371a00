//! The wire: generated types, and their conversion from and to the domain.
//!
//! This is the only crate that knows both. A prost type stops at its first conversion; a
//! conversion that fails names the message and the field.

pub mod convert;
mod counts;
mod exits;
pub mod export;
mod summary;
mod token;

/// The generated types of `tailsweep.v1`.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod wire {
    tonic::include_proto!("tailsweep.v1");
}

pub use convert::WireError;
pub use token::{Connection, NotAToken, Token};

/// Raised when an older peer could misunderstand a newer one.
pub const PROTOCOL: u32 = 1;

/// No message is larger, in either direction, bytes.
pub const MAX_MESSAGE: usize = 16 << 20;

/// Contents without a bound of their own (weights, checkpoints, reports) travel in parts of at
/// most this size, bytes.
pub const PART: usize = 1 << 20;

/// The descriptors of `tailsweep.v1`, for gRPC reflection.
pub const DESCRIPTORS: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/tailsweep.v1.descriptors.bin"));

/// Bytes of a message on the wire.
pub fn size_of(message: &impl prost::Message) -> usize {
    message.encoded_len()
}
