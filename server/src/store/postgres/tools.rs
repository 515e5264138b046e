//! The operator's questions in PostgreSQL, while servers may be writing to the same database.

use std::io;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::time::timeout;

use super::{ANSWER_MAX, MIGRATIONS, Postgres};
use crate::store::migrations::check_release;
use crate::store::people::Attendee;
use crate::store::tools::{KeptEffect, KeptEffectRow, LookupRow, PlaceRow};
use crate::store::{HeadRow, LedgerHead, LedgerId, Lookup, ProcessId, Result};
use uuid::Uuid;

impl Postgres {
    pub async fn open_beside(url: &str, generation: i32) -> Result<Self> {
        let options: PgConnectOptions = url.parse()?;
        let store = Self::of(options.disable_statement_logging(), generation);
        check_release(&store.applied().await?, MIGRATIONS.len() as i64)?;
        Ok(store)
    }

    pub async fn ledgers(&self, after: &str, limit: u32) -> Result<Vec<LedgerHead>> {
        let query = sqlx::query_as(
            r#"SELECT ledger, slug, state, head, owner_email, owner_code FROM ledgers
               WHERE slug COLLATE "C" > $1 ORDER BY slug COLLATE "C" LIMIT $2"#,
        )
        .bind(after)
        .bind(i64::from(limit));
        let rows: Vec<HeadRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(LedgerHead::from).collect())
    }

    pub async fn lookups(&self, ledger: LedgerId, processes: &[ProcessId]) -> Result<Vec<Lookup>> {
        let query = sqlx::query_as(
            "SELECT process, code, email, status, total_minor, placed_at, changed_at, name, seats,
                    sought
             FROM orders WHERE ledger = $1 AND process = ANY($2) ORDER BY process",
        )
        .bind(ledger)
        .bind(processes);
        let rows: Vec<LookupRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(Lookup::from).collect())
    }

    pub async fn places(&self, ledger: LedgerId, processes: &[ProcessId]) -> Result<Vec<Attendee>> {
        let query = sqlx::query_as(
            "SELECT process, place, kind, given_name, family_name, email, ticket, admitted_at
             FROM attendees WHERE ledger = $1 AND process = ANY($2) ORDER BY process, place",
        )
        .bind(ledger)
        .bind(processes);
        let rows: Vec<PlaceRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(Attendee::from).collect())
    }

    pub async fn deadlines(
        &self,
        ledger: LedgerId,
        processes: &[ProcessId],
    ) -> Result<Vec<(ProcessId, i64)>> {
        let query = sqlx::query_as(
            "SELECT process, at FROM deadlines
             WHERE ledger = $1 AND process = ANY($2) ORDER BY process",
        )
        .bind(ledger)
        .bind(processes);
        Ok(ask!(self, query, fetch_all)?)
    }

    pub async fn processes_with_rows(
        &self,
        ledger: LedgerId,
        after: ProcessId,
        limit: u32,
    ) -> Result<Vec<ProcessId>> {
        let query = sqlx::query_scalar(
            "SELECT process FROM orders WHERE ledger = $1 AND process > $2
             UNION SELECT process FROM attendees WHERE ledger = $1 AND process > $2
             UNION SELECT process FROM deadlines WHERE ledger = $1 AND process > $2
             ORDER BY process LIMIT $3",
        )
        .bind(ledger)
        .bind(after)
        .bind(i64::from(limit));
        Ok(ask!(self, query, fetch_all)?)
    }

    pub async fn processes_by_code(&self, ledger: LedgerId, code: &str) -> Result<Vec<ProcessId>> {
        let query = sqlx::query_scalar(
            "SELECT process FROM orders WHERE ledger = $1 AND code = $2 ORDER BY process",
        )
        .bind(ledger)
        .bind(code);
        Ok(ask!(self, query, fetch_all)?)
    }

    pub async fn effects(&self, after: (LedgerId, Uuid), limit: u32) -> Result<Vec<KeptEffect>> {
        let query = sqlx::query_as(
            "SELECT ledger, id, kind, payload, due_at, attempts, state = 'dead', last_error
             FROM effects WHERE (ledger, id) > ($1, $2) ORDER BY ledger, id LIMIT $3",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(i64::from(limit));
        let rows: Vec<KeptEffectRow> = ask!(self, query, fetch_all)?;
        Ok(rows.into_iter().map(KeptEffect::from).collect())
    }

    pub async fn revive_effect(&self, ledger: LedgerId, id: Uuid, due_at: i64) -> Result<bool> {
        let query = sqlx::query(
            "UPDATE effects SET state = 'live', attempts = 0, due_at = $3
             WHERE ledger = $1 AND id = $2 AND state = 'dead'",
        )
        .bind(ledger)
        .bind(id)
        .bind(due_at);
        Ok(ask!(self, query, execute)?.rows_affected() == 1)
    }

    pub async fn discard_effect(&self, ledger: LedgerId, id: Uuid) -> Result<bool> {
        let query =
            sqlx::query("DELETE FROM effects WHERE ledger = $1 AND id = $2 AND state = 'dead'")
                .bind(ledger)
                .bind(id);
        Ok(ask!(self, query, execute)?.rows_affected() == 1)
    }

    pub async fn switch(&self, name: &str) -> Result<Option<String>> {
        let query = sqlx::query_scalar("SELECT value FROM switches WHERE name = $1").bind(name);
        Ok(ask!(self, query, fetch_optional)?)
    }

    pub async fn turn_switch(&self, name: &str, value: Option<&str>) -> Result<()> {
        let statement = match value {
            Some(_) => {
                "INSERT INTO switches (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            }
            None => "DELETE FROM switches WHERE name = $1 AND $2::text IS NULL",
        };
        ask!(self, sqlx::query(statement).bind(name).bind(value), execute)?;
        Ok(())
    }
}
