//! Who holds what, counted from the seats that events name and not from the changes they declare.

use super::{Checker, Promise, Standing, sorted};
use crate::domain::conference;
use crate::domain::seats_availability::{Event, SeatChange, quantity_of};
use shared::commands::SeatQuantity;
use shared::{OrderId, SeatTypeId};
use std::collections::BTreeSet;

impl Checker {
    pub(super) fn fold_conference(&mut self, event: conference::Event) {
        use conference::Event;
        match event {
            Event::ConferencePublished {} => self.is_published = true,
            Event::ConferenceUnpublished {} => self.is_published = false,
            Event::SeatTypeCreated(seat_type) => {
                self.quotas.insert(seat_type.id, seat_type.quota);
            }
            Event::QuotaChanged { seat_type, quota } => {
                self.quotas.insert(seat_type, quota);
            }
            Event::SeatTypeDeleted { seat_type } => {
                self.quotas.remove(&seat_type);
            }
            Event::ConferenceCreated(_)
            | Event::ConferenceUpdated { .. }
            | Event::SeatTypeUpdated { .. }
            | Event::OwnerCodeRotated { .. } => {}
        }
    }

    pub(super) fn fold_seats(&mut self, event: Event) {
        match event {
            Event::AvailableSeatsChanged { available_seats_changed } => {
                for SeatChange { seat_type, change } in available_seats_changed {
                    self.seats.entry(seat_type).or_default().quota += change;
                }
            }
            Event::SeatsReserved { reservation_id, seats, available_seats_changed, .. } => {
                self.reserved(reservation_id, &seats, &available_seats_changed);
            }
            Event::SeatsReservationCommitted { reservation_id, seats } => {
                self.committed(reservation_id, &seats);
            }
            Event::SeatsReservationCancelled { reservation_id, available_seats_changed } => {
                self.cancelled(reservation_id, &available_seats_changed);
            }
            Event::SeatsReturned { reservation_id, seats } => self.returned(reservation_id, &seats),
        }
    }

    /// The seats on offer are those that the owner says.
    pub(super) fn settle_quotas(&mut self) {
        let differs = |(id, counted): (&SeatTypeId, &super::Counted)| {
            let said = self.quotas.get(id).copied().unwrap_or(0);
            (counted.quota != i64::from(said)).then(|| {
                format!("{} seats of type {id} are on offer, the owner says {said}", counted.quota)
            })
        };
        let found: Vec<String> = self.seats.iter().filter_map(differs).collect();
        for what in found {
            self.broken(Promise::NeverOversold, None, what);
        }
    }

    fn reserved(&mut self, id: OrderId, seats: &[SeatQuantity], declared: &[SeatChange]) {
        let Some(order) = self.orders.get(&id) else {
            let what = "seats are held for an order that was never placed".to_owned();
            return self.broken(Promise::EveryOrderEnds, Some(id), what);
        };
        let has_ended = matches!(order.standing, Standing::Expired | Standing::Cancelled);
        let wanted = if has_ended { order.granted.clone() } else { order.asked.clone() };
        let is_final = matches!(order.standing, Standing::Confirmed | Standing::GivenBack);
        let before = order.held.clone();
        if is_final || !order.sold.is_empty() {
            let what = "seats are held for it a second time".to_owned();
            self.broken(Promise::NeverOversold, Some(id), what);
        }
        let types: BTreeSet<SeatTypeId> =
            before.iter().chain(seats).chain(&wanted).map(|line| line.seat_type).collect();
        for seat_type in types {
            let had = i64::from(quantity_of(&before, seat_type));
            let has = i64::from(quantity_of(seats, seat_type));
            let asked = i64::from(quantity_of(&wanted, seat_type));
            self.granted(id, seat_type, (had, has, asked));
            if declared_change(declared, seat_type) != had - has {
                let what = format!("it declares another change of {seat_type} than it makes");
                self.broken(Promise::HistoryIsWhole, Some(id), what);
            }
        }
        if let Some(order) = self.orders.get_mut(&id) {
            order.tried_again |= has_ended;
            order.held = seats.to_vec();
        }
    }

    /// Counts one seat type of a new hold: no more than there are, no fewer than are free.
    fn granted(&mut self, id: OrderId, seat_type: SeatTypeId, (had, has, asked): (i64, i64, i64)) {
        let counted = self.seats.entry(seat_type).or_default();
        counted.held += has - had;
        let (given, quota) = (counted.held + counted.sold, counted.quota);
        if had < has && quota < given {
            let what = format!("{given} seats of type {seat_type} are given of {quota}");
            self.broken(Promise::NeverOversold, Some(id), what);
        }
        if asked < has {
            let what = format!("{has} seats of type {seat_type} are held, {asked} were asked for");
            self.broken(Promise::NeverOversold, Some(id), what);
        }
        if has < asked && given < quota {
            let what = format!(
                "{has} of {asked} seats of type {seat_type} were granted while {} were free",
                quota - given
            );
            self.broken(Promise::NeverOversold, Some(id), what);
        }
    }

    fn committed(&mut self, id: OrderId, seats: &[SeatQuantity]) {
        let (held, standing) = self.held(id);
        if standing != Standing::Confirmed || sorted(&held) != sorted(seats) || held.is_empty() {
            let what = "seats are sold that are not held for a confirmed order".to_owned();
            self.broken(Promise::NoPaymentWithoutSeats, Some(id), what);
        }
        for line in seats {
            let counted = self.seats.entry(line.seat_type).or_default();
            counted.held -= i64::from(line.quantity);
            counted.sold += i64::from(line.quantity);
        }
        if let Some(order) = self.orders.get_mut(&id) {
            order.held.clear();
            order.sold = seats.to_vec();
        }
    }

    fn cancelled(&mut self, id: OrderId, declared: &[SeatChange]) {
        let (held, standing) = self.held(id);
        if !matches!(standing, Standing::Expired | Standing::Cancelled | Standing::Unknown) {
            let what = format!("its seats are released while it is {standing:?}");
            self.broken(Promise::EveryOrderEnds, Some(id), what);
        }
        let is_honest = held.len() == declared.len()
            && held
                .iter()
                .all(|line| declared_change(declared, line.seat_type) == i64::from(line.quantity));
        if !is_honest {
            let what = "it releases other seats than are held".to_owned();
            self.broken(Promise::NeverOversold, Some(id), what);
        }
        for line in held {
            let counted = self.seats.entry(line.seat_type).or_default();
            counted.held -= i64::from(line.quantity);
        }
        if let Some(order) = self.orders.get_mut(&id) {
            order.held.clear();
        }
    }

    fn returned(&mut self, id: OrderId, seats: &[SeatQuantity]) {
        let order = self.orders.get(&id);
        let is_right = order.is_some_and(|order| {
            order.standing == Standing::GivenBack && sorted(&order.sold) == sorted(seats)
        });
        if !is_right {
            let what = "seats return that were not sold to an order given back".to_owned();
            self.broken(Promise::NeverOversold, Some(id), what);
        }
        for line in seats {
            let counted = self.seats.entry(line.seat_type).or_default();
            counted.sold -= i64::from(line.quantity);
        }
        if let Some(order) = self.orders.get_mut(&id) {
            order.sold.clear();
        }
    }

    fn held(&self, id: OrderId) -> (Vec<SeatQuantity>, Standing) {
        let order = self.orders.get(&id);
        order.map_or((vec![], Standing::Unknown), |order| (order.held.clone(), order.standing))
    }
}

fn declared_change(declared: &[SeatChange], seat_type: SeatTypeId) -> i64 {
    declared.iter().filter(|change| change.seat_type == seat_type).map(|change| change.change).sum()
}
