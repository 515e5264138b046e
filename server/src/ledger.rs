//! One conference's writer: wait for commands, run each to rest in memory, commit the batch as one
//! transaction, then answer, and publish what changed.
//!
//! While a batch is on its way to the store the next one is decided on top of it, so that neither the
//! rules nor the disk wait for each other. The memory is therefore a copy of what the store says, or is
//! about to say; nobody hears of anything before it is durable. When a commit fails the memory is
//! thrown away with all that was decided on it, and those requests are decided again.
//! Not here: what a command means (`ledger/stage.rs`), which ledgers are open (`ledgers.rs`).

pub mod catch_up;
mod in_flight;
pub mod memory;
mod others;
mod reading;
pub mod stage;

use crate::clock::Clock;
use crate::domain::Refusal;
use crate::domain::conference::facts::slug_taken;
use crate::events::Newer;
use crate::ledgers::Bells;
use crate::live::Hub;
use crate::store::{CommitError, Position, Store, StoreFault};
use in_flight::{InFlight, landed};
use memory::Memory;
use serde::{Deserialize, Serialize};
use shared::{ConferenceId, RefusalCode};
use stage::{Answer, Command, Request, perform};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tracing::{debug, error, info, warn};

/// How often a batch is decided again because another node wrote.
const CONFLICTS_MAX: u32 = 5;
/// For so long after another node wrote a ledger, we take turns with it.
const CONTESTED: Duration = Duration::from_millis(500);
/// Events that are read at once while a dashboard catches up.
const PAGE: u32 = 1_000;
/// After a ledger met an event of a newer release, it is not read again for so long: nothing will have
/// changed, unless the database was set back.
const NEWER_FOR: Duration = Duration::from_secs(10);
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
    /// A newer release has written what this one does not know. Nothing happened; a newer server decides.
    Newer,
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

/// A request, decided; its answer is kept until it is true.
struct Decided {
    waiting: Envelope,
    answer: Result<Answer, Refusal>,
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

/// What the task has on its desk.
#[derive(Default)]
struct Desk {
    /// `None` before the first batch and after anything went wrong.
    memory: Option<Memory>,
    /// Those who watch here were told everything up to this position.
    told: Option<Position>,
    /// Another node was writing here, too; until then it is expected to go on.
    contested_until: Option<Instant>,
    /// A newer release was writing here; until then it is not looked at again.
    newer_until: Option<Instant>,
    /// The batch that is on its way to the store.
    in_flight: Option<InFlight>,
    /// What was decided on top of it; empty when nothing is on its way.
    staged: Vec<Decided>,
}

/// Whether another node was faster with what is decided now.
#[derive(Clone, Copy)]
enum Lost {
    Never,
    Before,
}

impl Desk {
    /// Another node has written here.
    fn expect_others(&mut self) {
        self.contested_until = Some(Instant::now() + CONTESTED);
    }

    /// Whether what comes next would lose, if it did not take a turn.
    fn lost(&self) -> Lost {
        match self.contested_until {
            Some(until) if Instant::now() < until => Lost::Before,
            _ => Lost::Never,
        }
    }
}

enum Attempt {
    Conflict,
    SlugTaken,
    Newer,
    Fault(anyhow::Error),
}

impl From<anyhow::Error> for Attempt {
    fn from(fault: anyhow::Error) -> Self {
        if Newer::is_why(&fault) { Self::Newer } else { Self::Fault(fault) }
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
        let Bounds { batch_max, idle, .. } = self.bounds;
        let slice = SLICE.min(idle);
        let (mut desk, mut arrived) = (Desk::default(), Vec::new());
        let mut asked_at = Instant::now();
        loop {
            let room = batch_max.saturating_sub(desk.staged.len());
            tokio::select! {
                biased;
                outcome = landed(&mut desk.in_flight), if desk.in_flight.is_some() => {
                    self.land(&mut desk, outcome).await;
                }
                waited = timeout(slice, inbox.recv_many(&mut arrived, room)), if 0 < room => {
                    match waited {
                        Ok(0) => break,
                        Ok(_) => {
                            self.take(&mut desk, std::mem::take(&mut arrived)).await;
                            asked_at = Instant::now();
                        }
                        Err(_) if desk.in_flight.is_some() => {}
                        Err(_) if may_leave(&inbox, asked_at.elapsed()) => break,
                        Err(_) => {}
                    }
                }
            }
        }
        self.settle(&mut desk).await;
        debug!(ledger = %self.id, "Closed a ledger");
    }

    /// Decides what has arrived, on top of what is on its way, and sends it off when nothing is.
    async fn take(&self, desk: &mut Desk, arrived: Vec<Envelope>) {
        // What only reads has no commit to wait for but the one that is on its way.
        let is_read = |waiting: &Envelope| waiting.request.command.only_reads();
        let (reads, writes): (Vec<_>, Vec<_>) = arrived.into_iter().partition(is_read);
        let is_news = |waiting: &Envelope| matches!(waiting.request.command, Command::CatchUp);
        if matches!(desk.lost(), Lost::Before) {
            self.settle(desk).await;
            return self.serve(desk, reads.into_iter().chain(writes).collect(), Lost::Before).await;
        }
        let may_run_ahead = desk.memory.is_some() && !writes.iter().any(is_news);
        if may_run_ahead && self.load(desk, reads.iter().chain(&writes)).await {
            self.stage(desk, reads.into_iter().chain(writes));
            if desk.in_flight.is_none() {
                self.send_off(desk);
            }
            return;
        }
        self.settle(desk).await;
        if may_run_ahead {
            desk.memory = None;
        }
        self.serve(desk, reads, Lost::Never).await;
        self.serve(desk, writes, Lost::Never).await;
    }

    /// False when the orders could not be loaded; then the memory is worth nothing, but for what was
    /// decided on it already.
    async fn load<'a>(&self, desk: &mut Desk, arrived: impl Iterator<Item = &'a Envelope>) -> bool {
        let Some(memory) = &mut desk.memory else { return false };
        let wanted = arrived.filter_map(|waiting| waiting.request.command.order_id());
        self.load_orders(memory, wanted).await.is_ok()
    }

    fn stage(&self, desk: &mut Desk, arrived: impl Iterator<Item = Envelope>) {
        let Some(memory) = &mut desk.memory else { return };
        let now = self.clock.now();
        // Where other nodes write, the head is looked at after somebody has asked, not before.
        let mut may_join = desk.in_flight.as_mut().filter(|_| !self.store.is_shared());
        for waiting in arrived {
            let answer = perform(memory, waiting.request.clone(), now);
            let is_true_before = !memory.has_changes() || shows_what_was(memory, &waiting.request);
            let decided = Decided { waiting, answer };
            match &mut may_join {
                Some(in_flight) if is_true_before => in_flight.decided.push(decided),
                _ => desk.staged.push(decided),
            }
        }
    }

    /// Sends what is staged to the store, and goes on.
    fn send_off(&self, desk: &mut Desk) {
        let Some(memory) = &mut desk.memory else { return };
        let decided = std::mem::take(&mut desk.staged);
        if decided.is_empty() {
            return;
        }
        match self.depart(memory, None) {
            Ok(in_flight) => desk.in_flight = Some(in_flight.with(decided)),
            Err(fault) => {
                desk.memory = None;
                self.fail(waiting(decided), fault.into());
            }
        }
    }

    /// What was on its way has arrived, or has not.
    async fn land(&self, desk: &mut Desk, outcome: Result<(), Attempt>) {
        let Some(in_flight) = desk.in_flight.take() else { return };
        match outcome {
            Ok(()) => {
                desk.told = Some(in_flight.head);
                // The store goes on before anybody is told.
                self.send_off(desk);
                self.tell(in_flight);
            }
            Err(attempt) => {
                // What is staged stands on what has not come to be.
                desk.memory = None;
                let failed = waiting(in_flight.decided);
                let staged = waiting(std::mem::take(&mut desk.staged));
                match attempt {
                    Attempt::Conflict => {
                        info!(ledger = %self.id, "Another node wrote; deciding again");
                        desk.expect_others();
                        self.serve(desk, failed, Lost::Before).await;
                    }
                    Attempt::SlugTaken | Attempt::Newer | Attempt::Fault(_) => {
                        self.fail(failed, attempt);
                    }
                }
                let lost = desk.lost();
                self.serve(desk, staged, lost).await;
            }
        }
    }

    /// Waits until nothing is on its way and nothing is staged.
    async fn settle(&self, desk: &mut Desk) {
        while desk.in_flight.is_some() {
            let outcome = landed(&mut desk.in_flight).await;
            self.land(desk, outcome).await;
        }
    }

    /// Decides a batch alone, again after each conflict, and answers everybody exactly once.
    async fn serve(&self, desk: &mut Desk, batch: Vec<Envelope>, mut lost: Lost) {
        if batch.is_empty() {
            return;
        }
        if desk.newer_until.is_some_and(|until| Instant::now() < until) {
            return self.fail(batch, Attempt::Newer);
        }
        for _ in 0..CONFLICTS_MAX {
            match self.attempt(desk, &batch, lost).await {
                Ok((in_flight, answers)) => {
                    let decided = batch.into_iter().zip(answers);
                    let decided =
                        decided.map(|(waiting, answer)| Decided { waiting, answer }).collect();
                    desk.told = Some(in_flight.head);
                    return self.tell(in_flight.with(decided));
                }
                Err(Attempt::Conflict) => {
                    info!(ledger = %self.id, "Another node wrote; deciding again");
                    desk.memory = None;
                    desk.expect_others();
                    lost = Lost::Before;
                }
                Err(attempt) => {
                    desk.memory = None;
                    if matches!(attempt, Attempt::Newer) {
                        desk.newer_until = Some(Instant::now() + NEWER_FOR);
                    }
                    return self.fail(batch, attempt);
                }
            }
        }
        self.fail(batch, Attempt::Conflict);
    }

    async fn attempt(
        &self,
        desk: &mut Desk,
        batch: &[Envelope],
        lost: Lost,
    ) -> Result<(InFlight, Vec<Result<Answer, Refusal>>), Attempt> {
        let commands = || batch.iter().map(|waiting| &waiting.request.command);
        // Before anything is read: what is decided in our turn cannot lose again.
        let turn = match lost {
            Lost::Before => Some(self.store.take_turn(self.id.0).await?),
            Lost::Never => None,
        };
        let known = desk.memory.as_ref().map(Memory::head);
        let memory = match &mut desk.memory {
            Some(memory) => {
                let is_news = |command| matches!(command, &Command::CatchUp);
                if turn.is_some() || commands().any(is_news) {
                    self.follow(memory).await?;
                }
                memory
            }
            None => {
                let memory = desk.memory.insert(self.open().await?);
                if self.store.is_shared() || desk.told.is_some() {
                    self.tell_news(memory, desk.told).await?;
                }
                memory
            }
        };
        desk.told = Some(memory.head());
        if turn.is_some() && known.is_some_and(|known| known < memory.head()) {
            desk.contested_until = Some(Instant::now() + CONTESTED);
        }
        self.load_orders(memory, commands().filter_map(Command::order_id)).await?;
        let now = self.clock.now();
        let requests = batch.iter().map(|waiting| waiting.request.clone());
        let answers = requests.map(|request| perform(memory, request, now)).collect();
        let mut in_flight = self.depart(memory, turn)?;
        in_flight.landed().await?;
        Ok((in_flight, answers))
    }

    /// Answers those whose request came to nothing.
    fn fail(&self, batch: Vec<Envelope>, attempt: Attempt) {
        let failure = match attempt {
            Attempt::Conflict => {
                warn!(ledger = %self.id, "Gave up after {CONFLICTS_MAX} conflicts");
                Failure::Busy
            }
            Attempt::SlugTaken => Failure::Refused(slug_taken()),
            // Said once, by whoever asks a newer server.
            Attempt::Newer => Failure::Newer,
            Attempt::Fault(fault) => {
                error!(ledger = %self.id, error = format!("{fault:#}"), "The store failed");
                Failure::Unavailable
            }
        };
        for Envelope { reply, .. } in batch {
            let _ = reply.send(Err(failure.clone()));
        }
    }
}

/// Those who wait, without what was decided.
fn waiting(decided: Vec<Decided>) -> Vec<Envelope> {
    decided.into_iter().map(|decided| decided.waiting).collect()
}

/// True for the reader of an order to whom nothing has happened in this batch.
fn shows_what_was(memory: &Memory, request: &Request) -> bool {
    match request.command {
        Command::ReadOrder { order_id } => !memory.is_touched(order_id),
        _ => false,
    }
}
