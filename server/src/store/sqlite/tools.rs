//! The operator's questions in SQLite, while a server may be writing to the same file.

use super::write::json;
use super::{BESIDE_BUSY_MAX, MIGRATIONS, Sqlite, applied, path_in, settle};
use crate::store::migrations::check_release;
use crate::store::people::Attendee;
use crate::store::tools::{KeptEffect, KeptEffectRow, LookupRow, PlaceRow};
use crate::store::{HeadRow, LedgerHead, LedgerId, Lookup, ProcessId, Result};
use uuid::Uuid;

impl Sqlite {
    pub async fn open_beside(url: &str, generation: i32) -> Result<Self> {
        let path = path_in(url)?;
        if !path.is_file() {
            return Err(anyhow::anyhow!("there is no database file {}", path.display()).into());
        }
        let store = Self::connect(path, None, BESIDE_BUSY_MAX, generation);
        let found = {
            let mut writer = store.writer.lock().await;
            let connection = writer.connection().await?;
            let tables: i64 =
                sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = $1")
                    .bind("_sqlx_migrations")
                    .fetch_one(&mut *connection)
                    .await?;
            if tables == 0 { vec![] } else { applied(connection).await? }
        };
        check_release(&found, MIGRATIONS.len() as i64)?;
        Ok(store)
    }

    pub async fn ledgers(&self, after: &str, limit: u32) -> Result<Vec<LedgerHead>> {
        let rows: Vec<HeadRow> = sqlx::query_as(
            "SELECT ledger, slug, state, head, owner_email, owner_code FROM ledgers
             WHERE slug > $1 ORDER BY slug LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(LedgerHead::from).collect())
    }

    pub async fn lookups(&self, ledger: LedgerId, processes: &[ProcessId]) -> Result<Vec<Lookup>> {
        let rows: Vec<LookupRow> = sqlx::query_as(
            "SELECT process, code, email, status, total_minor, placed_at, changed_at, name, seats,
                    sought
             FROM orders
             WHERE ledger = $1 AND process IN (SELECT unhex(value) FROM json_each($2))
             ORDER BY process",
        )
        .bind(ledger)
        .bind(ids(processes))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(Lookup::from).collect())
    }

    pub async fn places(&self, ledger: LedgerId, processes: &[ProcessId]) -> Result<Vec<Attendee>> {
        let rows: Vec<PlaceRow> = sqlx::query_as(
            "SELECT process, place, kind, given_name, family_name, email, ticket, admitted_at
             FROM attendees
             WHERE ledger = $1 AND process IN (SELECT unhex(value) FROM json_each($2))
             ORDER BY process, place",
        )
        .bind(ledger)
        .bind(ids(processes))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(Attendee::from).collect())
    }

    pub async fn deadlines(
        &self,
        ledger: LedgerId,
        processes: &[ProcessId],
    ) -> Result<Vec<(ProcessId, i64)>> {
        Ok(sqlx::query_as(
            "SELECT process, at FROM deadlines
             WHERE ledger = $1 AND process IN (SELECT unhex(value) FROM json_each($2))
             ORDER BY process",
        )
        .bind(ledger)
        .bind(ids(processes))
        .fetch_all(&self.readers)
        .await?)
    }

    pub async fn processes_with_rows(
        &self,
        ledger: LedgerId,
        after: ProcessId,
        limit: u32,
    ) -> Result<Vec<ProcessId>> {
        Ok(sqlx::query_scalar(
            "SELECT process FROM orders WHERE ledger = $1 AND process > $2
             UNION SELECT process FROM attendees WHERE ledger = $1 AND process > $2
             UNION SELECT process FROM deadlines WHERE ledger = $1 AND process > $2
             ORDER BY process LIMIT $3",
        )
        .bind(ledger)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?)
    }

    pub async fn processes_by_code(&self, ledger: LedgerId, code: &str) -> Result<Vec<ProcessId>> {
        Ok(sqlx::query_scalar(
            "SELECT process FROM orders INDEXED BY orders_by_code
             WHERE ledger = $1 AND code = $2 ORDER BY process",
        )
        .bind(ledger)
        .bind(code)
        .fetch_all(&self.readers)
        .await?)
    }

    pub async fn effects(&self, after: (LedgerId, Uuid), limit: u32) -> Result<Vec<KeptEffect>> {
        let rows: Vec<KeptEffectRow> = sqlx::query_as(
            "SELECT ledger, id, kind, payload, due_at, attempts, state = 'dead', last_error
             FROM effects WHERE (ledger, id) > ($1, $2) ORDER BY ledger, id LIMIT $3",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        Ok(rows.into_iter().map(KeptEffect::from).collect())
    }

    pub async fn revive_effect(&self, ledger: LedgerId, id: Uuid, due_at: i64) -> Result<bool> {
        let mut writer = self.writer.lock().await;
        let done = sqlx::query(
            "UPDATE effects SET state = 'live', attempts = 0, due_at = $3
             WHERE ledger = $1 AND id = $2 AND state = 'dead'",
        )
        .bind(ledger)
        .bind(id)
        .bind(due_at)
        .execute(writer.connection().await?)
        .await;
        Ok(settle(writer, done, |_| true)?.rows_affected() == 1)
    }

    pub async fn discard_effect(&self, ledger: LedgerId, id: Uuid) -> Result<bool> {
        let mut writer = self.writer.lock().await;
        let done =
            sqlx::query("DELETE FROM effects WHERE ledger = $1 AND id = $2 AND state = 'dead'")
                .bind(ledger)
                .bind(id)
                .execute(writer.connection().await?)
                .await;
        Ok(settle(writer, done, |_| true)?.rows_affected() == 1)
    }

    pub async fn switch(&self, name: &str) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("SELECT value FROM switches WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.readers)
            .await?)
    }

    pub async fn turn_switch(&self, name: &str, value: Option<&str>) -> Result<()> {
        let statement = match value {
            Some(_) => {
                "INSERT INTO switches (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            }
            None => "DELETE FROM switches WHERE name = $1 AND $2 IS NULL",
        };
        let mut writer = self.writer.lock().await;
        let done =
            sqlx::query(statement).bind(name).bind(value).execute(writer.connection().await?).await;
        settle(writer, done, |_| true)?;
        Ok(())
    }
}

fn ids(processes: &[ProcessId]) -> String {
    json(&processes.iter().map(|id| id.simple()).collect::<Vec<_>>())
}
