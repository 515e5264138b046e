//! Never sell a seat twice: per seat type, sold + held ≤ quota, unless the owner cut the quota below
//! what was already given.
//! Stream: `seats-availability`, one per conference. Written by the registration process, and when a
//! quota changes. A reservation has the id of its order.
//!
//! Not here: prices, people, deadlines. A hold has no clock; the process cancels it.

use super::{Decider, Refusal};
use serde::{Deserialize, Serialize};
use shared::commands::SeatQuantity;
use shared::{OrderId, RefusalCode, SeatTypeId, Timestamp, rules};
use std::collections::{BTreeMap, HashMap};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    AddSeats {
        seat_type: SeatTypeId,
        quantity: u32,
    },
    RemoveSeats {
        seat_type: SeatTypeId,
        quantity: u32,
    },
    /// Holds what can be had of `seats`, in exchange for what the reservation held before.
    /// `revision` counts the order's changes of mind; a late duplicate of an older one does nothing.
    MakeSeatReservation {
        reservation_id: OrderId,
        revision: u32,
        seats: Vec<SeatQuantity>,
    },
    CommitSeatReservation {
        reservation_id: OrderId,
    },
    CancelSeatReservation {
        reservation_id: OrderId,
    },
    /// Takes a sale back: the seats are on offer again.
    ReturnSeats {
        reservation_id: OrderId,
    },
}

/// These names are stored. Change them only together with `events.rs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event {
    /// The quota moved.
    AvailableSeatsChanged {
        available_seats_changed: Vec<SeatChange>,
    },
    /// Emitted for every new revision, even when nothing could be had.
    SeatsReserved {
        reservation_id: OrderId,
        revision: u32,
        /// What is held now; types of which nothing is held are absent.
        seats: Vec<SeatQuantity>,
        available_seats_changed: Vec<SeatChange>,
    },
    /// The hold became a sale.
    SeatsReservationCommitted {
        reservation_id: OrderId,
        seats: Vec<SeatQuantity>,
    },
    SeatsReservationCancelled {
        reservation_id: OrderId,
        available_seats_changed: Vec<SeatChange>,
    },
    /// The sale was taken back.
    SeatsReturned {
        reservation_id: OrderId,
        seats: Vec<SeatQuantity>,
    },
}

/// By how much the seats on offer of one type became more (or fewer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatChange {
    pub seat_type: SeatTypeId,
    pub change: i64,
}

/// The seats of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub quota: i64,
    pub sold: i64,
    pub held: i64,
}

impl Counts {
    /// Seats nobody bought or holds; negative after the owner cut the quota too far.
    #[must_use]
    pub const fn remaining(self) -> i64 {
        self.quota - self.sold - self.held
    }
}

/// What became of one order's reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    pub revision: u32,
    pub seats: Vec<SeatQuantity>,
    pub status: ReservationStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReservationStatus {
    Held,
    Committed,
    Cancelled,
    /// Sold, and given back.
    Returned,
}

/// The counts are always complete. Reservations are remembered for the orders that are loaded: the
/// counts include the others', so that memory does not grow with history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatsAvailability {
    pub counts: BTreeMap<SeatTypeId, Counts>,
    #[serde(skip)]
    pub reservations: HashMap<OrderId, Reservation>,
}

impl Decider for SeatsAvailability {
    type Command = Command;
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        self.count(event);
        self.remember(event);
    }

    fn decide(&self, command: Command, _now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match command {
            Command::AddSeats { seat_type, quantity } => {
                Ok(quota_moved(seat_type, i64::from(quantity)))
            }
            Command::RemoveSeats { seat_type, quantity } => {
                Ok(quota_moved(seat_type, -i64::from(quantity)))
            }
            Command::MakeSeatReservation { reservation_id, revision, seats } => {
                self.make_reservation(reservation_id, revision, &seats)
            }
            Command::CommitSeatReservation { reservation_id } => {
                Ok(match self.held(reservation_id) {
                    Some(held) => vec![Event::SeatsReservationCommitted {
                        reservation_id,
                        seats: held.seats.clone(),
                    }],
                    None => vec![],
                })
            }
            Command::CancelSeatReservation { reservation_id } => {
                Ok(match self.held(reservation_id) {
                    Some(held) => vec![Event::SeatsReservationCancelled {
                        reservation_id,
                        available_seats_changed: held
                            .seats
                            .iter()
                            .map(|line| SeatChange {
                                seat_type: line.seat_type,
                                change: i64::from(line.quantity),
                            })
                            .collect(),
                    }],
                    None => vec![],
                })
            }
            Command::ReturnSeats { reservation_id } => {
                let sold = self
                    .reservation(reservation_id)
                    .filter(|known| known.status == ReservationStatus::Committed);
                Ok(sold
                    .map(|sold| Event::SeatsReturned { reservation_id, seats: sold.seats.clone() })
                    .into_iter()
                    .collect())
            }
        }
    }
}

impl SeatsAvailability {
    /// What is known of an order's reservation; `None` before it was ever made.
    #[must_use]
    pub fn reservation(&self, id: OrderId) -> Option<&Reservation> {
        self.reservations.get(&id)
    }

    /// Under 5 % of all seats are left.
    #[must_use]
    pub fn is_high_demand(&self) -> bool {
        let sum = |of: fn(&Counts) -> i64| {
            let total: i64 = self.counts.values().map(|counts| of(counts).max(0)).sum();
            u32::try_from(total).unwrap_or(u32::MAX)
        };
        rules::is_high_demand(sum(|c| c.remaining()), sum(|c| c.quota))
    }

    /// Folds what an event means for the reservation of a loaded order.
    pub fn remember(&mut self, event: &Event) {
        match event {
            Event::AvailableSeatsChanged { .. } => {}
            Event::SeatsReserved { reservation_id, revision, seats, .. } => {
                let reservation = Reservation {
                    revision: *revision,
                    seats: seats.clone(),
                    status: ReservationStatus::Held,
                };
                self.reservations.insert(*reservation_id, reservation);
            }
            Event::SeatsReservationCommitted { reservation_id, .. } => {
                self.settle(*reservation_id, ReservationStatus::Committed);
            }
            Event::SeatsReservationCancelled { reservation_id, .. } => {
                self.settle(*reservation_id, ReservationStatus::Cancelled);
            }
            Event::SeatsReturned { reservation_id, .. } => {
                self.settle(*reservation_id, ReservationStatus::Returned);
            }
        }
    }

    /// Forgets the reservation of an order that leaves memory; its seats stay counted.
    pub fn forget(&mut self, id: OrderId) {
        self.reservations.remove(&id);
    }

    /// Folds what an event means for the numbers.
    pub fn count(&mut self, event: &Event) {
        match event {
            Event::AvailableSeatsChanged { available_seats_changed } => {
                for SeatChange { seat_type, change } in available_seats_changed {
                    self.counts.entry(*seat_type).or_default().quota += change;
                }
            }
            Event::SeatsReserved { available_seats_changed, .. }
            | Event::SeatsReservationCancelled { available_seats_changed, .. } => {
                for SeatChange { seat_type, change } in available_seats_changed {
                    self.counts.entry(*seat_type).or_default().held -= change;
                }
            }
            Event::SeatsReservationCommitted { seats, .. } => {
                for SeatQuantity { seat_type, quantity } in seats {
                    let counts = self.counts.entry(*seat_type).or_default();
                    counts.held -= i64::from(*quantity);
                    counts.sold += i64::from(*quantity);
                }
            }
            Event::SeatsReturned { seats, .. } => {
                for SeatQuantity { seat_type, quantity } in seats {
                    self.counts.entry(*seat_type).or_default().sold -= i64::from(*quantity);
                }
            }
        }
        debug_assert!(self.counts.values().all(|c| c.held >= 0 && c.sold >= 0), "{self:?}");
    }

    fn settle(&mut self, id: OrderId, status: ReservationStatus) {
        debug_assert!(self.reservations.contains_key(&id), "only a reservation is settled");
        if let Some(reservation) = self.reservations.get_mut(&id) {
            reservation.status = status;
        }
    }

    fn held(&self, id: OrderId) -> Option<&Reservation> {
        self.reservation(id).filter(|known| known.status == ReservationStatus::Held)
    }

    fn make_reservation(
        &self,
        id: OrderId,
        revision: u32,
        wanted: &[SeatQuantity],
    ) -> Result<Vec<Event>, Refusal> {
        // A committed reservation is a sale, even when it was taken back, and an older revision is a
        // stale wish: a duplicate that arrives late must hold nothing (W12, W19).
        let is_stale = self.reservation(id).is_some_and(|known| {
            matches!(known.status, ReservationStatus::Committed | ReservationStatus::Returned)
                || revision <= known.revision
        });
        if is_stale {
            return Ok(vec![]);
        }
        rules::check_seats(wanted)?;
        if wanted.iter().any(|line| !self.counts.contains_key(&line.seat_type)) {
            return Err(RefusalCode::SeatTypeUnknown.into());
        }
        let before = self.held(id).map_or(&[][..], |held| &held.seats);
        let seats: Vec<SeatQuantity> = wanted
            .iter()
            .map(|line| SeatQuantity { quantity: self.grant(*line, before), ..*line })
            .filter(|line| line.quantity > 0)
            .collect();
        let available_seats_changed = difference(before, &seats);
        Ok(vec![Event::SeatsReserved {
            reservation_id: id,
            revision,
            seats,
            available_seats_changed,
        }])
    }

    fn grant(&self, wanted: SeatQuantity, before: &[SeatQuantity]) -> u32 {
        let remaining = self.counts.get(&wanted.seat_type).map_or(0, |c| c.remaining().max(0));
        let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
        rules::granted(wanted.quantity, remaining, quantity_of(before, wanted.seat_type))
    }
}

fn quota_moved(seat_type: SeatTypeId, change: i64) -> Vec<Event> {
    if change == 0 {
        return vec![];
    }
    vec![Event::AvailableSeatsChanged {
        available_seats_changed: vec![SeatChange { seat_type, change }],
    }]
}

/// How many of one type are in a list.
#[must_use]
pub fn quantity_of(seats: &[SeatQuantity], seat_type: SeatTypeId) -> u32 {
    seats.iter().find(|line| line.seat_type == seat_type).map_or(0, |line| line.quantity)
}

/// What goes back on offer (positive) and what leaves it (negative) when a hold changes.
fn difference(before: &[SeatQuantity], after: &[SeatQuantity]) -> Vec<SeatChange> {
    let given_back = before.iter().filter(|line| quantity_of(after, line.seat_type) == 0);
    after
        .iter()
        .chain(given_back)
        .map(|line| SeatChange {
            seat_type: line.seat_type,
            change: i64::from(quantity_of(before, line.seat_type))
                - i64::from(quantity_of(after, line.seat_type)),
        })
        .filter(|change| change.change != 0)
        .collect()
}

#[cfg(test)]
#[path = "seats_availability/tests.rs"]
mod tests;
