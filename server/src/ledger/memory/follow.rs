//! What another node has written, folded as if it had been decided here: its views change and are
//! published, and nothing is committed.

use super::{Happened, Memory};
use crate::events::{Event, Stream};
use crate::store::Recorded;
use anyhow::ensure;
use shared::{OrderId, Timestamp};
use std::collections::HashSet;
use uuid::Uuid;

impl Memory {
    /// The orders of these events that have to be loaded before they can be followed.
    #[must_use]
    pub fn unknown(&self, events: &[Recorded]) -> Vec<Uuid> {
        let processes = events.iter().filter_map(|recorded| recorded.process);
        let unknown: HashSet<Uuid> =
            processes.filter(|id| !self.orders.contains_key(&OrderId(*id))).collect();
        unknown.into_iter().collect()
    }

    /// Loads these orders as they were at our head, from all of their events.
    ///
    /// # Errors
    /// An event is not of this release, or belongs to none of these orders.
    pub fn load_orders_at_head(
        &mut self,
        orders: &[Uuid],
        mut events: Vec<Recorded>,
    ) -> anyhow::Result<()> {
        events.retain(|recorded| recorded.position <= self.head);
        let ids: Vec<OrderId> = orders.iter().copied().map(OrderId).collect();
        self.load_orders(&ids, &events)
    }

    /// Moves our head over events that follow it without a gap. Their orders were loaded before, and
    /// no batch is under way. To be followed by [`Memory::go_on`], which publishes.
    ///
    /// # Errors
    /// There is a gap, or an event is not of this release; then the memory is worth nothing any more.
    pub fn follow(&mut self, events: &[Recorded]) -> anyhow::Result<()> {
        for recorded in events {
            let Recorded { position, version, command_id, .. } = *recorded;
            ensure!(position == self.head + 1, "position {position} after {}", self.head);
            let event = Event::decode(&recorded.kind, &recorded.payload)?;
            let stream = Stream::parse(&recorded.stream)?;
            let at = Timestamp(recorded.recorded_at);
            let happened = Happened { position, stream, version, event: &event, command_id, at };
            self.fold_conference(happened);
            self.fold_order(happened);
            self.head = position;
        }
        Ok(())
    }
}
