//! One conference's writer: wait for commands, run each to rest in memory, commit the batch as one
//! transaction, then answer, and publish what changed.
//!
//! The memory is a copy of what the store says. When a commit fails it is thrown away, so no decision
//! is ever made on something that did not become durable.
//! Not here: what a command means (`ledger/stage.rs`), which ledgers are open (`ledgers.rs`).

pub mod catch_up;
pub mod memory;
mod others;
pub mod stage;

use crate::clock::Clock;
use crate::domain::Refusal;
use crate::domain::conference::facts::slug_taken;
use crate::events::CONFERENCE_STREAMS;
use crate::ledgers::Bells;
use crate::live::Hub;
use crate::store::{Commit, CommitError, Position, Store, StoreFault};
use crate::views::dashboard;
use catch_up::CatchUp;
use memory::{Changed, Memory};
use serde::{Deserialize, Serialize};
use shared::live::Topic;
use shared::{ConferenceId, OrderId, RefusalCode};
use stage::{Answer, Command, Request, perform};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

/// How often a batch is decided again because another node wrote.
const CONFLICTS_MAX: u32 = 5;
/// Events that are read at once while a dashboard catches up.
const PAGE: u32 = 1_000;
/// How often a ledger that nobody asks looks whether it may close.
const SLICE: Duration = Duration::from_secs(5);

/// How much a ledger takes on.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Commands that wait for one ledger. When it is full the caller is told to come back.
    pub queue_max: usize,
    /// Commands that share one transaction.
    pub batch_max: usize,
    /// A ledger that nobody asked for this long is closed.
    pub idle: Duration,
    pub memory: memory::Bounds,
}

impl Default for Bounds {
    fn default() -> Self {
        let idle = Duration::from_secs(120);
        Self { queue_max: 16_384, batch_max: 512, idle, memory: memory::Bounds::default() }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    Refused(Refusal),
    /// The queue is full, or other nodes keep writing. Nothing happened.
    Busy,
    /// The store failed. Whether something happened is unknown; the same command can safely be sent
    /// again.
    Unavailable,
}

impl From<RefusalCode> for Failure {
    fn from(code: RefusalCode) -> Self {
        Self::Refused(code.into())
    }
}

/// Where an answer goes.
type Reply = oneshot::Sender<Result<Answer, Failure>>;

/// A request and where its answer goes.
pub struct Envelope {
    pub request: Request,
    pub reply: Reply,
}

/// The task that owns one conference's memory.
pub struct Ledger {
    pub id: ConferenceId,
    pub store: Store,
    pub hub: Hub,
    pub clock: Clock,
    pub bells: Bells,
    pub bounds: Bounds,
}

/// What the task knows between batches.
#[derive(Default)]
struct Known {
    /// `None` before the first batch and after anything went wrong.
    memory: Option<Memory>,
    /// Those who watch here were told everything up to this position.
    told: Option<Position>,
}

enum Attempt {
    Conflict,
    SlugTaken,
    Fault(anyhow::Error),
}

impl From<anyhow::Error> for Attempt {
    fn from(fault: anyhow::Error) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreFault> for Attempt {
    fn from(fault: StoreFault) -> Self {
        Self::Fault(fault.into())
    }
}

impl From<CommitError> for Attempt {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict => Self::Conflict,
            CommitError::SlugTaken => Self::SlugTaken,
            CommitError::Fault(fault) => fault.into(),
        }
    }
}

impl Ledger {
    /// Serves until nobody can ask any more, or until it may leave: it says how long nobody has asked,
    /// and whoever lets it go makes sure that nothing is sent to it then.
    pub async fn run(
        self,
        mut inbox: mpsc::Receiver<Envelope>,
        may_leave: impl Fn(&mpsc::Receiver<Envelope>, Duration) -> bool,
    ) {
        let mut known = Known::default();
        let Bounds { batch_max, idle, .. } = self.bounds;
        let slice = SLICE.min(idle);
        let mut batch = Vec::new();
        let mut asked_at = Instant::now();
        loop {
            match tokio::time::timeout(slice, inbox.recv_many(&mut batch, batch_max)).await {
                Ok(0) => break,
                Ok(_) => {
                    // What only reads has no commit to wait for, and sees what is durable.
                    let is_read = |waiting: &Envelope| waiting.request.command.only_reads();
                    let (reads, writes) = batch.drain(..).partition(is_read);
                    self.serve(&mut known, reads).await;
                    self.serve(&mut known, writes).await;
                    asked_at = Instant::now();
                }
                Err(_) if may_leave(&inbox, asked_at.elapsed()) => break,
                Err(_) => {}
            }
        }
        debug!(ledger = %self.id, "Closed a ledger");
    }

    /// Decides the batch, again after each conflict, and answers everybody exactly once.
    async fn serve(&self, known: &mut Known, batch: Vec<Envelope>) {
        if batch.is_empty() {
            return;
        }
        let (requests, replies): (Vec<Request>, Vec<Reply>) =
            batch.into_iter().map(|waiting| (waiting.request, waiting.reply)).unzip();
        for _ in 0..CONFLICTS_MAX {
            let failure = match self.attempt(known, &requests).await {
                Ok(answers) => {
                    for (reply, answer) in replies.into_iter().zip(answers) {
                        // Nobody waits for it any more: that is their right.
                        let _ = reply.send(answer.map_err(Failure::Refused));
                    }
                    return;
                }
                Err(Attempt::Conflict) => {
                    info!(ledger = %self.id, "Another node wrote; deciding again");
                    known.memory = None;
                    continue;
                }
                Err(Attempt::SlugTaken) => Failure::Refused(slug_taken()),
                Err(Attempt::Fault(fault)) => {
                    error!(ledger = %self.id, error = format!("{fault:#}"), "The store failed");
                    Failure::Unavailable
                }
            };
            known.memory = None;
            return refuse_all(replies, &failure);
        }
        warn!(ledger = %self.id, "Gave up after {CONFLICTS_MAX} conflicts");
        refuse_all(replies, &Failure::Busy);
    }

    async fn attempt(
        &self,
        Known { memory, told }: &mut Known,
        requests: &[Request],
    ) -> Result<Vec<Result<Answer, Refusal>>, Attempt> {
        let memory = match memory {
            Some(memory) => {
                if requests.iter().any(|request| matches!(request.command, Command::CatchUp)) {
                    self.follow(memory).await?;
                }
                memory
            }
            None => {
                let memory = memory.insert(self.open().await?);
                if self.store.is_shared() {
                    self.tell_news(memory, *told).await?;
                }
                memory
            }
        };
        *told = Some(memory.head());
        self.load_orders(memory, requests).await?;
        let now = self.clock.now();
        let answers: Vec<_> =
            requests.iter().map(|request| perform(memory, request.clone(), now)).collect();
        match memory.commit()? {
            Some(commit) => {
                self.store.commit(&commit).await?;
                self.ring(&commit, memory.position());
            }
            None => self.confirm_head(memory).await?,
        }
        self.log(requests, &answers);
        memory.committed(|position, changed| self.publish(position, &changed));
        *told = Some(memory.head());
        Ok(answers)
    }

    /// A refusal is as good as the head it was decided on. The only writer of a ledger knows its
    /// head; where other nodes may write, one indexed read tells.
    async fn confirm_head(&self, memory: &Memory) -> Result<(), Attempt> {
        if !self.store.is_shared() {
            return Ok(());
        }
        let head = self.store.head(self.id.0).await?;
        if head.map_or(0, |known| known.head) == memory.head() {
            Ok(())
        } else {
            Err(Attempt::Conflict)
        }
    }

    /// Reads the newest snapshot and what follows.
    async fn open(&self) -> Result<Memory, Attempt> {
        // The head is read first and the newest event last. When they are the same, so is everything
        // in between; otherwise another node has written meanwhile.
        let head = self.store.head(self.id.0).await?.map_or(0, |known| known.head);
        let snapshot = self.store.snapshot(self.id.0).await?;
        let after = snapshot.as_ref().map_or(0, |snapshot| snapshot.position);
        let tail = self.store.read_streams(self.id.0, &CONFERENCE_STREAMS, after).await?;
        let catch_up = self.catch_up().await?;
        if catch_up.position() != head {
            return Err(Attempt::Conflict);
        }
        let memory = Memory::open(self.id, head, snapshot.as_ref(), &tail)?;
        Ok(memory.within(self.bounds.memory).with_dashboard(catch_up.done()))
    }

    /// Reads the dashboard's document and folds what follows it.
    async fn catch_up(&self) -> anyhow::Result<CatchUp> {
        let document = self.store.document(self.id.0, dashboard::TOPIC).await?;
        let mut catch_up = CatchUp::from(self.id, document.as_ref())?;
        loop {
            let page = self.store.read_all(self.id.0, catch_up.position(), PAGE).await?;
            let unknown = catch_up.unknown(&page);
            if !unknown.is_empty() {
                catch_up.remember(&self.store.read_processes(self.id.0, &unknown).await?)?;
            }
            catch_up.fold(&page)?;
            if page.len() < PAGE as usize {
                return Ok(catch_up);
            }
        }
    }

    async fn load_orders(&self, memory: &mut Memory, requests: &[Request]) -> Result<(), Attempt> {
        let mut missing: Vec<OrderId> = requests
            .iter()
            .filter_map(|request| request.command.order_id())
            .filter(|id| !memory.has_order(*id))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let processes: Vec<Uuid> = missing.iter().map(|id| id.0).collect();
        let events = self.store.read_processes(self.id.0, &processes).await?;
        // An order must not be newer than the conference that is remembered: the rules would see seats
        // held that nobody counts.
        if events.iter().any(|event| memory.head() < event.position) {
            return Err(Attempt::Conflict);
        }
        Ok(memory.load_orders(&missing, &events)?)
    }

    /// Wakes the workers that wait for what this commit added.
    fn ring(&self, commit: &Commit, head: Position) {
        if self.store.is_shared() && !commit.events.is_empty() {
            self.bells.head_moved(self.id, head);
        }
        if !commit.effects.is_empty() {
            self.bells.effect();
        }
        if let Some(at) = commit.deadlines.iter().filter_map(|(_, at)| *at).min() {
            self.bells.deadline(at);
        }
    }

    fn publish(&self, position: u64, changed: &Changed<'_>) {
        let topic = match changed {
            Changed::Conference(view) => Topic::Conference { slug: view.slug.clone() },
            Changed::Order(view) => {
                Topic::Order { slug: view.conference.clone(), order_id: view.id }
            }
            Changed::Dashboard(view) => Topic::Dashboard { slug: view.conference.slug.clone() },
        };
        self.hub.publish(&topic, position, self.clock.now(), changed);
    }

    /// One line per command: grep an order's id for its story. No names, codes or addresses.
    fn log(&self, requests: &[Request], answers: &[Result<Answer, Refusal>]) {
        for (request, answer) in requests.iter().zip(answers) {
            let name = request.command.name();
            let order = request.command.order_id().map(|id| id.0);
            let command_id = request.command_id.map(|id| id.0);
            match answer {
                Ok(Answer { view: Some(_), .. } | Answer { dashboard: Some(_), .. }) => {}
                Ok(Answer { stuck: Some(stuck), .. }) => {
                    error!(
                        order.id = order.map(tracing::field::display),
                        todo = stuck.todo,
                        "The process of an order is stuck"
                    );
                }
                Ok(answer) => {
                    info!(
                        order.id = order.map(tracing::field::display), command_id = ?command_id, position = answer.position,
                        "{name} accepted"
                    );
                }
                Err(refusal) => {
                    debug!(
                        order.id = order.map(tracing::field::display), command_id = ?command_id, code = ?refusal.code,
                        "{name} refused"
                    );
                }
            }
        }
    }
}

fn refuse_all(replies: Vec<Reply>, failure: &Failure) {
    for reply in replies {
        let _ = reply.send(Err(failure.clone()));
    }
}
