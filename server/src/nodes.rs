//! Which servers share the database, and which of them usually writes a conference.
//!
//! A habit, not a right: any node may decide anything, and the head of the ledger settles it. So nobody
//! is elected; it is enough to hear each other now and then. Not here: how nodes are heard (`news.rs`),
//! how a request travels (`peers.rs`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// A node says that it is there this often …
pub const SAYS_EVERY: Duration = Duration::from_millis(500);
/// … and is not asked any more when it was not heard for so long.
const HEARD_WITHIN: Duration = Duration::from_millis(1_600);

/// A server among others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub id: Uuid,
    /// How other nodes reach it, without a slash at the end; empty: they do not.
    pub url: Arc<str>,
}

/// The nodes that were heard lately, ourselves among them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Nodes {
    pub me: Node,
    heard: Arc<Mutex<Heard>>,
}

/// How each node is reached, and when it was heard last.
type Heard = HashMap<Uuid, (Arc<str>, Instant)>;

impl Nodes {
    /// Knows of nobody yet.
    #[must_use]
    pub fn new(me: Node) -> Self {
        Self { me, heard: Arc::default() }
    }

    /// Somebody said that they are there.
    pub fn heard(&self, node: Node, now: Instant) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.retain(|_, (_, at)| now < *at + HEARD_WITHIN);
        heard.insert(node.id, (node.url, now));
    }

    /// Somebody could not be reached: not asked until heard again.
    pub fn lost(&self, id: Uuid) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// The others that were heard lately and can be reached.
    #[must_use]
    pub fn others(&self, now: Instant) -> Vec<Node> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let there = heard.iter().filter(|(id, (url, at))| {
            **id != self.me.id && !url.is_empty() && now < *at + HEARD_WITHIN
        });
        there.map(|(id, (url, _))| Node { id: *id, url: url.clone() }).collect()
    }

    /// The node that usually writes this ledger; `None` when that is us, or nobody knows.
    #[must_use]
    pub fn writer_elsewhere(&self, ledger: Uuid, now: Instant) -> Option<Node> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let there = heard.iter().filter(|(_, (_, at))| now < *at + HEARD_WITHIN);
        let id = writer_of(ledger, there.map(|(id, _)| *id)).filter(|id| *id != self.me.id)?;
        heard.get(&id).map(|(url, _)| Node { id, url: url.clone() })
    }
}

/// The node with the greatest weight for this ledger: when one comes or goes, only the ledgers that
/// become or were its own move (rendezvous hashing).
#[must_use]
pub fn writer_of(ledger: Uuid, nodes: impl Iterator<Item = Uuid>) -> Option<Uuid> {
    nodes.max_by_key(|node| (weight(*node, ledger), *node))
}

/// The same on every machine and in every release. Ids differ in few bits: each is spread over all
/// (the finaliser of SplitMix64).
fn weight(node: Uuid, ledger: Uuid) -> u64 {
    let mix = |mut bits: u64| {
        bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ bits >> 31
    };
    let fold = |id: Uuid| {
        let (high, low) = id.as_u64_pair();
        mix(mix(high) ^ low)
    };
    mix(fold(node) ^ fold(ledger).rotate_left(32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(0x0190_a5e4 << 96 | number)
    }

    #[test]
    fn every_node_writes_its_share() {
        for count in [2, 3, 10] {
            let mut written: HashMap<Uuid, u32> = HashMap::new();
            for ledger in 0..10_000 {
                let writer = writer_of(id(ledger << 64), (0..count).map(id)).unwrap();
                *written.entry(writer).or_default() += 1;
            }
            let fair = 10_000 / u32::try_from(count).unwrap();
            for share in written.values() {
                assert!((fair * 9 / 10..fair * 11 / 10).contains(share), "{count}: {written:?}");
            }
        }
    }

    #[test]
    fn only_the_ledgers_of_a_node_that_goes_move() {
        for ledger in (0..1_000).map(id) {
            let before = writer_of(ledger, (0..5).map(id)).unwrap();
            let after = writer_of(ledger, (0..4).map(id)).unwrap();
            assert!(before == after || before == id(4));
        }
        assert_eq!(writer_of(id(7), std::iter::empty()), None);
    }

    #[test]
    fn who_is_silent_is_not_asked() {
        let (began, url) = (Instant::now(), Arc::from("http://other"));
        let me = Node { id: id(1), url: Arc::from("http://me") };
        let other = Node { id: id(2), url };
        let nodes = Nodes::new(me.clone());
        let theirs = (0..)
            .map(id)
            .find(|ledger| writer_of(*ledger, [id(1), id(2)].into_iter()) == Some(id(2)));
        let theirs = theirs.unwrap();
        assert_eq!(nodes.writer_elsewhere(theirs, began), None, "nobody was heard");
        nodes.heard(me.clone(), began);
        nodes.heard(other.clone(), began);
        assert_eq!(nodes.others(began), std::slice::from_ref(&other));
        assert_eq!(nodes.writer_elsewhere(theirs, began), Some(other.clone()));
        let later = began + HEARD_WITHIN;
        nodes.heard(me, later);
        assert_eq!(nodes.others(later), []);
        assert_eq!(nodes.writer_elsewhere(theirs, later), None);
        nodes.heard(other.clone(), later);
        assert_eq!(nodes.writer_elsewhere(theirs, later), Some(other));
        nodes.lost(id(2));
        assert_eq!(nodes.writer_elsewhere(theirs, later), None);
    }
}
