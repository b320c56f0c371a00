//! A coordinator elsewhere: its address, and what it wants to see of who calls.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tailsweep_coordinator::read_secret;
use tailsweep_proto::{Connection, Token};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::failure::Failure;

/// Where a coordinator is, and the credentials for it.
#[derive(Clone, Default)]
pub(crate) struct Remote {
    url: String,
    /// A folder with `ca.pem`, `cert.pem` and `key.pem`, and `token`, each if there is one.
    credentials: Option<PathBuf>,
    /// Instead of the folder's token.
    token: Option<String>,
}

/// An address with all that is needed to open connections to it.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    endpoint: Endpoint,
    token: Token,
}

impl Remote {
    pub(crate) fn new(url: &str, credentials: Option<PathBuf>, token: Option<String>) -> Self {
        Self {
            url: url.to_owned(),
            credentials,
            token,
        }
    }

    /// Reads the credentials.
    pub(crate) fn dialer(&self) -> Result<Dialer, Failure> {
        let is_tls = self.url.starts_with("https://");
        if !is_tls && !self.url.starts_with("http://") {
            return Err(self.usage("it begins neither with http:// nor with https://"));
        }
        let mut endpoint = Endpoint::from_shared(self.url.clone())
            .map_err(|problem| self.usage(problem))?
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(10));
        let token = self.token()?;
        if is_tls {
            let tls = self.tls()?;
            endpoint = endpoint
                .tls_config(tls)
                .map_err(|p| self.usage(cause(&p)))?;
        } else if !token.is_none() && !self.is_here(&endpoint) {
            return Err(self.usage(
                "over http:// everybody on the way can read the token; use https://, or a tunnel \
                 that ends on 127.0.0.1",
            ));
        }
        Ok(Dialer { endpoint, token })
    }

    fn token(&self) -> Result<Token, Failure> {
        let in_folder = self
            .credentials
            .as_deref()
            .map(|folder| folder.join("token"));
        let text = match (&self.token, in_folder) {
            (Some(token), _) => token.clone(),
            (None, Some(path)) if path.exists() => read_secret(&path).map_err(Failure::error)?,
            _ => return Ok(Token::NONE),
        };
        Token::new(text.trim()).map_err(|problem| Failure::error(format!("the token: {problem}")))
    }

    fn tls(&self) -> Result<ClientTlsConfig, Failure> {
        let Some(folder) = &self.credentials else {
            return Err(
                self.usage("https:// needs --credentials DIR with the authority's `ca.pem`")
            );
        };
        let authority = read(&folder.join("ca.pem"))?;
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority));
        let certificate = folder.join("cert.pem");
        if !certificate.exists() {
            return Ok(tls);
        }
        let key = read_secret(&folder.join("key.pem")).map_err(Failure::error)?;
        Ok(tls.identity(Identity::from_pem(read(&certificate)?, key)))
    }

    fn is_here(&self, endpoint: &Endpoint) -> bool {
        let host = endpoint.uri().host().unwrap_or("");
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let address = bare.parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    fn usage(&self, problem: impl fmt::Display) -> Failure {
        Failure::Usage(format!(
            "error: `{}` is no coordinator URL: {problem}; expected one such as \
             http://127.0.0.1:7171 or https://HOST:7171",
            self.url
        ))
    }
}

impl Dialer {
    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Result<Connection, tonic::transport::Error> {
        let channel = self.endpoint.connect().await?;
        Ok(self.over(channel))
    }

    /// Connects when it is used, and again when it broke.
    pub(crate) fn connect_lazy(&self) -> Connection {
        self.over(self.endpoint.connect_lazy())
    }

    fn over(&self, channel: Channel) -> Connection {
        Connection::new(channel, self.token.clone())
    }
}

/// The address; never the token.
impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// What lies behind an error that only says where it happened.
pub(crate) fn cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|problem| Failure::error(format!("can't read `{}`: {problem}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(remote: &Remote) -> String {
        match remote.dialer() {
            Err(Failure::Usage(text) | Failure::Error(text)) => text,
            other => panic!("expected an error, got {other:?}"),
        }
    }

    #[test]
    fn a_token_does_not_travel_in_the_open() {
        let with_token = |url| Remote::new(url, None, Some("secret-word".to_owned()));
        let said = problem(&with_token("http://sweeps.example:7171"));
        assert!(
            said.contains("https://") && !said.contains("secret-word"),
            "{said}"
        );
        for here in [
            "http://127.0.0.1:7171",
            "http://[::1]:7171",
            "http://localhost:7171",
        ] {
            let remote = with_token(here);
            assert!(remote.dialer().is_ok(), "{here}");
            assert!(!format!("{remote:?} {remote} {:?}", remote.dialer()).contains("secret-word"));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let said = problem(&Remote::new("https://sweeps.example:7171", None, None));
        assert!(said.contains("--credentials"), "{said}");
        let said = problem(&Remote::new("ftp://sweeps.example", None, None));
        assert!(said.contains("http://127.0.0.1:7171"), "{said}");
        let folder = tempfile::tempdir().unwrap();
        let url = "https://sweeps.example:7171";
        let said = problem(&Remote::new(url, Some(folder.path().to_owned()), None));
        assert!(said.contains("ca.pem"), "{said}");
    }
}
