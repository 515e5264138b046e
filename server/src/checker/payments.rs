//! Where the money is: asked for only over seats, kept only for a confirmed order, else returned once.

use super::orders::{wrong, wrong_unless};
use super::{At, Checker, OrderState, PaymentState, Promise, Standing};
use crate::domain::payment::Event;
use shared::rules::PAYMENT_BOUND_SECONDS;
use shared::{Money, OrderId, PaymentId, Timestamp};

type Wrong = Option<(Promise, String)>;

impl Checker {
    pub(super) fn fold_payment(&mut self, id: OrderId, payment: PaymentId, event: Event, at: At) {
        let order = self.orders.entry(id).or_default();
        let wrong = order.may_pay(payment, &event, at.now);
        order.payments.entry(payment).or_default().fold(&event);
        if let Some((promise, what)) = wrong {
            self.broken(promise, Some(id), what);
        }
    }
}

impl PaymentState {
    fn fold(&mut self, event: &Event) {
        match event {
            Event::PaymentInitiated { .. } => self.is_in_flight = true,
            Event::PaymentQueried {} => {}
            Event::PaymentCompleted { amount, .. } => {
                self.is_in_flight = false;
                self.received = Some(*amount);
            }
            Event::PaymentRejected { .. } | Event::PaymentCancelled {} => self.is_in_flight = false,
            Event::PaymentRefundRequested { .. } => self.is_refund_requested = true,
            Event::PaymentRefunded { .. } => self.is_refunded = true,
        }
    }
}

impl OrderState {
    fn may_pay(&self, id: PaymentId, event: &Event, now: Timestamp) -> Wrong {
        let known = self.payments.get(&id).copied().unwrap_or_default();
        let money = Promise::NoMoneyIgnored;
        match event {
            Event::PaymentInitiated { amount, .. } => self.may_start(id, *amount, now),
            Event::PaymentQueried {} | Event::PaymentRejected { .. } => {
                wrong_unless(known.is_in_flight, money, "a payment that is over was asked about")
            }
            Event::PaymentCompleted { .. } => wrong_unless(
                known.received.is_none(),
                Promise::ActsOnce,
                "the same money came twice",
            ),
            Event::PaymentCancelled {} => self.may_give_up(known, now),
            Event::PaymentRefundRequested { amount } => self.may_return(id, known, *amount),
            Event::PaymentRefunded { .. } => {
                let may = known.is_refund_requested && !known.is_refunded;
                wrong_unless(may, money, "money was returned twice, or without being asked")
            }
        }
    }

    /// Only over seats that are held and alive, by somebody we can write to, for exactly the total.
    fn may_start(&self, id: PaymentId, amount: Money, now: Timestamp) -> Wrong {
        let promise = Promise::NoPaymentWithoutSeats;
        if self.payments.contains_key(&id) {
            return wrong(Promise::ActsOnce, "the same payment was started twice");
        }
        if self.in_flight().is_some() {
            return wrong(promise, "a payment was started while another one was under way");
        }
        let has_seats = self.standing == Standing::Held && !self.held.is_empty();
        if !has_seats || self.release_at() <= now {
            return wrong(promise, "a payment was started without seats being held");
        }
        let is_priced = Some(amount) == self.total && !amount.is_zero();
        let may = is_priced && self.has_registrant;
        wrong_unless(may, promise, "a payment was started for another amount, or by nobody")
    }

    /// Nobody gives up a payment before its bound, unless the order is over.
    fn may_give_up(&self, known: PaymentState, now: Timestamp) -> Wrong {
        let bound = self.hold_expires_at.plus_seconds(PAYMENT_BOUND_SECONDS);
        let is_due = !self.is_alive() || bound.max(self.release_at()) <= now;
        let may = known.is_in_flight && is_due;
        wrong_unless(may, Promise::NoMoneyIgnored, "a payment was given up too early")
    }

    /// All of it, once, and not while it pays for something.
    fn may_return(&self, id: PaymentId, known: PaymentState, amount: Money) -> Wrong {
        let promise = Promise::NoMoneyIgnored;
        if known.received != Some(amount) || known.is_refund_requested {
            return wrong(promise, "other money is returned than came, or it is returned twice");
        }
        if self.standing == Standing::Confirmed && self.confirmed_by == Some(id) {
            return wrong(promise, "the money of a confirmed order is returned");
        }
        let has_ended = matches!(self.standing, Standing::Expired | Standing::Cancelled);
        let fits = has_ended && Some(amount) == self.total && !self.granted.is_empty();
        let what = "late money is returned without trying to get the seats again";
        wrong_unless(!fits || self.tried_again, promise, what)
    }

    /// At the end of a step no money lies around, and nobody pays for what is over.
    pub(super) fn settled_money(&self) -> Wrong {
        for (id, payment) in &self.payments {
            let is_used = self.standing == Standing::Confirmed && self.confirmed_by == Some(*id);
            if payment.money().is_some() && !is_used {
                return wrong(
                    Promise::NoMoneyIgnored,
                    "money came and is neither used nor returned",
                );
            }
            if payment.is_in_flight && !self.is_alive() {
                return wrong(Promise::NoMoneyIgnored, "somebody may still pay for what is over");
            }
        }
        None
    }
}
