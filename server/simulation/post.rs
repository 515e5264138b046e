//! A mail server that is away, loses its own answers, or will not have a mail at all.

use crate::plan::chance;
use crate::world::{World, lock};
use async_trait::async_trait;
use lettre::Message;
use server::mailer::{MailError, Post};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// What arrived, by the mail's name.
#[derive(Debug, Default)]
pub(crate) struct Sacks {
    /// How often each came.
    pub(crate) arrived: BTreeMap<String, u32>,
    /// What the mail server will never take.
    pub(crate) refused: BTreeMap<String, u32>,
}

struct SimulatedPost {
    world: Arc<World>,
    node: usize,
    died: CancellationToken,
}

impl fmt::Debug for SimulatedPost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatedPost({})", self.node)
    }
}

#[async_trait]
impl Post for SimulatedPost {
    async fn take(&self, name: &str, _: Message) -> Result<(), MailError> {
        let mut rng = self.world.rng();
        let faults = self.world.faults();
        if chance(&mut rng, faults.slow) {
            sleep(Duration::from_millis(rng.u64(1..20_000))).await;
        }
        if self.died.is_cancelled() {
            std::future::pending::<()>().await;
        }
        let count =
            |sack: &mut BTreeMap<String, u32>| *sack.entry(name.to_owned()).or_default() += 1;
        if chance(&mut rng, faults.refused_mail) {
            self.world.count("mails refused for good");
            count(&mut lock(&self.world.sacks).refused);
            return Err(MailError::Refused("550".to_owned()));
        }
        let (fails, arrives) = (chance(&mut rng, faults.post), rng.bool());
        if !fails || arrives {
            self.world.tell(|| format!("a mail arrives: {name}"));
            self.world.count("mails arrived");
            count(&mut lock(&self.world.sacks).arrived);
            if self.world.plan.is_calm && 1 < lock(&self.world.sacks).arrived[name] {
                self.world.broke(format!("{name} was sent twice, and nothing had gone wrong"));
            }
        }
        self.world.thawed(self.node).await;
        if fails {
            self.world.count("mails without an answer");
            return Err(MailError::Fault(anyhow::anyhow!("the mail server does not answer")));
        }
        Ok(())
    }
}

impl World {
    pub(crate) fn postman(self: &Arc<Self>, node: usize, died: CancellationToken) -> Arc<dyn Post> {
        Arc::new(SimulatedPost { world: self.clone(), node, died })
    }
}
