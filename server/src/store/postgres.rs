//! The ledgers in PostgreSQL (or what speaks its protocol).
//!
//! A commit is one statement and one round trip (`postgres/write.rs`). Not here: sequences, triggers,
//! advisory or session locks.

/// Asks one thing on a connection of its own; without an answer that connection is not used again.
macro_rules! ask {
    ($store:expr, $query:expr, $how:ident) => {{
        let mut connection = $store.pool.acquire().await?;
        let answer = timeout(ANSWER_MAX, $query.$how(&mut *connection)).await;
        answer.unwrap_or_else(|_| {
            connection.close_on_drop();
            Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into()))
        })
    }};
}

mod copy;
mod generations;
mod heads;
mod lists;
mod migrate;
mod people;
mod tools;
mod turn;
mod write;

use std::io;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};
use tokio::time::timeout;
use tracing::warn;

use crate::clock::Clock;

pub(super) use self::turn::Turn;
use self::turn::Turns;
use self::write::{APPEND, CREATE, bind, classify};
use super::migrations::{MigrationFile as File, check_expanded, up_to};
use super::{
    Commit, CommitError, DeadEffect, Document, DocumentRow, EffectRow, HeadRow, LeasedEffect,
    LedgerHead, LedgerId, Position, ProcessId, Recorded, RecordedRow, Result, Session, SessionKey,
    SessionRow, SessionScope, Uuid, session,
};

const MIGRATIONS: &[File] = &[
    File::contracts(1, "ledger", include_str!("../../migrations/postgres/0001_ledger.sql")),
    File::contracts(2, "owners", include_str!("../../migrations/postgres/0002_owners.sql")),
    File::contracts(3, "attendees", include_str!("../../migrations/postgres/0003_attendees.sql")),
    File::contracts(4, "lists", include_str!("../../migrations/postgres/0004_lists.sql")),
    File::contracts(5, "switches", include_str!("../../migrations/postgres/0005_switches.sql")),
    File::expands(6, "codes", include_str!("../../migrations/postgres/0006_codes.sql"), 5)
        .concurrently(),
    File::expands(
        7,
        "generations",
        include_str!("../../migrations/postgres/0007_generations.sql"),
        5,
    ),
];

const CONNECTIONS_MAX: u32 = 10;
/// How long a free or new connection is waited for: a database that is away is a fault soon.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How often a server that starts tries: the machine may have started both at once.
const CONNECTS_MAX: u32 = 15;
/// The server ends a statement of ours after this long.
const STATEMENT_MAX: &str = "5s";
/// When not even that answer arrives, the connection is given up.
const ANSWER_MAX: Duration = Duration::from_secs(7);
/// A connection that rested this long is tried before it is used; a busy one saves the round trip.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);

/// A pool of connections to one database.
#[derive(Clone, Debug)]
pub struct Postgres {
    pool: PgPool,
    turns: Turns,
    generation: i32,
}

impl Postgres {
    pub async fn open(url: &str, until: i64, generation: i32) -> Result<Self> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.disable_statement_logging();
        let store = Self::of(options.clone(), generation);
        store.wait_for_the_database().await?;
        let files = up_to(MIGRATIONS, until);
        check_expanded(&store.applied().await?, files.len() as i64)?;
        migrate::migrate(&options, files).await?;
        Ok(store)
    }

    /// A pool that has no connection yet.
    fn of(options: PgConnectOptions, generation: i32) -> Self {
        let options = options.options([("statement_timeout", STATEMENT_MAX)]);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(CONNECT_MAX)
            .test_before_acquire(false)
            .before_acquire(|connection, idle| {
                Box::pin(async move {
                    if idle.idle_for > IDLE_TRUSTED {
                        timeout(CONNECT_MAX, connection.ping())
                            .await
                            .map_err(|_| sqlx::Error::Io(io::ErrorKind::TimedOut.into()))??;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Self { pool, turns: Turns::default(), generation }
    }

    async fn wait_for_the_database(&self) -> Result<()> {
        let mut tries = 1;
        while let Err(error) = self.pool.acquire().await {
            // A wrong password does not become right.
            let may_mend = matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::Io(_));
            if !may_mend || tries == CONNECTS_MAX {
                return Err(error.into());
            }
            warn!(%error, "PostgreSQL is not there yet");
            Clock::Real.sleep_until(Clock::Real.now().plus_seconds(1)).await;
            tries += 1;
        }
        Ok(())
    }

    pub async fn commit(&self, commit: &Commit) -> std::result::Result<(), CommitError> {
        if commit.only_checks_the_head() {
            let head = self.head(commit.ledger).await?;
            return commit.confirm(head.as_ref());
        }
        let may_create = commit.expected_head == 0 && commit.entry.is_some();
        let statement = if may_create { CREATE } else { APPEND };
        // Not `fetch_optional`: it returns with the row, before the server has said that it committed.
        match ask!(self, bind(sqlx::query(statement), commit, self.generation), execute) {
            Ok(moved) if moved.rows_affected() == 1 => Ok(()),
            Ok(_) => Err(CommitError::Conflict),
            // Of two who create the same ledger at once, the slower may hear of the slug first.
            Err(error) => match classify(error) {
                CommitError::SlugTaken if self.has_moved(commit).await? => {
                    Err(CommitError::Conflict)
                }
                error => Err(error),
            },
        }
    }

    pub async fn head(&self, ledger: LedgerId) -> Result<Option<LedgerHead>> {
        let query = sqlx::query_as(
            "SELECT ledger, slug, state, head, owner_email, owner_code FROM ledgers
             WHERE ledger = $1",
        )
        .bind(ledger);
        let row: Option<HeadRow> = ask!(self, query, fetch_optional)?;
        Ok(row.map(LedgerHead::from))
    }

    pub async fn ledger_by_slug(&self, slug: &str) -> Result<Option<LedgerHead>> {
        let query = sqlx::query_as(
            "SELECT ledger, slug, state, head, owner_email, owner_code FROM ledgers
             WHERE slug = $1",
        )
        .bind(slug);
        let row: Option<HeadRow> = ask!(self, query, fetch_optional)?;
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
        let query = sqlx::query_as(statement).bind(ledger).bind(streams).bind(after.cast_signed());
        let rows: Vec<RecordedRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(Recorded::from).collect())
    }

    pub async fn read_processes(
        &self,
        ledger: LedgerId,
        processes: &[ProcessId],
    ) -> Result<Vec<Recorded>> {
        let query = sqlx::query_as(
            "SELECT position, stream, version, process, kind, payload, command_id, cause,
                    recorded_at
             FROM events WHERE ledger = $1 AND process = ANY($2) ORDER BY position",
        )
        .bind(ledger)
        .bind(processes);
        let rows: Vec<RecordedRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(Recorded::from).collect())
    }

    pub async fn read_all(
        &self,
        ledger: LedgerId,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Recorded>> {
        let query = sqlx::query_as(
            "SELECT position, stream, version, process, kind, payload, command_id, cause,
                    recorded_at
             FROM events WHERE ledger = $1 AND position > $2 ORDER BY position LIMIT $3",
        )
        .bind(ledger)
        .bind(after.cast_signed())
        .bind(i64::from(limit));
        let rows: Vec<RecordedRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(Recorded::from).collect())
    }

    pub async fn document(&self, ledger: LedgerId, topic: &str) -> Result<Option<Document>> {
        let query = sqlx::query_as(
            "SELECT topic, position, body FROM documents
             WHERE ledger = $1 AND generation = $2 AND topic = $3",
        )
        .bind(ledger)
        .bind(self.generation)
        .bind(topic);
        let row: Option<DocumentRow> = ask!(self, query, fetch_optional)?;
        Ok(row.map(Document::from))
    }

    pub async fn due_deadlines(
        &self,
        now: i64,
        limit: u32,
        except: &[LedgerId],
    ) -> Result<Vec<(LedgerId, ProcessId)>> {
        let query = sqlx::query_as(
            "SELECT ledger, process FROM deadlines
             WHERE at <= $1 AND ledger <> ALL($3) ORDER BY at LIMIT $2",
        )
        .bind(now)
        .bind(i64::from(limit))
        .bind(except);
        Ok(ask!(self, query, fetch_all)?)
    }

    pub async fn next_deadline(&self) -> Result<Option<i64>> {
        Ok(ask!(self, sqlx::query_scalar("SELECT min(at) FROM deadlines"), fetch_one)?)
    }

    pub async fn lease_effects(
        &self,
        kinds: &[&str],
        now: i64,
        lease_until: i64,
        limit: u32,
    ) -> Result<Vec<LeasedEffect>> {
        let query = sqlx::query_as(
            "WITH due AS MATERIALIZED (
                 SELECT ledger, id FROM effects
                 WHERE state = 'live' AND due_at <= $1 AND kind = ANY($4)
                 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
             UPDATE effects SET due_at = $2, attempts = attempts + 1
             FROM due WHERE effects.ledger = due.ledger AND effects.id = due.id
             RETURNING effects.ledger, effects.id, kind, payload, attempts - 1",
        )
        .bind(now)
        .bind(lease_until)
        .bind(i64::from(limit))
        .bind(kinds);
        let rows: Vec<EffectRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(LeasedEffect::from).collect())
    }

    pub async fn next_effect(&self, kinds: &[&str]) -> Result<Option<i64>> {
        let query = sqlx::query_scalar(
            "SELECT due_at FROM effects WHERE state = 'live' AND kind = ANY($1)
             ORDER BY due_at LIMIT 1",
        )
        .bind(kinds);
        Ok(ask!(self, query, fetch_optional)?)
    }

    pub async fn return_effect(&self, ledger: LedgerId, id: Uuid, due_at: i64) -> Result<()> {
        let query = sqlx::query(
            "UPDATE effects SET due_at = $3, attempts = greatest(attempts - 1, 0)
             WHERE ledger = $1 AND id = $2 AND state = 'live'",
        )
        .bind(ledger)
        .bind(id)
        .bind(due_at);
        ask!(self, query, execute)?;
        Ok(())
    }

    pub async fn retry_effect(
        &self,
        ledger: LedgerId,
        id: Uuid,
        retry_at: i64,
        error: &str,
    ) -> Result<()> {
        let query = sqlx::query(
            "UPDATE effects SET due_at = $3, last_error = $4
             WHERE ledger = $1 AND id = $2 AND state = 'live'",
        )
        .bind(ledger)
        .bind(id)
        .bind(retry_at)
        .bind(error);
        ask!(self, query, execute)?;
        Ok(())
    }

    pub async fn bury_effect(&self, ledger: LedgerId, id: Uuid, error: &str) -> Result<()> {
        let query = sqlx::query(
            "UPDATE effects SET state = 'dead', last_error = $3 WHERE ledger = $1 AND id = $2",
        )
        .bind(ledger)
        .bind(id)
        .bind(error);
        ask!(self, query, execute)?;
        Ok(())
    }

    pub async fn dead_effects(&self, limit: u32) -> Result<Vec<DeadEffect>> {
        let query = sqlx::query_as(
            "SELECT ledger, id, kind, last_error, attempts FROM effects
             WHERE state = 'dead' ORDER BY ledger, id LIMIT $1",
        )
        .bind(i64::from(limit));
        let rows: Vec<EffectRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(DeadEffect::from).collect())
    }

    pub async fn ledgers_by_owner(&self, email: &str, limit: u32) -> Result<Vec<LedgerHead>> {
        let query = sqlx::query_as(
            r#"SELECT ledgers.ledger, slug, state, head, owner_email, owner_code
               FROM ledgers LEFT JOIN events ON events.ledger = ledgers.ledger AND position = 1
               WHERE owner_email = $1 AND owner_email <> ''
               ORDER BY recorded_at DESC NULLS LAST, slug COLLATE "C" LIMIT $2"#,
        )
        .bind(email)
        .bind(i64::from(limit));
        let rows: Vec<HeadRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(LedgerHead::from).collect())
    }

    pub async fn begin_session(&self, session: &Session) -> Result<()> {
        let (email, ledger) = session.scope.columns();
        let query = sqlx::query(
            "WITH swept AS (DELETE FROM sessions WHERE expires_at <= $4)
             INSERT INTO sessions (key, email, ledger, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(session.key.as_slice())
        .bind(email)
        .bind(ledger)
        .bind(session.created_at)
        .bind(session.expires_at);
        ask!(self, query, execute)?;
        Ok(())
    }

    pub async fn session(&self, key: &SessionKey, now: i64) -> Result<Option<Session>> {
        let query = sqlx::query_as(
            "SELECT email, ledger, created_at, expires_at FROM sessions
             WHERE key = $1 AND expires_at > $2",
        )
        .bind(key.as_slice())
        .bind(now);
        let row: Option<SessionRow> = ask!(self, query, fetch_optional)?;
        Ok(row.and_then(|row| session(*key, row)))
    }

    pub async fn end_session(&self, key: &SessionKey) -> Result<()> {
        let query = sqlx::query("DELETE FROM sessions WHERE key = $1").bind(key.as_slice());
        ask!(self, query, execute)?;
        Ok(())
    }

    pub async fn end_sessions(&self, scope: &SessionScope, except: &SessionKey) -> Result<()> {
        let (email, ledger) = scope.columns();
        let query =
            sqlx::query("DELETE FROM sessions WHERE (email = $1 OR ledger = $2) AND key <> $3")
                .bind(email)
                .bind(ledger)
                .bind(except.as_slice());
        ask!(self, query, execute)?;
        Ok(())
    }

    pub async fn find_processes(
        &self,
        ledger: LedgerId,
        email: &str,
        code: &str,
    ) -> Result<Vec<ProcessId>> {
        let query = sqlx::query_scalar(
            "SELECT process FROM orders WHERE ledger = $1 AND email = $2 AND code = $3
             ORDER BY placed_at DESC, process",
        )
        .bind(ledger)
        .bind(email)
        .bind(code);
        Ok(ask!(self, query, fetch_all)?)
    }

    pub async fn is_ready(&self) -> bool {
        self.answers().await.is_ok()
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn answers(&self) -> Result<()> {
        ask!(self, sqlx::query("SELECT head FROM ledgers LIMIT 1"), execute)?;
        Ok(())
    }

    async fn has_moved(&self, commit: &Commit) -> Result<bool> {
        let head = self.head(commit.ledger).await?;
        Ok(head.is_some_and(|found| found.head != commit.expected_head))
    }
}

const WHOLE_STREAMS: &str = "
SELECT position, stream, version, process, kind, payload, command_id, cause, recorded_at
FROM events WHERE ledger = $1 AND stream = ANY($2) AND position > $3
ORDER BY position";

/// The planner would guess that a third of the ledger comes after a position.
const STREAMS_AFTER: &str = "
WITH rest AS MATERIALIZED (SELECT * FROM events WHERE ledger = $1 AND position > $3)
SELECT position, stream, version, process, kind, payload, command_id, cause, recorded_at
FROM rest WHERE stream = ANY($2)
ORDER BY position";
