//! The durable state: one SQLite database in a folder that one process at a time may write.
//!
//! One thread writes ([`Writer`]), in one transaction for all that came together, and answers
//! only after the commit. Readers ([`Reader`]) have connections of their own; in WAL mode they
//! never wait for the writer.

mod filesystem;
mod journal;
pub(crate) mod packed;
mod private;
mod read;
mod schema;
mod seal;
mod spare;
mod write;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use tailsweep_scheduler::Event;

use crate::server::Settings;
use read::Damage;
use schema::SchemaError;

pub(crate) use journal::{Dated, Entry};
pub(crate) use read::{Reader, Sizes};
pub(crate) use write::{Committed, Submission, Write, Writer};

/// The database in a state folder.
const DATABASE: &str = "tailsweep.db";
/// What is locked in it.
const LOCK: &str = "lock";

/// Why the state can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another coordinator is at work on it.
    #[error(
        "the state in `{}` is in use by another tailsweep process; stop that one, or choose \
         another folder", .0.display()
    )]
    InUse(PathBuf),
    /// The folder can't be made, read or written.
    #[error("can't use the state folder `{}`: {problem}", path.display())]
    Folder {
        /// The folder or the file.
        path: PathBuf,
        /// What the system says.
        problem: io::Error,
    },
    /// The folder lies on another machine.
    #[error(
        "`{}` lies on {kind}, where a database can be damaged without a word: choose a folder on a \
         disk of this machine, or insist with `--allow-network-fs`", path.display()
    )]
    Network {
        /// The folder.
        path: PathBuf,
        /// What file system it is.
        kind: &'static str,
    },
    /// The database can't be used as it is.
    #[error("can't use the state in `{}`: {problem}", path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl StoreError {
    /// Whether the folder is there and can't be written.
    pub(crate) fn is_unwritable(&self) -> bool {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        match self {
            Self::Folder { problem, .. } => {
                matches!(problem.kind(), PermissionDenied | ReadOnlyFilesystem)
            }
            _ => false,
        }
    }
}

/// The folder of a coordinator's state, locked for this process.
#[derive(Debug)]
pub(crate) struct StateFolder {
    database: PathBuf,
    /// The database does not grow beyond it, bytes.
    limit: Option<u64>,
    /// Nothing in it is changed.
    only_read: bool,
    /// The operating system releases the lock when the process ends, however it ends. A folder that
    /// is only read may have none.
    _lock: Option<File>,
}

impl StateFolder {
    /// Makes the folder when it is missing, and locks it.
    pub(crate) fn lock(settings: &Settings) -> Result<Self, StoreError> {
        let folder = &*settings.state;
        let failed = |problem| StoreError::Folder {
            path: folder.to_owned(),
            problem,
        };
        private::folder(folder).map_err(failed)?;
        if let Some(kind) = filesystem::network(folder).map_err(failed)?
            && !settings.allow_network_fs
        {
            let path = folder.to_owned();
            return Err(StoreError::Network { path, kind });
        }
        let lock = private::file(&folder.join(LOCK)).map_err(failed)?;
        locked(folder, lock.try_lock())?;
        Ok(Self {
            database: folder.join(DATABASE),
            limit: settings.max_state,
            only_read: false,
            _lock: Some(lock),
        })
    }

    /// A folder in which nothing can be, or is to be, changed: no coordinator may be at work on it.
    pub(crate) fn only_read(settings: &Settings) -> Result<Self, StoreError> {
        let folder = &*settings.state;
        let lock = match File::open(folder.join(LOCK)) {
            Ok(lock) => Some(lock),
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => None,
            Err(problem) => {
                let path = folder.to_owned();
                return Err(StoreError::Folder { path, problem });
            }
        };
        if let Some(lock) = &lock {
            locked(folder, lock.try_lock_shared())?;
        }
        let folder = Self {
            database: folder.join(DATABASE),
            limit: None,
            only_read: true,
            _lock: lock,
        };
        folder.look_for_remains()?;
        // Without a place for its index the log can't be read.
        let log = folder.database.with_extension("db-wal");
        if length(&log) > 0 {
            let problem = format!(
                "`{}` holds what the database does not yet, and can't be read where nothing can be \
                 written: copy the folder to another place",
                log.display()
            );
            return Err(folder.unreadable(&problem));
        }
        Ok(folder)
    }

    /// Makes the database, or brings it to this version, when need be; looks at its structure. One
    /// that needs nothing is not written to, so that a full disk is no obstacle. The answer is who may
    /// write to it, unless it is only read.
    pub(crate) fn prepare(&self) -> Result<Option<Writer>, StoreError> {
        if self.only_read {
            let connection = self.reader().connect();
            let version = connection.and_then(|connection| schema::version(&connection));
            return match version.map_err(|error| self.unusable(&error))? {
                schema::CURRENT => Ok(None),
                _ => Err(self.unreadable(
                    &"it is of another version of tailsweep, and nothing can be written here: copy \
                      the folder to another place",
                )),
            };
        }
        self.look_for_remains()?;
        // SQLite gives the files beside it the permissions of this one.
        private::file(&self.database).map_err(|problem| StoreError::Folder {
            path: self.database.clone(),
            problem,
        })?;
        let mut connection = self.connect().map_err(|error| self.unusable(&error))?;
        if length(&self.database) <= CHECKED {
            check(&connection).map_err(|error| self.unusable(&error))?;
        }
        schema::migrate(&mut connection).map_err(|error| match error {
            SchemaError::Sqlite(error) => self.unusable(&error),
            other => self.unreadable(&other),
        })?;
        let writer = Writer::start(connection).map_err(|problem| self.unreadable(&problem))?;
        Ok(Some(writer))
    }

    /// A connection that may write.
    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.database, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        // A commit is on disk when it returns, also after a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        if let Some(limit) = self
            .limit
            .map(|limit| i64::try_from(limit).unwrap_or(i64::MAX))
        {
            let size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
            connection.pragma_update(None, "max_page_count", (limit / size).max(1))?;
        }
        Ok(connection)
    }

    /// Who may write to it, over a new connection.
    pub(crate) fn writer(&self) -> Result<Writer, StoreError> {
        if self.only_read {
            return Err(self.unreadable(&"it is opened to be read"));
        }
        let connection = self.connect().map_err(|error| self.unusable(&error))?;
        Writer::start(connection).map_err(|problem| self.unreadable(&problem))
    }

    /// Calls `apply` with every stored event. Nothing is written.
    pub(crate) fn replay(&self, apply: impl FnMut(Event)) -> Result<(), StoreError> {
        let read = self.reader().events(apply);
        read.map_err(|damage| match damage {
            Damage::Sqlite(error) => self.unusable(&error),
            other => self.unreadable(&format!("{DAMAGED}: {other}")),
        })
    }

    /// A log without its database is what is left of a state.
    fn look_for_remains(&self) -> Result<(), StoreError> {
        let log = self.database.with_extension("db-wal");
        if length(&self.database) == 0 && length(&log) > 0 {
            let problem = format!("{DAMAGED}: it is empty, and `{}` is not", log.display());
            return Err(self.unreadable(&problem));
        }
        Ok(())
    }

    fn unusable(&self, error: &rusqlite::Error) -> StoreError {
        self.unreadable(&describe(error))
    }

    /// The error of a database that can't be used.
    fn unreadable(&self, problem: &dyn ToString) -> StoreError {
        StoreError::Database {
            path: self.database.clone(),
            problem: problem.to_string(),
        }
    }

    /// A connection that only reads.
    pub(crate) fn reader(&self) -> Reader {
        Reader::new(self.database.clone(), self.only_read)
    }
}

/// What becomes of an attempt to lock a folder.
fn locked(folder: &Path, lock: Result<(), TryLockError>) -> Result<(), StoreError> {
    let path = folder.to_owned();
    lock.map_err(|problem| match problem {
        TryLockError::WouldBlock => StoreError::InUse(path),
        TryLockError::Error(problem) => StoreError::Folder { path, problem },
    })
}

/// Bytes of a file; 0 if there is none.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// What all that is said of a damaged database begins with.
const DAMAGED: &str = "it is damaged; bring back a copy, or move the folder away to begin anew";

/// Databases up to this size are looked at as a whole at a start, bytes; larger ones only where
/// they are read.
const CHECKED: u64 = 64 << 20;

/// Looks at the structure of the whole database.
fn check(connection: &Connection) -> rusqlite::Result<()> {
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if said == "ok" {
        return Ok(());
    }
    let corrupt = ffi::Error::new(ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(corrupt, Some(said)))
}

/// Whether nothing is wrong but that there is no room.
pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// What is wrong, and what helps.
pub(crate) fn describe(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        // What was written once comes again only if something has changed what is there.
        Some(
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation,
        ) => format!("{DAMAGED}: {error}"),
        Some(ErrorCode::DiskFull) => {
            "there is no room: the disk is full, or the state has the size that it may have"
                .to_owned()
        }
        Some(ErrorCode::ReadOnly) => format!("the disk can only be read: {error}"),
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => {
            format!("the disk does not do as it should: {error}")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_only_read_is_left_as_it_is() {
        let parent = tempfile::tempdir().unwrap();
        let settings = Settings::new(parent.path().join("50% of it? #1"));
        let written = StateFolder::lock(&settings).unwrap();
        assert!(written.prepare().unwrap().is_some());
        assert!(matches!(
            StateFolder::only_read(&settings),
            Err(StoreError::InUse(_))
        ));
        drop(written);

        let files = || -> Vec<_> {
            let files = fs::read_dir(&settings.state).unwrap().map(Result::unwrap);
            let files = files.map(|file| (file.file_name(), file.metadata().unwrap()));
            let told = files.map(|(name, told)| (name, told.len(), told.modified().unwrap()));
            told.collect()
        };
        let before = files();
        let read = StateFolder::only_read(&settings).unwrap();
        assert!(read.prepare().unwrap().is_none());
        read.replay(|event| panic!("{event:?} in an empty state"))
            .unwrap();
        assert!(read.writer().is_err(), "it could be written");
        drop(read);
        assert_eq!(files(), before);

        fs::write(settings.state.join("tailsweep.db-wal"), b"frames").unwrap();
        let refused = StateFolder::only_read(&settings).unwrap_err().to_string();
        assert!(
            refused.contains("db-wal") && refused.contains("copy"),
            "{refused}"
        );
    }
}
