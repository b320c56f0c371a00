//! Names of things that are digests of what they name.
//!
//! Equal content has an equal name on every machine, so a run that is known is never computed
//! again, and the same sweep file names the same sweep.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

macro_rules! digest_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The first bytes of the SHA-256 of `content`.
            pub fn of(content: &[u8]) -> Self {
                let mut bytes = [0; $bytes];
                bytes.copy_from_slice(&Sha256::digest(content)[..$bytes]);
                Self(bytes)
            }

            /// The bytes of the id.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = NotAnId;

            fn try_from(bytes: &[u8]) -> Result<Self, NotAnId> {
                bytes.try_into().map(Self).map_err(|_| NotAnId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let digits = text.as_bytes();
                if digits.len() != 2 * $bytes {
                    return Err(NotAnId);
                }
                let mut bytes = [0; $bytes];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    let digit = |c: u8| char::from(c).to_digit(16).ok_or(NotAnId);
                    *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
                }
                Ok(Self(bytes))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, NotAnId> {
                text.parse()
            }
        }
    };
}

digest_id! {
    /// A run: the digest of everything that determines its result ([`crate::run::Run::id`]).
    RunId, 16
}
digest_id! {
    /// A sweep: the digest of its file and of the files that it names.
    SweepId, 16
}
digest_id! {
    /// The content of a file that travels with a sweep, such as initial weights.
    BlobId, 32
}

/// The text or the bytes are not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected hexadecimal digits of the right length")]
pub struct NotAnId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = RunId::of(b"a run");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(RunId::try_from(id.as_bytes()), Ok(id));
    }

    #[test]
    fn text_that_is_no_id_is_refused() {
        for text in ["", "12", "zz", &"é".repeat(16), &"+1".repeat(16)] {
            assert_eq!(text.parse::<RunId>(), Err(NotAnId), "{text}");
        }
    }
}
