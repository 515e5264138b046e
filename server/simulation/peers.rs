//! The lines between servers: slow, cut, or losing the answer.

use crate::plan::chance;
use crate::world::World;
use anyhow::{Context, bail};
use async_trait::async_trait;
use server::clock::Clock;
use server::ledger::Failure;
use server::ledger::stage::{Answer, Request};
use server::nodes::{Node, Nodes};
use server::peers::{ANSWER_WITHIN, Line, Peers};
use shared::ConferenceId;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

struct SimulatedLine {
    world: Arc<World>,
    node: usize,
}

impl fmt::Debug for SimulatedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatedLine({})", self.node)
    }
}

#[async_trait]
impl Line for SimulatedLine {
    async fn ask(
        &self,
        node: &Node,
        ledger: ConferenceId,
        request: &Request,
    ) -> anyhow::Result<Result<Answer, Failure>> {
        let mut rng = self.world.rng();
        let faults = self.world.faults();
        if chance(&mut rng, faults.slow) {
            sleep(Duration::from_millis(rng.u64(1..2_000))).await;
        }
        self.world.thawed(self.node).await;
        if chance(&mut rng, faults.dropped) {
            self.world.count("requests lost between servers");
            bail!("the line is cut");
        }
        let name: usize = node.url.parse()?;
        let other = self.world.node(name).filter(|known| known.is(node));
        let other = other.context("nobody is there")?;
        self.world.count("requests from server to server");
        // It goes on although nobody waits for it any more.
        let request = request.clone();
        let world = self.world.clone();
        let asked = tokio::spawn(async move {
            world.thawed(name).await;
            let answer = other.ledgers.perform_here(ledger, request).await;
            world.thawed(name).await;
            answer
        });
        let answer = timeout(ANSWER_WITHIN, asked).await.context("no answer in time")??;
        if chance(&mut rng, faults.lost) {
            self.world.count("answers lost between servers");
            bail!("the answer is lost");
        }
        Ok(answer)
    }
}

impl World {
    pub(crate) fn peers(self: &Arc<Self>, node: usize, heard: Nodes, clock: Clock) -> Peers {
        let line = SimulatedLine { world: self.clone(), node };
        Peers::over(Arc::new(line), heard, b"a key", clock)
    }
}
