//! The store as one server sees it: slow, refusing, of unknown outcome, or the last thing it ever saw.

use crate::world::{Fate, World};
use async_trait::async_trait;
use server::store::people::NewLink;
use server::store::{
    Commit, CommitError, DeadEffect, Document, Keeper, Kept, LeasedEffect, LedgerHead, LedgerId,
    Position, ProcessId, Recorded, StoreFault,
};
use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

type Result<T> = std::result::Result<T, StoreFault>;

/// One server's way to the disk. When the server dies, nothing it asked for is ever answered.
pub(crate) struct SimulatedStore {
    pub(crate) world: Arc<World>,
    pub(crate) node: usize,
    pub(crate) died: CancellationToken,
}

impl fmt::Debug for SimulatedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatedStore({})", self.node)
    }
}

pub(crate) fn fault(what: &str) -> StoreFault {
    StoreFault(anyhow::anyhow!("{what}"))
}

impl SimulatedStore {
    /// A dead server does nothing, for ever; nor does one that goes in a circle.
    async fn living(&self) {
        self.world.thawed(self.node).await;
        if self.died.is_cancelled() || !self.world.may_ask() {
            std::future::pending::<()>().await;
        }
    }

    async fn die(&self) -> ! {
        self.world.kill(self.node);
        std::future::pending().await
    }

    /// The store takes its time, and the server may be gone by then.
    async fn on_the_way(&self) {
        if let Some(pause) = self.world.pause_of_the_store() {
            tokio::time::sleep(pause).await;
            self.living().await;
        }
    }

    /// What any question meets on its way.
    async fn gate(&self) -> Result<()> {
        self.living().await;
        let fate = self.world.fate_of_a_question();
        self.on_the_way().await;
        self.world.thawed(self.node).await;
        match fate {
            Fate::CrashBefore | Fate::CrashAfter => self.die().await,
            Fate::Refused | Fate::Unanswered => Err(fault("the store does not answer")),
            Fate::Well => Ok(()),
        }
    }
}

#[async_trait]
impl Keeper for SimulatedStore {
    fn is_shared(&self) -> bool {
        self.world.plan.is_shared
    }

    async fn commit(&self, commit: &Commit) -> std::result::Result<(), CommitError> {
        self.living().await;
        let fate = self.world.fate_of_a_commit();
        self.on_the_way().await;
        match fate {
            Fate::CrashBefore => self.die().await,
            Fate::Refused => return Err(fault("the commit did not arrive").into()),
            Fate::Well | Fate::Unanswered | Fate::CrashAfter => {}
        }
        let written = self.world.commit(self.node, commit);
        self.world.thawed(self.node).await;
        match fate {
            Fate::CrashAfter => self.die().await,
            Fate::Unanswered if written.is_ok() => {
                Err(fault("nobody knows whether the commit arrived").into())
            }
            _ => {
                self.on_the_way().await;
                written
            }
        }
    }

    async fn head(&self, ledger: LedgerId) -> Result<Option<LedgerHead>> {
        self.gate().await?;
        Ok(self.world.disk().head(ledger))
    }

    async fn ledger_by_slug(&self, slug: &str) -> Result<Option<LedgerHead>> {
        self.gate().await?;
        Ok(self.world.disk().ledger_by_slug(slug))
    }

    async fn read_streams(
        &self,
        ledger: LedgerId,
        streams: &[&str],
        after: Position,
    ) -> Result<Vec<Recorded>> {
        self.gate().await?;
        Ok(self.world.disk().read(ledger, after, |e| streams.contains(&e.stream.as_str())))
    }

    async fn read_processes(
        &self,
        ledger: LedgerId,
        processes: &[ProcessId],
    ) -> Result<Vec<Recorded>> {
        self.gate().await?;
        Ok(self.world.disk().read_processes(ledger, processes))
    }

    async fn read_all(
        &self,
        ledger: LedgerId,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Recorded>> {
        self.gate().await?;
        let until = after + u64::from(limit);
        Ok(self.world.disk().read(ledger, after, |event| event.position <= until))
    }

    async fn document(&self, ledger: LedgerId, topic: &str) -> Result<Option<Document>> {
        self.gate().await?;
        Ok(self.world.disk().document(ledger, topic))
    }

    async fn kept(&self, ledger: LedgerId, topic: &str) -> Result<Option<Kept>> {
        self.gate().await?;
        Ok(self.world.disk().kept(ledger, topic))
    }

    async fn due_deadlines(
        &self,
        now: i64,
        limit: u32,
        except: &[LedgerId],
    ) -> Result<Vec<(LedgerId, ProcessId)>> {
        self.gate().await?;
        Ok(self.world.disk().due_deadlines(now, limit, except))
    }

    async fn next_deadline(&self) -> Result<Option<i64>> {
        self.gate().await?;
        Ok(self.world.disk().deadlines.values().min().copied())
    }

    async fn lease_effects(
        &self,
        _: &[&str],
        now: i64,
        lease_until: i64,
        limit: u32,
    ) -> Result<Vec<LeasedEffect>> {
        self.gate().await?;
        Ok(self.world.disk().lease_effects(now, lease_until, limit))
    }

    async fn next_effect(&self, _: &[&str]) -> Result<Option<i64>> {
        self.gate().await?;
        Ok(self.world.disk().next_effect())
    }

    async fn return_effect(&self, ledger: LedgerId, id: Uuid, due_at: i64) -> Result<()> {
        self.gate().await?;
        self.world.disk().return_effect(ledger, id, due_at);
        Ok(())
    }

    async fn retry_effect(
        &self,
        ledger: LedgerId,
        id: Uuid,
        retry_at: i64,
        error: &str,
    ) -> Result<()> {
        self.gate().await?;
        self.world.disk().retry_effect(ledger, id, retry_at, error);
        Ok(())
    }

    async fn bury_effect(&self, ledger: LedgerId, id: Uuid, error: &str) -> Result<()> {
        self.gate().await?;
        self.world.disk().bury_effect(ledger, id, error);
        Ok(())
    }

    async fn dead_effects(&self, limit: u32) -> Result<Vec<DeadEffect>> {
        self.gate().await?;
        Ok(self.world.disk().dead_effects(limit))
    }

    async fn processes_by_email(
        &self,
        ledger: LedgerId,
        email: &str,
        limit: u32,
    ) -> Result<Vec<ProcessId>> {
        self.gate().await?;
        Ok(self.world.disk().processes_by_email(ledger, email, limit))
    }

    async fn add_links(&self, ledger: LedgerId, links: &[NewLink], now: i64) -> Result<()> {
        self.gate().await?;
        self.world.disk().add_links(ledger, links, now);
        Ok(())
    }

    async fn is_ready(&self) -> bool {
        self.gate().await.is_ok()
    }

    async fn close(&self) {}
}
