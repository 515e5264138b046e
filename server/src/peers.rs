//! A request that travels to the node that usually writes its conference, and its answer back.
//!
//! Signed with the key that the nodes of one database share. Whoever is not reached in time may have
//! done what was asked: it is then decided here, and doing it again is harmless, as everywhere. Not
//! here: who that node is (`nodes.rs`).

use crate::clock::Clock;
use crate::ledger::Failure;
use crate::ledger::stage::{Answer, Request};
use crate::nodes::{Node, Nodes};
use crate::payment_gateway::signature::Signer;
use crate::trust;
use anyhow::ensure;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use shared::{ConferenceId, RefusalCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

/// Where nodes are asked.
pub const PATH: &str = "/internal/ledgers";
/// Carries the signature.
pub const HEADER: &str = "node-signature";
/// Newer nodes that are asked one after the other.
const NEWER_MAX: usize = 2;
/// Nobody waits longer for another node.
pub const ANSWER_WITHIN: Duration = Duration::from_millis(1_500);

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    pub ledger: ConferenceId,
    pub request: Request,
}

/// The same, without copying it.
#[derive(Serialize)]
struct Asking<'a> {
    ledger: ConferenceId,
    request: &'a Request,
}

/// The way to another node: a request goes there, an answer comes back, or neither.
#[async_trait]
pub trait Line: std::fmt::Debug + Send + Sync {
    /// Asks a node, within a bound.
    ///
    /// # Errors
    /// There is no answer, or one that nobody understands. It may have acted all the same.
    async fn ask(
        &self,
        node: &Node,
        ledger: ConferenceId,
        request: &Request,
    ) -> anyhow::Result<Result<Answer, Failure>>;
}

/// The other nodes, to be asked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Peers {
    nodes: Nodes,
    line: Arc<dyn Line>,
    signer: Signer,
    clock: Clock,
}

impl Peers {
    #[must_use]
    pub fn new(nodes: Nodes, key: &[u8], clock: Clock) -> Self {
        let client = trust::http(trust::nobody(), ANSWER_WITHIN);
        let line = Http { client, signer: Signer::new(key), clock: clock.clone() };
        Self::over(Arc::new(line), nodes, key, clock)
    }

    /// The same, reached in another way.
    #[must_use]
    pub fn over(line: Arc<dyn Line>, nodes: Nodes, key: &[u8], clock: Clock) -> Self {
        Self { nodes, line, signer: Signer::new(key), clock }
    }

    /// The answer of the node that usually writes this conference; `None` when it has to be decided
    /// here.
    pub async fn ask(
        &self,
        ledger: ConferenceId,
        request: &Request,
    ) -> Option<Result<Answer, Failure>> {
        let node = self.nodes.writer_elsewhere(ledger.0, Instant::now())?;
        self.ask_node(&node, ledger, request).await
    }

    /// The answer of a node of a newer release; `None` when there is none that can give one.
    pub async fn ask_newer(
        &self,
        ledger: ConferenceId,
        request: &Request,
    ) -> Option<Result<Answer, Failure>> {
        for node in self.nodes.newer(Instant::now()).iter().take(NEWER_MAX) {
            if let Some(outcome) = self.ask_node(node, ledger, request).await {
                return Some(outcome);
            }
        }
        None
    }

    async fn ask_node(
        &self,
        node: &Node,
        ledger: ConferenceId,
        request: &Request,
    ) -> Option<Result<Answer, Failure>> {
        match self.line.ask(node, ledger, request).await {
            // It may be cut off from the store, or not know what we know, and it is not so here.
            Ok(Err(Failure::Unavailable | Failure::Newer)) => None,
            Ok(outcome) => Some(outcome),
            Err(error) => {
                warn!(node = %node.id, error = format!("{error:#}"), "Another node does not answer");
                self.nodes.lost(node.id);
                None
            }
        }
    }

    /// The other nodes that were heard lately.
    #[must_use]
    pub fn others(&self) -> Vec<Node> {
        self.nodes.others(Instant::now())
    }

    /// What another node asks, if it is one; `None` when this release does not know it.
    ///
    /// # Errors
    /// The signature is not of a node of ours.
    pub fn understand(&self, signature: &str, body: &[u8]) -> Result<Option<Asked>, RefusalCode> {
        self.signer.verify(signature, body, self.clock.now())?;
        Ok(serde_json::from_slice(body).ok())
    }
}

/// Over HTTP, signed.
#[derive(Debug)]
struct Http {
    client: reqwest::Client,
    signer: Signer,
    clock: Clock,
}

#[async_trait]
impl Line for Http {
    async fn ask(
        &self,
        node: &Node,
        ledger: ConferenceId,
        request: &Request,
    ) -> anyhow::Result<Result<Answer, Failure>> {
        let body = serde_json::to_vec(&Asking { ledger, request })?;
        let signature = self.signer.sign(&body, self.clock.now());
        let request = self.client.post(format!("{}{PATH}", node.url));
        let request = request.header(HEADER, signature).header("content-type", "application/json");
        let answer = request.body(body).send().await?;
        ensure!(answer.status().is_success(), "it answers {}", answer.status());
        Ok(answer.json().await?)
    }
}
