//! The one thread that writes.

use std::sync::Arc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tailsweep_common::id::{BlobId, SweepId};
use tailsweep_common::sweep::Sweep;
use tailsweep_scheduler::event::{RunEvent, SweepEvent};
use tailsweep_scheduler::{Attempt, Event, RunNo};
use tokio::sync::{mpsc, oneshot};

use super::journal::Entry;
use super::seal::Seal;
use super::{packed, spare};

/// A sweep as it was submitted.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    /// The sweep file as the user wrote it.
    pub(crate) source: String,
    /// What the user calls the file.
    pub(crate) path: String,
    /// What it names.
    pub(crate) files: Vec<(BlobId, Vec<u8>)>,
    /// The expanded sweep as it is stored: [`packed::pack_json`].
    pub(crate) plan: Vec<u8>,
}

/// Something that must become durable.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    /// An accepted sweep.
    Sweep(Arc<Sweep>, Submission),
    /// A sweep that was removed is submitted again.
    Restored(SweepId, Submission),
    /// A sweep was removed.
    Removed {
        /// Which one.
        sweep: SweepId,
        /// Runs of which nothing is kept, as ranges of numbers: first and last.
        forgotten: Vec<(RunNo, RunNo)>,
        /// How often they were tried, as ranges: all that is kept of it.
        attempts: Option<Vec<(RunNo, RunNo, Attempt)>>,
        /// Files that no sweep names any more.
        orphans: Vec<BlobId>,
    },
    /// Any other event of the core.
    Event(Event),
    /// Nothing that stays: it shows whether the disk takes something.
    Probe,
}

/// What the disk knew better.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Committed {
    /// Runs of which a repeated record is not equal to the first one.
    pub(crate) differing: Vec<RunNo>,
}

/// What a probe writes, bytes.
const PROBE: i64 = 64 << 10;

/// Pages that are given back at a time: 8 MiB.
const SLICE: u32 = 2048;
/// `PRAGMA auto_vacuum` of a database whose room can be given back in slices.
const INCREMENTAL: i64 = 2;

/// What the thread is asked for, each with the way of the answer.
enum Job {
    Commit(Vec<Write>, oneshot::Sender<rusqlite::Result<Committed>>),
    Compact(oneshot::Sender<rusqlite::Result<bool>>),
}

/// A handle to the writing thread, which ends with the last handle.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(1);
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || serve(connection, queue))?;
        Ok(Self {
            jobs,
            thread: Some(thread),
        })
    }

    /// Writes all of `writes` in one transaction. The answer comes after the commit; nothing of it
    /// is written if it is an error, or if it does not come.
    pub(crate) fn commit(
        &self,
        writes: Vec<Write>,
    ) -> oneshot::Receiver<rusqlite::Result<Committed>> {
        let (reply, answer) = oneshot::channel();
        // The driver has one commit under way at a time, so there is room. Without a thread the
        // answer does not come.
        let _ = self.jobs.try_send(Job::Commit(writes, reply));
        answer
    }

    /// Gives a slice of the room that nothing needs back to the file system. The answer is whether
    /// that was all of it.
    pub(crate) fn compact(&self) -> oneshot::Receiver<rusqlite::Result<bool>> {
        let (reply, answer) = oneshot::channel();
        // As above.
        let _ = self.jobs.try_send(Job::Compact(reply));
        answer
    }
}

impl Drop for Writer {
    /// Waits until the database is closed.
    fn drop(&mut self) {
        self.jobs = mpsc::channel(1).0;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was already reported as a commit that did not answer.
            let _ = thread.join();
        }
    }
}

fn serve(mut connection: Connection, mut queue: mpsc::Receiver<Job>) {
    while let Some(job) = queue.blocking_recv() {
        // The driver may have gone; what it asked for is durable all the same.
        match job {
            Job::Commit(writes, reply) => {
                let _ = reply.send(commit(&mut connection, &writes));
            }
            Job::Compact(reply) => {
                let _ = reply.send(compact(&mut connection));
            }
        }
    }
}

/// Whether all room has been given back.
fn compact(connection: &mut Connection) -> rusqlite::Result<bool> {
    if !spare::remove(connection)? {
        return Ok(false);
    }
    let number = |pragma: &str| -> rusqlite::Result<i64> {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
    };
    if number("freelist_count")? > 0 {
        if number("auto_vacuum")? == INCREMENTAL {
            let sql = format!("PRAGMA incremental_vacuum({SLICE})");
            let mut statement = connection.prepare(&sql)?;
            let mut pages = statement.query([])?;
            while pages.next()?.is_some() {}
        } else {
            // A database from before there were slices: once, as a whole.
            connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")?;
        }
    }
    if number("freelist_count")? > 0 {
        return Ok(false);
    }
    // The log shrinks, too, unless a reader is in it just now.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(true))
}

fn commit(connection: &mut Connection, writes: &[Write]) -> rusqlite::Result<Committed> {
    let transaction = connection.transaction()?;
    let (lines, seal) = transaction
        .prepare_cached("SELECT lines, seal FROM journal_end")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut batch = Batch {
        transaction: &transaction,
        at_ms: now_ms(),
        lines,
        seal: Seal::of(seal).unwrap_or_default(),
        done: Committed::default(),
    };
    for write in writes {
        match write {
            Write::Sweep(sweep, submission) => batch.sweep(sweep, submission)?,
            Write::Restored(sweep, submission) => batch.restored(*sweep, submission)?,
            Write::Removed {
                sweep,
                forgotten,
                attempts,
                orphans,
            } => batch.removed(*sweep, forgotten, attempts.as_deref(), orphans)?,
            Write::Event(event) => batch.event(event)?,
            Write::Probe => batch.probe()?,
        }
    }
    if batch.lines > lines {
        batch.end()?;
    }
    let done = batch.done;
    transaction.commit()?;
    Ok(done)
}

struct Batch<'a> {
    transaction: &'a Transaction<'a>,
    at_ms: i64,
    /// Of the journal so far, and the seal of the last one.
    lines: i64,
    seal: Seal,
    done: Committed,
}

impl Batch<'_> {
    fn execute(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.transaction.prepare_cached(sql)?.execute(params)
    }

    fn journal(&mut self, entry: &Entry) -> rusqlite::Result<()> {
        let body = json(entry)?;
        let seal = self.seal.next(&body);
        let run = match entry {
            Entry::Run(run, _) | Entry::Checkpointed { run, .. } => Some(run.0),
            Entry::Submitted(_) | Entry::Sweep(..) => None,
        };
        let line = self.lines + 1;
        self.execute(
            "INSERT INTO journal (seq, at_ms, body, seal, run) VALUES (?, ?, ?, ?, ?)",
            params![line, self.at_ms, body, seal.stored(), run],
        )?;
        (self.lines, self.seal) = (line, seal);
        Ok(())
    }

    /// Notes where the journal ends.
    fn end(&self) -> rusqlite::Result<()> {
        let end = params![self.lines, self.seal.stored()];
        self.execute("UPDATE journal_end SET lines = ?, seal = ?", end)?;
        Ok(())
    }

    fn probe(&self) -> rusqlite::Result<()> {
        self.execute("INSERT INTO probe (filler) VALUES (zeroblob(?))", [PROBE])?;
        self.execute("DELETE FROM probe", [])?;
        Ok(())
    }

    fn sweep(&mut self, sweep: &Sweep, submission: &Submission) -> rusqlite::Result<()> {
        let Submission {
            source,
            path,
            files,
            plan,
        } = submission;
        self.files(files)?;
        self.execute(
            "INSERT INTO sweeps (id, path, source, plan) VALUES (?, ?, ?, ?)",
            params![sweep.id.as_bytes(), path, source, plan],
        )?;
        self.journal(&Entry::Submitted(sweep.id))
    }

    fn files(&self, files: &[(BlobId, Vec<u8>)]) -> rusqlite::Result<()> {
        for (id, content) in files {
            let sql = "INSERT INTO files (id, content) VALUES (?, ?) ON CONFLICT DO NOTHING";
            self.execute(sql, params![id.as_bytes(), content])?;
        }
        Ok(())
    }

    fn restored(&mut self, sweep: SweepId, submission: &Submission) -> rusqlite::Result<()> {
        self.files(&submission.files)?;
        self.journal(&Entry::Sweep(sweep, SweepEvent::Restored))
    }

    fn removed(
        &mut self,
        sweep: SweepId,
        forgotten: &[(RunNo, RunNo)],
        attempts: Option<&[(RunNo, RunNo, Attempt)]>,
        orphans: &[BlobId],
    ) -> rusqlite::Result<()> {
        for (first, last) in forgotten {
            if attempts.is_some() {
                let sql = "INSERT INTO journal_spare (first, last, before) VALUES (?, ?, ?)";
                self.execute(sql, params![first.0, last.0, self.lines + 1])?;
            }
            for table in ["records", "checkpoints"] {
                let sql = format!("DELETE FROM {table} WHERE run BETWEEN ? AND ?");
                self.execute(&sql, params![first.0, last.0])?;
            }
        }
        for id in orphans {
            self.execute("DELETE FROM files WHERE id = ?", params![id.as_bytes()])?;
        }
        let removed = SweepEvent::Removed {
            forgotten: forgotten.to_vec(),
            attempts: attempts.map(<[_]>::to_vec),
        };
        self.journal(&Entry::Sweep(sweep, removed))
    }

    fn event(&mut self, event: &Event) -> rusqlite::Result<()> {
        match event {
            Event::Submitted(sweep) => self.journal(&Entry::Submitted(sweep.id)),
            Event::Recorded { run, step, payload } => self.record(*run, *step, payload),
            Event::Checkpointed { run, step, payload } => {
                self.execute(
                    "INSERT INTO checkpoints (run, step, payload) VALUES (?1, ?2, ?3)
                     ON CONFLICT (run) DO UPDATE SET step = ?2, payload = ?3",
                    params![run.0, *step as i64, &**payload],
                )?;
                self.journal(&Entry::Checkpointed {
                    run: *run,
                    step: *step,
                })
            }
            Event::Run(run, change) => {
                match change {
                    RunEvent::Started { discard: true, .. } => {
                        self.execute("DELETE FROM records WHERE run = ?", [run.0])?;
                        self.execute("DELETE FROM checkpoints WHERE run = ?", [run.0])?;
                    }
                    RunEvent::Finished { .. } => {
                        self.execute("DELETE FROM checkpoints WHERE run = ?", [run.0])?;
                    }
                    _ => {}
                }
                self.journal(&Entry::Run(*run, change.clone()))
            }
            Event::Sweep(sweep, change) => self.journal(&Entry::Sweep(*sweep, change.clone())),
        }
    }

    fn record(&mut self, run: RunNo, step: u64, payload: &[u8]) -> rusqlite::Result<()> {
        let sql =
            "INSERT INTO records (run, step, payload) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
        if self.execute(sql, params![run.0, step as i64, payload])? == 1 {
            return Ok(());
        }
        let first: Option<Vec<u8>> = self
            .transaction
            .prepare_cached("SELECT payload FROM records WHERE run = ? AND step = ?")?
            .query_row(params![run.0, step as i64], |row| row.get(0))
            .optional()?;
        if first.is_some_and(|first| !are_equal(&first, payload)) {
            self.done.differing.push(run);
        }
        Ok(())
    }
}

/// Whether two payloads have one content: other versions of a library pack in other ways.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    one == other
        || packed::unpack(one)
            .ok()
            .zip(packed::unpack(other).ok())
            .is_some_and(|(one, other)| one == other)
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
