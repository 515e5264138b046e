//! Heads, told and heard by NOTIFY and LISTEN.

use std::io;

use sqlx::postgres::PgListener;
use tokio::time::timeout;
use uuid::Uuid;

use super::{ANSWER_MAX, Postgres};
use crate::nodes::Node;
use crate::store::heads::{
    HEADS, HEADS_PER_NOTIFICATION, Head, Listener, NODES, payload, presence,
};
use crate::store::{LedgerId, Position, Result};

impl Postgres {
    pub async fn tell_heads(&self, node: Uuid, heads: &[(LedgerId, Position)]) -> Result<()> {
        for heads in heads.chunks(HEADS_PER_NOTIFICATION) {
            let query = sqlx::query("SELECT pg_notify($1, $2)");
            let query = query.bind(HEADS).bind(payload(node, heads));
            ask!(self, query, execute)?;
        }
        Ok(())
    }

    pub async fn tell_node(&self, node: &Node) -> Result<()> {
        let query = sqlx::query("SELECT pg_notify($1, $2)").bind(NODES).bind(presence(node));
        ask!(self, query, execute)?;
        Ok(())
    }

    /// Takes a connection for as long as the listener lives.
    pub async fn listen(&self) -> Result<Listener> {
        let mut inner = PgListener::connect_with(&self.pool).await?;
        // A break is news: something may have been told meanwhile.
        inner.eager_reconnect(false);
        inner.listen_all([HEADS, NODES]).await?;
        Ok(Listener { inner })
    }

    pub async fn heads(&self, ledgers: &[LedgerId]) -> Result<Vec<Head>> {
        let query = sqlx::query_as("SELECT ledger, head FROM ledgers WHERE ledger = ANY($1)");
        let rows: Vec<(Uuid, i64)> = ask!(self, query.bind(ledgers), fetch_all)?;
        let head = |(ledger, head): (Uuid, i64)| Head { ledger, head: head.cast_unsigned() };
        Ok(rows.into_iter().map(head).collect())
    }
}
