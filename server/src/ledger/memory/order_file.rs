//! One order with everything that belongs to it.

use crate::domain::Decider;
use crate::domain::order::Order;
use crate::domain::payment::Payment;
use crate::domain::seat_assignments::SeatAssignments;
use crate::events::{Event, Stream};
use crate::store::Position;
use crate::views;
use shared::views::OrderView;
use shared::{CommandId, PaymentId, Timestamp};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// One order with everything that belongs to it.
#[derive(Clone, Debug, Default)]
pub struct OrderFile {
    pub order: Order,
    pub payments: BTreeMap<PaymentId, Payment>,
    pub assignments: SeatAssignments,
    pub view: Option<OrderView>,
    /// Which commands were acted upon, and the position of the last event of each. A late duplicate
    /// is recognised here, even when the order has moved on since.
    pub(super) handled: HashMap<CommandId, Position>,
    pub(super) versions: HashMap<Stream, u64>,
    /// What the deadlines table says, once this ledger wrote it.
    pub(super) deadline: Option<Option<Timestamp>>,
    pub(super) touched_in_batch: u64,
}

impl OrderFile {
    /// The position of the last event that this command caused, if it was acted upon.
    #[must_use]
    pub fn handled(&self, command_id: CommandId) -> Option<Position> {
        self.handled.get(&command_id).copied()
    }

    /// Nothing has ever happened to this order.
    pub(super) fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    pub(super) fn fold(
        &mut self,
        conference: views::order::Conference<'_>,
        stream: Stream,
        event: &Event,
        at: Timestamp,
    ) -> bool {
        match (stream, event) {
            (Stream::Order(_), Event::Order(event)) => {
                self.order.evolve(event);
            }
            (Stream::Payment(_, id), Event::Payment(event)) => {
                self.payments.entry(id).or_default().evolve_at(event, at);
            }
            (Stream::SeatAssignments(_), Event::SeatAssignments(event)) => {
                self.assignments.evolve(event);
            }
            _ => {}
        }
        views::order::apply(&mut self.view, conference, stream, event, at)
    }

    pub(super) fn remember(
        &mut self,
        stream: Stream,
        version: u64,
        command_id: Option<Uuid>,
        position: Position,
    ) {
        if !matches!(stream, Stream::Conference | Stream::Seats) {
            self.versions.insert(stream, version);
        }
        if let Some(id) = command_id {
            self.handled.insert(CommandId(id), position);
        }
    }
}
