//! Who sits on the seats of a confirmed order: created once, one position per bought seat.
//! Stream: `seat-assignments-{order id}`, so a second set cannot exist (W13). Created and closed by the
//! registration process, written by the registrant, admitted by the owner.
//!
//! Not here: who finds a ticket (`store.rs` has a look-up), and the mails that follow
//! (`registration_process.rs`).

use super::{Decider, Refusal};
use serde::{Deserialize, Serialize};
use shared::commands::{Attendee, Registrant, SeatQuantity};
use shared::{RefusalCode, SeatTypeId, Ticket, Timestamp, rules};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    CreateSeatAssignments {
        seats: Vec<SeatQuantity>,
    },
    AssignSeat {
        position: u32,
        attendee: Attendee,
        /// A fresh one, for somebody who has none for this seat.
        ticket: Ticket,
        /// From this instant on names stay as they are.
        closes_at: Timestamp,
    },
    UnassignSeat {
        position: u32,
        closes_at: Timestamp,
    },
    /// Lets in whoever shows the ticket.
    AdmitAttendee {
        position: u32,
        ticket: Ticket,
    },
    /// The order was given back: all names go, and none can come.
    CloseSeatAssignments,
}

/// These names are stored. Change them only together with `events.rs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event {
    /// One entry per position 0, 1, 2 …: its seat type, in the order of the order's lines.
    SeatAssignmentsCreated {
        seats: Vec<SeatTypeId>,
    },
    /// The seat was free, or is the same attendee's under a corrected name.
    SeatAssigned {
        position: u32,
        attendee: Attendee,
        ticket: Ticket,
    },
    /// The ticket is void.
    SeatUnassigned {
        position: u32,
    },
    SeatAdmitted {
        position: u32,
    },
    SeatAssignmentsClosed {},
}

impl Event {
    /// The one seat it is about.
    #[must_use]
    pub const fn position(&self) -> Option<u32> {
        match self {
            Self::SeatAssigned { position, .. }
            | Self::SeatUnassigned { position }
            | Self::SeatAdmitted { position } => Some(*position),
            Self::SeatAssignmentsCreated { .. } | Self::SeatAssignmentsClosed {} => None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeatAssignments {
    /// `None` before creation.
    pub seats: Option<Vec<Seat>>,
    /// The order was given back.
    pub is_closed: bool,
}

/// One bought seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    pub seat_type: SeatTypeId,
    /// Who sits there, and the ticket that proves it.
    pub assigned: Option<(Attendee, Ticket)>,
    pub is_admitted: bool,
}

impl Decider for SeatAssignments {
    type Command = Command;
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::SeatAssignmentsCreated { seats } => {
                let free = |seat_type: &SeatTypeId| Seat {
                    seat_type: *seat_type,
                    assigned: None,
                    is_admitted: false,
                };
                self.seats = Some(seats.iter().map(free).collect());
            }
            Event::SeatAssigned { position, attendee, ticket } => {
                if let Some(seat) = self.seat_mut(*position) {
                    seat.assigned = Some((attendee.clone(), *ticket));
                }
            }
            Event::SeatUnassigned { position } => {
                if let Some(seat) = self.seat_mut(*position) {
                    seat.assigned = None;
                }
            }
            Event::SeatAdmitted { position } => {
                if let Some(seat) = self.seat_mut(*position) {
                    seat.is_admitted = true;
                }
            }
            Event::SeatAssignmentsClosed {} => self.is_closed = true,
        }
    }

    fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match command {
            Command::CreateSeatAssignments { seats } => Ok(self.create(&seats)),
            Command::AssignSeat { position, attendee, ticket, closes_at } => {
                let seat = self.open_seat(position, closes_at, now)?;
                assign(seat, position, &attendee, ticket)
            }
            Command::UnassignSeat { position, closes_at } => {
                let seat = self.open_seat(position, closes_at, now)?;
                if seat.is_admitted {
                    return Err(RefusalCode::AlreadyAdmitted.into());
                }
                Ok(seat.assigned.iter().map(|_| Event::SeatUnassigned { position }).collect())
            }
            Command::AdmitAttendee { position, ticket } => self.admit(position, ticket),
            Command::CloseSeatAssignments => Ok(self.close()),
        }
    }
}

impl SeatAssignments {
    /// The seat at this position.
    #[must_use]
    pub fn seat(&self, position: u32) -> Option<&Seat> {
        self.seats.as_ref()?.get(position as usize)
    }

    /// Somebody was let in on one of the seats.
    #[must_use]
    pub fn is_anybody_admitted(&self) -> bool {
        self.seats.iter().flatten().any(|seat| seat.is_admitted)
    }

    /// Somebody but the registrant has got a ticket.
    #[must_use]
    pub fn is_anybody_else_named(&self, registrant: Option<&Registrant>) -> bool {
        let own = registrant.map(|registrant| registrant.email.to_lowercase());
        let mut named = self.seats.iter().flatten().filter_map(|seat| seat.assigned.as_ref());
        named.any(|(attendee, _)| Some(attendee.email.to_lowercase()) != own)
    }

    fn seat_mut(&mut self, position: u32) -> Option<&mut Seat> {
        let seat = self.seats.as_mut().and_then(|seats| seats.get_mut(position as usize));
        debug_assert!(seat.is_some(), "names are only on seats that exist");
        seat
    }

    fn create(&self, seats: &[SeatQuantity]) -> Vec<Event> {
        if self.seats.is_some() {
            return vec![];
        }
        let seats = seats
            .iter()
            .flat_map(|line| std::iter::repeat_n(line.seat_type, line.quantity as usize))
            .collect();
        vec![Event::SeatAssignmentsCreated { seats }]
    }

    /// A seat whose name may still change.
    fn open_seat(
        &self,
        position: u32,
        closes_at: Timestamp,
        now: Timestamp,
    ) -> Result<&Seat, Refusal> {
        if self.seats.is_none() || self.is_closed {
            return Err(RefusalCode::OrderNotConfirmed.into());
        }
        let seat = self.seat(position).ok_or(RefusalCode::SeatPositionUnknown)?;
        if closes_at <= now { Err(RefusalCode::AssignmentClosed.into()) } else { Ok(seat) }
    }

    /// The look-up that found the seat is a copy; what the seat says counts.
    fn admit(&self, position: u32, ticket: Ticket) -> Result<Vec<Event>, Refusal> {
        let seat = self.seat(position).ok_or(RefusalCode::TicketUnknown)?;
        match &seat.assigned {
            Some((_, known)) if *known == ticket && seat.is_admitted => Ok(vec![]),
            Some((_, known)) if *known == ticket => Ok(vec![Event::SeatAdmitted { position }]),
            _ => Err(RefusalCode::TicketUnknown.into()),
        }
    }

    fn close(&self) -> Vec<Event> {
        if self.is_closed {
            return vec![];
        }
        let named = (0..).zip(self.seats.iter().flatten());
        named
            .filter(|(_, seat)| seat.assigned.is_some())
            .map(|(position, _)| Event::SeatUnassigned { position })
            .chain([Event::SeatAssignmentsClosed {}])
            .collect()
    }
}

/// Another address is another person: the old ticket ends and a new one begins. Another spelling of a
/// name is not, and any difference counts as one (W34).
fn assign(
    seat: &Seat,
    position: u32,
    attendee: &Attendee,
    fresh: Ticket,
) -> Result<Vec<Event>, Refusal> {
    let attendee = rules::check_attendee(attendee)
        .map_err(|fields| Refusal::fields(RefusalCode::DetailsInvalid, fields))?;
    let is_same_person =
        |known: &Attendee| known.email.to_lowercase() == attendee.email.to_lowercase();
    match &seat.assigned {
        Some((known, _)) if *known == attendee => Ok(vec![]),
        _ if seat.is_admitted => Err(RefusalCode::AlreadyAdmitted.into()),
        Some((known, ticket)) if is_same_person(known) => {
            Ok(vec![Event::SeatAssigned { position, attendee, ticket: *ticket }])
        }
        Some(_) => Ok(vec![
            Event::SeatUnassigned { position },
            Event::SeatAssigned { position, attendee, ticket: fresh },
        ]),
        None => Ok(vec![Event::SeatAssigned { position, attendee, ticket: fresh }]),
    }
}

#[cfg(test)]
#[path = "seat_assignments/tests.rs"]
pub(crate) mod tests;
