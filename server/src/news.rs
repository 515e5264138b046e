//! Heads that moved, told from node to node: what one node writes, the screens of all others show.
//!
//! Told at a pace: a notification in every transaction would make all commits of the database wait for
//! each other. And one may be lost, so the heads of what is watched here are also looked at now and
//! then. Not here: reading what was written (`ledger/others.rs`).

mod relay;

use crate::clock::Clock;
use crate::generations::Gate;
use crate::ledger::Failure;
use crate::ledger::stage::{Command, Request};
use crate::ledgers::{Bells, Ledgers};
use crate::live::Hub;
use crate::nodes::{Node, Nodes, SAYS_EVERY};
use crate::store::heads::{Head, Listener, Told};
use crate::store::{Position, Store, StoreFault};
use futures_util::future::join_all;
use shared::ConferenceId;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use uuid::Uuid;

/// What moved is told, and what was heard is read, no more often than this.
const PACE: Duration = Duration::from_millis(50);
/// A node that stops goes on telling what it writes for so long.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// How often the heads of what is watched are looked at, should nobody tell.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A line that breaks again and again is opened no more often than this.
const FAULT_PAUSE: Duration = Duration::from_secs(1);

/// The worker of a node that shares its database.
pub struct News {
    pub store: Store,
    pub ledgers: Ledgers,
    pub hub: Hub,
    pub bells: Bells,
    pub clock: Clock,
    pub gate: Gate,
    pub nodes: Nodes,
}

/// What was heard of the ledgers that are watched here.
#[derive(Default)]
struct Seen {
    heads: HashMap<Uuid, Position>,
    /// Up to where it was shown what newer servers wrote.
    relayed: HashMap<Uuid, Position>,
}

impl News {
    /// Works until told to stop; at once over where nobody else writes.
    pub async fn run(self, stop: CancellationToken) {
        if !self.store.is_shared() {
            return;
        }
        let until_the_end = async {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.say_that_we_are_there() => {}
                () = self.hear() => {}
            }
            // Requests under way are still answered. Whoever watches elsewhere would see what they wrote
            // only at the next look.
            sleep_until(Instant::now() + LAST_WORDS).await;
        };
        tokio::select! {
            () = until_the_end => {}
            () = self.tell() => {}
        }
    }

    /// Tells the others what was written here.
    async fn tell(&self) {
        let mut pace = paced(PACE);
        loop {
            self.bells.a_head_moved().await;
            let moved = self.bells.take_heads();
            let told = self.store.tell_heads(self.nodes.me.id, &moved).await;
            if let Err(fault) = told {
                // They look by themselves.
                warn!(error = format!("{fault:#}"), "Cannot tell other nodes what was written");
            }
            pace.tick().await;
        }
    }

    /// Tells the others what we run and how to reach us, if they may.
    async fn say_that_we_are_there(&self) {
        let mut often = paced(SAYS_EVERY);
        loop {
            often.tick().await;
            let me = Node { is_ready: self.gate.is_open(), ..self.nodes.me.clone() };
            if let Err(fault) = self.store.tell_node(&me).await {
                debug!(error = format!("{fault:#}"), "Cannot tell other nodes that we are there");
            }
        }
    }

    /// Listens to the others, again and again.
    async fn hear(&self) {
        let mut again = paced(FAULT_PAUSE);
        loop {
            again.tick().await;
            match self.store.listen().await {
                Ok(Some(listener)) => {
                    let Err(fault) = self.follow(listener).await;
                    warn!(error = format!("{fault:#}"), "Does not hear other nodes");
                }
                Ok(None) => std::future::pending().await,
                Err(fault) => {
                    warn!(error = format!("{fault:#}"), "Cannot listen to other nodes");
                }
            }
        }
    }

    /// Follows what is heard, and looks at what nobody told, until the line breaks.
    async fn follow(&self, mut listener: Listener) -> Result<std::convert::Infallible, StoreFault> {
        info!("Listens to other nodes");
        let mut seen = Seen::default();
        let mut heard: Vec<Head> = Vec::new();
        let (mut pace, mut look) = (paced(PACE), paced(LOOK_EVERY));
        loop {
            tokio::select! {
                told = listener.next() => match told? {
                    Told::Heads { node, .. } if node == self.nodes.me.id => {}
                    Told::Heads { heads, .. } => heard.extend(heads),
                    Told::Node(node) => self.nodes.heard(node, Instant::now()),
                },
                _ = look.tick() => heard.extend(self.heads_of_what_is_watched().await?),
                _ = pace.tick(), if !heard.is_empty() => {
                    self.catch_up(std::mem::take(&mut heard), &mut seen).await;
                }
            }
        }
    }

    async fn heads_of_what_is_watched(&self) -> Result<Vec<Head>, StoreFault> {
        let mut ledgers = Vec::new();
        for slug in self.hub.slugs() {
            if let Ok(id) = self.ledgers.find(&slug).await {
                ledgers.push(id.0);
            }
        }
        self.store.heads(&ledgers).await
    }

    /// Lets every conference that is watched here read what is new to it.
    async fn catch_up(&self, heads: Vec<Head>, seen: &mut Seen) {
        let watched = self.hub.slugs();
        let is_watched = |ledger: Uuid| {
            let slug = self.ledgers.slug_of(ConferenceId(ledger));
            slug.is_some_and(|slug| watched.contains(&slug))
        };
        seen.heads.retain(|ledger, _| is_watched(*ledger));
        seen.relayed.retain(|ledger, _| is_watched(*ledger));
        let mut newer = HashMap::new();
        for Head { ledger, head } in heads.into_iter().filter(|head| is_watched(head.ledger)) {
            let known = seen.heads.entry(ledger).or_default();
            if *known < head {
                *known = head;
                newer.insert(ConferenceId(ledger), head);
            }
        }
        let relayed = &seen.relayed;
        let shown = join_all(newer.into_iter().map(async |(id, head)| {
            let request = Request::of_the_house(Command::CatchUp);
            match self.ledgers.perform_here(id, request).await {
                Ok(_) => None,
                Err(Failure::Newer) => self.relay(id, relayed.get(&id.0).copied(), head).await,
                Err(_) => {
                    warn!(ledger = %id, "Could not read what another node has written");
                    None
                }
            }
        }))
        .await;
        seen.relayed.extend(shown.into_iter().flatten());
    }
}

fn paced(period: Duration) -> tokio::time::Interval {
    let mut pace = interval(period);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}
