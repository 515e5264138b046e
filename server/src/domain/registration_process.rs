//! Given all that happened to this order, what is next?
//!
//! A to-do list, not a reaction table: `next` looks at the state of the order, its reservation and its
//! payments, and names the one thing to do now. An event only means "look again"; so duplicates,
//! restarts and reordering need no special cases, and looking twice is harmless.
//!
//! Not here: who performs it (`ledger/stage.rs`, inside the same transaction) and who wakes it when an
//! instant has come (`deadlines.rs`).

use super::conference::{self, Conference, Owner};
use super::order::{self, Order, Status as OrderStatus};
use super::payment::{self, Payment, Status as PaymentStatus};
use super::seat_assignments::{self, SeatAssignments};
use super::seats_availability::{Reservation, ReservationStatus};
use serde::{Deserialize, Serialize};
use shared::commands::{Attendee, SeatQuantity};
use shared::rules::PAYMENT_BOUND_SECONDS;
use shared::{CommandId, Money, OrderId, PaymentId, SeatTypeId, Timestamp};
use std::collections::BTreeMap;

/// All that happened to one order, as the aggregates tell it.
#[derive(Clone, Copy, Debug)]
pub struct Process<'a> {
    pub order: &'a Order,
    pub reservation: Option<&'a Reservation>,
    pub payments: &'a BTreeMap<PaymentId, Payment>,
    pub assignments: &'a SeatAssignments,
}

/// What is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Do(Todo),
    /// Nothing now; look again at this instant.
    LookAgainAt(Timestamp),
    /// Nothing, until somebody does something.
    Rest,
}

/// A command for one of the aggregates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo {
    MakeSeatReservation { revision: u32, seats: Vec<SeatQuantity> },
    MarkSeatsAsReserved { seats: Vec<SeatQuantity> },
    ConfirmOrder { reserved: Vec<SeatQuantity>, paid: Option<(PaymentId, Money)> },
    CommitSeatReservation,
    CreateSeatAssignments { seats: Vec<SeatQuantity> },
    ExpireOrder,
    CancelSeatReservation,
    QueryPayment(PaymentId),
    CancelPayment(PaymentId),
    RefundPayment(PaymentId),
    ReturnSeats,
    CloseSeatAssignments,
}

/// Something to do outside the ledger. Asked for by an event, stored in the same transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect")]
pub enum Effect {
    QueryPayment {
        order_id: OrderId,
        payment_id: PaymentId,
    },
    CancelPayment {
        order_id: OrderId,
        payment_id: PaymentId,
    },
    RefundPayment {
        order_id: OrderId,
        payment_id: PaymentId,
        amount: Money,
    },
    /// Tell the registrant that the order is confirmed, with the access code.
    MailConfirmation {
        order_id: OrderId,
    },
    /// Tell the registrant that money came too late and goes back.
    MailRefund {
        order_id: OrderId,
        amount: Money,
    },
    /// Tell the registrant that the order was given back, and what money returns.
    MailCancellation {
        order_id: OrderId,
        refund: Option<Money>,
    },
    /// Send the attendee the ticket, unless somebody else has the seat by then.
    MailTicket {
        order_id: OrderId,
        position: u32,
        attendee: Attendee,
    },
    /// Tell somebody that their ticket is void.
    MailTicketVoid {
        order_id: OrderId,
        seat_type: SeatTypeId,
        attendee: Attendee,
    },
    /// Send one-time links to all orders of this address. The links themselves are made when the mail
    /// is written, from the effect's id and the house's key: no secret waits in a table.
    MailOrderLinks {
        /// Lower case.
        email: String,
        expires_at: Timestamp,
    },
    /// Tell the owner the access code, which is not in here: it is derived from `code`.
    MailOwnerCode {
        name: String,
        email: String,
        code: CommandId,
    },
}

impl Effect {
    /// Every name that one is stored under. A worker leaves other names to newer servers.
    pub const KINDS: &'static [&'static str] = &[
        "QueryPayment",
        "CancelPayment",
        "RefundPayment",
        "MailConfirmation",
        "MailRefund",
        "MailCancellation",
        "MailTicket",
        "MailTicketVoid",
        "MailOrderLinks",
        "MailOwnerCode",
    ];

    /// The name it is stored under; one of [`Effect::KINDS`].
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::QueryPayment { .. } => "QueryPayment",
            Self::CancelPayment { .. } => "CancelPayment",
            Self::RefundPayment { .. } => "RefundPayment",
            Self::MailConfirmation { .. } => "MailConfirmation",
            Self::MailRefund { .. } => "MailRefund",
            Self::MailCancellation { .. } => "MailCancellation",
            Self::MailTicket { .. } => "MailTicket",
            Self::MailTicketVoid { .. } => "MailTicketVoid",
            Self::MailOrderLinks { .. } => "MailOrderLinks",
            Self::MailOwnerCode { .. } => "MailOwnerCode",
        }
    }

    /// The one order it is about, if there is one.
    #[must_use]
    pub const fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::QueryPayment { order_id, .. }
            | Self::CancelPayment { order_id, .. }
            | Self::RefundPayment { order_id, .. }
            | Self::MailConfirmation { order_id }
            | Self::MailRefund { order_id, .. }
            | Self::MailCancellation { order_id, .. }
            | Self::MailTicket { order_id, .. }
            | Self::MailTicketVoid { order_id, .. } => Some(*order_id),
            Self::MailOrderLinks { .. } | Self::MailOwnerCode { .. } => None,
        }
    }
}

/// What an event of the conference itself asks for outside; `conference` has folded it already.
#[must_use]
pub fn effects_of_conference(conference: &Conference, event: &conference::Event) -> Vec<Effect> {
    use conference::Event;
    if !matches!(event, Event::ConferenceCreated(_) | Event::OwnerCodeRotated { .. }) {
        return vec![];
    }
    owner_code_mail(conference).into_iter().collect()
}

/// The mail that tells the owner the access code; none where the conference is the house's own.
#[must_use]
pub fn owner_code_mail(conference: &Conference) -> Option<Effect> {
    let owner = conference.details.as_ref()?.owner.as_deref()?;
    let Owner { name, email, code } = owner.clone();
    Some(Effect::MailOwnerCode { name, email, code: code.id })
}

/// What an order's event asks for outside; `order` is as it was before.
#[must_use]
pub fn effects_of_order(order_id: OrderId, order: &Order, event: &order::Event) -> Vec<Effect> {
    match event {
        order::Event::OrderConfirmed { .. } | order::Event::ConfirmationRequested { .. } => {
            vec![Effect::MailConfirmation { order_id }]
        }
        order::Event::RegistrationCancelled {} => {
            let refund = order.total.filter(|_| order.confirmed_by.is_some());
            vec![Effect::MailCancellation { order_id, refund }]
        }
        _ => vec![],
    }
}

/// What an event of an order's seats asks for outside; `before` is as it was before.
#[must_use]
pub fn effects_of_assignments(
    order_id: OrderId,
    before: &SeatAssignments,
    event: &seat_assignments::Event,
) -> Vec<Effect> {
    match event {
        seat_assignments::Event::SeatAssigned { position, attendee, .. } => {
            let (position, attendee) = (*position, attendee.clone());
            vec![Effect::MailTicket { order_id, position, attendee }]
        }
        seat_assignments::Event::SeatUnassigned { position } => {
            let seat = before.seat(*position);
            let left = seat.and_then(|seat| Some((seat.seat_type, seat.assigned.clone()?)));
            left.map(|(seat_type, (attendee, _))| Effect::MailTicketVoid {
                order_id,
                seat_type,
                attendee,
            })
            .into_iter()
            .collect()
        }
        _ => vec![],
    }
}

/// What an event of an order's payment asks for outside.
#[must_use]
pub fn effects_of_payment(
    order_id: OrderId,
    payment_id: PaymentId,
    order: &Order,
    event: &payment::Event,
) -> Vec<Effect> {
    match event {
        payment::Event::PaymentQueried {} => vec![Effect::QueryPayment { order_id, payment_id }],
        payment::Event::PaymentCancelled {} => vec![Effect::CancelPayment { order_id, payment_id }],
        // The mail about the cancellation has told it already.
        payment::Event::PaymentRefundRequested { amount }
            if order.is_given_back && order.confirmed_by == Some(payment_id) =>
        {
            vec![Effect::RefundPayment { order_id, payment_id, amount: *amount }]
        }
        // Money for an order of nobody: there is nobody to tell.
        payment::Event::PaymentRefundRequested { amount } if order.registrant.is_none() => {
            vec![Effect::RefundPayment { order_id, payment_id, amount: *amount }]
        }
        payment::Event::PaymentRefundRequested { amount } => vec![
            Effect::RefundPayment { order_id, payment_id, amount: *amount },
            Effect::MailRefund { order_id, amount: *amount },
        ],
        _ => vec![],
    }
}

/// What is next for this order at `now`. Total over every combination of states; following it always
/// comes to rest, because each thing done makes its own condition false.
#[must_use]
pub fn next(process: Process<'_>, now: Timestamp) -> Next {
    match process.order.status {
        OrderStatus::Reserving => process.reserve(now),
        OrderStatus::Held | OrderStatus::PartlyHeld => process.wait_for_payment(now),
        OrderStatus::Confirmed => process.settle(),
        OrderStatus::Cancelled if process.order.is_given_back => process.give_back(),
        // Also an order nobody knows: its reservation goes back, and so does its money.
        OrderStatus::Unknown | OrderStatus::Expired | OrderStatus::Cancelled => {
            process.after_the_end()
        }
    }
}

impl Process<'_> {
    /// Placed or changed: the seats asked for are reserved, and the order is told what it got.
    fn reserve(self, now: Timestamp) -> Next {
        if self.order.release_at() <= now {
            return Next::Do(Todo::ExpireOrder);
        }
        match self.reservation {
            Some(reservation) if reservation.revision >= self.order.revision => {
                Next::Do(Todo::MarkSeatsAsReserved { seats: reservation.seats.clone() })
            }
            _ => Next::Do(Todo::MakeSeatReservation {
                revision: self.order.revision,
                seats: self.order.asked.clone(),
            }),
        }
    }

    /// Held: money makes it final, a payment in flight keeps it, the deadline ends it.
    fn wait_for_payment(self, now: Timestamp) -> Next {
        let reserved = self.seats_held();
        if !reserved.is_empty() && reserved == self.order.granted {
            if let Some(paid) = self.money_that_fits() {
                let paid = Some(paid);
                return Next::Do(Todo::ConfirmOrder { reserved: reserved.to_vec(), paid });
            }
            if self.order.is_free_of_charge() && self.order.completion_requested {
                let reserved = reserved.to_vec();
                return Next::Do(Todo::ConfirmOrder { reserved, paid: None });
            }
        }
        if let Some(refund) = self.money_that_does_not_fit() {
            return Next::Do(refund);
        }
        let release_at = self.order.release_at();
        if now < release_at {
            return Next::LookAgainAt(release_at);
        }
        match self.payment_in_flight() {
            Some((id, payment)) => self.wait_for_provider(id, payment, now),
            None => Next::Do(Todo::ExpireOrder),
        }
    }

    /// The deadline has passed while somebody may be paying: ask, wait within the bound, give up.
    fn wait_for_provider(self, id: PaymentId, payment: &Payment, now: Timestamp) -> Next {
        let bound = self.order.hold_expires_at.plus_seconds(PAYMENT_BOUND_SECONDS);
        if bound.max(self.order.release_at()) <= now {
            return Next::Do(Todo::CancelPayment(id));
        }
        match payment.next_query_at() {
            Some(again) if now < again => Next::LookAgainAt(again.min(bound)),
            _ => Next::Do(Todo::QueryPayment(id)),
        }
    }

    /// Confirmed: the hold becomes a sale, the seats wait for names, any other money goes back.
    fn settle(self) -> Next {
        if self.reservation.is_some_and(|known| known.status == ReservationStatus::Held) {
            return Next::Do(Todo::CommitSeatReservation);
        }
        if self.assignments.seats.is_none() {
            return Next::Do(Todo::CreateSeatAssignments { seats: self.order.granted.clone() });
        }
        if let Some((id, _)) = self.payment_in_flight() {
            return Next::Do(Todo::CancelPayment(id));
        }
        match self.second_payment() {
            Some(id) => Next::Do(Todo::RefundPayment(id)),
            None => Next::Rest,
        }
    }

    /// Expired or cancelled: money that came too late buys the seats back if they are free, and goes
    /// back otherwise.
    fn after_the_end(self) -> Next {
        if let Some((id, _)) = self.payment_in_flight() {
            return Next::Do(Todo::CancelPayment(id));
        }
        if let Some(refund) = self.money_that_does_not_fit() {
            return Next::Do(refund);
        }
        let Some((id, amount)) = self.money_that_fits() else { return self.end() };
        let tried_again = self.reservation.is_some_and(|r| r.revision > self.order.revision);
        if !tried_again && !self.order.granted.is_empty() {
            return Next::Do(Todo::MakeSeatReservation {
                revision: self.order.revision + 1,
                seats: self.order.granted.clone(),
            });
        }
        let reserved = self.seats_held();
        if !reserved.is_empty() && reserved == self.order.granted {
            let reserved = reserved.to_vec();
            return Next::Do(Todo::ConfirmOrder { reserved, paid: Some((id, amount)) });
        }
        Next::Do(Todo::RefundPayment(id))
    }

    /// Given back: the seats return, the names go, and all money goes back. It never buys the seats
    /// again.
    fn give_back(self) -> Next {
        match self.reservation.map(|known| known.status) {
            Some(ReservationStatus::Committed) => return Next::Do(Todo::ReturnSeats),
            Some(ReservationStatus::Held) => return Next::Do(Todo::CancelSeatReservation),
            _ => {}
        }
        if !self.assignments.is_closed {
            return Next::Do(Todo::CloseSeatAssignments);
        }
        if let Some((id, _)) = self.payment_in_flight() {
            return Next::Do(Todo::CancelPayment(id));
        }
        let money = self.payments.iter().find(|(_, payment)| payment.money().is_some());
        money.map_or(Next::Rest, |(id, _)| Next::Do(Todo::RefundPayment(*id)))
    }

    /// Nothing is to be had any more: a hold without a living order goes back (W17).
    fn end(self) -> Next {
        if self.reservation.is_some_and(|known| known.status == ReservationStatus::Held) {
            return Next::Do(Todo::CancelSeatReservation);
        }
        Next::Rest
    }

    fn seats_held(&self) -> &[SeatQuantity] {
        self.reservation
            .filter(|known| known.status == ReservationStatus::Held)
            .map_or(&[], |known| &known.seats)
    }

    fn payment_in_flight(&self) -> Option<(PaymentId, &Payment)> {
        self.payments
            .iter()
            .find(|(_, payment)| payment.status == PaymentStatus::InFlight)
            .map(|(id, payment)| (*id, payment))
    }

    /// Money that is here and pays for exactly this order.
    fn money_that_fits(&self) -> Option<(PaymentId, Money)> {
        self.payments.iter().find_map(|(id, payment)| {
            payment.money().filter(|money| Some(*money) == self.order.total).map(|m| (*id, m))
        })
    }

    /// Money that is here but pays for another amount: the order was changed after this payment had
    /// been given up, and then it came after all.
    fn money_that_does_not_fit(&self) -> Option<Todo> {
        self.payments
            .iter()
            .find(|(_, payment)| payment.money().is_some_and(|m| Some(m) != self.order.total))
            .map(|(id, _)| Todo::RefundPayment(*id))
    }

    fn second_payment(&self) -> Option<PaymentId> {
        self.payments
            .iter()
            .find(|(id, payment)| {
                payment.money().is_some() && self.order.confirmed_by != Some(**id)
            })
            .map(|(id, _)| *id)
    }
}

#[cfg(test)]
#[path = "registration_process/tests.rs"]
mod tests;
