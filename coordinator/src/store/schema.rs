//! The tables, and how an older database becomes a newer one.

use rusqlite::Connection;

/// `PRAGMA application_id`: "TSWP".
const APPLICATION: i32 = 0x5453_5750;

/// One step per version: step n leads from version n to n + 1.
const MIGRATIONS: &[&str] = &[
    "
    -- Facts in the order in which they became durable. `body` is a JSON of `journal::Entry`.
    CREATE TABLE journal (
        seq     INTEGER PRIMARY KEY,
        at_ms   INTEGER NOT NULL,
        body    TEXT NOT NULL
    ) STRICT;
    -- `plan` is the expanded sweep: the meaning of `source` is frozen at its submission.
    CREATE TABLE sweeps (
        id      BLOB PRIMARY KEY,
        path    TEXT NOT NULL,
        source  TEXT NOT NULL,
        plan    TEXT NOT NULL
    ) STRICT;
    -- What travelled with a sweep, by the digest of its content.
    CREATE TABLE files (
        id      BLOB PRIMARY KEY,
        content BLOB NOT NULL
    ) STRICT;
    -- The first committed measurement of each step of a run: a wire `Measurement`.
    CREATE TABLE records (
        run     INTEGER NOT NULL,
        step    INTEGER NOT NULL,
        payload BLOB NOT NULL,
        PRIMARY KEY (run, step)
    ) STRICT;
    CREATE TABLE checkpoints (
        run     INTEGER PRIMARY KEY,
        step    INTEGER NOT NULL,
        payload BLOB NOT NULL
    ) STRICT;
",
    "
    -- Plans may be packed.
    ALTER TABLE sweeps RENAME TO sweeps_1;
    CREATE TABLE sweeps (
        id      BLOB PRIMARY KEY,
        path    TEXT NOT NULL,
        source  TEXT NOT NULL,
        plan    BLOB NOT NULL
    ) STRICT;
    INSERT INTO sweeps SELECT id, path, source, CAST(plan AS BLOB) FROM sweeps_1;
    DROP TABLE sweeps_1;
",
    "
    -- CRC-32 of `body` and of the seal before it; absent in lines that are older than it.
    ALTER TABLE journal ADD COLUMN seal INTEGER;
    -- The run that a line is about, for questions about single runs.
    ALTER TABLE journal ADD COLUMN run INTEGER;
    UPDATE journal SET run = json_extract(body, '$.run[0]');
    CREATE INDEX journal_of_run ON journal (run) WHERE run IS NOT NULL;
    -- Nothing for long: written to find out whether there is room again.
    CREATE TABLE probe (filler BLOB NOT NULL) STRICT;
",
    "
    -- The few lines that are about no run, among millions that are.
    CREATE INDEX journal_of_sweeps ON journal (seq) WHERE run IS NULL;
",
    "
    -- How many lines the journal has and the seal of the last one, so that a lost end is noticed.
    CREATE TABLE journal_end (
        one     INTEGER PRIMARY KEY CHECK (one = 1),
        lines   INTEGER NOT NULL,
        seal    INTEGER NOT NULL
    ) STRICT;
    -- Lines of these runs (first to last) before a line of the journal are no longer needed; those
    -- below `seen` have been looked at.
    CREATE TABLE journal_spare (
        first   INTEGER NOT NULL,
        last    INTEGER NOT NULL,
        before  INTEGER NOT NULL,
        seen    INTEGER NOT NULL DEFAULT 1
    ) STRICT;
    -- Lines that were removed, and the seal of the last one.
    CREATE TABLE journal_gaps (
        first   INTEGER PRIMARY KEY,
        last    INTEGER NOT NULL,
        seal    INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX journal_gaps_by_end ON journal_gaps (last);
    INSERT INTO journal_end SELECT 1, COALESCE(MAX(seq), 0), COALESCE(
        (SELECT seal FROM journal ORDER BY seq DESC LIMIT 1), 0) FROM journal;
",
];

/// The version that this program writes.
pub(super) const CURRENT: i32 = MIGRATIONS.len() as i32;

/// What an existing database can be wrong with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    #[error("it is a database of another program")]
    Foreign,
    #[error(
        "it was written by a newer version of tailsweep (schema {found}, this one knows {CURRENT})"
    )]
    Newer { found: i32 },
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// The version of a database.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a database, new or old, to the current version; one that is of it is only read.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), SchemaError> {
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let found = version(connection)?;
    if application != APPLICATION && (application != 0 || found != 0 || has_tables(connection)?) {
        return Err(SchemaError::Foreign);
    }
    if found > CURRENT {
        return Err(SchemaError::Newer { found });
    }
    if found == CURRENT {
        return Ok(());
    }
    if found == 0 {
        // Only before there are tables: then room is given back in slices.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
    }
    let transaction = connection.transaction()?;
    for step in &MIGRATIONS[found.max(0) as usize..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", CURRENT)?;
    Ok(transaction.commit()?)
}

fn has_tables(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| {
        row.get(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_the_first_version_is_brought_to_this_one() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        connection
            .pragma_update(None, "application_id", APPLICATION)
            .unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        let insert = "INSERT INTO sweeps VALUES (x'01', 'a.toml', 'text', '{\"plan\": 1}')";
        connection.execute(insert, []).unwrap();
        for body in [
            "{\"submitted\":\"01\"}",
            "{\"run\":[7,{\"differed\":null}]}",
        ] {
            let insert = "INSERT INTO journal (at_ms, body) VALUES (0, ?)";
            connection.execute(insert, [body]).unwrap();
        }
        migrate(&mut connection).unwrap();
        let of_seven = "SELECT seq FROM journal WHERE run = 7";
        assert_eq!(connection.query_row(of_seven, [], |row| row.get(0)), Ok(2));
        let end = connection.query_row("SELECT lines, seal FROM journal_end", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
        assert_eq!(end, Ok((2, 0)), "two lines, both without a seal");
        let plan: Vec<u8> = connection
            .query_row("SELECT plan FROM sweeps", [], |row| row.get(0))
            .unwrap();
        assert_eq!(plan, br#"{"plan": 1}"#);
    }

    #[test]
    fn a_newer_and_a_foreign_database_are_left_alone() {
        let mut newer = Connection::open_in_memory().unwrap();
        migrate(&mut newer).unwrap();
        newer
            .pragma_update(None, "user_version", CURRENT + 1)
            .unwrap();
        assert!(matches!(
            migrate(&mut newer),
            Err(SchemaError::Newer { found }) if found == CURRENT + 1
        ));
        let mut foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(matches!(migrate(&mut foreign), Err(SchemaError::Foreign)));
    }
}
