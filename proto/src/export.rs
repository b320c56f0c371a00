//! The results of a sweep as a file: [`MAGIC`], then each [`wire::ExportPart`] behind its length.
//!
//! The last part has the digest of all before it, so what is incomplete or was changed on its way is
//! noticed before anything of it counts.

use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::wire;

/// What such a file begins with.
pub const MAGIC: &[u8] = b"tailsweep export\n";

/// The version of the format that this program writes and reads.
pub const VERSION: u32 = 1;

/// The SHA-256 of the parts so far, each behind its length as a varint.
#[derive(Clone, Debug, Default)]
pub struct Seal(Sha256);

impl Seal {
    /// One part more, in the form in which it stands in a file.
    pub fn add(&mut self, encoded: &[u8]) {
        self.0.update(encoded);
    }

    /// The digest.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// A part as it stands in a file.
pub fn encode(part: wire::export_part::Part) -> Vec<u8> {
    let part = Some(part);
    wire::ExportPart { part }.encode_length_delimited_to_vec()
}
