//! The right to be the next who writes, for a tool beside a server: the file is locked until the commit,
//! so that whoever has just lost against the server does not lose again and again.
//!
//! A server needs no turn: only tools write beside it, and seldom. What a turn leaves unfinished is gone
//! with its connection.

use tokio::sync::OwnedMutexGuard;

use super::write::{Rows, apply};
use super::{Commit, CommitError, Hold, LedgerId, Result, Sqlite, Writer};

/// The server waits as long as this is there.
#[derive(Debug)]
pub struct Turn {
    writer: OwnedMutexGuard<Writer>,
    generation: i32,
    /// The transaction has ended.
    is_over: bool,
}

impl Sqlite {
    pub async fn take_turn(&self, _ledger: LedgerId) -> Result<Option<Turn>> {
        let writer = self.writer.clone().lock_owned().await;
        if !matches!(writer.hold, Hold::Beside) {
            return Ok(None);
        }
        let mut turn = Turn { writer, generation: self.generation, is_over: false };
        sqlx::query("BEGIN IMMEDIATE").execute(turn.writer.connection().await?).await?;
        Ok(Some(turn))
    }
}

impl Turn {
    /// Makes a commit durable, and ends the turn.
    pub async fn commit(mut self, commit: &Commit) -> std::result::Result<(), CommitError> {
        let rows = Rows::of(commit);
        let connection = self.writer.connection().await?;
        apply(connection, commit, rows, self.generation).await?;
        sqlx::query("COMMIT").execute(connection).await?;
        self.is_over = true;
        Ok(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            self.writer.connection = None;
        }
    }
}
