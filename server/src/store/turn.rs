//! The right to be the next who writes a ledger. Not here: how a database grants it
//! (`postgres/turn.rs`).

use super::{Commit, CommitError, LedgerId, Result, Store, postgres};

/// Other nodes that want to write the same ledger wait as long as this is there. See
/// [`Store::take_turn`].
#[derive(Debug)]
pub struct Turn(Option<Box<postgres::Turn>>);

impl Store {
    /// Waits to be the next who writes this ledger. Only asked for after others were faster: it costs
    /// round trips. Where nobody else writes it means nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take_turn(&self, ledger: LedgerId) -> Result<Turn> {
        Ok(Turn(match self {
            Self::Postgres(store) => Some(Box::new(store.take_turn(ledger).await?)),
            Self::Sqlite(_) | Self::Kept(_) => None,
        }))
    }
}

impl Turn {
    /// As `Store::commit`, and ends the turn.
    ///
    /// # Errors
    /// As `Store::commit`.
    pub async fn commit(
        self,
        store: &Store,
        commit: &Commit,
    ) -> std::result::Result<(), CommitError> {
        match self.0 {
            Some(turn) if !commit.only_checks_the_head() && 0 < commit.expected_head => {
                turn.commit(commit).await
            }
            _ => store.commit(commit).await,
        }
    }
}
