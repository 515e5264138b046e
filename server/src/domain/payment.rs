//! One attempt to collect one amount. Money that arrives is always recorded, whatever was believed
//! before; it is used or returned, never ignored.
//! Stream: `payment-{order id}-{payment id}`. Written by the registrant (initiate), the provider's
//! callbacks and answers, and the registration process (query, cancel, refund).
//!
//! Not here: whether a payment may start (`order.rs`), and how the provider is reached
//! (`payment_gateway.rs`).

use super::{Decider, Refusal};
use serde::{Deserialize, Serialize};
use shared::{Money, RefusalCode, Timestamp};

/// Seconds between two questions to the provider about the same payment, at least.
pub const QUERY_INTERVAL_SECONDS: i64 = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    InitiatePayment {
        amount: Money,
        description: String,
        /// Where the registrant pays, made by the gateway.
        pay_at: String,
    },
    /// Ask the provider what became of it.
    QueryPayment,
    /// The provider says: this much money arrived.
    CompletePayment {
        amount: Money,
        reference: String,
    },
    /// The provider says: declined.
    RejectPayment {
        reason: String,
    },
    /// We give up waiting and tell the provider not to collect any more.
    CancelPayment,
    RefundPayment,
    /// The provider says: the money is on its way back.
    RecordRefund {
        reference: String,
    },
}

/// These names are stored. Change them only together with `events.rs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event {
    PaymentInitiated {
        amount: Money,
        description: String,
        pay_at: String,
    },
    PaymentQueried {},
    /// What arrived, whether or not it is what was asked for.
    PaymentCompleted {
        amount: Money,
        reference: String,
    },
    PaymentRejected {
        reason: String,
    },
    PaymentCancelled {},
    PaymentRefundRequested {
        amount: Money,
    },
    PaymentRefunded {
        reference: String,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    #[default]
    Unknown,
    InFlight,
    Completed,
    Declined,
    Cancelled,
    Refunding,
    Refunded,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    pub status: Status,
    /// What was asked for; `None` when somebody paid what nobody asked for.
    pub amount: Option<Money>,
    /// What arrived.
    pub received: Option<Money>,
    pub pay_at: String,
    /// How often the provider was asked, and when last.
    pub queries: u32,
    pub queried_at: Option<Timestamp>,
}

/// Folds events together with the instant they were recorded at, which the intervals of
/// questions are measured from.
impl Payment {
    /// Like `evolve`, and remembers when a question was asked.
    pub fn evolve_at(&mut self, event: &Event, recorded_at: Timestamp) {
        self.evolve(event);
        if matches!(event, Event::PaymentQueried {}) {
            self.queried_at = Some(recorded_at);
        }
    }
}

impl Decider for Payment {
    type Command = Command;
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::PaymentInitiated { amount, pay_at, .. } => {
                self.status = Status::InFlight;
                self.amount = Some(*amount);
                self.pay_at.clone_from(pay_at);
            }
            Event::PaymentQueried {} => self.queries += 1,
            Event::PaymentCompleted { amount, .. } => {
                self.status = Status::Completed;
                self.received = Some(*amount);
            }
            Event::PaymentRejected { .. } => self.status = Status::Declined,
            Event::PaymentCancelled {} => self.status = Status::Cancelled,
            Event::PaymentRefundRequested { .. } => self.status = Status::Refunding,
            Event::PaymentRefunded { .. } => self.status = Status::Refunded,
        }
    }

    fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        use Status::{Cancelled, Completed, Declined, InFlight, Refunded, Refunding, Unknown};
        match (self.status, command) {
            (Unknown, Command::InitiatePayment { amount, description, pay_at }) => {
                Ok(vec![Event::PaymentInitiated { amount, description, pay_at }])
            }
            // Money is real, also money that nobody here asked for (the store was restored from before
            // it, say), and money after a "no" or after we gave up. It is recorded, then used or returned.
            (
                Unknown | InFlight | Declined | Cancelled,
                Command::CompletePayment { amount, reference },
            ) => Ok(vec![Event::PaymentCompleted { amount, reference }]),
            (Completed | Refunding | Refunded, Command::CompletePayment { .. }) => Ok(vec![]),

            (Unknown, _) => Err(RefusalCode::PaymentNotFound.into()),
            // The same payment asked for again is the same payment, whatever became of it.
            (_, Command::InitiatePayment { .. }) => Ok(vec![]),

            (InFlight, Command::QueryPayment) => Ok(self.query(now)),
            (_, Command::QueryPayment) => Ok(vec![]),

            (InFlight, Command::RejectPayment { reason }) => {
                Ok(vec![Event::PaymentRejected { reason }])
            }
            (_, Command::RejectPayment { .. }) => Ok(vec![]),

            (InFlight, Command::CancelPayment) => Ok(vec![Event::PaymentCancelled {}]),
            (_, Command::CancelPayment) => Ok(vec![]),

            (Completed, Command::RefundPayment) => Ok(self
                .received
                .map(|amount| Event::PaymentRefundRequested { amount })
                .into_iter()
                .collect()),
            (Refunding | Refunded, Command::RefundPayment) => Ok(vec![]),
            (_, Command::RefundPayment) => Err(RefusalCode::PaymentRequired.into()),

            (Refunding, Command::RecordRefund { reference }) => {
                Ok(vec![Event::PaymentRefunded { reference }])
            }
            (_, Command::RecordRefund { .. }) => Ok(vec![]),
        }
    }
}

impl Payment {
    /// What arrived, if it is here and not on its way back.
    #[must_use]
    pub fn money(&self) -> Option<Money> {
        self.received.filter(|_| self.status == Status::Completed)
    }

    /// When the provider may be asked again: the pauses double from half a minute to four minutes.
    #[must_use]
    pub fn next_query_at(&self) -> Option<Timestamp> {
        self.queried_at.map(|at| at.plus_seconds(15 << self.queries.min(4)))
    }

    fn query(&self, now: Timestamp) -> Vec<Event> {
        let too_soon =
            self.queried_at.is_some_and(|at| now < at.plus_seconds(QUERY_INTERVAL_SECONDS));
        if too_soon { vec![] } else { vec![Event::PaymentQueried {}] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kit::{NOON, given};
    use crate::domain::order::tests::euros;

    fn initiated() -> Event {
        Event::PaymentInitiated {
            amount: euros(1_000),
            description: "Registration".into(),
            pay_at: "/pay".into(),
        }
    }

    fn completed() -> Event {
        Event::PaymentCompleted { amount: euros(1_000), reference: "r".into() }
    }

    fn complete() -> Command {
        Command::CompletePayment { amount: euros(1_000), reference: "r".into() }
    }

    fn refunding() -> Event {
        Event::PaymentRefundRequested { amount: euros(1_000) }
    }

    fn rejected() -> Event {
        Event::PaymentRejected { reason: "no funds".into() }
    }

    #[test]
    fn one_id_is_one_payment() {
        given::<Payment>([])
            .when(Command::InitiatePayment {
                amount: euros(1_000),
                description: "Registration".into(),
                pay_at: "/pay".into(),
            })
            .then([initiated()]);
    }

    #[test]
    fn money_is_recorded_whatever_was_believed_before() {
        given::<Payment>([initiated()]).when(complete()).then([completed()]);
        given::<Payment>([initiated(), rejected()]).when(complete()).then([completed()]);
        given::<Payment>([initiated(), Event::PaymentCancelled {}])
            .when(complete())
            .then([completed()]);
    }

    #[test]
    fn the_second_callback_changes_nothing() {
        given::<Payment>([initiated(), completed()]).when(complete()).then_nothing();
        given::<Payment>([initiated(), completed(), refunding()]).when(complete()).then_nothing();
    }

    #[test]
    fn a_decline_after_the_money_does_not_make_it_disappear() {
        given::<Payment>([initiated(), completed()])
            .when(Command::RejectPayment { reason: "no funds".into() })
            .then_nothing();
    }

    #[test]
    fn a_refund_is_asked_for_once_and_recorded_once() {
        given::<Payment>([initiated(), completed()])
            .when(Command::RefundPayment)
            .then([refunding()]);
        given::<Payment>([initiated(), completed(), refunding()])
            .when(Command::RecordRefund { reference: "b".into() })
            .then([Event::PaymentRefunded { reference: "b".into() }]);
        given::<Payment>([initiated()])
            .when(Command::RefundPayment)
            .then_refused(RefusalCode::PaymentRequired);
    }

    #[test]
    fn money_nobody_asked_for_is_recorded_too() {
        given::<Payment>([]).when(complete()).then([completed()]);
    }

    #[test]
    fn an_unknown_payment_is_not_found() {
        let reject = Command::RejectPayment { reason: "no funds".into() };
        given::<Payment>([]).when(reject).then_refused(RefusalCode::PaymentNotFound);
    }

    #[test]
    fn the_provider_is_not_asked_twice_within_five_seconds() {
        let mut payment = Payment::default();
        payment.evolve_at(&initiated(), NOON);
        payment.evolve_at(&Event::PaymentQueried {}, NOON);
        let ask = |now| payment.decide(Command::QueryPayment, now).unwrap_or_default().len();
        assert_eq!(ask(NOON.plus_seconds(4)), 0);
        assert_eq!(ask(NOON.plus_seconds(5)), 1);
        assert_eq!(payment.next_query_at(), Some(NOON.plus_seconds(30)));
    }
}
