//! Which ledgers are open: one task each, started when somebody asks and gone when nobody does.
//!
//! Not here: what a ledger does (`ledger.rs`).

use crate::clock::Clock;
use crate::domain::conference;
use crate::ledger::stage::{Answer, Authority, Command, Request};
use crate::ledger::{Bounds, Envelope, Failure, Ledger};
use crate::live::Hub;
use crate::store::{Position, Store};
use shared::dashboard::DashboardView;
use shared::views::OrderView;
use shared::{ConferenceId, OrderId, RefusalCode};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::task::TaskTracker;
use tracing::error;

/// Slugs remembered; a slug never changes its ledger, so nothing here goes stale.
const SLUGS_MAX: usize = 100_000;

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
    slugs: Mutex<HashMap<String, ConferenceId>>,
    bounds: Bounds,
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
        Self { inner: Arc::new(Inner { store, hub, clock, bells, open, tasks, slugs, bounds }) }
    }

    /// Performs a request and waits until its outcome is durable.
    ///
    /// # Errors
    /// Refused, too busy, or the store failed.
    pub async fn perform(&self, id: ConferenceId, request: Request) -> Result<Answer, Failure> {
        let (reply, answer) = oneshot::channel();
        let mut envelope = Envelope { request, reply };
        // A ledger may close itself between being found and being sent to, but not forever.
        for _ in 0..3 {
            let Some(inbox) = self.inbox(id) else { return Err(Failure::Busy) };
            match inbox.try_send(envelope) {
                // The task dies only by a bug; then the memory is gone and the store is whole.
                Ok(()) => {
                    return answer.await.unwrap_or_else(|_| {
                        error!(ledger = %id, "A ledger's task died");
                        Err(Failure::Unavailable)
                    });
                }
                Err(TrySendError::Full(_)) => return Err(Failure::Busy),
                Err(TrySendError::Closed(returned)) => {
                    if let Some(open) = lock(&self.inner.open).as_mut() {
                        open.remove(&id);
                    }
                    envelope = returned;
                }
            }
        }
        Err(Failure::Busy)
    }

    /// The conference with this slug, published or not.
    ///
    /// # Errors
    /// There is none, or the store failed.
    pub async fn find(&self, slug: &str) -> Result<ConferenceId, Failure> {
        if let Some(id) = lock(&self.inner.slugs).get(slug) {
            return Ok(*id);
        }
        let found = self.inner.store.ledger_by_slug(slug).await.map_err(|fault| {
            error!(error = format!("{fault:#}"), "The store failed");
            Failure::Unavailable
        })?;
        let id = ConferenceId(found.ok_or(RefusalCode::ConferenceNotFound)?.ledger);
        let mut slugs = lock(&self.inner.slugs);
        if slugs.len() >= SLUGS_MAX {
            slugs.clear();
        }
        slugs.insert(slug.to_owned(), id);
        Ok(id)
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

    fn inbox(&self, id: ConferenceId) -> Option<mpsc::Sender<Envelope>> {
        let mut open = lock(&self.inner.open);
        let inbox = open.as_mut()?.entry(id).or_insert_with(|| {
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
            tasks.spawn(ledger.run(inbox));
            sender
        });
        Some(inbox.clone())
    }
}

/// The maps hold plain data, so a panic elsewhere while one was locked has not broken it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
