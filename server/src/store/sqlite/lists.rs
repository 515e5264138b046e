//! Lists of processes in SQLite.

use super::Sqlite;
use crate::store::lists::{Listed, ListedRow, Wanted};
use crate::store::{LedgerId, Result};

impl Sqlite {
    pub async fn list(&self, ledger: LedgerId, wanted: &Wanted) -> Result<Vec<Listed>> {
        let statement = if wanted.status.is_some() { OF_STATUS } else { ALL };
        let rows: Vec<ListedRow> = sqlx::query_as(statement)
            .bind(ledger)
            .bind(&wanted.search)
            .bind(wanted.after.placed_at)
            .bind(wanted.after.process)
            .bind(i64::from(wanted.limit))
            .bind(wanted.status.unwrap_or_default())
            .fetch_all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(Listed::from).collect())
    }
}

const ALL: &str = "
SELECT process, code, name, email, status, seats, total_minor, placed_at, changed_at
FROM orders INDEXED BY orders_newest
WHERE ledger = $1 AND (placed_at, process) < ($3, $4) AND instr(sought, $2) > 0 AND $6 = ''
ORDER BY placed_at DESC, process DESC LIMIT $5";

const OF_STATUS: &str = "
SELECT process, code, name, email, status, seats, total_minor, placed_at, changed_at
FROM orders INDEXED BY orders_newest_by_status
WHERE ledger = $1 AND status = $6 AND (placed_at, process) < ($3, $4) AND instr(sought, $2) > 0
ORDER BY placed_at DESC, process DESC LIMIT $5";
