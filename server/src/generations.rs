//! The documents of this release beside those of another one: made when they are missing, kept up to date
//! while servers of the other release write, and until they are all there no requests come here.
//!
//! Nobody sees a difference: a document that is not to be believed is not shown (`Ledgers::conference`). This
//! only makes it fast. Not here: how one ledger's documents are made and verified (`operator/rebuild.rs`),
//! which are not to be believed (`store/generations.rs`).

use crate::events::Newer;
use crate::ledger::Failure;
use crate::ledger::stage::{Command, Request};
use crate::ledgers::Ledgers;
use crate::nodes::{HEARD_WITHIN, Nodes, SAYS_EVERY};
use crate::operator::{Miscounted, make_documents};
use crate::store::{LedgerHead, LedgerId, Position, Stale, Store, StoreFault};
use crate::views::conference::TOPIC;
use shared::ConferenceId;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

/// How often it is looked for documents that were passed, while another generation serves.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks that are left out while none does, and nothing was found.
const QUIET_LOOKS: u32 = 30;
/// Ledgers that are read at once.
const PAGE: u32 = 100;

/// Whether requests may come here. Once open it stays so. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Gate(CancellationToken);

impl Gate {
    /// Open when nobody else can serve, or when every document is there already.
    ///
    /// # Errors
    /// The store failed.
    pub async fn for_the_first_look(store: &Store) -> Result<Self, StoreFault> {
        let gate = Self::default();
        if !store.is_shared() || store.stale(TOPIC, Uuid::nil(), 1).await?.is_empty() {
            gate.0.cancel();
        }
        Ok(gate)
    }

    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is open.
    pub async fn opened(&self) {
        self.0.cancelled().await;
    }

    fn open(&self, why: &str) {
        if !self.is_open() {
            info!("Ready: {why}");
            self.0.cancel();
        }
    }
}

/// The worker.
pub struct Generations {
    pub store: Store,
    pub ledgers: Ledgers,
    pub nodes: Nodes,
    pub gate: Gate,
}

/// A ledger whose documents were made or cannot be made, for as long as its head stays there: what is missing
/// all the same, the history does not have.
#[derive(Clone, Copy)]
struct Left {
    head: Position,
    /// It would be made wrongly, so this release should not serve beside another one.
    is_miscounted: bool,
}

/// What one look over all ledgers came to.
#[derive(Default)]
struct Look {
    found: u32,
    is_miscounted: bool,
}

impl Generations {
    /// Works until told to stop, or until nothing is missing where nobody else writes.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = async { tokio::join!(self.look_again_and_again(), self.find_out_who_is_there()); } => {}
        }
    }

    async fn look_again_and_again(&self) {
        let mut left = HashMap::new();
        let (mut pace, mut quiet) = (paced(LOOK_EVERY), 0);
        loop {
            pace.tick().await;
            if 0 < quiet && !self.nodes.hears_another_generation(Instant::now()) {
                quiet -= 1;
                continue;
            }
            match self.look(&mut left).await {
                Ok(look) => {
                    if !look.is_miscounted {
                        self.gate.open("the documents of this release are there");
                    }
                    if look.found == 0 && !self.store.is_shared() {
                        return;
                    }
                    quiet = if look.found == 0 { QUIET_LOOKS } else { 0 };
                }
                Err(fault) => {
                    warn!(error = format!("{fault:#}"), "Cannot look for old documents");
                }
            }
        }
    }

    /// A server that is alone has nobody who could serve instead. We would have heard others by now,
    /// because we hear ourselves.
    async fn find_out_who_is_there(&self) {
        let (mut often, mut alone_since) = (paced(SAYS_EVERY / 2), None);
        while !self.gate.is_open() {
            often.tick().await;
            let now = Instant::now();
            let is_alone =
                self.nodes.hears_itself(now) && !self.nodes.hears_another_generation(now);
            let since = *alone_since.get_or_insert(now);
            if !is_alone {
                alone_since = None;
            } else if since + HEARD_WITHIN <= now {
                self.gate.open("no server of another release is there");
            }
        }
    }

    /// Makes what is missing and brings what was passed up to date, ledger by ledger.
    async fn look(&self, left: &mut HashMap<LedgerId, Left>) -> Result<Look, StoreFault> {
        let (mut look, mut after) = (Look::default(), Uuid::nil());
        loop {
            let page = self.store.stale(TOPIC, after, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            after = page.last().map_or(after, |last| last.ledger.ledger);
            for Stale { ledger, is_missing } in page {
                let (id, head) = (ledger.ledger, ledger.head);
                if let Some(known) = left.get(&id).filter(|known| known.head == head) {
                    look.is_miscounted |= known.is_miscounted;
                    continue;
                }
                look.found += 1;
                let done = match is_missing {
                    true => Some(self.make(ledger).await),
                    false => self.keep(ledger).await,
                };
                look.is_miscounted |= done.is_some_and(|done| done.is_miscounted);
                match done {
                    Some(done) => drop(left.insert(id, done)),
                    None => drop(left.remove(&id)),
                }
            }
            if is_last {
                return Ok(look);
            }
        }
    }

    /// Folds the whole history, at a pace. Says so when that cannot be done.
    async fn make(&self, ledger: LedgerHead) -> Left {
        let (store, slug, head) = (self.store.clone(), ledger.slug.clone(), ledger.head);
        // In a task of its own: the rules trust the history, and stop when it breaks them.
        let made = tokio::spawn(async move { make_documents(&store, &ledger).await }).await;
        let error = match made.unwrap_or_else(|panic| Err(anyhow::Error::new(panic))) {
            Ok(()) => {
                info!(conference = slug, position = head, "Made the documents of a conference");
                return Left { head, is_miscounted: false };
            }
            Err(error) => error,
        };
        let is_miscounted = error.downcast_ref::<Miscounted>().is_some();
        if Newer::is_why(&error) {
            debug!(conference = slug, "Leaves a conference to the newer release");
        } else {
            let error = format!("{error:#}");
            error!(conference = slug, error, "Cannot make the documents of a conference");
        }
        Left { head, is_miscounted }
    }

    /// Lets the ledger write what it remembers; its own documents are its beginning.
    async fn keep(&self, ledger: LedgerHead) -> Option<Left> {
        let id = ConferenceId(ledger.ledger);
        let request = Request::of_the_house(Command::KeepDocuments);
        match self.ledgers.perform_here(id, request).await {
            // What is too busy now is found again.
            Ok(_) | Err(Failure::Busy | Failure::Unavailable | Failure::Refused(_)) => None,
            Err(Failure::Newer) => Some(Left { head: ledger.head, is_miscounted: false }),
        }
    }
}

fn paced(period: Duration) -> tokio::time::Interval {
    let mut pace = interval(period);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}
