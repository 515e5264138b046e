//! Which ledgers are open: one task each, started when somebody asks and gone when nobody does.
//!
//! Not here: what a ledger does (`ledger.rs`).

use crate::clock::Clock;
use crate::domain::conference;
use crate::ledger::stage::{Answer, Authority, Command, Request};
use crate::ledger::{Bounds, Envelope, Failure, Ledger};
use crate::live::Hub;
use crate::peers::Peers;
use crate::store::{Kept, Position, Store, StoreFault};
use crate::views;
use shared::dashboard::DashboardView;
use shared::views::{ConferenceView, OrderView};
use shared::{ConferenceId, OrderId, RefusalCode};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::task::TaskTracker;
use tracing::{error, warn};
use uuid::Uuid;

/// Slugs remembered; a slug never changes its ledger, so nothing here goes stale.
const SLUGS_MAX: usize = 100_000;

/// Ledgers of which it is remembered that a newer release has written them; more are only said again.
const NEWER_MAX: usize = 10_000;

/// When more ledgers than this are open, one that nobody asks is closed at once.
const OPEN_COMFORTABLY: usize = 2_000;
/// With so many open, no other is opened until one closes: every one takes memory.
const OPEN_MAX: usize = 10_000;

/// Rung by a ledger when a commit left something for a worker. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Bells {
    inner: Arc<BellsInner>,
}

#[derive(Debug, Default)]
struct BellsInner {
    effects: Notify,
    deadlines: Notify,
    /// The earliest deadline the worker waits for; later ones need not wake it.
    next_deadline: AtomicI64,
    /// Where ledgers stand that moved here and of which other nodes were not told.
    heads: Mutex<HashMap<Uuid, Position>>,
    head_moved: Notify,
}

impl Bells {
    /// An effect was added.
    pub fn effect(&self) {
        self.inner.effects.notify_one();
    }

    /// Waits until an effect was added since the last wait.
    pub async fn effect_added(&self) {
        self.inner.effects.notified().await;
    }

    /// A deadline at this instant (ms) was added.
    pub fn deadline(&self, at: i64) {
        if at < self.inner.next_deadline.load(Ordering::Acquire) {
            self.inner.deadlines.notify_one();
        }
    }

    /// A ledger that other nodes may watch moved to this head.
    pub fn head_moved(&self, id: ConferenceId, head: Position) {
        lock(&self.inner.heads).insert(id.0, head);
        self.inner.head_moved.notify_one();
    }

    /// Waits until a head moved since the last wait.
    pub async fn a_head_moved(&self) {
        self.inner.head_moved.notified().await;
    }

    /// Takes the heads that moved since they were taken last.
    #[must_use]
    pub fn take_heads(&self) -> Vec<(Uuid, Position)> {
        lock(&self.inner.heads).drain().collect()
    }

    /// Waits until a deadline before `next` (ms) was added.
    pub async fn earlier_deadline(&self, next: i64) {
        self.inner.next_deadline.store(next, Ordering::Release);
        self.inner.deadlines.notified().await;
    }
}

/// The door to every conference. Cheap to clone.
#[derive(Clone)]
pub struct Ledgers {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    hub: Hub,
    clock: Clock,
    bells: Bells,
    /// `None` once the house stops.
    open: Mutex<Option<HashMap<ConferenceId, mpsc::Sender<Envelope>>>>,
    tasks: TaskTracker,
    slugs: Mutex<Slugs>,
    /// Set once the other nodes can be asked.
    peers: OnceLock<Peers>,
    /// Ledgers that a newer release has written; for the log, which says it once.
    newer: Mutex<HashSet<ConferenceId>>,
    /// The same, while no newer server could be asked.
    stranded: Mutex<HashSet<ConferenceId>>,
    bounds: Bounds,
}

/// The conferences that somebody has looked for, both ways.
#[derive(Default)]
struct Slugs {
    ids: HashMap<String, ConferenceId>,
    slugs: HashMap<ConferenceId, String>,
}

impl Ledgers {
    #[must_use]
    pub fn new(store: Store, hub: Hub, clock: Clock, bells: Bells) -> Self {
        Self::within(Bounds::default(), store, hub, clock, bells)
    }

    /// The same, where each ledger keeps to other bounds.
    #[must_use]
    pub fn within(bounds: Bounds, store: Store, hub: Hub, clock: Clock, bells: Bells) -> Self {
        let (open, slugs) = (Mutex::new(Some(HashMap::new())), Mutex::default());
        let tasks = TaskTracker::new();
        let (peers, newer, stranded) = (OnceLock::new(), Mutex::default(), Mutex::default());
        let inner =
            Inner { store, hub, clock, bells, open, tasks, slugs, peers, newer, stranded, bounds };
        Self { inner: Arc::new(inner) }
    }

    /// From now on requests go to the nodes that usually write their conferences.
    pub fn meet(&self, peers: Peers) {
        let _ = self.inner.peers.set(peers);
    }

    /// The other nodes, if there may be some.
    #[must_use]
    pub fn peers(&self) -> Option<&Peers> {
        self.inner.peers.get()
    }

    /// Performs a request and waits until its outcome is durable, at whichever node.
    ///
    /// # Errors
    /// Refused, too busy, the store failed, or a newer release has written here and no server of it
    /// answers.
    pub async fn perform(&self, id: ConferenceId, request: Request) -> Result<Answer, Failure> {
        let Some(peers) = self.peers() else {
            let outcome = self.perform_here(id, request).await;
            return outcome.inspect_err(|failure| self.is_stranded(id, failure));
        };
        if let Some(outcome) = Box::pin(peers.ask(id, &request)).await {
            return outcome;
        }
        match self.perform_here(id, request.clone()).await {
            Err(Failure::Newer) => self.hand_over(peers, id, &request).await,
            outcome => outcome,
        }
    }

    /// Somebody has to decide who knows what was written here.
    async fn hand_over(
        &self,
        peers: &Peers,
        id: ConferenceId,
        request: &Request,
    ) -> Result<Answer, Failure> {
        if is_said_first(&self.inner.newer, id) {
            warn!(ledger = %id, "A newer release has written a conference; its servers are asked");
        }
        let Some(outcome) = Box::pin(peers.ask_newer(id, request)).await else {
            self.is_stranded(id, &Failure::Newer);
            return Err(Failure::Newer);
        };
        lock(&self.inner.stranded).remove(&id);
        outcome
    }

    fn is_stranded(&self, id: ConferenceId, failure: &Failure) {
        if *failure == Failure::Newer && is_said_first(&self.inner.stranded, id) {
            error!(
                ledger = %id,
                "A newer release has written a conference, and no server of it answers: people are \
                 asked to come back"
            );
        }
    }

    /// Performs a request at this node.
    ///
    /// # Errors
    /// As [`Ledgers::perform`].
    pub async fn perform_here(
        &self,
        id: ConferenceId,
        request: Request,
    ) -> Result<Answer, Failure> {
        let (reply, answer) = oneshot::channel();
        self.send(id, Envelope { request, reply })?;
        // The task dies only by a bug; then the memory is gone and the store is whole.
        answer.await.unwrap_or_else(|_| {
            error!(ledger = %id, "A ledger's task died");
            Err(Failure::Unavailable)
        })
    }

    /// Under the lock, so that nothing is sent to a ledger that leaves, and none has two tasks.
    fn send(&self, id: ConferenceId, envelope: Envelope) -> Result<(), Failure> {
        let mut open = lock(&self.inner.open);
        let open = open.as_mut().ok_or(Failure::Busy)?;
        let envelope = match open.get(&id) {
            None if OPEN_MAX <= open.len() => return Err(Failure::Busy),
            None => envelope,
            Some(inbox) => match inbox.try_send(envelope) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(_)) => return Err(Failure::Busy),
                // Its task died by a bug.
                Err(TrySendError::Closed(envelope)) => envelope,
            },
        };
        let inbox = self.wake(id);
        let sent = inbox.try_send(envelope).map_err(|_| Failure::Busy);
        open.insert(id, inbox);
        sent
    }

    /// The conference with this slug, published or not.
    ///
    /// # Errors
    /// There is none, or the store failed.
    pub async fn find(&self, slug: &str) -> Result<ConferenceId, Failure> {
        if let Some(id) = lock(&self.inner.slugs).ids.get(slug) {
            return Ok(*id);
        }
        let found = self.inner.store.ledger_by_slug(slug).await.map_err(unavailable)?;
        let id = ConferenceId(found.ok_or(RefusalCode::ConferenceNotFound)?.ledger);
        let mut known = lock(&self.inner.slugs);
        if known.ids.len() >= SLUGS_MAX {
            *known = Slugs::default();
        }
        known.ids.insert(slug.to_owned(), id);
        known.slugs.insert(id, slug.to_owned());
        Ok(id)
    }

    /// The slug of a conference that somebody has looked for here.
    #[must_use]
    pub fn slug_of(&self, id: ConferenceId) -> Option<String> {
        lock(&self.inner.slugs).slugs.get(&id).cloned()
    }

    /// An order as its registrant sees it, and the position it shows.
    ///
    /// # Errors
    /// There is no such order for somebody with this authority, or the store failed.
    pub async fn order(
        &self,
        id: ConferenceId,
        order_id: OrderId,
        authority: Authority,
    ) -> Result<(Position, OrderView), Failure> {
        let request =
            Request { authority, ..Request::of_the_house(Command::ReadOrder { order_id }) };
        let answer = self.perform(id, request).await?;
        let view = answer.view.ok_or(RefusalCode::OrderNotFound)?;
        Ok((answer.position, *view))
    }

    /// A conference, published or not, and the position it shows.
    ///
    /// # Errors
    /// There is no such conference, or the store failed.
    pub async fn conference(
        &self,
        id: ConferenceId,
    ) -> Result<(Position, ConferenceView), Failure> {
        let kept = self.inner.store.kept(id.0, views::conference::TOPIC).await;
        let kept = kept.map_err(unavailable)?.ok_or(RefusalCode::ConferenceNotFound)?;
        self.conference_of(&kept).await
    }

    /// The same from its document, or from the ledger when that is not to be believed.
    ///
    /// # Errors
    /// As [`Ledgers::conference`].
    pub async fn conference_of(&self, kept: &Kept) -> Result<(Position, ConferenceView), Failure> {
        let id = ConferenceId(kept.ledger);
        if let Some(document) = kept.document.as_ref().filter(|_| kept.is_fresh) {
            match serde_json::from_str(&document.body) {
                Ok(view) => return Ok((document.position, view)),
                Err(error) => warn!(ledger = %id, %error, "Cannot read a conference's document"),
            }
        }
        let answer = self.perform(id, Request::of_the_house(Command::ReadConference)).await?;
        let view = answer.conference.ok_or(RefusalCode::ConferenceNotFound)?;
        Ok((answer.position, *view))
    }

    /// What an owner watches, whole, and the position it shows.
    ///
    /// # Errors
    /// There is no such conference, or the store failed.
    pub async fn dashboard(&self, id: ConferenceId) -> Result<(Position, DashboardView), Failure> {
        let answer = self.perform(id, Request::of_the_house(Command::ReadDashboard)).await?;
        let view = answer.dashboard.ok_or(RefusalCode::ConferenceNotFound)?;
        Ok((answer.position, *view))
    }

    /// A command of the owner.
    ///
    /// # Errors
    /// As [`Ledgers::perform`].
    pub async fn manage(
        &self,
        id: ConferenceId,
        command: conference::Command,
    ) -> Result<Position, Failure> {
        let request = Request::of_the_house(Command::Conference(command));
        self.perform(id, request).await.map(|answer| answer.position)
    }

    /// How many conferences are in memory.
    #[must_use]
    pub fn awake(&self) -> usize {
        self.inner.tasks.len()
    }

    /// Takes no more requests, and waits until those that were taken are answered.
    pub async fn close(&self) {
        drop(lock(&self.inner.open).take());
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    fn wake(&self, id: ConferenceId) -> mpsc::Sender<Envelope> {
        let (sender, inbox) = mpsc::channel(self.inner.bounds.queue_max);
        let Inner { store, hub, clock, bells, tasks, .. } = &*self.inner;
        let ledger = Ledger {
            id,
            store: store.clone(),
            hub: hub.clone(),
            clock: clock.clone(),
            bells: bells.clone(),
            bounds: self.inner.bounds,
        };
        let house = Arc::downgrade(&self.inner);
        tasks.spawn(ledger.run(inbox, move |inbox, idle| {
            house.upgrade().is_none_or(|house| house.lets_go(id, inbox, idle))
        }));
        sender
    }
}

impl Inner {
    /// Forgets a ledger that nobody has asked for so long, if there is no reason to keep it.
    fn lets_go(&self, id: ConferenceId, inbox: &mpsc::Receiver<Envelope>, idle: Duration) -> bool {
        let mut open = lock(&self.open);
        let Some(open) = open.as_mut() else { return true };
        let is_time = self.bounds.idle <= idle || OPEN_COMFORTABLY < open.len();
        let leaves = is_time && inbox.is_empty();
        if leaves {
            open.remove(&id);
        }
        leaves
    }
}

fn unavailable(fault: StoreFault) -> Failure {
    error!(error = format!("{fault:#}"), "The store failed");
    Failure::Unavailable
}

fn is_said_first(said: &Mutex<HashSet<ConferenceId>>, id: ConferenceId) -> bool {
    let mut said = lock(said);
    if NEWER_MAX <= said.len() {
        said.clear();
    }
    said.insert(id)
}

/// The maps hold plain data, so a panic elsewhere while one was locked has not broken it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
