//! Documents of several generations in SQLite.

use super::{Sqlite, settle};
use crate::store::generations::{Kept, KeptRow, Stale, StaleRow, Whose, kept, kept_of};
use crate::store::{LedgerId, Result};

impl Sqlite {
    pub async fn kept(&self, ledger: LedgerId, topic: &str) -> Result<Option<Kept>> {
        let row: Option<KeptRow> = sqlx::query_as(OF_ONE)
            .bind(ledger)
            .bind(self.generation)
            .bind(topic)
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.map(|row| kept(row, topic)))
    }

    pub async fn kept_by(&self, whose: Whose<'_>, topic: &str, limit: u32) -> Result<Vec<Kept>> {
        let (sql, whose) = match whose {
            Whose::State(state) => (OF_STATE, state),
            Whose::Owner(email) => (OF_OWNER, email),
        };
        let rows: Vec<KeptRow> = sqlx::query_as(sql)
            .bind(whose)
            .bind(self.generation)
            .bind(topic)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(|row| kept(row, topic)).collect())
    }

    pub async fn stale(&self, topic: &str, after: LedgerId, limit: u32) -> Result<Vec<Stale>> {
        let rows: Vec<StaleRow> = sqlx::query_as(STALE)
            .bind(after)
            .bind(self.generation)
            .bind(topic)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(Stale::from).collect())
    }

    pub async fn drop_others(&self, limit: u32) -> Result<u64> {
        let mut writer = self.writer.lock().await;
        let done = sqlx::query(DROP_OTHERS)
            .bind(self.generation)
            .bind(i64::from(limit))
            .execute(writer.connection().await?)
            .await;
        Ok(settle(writer, done, |_| true)?.rows_affected())
    }
}

const OF_ONE: &str = kept_of!("WHERE ledgers.ledger = $1");
const OF_STATE: &str = kept_of!("WHERE state = $1 ORDER BY slug LIMIT $4");
const OF_OWNER: &str = kept_of!(
    "LEFT JOIN events ON events.ledger = ledgers.ledger AND events.position = 1
WHERE owner_email = $1 AND owner_email <> ''
ORDER BY recorded_at DESC, slug LIMIT $4"
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
