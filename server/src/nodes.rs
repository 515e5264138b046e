//! Which servers share the database, and which of them usually writes a conference.
//!
//! A habit, not a right: any node may decide anything, and the head of the ledger settles it. So nobody
//! is elected; it is enough to hear each other now and then. Not here: how nodes are heard (`news.rs`),
//! how a request travels (`peers.rs`).

use crate::store::GENERATION;
use shared::Release;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// A node says that it is there this often …
pub const SAYS_EVERY: Duration = Duration::from_millis(500);
/// … and is not asked any more when it was not heard for so long.
pub const HEARD_WITHIN: Duration = Duration::from_millis(1_600);

/// What a server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    pub release: Release,
    /// Of its documents.
    pub generation: i32,
}

impl Program {
    /// This one.
    #[must_use]
    pub fn of_this_build() -> Self {
        Self { release: Release::of_this_build(), generation: GENERATION }
    }

    /// What a server runs that does not say it, because it did not know that it should.
    pub const SILENT: Self = Self { release: Release(0, 0, 0), generation: 1 };
}

/// A server among others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub id: Uuid,
    /// How other nodes reach it, without a slash at the end; empty: they do not.
    pub url: Arc<str>,
    pub program: Program,
    /// Requests may come to it.
    pub is_ready: bool,
}

/// The nodes that were heard lately, ourselves among them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Nodes {
    pub me: Node,
    heard: Arc<Mutex<Heard>>,
}

/// Each node, and when it was heard last.
type Heard = HashMap<Uuid, (Node, Instant)>;

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
        heard.insert(node.id, (node, now));
    }

    /// Somebody could not be reached: not asked until heard again.
    pub fn lost(&self, id: Uuid) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// The others that were heard lately and can be reached.
    #[must_use]
    pub fn others(&self, now: Instant) -> Vec<Node> {
        let mut there = self.there(now);
        there.retain(|node| node.id != self.me.id && !node.url.is_empty());
        there
    }

    /// The node that usually writes this ledger; `None` when that is us, or nobody knows.
    ///
    /// While two releases run, that is a node of the newer one: what it writes and answers, the older one
    /// may have to leave to it, and it reads all that the older one says. Nobody asks an older node.
    #[must_use]
    pub fn writer_elsewhere(&self, ledger: Uuid, now: Instant) -> Option<Node> {
        let there = self.there(now);
        let may = |node: &&Node| {
            node.is_ready && !node.url.is_empty() && self.me.program.release <= node.program.release
        };
        let newest = there.iter().filter(may).map(|node| node.program.release).max()?;
        let newest = there.iter().filter(may).filter(|node| node.program.release == newest);
        let id = writer_of(ledger, newest.map(|node| node.id)).filter(|id| *id != self.me.id)?;
        there.into_iter().find(|node| node.id == id)
    }

    /// The nodes of newer releases that can be asked: first those that are ready, and of these the newest.
    #[must_use]
    pub fn newer(&self, now: Instant) -> Vec<Node> {
        let mut there = self.there(now);
        there.retain(|node| !node.url.is_empty() && self.me.program.release < node.program.release);
        there.sort_by_key(|node| Reverse((node.is_ready, node.program.release, node.id)));
        there
    }

    /// True when a node serves documents of another generation than ours.
    #[must_use]
    pub fn hears_another_generation(&self, now: Instant) -> bool {
        let ours = self.me.program.generation;
        self.there(now).iter().any(|node| node.program.generation != ours)
    }

    /// True when we hear what we say ourselves: then we would hear others, too.
    #[must_use]
    pub fn hears_itself(&self, now: Instant) -> bool {
        self.there(now).iter().any(|node| node.id == self.me.id)
    }

    fn there(&self, now: Instant) -> Vec<Node> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let there = heard.values().filter(|(_, at)| now < *at + HEARD_WITHIN);
        there.map(|(node, _)| node.clone()).collect()
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

    fn node(number: u128, release: u32) -> Node {
        let program = Program { release: Release(release, 0, 0), generation: 1 };
        Node { id: id(number), url: Arc::from("http://node"), program, is_ready: true }
    }

    #[test]
    fn the_newest_release_writes_and_nobody_asks_an_older_one() {
        let now = Instant::now();
        let heard_by = |me: &Node, others: &[Node]| {
            let nodes = Nodes::new(me.clone());
            [me].into_iter().chain(others).for_each(|node| nodes.heard(node.clone(), now));
            nodes
        };
        let (old, older, new) = (node(1, 1), node(2, 1), node(3, 2));
        let at_old = heard_by(&old, &[older.clone(), new.clone()]);
        let at_new = heard_by(&new, &[old.clone(), older.clone()]);
        for ledger in (0..100).map(id) {
            assert_eq!(at_old.writer_elsewhere(ledger, now), Some(new.clone()));
            assert_eq!(at_new.writer_elsewhere(ledger, now), None);
        }
        assert_eq!((at_old.newer(now), at_new.newer(now)), (vec![new.clone()], vec![]));
        // Until it is ready, the others go on among themselves; but it asks none of them.
        let not_yet = Node { is_ready: false, ..new };
        let at_old = heard_by(&old, &[older.clone(), not_yet.clone()]);
        let at_new = heard_by(&not_yet, &[old.clone(), older.clone()]);
        let writers: Vec<_> =
            (0..100).map(|ledger| at_old.writer_elsewhere(id(ledger), now)).collect();
        assert!(writers.contains(&None) && writers.contains(&Some(older)));
        assert!((0..100).all(|ledger| at_new.writer_elsewhere(id(ledger), now).is_none()));
        assert_eq!(at_old.newer(now), [not_yet], "asked all the same, when nobody else can decide");
        // Who cannot be reached is heard, and never asked.
        let silent = Node { url: "".into(), program: node(4, 3).program, ..node(4, 3) };
        let at_old = heard_by(&old, &[silent]);
        assert!((0..100).all(|ledger| at_old.writer_elsewhere(id(ledger), now).is_none()));
        assert!(at_old.newer(now).is_empty());
    }

    #[test]
    fn another_generation_is_heard() {
        let (now, me) = (Instant::now(), node(1, 1));
        let nodes = Nodes::new(me.clone());
        assert!(!nodes.hears_itself(now));
        nodes.heard(me, now);
        nodes.heard(node(2, 2), now);
        assert!(nodes.hears_itself(now) && !nodes.hears_another_generation(now));
        let program = Program { generation: 2, ..node(3, 2).program };
        nodes.heard(Node { program, ..node(3, 2) }, now);
        assert!(nodes.hears_another_generation(now));
        assert!(!nodes.hears_another_generation(now + HEARD_WITHIN));
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
        let began = Instant::now();
        let (me, other) = (node(1, 1), node(2, 1));
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
