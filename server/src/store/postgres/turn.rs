//! The right to be the next who writes a ledger: its row is locked until the commit, so that whoever has
//! just lost against another node does not lose again and again.
//!
//! The head decides all the same; this only keeps others waiting for a moment. Not longer than that: a
//! node that stands still in its turn loses it. Not here: session locks, which outlive a transaction.

use std::sync::Arc;

use anyhow::Context;
use sqlx::{PgTransaction, Postgres as Driver};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::{ANSWER_MAX, APPEND, Commit, CommitError, LedgerId, Postgres, Result, bind, classify};

/// Turns of one server at the same time. Each takes a connection, and whoever has it needs another one to
/// read.
const TURNS_MAX: usize = 3;
/// The database ends a turn in which nothing happens for so long.
const IDLE_MAX: &str = "SET LOCAL idle_in_transaction_session_timeout = '1s'";

#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(TURNS_MAX)))
    }
}

/// Others wait as long as this is there.
#[derive(Debug)]
pub struct Turn {
    transaction: PgTransaction<'static>,
    generation: i32,
    _permit: OwnedSemaphorePermit,
}

impl Postgres {
    pub async fn take_turn(&self, ledger: LedgerId) -> Result<Turn> {
        let turns = self.turns.0.clone();
        let permit = turns.acquire_owned().await.context("turns are never closed")?;
        let mut transaction = self.pool.begin().await?;
        let waiting = async {
            sqlx::query::<Driver>(IDLE_MAX).execute(&mut *transaction).await?;
            sqlx::query::<Driver>("SELECT 1 FROM ledgers WHERE ledger = $1 FOR UPDATE")
                .bind(ledger)
                .execute(&mut *transaction)
                .await
        };
        timeout(ANSWER_MAX, waiting).await.context("no turn came")??;
        Ok(Turn { transaction, generation: self.generation, _permit: permit })
    }
}

impl Turn {
    /// Makes a commit durable, and ends the turn.
    pub async fn commit(mut self, commit: &Commit) -> std::result::Result<(), CommitError> {
        let writing = async {
            let append = bind(sqlx::query(APPEND), commit, self.generation);
            let moved = append.execute(&mut *self.transaction).await;
            match moved.map_err(classify)?.rows_affected() {
                1 => Ok(self.transaction.commit().await?),
                _ => Err(CommitError::Conflict),
            }
        };
        match timeout(ANSWER_MAX, writing).await {
            Ok(written) => written,
            Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into()),
        }
    }
}
