//! What may happen to an order, and what it must have come to when a step has ended.

use super::{At, Checker, OrderState, Promise, Standing, sorted};
use crate::domain::order::{Event, PricedLine};
use crate::domain::seat_assignments::Event as PlaceEvent;
use shared::commands::SeatQuantity;
use shared::rules::{EXTENSIONS_MAX, PAYMENT_BOUND_SECONDS};
use shared::{Money, OrderId, PaymentId, SeatTypeId, Timestamp};

/// What is wrong, and which promise that breaks.
type Wrong = Option<(Promise, String)>;

impl Checker {
    pub(super) fn fold_order(&mut self, id: OrderId, event: Event, at: At) {
        let is_published = self.is_published;
        let order = self.orders.entry(id).or_default();
        let wrong = order.may(&event, is_published, at.now);
        order.fold(event);
        if let Some((promise, what)) = wrong {
            self.broken(promise, Some(id), what);
        }
    }

    pub(super) fn fold_places(&mut self, id: OrderId, event: PlaceEvent) {
        let order = self.orders.entry(id).or_default();
        if let Some((promise, what)) = order.fold_places(event) {
            self.broken(promise, Some(id), what);
        }
    }
}

impl OrderState {
    /// The latest instant at which a living order ends by itself.
    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        let bound = self.hold_expires_at.plus_seconds(PAYMENT_BOUND_SECONDS);
        let release_at = self.release_at();
        let paying = self.in_flight().map_or(release_at, |_| release_at.max(bound));
        self.is_alive().then_some(paying)
    }

    /// Says what is wrong with an event that is about to happen to this order.
    fn may(&self, event: &Event, is_published: bool, now: Timestamp) -> Wrong {
        let in_time = now < self.release_at();
        let is_held = self.standing == Standing::Held && !self.granted.is_empty();
        let ends = Promise::EveryOrderEnds;
        match event {
            Event::OrderPlaced { .. } if self.standing != Standing::Unknown => {
                wrong(Promise::ActsOnce, "it was placed twice")
            }
            Event::OrderPlaced { .. } if !is_published => {
                wrong(ends, "it was placed while the conference was hidden")
            }
            Event::OrderUpdated { .. } if !self.is_alive() || !in_time => {
                wrong(ends, "it was changed after its end")
            }
            Event::OrderUpdated { .. } if self.in_flight().is_some() => {
                wrong(Promise::NoPaymentWithoutSeats, "it was changed while somebody was paying")
            }
            Event::OrderTotalsCalculated { lines, total, is_free_of_charge } => {
                sums_up(lines, *total, *is_free_of_charge)
            }
            Event::OrderReservationCompleted { seats } => self.may_be_told(seats, true),
            Event::OrderPartiallyReserved { seats } => self.may_be_told(seats, false),
            Event::OrderRegistrantAssigned { .. }
                if !self.is_alive() && self.standing != Standing::Confirmed =>
            {
                wrong(ends, "it got a registrant after its end")
            }
            Event::SeatsReservationExtended { hold_expires_at } => {
                let is_longer = self.hold_expires_at < *hold_expires_at;
                let may = is_held && in_time && is_longer && self.extensions < EXTENSIONS_MAX;
                wrong_unless(may, ends, "its hold was extended without right")
            }
            Event::RegistrationCompleted {} => {
                let is_free = self.total.is_some_and(Money::is_zero);
                let may = is_held && in_time && is_free && self.has_registrant;
                wrong_unless(may, Promise::NoPaymentWithoutSeats, "it was completed without right")
            }
            Event::OrderConfirmed { payment_id } => self.may_be_confirmed(*payment_id),
            Event::OrderExpired {} => self.may_expire(now),
            Event::OrderCancelled {} if !self.is_alive() => {
                wrong(ends, "it was cancelled after its end")
            }
            Event::RegistrationCancelled {} if self.standing != Standing::Confirmed => {
                wrong(ends, "it was given back without being confirmed")
            }
            Event::ConfirmationRequested { .. } if self.standing != Standing::Confirmed => {
                wrong(ends, "its confirmation was sent again, and there is none")
            }
            _ => None,
        }
    }

    fn may_be_told(&self, seats: &[SeatQuantity], completely: bool) -> Wrong {
        let is_so = sorted(seats) == sorted(&self.held);
        let is_complete = sorted(seats) == sorted(&self.asked);
        let may = self.standing == Standing::Reserving && is_so && is_complete == completely;
        let what = "it was told of other seats than are held for it";
        wrong_unless(may, Promise::NoPaymentWithoutSeats, what)
    }

    fn may_be_confirmed(&self, payment_id: Option<PaymentId>) -> Wrong {
        let promise = Promise::NoPaymentWithoutSeats;
        if matches!(self.standing, Standing::Unknown | Standing::Confirmed | Standing::GivenBack) {
            return wrong(promise, "it was confirmed in a state that cannot be");
        }
        if self.held.is_empty() || sorted(&self.held) != sorted(&self.granted) {
            return wrong(promise, "it was confirmed without its seats being held");
        }
        let is_paid = match payment_id {
            Some(id) => {
                let payment = self.payments.get(&id);
                self.total.is_some() && payment.and_then(|payment| payment.money()) == self.total
            }
            None => {
                let is_free = self.total.is_some_and(Money::is_zero);
                is_free && self.completion_requested && self.is_alive()
            }
        };
        wrong_unless(is_paid, promise, "it was confirmed without being paid for")
    }

    fn may_expire(&self, now: Timestamp) -> Wrong {
        if !self.is_alive() {
            return wrong(Promise::EveryOrderEnds, "it expired after its end");
        }
        if now < self.release_at() {
            return wrong(Promise::EveryOrderEnds, "it expired before its time, with its grace");
        }
        if self.in_flight().is_some() {
            return wrong(Promise::NoMoneyIgnored, "it expired while somebody was paying");
        }
        let has_money = self.payments.values().any(|payment| payment.money().is_some());
        wrong_unless(!has_money, Promise::NoMoneyIgnored, "it expired although it was paid for")
    }

    fn fold(&mut self, event: Event) {
        match event {
            Event::OrderPlaced { seats, hold_expires_at, grace_seconds, .. } => {
                self.ask(seats);
                self.hold_expires_at = hold_expires_at;
                self.grace_seconds = grace_seconds;
            }
            Event::OrderUpdated { seats } => self.ask(seats),
            Event::OrderTotalsCalculated { total, .. } => self.total = Some(total),
            Event::OrderReservationCompleted { seats }
            | Event::OrderPartiallyReserved { seats } => {
                self.granted = seats;
                self.standing = Standing::Held;
            }
            Event::OrderRegistrantAssigned { .. } => self.has_registrant = true,
            Event::SeatsReservationExtended { hold_expires_at } => {
                self.hold_expires_at = hold_expires_at;
                self.extensions += 1;
            }
            Event::RegistrationCompleted {} => self.completion_requested = true,
            Event::OrderConfirmed { payment_id } => {
                self.standing = Standing::Confirmed;
                self.confirmed_by = payment_id;
            }
            Event::OrderExpired {} => self.standing = Standing::Expired,
            Event::OrderCancelled {} => self.standing = Standing::Cancelled,
            Event::RegistrationCancelled {} => self.standing = Standing::GivenBack,
            Event::ConfirmationRequested { .. } => {}
        }
    }

    fn ask(&mut self, seats: Vec<SeatQuantity>) {
        self.asked = seats;
        self.standing = Standing::Reserving;
        self.completion_requested = false;
    }

    fn fold_places(&mut self, event: PlaceEvent) -> Wrong {
        let promise = Promise::EveryOrderEnds;
        let is_there = |places: &Option<Vec<SeatTypeId>>, position: u32| {
            places.as_ref().is_some_and(|places| (position as usize) < places.len())
        };
        match event {
            PlaceEvent::SeatAssignmentsCreated { seats } => {
                let is_first = self.places.is_none() && self.standing == Standing::Confirmed;
                self.places = Some(seats);
                wrong_unless(is_first, Promise::ActsOnce, "its places were made without right")
            }
            PlaceEvent::SeatAssigned { position, .. } => {
                let may = is_there(&self.places, position) && !self.places_closed;
                self.names.insert(position);
                wrong_unless(may, promise, "somebody was named on a place that is not there")
            }
            PlaceEvent::SeatUnassigned { position } => {
                let was_named = self.names.remove(&position);
                wrong_unless(was_named, promise, "a name was taken off a place without one")
            }
            PlaceEvent::SeatAdmitted { position } => {
                let is_named = self.names.contains(&position);
                wrong_unless(is_named, promise, "somebody without a name was let in")
            }
            PlaceEvent::SeatAssignmentsClosed {} => {
                self.places_closed = true;
                let is_right = self.standing == Standing::GivenBack && self.names.is_empty();
                wrong_unless(is_right, promise, "its places were closed without right")
            }
        }
    }

    /// At the end of a step, an order's seats are what its standing says.
    pub(super) fn settled_seats(&self) -> Wrong {
        let (held, sold) = (sorted(&self.held), sorted(&self.sold));
        let granted = sorted(&self.granted);
        let is_right = match self.standing {
            Standing::Reserving => {
                return wrong(Promise::EveryOrderEnds, "it was not told what is held for it");
            }
            Standing::Held => held == granted && sold.is_empty(),
            Standing::Confirmed => held.is_empty() && sold == granted && !sold.is_empty(),
            Standing::Unknown | Standing::Expired | Standing::Cancelled | Standing::GivenBack => {
                held.is_empty() && sold.is_empty()
            }
        };
        let what = "seats are held or sold otherwise than it says";
        wrong_unless(is_right, Promise::EveryOrderEnds, what)
    }

    /// At the end of a step, places are there for every sale and for nothing else.
    pub(super) fn settled_places(&self) -> Wrong {
        let places = self.places.as_deref().unwrap_or_default();
        let is_right = match self.standing {
            Standing::Confirmed => counted(places) == sorted(&self.granted) && !self.places_closed,
            Standing::GivenBack => self.places_closed,
            _ => self.places.is_none(),
        };
        wrong_unless(is_right, Promise::EveryOrderEnds, "its places are not those that were sold")
    }
}

fn counted(places: &[SeatTypeId]) -> Vec<SeatQuantity> {
    let mut seats: Vec<SeatQuantity> = Vec::new();
    for seat_type in places {
        match seats.iter_mut().find(|line| line.seat_type == *seat_type) {
            Some(line) => line.quantity += 1,
            None => seats.push(SeatQuantity { seat_type: *seat_type, quantity: 1 }),
        }
    }
    sorted(&seats)
}

fn sums_up(lines: &[PricedLine], total: Money, is_free_of_charge: bool) -> Wrong {
    let is_priced = |line: &PricedLine| {
        line.line_total.minor == line.unit_price.minor * i64::from(line.quantity)
    };
    let sum: i64 = lines.iter().map(|line| line.line_total.minor).sum();
    let is_right = lines.iter().all(is_priced) && sum == total.minor;
    let is_right = is_right && is_free_of_charge == (sum == 0);
    wrong_unless(is_right, Promise::NoMoneyIgnored, "its total is not the sum of its lines")
}

#[expect(clippy::unnecessary_wraps, reason = "stands where something may be wrong")]
pub(super) fn wrong(promise: Promise, what: &str) -> Wrong {
    Some((promise, what.to_owned()))
}

pub(super) fn wrong_unless(is_right: bool, promise: Promise, what: &str) -> Wrong {
    (!is_right).then(|| (promise, what.to_owned()))
}
