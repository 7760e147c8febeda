//! Buckets in one SQLite file, on a thread of their own: a disk that is slow stalls nobody but those who wait for it.

mod log;

use std::{fmt, fs, io, os::unix::fs::OpenOptionsExt, path::Path, thread, time::Duration};

use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot};

use crate::{
    changes::Teller,
    transport::{BusError, Change, Entry},
};

/// In the file's header: tells a file of Ballast's from any other SQLite file. `Blst` in ASCII.
const APPLICATION_ID: i64 = 0x426c_7374;
/// Grows when a table changes.
const SCHEMA: i64 = 1;
/// How long to wait for another process that has the file open: longer than one needs to end.
const BUSY: Duration = Duration::from_secs(2);
/// Calls that may wait for the disk; more than that wait with their caller.
const WAITING: usize = 256;

type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// Hands work to the thread that has the file open. The file is closed when the last handle is dropped.
#[derive(Clone)]
pub(super) struct Handle {
    jobs: mpsc::Sender<Job>,
}

/// What must be there for a write to happen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    Anything,
    Nothing,
    Revision(u64),
}

impl Handle {
    pub(super) fn open(path: &Path) -> Result<Self, BusError> {
        let setup = |error: rusqlite::Error| BusError::Setup(explain(path, &error));
        create_private(path).map_err(|error| BusError::Setup(format!("cannot create {}: {error}", path.display())))?;
        let connection = Connection::open(path).map_err(setup)?;
        // Nothing is written before it is certain whose file it is. Exclusive: one process has it open at a time.
        connection.busy_timeout(BUSY).map_err(setup)?;
        connection.pragma_update(None, "locking_mode", "exclusive").map_err(setup)?;
        check_owner(&connection).map_err(setup)?.map_err(|why| BusError::Setup(not_ours(path, &why)))?;
        Self::start(prepare(connection).map_err(setup)?)
    }

    pub(super) fn in_memory() -> Result<Self, BusError> {
        let connection = Connection::open_in_memory().and_then(prepare);
        Self::start(connection.map_err(|error| BusError::Setup(format!("SQLite in memory: {error}")))?)
    }

    fn start(connection: Connection) -> Result<Self, BusError> {
        let (jobs, mut work) = mpsc::channel::<Job>(WAITING);
        let mut store = Store { connection, watchers: Vec::new() };
        let serve = move || {
            while let Some(job) = work.blocking_recv() {
                job(&mut store);
            }
        };
        let thread = thread::Builder::new().name("buckets".into()).spawn(serve);
        thread.map_err(|error| BusError::Setup(format!("cannot start a thread: {error}")))?;
        Ok(Self { jobs })
    }

    /// Runs `work` on the store's thread. It is done even if the caller stops waiting.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let ended = |_| BusError::Other("the thread that keeps the buckets has ended".into());
        let (sender, result) = oneshot::channel();
        let job: Job = Box::new(move |store| drop(sender.send(work(store))));
        self.jobs.send(job).await.map_err(|_| BusError::Other("the buckets are closed".into()))?;
        result.await.map_err(ended)?
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

/// The open file and those who watch it.
pub(super) struct Store {
    connection: Connection,
    watchers: Vec<Watcher>,
}

struct Watcher {
    bucket: String,
    prefix: String,
    teller: Teller,
}

impl Store {
    pub(super) fn get(&mut self, bucket: &str, key: &str) -> Result<Option<Entry>, BusError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT value, revision FROM entries WHERE bucket = ?1 AND key = ?2")
            .map_err(failed)?;
        query.query_row(params![bucket, key], |row| entry(row, 0)).optional().map_err(failed)
    }

    pub(super) fn write(&mut self, bucket: &str, key: &str, value: &Bytes, expect: Expect) -> Result<u64, BusError> {
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let found: Option<u64> = change
            .prepare_cached("SELECT revision FROM entries WHERE bucket = ?1 AND key = ?2")
            .and_then(|mut query| query.query_row(params![bucket, key], |row| row.get(0)).optional())
            .map_err(failed)?;
        let as_expected = match expect {
            Expect::Anything => true,
            Expect::Nothing => found.is_none(),
            Expect::Revision(revision) => found == Some(revision),
        };
        if !as_expected {
            return Err(BusError::Conflict(key.to_owned()));
        }
        let revision = next_revision(&change, bucket).map_err(failed)?;
        change
            .prepare_cached("INSERT OR REPLACE INTO entries (bucket, key, value, revision) VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut statement| statement.execute(params![bucket, key, value.as_ref(), revision]))
            .map_err(failed)?;
        change.commit().map_err(failed)?;
        self.tell(bucket, key, || Change::Put { key: key.to_owned(), entry: Entry { value: value.clone(), revision } });
        Ok(revision)
    }

    pub(super) fn delete(&mut self, bucket: &str, key: &str) -> Result<(), BusError> {
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let removed = change
            .prepare_cached("DELETE FROM entries WHERE bucket = ?1 AND key = ?2")
            .and_then(|mut statement| statement.execute(params![bucket, key]))
            .map_err(failed)?;
        if removed == 0 {
            return Ok(());
        }
        next_revision(&change, bucket).map_err(failed)?;
        change.commit().map_err(failed)?;
        self.tell(bucket, key, || Change::Deleted { key: key.to_owned() });
        Ok(())
    }

    pub(super) fn keys(&mut self, bucket: &str, prefix: &str) -> Result<Vec<String>, BusError> {
        let mut query =
            self.connection.prepare_cached("SELECT key FROM entries WHERE bucket = ?1 ORDER BY key").map_err(failed)?;
        let keys = query.query_map([bucket], |row| row.get::<_, String>(0)).map_err(failed)?;
        // `filter` keeps errors: a row that cannot be read is a failure and not a key that is not there.
        let wanted = |key: &Result<String, _>| key.as_ref().map_or(true, |key| key.starts_with(prefix));
        keys.filter(wanted).collect::<Result<_, _>>().map_err(failed)
    }

    /// Tells what is there, and from now on each change. Writes run on the same thread, so none falls in between.
    pub(super) fn watch(&mut self, bucket: String, prefix: String, teller: Teller) -> Result<(), BusError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT value, revision, key FROM entries WHERE bucket = ?1 ORDER BY revision")
            .map_err(failed)?;
        let rows = query.query_map([&bucket], |row| Ok((row.get::<_, String>(2)?, entry(row, 0)?))).map_err(failed)?;
        for row in rows {
            let (key, entry) = row.map_err(failed)?;
            if key.starts_with(&prefix) {
                teller.tell(Change::Put { key, entry });
            }
        }
        teller.tell(Change::Current);
        self.watchers.retain(|watcher| !watcher.teller.reader_gone());
        self.watchers.push(Watcher { bucket, prefix, teller });
        Ok(())
    }

    fn tell(&mut self, bucket: &str, key: &str, change: impl Fn() -> Change) {
        self.watchers.retain(|watcher| {
            let concerned = watcher.bucket == bucket && key.starts_with(&watcher.prefix);
            !concerned || watcher.teller.tell(change())
        });
    }
}

fn entry(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Entry> {
    Ok(Entry { value: row.get::<_, Vec<u8>>(at)?.into(), revision: row.get(at + 1)? })
}

/// Counts per bucket and not per key, and goes on after a key was removed: a revision never comes twice.
fn next_revision(connection: &Connection, bucket: &str) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "INSERT INTO buckets (name, revision) VALUES (?1, 1)
             ON CONFLICT (name) DO UPDATE SET revision = revision + 1 RETURNING revision",
        )?
        .query_row([bucket], |row| row.get(0))
}

fn create_private(path: &Path) -> io::Result<()> {
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

/// Says in the inner result why the file is not one that this build may write to.
fn check_owner(connection: &Connection) -> rusqlite::Result<Result<(), String>> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (owner, schema) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if owner != APPLICATION_ID {
        let empty = owner == 0 && tables == 0;
        return Ok(if empty { Ok(()) } else { Err("it is a database of another program".into()) });
    }
    if schema > SCHEMA {
        return Ok(Err(format!("a newer Ballast wrote it (schema {schema}, this build knows {SCHEMA})")));
    }
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(if check == "ok" { Ok(()) } else { Err(format!("it is damaged: {check}")) })
}

fn prepare(connection: Connection) -> rusqlite::Result<Connection> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A power cut may undo the last moments, never damage the file. What is undone is decided anew.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS entries (
             bucket TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, revision INTEGER NOT NULL,
             PRIMARY KEY (bucket, key)
         ) STRICT;
         CREATE TABLE IF NOT EXISTS logs (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS chunks (
             place INTEGER PRIMARY KEY AUTOINCREMENT,
             log TEXT NOT NULL, key TEXT NOT NULL, at_ms INTEGER NOT NULL, value BLOB NOT NULL
         ) STRICT;
         CREATE INDEX IF NOT EXISTS chunks_by_time ON chunks (log, key, at_ms);
         CREATE INDEX IF NOT EXISTS chunks_by_place ON chunks (log, place);
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {SCHEMA};
         COMMIT;"
    ))?;
    Ok(connection)
}

fn not_ours(path: &Path, why: &str) -> String {
    format!("{}: {why}. It was left as it is; move it away, or give another path", path.display())
}

fn explain(path: &Path, error: &rusqlite::Error) -> String {
    let at = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!(
                "{at} is in use: another `ballast run`, or a database tool, has it open. End that, or give another path"
            )
        }
        Some(ErrorCode::NotADatabase) => not_ours(path, "it is not a SQLite database"),
        Some(ErrorCode::DatabaseCorrupt) => not_ours(path, &format!("it is damaged: {error}")),
        _ => format!("cannot open {at}: {error}"),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: rusqlite::Error) -> BusError {
    BusError::Other(format!("buckets: {error}"))
}
