//! The tokens that a coordinator knows: their digests, never their text.
//!
//! A file of tokens has a line for each: the role, a name for people, and the SHA-256 of the
//! token. Who reads the file can't use it to get in. Tokens are random and long, so a plain digest
//! does: there is nothing to guess.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use super::role::Role;

/// The digests of tokens, each with its role.
#[derive(Clone, Default)]
pub struct Tokens {
    roles: BTreeMap<[u8; 32], (Role, String)>,
}

/// A line that is none of a file of tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected `ROLE NAME DIGEST`, where the role is worker, user or read-only")]
pub struct TokensError {
    /// Counted from 1.
    pub line: usize,
}

impl Tokens {
    /// Reads a file of tokens; empty lines and those that begin with `#` say nothing.
    pub fn parse(text: &str) -> Result<Self, TokensError> {
        let mut roles = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = TokensError { line: index + 1 };
            let words: Vec<&str> = line.split_whitespace().collect();
            let [role, name, digest] = words[..] else {
                return Err(wrong);
            };
            let (Ok(role), Some(digest)) = (role.parse(), bytes_of(digest)) else {
                return Err(wrong);
            };
            roles.insert(digest, (role, name.to_owned()));
        }
        Ok(Self { roles })
    }

    /// The line of a file of tokens for a new token.
    pub fn line(role: Role, name: &str, token: &str) -> String {
        let digest: String = digest(token)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{role} {name} {digest}\n")
    }

    /// The role of a token and the name of its holder. Digests are compared, so time tells
    /// nothing of the token.
    pub(super) fn look_up(&self, token: &str) -> Option<(Role, &str)> {
        let (role, name) = self.roles.get(&digest(token))?;
        Some((*role, name))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.roles.len())
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn bytes_of(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_digest() {
        let text = Tokens::line(Role::User, "ada", "open-sesame") + "# and one more\n\n";
        assert!(!text.contains("sesame"));
        let tokens = Tokens::parse(&text).unwrap();
        assert_eq!(tokens.look_up("open-sesame"), Some((Role::User, "ada")));
        assert_eq!(tokens.look_up("open-sesame "), None);
        assert_eq!(tokens.look_up(""), None);
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let good = Tokens::line(Role::Worker, "node", "word");
        for bad in ["worker node", "boss ada 00", "user ada xyz", &good[..60]] {
            let wrong = TokensError { line: 2 };
            assert_eq!(
                Tokens::parse(&format!("{good}{bad}")).unwrap_err(),
                wrong,
                "{bad}"
            );
        }
    }
}
