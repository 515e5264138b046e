//! Migrations of a PostgreSQL that servers are writing to: none of them keeps anybody out for longer
//! than a moment. Whoever does not get its lock at once gives way, and tries again.
//!
//! Two nodes may start at once. Each migration is one transaction, so one of them loses it and finds on
//! its next try that the work is done. What cannot run in a transaction runs under a lock on the table of
//! migrations, which nobody else takes.

use std::time::Duration;

use anyhow::Context;
use sqlx::migrate::{Migrate, MigrateError};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::clock::Clock;
use crate::store::Result;
use crate::store::migrations::{MigrationFile, TABLE, pending};

/// Whoever wants to write waits no longer than this behind a migration that waits.
const LOCK_MAX: &str = "400ms";
/// Between two tries, about: others write meanwhile.
const PAUSE: Duration = Duration::from_millis(300);
/// Under load a lock is free for most of the time; after so many tries something else is wrong.
const TRIES_MAX: u32 = 60;
/// The same for what is made while others write: whoever else wants it looks again for so long, an hour.
const LOOKS_MAX: u32 = 10_000;
/// Takes as long as the table is big, and keeps nobody from writing.
const NO_LIMIT: &str = "0";

/// Brings the database to these files' tables.
pub(super) async fn migrate(options: &PgConnectOptions, files: &[MigrationFile]) -> Result<()> {
    let mut connection = connect(options, LOCK_MAX).await?;
    let mut tries = 1;
    loop {
        match apply(options, files, &mut connection).await {
            Ok(()) => break,
            Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _))
                if tries < tries_max(&error, files) =>
            {
                tracing::debug!(%error, "A migration is tried again");
                tries += 1;
                // The first loser has lost to somebody who has done it.
                if 2 < tries {
                    pause().await;
                }
            }
            Err(error) => return Err(anyhow::Error::new(error).into()),
        }
    }
    connection.close().await?;
    Ok(())
}

/// Whoever lost to another node has lost to somebody who got one migration further, or has made the table of
/// migrations. What is locked will be free; what is wrong stays so.
fn tries_max(error: &sqlx::Error, files: &[MigrationFile]) -> u32 {
    let code = error.as_database_error().and_then(|refused| refused.code());
    let is_locked = code.is_some_and(|code| [LOCKED, DEADLOCK].contains(&&*code));
    if is_locked { TRIES_MAX } else { 2 + u32::try_from(files.len()).unwrap_or(0) }
}

/// Somewhat random, so that not all come back at once.
async fn pause() {
    let pause = i64::try_from(PAUSE.as_millis()).unwrap_or(0);
    let salt = i64::from(getrandom::u32().unwrap_or_default() % 200);
    Clock::Real.sleep_until(Clock::Real.now() + (pause + salt)).await;
}

async fn connect(options: &PgConnectOptions, lock_max: &str) -> sqlx::Result<PgConnection> {
    let limits = [("statement_timeout", NO_LIMIT), ("lock_timeout", lock_max)];
    options.clone().options(limits).connect().await
}

async fn apply(
    options: &PgConnectOptions,
    files: &[MigrationFile],
    connection: &mut PgConnection,
) -> std::result::Result<(), MigrateError> {
    for file in pending(files, connection).await? {
        if file.is_concurrent {
            apply_concurrently(options, file).await?;
        } else {
            connection.apply(TABLE, &file.migration()).await?;
        }
    }
    Ok(())
}

/// One node at a time: whoever comes second looks again until the first is done. It must not wait for the
/// lock, because who waits has a snapshot, and what is made waits for all older snapshots to end.
async fn apply_concurrently(
    options: &PgConnectOptions,
    file: &MigrationFile,
) -> std::result::Result<(), MigrateError> {
    let mut guard = connect(options, NO_LIMIT).await?;
    let mut connection = connect(options, NO_LIMIT).await?;
    for _ in 0..LOOKS_MAX {
        if pending(std::slice::from_ref(file), &mut connection).await?.is_empty() {
            break;
        }
        let mut alone = guard.begin().await?;
        let lock = format!("LOCK TABLE {TABLE} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT");
        let locked = sqlx::query(AssertSqlSafe(lock)).execute(&mut *alone).await;
        if locked.is_ok() {
            make(file, &mut connection).await?;
        }
        alone.rollback().await?;
        match locked {
            Err(sqlx::Error::Database(refused)) if refused.code().as_deref() == Some(LOCKED) => {
                pause().await;
            }
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
    }
    connection.close().await?;
    guard.close().await?;
    Ok(())
}

/// The lock is somebody else's, and was not free in time.
const LOCKED: &str = "55P03";
const DEADLOCK: &str = "40P01";

/// An index whose making was interrupted is there and worth nothing, so it is made anew.
async fn make(
    file: &MigrationFile,
    connection: &mut PgConnection,
) -> std::result::Result<(), MigrateError> {
    // Somebody else may have been faster than our lock.
    if !pending(std::slice::from_ref(file), connection).await?.is_empty() {
        let broken: Vec<String> = sqlx::query_scalar(
            "SELECT relname::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
             WHERE NOT indisvalid AND pg_table_is_visible(indexrelid)",
        )
        .fetch_all(&mut *connection)
        .await?;
        for index in broken.iter().filter(|index| file.sql.contains(index.as_str())) {
            let drop = format!("DROP INDEX CONCURRENTLY \"{index}\"");
            sqlx::query(AssertSqlSafe(drop)).execute(&mut *connection).await?;
        }
        connection.apply(TABLE, &file.migration()).await?;
    }
    Ok(())
}

impl super::Postgres {
    /// What was applied to this database; nothing when it has no table of migrations.
    pub(super) async fn applied(&self) -> Result<Vec<(i64, String)>> {
        let mut connection = self.pool.acquire().await.context("cannot read the migrations")?;
        let has_tables: bool =
            sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
                .fetch_one(&mut *connection)
                .await?;
        if !has_tables {
            return Ok(vec![]);
        }
        Ok(sqlx::query_as("SELECT version, description FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut *connection)
            .await?)
    }
}
