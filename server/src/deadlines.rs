//! Wakes a ledger when an instant has come. Instants rest in a table, so a restart forgets none.
//!
//! Not here: what happens then. The ledger looks at the order and decides by itself.

use crate::clock::Clock;
use crate::ledger::Failure;
use crate::ledger::stage::{Command, Request};
use crate::ledgers::{Bells, Ledgers};
use crate::store::{LedgerId, Store, StoreFault};
use futures_util::future::join_all;
use shared::{ConferenceId, OrderId, Timestamp};
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

/// Orders looked at together.
const BATCH_MAX: u32 = 256;
/// Without a sign from a ledger the table is read again after this long, in seconds: another node may
/// have written to it.
pub const PATIENCE_SECONDS: i64 = 5;
/// Pause after the store failed, and before an order that is still due is looked at again, in seconds.
const PAUSE_SECONDS: i64 = 1;

/// The orders of a conference that a newer release has written are left to its servers for so long, in
/// seconds.
const LEFT_SECONDS: i64 = 30;

/// The worker that keeps the instants.
pub struct Deadlines {
    pub store: Store,
    pub ledgers: Ledgers,
    pub clock: Clock,
    pub bells: Bells,
    /// See [`PATIENCE_SECONDS`].
    pub patience_seconds: i64,
}

impl Deadlines {
    /// Works until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut left = HashMap::new();
        while !stop.is_cancelled() {
            let next = match self.look(&mut left).await {
                Ok(next) => next,
                Err(fault) => {
                    error!(error = format!("{fault:#}"), "Cannot read the deadlines");
                    self.clock.now().plus_seconds(PAUSE_SECONDS)
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = self.clock.sleep_until(next) => {}
                () = self.bells.earlier_deadline(next.0) => {}
            }
        }
    }

    /// Looks at every order whose instant has come; says when to look again. Those of `left` are not for
    /// us, until the instant beside them.
    async fn look(&self, left: &mut HashMap<LedgerId, Timestamp>) -> Result<Timestamp, StoreFault> {
        // Somewhere else, by another clock, the instant may not have come yet.
        let mut in_vain: HashMap<_, Timestamp> = HashMap::new();
        loop {
            let now = self.clock.now();
            left.retain(|_, until| now < *until);
            let except: Vec<LedgerId> = left.keys().copied().collect();
            let due = self.store.due_deadlines(now.0, BATCH_MAX, &except).await?;
            if due.is_empty() {
                let patience = now.plus_seconds(self.patience_seconds);
                let next = self.store.next_deadline().await?.map_or(patience, Timestamp);
                // What is left to others may be due for long.
                let soon = now.plus_seconds(PAUSE_SECONDS);
                let next = if left.is_empty() { next } else { next.max(soon) };
                return Ok(next.min(patience));
            }
            let is_worth_it = |order: &_| {
                in_vain
                    .get(order)
                    .is_none_or(|at: &Timestamp| at.plus_seconds(PAUSE_SECONDS) <= now)
            };
            let worth: Vec<_> = due.into_iter().filter(is_worth_it).collect();
            if worth.is_empty() {
                return Ok(now.plus_seconds(PAUSE_SECONDS));
            }
            let looks = worth.iter().map(|(ledger, process)| {
                let request =
                    Request::of_the_house(Command::LookAgain { order_id: OrderId(*process) });
                self.ledgers.perform(ConferenceId(*ledger), request)
            });
            let mut failed = 0;
            for (order, look) in worth.iter().zip(join_all(looks).await) {
                match look {
                    Ok(answer) if answer.has_acted => {}
                    Ok(_) => drop(in_vain.insert(*order, now)),
                    Err(Failure::Newer) => {
                        left.insert(order.0, now.plus_seconds(LEFT_SECONDS));
                    }
                    Err(_) => failed += 1,
                }
            }
            if failed > 0 {
                // Their rows are still there and due: try again, but not in a tight circle.
                warn!(orders.failed = failed, "Could not look at some orders");
                return Ok(now.plus_seconds(PAUSE_SECONDS));
            }
        }
    }
}
