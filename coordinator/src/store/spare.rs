//! Lines of the journal that nothing needs any more.
//!
//! When a sweep is removed, the line that says so tells of its runs all that still matters, so earlier
//! lines of these runs may go. They go a slice at a time, between other work; whatever part of them is
//! gone, a replay ends in the same state. A gap keeps its place in the chain of seals by the seal of its
//! last line.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// Lines that are looked at together.
const SLICE: i64 = 20_000;

/// Removes a slice of them. Whether there are none left.
pub(super) fn remove(connection: &mut Connection) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    let sql = "SELECT rowid, first, last, before, seen FROM journal_spare ORDER BY rowid LIMIT 1";
    let spare = transaction
        .query_row(sql, [], |row| {
            let number = |column| row.get::<_, i64>(column);
            Ok((number(0)?, [number(1)?, number(2)?], number(3)?, number(4)?))
        })
        .optional()?;
    let Some((id, runs, before, seen)) = spare else {
        return Ok(true);
    };
    let end = before.min(seen + SLICE);
    remove_between(&transaction, runs, [seen, end])?;
    if end == before {
        transaction.execute("DELETE FROM journal_spare WHERE rowid = ?", [id])?;
    } else {
        let sql = "UPDATE journal_spare SET seen = ? WHERE rowid = ?";
        transaction.execute(sql, [end, id])?;
    }
    transaction.commit()?;
    Ok(false)
}

/// Removes the lines of runs from a line on and before another one.
fn remove_between(
    transaction: &Transaction<'_>,
    runs: [i64; 2],
    lines: [i64; 2],
) -> rusqlite::Result<()> {
    // Lines from before there were seals stay. (`+`: by their place, not by their run.)
    let sql = "SELECT seq, seal FROM journal WHERE seq >= ? AND seq < ? \
               AND +run BETWEEN ? AND ? AND seal IS NOT NULL ORDER BY seq";
    let mut found = transaction.prepare(sql)?;
    let of = params![lines[0], lines[1], runs[0], runs[1]];
    let mut found = found.query(of)?;
    let mut gap: Option<[i64; 3]> = None;
    while let Some(line) = found.next()? {
        let (seq, seal): (i64, i64) = (line.get(0)?, line.get(1)?);
        gap = match gap {
            Some([first, last, _]) if last + 1 == seq => Some([first, seq, seal]),
            other => {
                other.map_or(Ok(()), |gap| keep(transaction, gap))?;
                Some([seq, seq, seal])
            }
        };
    }
    gap.map_or(Ok(()), |gap| keep(transaction, gap))
}

/// Removes lines without a gap between them, and joins theirs with its neighbours.
fn keep(transaction: &Transaction<'_>, gap: [i64; 3]) -> rusqlite::Result<()> {
    let [mut first, mut last, mut seal] = gap;
    transaction
        .prepare_cached("DELETE FROM journal WHERE seq BETWEEN ? AND ?")?
        .execute([first, last])?;
    let before = transaction
        .prepare_cached("DELETE FROM journal_gaps WHERE last = ? RETURNING first")?
        .query_row([first - 1], |row| row.get(0))
        .optional()?;
    first = before.unwrap_or(first);
    let after = transaction
        .prepare_cached("DELETE FROM journal_gaps WHERE first = ? RETURNING last, seal")?
        .query_row([last + 1], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    (last, seal) = after.unwrap_or((last, seal));
    transaction
        .prepare_cached("INSERT INTO journal_gaps (first, last, seal) VALUES (?, ?, ?)")?
        .execute([first, last, seal])?;
    Ok(())
}
