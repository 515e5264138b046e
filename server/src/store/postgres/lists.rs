//! Lists of processes in PostgreSQL.

use super::{ANSWER_MAX, Postgres};
use crate::store::lists::{Listed, ListedRow, Wanted};
use crate::store::{LedgerId, Result};
use std::io;
use tokio::time::timeout;

impl Postgres {
    pub async fn list(&self, ledger: LedgerId, wanted: &Wanted) -> Result<Vec<Listed>> {
        let statement = if wanted.status.is_some() { OF_STATUS } else { ALL };
        let query = sqlx::query_as(statement)
            .bind(ledger)
            .bind(&wanted.search)
            .bind(wanted.after.placed_at)
            .bind(wanted.after.process)
            .bind(i64::from(wanted.limit))
            .bind(wanted.status.unwrap_or_default());
        let rows: Vec<ListedRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(Listed::from).collect())
    }
}

const ALL: &str = "
SELECT process, code, name, email, status, seats, total_minor, placed_at, changed_at
FROM orders
WHERE ledger = $1 AND (placed_at, process) < ($3, $4) AND strpos(sought, $2) > 0 AND $6 = ''
ORDER BY placed_at DESC, process DESC LIMIT $5";

const OF_STATUS: &str = "
SELECT process, code, name, email, status, seats, total_minor, placed_at, changed_at
FROM orders
WHERE ledger = $1 AND status = $6 AND (placed_at, process) < ($3, $4) AND strpos(sought, $2) > 0
ORDER BY placed_at DESC, process DESC LIMIT $5";
