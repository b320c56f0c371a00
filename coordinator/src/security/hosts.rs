//! The names under which a page may be asked for.
//!
//! A page of somebody else can make a browser ask `http://NAME:7171/`, where NAME is a name of
//! theirs that they let point to this machine. The browser then takes the answer for theirs. It
//! can't do so with an address in digits, nor with a name that is not theirs; hence this list.

use std::net::IpAddr;

/// Names besides addresses and `localhost`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(|name| name.to_lowercase()).collect())
    }

    /// Whether `authority` (`HOST` or `HOST:PORT`) is one of this coordinator.
    pub(crate) fn admit(&self, authority: &str) -> bool {
        let host = host_of(authority).to_lowercase();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<IpAddr>().is_ok() || self.0.contains(&host)
    }
}

/// Whether a page that came from `origin` is the one that `authority` serves.
pub(crate) fn is_own_origin(origin: &str, authority: &str) -> bool {
    let own = origin.strip_prefix("http://");
    let own = own.or_else(|| origin.strip_prefix("https://"));
    own == Some(authority)
}

fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        // A bracket behind the last colon: it belongs to an address.
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_known_names_are_admitted() {
        let hosts = Hosts::new(["Sweeps.example".to_owned()]);
        for known in [
            "127.0.0.1:7171",
            "10.0.0.3",
            "[::1]:7171",
            "[fe80::1]",
            "localhost:7171",
            "sweeps.EXAMPLE:443",
        ] {
            assert!(hosts.admit(known), "{known}");
        }
        for strange in [
            "evil.example:7171",
            "",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
        ] {
            assert!(!hosts.admit(strange), "{strange}");
        }
    }

    #[test]
    fn only_the_page_itself_is_its_own_origin() {
        assert!(is_own_origin("http://127.0.0.1:7171", "127.0.0.1:7171"));
        for other in ["null", "http://127.0.0.1:80", "https://evil.example", ""] {
            assert!(!is_own_origin(other, "127.0.0.1:7171"), "{other}");
        }
    }
}
