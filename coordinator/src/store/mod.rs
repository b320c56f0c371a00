//! The durable state: one SQLite database in a folder that one process at a time may write.
//!
//! One thread writes ([`Writer`]), in one transaction for all that came together, and answers
//! only after the commit. Readers ([`Reader`]) have connections of their own; in WAL mode they
//! never wait for the writer.

mod journal;
pub(crate) mod packed;
mod private;
mod read;
mod schema;
mod write;

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

pub(crate) use journal::{Dated, Entry};
pub(crate) use read::Reader;
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
    /// The operating system releases the lock when the process ends, however it ends.
    _lock: File,
}

impl StateFolder {
    /// Makes the folder when it is missing, and locks it.
    pub(crate) fn lock(folder: &Path) -> Result<Self, StoreError> {
        let failed = |problem| StoreError::Folder {
            path: folder.to_owned(),
            problem,
        };
        private::folder(folder).map_err(failed)?;
        let lock = private::file(&folder.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                database: folder.join(DATABASE),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(folder.to_owned())),
            Err(TryLockError::Error(problem)) => Err(failed(problem)),
        }
    }

    /// A connection that may write; the database is made or migrated when need be.
    pub(crate) fn open_writer(&self) -> Result<Connection, StoreError> {
        // SQLite gives the files beside it the permissions of this one.
        private::file(&self.database).map_err(|problem| StoreError::Folder {
            path: self.database.clone(),
            problem,
        })?;
        let mut connection =
            Connection::open(&self.database).map_err(|error| self.unreadable(&error))?;
        let prepare = |connection: &Connection| {
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            // A commit is on disk when it returns, also after a power cut.
            connection.pragma_update(None, "synchronous", "FULL")
        };
        prepare(&connection).map_err(|error| self.unreadable(&error))?;
        schema::migrate(&mut connection).map_err(|error| self.unreadable(&error))?;
        Ok(connection)
    }

    /// The error of a database that can't be used.
    pub(crate) fn unreadable(&self, problem: &dyn ToString) -> StoreError {
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

fn open_read_only(database: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}
