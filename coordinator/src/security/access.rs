//! What a coordinator asks of those who reach it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use super::secret::{SecretError, read_secret};
use super::tokens::{Tokens, TokensError};

/// A peer that does not end the handshake by then is not going to.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Who may reach a coordinator.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Keys, certificates and tokens; none: whoever reaches it may do everything.
    pub credentials: Option<Credentials>,
    /// Serve other machines although there are no credentials.
    pub insecure: bool,
    /// Names, besides addresses and `localhost`, under which the page is asked for.
    pub hosts: Vec<String>,
}

/// A folder of keys, certificates and tokens.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// TLS, with certificates of the other side when it has their authority.
    pub(crate) tls: Option<ServerTlsConfig>,
    /// Who has which role; absent: everybody has all.
    pub(crate) tokens: Option<Tokens>,
}

/// Why a coordinator does not open itself.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A file that only its owner may read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A file that is public.
    #[error("can't read `{}`: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: std::io::Error,
    },
    /// The tokens make no sense.
    #[error("`{}`: {problem}", path.display())]
    Tokens {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: TokensError,
    },
    /// Nothing in the folder is of use.
    #[error(
        "`{}` has neither `cert.pem` with `key.pem` nor `tokens`: `tailsweep tls init` makes such \
         a folder for a coordinator", .0.display()
    )]
    Empty(PathBuf),
    /// Other machines could reach it.
    #[error(
        "{0} can be reached from other machines, and that needs TLS and tokens: `tailsweep tls \
         init` makes them, `--credentials DIR` names them. Or listen on 127.0.0.1 and use a \
         tunnel, or say `--insecure` if everyone on that network may submit and read sweeps"
    )]
    Exposed(SocketAddr),
}

impl Credentials {
    /// Reads `cert.pem` and `key.pem` for TLS, `clients.pem` (the authority that must have signed
    /// the certificates of workers and users) and `tokens`, each if it is there.
    pub fn read(folder: &Path) -> Result<Self, AccessError> {
        let certificate = public(&folder.join("cert.pem"))?;
        let tls = match certificate {
            None => None,
            Some(certificate) => {
                let key = read_secret(&folder.join("key.pem"))?;
                let tls = ServerTlsConfig::new()
                    .identity(Identity::from_pem(certificate, key))
                    .timeout(HANDSHAKE);
                Some(match public(&folder.join("clients.pem"))? {
                    Some(authority) => tls.client_ca_root(Certificate::from_pem(authority)),
                    None => tls,
                })
            }
        };
        let path = folder.join("tokens");
        let tokens = if path.exists() {
            let parsed = Tokens::parse(&read_secret(&path)?);
            Some(parsed.map_err(|problem| AccessError::Tokens { path, problem })?)
        } else {
            None
        };
        if tls.is_none() && tokens.is_none() {
            return Err(AccessError::Empty(folder.to_owned()));
        }
        Ok(Self { tls, tokens })
    }
}

impl Access {
    /// Whether the address may be listened on. Ask before anything is made.
    pub fn permit(&self, address: SocketAddr) -> Result<(), AccessError> {
        let is_closed = self
            .credentials
            .as_ref()
            .is_some_and(|credentials| credentials.tls.is_some() && credentials.tokens.is_some());
        if address.ip().is_loopback() || is_closed || self.insecure {
            return Ok(());
        }
        Err(AccessError::Exposed(address))
    }
}

fn public(path: &Path) -> Result<Option<String>, AccessError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(problem) => Err(AccessError::Unreadable {
            path: path.to_owned(),
            problem,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_need_both_tls_and_a_token() {
        let here: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let there: SocketAddr = "0.0.0.0:0".parse().unwrap();
        let with = |tls: bool, tokens: bool| Access {
            credentials: Some(Credentials {
                tls: tls.then(ServerTlsConfig::new),
                tokens: tokens.then(Tokens::default),
            }),
            ..Access::default()
        };
        for (tls, tokens) in [(false, false), (true, false), (false, true), (true, true)] {
            let access = with(tls, tokens);
            assert!(access.permit(here).is_ok());
            assert_eq!(access.permit(there).is_ok(), tls && tokens);
        }
        let insecure = Access {
            insecure: true,
            ..Access::default()
        };
        assert!(insecure.permit(there).is_ok());
    }

    #[test]
    fn an_empty_folder_is_no_credentials() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            Credentials::read(folder.path()),
            Err(AccessError::Empty(_))
        ));
    }
}
