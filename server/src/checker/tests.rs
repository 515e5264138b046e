//! A whole history that is right, and each way in which it could be wrong.

use super::*;
use crate::domain::conference;
use crate::domain::conference::tests::{GENERAL, details, seat_type};
use crate::domain::kit::{NOON, minutes};
use crate::domain::order::tests::{ada, euros};
use crate::domain::order::{Event as OrderEvent, PricedLine, TokenHash};
use crate::domain::payment::Event as PaymentEvent;
use crate::domain::seat_assignments::Event as PlaceEvent;
use crate::domain::seats_availability::{Event as SeatsEvent, SeatChange};
use shared::{AccessCode, CommandId};

const ORDER: OrderId = OrderId(Uuid::from_u128(1));
const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(9));

/// Writes a history, event by event.
#[derive(Default)]
struct Writer {
    history: Vec<Recorded>,
    versions: BTreeMap<String, u64>,
    now: Timestamp,
    command: u128,
}

impl Writer {
    /// A published conference with ten seats.
    fn open() -> Self {
        let mut writer = Self { now: NOON, ..Self::default() };
        writer.manage(conference::Event::ConferenceCreated(details()));
        writer.manage(conference::Event::SeatTypeCreated(seat_type(GENERAL, 10, 500)));
        writer.quota(10);
        writer.manage(conference::Event::ConferencePublished {});
        writer
    }

    fn write(&mut self, stream: Stream, event: &Event, process: Option<OrderId>) -> &mut Self {
        let version = self.versions.entry(stream.to_string()).or_default();
        *version += 1;
        self.command += 1;
        self.history.push(Recorded {
            position: self.history.len() as u64 + 1,
            stream: stream.to_string(),
            version: *version,
            process: process.map(|id| id.0),
            kind: event.kind().to_owned(),
            payload: event.encode(),
            command_id: Some(CommandId(Uuid::from_u128(self.command)).0),
            cause: 0,
            recorded_at: self.now.0,
        });
        self
    }

    fn manage(&mut self, event: conference::Event) -> &mut Self {
        self.write(Stream::Conference, &Event::Conference(event), None)
    }

    fn quota(&mut self, change: i64) -> &mut Self {
        let available_seats_changed = vec![SeatChange { seat_type: GENERAL, change }];
        let event = SeatsEvent::AvailableSeatsChanged { available_seats_changed };
        self.write(Stream::Seats, &Event::Seats(event), None)
    }

    fn order(&mut self, event: OrderEvent) -> &mut Self {
        self.write(Stream::Order(ORDER), &Event::Order(event), Some(ORDER))
    }

    fn payment(&mut self, event: PaymentEvent) -> &mut Self {
        self.write(Stream::Payment(ORDER, PAYMENT), &Event::Payment(event), Some(ORDER))
    }

    fn seats(&mut self, event: SeatsEvent) -> &mut Self {
        self.write(Stream::Seats, &Event::Seats(event), Some(ORDER))
    }

    fn places(&mut self, event: PlaceEvent) -> &mut Self {
        self.write(Stream::SeatAssignments(ORDER), &Event::SeatAssignments(event), Some(ORDER))
    }

    fn placed(&mut self, quantity: u32) -> &mut Self {
        self.order(OrderEvent::OrderPlaced {
            seats: seats(quantity),
            hold_expires_at: minutes(15),
            grace_seconds: 60,
            access_code: AccessCode::from_random(1),
            token_hash: TokenHash::default(),
        });
        self.totals(quantity)
    }

    fn totals(&mut self, quantity: u32) -> &mut Self {
        let line = PricedLine {
            seat_type: GENERAL,
            name: "General admission".into(),
            unit_price: euros(500),
            quantity,
            line_total: euros(500 * i64::from(quantity)),
        };
        let total = line.line_total;
        let is_free_of_charge = total.is_zero();
        self.order(OrderEvent::OrderTotalsCalculated {
            lines: vec![line],
            total,
            is_free_of_charge,
        })
    }

    fn reserved(&mut self, quantity: u32) -> &mut Self {
        let change = -i64::from(quantity);
        self.seats(SeatsEvent::SeatsReserved {
            reservation_id: ORDER,
            revision: 1,
            seats: seats(quantity),
            available_seats_changed: vec![SeatChange { seat_type: GENERAL, change }],
        })
    }

    /// Somebody holds two seats and has said who they are.
    fn held(&mut self) -> &mut Self {
        self.placed(2).reserved(2);
        self.order(OrderEvent::OrderReservationCompleted { seats: seats(2) });
        self.order(OrderEvent::OrderRegistrantAssigned { registrant: ada() })
    }

    fn pays(&mut self) -> &mut Self {
        self.payment(PaymentEvent::PaymentInitiated {
            amount: euros(1_000),
            description: "Registration".into(),
            pay_at: "/pay".into(),
        })
    }

    fn paid(&mut self) -> &mut Self {
        self.payment(PaymentEvent::PaymentCompleted { amount: euros(1_000), reference: "R".into() })
    }

    fn confirmed(&mut self) -> &mut Self {
        self.order(OrderEvent::OrderConfirmed { payment_id: Some(PAYMENT) });
        self.seats(SeatsEvent::SeatsReservationCommitted {
            reservation_id: ORDER,
            seats: seats(2),
        });
        self.places(PlaceEvent::SeatAssignmentsCreated { seats: vec![GENERAL, GENERAL] })
    }

    fn released(&mut self) -> &mut Self {
        self.seats(SeatsEvent::SeatsReservationCancelled {
            reservation_id: ORDER,
            available_seats_changed: vec![SeatChange { seat_type: GENERAL, change: 2 }],
        })
    }

    fn expired(&mut self) -> &mut Self {
        self.order(OrderEvent::OrderExpired {})
    }

    fn at(&mut self, now: Timestamp) -> &mut Self {
        self.now = now;
        self
    }

    /// What is found when all of it is read and nothing more will happen.
    fn found(&self) -> Vec<Violation> {
        let mut checker = Checker::new();
        for recorded in &self.history {
            checker.fold(recorded);
        }
        checker.at_rest();
        checker.violations().to_vec()
    }
}

fn seats(quantity: u32) -> Vec<SeatQuantity> {
    vec![SeatQuantity { seat_type: GENERAL, quantity }]
}

/// Expects exactly these words, after a history that begins well.
#[track_caller]
fn wrong(promise: Promise, words: &str, write: impl FnOnce(&mut Writer)) {
    let mut writer = Writer::open();
    write(&mut writer);
    let found = writer.found();
    let is_there = |v: &Violation| v.promise == promise && v.what.contains(words);
    assert!(found.iter().any(is_there), "{words}: {found:#?}");
}

#[test]
fn a_whole_order_is_right() {
    let mut writer = Writer::open();
    writer.held().pays().paid().confirmed();
    assert_eq!(writer.found(), []);
    writer.places(PlaceEvent::SeatAssignmentsClosed {});
    assert_ne!(writer.found(), [], "nobody gave it back");
}

#[test]
fn an_order_that_runs_out_is_right() {
    let mut writer = Writer::open();
    writer.held().at(minutes(16)).expired().released();
    assert_eq!(writer.found(), []);
}

#[test]
fn what_a_history_comes_to_is_counted() {
    let mut writer = Writer::open();
    writer.held().pays().paid().confirmed();
    let mut checker = Checker::new();
    for recorded in &writer.history {
        checker.fold(recorded);
    }
    let expected = Summary {
        events: writer.history.len() as u64,
        orders: 1,
        confirmed: 1,
        seats_sold: 2,
        money_kept: 1_000,
        ..Summary::default()
    };
    assert_eq!(checker.summary(), expected);
}

#[test]
fn a_gap_is_seen() {
    wrong(Promise::HistoryIsWhole, "was expected", |writer| {
        writer.held();
        writer.history.remove(5);
    });
    wrong(Promise::HistoryIsWhole, "has version", |writer| {
        writer.held();
        writer.history[5].version = 7;
    });
    wrong(Promise::HistoryIsWhole, "the future", |writer| {
        writer.held();
        writer.history[5].cause = 99;
    });
    wrong(Promise::HistoryIsWhole, "does not know", |writer| {
        writer.held();
        writer.history[5].kind = "Order.Nonsense.v1".into();
    });
}

#[test]
fn a_command_that_acts_twice_is_seen() {
    wrong(Promise::ActsOnce, "has acted at", |writer| {
        writer.held().pays();
        let last = writer.history.len() - 1;
        writer.history[last].command_id = writer.history[4].command_id;
    });
    wrong(Promise::ActsOnce, "placed twice", |writer| {
        writer.held().placed(1);
    });
    wrong(Promise::ActsOnce, "the same money", |writer| {
        writer.held().pays().paid().paid();
    });
    wrong(Promise::ActsOnce, "started twice", |writer| {
        writer.held().pays().paid().pays();
    });
}

#[test]
fn a_seat_too_many_is_seen() {
    wrong(Promise::NeverOversold, "12 seats of type", |writer| {
        writer.placed(12).reserved(12);
    });
    wrong(Promise::NeverOversold, "were free", |writer| {
        writer.placed(3).reserved(2);
    });
    wrong(Promise::NeverOversold, "were asked for", |writer| {
        writer.placed(2).reserved(3);
    });
    wrong(Promise::NeverOversold, "a second time", |writer| {
        writer.held().pays().paid().confirmed().reserved(2);
    });
    wrong(Promise::NeverOversold, "the owner says", |writer| {
        writer.quota(5);
    });
}

#[test]
fn a_quota_may_be_cut_below_what_was_given_and_then_nothing_more_is_given() {
    let cut = |writer: &mut Writer| {
        writer.held();
        writer.manage(conference::Event::QuotaChanged { seat_type: GENERAL, quota: 1 }).quota(-9);
    };
    let mut writer = Writer::open();
    cut(&mut writer);
    writer.pays().paid().confirmed();
    assert_eq!(writer.found(), []);
    wrong(Promise::NeverOversold, "are given of 1", |writer| {
        cut(writer);
        writer.order(OrderEvent::OrderUpdated { seats: seats(3) }).totals(3).reserved(3);
    });
}

#[test]
fn a_payment_without_seats_is_seen() {
    let promise = Promise::NoPaymentWithoutSeats;
    wrong(promise, "without seats being held", |writer| {
        writer.placed(2).pays();
    });
    wrong(promise, "without seats being held", |writer| {
        writer.held().at(minutes(16)).pays();
    });
    wrong(promise, "another amount", |writer| {
        writer.held().totals(1).pays();
    });
    wrong(promise, "without being paid for", |writer| {
        writer.held().confirmed();
    });
    wrong(promise, "without its seats", |writer| {
        writer.held().pays().at(minutes(16)).expired().released().paid().confirmed();
    });
    wrong(promise, "told of other seats", |writer| {
        writer.placed(2).reserved(2).order(OrderEvent::OrderPartiallyReserved { seats: seats(1) });
    });
}

#[test]
fn money_that_is_ignored_is_seen() {
    let promise = Promise::NoMoneyIgnored;
    wrong(promise, "neither used nor returned", |writer| {
        writer.held().at(minutes(16)).expired().released().paid();
    });
    wrong(promise, "somebody was paying", |writer| {
        writer.held().pays().at(minutes(16)).expired();
    });
    wrong(promise, "although it was paid", |writer| {
        writer.held().pays().paid().at(minutes(16)).expired();
    });
    wrong(promise, "given up too early", |writer| {
        writer.held().pays().at(minutes(20)).payment(PaymentEvent::PaymentCancelled {});
    });
    wrong(promise, "without trying", |writer| {
        let refund = PaymentEvent::PaymentRefundRequested { amount: euros(1_000) };
        writer.held().at(minutes(16)).expired().released().paid().payment(refund);
    });
    wrong(promise, "of a confirmed order", |writer| {
        let refund = PaymentEvent::PaymentRefundRequested { amount: euros(1_000) };
        writer.held().pays().paid().confirmed().payment(refund);
    });
    wrong(promise, "never came", |writer| {
        writer.held().pays().paid().confirmed().order(OrderEvent::RegistrationCancelled {});
        writer.payment(PaymentEvent::PaymentRefundRequested { amount: euros(1_000) });
    });
    wrong(promise, "may still pay", |writer| {
        writer.held().pays().order(OrderEvent::OrderCancelled {}).released();
    });
    wrong(promise, "the sum of its lines", |writer| {
        let event = OrderEvent::OrderTotalsCalculated {
            lines: vec![],
            total: euros(1),
            is_free_of_charge: false,
        };
        writer.held().order(event);
    });
}

#[test]
fn an_order_that_does_not_end_is_seen() {
    let promise = Promise::EveryOrderEnds;
    wrong(promise, "nothing will end it", |writer| {
        writer.held();
    });
    wrong(promise, "before its time", |writer| {
        writer.held().at(minutes(15)).expired().released();
    });
    wrong(promise, "held or sold otherwise", |writer| {
        writer.held().at(minutes(16)).expired();
    });
    wrong(promise, "are released while", |writer| {
        writer.held().released();
    });
    wrong(promise, "was hidden", |writer| {
        writer.manage(conference::Event::ConferenceUnpublished {}).placed(1);
    });
    wrong(promise, "never placed", |writer| {
        writer.reserved(1);
    });
    wrong(promise, "not told", |writer| {
        writer.placed(1).reserved(1);
    });
    wrong(promise, "places are not those", |writer| {
        writer.held().pays().paid();
        writer.order(OrderEvent::OrderConfirmed { payment_id: Some(PAYMENT) });
        let (reservation_id, seats) = (ORDER, seats(2));
        writer.seats(SeatsEvent::SeatsReservationCommitted { reservation_id, seats });
    });
}

#[test]
fn an_order_is_late_only_after_its_bounds() {
    let mut writer = Writer::open();
    writer.held().pays();
    let late = |now: Timestamp| {
        let mut checker = Checker::new();
        for recorded in &writer.history {
            checker.fold(recorded);
        }
        checker.finish(now, 60);
        checker.violations().len()
    };
    assert_eq!((late(minutes(26)), late(minutes(27))), (0, 1), "15 + 10 + 1 minutes");
}
