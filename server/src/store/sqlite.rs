//! The ledgers in one SQLite file: one connection writes, a few read.
//!
//! With sqlx the number of statements costs, rows hardly: a commit is four steps for the driver's
//! thread, whatever it holds (`sqlite/write.rs`). Not here: group commit; who collects commands into
//! batches is `ledger`.

mod copy;
mod generations;
mod lists;
mod people;
mod tools;
pub(super) mod turn;
mod write;

use std::fs::TryLockError;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sqlx::migrate::Migrate;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};
use uuid::fmt::Simple;

use self::write::{Rows, json, write};
use super::migrations::{MigrationFile as File, TABLE, check_expanded, pending, up_to};
use super::{
    Commit, CommitError, DeadEffect, Document, DocumentRow, EffectRow, HeadRow, LeasedEffect,
    LedgerHead, LedgerId, Position, ProcessId, Recorded, RecordedRow, Result, Session, SessionKey,
    SessionRow, SessionScope, Uuid, session,
};

const MIGRATIONS: &[File] = &[
    File::contracts(1, "ledger", include_str!("../../migrations/sqlite/0001_ledger.sql")),
    File::contracts(2, "owners", include_str!("../../migrations/sqlite/0002_owners.sql")),
    File::contracts(3, "attendees", include_str!("../../migrations/sqlite/0003_attendees.sql")),
    File::contracts(4, "lists", include_str!("../../migrations/sqlite/0004_lists.sql")),
    File::contracts(5, "switches", include_str!("../../migrations/sqlite/0005_switches.sql")),
    File::expands(6, "codes", include_str!("../../migrations/sqlite/0006_codes.sql"), 5),
    File::expands(
        7,
        "generations",
        include_str!("../../migrations/sqlite/0007_generations.sql"),
        5,
    ),
];

/// Connections that read beside the writer.
const READERS_MAX: u32 = 4;
/// How long a foreign lock on the file (a backup tool, a shell) is waited for before it is a fault.
const BUSY_MAX: Duration = Duration::from_secs(2);
/// The same for a tool beside a server, which has nobody waiting for it.
const BESIDE_BUSY_MAX: Duration = Duration::from_secs(20);

/// How often, and with which pauses, the file of another process is tried before it is refused.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// One file. A server holds it alone; the operator's tools look at it beside the server.
#[derive(Clone, Debug)]
pub struct Sqlite {
    writer: Arc<Mutex<Writer>>,
    readers: SqlitePool,
    generation: i32,
}

#[derive(Debug)]
struct Writer {
    options: SqliteConnectOptions,
    /// `None` before the first use and after a fault: the next use connects afresh, so no connection
    /// of unknown state is ever used again.
    connection: Option<SqliteConnection>,
    hold: Hold,
}

/// How the file is held.
#[derive(Debug)]
enum Hold {
    /// Keeps other servers out for as long as it is open.
    Alone(#[expect(dead_code, reason = "dropping it lets others in")] std::fs::File),
    /// A server may write to it, too. Both know when the other one writes, by SQLite's own locks.
    Beside,
    Closed,
}

impl Writer {
    async fn connection(&mut self) -> Result<&mut SqliteConnection> {
        if matches!(self.hold, Hold::Closed) {
            return Err(sqlx::Error::PoolClosed.into());
        }
        if self.connection.is_none() {
            self.connection = Some(self.options.connect().await?);
        }
        Ok(self.connection.as_mut().expect("it was filled above"))
    }
}

impl Sqlite {
    pub async fn open(url: &str, until: i64, generation: i32) -> Result<Self> {
        let path = path_in(url)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        }
        let store = Self::connect(path, Some(lock_beside(path)?), BUSY_MAX, generation);
        let files = up_to(MIGRATIONS, until);
        let mut writer = store.writer.lock().await;
        let connection = writer.connection().await?;
        let missing = pending(files, connection).await.map_err(anyhow::Error::new)?;
        check_expanded(&applied(connection).await?, files.len() as i64)?;
        for file in missing {
            let applied = connection.apply(TABLE, &file.migration()).await;
            applied.map_err(anyhow::Error::new)?;
        }
        drop(writer);
        Ok(store)
    }

    fn connect(
        path: &Path,
        lock: Option<std::fs::File>,
        busy_max: Duration,
        generation: i32,
    ) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(busy_max)
            .foreign_keys(true)
            .disable_statement_logging();
        let write = options
            .clone()
            .create_if_missing(lock.is_some())
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // Where each statement notes what it may have to undo: it made a file of its own for every
            // larger commit otherwise.
            .pragma("temp_store", "MEMORY");
        let hold = lock.map_or(Hold::Beside, Hold::Alone);
        let writer = Writer { options: write, connection: None, hold };
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(busy_max)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options.read_only(true));
        Self { writer: Arc::new(Mutex::new(writer)), readers, generation }
    }

    pub async fn commit(&self, commit: &Commit) -> std::result::Result<(), CommitError> {
        if commit.only_checks_the_head() {
            let head = self.head(commit.ledger).await?;
            return commit.confirm(head.as_ref());
        }
        let rows = Rows::of(commit);
        let mut writer = self.writer.lock().await;
        let outcome = match writer.connection().await {
            Ok(connection) => write(connection, commit, rows, self.generation).await,
            Err(fault) => Err(fault.into()),
        };
        settle(writer, outcome, |error| matches!(error, CommitError::Fault(_)))
    }

    pub async fn head(&self, ledger: LedgerId) -> Result<Option<LedgerHead>> {
        let row: Option<HeadRow> = sqlx::query_as(
            "SELECT ledger, slug, state, head, owner_email, owner_code FROM ledgers
             WHERE ledger = $1",
        )
        .bind(ledger)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(LedgerHead::from))
    }

    pub async fn ledger_by_slug(&self, slug: &str) -> Result<Option<LedgerHead>> {
        let row: Option<HeadRow> = sqlx::query_as(
            "SELECT ledger, slug, state, head, owner_email, owner_code FROM ledgers
             WHERE slug = $1",
        )
        .bind(slug)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(LedgerHead::from))
    }

    pub async fn read_streams(
        &self,
        ledger: LedgerId,
        streams: &[&str],
        after: Position,
    ) -> Result<Vec<Recorded>> {
        // A short end is scanned; whole streams are looked up.
        let statement = if after > 0 { STREAMS_AFTER } else { WHOLE_STREAMS };
        let rows: Vec<RecordedRow> = sqlx::query_as(statement)
            .bind(ledger)
            .bind(json(streams))
            .bind(after.cast_signed())
            .fetch_all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(Recorded::from).collect())
    }

    pub async fn read_processes(
        &self,
        ledger: LedgerId,
        processes: &[ProcessId],
    ) -> Result<Vec<Recorded>> {
        let processes: Vec<Simple> = processes.iter().map(|id| id.simple()).collect();
        let rows: Vec<RecordedRow> = sqlx::query_as(
            "SELECT position, stream, version, process, kind, payload, command_id, cause,
                    recorded_at
             FROM events INDEXED BY events_by_process
             WHERE ledger = $1 AND process IN (SELECT unhex(value) FROM json_each($2))
             AND process IS NOT NULL
             ORDER BY position",
        )
        .bind(ledger)
        .bind(json(&processes))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(Recorded::from).collect())
    }

    pub async fn read_all(
        &self,
        ledger: LedgerId,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Recorded>> {
        let rows: Vec<RecordedRow> = sqlx::query_as(
            "SELECT position, stream, version, process, kind, payload, command_id, cause,
                    recorded_at
             FROM events WHERE ledger = $1 AND position > $2 ORDER BY position LIMIT $3",
        )
        .bind(ledger)
        .bind(after.cast_signed())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(Recorded::from).collect())
    }

    pub async fn document(&self, ledger: LedgerId, topic: &str) -> Result<Option<Document>> {
        let row: Option<DocumentRow> = sqlx::query_as(
            "SELECT topic, position, body FROM documents
             WHERE ledger = $1 AND generation = $2 AND topic = $3",
        )
        .bind(ledger)
        .bind(self.generation)
        .bind(topic)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(Document::from))
    }

    pub async fn due_deadlines(
        &self,
        now: i64,
        limit: u32,
        except: &[LedgerId],
    ) -> Result<Vec<(LedgerId, ProcessId)>> {
        let except: Vec<Simple> = except.iter().map(|id| id.simple()).collect();
        let rows = sqlx::query_as(
            "SELECT ledger, process FROM deadlines
             WHERE at <= $1 AND ledger NOT IN (SELECT unhex(value) FROM json_each($3))
             ORDER BY at LIMIT $2",
        )
        .bind(now)
        .bind(i64::from(limit))
        .bind(json(&except))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows)
    }

    pub async fn next_deadline(&self) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar("SELECT min(at) FROM deadlines").fetch_one(&self.readers).await?)
    }

    pub async fn lease_effects(
        &self,
        kinds: &[&str],
        now: i64,
        lease_until: i64,
        limit: u32,
    ) -> Result<Vec<LeasedEffect>> {
        let mut writer = self.writer.lock().await;
        let rows: sqlx::Result<Vec<EffectRow>> = sqlx::query_as(
            "UPDATE effects SET due_at = $2, attempts = attempts + 1
             WHERE (ledger, id) IN (SELECT ledger, id FROM effects
                                    WHERE state = 'live' AND due_at <= $1
                                    AND kind IN (SELECT value FROM json_each($4))
                                    ORDER BY due_at LIMIT $3)
             RETURNING ledger, id, kind, payload, attempts - 1",
        )
        .bind(now)
        .bind(lease_until)
        .bind(i64::from(limit))
        .bind(json(kinds))
        .fetch_all(writer.connection().await?)
        .await;
        let rows = settle(writer, rows, |_| true)?;
        Ok(rows.into_iter().map(LeasedEffect::from).collect())
    }

    pub async fn next_effect(&self, kinds: &[&str]) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar(
            "SELECT due_at FROM effects
             WHERE state = 'live' AND kind IN (SELECT value FROM json_each($1))
             ORDER BY due_at LIMIT 1",
        )
        .bind(json(kinds))
        .fetch_optional(&self.readers)
        .await?)
    }

    pub async fn return_effect(&self, ledger: LedgerId, id: Uuid, due_at: i64) -> Result<()> {
        let mut writer = self.writer.lock().await;
        let done = sqlx::query(
            "UPDATE effects SET due_at = $3, attempts = max(attempts - 1, 0)
             WHERE ledger = $1 AND id = $2 AND state = 'live'",
        )
        .bind(ledger)
        .bind(id)
        .bind(due_at)
        .execute(writer.connection().await?)
        .await;
        settle(writer, done, |_| true)?;
        Ok(())
    }

    pub async fn retry_effect(
        &self,
        ledger: LedgerId,
        id: Uuid,
        retry_at: i64,
        error: &str,
    ) -> Result<()> {
        let mut writer = self.writer.lock().await;
        let done = sqlx::query(
            "UPDATE effects SET due_at = $3, last_error = $4
             WHERE ledger = $1 AND id = $2 AND state = 'live'",
        )
        .bind(ledger)
        .bind(id)
        .bind(retry_at)
        .bind(error)
        .execute(writer.connection().await?)
        .await;
        settle(writer, done, |_| true)?;
        Ok(())
    }

    pub async fn bury_effect(&self, ledger: LedgerId, id: Uuid, error: &str) -> Result<()> {
        let mut writer = self.writer.lock().await;
        let done = sqlx::query(
            "UPDATE effects SET state = 'dead', last_error = $3 WHERE ledger = $1 AND id = $2",
        )
        .bind(ledger)
        .bind(id)
        .bind(error)
        .execute(writer.connection().await?)
        .await;
        settle(writer, done, |_| true)?;
        Ok(())
    }

    pub async fn dead_effects(&self, limit: u32) -> Result<Vec<DeadEffect>> {
        let rows: Vec<EffectRow> = sqlx::query_as(
            "SELECT ledger, id, kind, last_error, attempts FROM effects
             WHERE state = 'dead' ORDER BY ledger, id LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(DeadEffect::from).collect())
    }

    pub async fn ledgers_by_owner(&self, email: &str, limit: u32) -> Result<Vec<LedgerHead>> {
        let rows: Vec<HeadRow> = sqlx::query_as(
            "SELECT ledgers.ledger, slug, state, head, owner_email, owner_code
             FROM ledgers LEFT JOIN events ON events.ledger = ledgers.ledger AND position = 1
             WHERE owner_email = $1 AND owner_email <> ''
             ORDER BY recorded_at DESC, slug LIMIT $2",
        )
        .bind(email)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(LedgerHead::from).collect())
    }

    pub async fn begin_session(&self, session: &Session) -> Result<()> {
        let (email, ledger) = session.scope.columns();
        let mut writer = self.writer.lock().await;
        let done = sqlx::query(
            "DELETE FROM sessions WHERE expires_at <= $4;
             INSERT INTO sessions (key, email, ledger, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(session.key.to_vec())
        .bind(email)
        .bind(ledger)
        .bind(session.created_at)
        .bind(session.expires_at)
        .execute(writer.connection().await?)
        .await;
        settle(writer, done, |_| true)?;
        Ok(())
    }

    pub async fn session(&self, key: &SessionKey, now: i64) -> Result<Option<Session>> {
        let row: Option<SessionRow> = sqlx::query_as(
            "SELECT email, ledger, created_at, expires_at FROM sessions
             WHERE key = $1 AND expires_at > $2",
        )
        .bind(key.as_slice())
        .bind(now)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.and_then(|row| session(*key, row)))
    }

    pub async fn end_session(&self, key: &SessionKey) -> Result<()> {
        let mut writer = self.writer.lock().await;
        let done = sqlx::query("DELETE FROM sessions WHERE key = $1")
            .bind(key.as_slice())
            .execute(writer.connection().await?)
            .await;
        settle(writer, done, |_| true)?;
        Ok(())
    }

    pub async fn end_sessions(&self, scope: &SessionScope, except: &SessionKey) -> Result<()> {
        let (email, ledger) = scope.columns();
        let mut writer = self.writer.lock().await;
        let done =
            sqlx::query("DELETE FROM sessions WHERE (email = $1 OR ledger = $2) AND key <> $3")
                .bind(email)
                .bind(ledger)
                .bind(except.as_slice())
                .execute(writer.connection().await?)
                .await;
        settle(writer, done, |_| true)?;
        Ok(())
    }

    pub async fn find_processes(
        &self,
        ledger: LedgerId,
        email: &str,
        code: &str,
    ) -> Result<Vec<ProcessId>> {
        let processes = sqlx::query_scalar(
            "SELECT process FROM orders INDEXED BY orders_by_email_and_code
             WHERE ledger = $1 AND email = $2 AND code = $3
             ORDER BY placed_at DESC, process",
        )
        .bind(ledger)
        .bind(email)
        .bind(code)
        .fetch_all(&self.readers)
        .await?;
        Ok(processes)
    }

    pub async fn is_ready(&self) -> bool {
        sqlx::query("SELECT head FROM ledgers LIMIT 1").execute(&self.readers).await.is_ok()
    }

    pub async fn close(&self) {
        let mut writer = self.writer.lock().await;
        self.readers.close().await;
        if let Some(mut connection) = writer.connection.take() {
            // Beside a server, the log is the server's business.
            let checkpoint = match writer.hold {
                Hold::Alone(_) => sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)"),
                Hold::Beside | Hold::Closed => sqlx::query("SELECT 1"),
            };
            if let Err(error) = checkpoint.execute(&mut connection).await {
                tracing::warn!(%error, "The log stays beside the database until the next start");
            }
            let closed = connection.close().await;
            drop(closed.inspect_err(|error| tracing::warn!(%error, "Closing was not clean")));
        }
        writer.hold = Hold::Closed;
    }
}

// Indexes are named where it matters: without statistics SQLite takes a ledger to have some ten rows
// and would rather read all of it in the wanted order.

const WHOLE_STREAMS: &str = "
SELECT position, stream, version, process, kind, payload, command_id, cause, recorded_at
FROM events INDEXED BY events_by_stream
WHERE ledger = $1 AND stream IN (SELECT value FROM json_each($2)) AND position > $3
ORDER BY position";

const STREAMS_AFTER: &str = "
SELECT position, stream, version, process, kind, payload, command_id, cause, recorded_at
FROM events
WHERE ledger = $1 AND +stream IN (SELECT value FROM json_each($2)) AND position > $3
ORDER BY position";

/// What was applied to this database, which has a table of migrations.
async fn applied(connection: &mut SqliteConnection) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as("SELECT version, description FROM _sqlx_migrations ORDER BY version")
        .fetch_all(connection)
        .await?)
}

/// The file behind `sqlite:path` or `sqlite://path`.
fn path_in(url: &str) -> Result<&Path> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
    match path {
        Some(path) if !path.is_empty() && !path.contains('?') => Ok(Path::new(path)),
        _ => Err(anyhow::anyhow!(
            "the database URL must be `sqlite:` and a path (without `?`), or a `postgres:` URL"
        )
        .into()),
    }
}

/// SQLite would let a second process write. Both would be right, thanks to the head, but each would
/// wait for and repeat what the other did: better said at the start.
fn lock_beside(path: &Path) -> Result<std::fs::File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = std::fs::File::create(&name)
        .with_context(|| format!("cannot create {}", Path::new(&name).display()))?;
    // A process that is just being started holds copies of our files for a moment, among them the lock
    // of a store that was closed; and a server that stops needs a moment, too.
    let mut attempt = file.try_lock();
    for _ in 0..LOCK_ATTEMPTS {
        if !matches!(attempt, Err(TryLockError::WouldBlock)) {
            break;
        }
        std::thread::sleep(LOCK_PAUSE);
        attempt = file.try_lock();
    }
    match attempt {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(anyhow::anyhow!(
            "the database file {} is in use by another process: stop it, or give each its own file",
            path.display()
        )
        .into()),
        Err(TryLockError::Error(error)) => Err(anyhow::Error::new(error)
            .context(format!("cannot lock {}", Path::new(&name).display()))
            .into()),
    }
}

/// Throws the connection away when the outcome was a fault, then lets the next writer in.
fn settle<T, E>(
    mut writer: MutexGuard<'_, Writer>,
    outcome: std::result::Result<T, E>,
    is_fault: impl Fn(&E) -> bool,
) -> std::result::Result<T, E> {
    if outcome.as_ref().is_err_and(is_fault) {
        writer.connection = None;
    }
    outcome
}
