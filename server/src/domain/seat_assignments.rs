//! Which seats of a confirmed order wait for a name: created once, one position per bought seat.
//! Stream: `seat-assignments-{order id}`, so a second set cannot exist (W13). Written by the
//! registration process.
//!
//! Not here yet: who sits where. Naming people belongs to the next release.

use super::{Decider, Refusal};
use serde::{Deserialize, Serialize};
use shared::commands::SeatQuantity;
use shared::{SeatTypeId, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    CreateSeatAssignments { seats: Vec<SeatQuantity> },
}

/// These names are stored. Change them only together with `events.rs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event {
    /// One entry per position 0, 1, 2 …: its seat type, in the order of the order's lines.
    SeatAssignmentsCreated { seats: Vec<SeatTypeId> },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeatAssignments {
    /// `None` before creation.
    pub seats: Option<Vec<SeatTypeId>>,
}

impl Decider for SeatAssignments {
    type Command = Command;
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::SeatAssignmentsCreated { seats } => self.seats = Some(seats.clone()),
        }
    }

    fn decide(&self, command: Command, _now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let Command::CreateSeatAssignments { seats } = command;
        if self.seats.is_some() {
            return Ok(vec![]);
        }
        let seats = seats
            .iter()
            .flat_map(|line| std::iter::repeat_n(line.seat_type, line.quantity as usize))
            .collect();
        Ok(vec![Event::SeatAssignmentsCreated { seats }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::conference::tests::{GENERAL, WORKSHOP};
    use crate::domain::kit::given;

    #[test]
    fn every_bought_seat_gets_one_position_once() {
        let seats = vec![
            SeatQuantity { seat_type: GENERAL, quantity: 2 },
            SeatQuantity { seat_type: WORKSHOP, quantity: 1 },
        ];
        given::<SeatAssignments>([])
            .when(Command::CreateSeatAssignments { seats })
            .then([Event::SeatAssignmentsCreated { seats: vec![GENERAL, GENERAL, WORKSHOP] }]);
    }
}
