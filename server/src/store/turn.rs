//! The right to be the next who writes a ledger. Not here: how a database grants it
//! (`sqlite/turn.rs`, `postgres/turn.rs`).

use super::{Commit, CommitError, LedgerId, Result, Store, postgres, sqlite};

/// Others that want to write the same ledger wait as long as this is there. See
/// [`Store::take_turn`].
#[derive(Debug)]
pub struct Turn(Option<Held>);

#[derive(Debug)]
enum Held {
    Sqlite(sqlite::turn::Turn),
    Postgres(Box<postgres::Turn>),
}

impl Store {
    /// Waits to be the next who writes this ledger. Only asked for after others were faster: it costs
    /// round trips. Where nobody else writes it means nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take_turn(&self, ledger: LedgerId) -> Result<Turn> {
        Ok(Turn(match self {
            Self::Sqlite(store) => store.take_turn(ledger).await?.map(Held::Sqlite),
            Self::Postgres(store) => Some(Held::Postgres(Box::new(store.take_turn(ledger).await?))),
            Self::Kept(_) => None,
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
        let needs_a_turn = !commit.only_checks_the_head() && 0 < commit.expected_head;
        match self.0.filter(|_| needs_a_turn) {
            Some(Held::Sqlite(turn)) => turn.commit(commit).await,
            Some(Held::Postgres(turn)) => turn.commit(commit).await,
            None => store.commit(commit).await,
        }
    }
}
