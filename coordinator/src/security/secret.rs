//! Files that only their owner may read.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// No key or list of tokens is larger, bytes.
const LARGEST: u64 = 1 << 20;

/// Why a secret was not read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Others could have read it before.
    #[error(
        "`{}` can be read by others (mode {mode:04o}): say `chmod 600 {}`, and make a new one if \
         somebody may have read it", path.display(), path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The system does not give it.
    #[error("can't read `{}`: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: io::Error,
    },
}

/// Reads a text that nobody else may read. A group may read what the system's owner gives it
/// (mounted secrets of Kubernetes are like that).
pub fn read_secret(path: &Path) -> Result<String, SecretError> {
    let unreadable = |problem| SecretError::Unreadable {
        path: path.to_owned(),
        problem,
    };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !is_private(&metadata) {
        return Err(SecretError::Exposed {
            path: path.to_owned(),
            mode: metadata.permissions().mode() & 0o7777,
        });
    }
    let mut text = String::new();
    let read = file.take(LARGEST).read_to_string(&mut text);
    read.map_err(unreadable)?;
    Ok(text)
}

fn is_private(metadata: &Metadata) -> bool {
    let of_others = match metadata.uid() {
        0 => 0o037,
        _ => 0o077,
    };
    metadata.permissions().mode() & of_others == 0
}

/// Writes a new file that only this user may read.
pub fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Takes the rights of others away from what is this user's own.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    let permissions = fs::metadata(path)?.permissions();
    let mode = permissions.mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & !0o077))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_may_read_is_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        write_secret(&path, "secret").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(read_secret(&path).unwrap(), "secret");
        assert!(write_secret(&path, "other").is_err(), "it was overwritten");
        for mode in [0o644, 0o604, 0o602, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let problem = read_secret(&path).unwrap_err();
            assert!(problem.to_string().contains("chmod 600"), "{problem}");
        }
        make_private(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }
}
