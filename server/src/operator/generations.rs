//! `drop-old-views`: the documents of other releases, when nobody will go back to them.
//!
//! Not while anybody reads them: servers of other releases are heard, where there may be some. Whoever goes
//! back all the same waits until that release has made its documents again.

use super::{Out, Outcome, counted};
use crate::nodes::{Node, Program, SAYS_EVERY};
use crate::store::Store;
use crate::store::heads::Told;
use crate::views::conference::TOPIC;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

/// A server that is there says so several times meanwhile.
const LISTENS_FOR: Duration = Duration::from_secs(2);
/// Documents that are deleted by one statement.
const AT_ONCE: u32 = 500;

pub(super) async fn drop_others(
    store: &Store,
    ours: Program,
    out: Out<'_>,
) -> anyhow::Result<Outcome> {
    const { assert!(SAYS_EVERY.as_millis() * 3 < LISTENS_FOR.as_millis()) };
    let others = others(store, ours).await?;
    for Node { url, program: Program { release, generation }, .. } in &others {
        let where_ = if url.is_empty() { "somewhere" } else { url };
        writeln!(
            out,
            "A server of release {release} runs ({where_}), with generation {generation}."
        )?;
    }
    if !others.is_empty() {
        writeln!(out, "Nothing was dropped: stop the servers of other releases first.")?;
        return Ok(Outcome::Wrong);
    }
    if let Some(stale) = store.stale(TOPIC, Uuid::nil(), 1).await?.first() {
        let slug = &stale.ledger.slug;
        writeln!(
            out,
            "Nothing was dropped: the documents of this release are not complete yet ({slug}). Its \
             servers make them; or `rebuild-views` does."
        )?;
        return Ok(Outcome::Wrong);
    }
    let mut dropped = 0;
    loop {
        // Each takes as long as a commit; whoever writes meanwhile gets between two of them.
        let gone = store.drop_others(AT_ONCE).await?;
        dropped += gone;
        if gone < u64::from(AT_ONCE) {
            break;
        }
        tokio::task::yield_now().await;
    }
    let dropped = counted(usize::try_from(dropped).unwrap_or(usize::MAX), "document");
    writeln!(out, "{dropped} of other releases dropped.")?;
    Ok(Outcome::Fine)
}

/// Servers that read documents of another generation, or are older than this program.
async fn others(store: &Store, ours: Program) -> anyhow::Result<Vec<Node>> {
    let Some(mut listener) = store.listen().await? else { return Ok(vec![]) };
    let (until, mut heard) = (Instant::now() + LISTENS_FOR, BTreeMap::new());
    while let Ok(told) = timeout_at(until, listener.next()).await {
        if let Told::Node(node) = told? {
            heard.insert(node.id, node);
        }
    }
    let is_other = |Node { program, .. }: &Node| {
        program.generation != ours.generation || program.release < ours.release
    };
    Ok(heard.into_values().filter(is_other).collect())
}
