//! What is read back: the journal at a start, contents on demand.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, Error, OpenFlags, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use tailsweep_common::id::{BlobId, SweepId};
use tailsweep_common::sweep::Sweep;
use tailsweep_scheduler::event::RunEvent;
use tailsweep_scheduler::{Event, RunNo};

use super::journal::{Dated, Entry};
use super::packed;
use super::seal::Seal;

/// Why the journal can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damage {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("line {0} of the journal is missing")]
    Gap(i64),
    #[error("line {0} of the journal, or one before it, is not what was written")]
    Changed(i64),
    #[error("line {0} of the journal was not written by a coordinator")]
    Added(i64),
    #[error("nothing says where the journal ends")]
    Endless,
    #[error("line {0} of the journal makes no sense: {1}")]
    Line(i64, serde_json::Error),
}

/// What a sweep takes on disk, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) records: u64,
    pub(crate) record_count: u64,
    pub(crate) checkpoints: u64,
    pub(crate) files: u64,
}

/// Reads what is committed, each time with a connection of its own.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    database: PathBuf,
    /// Nothing else reads or writes it, and beside it no file can be made.
    is_alone: bool,
}

impl Reader {
    pub(super) fn new(database: PathBuf, is_alone: bool) -> Self {
        Self { database, is_alone }
    }

    /// Size of the database, bytes.
    pub(crate) fn size(&self) -> u64 {
        let mut log = self.database.clone().into_os_string();
        log.push("-wal");
        let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        size(&self.database) + size(log.as_ref())
    }

    /// A connection that only reads.
    pub(super) fn connect(&self) -> rusqlite::Result<Connection> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if self.is_alone {
            flags |= OpenFlags::SQLITE_OPEN_URI;
            return Connection::open_with_flags(immutable(&self.database), flags);
        }
        let connection = Connection::open_with_flags(&self.database, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        Ok(connection)
    }

    /// Calls `apply` with every stored event, in the order in which they became durable. Contents
    /// of checkpoints are left out: only their steps matter to the core.
    pub(super) fn events(&self, mut apply: impl FnMut(Event)) -> Result<(), Damage> {
        let connection = self.connect()?;
        let gaps = gaps(&connection)?;
        let mut lines = connection.prepare("SELECT seq, body, seal FROM journal ORDER BY seq")?;
        let mut lines = lines.query([])?;
        let (mut before, mut seal, mut is_sealed) = (0, Seal::default(), false);
        while let Some(line) = lines.next()? {
            let (seq, stored): (i64, Option<i64>) = (line.get(0)?, line.get(2)?);
            if let Some((last, kept)) = gaps.get(&(before + 1)) {
                (before, seal, is_sealed) = (*last, *kept, true);
            }
            if seq != before + 1 {
                return Err(Damage::Gap(before + 1));
            }
            before = seq;
            let body = line
                .get_ref(1)?
                .as_str()
                .map_err(|_| Damage::Changed(seq))?;
            // Lines from before there were seals have none, and only they.
            if stored.is_some() || is_sealed {
                is_sealed = true;
                seal = seal.next(body);
                if stored.and_then(Seal::of) != Some(seal) {
                    return Err(Damage::Changed(seq));
                }
            }
            let entry = serde_json::from_str(body).map_err(|problem| Damage::Line(seq, problem))?;
            apply(match entry {
                Entry::Submitted(id) => Event::Submitted(Arc::new(plan(&connection, id)?)),
                Entry::Checkpointed { run, step } => Event::Checkpointed {
                    run,
                    step,
                    payload: Arc::from([]),
                },
                Entry::Run(run, change) => Event::Run(run, change),
                Entry::Sweep(sweep, change) => Event::Sweep(sweep, change),
            });
        }
        let end = "SELECT lines, seal FROM journal_end";
        let end = connection.query_row(end, [], |row| Ok((row.get(0)?, row.get(1)?)));
        match end.optional()? {
            None => Err(Damage::Endless),
            Some((count, _)) if before < count => Err(Damage::Gap(before + 1)),
            Some((count, _)) if before > count => Err(Damage::Added(count + 1)),
            Some((_, last)) if Seal::of(last) != Some(seal) => Err(Damage::Changed(before)),
            Some(_) => Ok(()),
        }
    }

    /// Calls `tell` with every line of the journal, oldest first.
    pub(crate) fn journal(
        &self,
        mut tell: impl FnMut(Dated) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let connection = self.connect()?;
        let mut lines = connection.prepare("SELECT at_ms, body FROM journal ORDER BY seq")?;
        let mut lines = lines.query([])?;
        while let Some(line) = lines.next()? {
            let body: String = line.get(1)?;
            tell(Dated {
                at_ms: line.get(0)?,
                entry: from_json(1, &body)?,
            })?;
        }
        Ok(())
    }

    /// Calls `tell` with what happened to one run, and when, oldest first.
    pub(crate) fn journal_of(
        &self,
        run: RunNo,
        mut tell: impl FnMut(i64, RunEvent),
    ) -> rusqlite::Result<()> {
        let connection = self.connect()?;
        let sql = "SELECT at_ms, body FROM journal WHERE run = ? ORDER BY seq";
        let mut lines = connection.prepare(sql)?;
        let mut lines = lines.query([run.0])?;
        while let Some(line) = lines.next()? {
            let body: String = line.get(1)?;
            if let Entry::Run(of, event) = from_json(1, &body)?
                && of == run
            {
                tell(line.get(0)?, event);
            }
        }
        Ok(())
    }

    /// When something last happened to each run, milliseconds of the Unix epoch, in one look for
    /// all of them.
    pub(crate) fn last_changes(&self) -> rusqlite::Result<HashMap<RunNo, i64>> {
        let connection = self.connect()?;
        let sql = "SELECT run, MAX(at_ms) FROM journal WHERE run IS NOT NULL GROUP BY run";
        let mut statement = connection.prepare(sql)?;
        let lines = statement.query_map([], |row| Ok((RunNo(row.get(0)?), row.get(1)?)))?;
        lines.collect()
    }

    /// When each sweep was submitted last, or something else was last said about it, milliseconds
    /// of the Unix epoch.
    pub(crate) fn last_wishes(&self) -> rusqlite::Result<HashMap<SweepId, i64>> {
        self.last_of_sweeps(|_| true)
    }

    /// When each sweep was submitted last, milliseconds of the Unix epoch.
    pub(crate) fn submissions(&self) -> rusqlite::Result<HashMap<SweepId, i64>> {
        self.last_of_sweeps(|entry| matches!(entry, Entry::Submitted(_)))
    }

    fn last_of_sweeps(
        &self,
        counts: impl Fn(&Entry) -> bool,
    ) -> rusqlite::Result<HashMap<SweepId, i64>> {
        let connection = self.connect()?;
        let sql = "SELECT at_ms, body FROM journal WHERE run IS NULL \
                   AND (body GLOB '{\"submitted\"*' OR body GLOB '{\"sweep\"*') ORDER BY seq";
        let mut statement = connection.prepare(sql)?;
        let mut lines = statement.query([])?;
        let mut last = HashMap::new();
        while let Some(line) = lines.next()? {
            let body: String = line.get(1)?;
            let entry = from_json(1, &body)?;
            if let Entry::Submitted(sweep) | Entry::Sweep(sweep, _) = &entry
                && counts(&entry)
            {
                last.insert(*sweep, line.get(0)?);
            }
        }
        Ok(last)
    }

    /// What runs take, given as ranges of numbers (first and last), and files.
    pub(crate) fn sizes(
        &self,
        runs: &[(RunNo, RunNo)],
        files: &[BlobId],
    ) -> rusqlite::Result<Sizes> {
        let connection = self.connect()?;
        let mut sizes = Sizes::default();
        for (first, last) in runs {
            let of = |table: &str| {
                let sql = format!(
                    "SELECT COUNT(*), COALESCE(SUM(LENGTH(payload)), 0) FROM {table} \
                     WHERE run BETWEEN ? AND ?"
                );
                let mut statement = connection.prepare_cached(&sql)?;
                statement.query_row([first.0, last.0], |row| {
                    Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64))
                })
            };
            let (count, bytes) = of("records")?;
            sizes.record_count += count;
            sizes.records += bytes;
            sizes.checkpoints += of("checkpoints")?.1;
        }
        for id in files {
            let sql = "SELECT LENGTH(content) FROM files WHERE id = ?";
            let size = connection.query_row(sql, [id.as_bytes()], |row| row.get::<_, i64>(0));
            sizes.files += size.optional()?.unwrap_or(0) as u64;
        }
        Ok(sizes)
    }

    /// What the user calls the file of a sweep.
    pub(crate) fn path(&self, sweep: SweepId) -> rusqlite::Result<String> {
        let sql = "SELECT path FROM sweeps WHERE id = ?";
        self.connect()?
            .query_row(sql, [sweep.as_bytes()], |row| row.get(0))
    }

    /// The text of a sweep file as the user wrote it.
    pub(crate) fn source(&self, sweep: SweepId) -> rusqlite::Result<String> {
        self.connect()?.query_row(
            "SELECT source FROM sweeps WHERE id = ?",
            [sweep.as_bytes()],
            |row| row.get(0),
        )
    }

    /// A file that travelled with a sweep.
    pub(crate) fn file(&self, id: BlobId) -> rusqlite::Result<Option<Vec<u8>>> {
        self.connect()?
            .query_row(
                "SELECT content FROM files WHERE id = ?",
                [id.as_bytes()],
                |row| row.get(0),
            )
            .optional()
    }

    /// The checkpoint of a run, if the stored one is of this step.
    pub(crate) fn checkpoint(&self, run: RunNo, step: u64) -> rusqlite::Result<Option<Vec<u8>>> {
        let sql = "SELECT payload FROM checkpoints WHERE run = ? AND step = ?";
        self.connect()?
            .query_row(sql, params![run.0, step as i64], |row| row.get(0))
            .optional()
    }

    /// The records of runs, one run after another.
    pub(crate) fn records(&self) -> rusqlite::Result<Records> {
        Ok(Records {
            connection: self.connect()?,
        })
    }
}

/// A connection for many reads.
#[derive(Debug)]
pub(crate) struct Records {
    connection: Connection,
}

impl Records {
    /// The encoded measurements of a run in the order of their steps.
    pub(crate) fn of(&self, run: RunNo) -> rusqlite::Result<Vec<Vec<u8>>> {
        let sql = "SELECT payload FROM records WHERE run = ? ORDER BY step";
        let mut statement = self.connection.prepare_cached(sql)?;
        let content = |row: &Row<'_>| {
            let content = packed::unpack(row.get_ref(0)?.as_blob()?);
            let damaged = |problem: std::io::Error| {
                Error::FromSqlConversionFailure(0, Type::Blob, problem.into())
            };
            Ok(content.map_err(damaged)?.into_owned())
        };
        statement.query_map([run.0], content)?.collect()
    }
}

/// The lines that were removed on purpose: the first of each gap, the last, and its seal.
fn gaps(connection: &Connection) -> Result<HashMap<i64, (i64, Seal)>, Damage> {
    let mut gaps = connection.prepare("SELECT first, last, seal FROM journal_gaps")?;
    let mut gaps = gaps.query([])?;
    let mut all = HashMap::new();
    while let Some(gap) = gaps.next()? {
        let (first, last): (i64, i64) = (gap.get(0)?, gap.get(1)?);
        let seal = Seal::of(gap.get(2)?).ok_or(Damage::Changed(last))?;
        all.insert(first, (last, seal));
    }
    Ok(all)
}

/// The name by which SQLite opens a file that does not change, and makes none beside it.
fn immutable(database: &Path) -> String {
    let mut name = "file:".to_owned();
    for byte in database.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => name.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => name.push(char::from(*byte)),
            byte => name += &format!("%{byte:02X}"),
        }
    }
    name + "?immutable=1"
}

fn plan(connection: &Connection, id: SweepId) -> rusqlite::Result<Sweep> {
    let sql = "SELECT plan FROM sweeps WHERE id = ?";
    let plan: Vec<u8> = connection.query_row(sql, [id.as_bytes()], |row| row.get(0))?;
    packed::unpack_json(&plan)
        .map_err(|problem| Error::FromSqlConversionFailure(0, Type::Blob, problem.into()))
}

fn from_json<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}
