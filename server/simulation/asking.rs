//! The way from people to servers: requests are dropped, repeated, and their answers lost.

use crate::plan::chance;
use crate::servers::Node;
use crate::world::{World, short};
use fastrand::Rng;
use server::domain::Refusal;
use server::ledger::Failure;
use server::ledger::stage::{Answer, Request};
use shared::ConferenceId;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// What a client waits for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

impl World {
    /// Some server that runs; waits for one.
    pub(crate) async fn some_node(&self, rng: &mut Rng) -> Node {
        loop {
            let running: Vec<Node> = self.state().nodes.iter().flatten().cloned().collect();
            if let Some(node) = rng.choice(running) {
                return node;
            }
            sleep(Duration::from_millis(rng.u64(100..3_000))).await;
        }
    }

    /// Sends a request until there is an answer. It may arrive several times.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        rng: &mut Rng,
        ledger: ConferenceId,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        loop {
            let faults = self.faults();
            if chance(rng, faults.dropped) {
                self.count("requests dropped");
                sleep(Duration::from_millis(rng.u64(500..10_000))).await;
                continue;
            }
            if chance(rng, faults.repeated) {
                self.repeat_later(rng, ledger, request);
            }
            let node = self.some_node(rng).await;
            let heard = self.hear(&node, ledger, request).await;
            let is_lost = chance(rng, faults.lost);
            self.tell(|| {
                let name = request.command.name();
                let order = request.command.order_id().map_or_else(String::new, short);
                let lost = if is_lost { ", but the answer is lost" } else { "" };
                format!("{name} {order} at server {}: {}{lost}", node.name, said(&heard))
            });
            match heard {
                Some(Ok(answer)) => {
                    self.is_durable(ledger, &answer);
                    if !is_lost {
                        return Ok(answer);
                    }
                    self.count("answers lost");
                }
                Some(Err(Failure::Refused(refusal))) if !is_lost => return Err(refusal),
                Some(Err(Failure::Refused(_))) => self.count("answers lost"),
                Some(Err(Failure::Busy)) => self.count("answers: busy"),
                Some(Err(Failure::Unavailable | Failure::Newer)) => {
                    self.count("answers: unavailable");
                }
                None => self.count("servers that never answered"),
            }
            sleep(Duration::from_millis(rng.u64(200..5_000))).await;
        }
    }

    /// `None`: the server died, or nobody answered.
    async fn hear(
        &self,
        node: &Node,
        ledger: ConferenceId,
        request: &Request,
    ) -> Option<Result<Answer, Failure>> {
        self.believe(node);
        let asking = async {
            self.thawed(node.name).await;
            let answer = node.ledgers.perform(ledger, request.clone()).await;
            self.thawed(node.name).await;
            answer
        };
        tokio::select! {
            biased;
            () = node.died.cancelled() => None,
            answer = timeout(PATIENCE, asking) => answer.ok(),
        }
    }

    /// Somebody looks at an order in another tab, while something else is asked in this one.
    pub(crate) fn glance(self: &Arc<Self>, rng: &mut Rng, ledger: ConferenceId, read: Request) {
        let (world, mut rng) = (self.clone(), rng.fork());
        self.errands.spawn(async move {
            sleep(Duration::from_millis(rng.u64(0..400))).await;
            let node = world.some_node(&mut rng).await;
            if let Some(Ok(answer)) = world.hear(&node, ledger, &read).await {
                world.is_durable(ledger, &answer);
            }
        });
    }

    /// A copy of the request that hangs somewhere and arrives when nobody expects it.
    fn repeat_later(self: &Arc<Self>, rng: &mut Rng, ledger: ConferenceId, request: &Request) {
        self.count("requests repeated");
        let (world, request, mut rng) = (self.clone(), request.clone(), rng.fork());
        self.errands.spawn(async move {
            let longest = if rng.bool() { 300 } else { 1_200_000 };
            sleep(Duration::from_millis(rng.u64(0..longest))).await;
            let node = world.some_node(&mut rng).await;
            let heard = world.hear(&node, ledger, &request).await;
            world.tell(|| {
                let name = request.command.name();
                let order = request.command.order_id().map_or_else(String::new, short);
                format!("{name} {order} once more at server {}: {}", node.name, said(&heard))
            });
            if let Some(Ok(answer)) = heard {
                world.is_durable(ledger, &answer);
            }
        });
    }

    /// What was answered is on the disk when it is answered.
    pub(crate) fn is_durable(&self, ledger: ConferenceId, answer: &Answer) {
        let head = self.disk().ledgers.get(&ledger.0).map_or(0, |rows| rows.head());
        if head < answer.position {
            let position = answer.position;
            self.broke(format!("position {position} was told while the head was {head}"));
        }
        if let Some(stuck) = &answer.stuck {
            self.broke(format!("the process of order {} is stuck: {}", stuck.order_id, stuck.todo));
        }
        if let Some(view) = &answer.view {
            let disk = self.disk();
            let (id, position) = (view.id, answer.position);
            let kept = disk.ledgers.get(&ledger.0).and_then(|rows| rows.order_at(id, position));
            let is_so = kept == Some(view.as_ref());
            drop(disk);
            if !is_so {
                self.broke(format!("order {id} was shown as it is not at {position}"));
            }
        }
    }
}

fn said(heard: &Option<Result<Answer, Failure>>) -> String {
    match heard {
        None => "no answer".to_owned(),
        Some(Ok(answer)) => format!("yes at {}", answer.position),
        Some(Err(Failure::Refused(refusal))) => format!("no, {:?}", refusal.code),
        Some(Err(failure)) => format!("{failure:?}"),
    }
}
