//! What a ledger reads: the whole conference when it opens, and orders when somebody asks for them.

use super::catch_up::CatchUp;
use super::memory::{Memory, SNAPSHOT, Snapshot};
use super::{Attempt, Ledger, PAGE};
use crate::events::CONFERENCE_STREAMS;
use crate::views::dashboard;
use shared::OrderId;
use tracing::warn;
use uuid::Uuid;

impl Ledger {
    /// Reads the newest snapshot and what follows.
    pub(super) async fn open(&self) -> Result<Memory, Attempt> {
        // The head is read first and the newest event last. When they are the same, so is everything
        // in between; otherwise another node has written meanwhile.
        let head = self.store.head(self.id.0).await?.map_or(0, |known| known.head);
        let snapshot = self.snapshot().await?;
        let after = snapshot.position;
        let tail = self.store.read_streams(self.id.0, &CONFERENCE_STREAMS, after).await?;
        let catch_up = self.catch_up().await?;
        if catch_up.position() != head {
            return Err(Attempt::Conflict);
        }
        let memory = Memory::open(self.id, head, snapshot, &tail)?;
        Ok(memory.within(self.bounds.memory).with_dashboard(catch_up.done()))
    }

    /// The newest snapshot; an empty one when there is none that can be read. Whatever is wrong with it,
    /// the events are right.
    async fn snapshot(&self) -> anyhow::Result<Snapshot> {
        let Some(document) = self.store.document(self.id.0, SNAPSHOT).await? else {
            return Ok(Snapshot::default());
        };
        Ok(Snapshot::read(&document).unwrap_or_else(|error| {
            let (ledger, position) = (self.id, document.position);
            warn!(%ledger, position, %error, "Cannot read a snapshot; reads all events instead");
            Snapshot::default()
        }))
    }

    /// Reads the dashboard's document, if that can be read, and folds what follows it.
    async fn catch_up(&self) -> anyhow::Result<CatchUp> {
        let document = self.store.document(self.id.0, dashboard::TOPIC).await?;
        let mut catch_up = match CatchUp::from(self.id, document.as_ref()) {
            Ok(catch_up) => catch_up,
            Err(error) => {
                let ledger = self.id;
                warn!(%ledger, %error, "Cannot read a dashboard; reads all events instead");
                CatchUp::from(self.id, None)?
            }
        };
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

    /// Loads those of these orders that are not remembered.
    pub(super) async fn load_orders(
        &self,
        memory: &mut Memory,
        wanted: impl Iterator<Item = OrderId>,
    ) -> Result<(), Attempt> {
        let mut missing: Vec<OrderId> = wanted.filter(|id| !memory.has_order(*id)).collect();
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
}
