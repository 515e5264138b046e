//! The to-do list row by row, and that following it always comes to rest with nothing left over.

use super::*;
use crate::domain::Decider;
use crate::domain::conference::tests::GENERAL;
use crate::domain::kit::{NOON, minutes};
use crate::domain::order::tests::{PAYMENT, euros, general, held, placed};
use crate::domain::seat_assignments::Command as Assign;
use crate::domain::seats_availability::{self as seats, SeatChange, SeatsAvailability};
use proptest::prelude::*;
use uuid::Uuid;

const ORDER: OrderId = OrderId(Uuid::from_u128(0xA));
const OTHER: OrderId = OrderId(Uuid::from_u128(0xB));
const SECOND: PaymentId = PaymentId(Uuid::from_u128(0xFF));

/// One order and its surroundings, driven the way the ledger drives them.
#[derive(Default)]
struct World {
    order: Order,
    seats: SeatsAvailability,
    payments: BTreeMap<PaymentId, Payment>,
    assignments: SeatAssignments,
    done: Vec<Todo>,
}

impl World {
    fn with_quota(quota: i64) -> Self {
        let mut world = Self::default();
        world.seats.evolve(&seats::Event::AvailableSeatsChanged {
            available_seats_changed: vec![SeatChange { seat_type: GENERAL, change: quota }],
        });
        world
    }

    /// Two seats of ten are held for 15 minutes.
    fn held() -> Self {
        let mut world = Self::with_quota(10);
        placed(2, 500).iter().for_each(|event| world.order.evolve(event));
        world.follow(NOON);
        world.order.evolve(&held(2, 500)[3]);
        world.done.clear();
        world
    }

    fn process(&self) -> Process<'_> {
        Process {
            order: &self.order,
            reservation: self.seats.reservation(ORDER),
            payments: &self.payments,
            assignments: &self.assignments,
        }
    }

    fn payment(&mut self, id: PaymentId, command: payment::Command, now: Timestamp) {
        let payment = self.payments.entry(id).or_default();
        for event in payment.decide(command, now).unwrap_or_default() {
            payment.evolve_at(&event, now);
        }
        if payment.status == PaymentStatus::Unknown {
            self.payments.remove(&id);
        }
    }

    fn pay(&mut self, id: PaymentId, now: Timestamp) {
        let amount = self.order.total.unwrap();
        let (description, pay_at) = (String::new(), String::new());
        let initiate = payment::Command::InitiatePayment { amount, description, pay_at };
        self.payment(id, initiate, now);
    }

    fn complete(&mut self, id: PaymentId, now: Timestamp) {
        // A provider that was never asked has nothing to say in these stories, but for one of them.
        let asked = self.payments.get(&id).and_then(|payment| payment.amount);
        if let Some(amount) = asked {
            let reference = "r".into();
            self.payment(id, payment::Command::CompletePayment { amount, reference }, now);
        }
    }

    fn seats(&mut self, command: seats::Command) {
        for event in self.seats.decide(command, NOON).unwrap() {
            self.seats.evolve(&event);
        }
    }

    fn assignments(&mut self, command: Assign, now: Timestamp) {
        for event in self.assignments.decide(command, now).unwrap() {
            self.assignments.evolve(&event);
        }
    }

    fn order(&mut self, command: order::Command, now: Timestamp) {
        for event in self.order.decide(command, now).unwrap() {
            self.order.evolve(&event);
        }
    }

    /// Does what is next until there is nothing to do; panics when it does not come to rest.
    fn follow(&mut self, now: Timestamp) -> Next {
        for _ in 0..16 {
            let Next::Do(todo) = next(self.process(), now) else {
                return next(self.process(), now);
            };
            self.done.push(todo.clone());
            self.perform(todo, now);
        }
        panic!("does not come to rest: {:?}", self.done);
    }

    fn perform(&mut self, todo: Todo, now: Timestamp) {
        let reservation_id = ORDER;
        match todo {
            Todo::MakeSeatReservation { revision, seats } => {
                self.seats(seats::Command::MakeSeatReservation { reservation_id, revision, seats });
            }
            Todo::MarkSeatsAsReserved { seats } => {
                self.order(order::Command::MarkSeatsAsReserved { seats }, now);
            }
            Todo::ConfirmOrder { reserved, paid } => {
                self.order(order::Command::ConfirmOrder { reserved, paid }, now);
            }
            Todo::CommitSeatReservation => {
                self.seats(seats::Command::CommitSeatReservation { reservation_id });
            }
            Todo::CancelSeatReservation => {
                self.seats(seats::Command::CancelSeatReservation { reservation_id });
            }
            Todo::CreateSeatAssignments { seats } => {
                self.assignments(Assign::CreateSeatAssignments { seats }, now);
            }
            Todo::CloseSeatAssignments => self.assignments(Assign::CloseSeatAssignments, now),
            Todo::ReturnSeats => self.seats(seats::Command::ReturnSeats { reservation_id }),
            Todo::ExpireOrder => self.order(order::Command::ExpireOrder, now),
            Todo::QueryPayment(id) => self.payment(id, payment::Command::QueryPayment, now),
            Todo::CancelPayment(id) => self.payment(id, payment::Command::CancelPayment, now),
            Todo::RefundPayment(id) => self.payment(id, payment::Command::RefundPayment, now),
        }
    }

    /// Somebody else takes every seat that is free.
    fn others_take_the_rest(&mut self) {
        let free = self.seats.counts[&GENERAL].remaining();
        let quantity = u32::try_from(free).unwrap();
        self.seats(seats::Command::MakeSeatReservation {
            reservation_id: OTHER,
            revision: 1,
            seats: vec![general(quantity)],
        });
    }

    fn status(&self, id: PaymentId) -> PaymentStatus {
        self.payments[&id].status
    }
}

/// A worker that did not know a kind would leave it to a server that is not there.
#[test]
fn every_kind_of_effect_is_known() {
    let unknown = serde_json::from_str::<Effect>(r#"{"effect":"TurnTheMoon"}"#).unwrap_err();
    let unknown = unknown.to_string();
    let known: Vec<&str> = unknown.split('`').skip(3).step_by(2).collect();
    assert_eq!(known, Effect::KINDS);
    let order_id = OrderId(uuid::Uuid::nil());
    assert!(Effect::KINDS.contains(&Effect::MailConfirmation { order_id }.kind()));
}

#[test]
fn a_placed_order_is_reserved_and_told_in_one_step() {
    let mut world = World::with_quota(10);
    placed(2, 500).iter().for_each(|event| world.order.evolve(event));
    assert_eq!(world.follow(NOON), Next::LookAgainAt(minutes(16)));
    assert_eq!(world.order.status, OrderStatus::Held);
    assert_eq!(world.done.len(), 2);
}

#[test]
fn fewer_seats_are_held_and_told_as_fewer() {
    let mut world = World::with_quota(1);
    placed(2, 500).iter().for_each(|event| world.order.evolve(event));
    world.follow(NOON);
    assert_eq!(world.order.status, OrderStatus::PartlyHeld);
    assert_eq!(world.order.granted, vec![general(1)]);
    assert_eq!(world.order.total, Some(euros(500)));
}

#[test]
fn money_confirms_commits_and_prepares_the_seats() {
    let mut world = World::held();
    world.pay(PAYMENT, NOON);
    assert_eq!(world.follow(minutes(1)), Next::LookAgainAt(minutes(16)));
    world.complete(PAYMENT, minutes(2));
    assert_eq!(world.follow(minutes(2)), Next::Rest);
    assert_eq!(world.order.status, OrderStatus::Confirmed);
    assert_eq!(world.seats.counts[&GENERAL].sold, 2);
    assert_eq!(world.assignments.seats.as_ref().map(Vec::len), Some(2));
}

#[test]
fn a_free_order_is_final_when_asked_for_and_not_before() {
    let mut world = World::with_quota(10);
    placed(2, 0).iter().for_each(|event| world.order.evolve(event));
    world.order.evolve(&held(2, 0)[3]);
    assert_eq!(world.follow(NOON), Next::LookAgainAt(minutes(16)));
    world.order(order::Command::CompleteRegistration, NOON);
    assert_eq!(world.follow(NOON), Next::Rest);
    assert_eq!(world.order.status, OrderStatus::Confirmed);
}

#[test]
fn the_end_of_the_grace_returns_the_seats() {
    let mut world = World::held();
    assert_eq!(world.follow(minutes(16) - 1), Next::LookAgainAt(minutes(16)));
    assert_eq!(world.follow(minutes(16)), Next::Rest);
    assert_eq!(world.order.status, OrderStatus::Expired);
    assert_eq!(world.seats.counts[&GENERAL].held, 0);
}

#[test]
fn a_payment_in_flight_keeps_the_hold_within_the_bound() {
    let mut world = World::held();
    world.pay(PAYMENT, minutes(14));
    let next = world.follow(minutes(16));
    assert_eq!(world.done, [Todo::QueryPayment(PAYMENT)]);
    assert_eq!(next, Next::LookAgainAt(minutes(16).plus_seconds(30)));
    assert_eq!(world.follow(minutes(25) - 1), Next::LookAgainAt(minutes(25)));
    assert_eq!(world.follow(minutes(25)), Next::Rest);
    assert_eq!(world.status(PAYMENT), PaymentStatus::Cancelled);
    assert_eq!(world.order.status, OrderStatus::Expired);
    assert_eq!(world.seats.counts[&GENERAL].held, 0);
}

#[test]
fn money_in_the_waiting_time_still_confirms() {
    let mut world = World::held();
    world.pay(PAYMENT, minutes(14));
    world.follow(minutes(16));
    world.complete(PAYMENT, minutes(20));
    assert_eq!(world.follow(minutes(20)), Next::Rest);
    assert_eq!(world.order.status, OrderStatus::Confirmed);
}

#[test]
fn a_paid_order_is_never_expired() {
    let mut world = World::held();
    world.pay(PAYMENT, NOON);
    world.complete(PAYMENT, minutes(15));
    world.follow(minutes(500));
    assert_eq!(world.order.status, OrderStatus::Confirmed);
}

#[test]
fn late_money_buys_the_seats_back_when_they_are_free() {
    let mut world = World::held();
    world.pay(PAYMENT, minutes(14));
    world.follow(minutes(25));
    world.complete(PAYMENT, minutes(40));
    assert_eq!(world.follow(minutes(40)), Next::Rest);
    assert_eq!(world.order.status, OrderStatus::Confirmed);
    assert_eq!(world.seats.counts[&GENERAL].sold, 2);
}

#[test]
fn late_money_goes_back_when_the_seats_are_gone() {
    let mut world = World::held();
    world.pay(PAYMENT, minutes(14));
    world.follow(minutes(25));
    world.others_take_the_rest();
    world.complete(PAYMENT, minutes(40));
    assert_eq!(world.follow(minutes(40)), Next::Rest);
    assert_eq!(world.status(PAYMENT), PaymentStatus::Refunding);
    assert_eq!(world.order.status, OrderStatus::Expired);
    assert_eq!(world.seats.counts[&GENERAL], seats::Counts { quota: 10, sold: 0, held: 10 });
}

#[test]
fn late_money_does_not_keep_a_part_of_the_seats() {
    let mut world = World::held();
    world.pay(PAYMENT, minutes(14));
    world.follow(minutes(25));
    world.others_take_the_rest();
    world.seats(seats::Command::AddSeats { seat_type: GENERAL, quantity: 1 });
    world.complete(PAYMENT, minutes(40));
    world.follow(minutes(40));
    assert_eq!(world.status(PAYMENT), PaymentStatus::Refunding);
    assert_eq!(world.seats.counts[&GENERAL].remaining(), 1);
}

#[test]
fn money_for_seats_that_were_let_go_is_treated_as_late() {
    let mut world = World::held();
    world.pay(PAYMENT, minutes(1));
    world.order(order::Command::ReleaseHold, minutes(2));
    assert_eq!(world.follow(minutes(2)), Next::Rest);
    assert_eq!(world.status(PAYMENT), PaymentStatus::Cancelled);
    assert_eq!(world.seats.counts[&GENERAL].held, 0);
    world.complete(PAYMENT, minutes(3));
    world.follow(minutes(3));
    assert_eq!(world.order.status, OrderStatus::Confirmed);
}

#[test]
fn a_second_payment_goes_back() {
    let mut world = World::held();
    world.pay(PAYMENT, minutes(1));
    world.payment(PAYMENT, payment::Command::RejectPayment { reason: "no".into() }, minutes(1));
    world.pay(SECOND, minutes(2));
    world.complete(SECOND, minutes(3));
    world.follow(minutes(3));
    world.complete(PAYMENT, minutes(4));
    assert_eq!(world.follow(minutes(4)), Next::Rest);
    assert_eq!(world.order.confirmed_by, Some(SECOND));
    assert_eq!(world.status(PAYMENT), PaymentStatus::Refunding);
    assert_eq!(world.status(SECOND), PaymentStatus::Completed);
}

#[test]
fn money_for_an_earlier_total_goes_back_and_the_hold_goes_on() {
    let mut world = World::held();
    world.pay(PAYMENT, minutes(1));
    world.payment(PAYMENT, payment::Command::RejectPayment { reason: "no".into() }, minutes(1));
    let changed = order::Event::OrderUpdated { seats: vec![general(3)] };
    world.order.evolve(&changed);
    world.order.evolve(&placed(3, 500)[1]);
    world.follow(minutes(2));
    world.complete(PAYMENT, minutes(3));
    assert_eq!(world.follow(minutes(3)), Next::LookAgainAt(minutes(16)));
    assert_eq!(world.status(PAYMENT), PaymentStatus::Refunding);
    assert_eq!(world.order.status, OrderStatus::Held);
}

#[test]
fn a_reservation_without_an_order_goes_back() {
    let mut world = World::with_quota(10);
    world.seats(seats::Command::MakeSeatReservation {
        reservation_id: ORDER,
        revision: 1,
        seats: vec![general(2)],
    });
    assert_eq!(world.follow(NOON), Next::Rest);
    assert_eq!(world.seats.counts[&GENERAL].held, 0);
}

#[test]
fn money_for_an_order_nobody_knows_goes_back() {
    let mut world = World::with_quota(10);
    let (amount, reference) = (euros(1_000), "r".into());
    world.payment(PAYMENT, payment::Command::CompletePayment { amount, reference }, NOON);
    assert_eq!(world.follow(NOON), Next::Rest);
    assert_eq!(world.status(PAYMENT), PaymentStatus::Refunding);
}

#[test]
fn money_of_another_amount_than_asked_for_goes_back_and_the_hold_goes_on() {
    let mut world = World::held();
    world.pay(PAYMENT, NOON);
    let (amount, reference) = (euros(1), "r".into());
    world.payment(PAYMENT, payment::Command::CompletePayment { amount, reference }, NOON);
    assert_eq!(world.follow(NOON), Next::LookAgainAt(minutes(16)));
    assert_eq!(world.status(PAYMENT), PaymentStatus::Refunding);
    assert_eq!(world.order.status, OrderStatus::Held);
}

/// Two seats are paid for, and one of them has a name.
fn confirmed() -> World {
    let mut world = World::held();
    world.pay(PAYMENT, NOON);
    world.complete(PAYMENT, minutes(2));
    world.follow(minutes(2));
    let assign = Assign::AssignSeat {
        position: 1,
        attendee: crate::domain::seat_assignments::tests::grace(),
        ticket: shared::Ticket::from_random(1),
        closes_at: minutes(60),
    };
    world.assignments(assign, minutes(3));
    world.done.clear();
    world
}

const fn cancel(until: i64) -> order::Command {
    order::Command::CancelRegistration {
        cancel_until: Some(Timestamp(NOON.0 + until * 60_000)),
        is_anybody_admitted: false,
    }
}

#[test]
fn a_given_back_order_returns_its_seats_its_names_and_its_money() {
    let mut world = confirmed();
    world.order(cancel(60), minutes(4));
    assert_eq!(world.follow(minutes(4)), Next::Rest);
    let refund = Todo::RefundPayment(PAYMENT);
    assert_eq!(world.done, [Todo::ReturnSeats, Todo::CloseSeatAssignments, refund]);
    assert_eq!(world.seats.counts[&GENERAL], seats::Counts { quota: 10, sold: 0, held: 0 });
    assert!(world.assignments.seats.iter().flatten().all(|seat| seat.assigned.is_none()));
    assert_eq!(world.status(PAYMENT), PaymentStatus::Refunding);
    assert_eq!(world.order.status, OrderStatus::Cancelled);
}

#[test]
fn money_after_an_order_was_given_back_never_buys_the_seats_again() {
    let mut world = World::held();
    world.pay(PAYMENT, NOON);
    world.payment(PAYMENT, payment::Command::RejectPayment { reason: "no".into() }, NOON);
    world.pay(SECOND, minutes(1));
    world.complete(SECOND, minutes(2));
    world.follow(minutes(2));
    world.order(cancel(60), minutes(4));
    world.follow(minutes(4));
    world.complete(PAYMENT, minutes(5));
    assert_eq!(world.follow(minutes(5)), Next::Rest);
    assert_eq!(world.status(PAYMENT), PaymentStatus::Refunding);
    assert_eq!(world.status(SECOND), PaymentStatus::Refunding);
    assert_eq!(world.seats.counts[&GENERAL].sold + world.seats.counts[&GENERAL].held, 0);
    assert_eq!(world.order.status, OrderStatus::Cancelled);
}

#[test]
fn a_free_order_is_given_back_without_a_refund() {
    let mut world = World::with_quota(10);
    placed(2, 0).iter().for_each(|event| world.order.evolve(event));
    world.order.evolve(&held(2, 0)[3]);
    world.follow(NOON);
    world.order(order::Command::CompleteRegistration, NOON);
    world.follow(NOON);
    let mails = effects_of_order(ORDER, &world.order, &order::Event::RegistrationCancelled {});
    assert_eq!(mails, [Effect::MailCancellation { order_id: ORDER, refund: None }]);
    world.order(cancel(60), NOON);
    assert_eq!(world.follow(NOON), Next::Rest);
    assert_eq!(world.seats.counts[&GENERAL].sold, 0);
}

#[test]
fn a_refund_after_a_cancellation_is_told_once() {
    let mut world = confirmed();
    let mails = effects_of_order(ORDER, &world.order, &order::Event::RegistrationCancelled {});
    let refund = Some(euros(1_000));
    assert_eq!(mails, [Effect::MailCancellation { order_id: ORDER, refund }]);
    world.order(cancel(60), minutes(4));
    let requested = payment::Event::PaymentRefundRequested { amount: euros(1_000) };
    let effects = |id| effects_of_payment(ORDER, id, &world.order, &requested);
    assert_eq!(effects(PAYMENT).len(), 1, "only the money itself");
    assert_eq!(effects(SECOND).len(), 2, "another payment is another story");
}

#[test]
fn whoever_loses_a_seat_is_told_and_so_is_whoever_gets_it() {
    use crate::domain::seat_assignments::Event as Named;
    let world = confirmed();
    let attendee = crate::domain::seat_assignments::tests::grace();
    let effects = |event| effects_of_assignments(ORDER, &world.assignments, &event);
    let void =
        Effect::MailTicketVoid { order_id: ORDER, seat_type: GENERAL, attendee: attendee.clone() };
    assert_eq!(effects(Named::SeatUnassigned { position: 1 }), [void]);
    let ticket = shared::Ticket::from_random(2);
    let assigned = Named::SeatAssigned { position: 0, attendee: attendee.clone(), ticket };
    let mail = Effect::MailTicket { order_id: ORDER, position: 0, attendee };
    assert_eq!(effects(assigned), [mail]);
    assert_eq!(effects(Named::SeatAdmitted { position: 1 }), []);
}

#[derive(Clone, Debug)]
enum Happening {
    Change(u32),
    Details,
    Release,
    CompleteFree,
    Pay(u8),
    Completed(u8),
    Rejected(u8),
    OthersTake,
    QuotaUp,
    Minutes(u16),
    Cancel,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        1 => (1..6_u32).prop_map(Happening::Change),
        1 => Just(Happening::Details),
        1 => Just(Happening::Release),
        1 => Just(Happening::CompleteFree),
        3 => (0..3_u8).prop_map(Happening::Pay),
        3 => (0..3_u8).prop_map(Happening::Completed),
        2 => (0..3_u8).prop_map(Happening::Rejected),
        1 => Just(Happening::OthersTake),
        1 => Just(Happening::QuotaUp),
        3 => (0..30_u16).prop_map(Happening::Minutes),
        1 => Just(Happening::Cancel),
    ]
}

impl World {
    fn happens(&mut self, happening: &Happening, price: i64, now: &mut Timestamp) {
        let payment_id = |n: u8| PaymentId(Uuid::from_u128(u128::from(n)));
        match *happening {
            Happening::Change(quantity) if self.order.is_alive() => {
                let flying = self.process().payment_in_flight().is_some();
                let offer = crate::domain::conference::Offer {
                    seat_type: GENERAL,
                    name: "Seat".into(),
                    unit_price: euros(price),
                    quantity,
                };
                let wish = order::Registration {
                    payment_in_flight: flying,
                    ..order::tests::wish(vec![offer])
                };
                let command = order::Command::RegisterToConference(wish);
                let events = self.order.decide(command, *now).unwrap_or_default();
                events.iter().for_each(|event| self.order.evolve(event));
            }
            Happening::Change(_) => {}
            Happening::Details => {
                let command = order::tests::details(order::tests::ada());
                let events = self.order.decide(command, *now).unwrap_or_default();
                events.iter().for_each(|event| self.order.evolve(event));
            }
            Happening::Release | Happening::CompleteFree => {
                let command = match happening {
                    Happening::Release => order::Command::ReleaseHold,
                    _ => order::Command::CompleteRegistration,
                };
                let events = self.order.decide(command, *now).unwrap_or_default();
                events.iter().for_each(|event| self.order.evolve(event));
            }
            Happening::Pay(n) => {
                let total = self.order.total.unwrap();
                let flying = self.process().payment_in_flight().is_some();
                if !flying && self.order.check_payable(total, *now).is_ok() {
                    self.pay(payment_id(n), *now);
                }
            }
            Happening::Completed(n) => self.complete(payment_id(n), *now),
            Happening::Rejected(n) => {
                let reject = payment::Command::RejectPayment { reason: "no".into() };
                self.payment(payment_id(n), reject, *now);
            }
            Happening::OthersTake if self.seats.counts[&GENERAL].remaining() > 0 => {
                self.seats.reservations.remove(&OTHER);
                self.others_take_at_most_twenty();
            }
            Happening::OthersTake => {}
            Happening::QuotaUp => {
                self.seats(seats::Command::AddSeats { seat_type: GENERAL, quantity: 1 });
            }
            Happening::Minutes(minutes) => *now = now.plus_seconds(60 * i64::from(minutes)),
            Happening::Cancel => {
                let command = cancel(600);
                let events = self.order.decide(command, *now).unwrap_or_default();
                events.iter().for_each(|event| self.order.evolve(event));
            }
        }
    }

    fn others_take_at_most_twenty(&mut self) {
        let free = self.seats.counts[&GENERAL].remaining().min(20);
        self.seats(seats::Command::MakeSeatReservation {
            reservation_id: OTHER,
            revision: 1,
            seats: vec![general(u32::try_from(free).unwrap())],
        });
    }
}

proptest! {
    /// Whatever happens in whatever order: nothing oversold, no money ignored, every order ends.
    #[test]
    fn every_story_ends_well(
        price in prop_oneof![Just(0_i64), Just(500)],
        quota in 0..6_i64,
        story in prop::collection::vec(happening(), 0..25),
    ) {
        let mut now = NOON;
        let mut world = World::with_quota(quota);
        placed(2, price).iter().for_each(|event| world.order.evolve(event));
        world.follow(now);
        for happening in &story {
            world.happens(happening, price, &mut now);
            let next = world.follow(now);
            prop_assert!(!matches!(next, Next::LookAgainAt(at) if at <= now), "busy waiting");
            prop_assert!(world.seats.counts[&GENERAL].remaining() >= 0, "oversold");
        }
        // Nobody does anything any more: looking again whenever asked to must end it.
        for _ in 0..20 {
            match world.follow(now) {
                Next::LookAgainAt(at) => now = at,
                _ => break,
            }
        }
        prop_assert_eq!(world.follow(now), Next::Rest, "a zombie");
        prop_assert!(!world.order.is_alive());
        let confirmed = world.order.status == OrderStatus::Confirmed;
        let reservation = world.seats.reservation(ORDER).unwrap();
        prop_assert_eq!(confirmed, reservation.status == ReservationStatus::Committed);
        let ended = [ReservationStatus::Cancelled, ReservationStatus::Returned];
        prop_assert!(confirmed || ended.contains(&reservation.status));
        let is_given_back = world.order.is_given_back;
        prop_assert_eq!(is_given_back, reservation.status == ReservationStatus::Returned);
        prop_assert_eq!(is_given_back, world.assignments.is_closed);
        prop_assert_eq!(world.seats.counts[&GENERAL].sold > 0, confirmed);
        for (id, payment) in &world.payments {
            let spent = confirmed && world.order.confirmed_by == Some(*id);
            prop_assert_eq!(payment.status == PaymentStatus::Completed, spent, "money ignored");
        }
        if confirmed && price > 0 {
            let paid = world.order.confirmed_by.and_then(|id| world.payments[&id].amount);
            prop_assert_eq!(paid, world.order.total);
        }
    }
}
