//! Documents of several generations in PostgreSQL.

use std::io;

use tokio::time::timeout;

use super::{ANSWER_MAX, Postgres};
use crate::store::generations::{Kept, KeptRow, Stale, StaleRow, Whose, kept, kept_of};
use crate::store::{LedgerId, Result};

impl Postgres {
    pub async fn kept(&self, ledger: LedgerId, topic: &str) -> Result<Option<Kept>> {
        let query = sqlx::query_as(OF_ONE).bind(ledger).bind(self.generation).bind(topic);
        let row: Option<KeptRow> = ask!(self, query, fetch_optional)?;
        Ok(row.map(|row| kept(row, topic)))
    }

    pub async fn kept_by(&self, whose: Whose<'_>, topic: &str, limit: u32) -> Result<Vec<Kept>> {
        let (sql, whose) = match whose {
            Whose::State(state) => (OF_STATE, state),
            Whose::Owner(email) => (OF_OWNER, email),
        };
        let query = sqlx::query_as(sql)
            .bind(whose)
            .bind(self.generation)
            .bind(topic)
            .bind(i64::from(limit));
        let rows: Vec<KeptRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(|row| kept(row, topic)).collect())
    }

    pub async fn stale(&self, topic: &str, after: LedgerId, limit: u32) -> Result<Vec<Stale>> {
        let query = sqlx::query_as(STALE)
            .bind(after)
            .bind(self.generation)
            .bind(topic)
            .bind(i64::from(limit));
        let rows: Vec<StaleRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(Stale::from).collect())
    }

    pub async fn drop_others(&self, limit: u32) -> Result<u64> {
        let query = sqlx::query(DROP_OTHERS).bind(self.generation).bind(i64::from(limit));
        Ok(ask!(self, query, execute)?.rows_affected())
    }
}

const OF_ONE: &str = kept_of!("WHERE ledgers.ledger = $1");
// The same order as SQLite, whatever the collation of the database.
const OF_STATE: &str = kept_of!(r#"WHERE state = $1 ORDER BY slug COLLATE "C" LIMIT $4"#);
const OF_OWNER: &str = kept_of!(
    r#"LEFT JOIN events ON events.ledger = ledgers.ledger AND events.position = 1
WHERE owner_email = $1 AND owner_email <> ''
ORDER BY recorded_at DESC NULLS LAST, slug COLLATE "C" LIMIT $4"#
);

const STALE: &str = "
SELECT ledgers.ledger, slug, state, head, owner_email, owner_code, documents.position IS NULL
FROM ledgers LEFT JOIN documents ON documents.ledger = ledgers.ledger
    AND documents.generation = $2 AND documents.topic = $3
WHERE ledgers.ledger > $1 AND head > 0
AND (documents.position IS NULL
     OR documents.position < CASE WHEN ledgers.generation = $2 THEN others_until ELSE head END)
ORDER BY ledgers.ledger LIMIT $4";

const DROP_OTHERS: &str = "
DELETE FROM documents WHERE (ledger, generation, topic) IN
    (SELECT ledger, generation, topic FROM documents WHERE generation <> $1 LIMIT $2)";
