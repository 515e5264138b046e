//! Where ledgers stand, told and heard between the nodes of one database.
//!
//! Only PostgreSQL has several: a notification names the node that wrote, and the new heads. Not here:
//! when to tell and what to do about it (`news.rs`).

use super::{LedgerId, Position, Result, Store};
use crate::nodes::{Node, Program};
use sqlx::postgres::PgListener;
use uuid::Uuid;

/// The channel on which heads are told …
pub(super) const HEADS: &str = "heads";
/// … and the one on which nodes say that they are there.
pub(super) const NODES: &str = "nodes";
/// A notification has fewer than 8,000 bytes; a head has at most 54.
pub(super) const HEADS_PER_NOTIFICATION: usize = 128;

/// Where a ledger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub ledger: LedgerId,
    pub head: Position,
}

/// What a node told all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// These ledgers were moved by this node.
    Heads { node: Uuid, heads: Vec<Head> },
    /// This node is there.
    Node(Node),
}

/// Hears what nodes tell, our own among them.
#[derive(Debug)]
pub struct Listener {
    pub(super) inner: PgListener,
}

impl Listener {
    /// The next thing that was told, by whatever node. The wait may be dropped and begun again.
    ///
    /// # Errors
    /// The connection broke: something may have been missed.
    pub async fn next(&mut self) -> Result<Told> {
        loop {
            let told = self.inner.try_recv().await?;
            let told = told.ok_or_else(|| anyhow::anyhow!("the connection that listens broke"))?;
            // What is not understood was told by another release.
            if let Some(told) = parse(told.channel(), told.payload()) {
                return Ok(told);
            }
        }
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

    /// Tells all nodes that this one is there, and how to reach it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn tell_node(&self, node: &Node) -> Result<()> {
        match self {
            Self::Postgres(store) => Box::pin(store.tell_node(node)).await,
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

/// The node and its address, as every release reads them; then words that a release may not know.
pub(super) fn presence(node: &Node) -> String {
    let Node { id, url, program: Program { release, generation }, is_ready } = node;
    let (id, is_ready) = (id.simple(), u8::from(*is_ready));
    format!("{id} {url} release={release} generation={generation} ready={is_ready}")
}

/// What is not said is as it was when nobody said it.
fn node<'a>(id: Uuid, url: &str, words: impl Iterator<Item = &'a str>) -> Node {
    let mut node = Node { id, url: url.into(), program: Program::SILENT, is_ready: true };
    for (name, value) in words.filter_map(|word| word.split_once('=')) {
        let Program { release, generation } = &mut node.program;
        match name {
            "release" => *release = value.parse().unwrap_or(*release),
            "generation" => *generation = value.parse().unwrap_or(*generation),
            "ready" => node.is_ready = value != "0",
            _ => {}
        }
    }
    node
}

fn parse(channel: &str, payload: &str) -> Option<Told> {
    let mut parts = payload.split(' ');
    let id = parts.next()?.parse().ok()?;
    match channel {
        HEADS => {
            let head = |part: &str| {
                let (ledger, head) = part.split_once(':')?;
                Some(Head { ledger: ledger.parse().ok()?, head: head.parse().ok()? })
            };
            Some(Told::Heads { node: id, heads: parts.filter_map(head).collect() })
        }
        NODES => Some(Told::Node(node(id, parts.next()?, parts))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_node_says_what_it_runs_to_every_release() {
        let program = Program { release: shared::Release(1, 20, 3), generation: 7 };
        let (id, url) = (Uuid::from_u128(5), "http://node:8080".into());
        let node = Node { id, url, program, is_ready: false };
        let said = presence(&node);
        assert_eq!(parse(NODES, &said), Some(Told::Node(node.clone())));
        // Releases before this one read two words, and say no more.
        assert!(said.starts_with(&format!("{} http://node:8080 ", id.simple())));
        let silent = Node { program: Program::SILENT, is_ready: true, ..node.clone() };
        let before = format!("{} {}", id.simple(), node.url);
        assert_eq!(parse(NODES, &before), Some(Told::Node(silent)));
        // Those after it say more.
        let after = format!("{said} colour=blue x generation=");
        assert_eq!(parse(NODES, &after), Some(Told::Node(node.clone())));
        let nowhere = Node { url: "".into(), ..node };
        assert_eq!(parse(NODES, &presence(&nowhere)), Some(Told::Node(nowhere)));
    }

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
            let heads: Vec<_> =
                heads.into_iter().map(|(ledger, head)| Head { ledger, head }).collect();
            prop_assert_eq!(parse(HEADS, &text), Some(Told::Heads { node, heads }));
        }

        #[test]
        fn whatever_is_told_is_read_or_left_out(text in ".{0,200}") {
            let _ = (parse(HEADS, &text), parse(NODES, &text));
        }
    }
}
