//! Where ledgers stand, told and heard between the nodes of one database.
//!
//! Only PostgreSQL has several: a notification names the node that wrote, and the new heads. Not here:
//! when to tell and what to do about it (`news.rs`).

use super::{LedgerId, Position, Result, Store};
use sqlx::postgres::PgListener;
use uuid::Uuid;

/// The channel of the notifications.
pub(super) const CHANNEL: &str = "heads";
/// A notification has fewer than 8,000 bytes; a head has at most 54.
pub(super) const HEADS_PER_NOTIFICATION: usize = 128;

/// Where a ledger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub ledger: LedgerId,
    pub head: Position,
    /// Who says so; `None` when it was read.
    pub node: Option<Uuid>,
}

/// Hears what other nodes tell.
#[derive(Debug)]
pub struct Listener {
    pub(super) inner: PgListener,
}

impl Listener {
    /// The next heads that were told, by whatever node.
    ///
    /// # Errors
    /// The connection broke: something may have been missed.
    pub async fn next(&mut self) -> Result<Vec<Head>> {
        let told = self.inner.try_recv().await?;
        let told = told.ok_or_else(|| anyhow::anyhow!("the connection that listens broke"))?;
        Ok(parse(told.payload()))
    }
}

impl Store {
    /// Tells all nodes that these ledgers have moved. Nothing where nobody else could hear it.
    ///
    /// # Errors
    /// The database failed; some may have been told.
    pub async fn tell_heads(&self, node: Uuid, heads: &[(LedgerId, Position)]) -> Result<()> {
        match self {
            Self::Postgres(store) => Box::pin(store.tell_heads(node, heads)).await,
            Self::Sqlite(_) | Self::Kept(_) => Ok(()),
        }
    }

    /// Begins to listen; `None` where there is nobody to hear.
    ///
    /// # Errors
    /// The database failed.
    pub async fn listen(&self) -> Result<Option<Listener>> {
        match self {
            Self::Postgres(store) => Ok(Some(Box::pin(store.listen()).await?)),
            Self::Sqlite(_) | Self::Kept(_) => Ok(None),
        }
    }

    /// Where these ledgers stand; those that do not exist are left out.
    ///
    /// # Errors
    /// The database failed.
    pub async fn heads(&self, ledgers: &[LedgerId]) -> Result<Vec<Head>> {
        match self {
            Self::Postgres(store) => Box::pin(store.heads(ledgers)).await,
            Self::Sqlite(_) | Self::Kept(_) => Ok(vec![]),
        }
    }
}

/// The node, then each ledger with its head.
pub(super) fn payload(node: Uuid, heads: &[(LedgerId, Position)]) -> String {
    let heads = heads.iter().map(|(ledger, head)| format!(" {}:{head}", ledger.simple()));
    heads.fold(node.simple().to_string(), |text, head| text + &head)
}

/// What is not understood was told by another release, and is left out.
fn parse(payload: &str) -> Vec<Head> {
    let mut parts = payload.split(' ');
    let Some(node) = parts.next().and_then(|id| id.parse().ok()) else { return vec![] };
    let head = |part: &str| {
        let (ledger, head) = part.split_once(':')?;
        Some(Head { ledger: ledger.parse().ok()?, head: head.parse().ok()?, node: Some(node) })
    };
    parts.filter_map(head).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_told_is_heard(
            node: u128,
            heads in prop::collection::vec((any::<u128>(), any::<u64>()), 0..HEADS_PER_NOTIFICATION),
        ) {
            let node = Uuid::from_u128(node);
            let heads: Vec<_> =
                heads.into_iter().map(|(id, head)| (Uuid::from_u128(id), head)).collect();
            let text = payload(node, &heads);
            prop_assert!(text.len() < 8_000);
            let heard: Vec<_> = parse(&text).iter().map(|it| (it.ledger, it.head)).collect();
            prop_assert_eq!(heard, heads);
            prop_assert!(parse(&text).iter().all(|it| it.node == Some(node)));
        }

        #[test]
        fn whatever_is_told_is_read_or_left_out(text in ".{0,200}") {
            let _ = parse(&text);
        }
    }
}
