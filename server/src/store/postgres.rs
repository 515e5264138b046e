//! The ledgers in PostgreSQL (or what speaks its protocol).
//!
//! A commit is one statement and one round trip: the row of the ledger is the fence, and everything
//! else in the statement reads from it. Not here: sequences, triggers, advisory or session locks.

use std::io;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, Postgres as Pg};
use sqlx::query::Query;
use sqlx::{ConnectOptions, Connection};
use tokio::time::timeout;

use super::{
    Commit, CommitError, DeadEffect, Document, DocumentRow, EffectRow, GENERATION, HeadRow,
    LeasedEffect, LedgerHead, LedgerId, MigrationFile, Position, ProcessId, Recorded, RecordedRow,
    Result, Snapshot, Uuid, last_of_each,
};

const MIGRATIONS: &[MigrationFile] =
    &[(1, "ledger", include_str!("../../migrations/postgres/0001_ledger.sql"))];

const CONNECTIONS_MAX: u32 = 10;
/// How long a free or new connection is waited for: a database that is away is a fault soon.
const CONNECT_MAX: Duration = Duration::from_secs(2);
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
}

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

impl Postgres {
    pub async fn open(url: &str) -> Result<Self> {
        let options: PgConnectOptions = url.parse()?;
        let options =
            options.options([("statement_timeout", STATEMENT_MAX)]).disable_statement_logging();
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
            .connect_with(options)
            .await?;
        super::migrate(MIGRATIONS, &pool).await?;
        Ok(Self { pool })
    }

    pub async fn commit(&self, commit: &Commit) -> std::result::Result<(), CommitError> {
        if commit.only_checks_the_head() {
            let head = self.head(commit.ledger).await?;
            return commit.confirm(head.as_ref());
        }
        let may_create = commit.expected_head == 0 && commit.entry.is_some();
        let statement = if may_create { CREATE } else { APPEND };
        // Not `fetch_optional`: it returns with the row, before the server has said that it committed.
        match ask!(self, bind(sqlx::query(statement), commit), execute) {
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
        let query =
            sqlx::query_as("SELECT ledger, slug, state, head FROM ledgers WHERE ledger = $1")
                .bind(ledger);
        let row: Option<HeadRow> = ask!(self, query, fetch_optional)?;
        Ok(row.map(LedgerHead::from))
    }

    pub async fn ledger_by_slug(&self, slug: &str) -> Result<Option<LedgerHead>> {
        let query = sqlx::query_as("SELECT ledger, slug, state, head FROM ledgers WHERE slug = $1")
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
        let query = sqlx::query_as(
            "SELECT position, stream, version, process, kind, payload, command_id, cause,
                    recorded_at
             FROM events WHERE ledger = $1 AND stream = ANY($2) AND position > $3
             ORDER BY position",
        )
        .bind(ledger)
        .bind(streams)
        .bind(after.cast_signed());
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
        .bind(GENERATION)
        .bind(topic);
        let row: Option<DocumentRow> = ask!(self, query, fetch_optional)?;
        Ok(row.map(Document::from))
    }

    pub async fn documents_by_state(
        &self,
        state: &str,
        topic: &str,
        limit: u32,
    ) -> Result<Vec<Document>> {
        // The same order as SQLite, whatever the collation of the database.
        let query = sqlx::query_as(
            r#"SELECT documents.topic, documents.position, documents.body
               FROM ledgers JOIN documents ON documents.ledger = ledgers.ledger
               WHERE ledgers.state = $1 AND documents.generation = $2 AND documents.topic = $3
               ORDER BY ledgers.slug COLLATE "C" LIMIT $4"#,
        )
        .bind(state)
        .bind(GENERATION)
        .bind(topic)
        .bind(i64::from(limit));
        let rows: Vec<DocumentRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(Document::from).collect())
    }

    pub async fn snapshot(&self, ledger: LedgerId) -> Result<Option<Snapshot>> {
        let query =
            sqlx::query_as("SELECT position, body FROM snapshots WHERE ledger = $1").bind(ledger);
        let row: Option<(i64, String)> = ask!(self, query, fetch_optional)?;
        Ok(row.map(Snapshot::from))
    }

    pub async fn due_deadlines(&self, now: i64, limit: u32) -> Result<Vec<(LedgerId, ProcessId)>> {
        let query = sqlx::query_as(
            "SELECT ledger, process FROM deadlines WHERE at <= $1 ORDER BY at LIMIT $2",
        )
        .bind(now)
        .bind(i64::from(limit));
        Ok(ask!(self, query, fetch_all)?)
    }

    pub async fn next_deadline(&self) -> Result<Option<i64>> {
        Ok(ask!(self, sqlx::query_scalar("SELECT min(at) FROM deadlines"), fetch_one)?)
    }

    pub async fn lease_effects(
        &self,
        now: i64,
        lease_until: i64,
        limit: u32,
    ) -> Result<Vec<LeasedEffect>> {
        let query = sqlx::query_as(
            "WITH due AS MATERIALIZED (
                 SELECT ledger, id FROM effects WHERE state = 'live' AND due_at <= $1
                 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
             UPDATE effects SET due_at = $2, attempts = attempts + 1
             FROM due WHERE effects.ledger = due.ledger AND effects.id = due.id
             RETURNING effects.ledger, effects.id, kind, payload, attempts - 1",
        )
        .bind(now)
        .bind(lease_until)
        .bind(i64::from(limit));
        let rows: Vec<EffectRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(LeasedEffect::from).collect())
    }

    pub async fn next_effect(&self) -> Result<Option<i64>> {
        let query = sqlx::query_scalar("SELECT min(due_at) FROM effects WHERE state = 'live'");
        Ok(ask!(self, query, fetch_one)?)
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

/// What the numbers in `commit_statement` stand for, in their order.
fn bind<'q>(query: Query<'q, Pg, PgArguments>, commit: &'q Commit) -> Query<'q, Pg, PgArguments> {
    let Commit { events, effects, snapshot, .. } = commit;
    let entry = commit.entry.as_ref();
    let documents: Vec<_> = last_of_each(&commit.documents, |document| &document.topic).collect();
    let lookups: Vec<_> = last_of_each(&commit.lookups, |lookup| lookup.process).collect();
    let deadlines = last_of_each(&commit.deadlines, |(process, _)| *process);
    let (set, cleared): (Vec<_>, Vec<_>) = deadlines.partition(|(_, at)| at.is_some());
    query
        .bind(commit.ledger)
        .bind(commit.expected_head.cast_signed())
        .bind(events.len() as i64)
        .bind(entry.map(|entry| entry.slug.as_str()))
        .bind(entry.map(|entry| entry.state))
        .bind(column(events, |event| event.stream.as_str()))
        .bind(column(events, |event| event.version.cast_signed()))
        .bind(column(events, |event| event.process))
        .bind(column(events, |event| event.kind))
        .bind(column(events, |event| event.payload.as_str()))
        .bind(column(events, |event| event.command_id))
        .bind(column(events, |event| event.cause.cast_signed()))
        .bind(column(events, |event| event.recorded_at))
        .bind(GENERATION)
        .bind(column(&documents, |document| document.topic.as_str()))
        .bind(column(&documents, |document| document.position.cast_signed()))
        .bind(column(&documents, |document| document.body.as_str()))
        .bind(column(&lookups, |lookup| lookup.process))
        .bind(column(&lookups, |lookup| lookup.code.as_str()))
        .bind(column(&lookups, |lookup| lookup.email.as_str()))
        .bind(column(&lookups, |lookup| lookup.status))
        .bind(column(&lookups, |lookup| lookup.total_minor))
        .bind(column(&lookups, |lookup| lookup.placed_at))
        .bind(column(&lookups, |lookup| lookup.changed_at))
        .bind(column(&set, |(process, _)| *process))
        .bind(column(&set, |(_, at)| *at))
        .bind(column(&cleared, |(process, _)| *process))
        .bind(column(effects, |effect| effect.id))
        .bind(column(effects, |effect| effect.kind))
        .bind(column(effects, |effect| effect.payload.as_str()))
        .bind(column(effects, |effect| effect.due_at))
        .bind(&commit.effects_done)
        .bind(snapshot.as_ref().map(|snapshot| snapshot.position.cast_signed()))
        .bind(snapshot.as_ref().map(|snapshot| snapshot.body.as_str()))
}

fn column<'a, T, V>(rows: &'a [T], value: impl Fn(&'a T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

fn classify(error: sqlx::Error) -> CommitError {
    if let sqlx::Error::Database(refused) = &error {
        if refused.is_unique_violation() {
            match (refused.constraint(), refused.table()) {
                (Some("ledgers_slug"), _) => return CommitError::SlugTaken,
                (_, Some("events")) => return CommitError::Conflict,
                _ => {}
            }
        }
        if refused.code().is_some_and(|code| code == SERIALIZATION_FAILURE) {
            return CommitError::Conflict;
        }
    }
    error.into()
}

const SERIALIZATION_FAILURE: &str = "40001";

/// One constant text per fence, so that each connection prepares it once. Rows that a commit does
/// not have are empty arrays. Every part reads from `fence`: no row there, no row anywhere.
macro_rules! commit_statement {
    ($fence:literal) => {
        concat!(
            "WITH fence AS MATERIALIZED (",
            $fence,
            r#" RETURNING ledgers.ledger),
new_events AS (
    INSERT INTO events (ledger, position, stream, version, process, kind, payload, command_id,
                        cause, recorded_at)
    SELECT ledger, $2 + place, stream, version, process, kind, payload, command_id, cause,
           recorded_at
    FROM fence, unnest($6::text[], $7::bigint[], $8::uuid[], $9::text[], $10::text[], $11::uuid[],
                       $12::bigint[], $13::bigint[])
        WITH ORDINALITY AS row (stream, version, process, kind, payload, command_id, cause,
                                recorded_at, place)),
new_documents AS (
    INSERT INTO documents (ledger, generation, topic, position, body)
    SELECT ledger, $14, topic, reached, body
    FROM fence, unnest($15::text[], $16::bigint[], $17::text[]) AS row (topic, reached, body)
    ON CONFLICT (ledger, generation, topic) DO UPDATE
    SET position = excluded.position, body = excluded.body
    WHERE excluded.position >= documents.position),
new_orders AS (
    INSERT INTO orders (ledger, process, code, email, status, total_minor, placed_at, changed_at)
    SELECT ledger, process, code, email, status, total_minor, placed_at, changed_at
    FROM fence, unnest($18::uuid[], $19::text[], $20::text[], $21::text[], $22::bigint[],
                       $23::bigint[], $24::bigint[])
        AS row (process, code, email, status, total_minor, placed_at, changed_at)
    ON CONFLICT (ledger, process) DO UPDATE
    SET code = excluded.code, email = excluded.email, status = excluded.status,
        total_minor = excluded.total_minor, placed_at = excluded.placed_at,
        changed_at = excluded.changed_at),
new_deadlines AS (
    INSERT INTO deadlines (ledger, process, at)
    SELECT ledger, process, instant
    FROM fence, unnest($25::uuid[], $26::bigint[]) AS row (process, instant)
    ON CONFLICT (ledger, process) DO UPDATE SET at = excluded.at),
old_deadlines AS (
    DELETE FROM deadlines USING fence
    WHERE deadlines.ledger = fence.ledger AND deadlines.ledger = $1
    AND deadlines.process = ANY($27::uuid[])),
new_effects AS (
    INSERT INTO effects (ledger, id, kind, payload, due_at)
    SELECT ledger, id, kind, payload, due_at
    FROM fence, unnest($28::uuid[], $29::text[], $30::text[], $31::bigint[])
        AS row (id, kind, payload, due_at)
    ON CONFLICT (ledger, id) DO NOTHING),
old_effects AS (
    DELETE FROM effects USING fence
    WHERE effects.ledger = fence.ledger AND effects.ledger = $1
    AND effects.id = ANY($32::uuid[])),
new_snapshot AS (
    INSERT INTO snapshots (ledger, position, body)
    SELECT ledger, $33::bigint, $34::text FROM fence WHERE $33::bigint IS NOT NULL
    ON CONFLICT (ledger) DO UPDATE SET position = excluded.position, body = excluded.body
    WHERE excluded.position >= snapshots.position)
SELECT ledger FROM fence"#
        )
    };
}

const APPEND: &str = commit_statement!(
    "UPDATE ledgers SET head = head + $3, slug = coalesce($4, slug), state = coalesce($5, state)
     WHERE ledger = $1 AND head = $2"
);

/// Also when the ledger has been made before, but without events.
const CREATE: &str = commit_statement!(
    "INSERT INTO ledgers (ledger, slug, state, head) VALUES ($1, $4, $5, $2 + $3)
     ON CONFLICT (ledger) DO UPDATE
     SET slug = excluded.slug, state = excluded.state, head = excluded.head
     WHERE ledgers.head = $2"
);
