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

/// The folder of a coordinator's state, locked for this process.
#[derive(Debug)]
pub(crate) struct StateFolder {
    database: PathBuf,
    /// The database does not grow beyond it, bytes.
    limit: Option<u64>,
    /// The operating system releases the lock when the process ends, however it ends.
    _lock: File,
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
        let lock = private::file(&folder.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                database: folder.join(DATABASE),
                limit: settings.max_state,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(folder.to_owned())),
            Err(TryLockError::Error(problem)) => Err(failed(problem)),
        }
    }

    /// A connection that may write; the database is made or migrated when need be.
    pub(crate) fn open_writer(&self) -> Result<Connection, StoreError> {
        self.look_for_remains()?;
        // SQLite gives the files beside it the permissions of this one.
        private::file(&self.database).map_err(|problem| StoreError::Folder {
            path: self.database.clone(),
            problem,
        })?;
        let mut connection =
            Connection::open(&self.database).map_err(|error| self.unusable(&error))?;
        let prepare = |connection: &Connection| {
            connection.busy_timeout(Duration::from_secs(5))?;
            if self.size() <= CHECKED {
                check(connection)?;
            }
            connection.pragma_update(None, "journal_mode", "WAL")?;
            // A commit is on disk when it returns, also after a power cut.
            connection.pragma_update(None, "synchronous", "FULL")?;
            if let Some(limit) = self
                .limit
                .map(|limit| i64::try_from(limit).unwrap_or(i64::MAX))
            {
                let size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
                connection.pragma_update(None, "max_page_count", (limit / size).max(1))?;
            }
            Ok(())
        };
        prepare(&connection).map_err(|error| self.unusable(&error))?;
        schema::migrate(&mut connection).map_err(|error| match error {
            SchemaError::Sqlite(error) => self.unusable(&error),
            other => self.unreadable(&other),
        })?;
        Ok(connection)
    }

    /// Calls `apply` with every stored event, and then starts the thread that writes more.
    pub(crate) fn replay(&self, apply: impl FnMut(Event)) -> Result<Writer, StoreError> {
        let connection = self.open_writer()?;
        let seal = self.reader().events(apply).map_err(|damage| match damage {
            Damage::Sqlite(error) => self.unusable(&error),
            other => self.unreadable(&format!("{DAMAGED}: {other}")),
        })?;
        Writer::start(connection, seal).map_err(|problem| self.unreadable(&problem))
    }

    /// A log without its database is what is left of a state.
    fn look_for_remains(&self) -> Result<(), StoreError> {
        let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        let log = self.database.with_extension("db-wal");
        if length(&self.database) == 0 && length(&log) > 0 {
            let problem = format!("{DAMAGED}: it is empty, and `{}` is not", log.display());
            return Err(self.unreadable(&problem));
        }
        Ok(())
    }

    fn size(&self) -> u64 {
        fs::metadata(&self.database).map_or(0, |file| file.len())
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
        Reader::new(self.database.clone())
    }
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

/// What is wrong, and what helps.
pub(crate) fn describe(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => format!("{DAMAGED}: {error}"),
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

fn open_read_only(database: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}
