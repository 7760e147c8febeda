//! Logs, in the same file as the buckets.

use std::ops::RangeInclusive;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{Store, failed};
use crate::transport::{BusError, Chunk, Keep};

/// What a chunk takes besides its value and its key, about.
const OVERHEAD: usize = 64;
/// Chunks forgotten with each one that is added, at most: where less is to be kept from now on, nobody waits for that.
const MOST_FORGOTTEN: usize = 1000;

impl Store {
    pub(crate) fn append(
        &mut self,
        log: &str,
        key: &str,
        at_ms: u64,
        value: &Bytes,
        keep: Keep,
    ) -> Result<(), BusError> {
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        change
            .prepare_cached("INSERT INTO chunks (log, key, at_ms, value) VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut insert| insert.execute(params![log, key, storable(at_ms), value.as_ref()]))
            .map_err(failed)?;
        let added = i64::try_from(value.len() + key.len() + OVERHEAD).unwrap_or(i64::MAX);
        let bytes: i64 = change
            .prepare_cached(
                "INSERT INTO logs (name, bytes) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET bytes = bytes + ?2 RETURNING bytes",
            )
            .and_then(|mut count| count.query_row(params![log, added], |row| row.get(0)))
            .map_err(failed)?;
        forget(&change, log, at_ms, bytes, keep).map_err(failed)?;
        change.commit().map_err(failed)
    }

    pub(crate) fn read(
        &mut self,
        log: &str,
        key: &str,
        span: RangeInclusive<u64>,
        after: Option<u64>,
        most_bytes: usize,
    ) -> Result<Vec<Chunk>, BusError> {
        let mut query = self
            .connection
            .prepare_cached(
                "SELECT place, at_ms, value FROM chunks
                 WHERE log = ?1 AND key = ?2 AND at_ms BETWEEN ?3 AND ?4 AND place > ?5 ORDER BY at_ms, place",
            )
            .map_err(failed)?;
        let (from, until) = (storable(*span.start()), storable(*span.end()));
        let rows = query.query_map(params![log, key, from, until, storable(after.unwrap_or(0))], |row| {
            Ok(Chunk { place: row.get(0)?, at_ms: row.get(1)?, value: row.get::<_, Vec<u8>>(2)?.into() })
        });
        let (mut chunks, mut bytes) = (Vec::new(), 0_usize);
        for chunk in rows.map_err(failed)? {
            let chunk = chunk.map_err(failed)?;
            bytes = bytes.saturating_add(chunk.value.len());
            if bytes > most_bytes && !chunks.is_empty() {
                break;
            }
            chunks.push(chunk);
        }
        Ok(chunks)
    }
}

/// Forgets what is too old or too much, oldest first, but not what was added last.
fn forget(change: &Connection, log: &str, now: u64, mut bytes: i64, keep: Keep) -> rusqlite::Result<()> {
    let limit = i64::try_from(keep.bytes).unwrap_or(i64::MAX);
    let oldest_kept = now.saturating_sub(u64::try_from(keep.age.as_millis()).unwrap_or(u64::MAX));
    let (before, mut oldest) = (
        bytes,
        change.prepare_cached(
            "SELECT place, at_ms, length(value) + length(CAST(key AS BLOB)) FROM chunks
         WHERE log = ?1 AND place < (SELECT max(place) FROM chunks WHERE log = ?1) ORDER BY place LIMIT 1",
        )?,
    );
    let mut delete = change.prepare_cached("DELETE FROM chunks WHERE place = ?1")?;
    for _ in 0..MOST_FORGOTTEN {
        let found: Option<(i64, u64, i64)> =
            oldest.query_row([log], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
        let Some((place, at_ms, size)) = found else { break };
        if at_ms >= oldest_kept && bytes <= limit {
            break;
        }
        delete.execute([place])?;
        bytes -= size + i64::try_from(OVERHEAD).unwrap_or(0);
    }
    if bytes != before {
        change.prepare_cached("UPDATE logs SET bytes = ?2 WHERE name = ?1")?.execute(params![log, bytes])?;
    }
    Ok(())
}

/// SQLite's whole numbers are signed.
fn storable(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
