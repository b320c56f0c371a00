//! A private certificate authority, and the files that it makes for each part.
//!
//! Keys are ECDSA over P-256. The authority signs the coordinator's certificate, for the names
//! and addresses under which it is reached, and one for workers and for users each. Its own key is
//! needed only to sign more; nobody who runs tailsweep reads it.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use tailsweep_coordinator::{Role, Tokens, write_secret};
use time::OffsetDateTime;

/// Clocks may be so far behind.
const SLACK: Duration = Duration::from_secs(24 * 3600);

/// Why the files were not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    /// Nothing is overwritten.
    #[error("`{}` exists already; choose another folder, or move it away", .0.display())]
    Exists(PathBuf),
    #[error("can't write below `{}`: {problem}", path.display())]
    Folder { path: PathBuf, problem: io::Error },
    #[error("can't make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// Makes `folder` with `ca/`, `coordinator/`, `worker/`, `user/` and `read-only/`.
///
/// `names` are the host names and addresses under which the coordinator is reached.
pub(crate) fn make(folder: &Path, names: &[String], valid: Duration) -> Result<(), AuthorityError> {
    if folder.exists() {
        return Err(AuthorityError::Exists(folder.to_owned()));
    }
    let parts = parts(names, valid)?;
    write(folder, &parts).map_err(|problem| AuthorityError::Folder {
        path: folder.to_owned(),
        problem,
    })
}

/// A file: where, what, and whether it is a secret.
struct Part {
    path: String,
    text: String,
    secret: bool,
}

fn parts(names: &[String], valid: Duration) -> Result<Vec<Part>, AuthorityError> {
    let mut parts = Vec::new();
    let mut put = |path: String, text: &str, secret| {
        parts.push(Part {
            path,
            text: text.to_owned(),
            secret,
        });
    };
    let key = KeyPair::generate()?;
    let authority_key = key.serialize_pem();
    let authority = CertifiedIssuer::self_signed(authority(valid)?, key)?;
    put("ca/cert.pem".to_owned(), &authority.pem(), false);
    put("ca/key.pem".to_owned(), &authority_key, true);

    let (certificate, key) = sign(&authority, names, "tailsweep coordinator", true, valid)?;
    put("coordinator/cert.pem".to_owned(), &certificate, false);
    put("coordinator/key.pem".to_owned(), &key, true);
    put(
        "coordinator/clients.pem".to_owned(),
        &authority.pem(),
        false,
    );

    let mut tokens = String::from(
        "# Who may do what: ROLE NAME SHA-256 of the token. Take a line away, and start the\n\
         # coordinator again, to turn its holder away.\n",
    );
    for role in Role::ALL {
        let name = format!("tailsweep {role}");
        let (certificate, key) = sign(&authority, &[], &name, false, valid)?;
        let token = token(role).map_err(|problem| AuthorityError::Folder {
            path: PathBuf::from("/dev/urandom"),
            problem,
        })?;
        tokens.push_str(&Tokens::line(role, role.as_str(), &token));
        put(format!("{role}/ca.pem"), &authority.pem(), false);
        put(format!("{role}/cert.pem"), &certificate, false);
        put(format!("{role}/key.pem"), &key, true);
        put(format!("{role}/token"), &format!("{token}\n"), true);
    }
    put("coordinator/tokens".to_owned(), &tokens, true);
    Ok(parts)
}

fn authority(valid: Duration) -> Result<CertificateParams, rcgen::Error> {
    let mut params = params(&[], "tailsweep private authority", valid)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn params(
    names: &[String],
    name: &str,
    valid: Duration,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, name);
    let now = SystemTime::now();
    params.not_before = OffsetDateTime::from(now - SLACK);
    params.not_after = OffsetDateTime::from(now + valid);
    Ok(params)
}

/// A certificate and its key, as PEM.
fn sign(
    authority: &CertifiedIssuer<'_, KeyPair>,
    names: &[String],
    name: &str,
    is_server: bool,
    valid: Duration,
) -> Result<(String, String), rcgen::Error> {
    let mut params = params(names, name, valid)?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![if is_server {
        ExtendedKeyUsagePurpose::ServerAuth
    } else {
        ExtendedKeyUsagePurpose::ClientAuth
    }];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// 256 random bits, with a prefix by which one that went astray is recognised.
fn token(role: Role) -> io::Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("tailsweep-{role}-{digits}"))
}

fn write(folder: &Path, parts: &[Part]) -> io::Result<()> {
    let mut private = DirBuilder::new();
    private.recursive(true).mode(0o700);
    private.create(folder)?;
    for Part { path, text, secret } in parts {
        let path = folder.join(path);
        private.create(path.parent().unwrap_or(folder))?;
        if *secret {
            write_secret(&path, text)?;
        } else {
            let mut file = File::options();
            file.write(true).create_new(true).mode(0o644);
            file.open(&path)?.write_all(text.as_bytes())?;
        }
    }
    Ok(())
}

/// The names under which a coordinator on this machine is reached, besides those that are given.
pub(crate) fn names_of_this_machine() -> Vec<String> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim().to_owned()).filter(|host| !host.is_empty());
    let always = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    always.into_iter().chain(host).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_are_private_and_differ() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("tls");
        make(&folder, &names_of_this_machine(), Duration::from_secs(3600)).unwrap();
        let mode = |path: &str| {
            let metadata = fs::metadata(folder.join(path)).unwrap();
            metadata.permissions().mode() & 0o777
        };
        assert_eq!(mode(""), 0o700);
        for part in ["ca", "coordinator", "worker", "user", "read-only"] {
            assert_eq!(mode(part), 0o700, "{part}");
            assert_eq!(mode(&format!("{part}/key.pem")), 0o600, "{part}");
        }
        assert_eq!(mode("coordinator/tokens"), 0o600);
        let token = |role| fs::read_to_string(folder.join(role).join("token")).unwrap();
        assert_ne!(token("worker"), token("user"));
        let known = fs::read_to_string(folder.join("coordinator/tokens")).unwrap();
        assert!(!known.contains(token("user").trim()), "a token lies open");
        assert!(matches!(
            make(&folder, &[], Duration::from_secs(3600)),
            Err(AuthorityError::Exists(_))
        ));
    }
}
