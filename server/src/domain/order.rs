//! What was asked, granted, priced and confirmed for one registrant; final at most once.
//! Stream: `order-{order id}`. Written by the registrant's commands and the registration process.
//!
//! Not here: whether seats are free (`seats_availability.rs`), the money's way (`payment.rs`), what
//! happens next (`registration_process.rs`). Facts about those arrive inside the commands.

use super::conference::Offer;
use super::{Decider, Refusal};
use serde::{Deserialize, Serialize};
use shared::commands::{Registrant, SeatQuantity};
use shared::rules::{EXTENSION_SECONDS, EXTENSIONS_MAX};
use shared::{AccessCode, Currency, Money, PaymentId, RefusalCode, SeatTypeId, Timestamp, rules};

/// How often the confirmation of one order is mailed again within an hour.
const CONFIRMATIONS_PER_HOUR: usize = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    RegisterToConference(Registration),
    MarkSeatsAsReserved {
        seats: Vec<SeatQuantity>,
    },
    AssignRegistrantDetails {
        registrant: Registrant,
        /// Somebody else has got a ticket from this registrant.
        is_anybody_else_named: bool,
    },
    ExtendSeatReservation {
        /// Seats are scarce: holds are not extended.
        high_demand: bool,
    },
    ReleaseHold,
    CompleteRegistration,
    /// Makes the order final. Carries the evidence: what is held for it at this moment, and the
    /// money that came in.
    ConfirmOrder {
        reserved: Vec<SeatQuantity>,
        paid: Option<(PaymentId, Money)>,
    },
    ExpireOrder,
    /// The registrant gives a confirmed order back.
    CancelRegistration {
        /// The owner's cut-off; `None`: not possible.
        cancel_until: Option<Timestamp>,
        /// Somebody was let in with one of its tickets.
        is_anybody_admitted: bool,
    },
    /// Somebody wants the confirmation to be mailed again.
    SendConfirmationAgain,
}

/// Seats with today's prices, and what a new order needs besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub offer: Vec<Offer>,
    pub currency: Currency,
    pub payment_in_flight: bool,
    pub token_hash: TokenHash,
    pub access_code: AccessCode,
    pub hold_seconds: u32,
    pub grace_seconds: u32,
}

/// SHA-256 of the order's token, in hex. The token itself is never stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(pub String);

/// These names are stored. Change them only together with `events.rs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event {
    OrderPlaced {
        seats: Vec<SeatQuantity>,
        /// Shown to the registrant; an instant, so that no delay moves it (W21).
        hold_expires_at: Timestamp,
        grace_seconds: u32,
        access_code: AccessCode,
        token_hash: TokenHash,
    },
    OrderUpdated {
        seats: Vec<SeatQuantity>,
    },
    OrderTotalsCalculated {
        lines: Vec<PricedLine>,
        total: Money,
        is_free_of_charge: bool,
    },
    OrderPartiallyReserved {
        seats: Vec<SeatQuantity>,
    },
    OrderReservationCompleted {
        seats: Vec<SeatQuantity>,
    },
    OrderRegistrantAssigned {
        registrant: Registrant,
    },
    SeatsReservationExtended {
        hold_expires_at: Timestamp,
    },
    /// The registrant of a free order pressed the last button.
    RegistrationCompleted {},
    OrderConfirmed {
        payment_id: Option<PaymentId>,
    },
    OrderExpired {},
    /// The registrant let the seats go.
    OrderCancelled {},
    /// The registrant gave the confirmed order back: the seats return, and so does the money.
    RegistrationCancelled {},
    ConfirmationRequested {
        /// Counted by the hour, and folding knows no time but this.
        at: Timestamp,
    },
}

/// One seat type of an order, priced. Names and prices stay as they were (the reference, §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    pub seat_type: SeatTypeId,
    pub name: String,
    pub unit_price: Money,
    pub quantity: u32,
    pub line_total: Money,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Not placed.
    #[default]
    Unknown,
    /// Placed or changed; the answer to the reservation is not known yet.
    Reserving,
    Held,
    PartlyHeld,
    Confirmed,
    Expired,
    Cancelled,
}

impl Status {
    /// The name it is stored and asked for under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Reserving => "reserving",
            Self::Held => "held",
            Self::PartlyHeld => "partly_held",
            Self::Confirmed => "confirmed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    pub status: Status,
    /// How often seats were asked for, with the first time.
    pub revision: u32,
    pub asked: Vec<SeatQuantity>,
    /// Prices of the current lines.
    pub lines: Vec<PricedLine>,
    /// What the reservation granted for this revision.
    pub granted: Vec<SeatQuantity>,
    pub total: Option<Money>,
    pub hold_expires_at: Timestamp,
    pub grace_seconds: u32,
    pub extensions: u32,
    pub registrant: Option<Registrant>,
    pub completion_requested: bool,
    pub confirmed_by: Option<PaymentId>,
    /// It was confirmed and then given back; nothing brings it to life again.
    pub is_given_back: bool,
    /// When the confirmation was asked for again; the latest ones.
    pub confirmations_requested: Vec<Timestamp>,
    pub token_hash: TokenHash,
}

impl Decider for Order {
    type Command = Command;
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::OrderPlaced { seats, hold_expires_at, grace_seconds, token_hash, .. } => {
                self.ask_for(seats);
                self.hold_expires_at = *hold_expires_at;
                self.grace_seconds = *grace_seconds;
                self.token_hash = token_hash.clone();
            }
            Event::OrderUpdated { seats } => self.ask_for(seats),
            Event::OrderTotalsCalculated { lines, total, .. } => {
                self.lines.clone_from(lines);
                self.total = Some(*total);
            }
            Event::OrderPartiallyReserved { seats } => {
                self.granted.clone_from(seats);
                self.status = Status::PartlyHeld;
            }
            Event::OrderReservationCompleted { seats } => {
                self.granted.clone_from(seats);
                self.status = Status::Held;
            }
            Event::OrderRegistrantAssigned { registrant } => {
                self.registrant = Some(registrant.clone());
            }
            Event::SeatsReservationExtended { hold_expires_at } => {
                self.hold_expires_at = *hold_expires_at;
                self.extensions += 1;
            }
            Event::RegistrationCompleted {} => self.completion_requested = true,
            Event::OrderConfirmed { payment_id } => {
                self.status = Status::Confirmed;
                self.confirmed_by = *payment_id;
            }
            Event::OrderExpired {} => self.status = Status::Expired,
            Event::OrderCancelled {} => self.status = Status::Cancelled,
            Event::RegistrationCancelled {} => {
                self.status = Status::Cancelled;
                self.is_given_back = true;
            }
            Event::ConfirmationRequested { at } => {
                self.confirmations_requested.retain(|earlier| is_same_hour(*earlier, *at));
                self.confirmations_requested.push(*at);
            }
        }
    }

    fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match command {
            Command::RegisterToConference(registration) => self.register(registration, now),
            Command::MarkSeatsAsReserved { seats } => Ok(self.mark_reserved(seats)),
            Command::AssignRegistrantDetails { registrant, is_anybody_else_named } => {
                self.assign(&registrant, is_anybody_else_named, now)
            }
            Command::ExtendSeatReservation { high_demand } => self.extend(high_demand, now),
            Command::ReleaseHold => match self.status {
                Status::Unknown => Err(RefusalCode::OrderNotFound.into()),
                Status::Confirmed => Err(RefusalCode::OrderAlreadyConfirmed.into()),
                Status::Expired | Status::Cancelled => Ok(vec![]),
                Status::Reserving | Status::Held | Status::PartlyHeld => {
                    Ok(vec![Event::OrderCancelled {}])
                }
            },
            Command::CompleteRegistration => self.complete(now),
            Command::ConfirmOrder { reserved, paid } => self.confirm(&reserved, paid),
            Command::ExpireOrder => match self.status {
                Status::Unknown => Err(RefusalCode::OrderNotFound.into()),
                Status::Confirmed => Err(RefusalCode::OrderAlreadyConfirmed.into()),
                Status::Expired | Status::Cancelled => Ok(vec![]),
                Status::Reserving | Status::Held | Status::PartlyHeld => {
                    Ok(if now < self.release_at() { vec![] } else { vec![Event::OrderExpired {}] })
                }
            },
            Command::CancelRegistration { cancel_until, is_anybody_admitted } => {
                self.give_back(cancel_until, is_anybody_admitted, now)
            }
            Command::SendConfirmationAgain => self.send_again(now),
        }
    }
}

impl Order {
    /// The order exists and can still become final in the ordinary way.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        matches!(self.status, Status::Reserving | Status::Held | Status::PartlyHeld)
    }

    /// The seats are held until then in truth, which is later than what the registrant is shown.
    #[must_use]
    pub fn release_at(&self) -> Timestamp {
        self.hold_expires_at.plus_seconds(i64::from(self.grace_seconds))
    }

    /// Nothing has to be paid for what is held.
    #[must_use]
    pub fn is_free_of_charge(&self) -> bool {
        self.total.is_some_and(Money::is_zero)
    }

    /// At least one seat is held, as far as the order was told.
    #[must_use]
    pub fn has_seats(&self) -> bool {
        matches!(self.status, Status::Held | Status::PartlyHeld) && !self.granted.is_empty()
    }

    /// Says whether a payment of `shown` may start now. Only for an order whose reservation is
    /// confirmed and alive, by somebody we can write to, and of exactly the amount the page showed.
    ///
    /// # Errors
    /// The first condition that is not met.
    pub fn check_payable(&self, shown: Money, now: Timestamp) -> Result<Money, Refusal> {
        self.check_alive(now)?;
        if !self.has_seats() {
            return Err(RefusalCode::SeatsNotHeld.into());
        }
        if self.registrant.is_none() {
            return Err(RefusalCode::RegistrantMissing.into());
        }
        match self.total {
            Some(total) if total.is_zero() => Err(RefusalCode::NothingToPay.into()),
            Some(total) if total == shown => Ok(total),
            Some(total) => {
                let detail = format!("The total changed from {shown} to {total}.");
                Err(Refusal::because(RefusalCode::TotalChanged, detail))
            }
            None => Err(RefusalCode::SeatsNotHeld.into()),
        }
    }

    fn ask_for(&mut self, seats: &[SeatQuantity]) {
        self.status = Status::Reserving;
        self.revision += 1;
        self.asked = seats.to_vec();
        self.completion_requested = false;
    }

    fn check_alive(&self, now: Timestamp) -> Result<(), Refusal> {
        match self.status {
            Status::Unknown => Err(RefusalCode::OrderNotFound.into()),
            Status::Confirmed => Err(RefusalCode::OrderAlreadyConfirmed.into()),
            Status::Expired | Status::Cancelled => Err(RefusalCode::OrderEnded.into()),
            Status::Reserving | Status::Held | Status::PartlyHeld if self.release_at() <= now => {
                Err(RefusalCode::OrderEnded.into())
            }
            Status::Reserving | Status::Held | Status::PartlyHeld => Ok(()),
        }
    }

    fn register(&self, wish: Registration, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let seats: Vec<SeatQuantity> = wish
            .offer
            .iter()
            .map(|line| SeatQuantity { seat_type: line.seat_type, quantity: line.quantity })
            .collect();
        rules::check_seats(&seats)?;
        let totals = totals(wish.offer.into_iter().map(priced).collect(), wish.currency);
        if self.status == Status::Unknown {
            let placed = Event::OrderPlaced {
                seats,
                hold_expires_at: now.plus_seconds(i64::from(wish.hold_seconds)),
                grace_seconds: wish.grace_seconds,
                access_code: wish.access_code,
                token_hash: wish.token_hash,
            };
            return Ok(vec![placed, totals]);
        }
        self.check_alive(now)?;
        if self.status == Status::Held && self.asked == seats {
            return Ok(vec![]);
        }
        if wish.payment_in_flight {
            return Err(RefusalCode::PaymentInProgress.into());
        }
        Ok(vec![Event::OrderUpdated { seats }, totals])
    }

    fn mark_reserved(&self, seats: Vec<SeatQuantity>) -> Vec<Event> {
        if self.status != Status::Reserving {
            return vec![];
        }
        if seats == self.asked {
            return vec![Event::OrderReservationCompleted { seats }];
        }
        let lines: Vec<PricedLine> = seats
            .iter()
            .filter_map(|granted| {
                let line = self.lines.iter().find(|line| line.seat_type == granted.seat_type)?;
                let line_total = line.unit_price.times(granted.quantity);
                Some(PricedLine { quantity: granted.quantity, line_total, ..line.clone() })
            })
            .collect();
        let currency = self.total.map_or(Currency::EUR, |total| total.currency);
        vec![Event::OrderPartiallyReserved { seats }, totals(lines, currency)]
    }

    /// A confirmed order's registrant may still be corrected, for a mistyped address, until somebody
    /// else's ticket says who registered them. The confirmation then goes to the new address.
    fn assign(
        &self,
        registrant: &Registrant,
        is_anybody_else_named: bool,
        now: Timestamp,
    ) -> Result<Vec<Event>, Refusal> {
        let is_corrected = self.status == Status::Confirmed && !is_anybody_else_named;
        if !is_corrected {
            self.check_alive(now)?;
        }
        let registrant = rules::check_registrant(registrant)
            .map_err(|fields| Refusal::fields(RefusalCode::DetailsInvalid, fields))?;
        if self.registrant.as_ref() == Some(&registrant) {
            return Ok(vec![]);
        }
        let mail = if is_corrected { self.send_again(now)? } else { vec![] };
        Ok([vec![Event::OrderRegistrantAssigned { registrant }], mail].concat())
    }

    fn extend(&self, high_demand: bool, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        self.check_alive(now)?;
        if !self.has_seats() {
            return Err(RefusalCode::SeatsNotHeld.into());
        }
        if high_demand {
            return Err(RefusalCode::HoldNotExtendable.into());
        }
        if self.extensions >= EXTENSIONS_MAX {
            return Err(RefusalCode::ExtensionsUsedUp.into());
        }
        // Pressed in the grace, the five minutes still count from the press, not from the past.
        let from = self.hold_expires_at.max(now);
        let hold_expires_at = from.plus_seconds(EXTENSION_SECONDS);
        Ok(vec![Event::SeatsReservationExtended { hold_expires_at }])
    }

    fn complete(&self, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        if self.status == Status::Confirmed {
            return Ok(vec![]);
        }
        self.check_alive(now)?;
        if !self.has_seats() {
            return Err(RefusalCode::SeatsNotHeld.into());
        }
        if self.registrant.is_none() {
            return Err(RefusalCode::RegistrantMissing.into());
        }
        if !self.is_free_of_charge() {
            return Err(RefusalCode::PaymentRequired.into());
        }
        Ok(if self.completion_requested { vec![] } else { vec![Event::RegistrationCompleted {}] })
    }

    /// An order becomes final only over seats that are held for it right now, and only paid for in
    /// full or, when it costs nothing, asked for. An ended order may still be revived by money (W9,
    /// W44).
    fn confirm(
        &self,
        reserved: &[SeatQuantity],
        paid: Option<(PaymentId, Money)>,
    ) -> Result<Vec<Event>, Refusal> {
        match self.status {
            Status::Unknown => return Err(RefusalCode::OrderNotFound.into()),
            Status::Confirmed => return Ok(vec![]),
            _ if self.is_given_back => return Err(RefusalCode::OrderEnded.into()),
            _ => {}
        }
        if self.granted.is_empty() || reserved != self.granted {
            return Err(RefusalCode::SeatsNotHeld.into());
        }
        let payment_id = match paid {
            Some((id, amount)) if Some(amount) == self.total => Some(id),
            None if self.is_free_of_charge() && self.completion_requested && self.is_alive() => {
                None
            }
            _ => return Err(RefusalCode::PaymentRequired.into()),
        };
        Ok(vec![Event::OrderConfirmed { payment_id }])
    }

    fn give_back(
        &self,
        cancel_until: Option<Timestamp>,
        is_anybody_admitted: bool,
        now: Timestamp,
    ) -> Result<Vec<Event>, Refusal> {
        match self.status {
            Status::Unknown => Err(RefusalCode::OrderNotFound.into()),
            Status::Cancelled if self.is_given_back => Ok(vec![]),
            Status::Confirmed if is_anybody_admitted => Err(RefusalCode::AlreadyAdmitted.into()),
            Status::Confirmed if cancel_until.is_some_and(|until| now < until) => {
                Ok(vec![Event::RegistrationCancelled {}])
            }
            Status::Confirmed => Err(RefusalCode::CancellationClosed.into()),
            _ => Err(RefusalCode::OrderNotConfirmed.into()),
        }
    }

    fn send_again(&self, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        if self.status == Status::Unknown {
            return Err(RefusalCode::OrderNotFound.into());
        }
        if self.status != Status::Confirmed {
            return Err(RefusalCode::OrderNotConfirmed.into());
        }
        let lately = self.confirmations_requested.iter().filter(|at| is_same_hour(**at, now));
        if CONFIRMATIONS_PER_HOUR <= lately.count() {
            return Err(RefusalCode::TooManyRequests.into());
        }
        Ok(vec![Event::ConfirmationRequested { at: now }])
    }
}

/// Less than an hour apart; also when a clock was set back, so that this opens no door.
fn is_same_hour(earlier: Timestamp, later: Timestamp) -> bool {
    later.ms_since(earlier) < 60 * 60 * 1_000
}

fn priced(offer: Offer) -> PricedLine {
    PricedLine {
        line_total: offer.unit_price.times(offer.quantity),
        seat_type: offer.seat_type,
        name: offer.name,
        unit_price: offer.unit_price,
        quantity: offer.quantity,
    }
}

fn totals(lines: Vec<PricedLine>, currency: Currency) -> Event {
    let total = lines.iter().fold(Money::zero(currency), |sum, line| sum.plus(line.line_total));
    Event::OrderTotalsCalculated { lines, total, is_free_of_charge: total.is_zero() }
}

#[cfg(test)]
#[path = "order/tests.rs"]
pub(crate) mod tests;
