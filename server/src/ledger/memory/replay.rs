//! A whole history read again, for whoever compares what was written beside it or writes that anew.
//!
//! The folding is the ledger's own, so that a row that is written anew is the row that the ledger would
//! write. Not here: reading pages and rows (`operator/`).

use super::{Changed, Memory, OrderFile, SNAPSHOT};
use crate::events::{Event, Stream};
use crate::store::people::Attendee;
use crate::store::{Document, Lookup, Recorded};
use crate::views;
use shared::{OrderId, Timestamp};

/// What stands beside the history of one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub lookup: Option<Lookup>,
    pub attendees: Vec<Attendee>,
}

impl Memory {
    /// Reads the next event of the whole history; true when it changed what the conference shows.
    ///
    /// # Errors
    /// The event is not of this release.
    pub fn replay(&mut self, recorded: &Recorded) -> anyhow::Result<bool> {
        self.head = recorded.position;
        let stream = Stream::parse(&recorded.stream)?;
        if !matches!(stream, Stream::Conference | Stream::Seats) {
            return Ok(false);
        }
        let event = Event::decode(&recorded.kind, &recorded.payload)?;
        let has_changed = self.fold_base(&event);
        self.base.remember(&event, recorded.command_id, recorded.position);
        Ok(has_changed)
    }

    /// The state of the conference itself, as a snapshot holds it.
    ///
    /// # Errors
    /// Never in practice: it is plain data.
    pub fn snapshot_as_it_is(&self) -> anyhow::Result<Document> {
        let (topic, body) = (SNAPSHOT.to_owned(), serde_json::to_string(&self.base)?);
        Ok(Document { topic, position: self.head, body })
    }

    /// What the conference shows, as its document holds it; `None` before it was created.
    ///
    /// # Errors
    /// Never in practice: views are plain data.
    pub fn document_as_it_is(&self) -> anyhow::Result<Option<Document>> {
        let Some(view) = &self.base.view else { return Ok(None) };
        let body = serde_json::to_string(&Changed::Conference(view))?;
        let topic = views::conference::TOPIC.to_owned();
        Ok(Some(Document { topic, position: self.head, body }))
    }

    /// The rows of an order that was loaded from these events (and others).
    #[must_use]
    pub fn rows(&self, id: OrderId, events: &[Recorded]) -> Rows {
        let own = |recorded: &&Recorded| {
            recorded.process == Some(id.0)
                && matches!(Stream::parse(&recorded.stream), Ok(Stream::Order(_)))
        };
        let changed_at = events.iter().rev().find(own).map_or(0, |recorded| recorded.recorded_at);
        let seats = self.order(id).and_then(|file| file.assignments.seats.as_ref());
        let places = 0..seats.map_or(0, |seats| u32::try_from(seats.len()).unwrap_or(u32::MAX));
        let attendees = places.filter_map(|place| self.attendee(id, place)).collect();
        Rows { lookup: self.lookup(id, changed_at), attendees }
    }

    /// Forgets the orders that were loaded.
    pub fn forget_orders(&mut self) {
        for id in std::mem::take(&mut self.orders).into_keys() {
            self.base.seats.forget(id);
        }
    }

    /// When to look at an order again, as its process says at `now`: `None` when it rests.
    #[must_use]
    pub fn wakes_at(&self, id: OrderId, now: Timestamp) -> Option<Timestamp> {
        use crate::domain::registration_process::{Next, next};
        match next(self.process(id)?, now) {
            Next::Rest => None,
            Next::LookAgainAt(at) => Some(at),
            Next::Do(_) => Some(now),
        }
    }

    /// The orders that were loaded.
    pub fn files(&self) -> impl Iterator<Item = (OrderId, &OrderFile)> {
        self.orders.iter().map(|(id, file)| (*id, file))
    }
}
