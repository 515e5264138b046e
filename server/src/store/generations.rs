//! Documents of several generations beside each other, while two releases serve.
//!
//! A commit writes the documents of its own generation. So a document is to be believed as long as no other
//! generation has written events after it; the row of a ledger says up to which position others have. What is
//! not to be believed is folded from the events (`Ledgers::conference`) until it is written anew
//! (`generations.rs`). Not here: the rest of the SQL
//! (`sqlite/generations.rs`, `postgres/generations.rs`).

use super::{Document, HeadRow, LedgerHead, LedgerId, Result, Store};

/// A document of this store's generation, and whether it can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub ledger: LedgerId,
    /// `None` when this generation has not written one yet.
    pub document: Option<Document>,
    /// No other generation has written since.
    pub is_fresh: bool,
}

/// Which ledgers' documents are wanted, and in which order.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// Of those in this state, in the order of slugs.
    State(&'a str),
    /// Of this address (lower case), newest ledger first; an empty one has none.
    Owner(&'a str),
}

/// A ledger whose document is missing, or was passed by another generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    pub ledger: LedgerHead,
    pub is_missing: bool,
}

/// Ledger, position, body, is fresh.
pub(super) type KeptRow = (LedgerId, Option<i64>, Option<String>, bool);

/// Asks for rows of [`KeptRow`]: `$1` says whose, `$2` is the generation, `$3` the topic; what follows says
/// which ledgers, in which order.
macro_rules! kept_of {
    ($which:literal) => {
        concat!(
            "
SELECT ledgers.ledger, documents.position, documents.body,
       coalesce(documents.position >= CASE WHEN ledgers.generation = $2 THEN others_until
                                           ELSE head END, FALSE)
FROM ledgers LEFT JOIN documents ON documents.ledger = ledgers.ledger
    AND documents.generation = $2 AND documents.topic = $3
",
            $which
        )
    };
}

pub(super) use kept_of;

/// The row as what it means; which topic it is about is known to whoever asked.
pub(super) fn kept((ledger, position, body, is_fresh): KeptRow, topic: &str) -> Kept {
    let document = position.zip(body).map(|(position, body)| Document {
        topic: topic.to_owned(),
        position: position.cast_unsigned(),
        body,
    });
    Kept { ledger, document, is_fresh }
}

/// Ledger, slug, state, head, owner's e-mail and code, is missing.
pub(super) type StaleRow = (LedgerId, String, String, i64, String, String, bool);

impl From<StaleRow> for Stale {
    fn from((ledger, slug, state, head, email, code, is_missing): StaleRow) -> Self {
        let row: HeadRow = (ledger, slug, state, head, email, code);
        Self { ledger: row.into(), is_missing }
    }
}

impl Store {
    /// At most `limit` ledgers with events after this one, in the order of ids, whose document with this
    /// topic is missing or not to be believed.
    ///
    /// # Errors
    /// The database failed.
    pub async fn stale(&self, topic: &str, after: LedgerId, limit: u32) -> Result<Vec<Stale>> {
        match self {
            Self::Sqlite(store) => Box::pin(store.stale(topic, after, limit)).await,
            Self::Postgres(store) => Box::pin(store.stale(topic, after, limit)).await,
            // Nobody else writes there.
            Self::Kept(_) => Ok(vec![]),
        }
    }

    /// Deletes at most `limit` documents of all other generations; says how many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn drop_others(&self, limit: u32) -> Result<u64> {
        match self {
            Self::Sqlite(store) => store.drop_others(limit).await,
            Self::Postgres(store) => store.drop_others(limit).await,
            Self::Kept(_) => Ok(0),
        }
    }
}
