//! A batch on its way to the store, and what is said once it has arrived: answers to those who asked,
//! views to those who watch, a bell to the workers, a line to the log.

use super::memory::{Changed, Memory};
use super::stage::{Answer, Request};
use super::{Attempt, Decided, Failure, Ledger};
use crate::domain::Refusal;
use crate::store::{Commit, CommitError, LedgerId, Position, Store, Turn};
use anyhow::anyhow;
use serde_json::value::{RawValue, to_raw_value};
use shared::live::Topic;
use tokio::task::JoinHandle;
use tracing::{debug, error, info};

/// A batch on its way to the store.
pub(super) struct InFlight {
    /// The position of its last event.
    pub(super) head: Position,
    pub(super) decided: Vec<Decided>,
    /// `None` when there is nothing to write, and nobody else who could have written.
    arrival: Option<JoinHandle<Result<(), CommitError>>>,
    /// Views as they are once it has arrived, written now: the memory goes on.
    shown: Vec<(Topic, Box<RawValue>)>,
    /// Whom to wake.
    has_events: bool,
    has_effects: bool,
    looks_again_at: Option<i64>,
}

impl InFlight {
    /// The same, with those who wait for it.
    pub(super) fn with(self, decided: Vec<Decided>) -> Self {
        Self { decided, ..self }
    }

    /// Waits until the store has said yes or no. It says so once.
    pub(super) async fn landed(&mut self) -> Result<(), Attempt> {
        let Some(arrival) = &mut self.arrival else { return Ok(()) };
        let outcome = arrival.await.map_err(|panic| anyhow!("the commit died: {panic}"))?;
        Ok(outcome?)
    }
}

/// As [`InFlight::landed`]; nothing never lands.
pub(super) async fn landed(in_flight: &mut Option<InFlight>) -> Result<(), Attempt> {
    match in_flight {
        Some(in_flight) => in_flight.landed().await,
        None => std::future::pending().await,
    }
}

impl Ledger {
    /// Sends the batch that was decided on this memory to the store. The memory goes on as if it had
    /// arrived: what comes next is decided on top of it.
    pub(super) fn depart(
        &self,
        memory: &mut Memory,
        turn: Option<Turn>,
    ) -> anyhow::Result<InFlight> {
        let commit = memory.commit()?;
        let (before, mut shown) = (memory.head(), Vec::new());
        // Also what nobody watches yet: whoever begins to before this has arrived was shown what was.
        memory.go_on(|_, changed| {
            let view = to_raw_value(&changed).expect("views are plain data");
            shown.push((topic_of(&changed), view));
        });
        let (mut has_events, mut has_effects, mut looks_again_at) = (false, false, None);
        if let Some(commit) = &commit {
            has_events = !commit.events.is_empty();
            has_effects = !commit.effects.is_empty();
            looks_again_at = commit.deadlines.iter().filter_map(|(_, at)| *at).min();
        }
        let store = self.store.clone();
        let arrival = match commit {
            Some(commit) => Some(tokio::spawn(write(store, commit, turn))),
            // A refusal is as good as the head it was decided on. The only writer of a ledger knows its
            // head; where other nodes may write, one indexed read tells.
            None if !self.store.is_shared() => None,
            None => Some(tokio::spawn(confirm_head(store, self.id.0, before))),
        };
        let (head, decided) = (memory.head(), Vec::new());
        Ok(InFlight { head, decided, arrival, shown, has_events, has_effects, looks_again_at })
    }

    /// It has arrived: says so to everybody whom it concerns.
    pub(super) fn tell(&self, in_flight: InFlight) {
        self.ring(&in_flight);
        let InFlight { head, decided, shown, .. } = in_flight;
        for Decided { waiting, answer } in &decided {
            log(&waiting.request, answer);
        }
        for (topic, view) in shown {
            self.hub.publish(&topic, head, self.clock.now(), &view);
        }
        for Decided { waiting, answer } in decided {
            // Nobody waits for it any more: that is their right.
            let _ = waiting.reply.send(answer.map_err(Failure::Refused));
        }
    }

    /// Wakes the workers that wait for what this commit added.
    fn ring(&self, in_flight: &InFlight) {
        if self.store.is_shared() && in_flight.has_events {
            self.bells.head_moved(self.id, in_flight.head);
        }
        if in_flight.has_effects {
            self.bells.effect();
        }
        if let Some(at) = in_flight.looks_again_at {
            self.bells.deadline(at);
        }
    }

    /// Shows a view to those who watch it, as it is at this position.
    pub(super) fn publish(&self, position: Position, changed: &Changed<'_>) {
        self.hub.publish(&topic_of(changed), position, self.clock.now(), changed);
    }
}

fn topic_of(changed: &Changed<'_>) -> Topic {
    match changed {
        Changed::Conference(view) => Topic::Conference { slug: view.slug.clone() },
        Changed::Order(view) => Topic::Order { slug: view.conference.clone(), order_id: view.id },
        Changed::Dashboard(view) => Topic::Dashboard { slug: view.conference.slug.clone() },
    }
}

/// Either everything becomes durable, at the head that it was decided on, or nothing.
async fn write(store: Store, commit: Commit, turn: Option<Turn>) -> Result<(), CommitError> {
    match turn {
        Some(turn) => turn.commit(&store, &commit).await,
        None => store.commit(&commit).await,
    }
}

async fn confirm_head(store: Store, id: LedgerId, head: Position) -> Result<(), CommitError> {
    let found = store.head(id).await.map_err(CommitError::Fault)?;
    if found.map_or(0, |known| known.head) == head { Ok(()) } else { Err(CommitError::Conflict) }
}

/// One line per command: grep an order's id for its story. No names, codes or addresses.
fn log(request: &Request, answer: &Result<Answer, Refusal>) {
    let name = request.command.name();
    let order = request.command.order_id().map(|id| id.0);
    let command_id = request.command_id.map(|id| id.0);
    match answer {
        Ok(_) if request.command.only_reads() => {}
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
