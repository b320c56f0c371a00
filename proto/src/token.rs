//! The secret that says who calls.

use std::fmt;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// What a client speaks through: a channel, and the token that travels with every call.
pub type Connection = InterceptedService<Channel, Token>;

/// A token, or none: on loopback a coordinator may ask for none.
///
/// It is never shown: not by `Debug`, and as a header it is marked as sensitive.
#[derive(Clone, Default)]
pub struct Token {
    authorization: Option<MetadataValue<Ascii>>,
}

/// The text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token is a word of letters, digits, `-` and `_`")]
pub struct NotAToken;

impl Token {
    /// No token.
    pub const NONE: Self = Self {
        authorization: None,
    };

    /// The token that was given out as `text`.
    pub fn new(text: &str) -> Result<Self, NotAToken> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.is_empty() || !text.chars().all(is_plain) {
            return Err(NotAToken);
        }
        let mut value: MetadataValue<Ascii> =
            format!("Bearer {text}").parse().map_err(|_| NotAToken)?;
        value.set_sensitive(true);
        Ok(Self {
            authorization: Some(value),
        })
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.authorization.is_none()
    }
}

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.authorization {
            request
                .metadata_mut()
                .insert("authorization", value.clone());
        }
        Ok(request)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_none() {
            "no token"
        } else {
            "a token"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_travels_and_is_not_shown() {
        let mut token = Token::new("secret-word").unwrap();
        let request = token.call(Request::new(())).unwrap();
        let value = request.metadata().get("authorization").unwrap();
        assert_eq!(value, "Bearer secret-word");
        assert!(!format!("{token:?}{request:?}{value:?}").contains("secret-word"));
        for wrong in ["", "two words", "ümlaut", "line\nbreak"] {
            assert!(Token::new(wrong).is_err(), "{wrong:?} was taken");
        }
    }
}
