//! Whole chains in memory, and that a memory read back from its own history is the same memory.

use super::*;
use crate::checker::Checker;
use crate::domain::conference;
use crate::domain::conference::tests::{GENERAL, WORKSHOP, details, seat_type};
use crate::domain::kit::{NOON, minutes};
use crate::domain::order::tests::{ada, euros};
use crate::ledger::catch_up::CatchUp;
use crate::ledger::memory::{Bounds, SNAPSHOT, Snapshot};
use crate::store::people::Attendee;
use crate::store::{Commit, Document, Recorded};
use crate::views::dashboard;
use proptest::prelude::*;
use shared::commands;
use shared::views::{ConferenceView, OrderStatus};
use shared::{ConferenceId, SeatTypeId, Ticket};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

const ID: ConferenceId = ConferenceId(Uuid::from_u128(0xC0));

/// A ledger without a store: commits pile up in a list.
struct Desk {
    memory: Memory,
    history: Vec<Recorded>,
    commits: Vec<Commit>,
    commands: u128,
    checker: Checker,
}

fn order_id(number: u8) -> OrderId {
    OrderId(Uuid::from_u128(0x0D00 + u128::from(number)))
}

fn payment_id(number: u8) -> PaymentId {
    PaymentId(Uuid::from_u128(0xFA00 + u128::from(number)))
}

fn token(number: u8) -> Authority {
    Authority::Token(TokenHash(format!("token-{number}")))
}

impl Desk {
    fn open(general: u32, workshop: u32) -> Self {
        let memory = Memory::open(ID, 0, Snapshot::default(), &[]).unwrap();
        let mut desk =
            Self { memory, history: vec![], commits: vec![], commands: 0, checker: Checker::new() };
        for command in [
            conference::Command::CreateConference(conference::Details {
                cancel_until: Some(minutes(120)),
                assign_until: Some(minutes(150)),
                ..details()
            }),
            conference::Command::CreateSeatType(seat_type(GENERAL, general, 500)),
            conference::Command::CreateSeatType(seat_type(WORKSHOP, workshop, 0)),
            conference::Command::PublishConference,
        ] {
            desk.of_the_house(Command::Conference(command), NOON).unwrap();
        }
        desk
    }

    fn of_the_house(&mut self, command: Command, now: Timestamp) -> Result<Answer, Refusal> {
        self.send(Request::of_the_house(command), now)
    }

    fn browser(&mut self, number: u8, command: Command, now: Timestamp) -> Result<Answer, Refusal> {
        self.commands += 1;
        let command_id = Some(CommandId(Uuid::from_u128(self.commands)));
        let authority = token(number);
        self.send(Request { command_id, authority, effect_done: None, command }, now)
    }

    fn send(&mut self, request: Request, now: Timestamp) -> Result<Answer, Refusal> {
        if let Some(id) = request.command.order_id()
            && !self.memory.has_order(id)
        {
            let events: Vec<Recorded> =
                self.history.iter().filter(|e| e.process == Some(id.0)).cloned().collect();
            self.memory.load_orders(&[id], &events).unwrap();
        }
        let answer = perform(&mut self.memory, request, now);
        self.commit();
        answer
    }

    fn commit(&mut self) {
        let Some(commit) = self.memory.commit().unwrap() else { return };
        assert_eq!(commit.expected_head, self.history.len() as u64);
        for event in &commit.events {
            let position = self.history.len() as u64 + 1;
            self.history.push(event.at(position));
            self.checker.fold(&self.history[self.history.len() - 1]);
        }
        self.checker.settle();
        assert_eq!(self.checker.violations(), []);
        self.memory.go_on(|_, _| {});
        self.commits.push(commit);
    }

    fn kinds(&self) -> Vec<&str> {
        self.history.iter().map(|event| event.kind.as_str()).collect()
    }

    fn view(&self) -> &ConferenceView {
        self.memory.view().unwrap()
    }

    fn order(&mut self, number: u8) -> OrderView {
        let read = Command::ReadOrder { order_id: order_id(number) };
        *self.of_the_house(read, NOON).unwrap().view.unwrap()
    }

    /// Another node follows what was written here, as far as it has not.
    fn tell(&self, follower: &mut Memory) {
        let after = usize::try_from(follower.head()).unwrap();
        let news = &self.history[after..];
        let unknown = follower.unknown(news);
        let theirs = |event: &&Recorded| event.process.is_some_and(|id| unknown.contains(&id));
        let events = self.history.iter().filter(theirs).cloned().collect();
        follower.load_orders_at_head(&unknown, events).unwrap();
        follower.follow(news).unwrap();
        follower.go_on(|_, _| {});
    }

    /// Somebody else's memory of the same history, from the newest snapshot if there is one.
    fn read_back(&self) -> Memory {
        let snapshot = self.document(SNAPSHOT).map(|kept| Snapshot::read(kept).unwrap());
        let snapshot = snapshot.unwrap_or_default();
        let after = snapshot.position;
        let tail: Vec<Recorded> = self
            .history
            .iter()
            .filter(|e| after < e.position)
            .filter(|e| crate::events::CONFERENCE_STREAMS.contains(&e.stream.as_str()))
            .cloned()
            .collect();
        let memory = Memory::open(ID, self.history.len() as u64, snapshot, &tail).unwrap();
        let mut catch_up = CatchUp::from(ID, self.document(dashboard::TOPIC)).unwrap();
        let rest = self.history.iter().filter(|e| catch_up.position() < e.position);
        for page in rest.cloned().collect::<Vec<_>>().chunks(7) {
            let unknown = catch_up.unknown(page);
            let processes =
                self.history.iter().filter(|e| e.process.is_some_and(|id| unknown.contains(&id)));
            catch_up.remember(&processes.cloned().collect::<Vec<_>>()).unwrap();
            catch_up.fold(page).unwrap();
        }
        memory.with_dashboard(catch_up.done())
    }

    fn document(&self, topic: &str) -> Option<&Document> {
        let documents = self.commits.iter().rev().flat_map(|commit| &commit.documents);
        documents.into_iter().find(|document| document.topic == topic)
    }
}

fn register(number: u8, seat_type: SeatTypeId, quantity: u32) -> Command {
    Command::RegisterToConference {
        order_id: order_id(number),
        seats: vec![SeatQuantity { seat_type, quantity }],
        access_code: AccessCode::from_random(u32::from(number)),
    }
}

fn assign(number: u8) -> Command {
    Command::AssignRegistrantDetails { order_id: order_id(number), registrant: ada() }
}

fn name(number: u8, position: u32, who: u8) -> Command {
    let attendee = commands::Attendee {
        given_name: "Grace".into(),
        family_name: "Hopper".into(),
        email: format!("grace{who}@example.org"),
    };
    // Whoever asks brings a ticket that nobody had before, as the house does.
    static TICKETS: AtomicU64 = AtomicU64::new(1_000);
    let ticket = Ticket::from_random(u128::from(TICKETS.fetch_add(1, Ordering::Relaxed)));
    Command::AssignSeat { order_id: order_id(number), position, attendee, ticket }
}

fn initiate(number: u8, payment: u8, total: Money) -> Command {
    let (order_id, payment_id) = (order_id(number), payment_id(payment));
    Command::InitiatePayment { order_id, payment_id, total, pay_at: "/pay".into() }
}

fn complete(number: u8, payment: u8, amount: Money) -> Command {
    let (order_id, payment_id) = (order_id(number), payment_id(payment));
    Command::CompletePayment { order_id, payment_id, amount, reference: "r".into() }
}

#[test]
fn one_command_runs_to_rest_in_one_commit() {
    let mut desk = Desk::open(10, 0);
    let before = desk.history.len();
    desk.browser(1, register(1, GENERAL, 2), NOON).unwrap();
    assert_eq!(
        desk.kinds()[before..],
        [
            "Order.OrderPlaced.v1",
            "Order.OrderTotalsCalculated.v1",
            "Seats.SeatsReserved.v1",
            "Order.OrderReservationCompleted.v1",
        ]
    );
    let commit = desk.commits.last().unwrap();
    assert_eq!(commit.deadlines, [(order_id(1).0, Some(minutes(16).0))]);
    assert_eq!(commit.lookups.len(), 1);
    assert_eq!(commit.documents.len(), 1);
    assert!(commit.events.iter().all(|event| event.command_id.is_some()), "one story, one id");
}

/// What comes while a batch is on its way is decided at other moments than the rest of the next one.
#[test]
fn the_rows_of_a_batch_say_when_each_order_changed() {
    let mut desk = Desk::open(10, 10);
    let ids = [order_id(1), order_id(2)];
    desk.memory.load_orders(&ids, &[]).unwrap();
    for (number, at) in [(1, NOON), (2, NOON + 7)] {
        let command_id = Some(CommandId(Uuid::from_u128(900 + u128::from(number))));
        let (authority, command) = (token(number), register(number, GENERAL, 1));
        let request = Request { command_id, authority, effect_done: None, command };
        perform(&mut desk.memory, request, at).unwrap();
    }
    let commit = desk.memory.commit().unwrap().unwrap();
    let rows = commit.lookups.iter().map(|row| (row.process, row.changed_at));
    let changed: BTreeMap<Uuid, i64> = rows.collect();
    assert_eq!(changed, [(ids[0].0, NOON.0), (ids[1].0, NOON.0 + 7)].into());
}

#[test]
fn orders_that_nobody_touches_leave_the_memory_and_come_back_whole() {
    let mut desk = Desk::open(100_000, 0);
    let orders_max = Bounds::default().orders_max;
    desk.browser(1, register(1, GENERAL, 2), NOON).unwrap();
    let id = |number: usize| OrderId(Uuid::from_u128(0xCAFE_0000 + number as u128));
    for number in 0..orders_max {
        desk.memory.load_orders(&[id(number)], &[]).unwrap();
        let seats = vec![SeatQuantity { seat_type: GENERAL, quantity: 1 }];
        let access_code = AccessCode::from_random(7);
        let command = Command::RegisterToConference { order_id: id(number), seats, access_code };
        perform(&mut desk.memory, Request::of_the_house(command), NOON).unwrap();
        if number % 500 == 499 {
            desk.commit();
        }
    }
    let kept = (0..orders_max).filter(|number| desk.memory.has_order(id(*number))).count();
    assert!((1..orders_max).contains(&kept), "{kept} of {orders_max}");
    assert!(!desk.memory.has_order(order_id(1)), "the longest untouched");
    assert_eq!(desk.order(1).status, OrderStatus::Held);
    let held = desk.view().seat_types[0].held;
    desk.browser(1, Command::ReleaseHold { order_id: order_id(1) }, NOON).unwrap();
    assert_eq!(desk.view().seat_types[0].held, held - 2);
}

#[test]
fn money_confirms_sells_and_asks_for_the_mail_in_one_commit() {
    let mut desk = Desk::open(10, 0);
    desk.browser(1, register(1, GENERAL, 2), NOON).unwrap();
    desk.browser(1, assign(1), NOON).unwrap();
    let answer = desk.browser(1, initiate(1, 1, euros(1_000)), NOON).unwrap();
    assert_eq!(answer.pay_at.as_deref(), Some("/pay"));
    let before = desk.history.len();
    desk.of_the_house(complete(1, 1, euros(1_000)), minutes(1)).unwrap();
    assert_eq!(
        desk.kinds()[before..],
        [
            "Payment.PaymentCompleted.v1",
            "Order.OrderConfirmed.v1",
            "Seats.SeatsReservationCommitted.v1",
            "SeatAssignments.SeatAssignmentsCreated.v1",
        ]
    );
    let commit = desk.commits.last().unwrap();
    assert_eq!(commit.effects.iter().map(|e| e.kind).collect::<Vec<_>>(), ["MailConfirmation"]);
    assert_eq!(commit.deadlines, [(order_id(1).0, None)], "nothing is left to look at");
}

#[test]
fn a_repeated_command_gets_its_old_answer_and_records_nothing() {
    let mut desk = Desk::open(10, 0);
    let command_id = Some(CommandId(Uuid::from_u128(77)));
    let request = Request {
        command_id,
        authority: token(1),
        effect_done: None,
        command: register(1, GENERAL, 2),
    };
    let first = desk.send(request.clone(), NOON).unwrap();
    desk.browser(1, register(1, GENERAL, 5), NOON).unwrap();
    let commits = desk.commits.len();
    let second = desk.send(request, minutes(1)).unwrap();
    assert_eq!(first.position, second.position);
    assert_eq!(desk.commits.len(), commits);
    assert_eq!(desk.order(1).seats(), 5);
}

#[test]
fn a_refusal_records_nothing() {
    let mut desk = Desk::open(10, 0);
    let commits = desk.commits.len();
    let thief = desk.browser(2, assign(1), NOON).unwrap_err();
    assert_eq!(thief.code, RefusalCode::OrderNotFound);
    let unknown = SeatTypeId(Uuid::from_u128(404));
    let refusal = desk.browser(1, register(1, unknown, 1), NOON).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::SeatTypeUnknown);
    assert_eq!(desk.commits.len(), commits);
}

#[test]
fn the_price_is_the_one_of_the_moment_of_asking() {
    let mut desk = Desk::open(10, 0);
    desk.browser(1, register(1, GENERAL, 2), NOON).unwrap();
    assert_eq!(desk.order(1).total, euros(1_000));
    assert_eq!(desk.order(1).lines[0].unit_price, euros(500));
}

#[test]
fn money_nobody_knows_is_recorded_and_returned() {
    let mut desk = Desk::open(10, 0);
    desk.of_the_house(complete(9, 9, euros(1_000)), NOON).unwrap();
    let kinds = desk.kinds();
    assert!(kinds.ends_with(&["Payment.PaymentCompleted.v1", "Payment.PaymentRefundRequested.v1"]));
}

#[test]
fn money_of_another_amount_is_recorded_and_returned() {
    let mut desk = Desk::open(10, 0);
    desk.browser(1, register(1, GENERAL, 2), NOON).unwrap();
    desk.browser(1, assign(1), NOON).unwrap();
    desk.browser(1, initiate(1, 1, euros(1_000)), NOON).unwrap();
    desk.of_the_house(complete(1, 1, euros(1)), NOON).unwrap();
    assert!(
        desk.kinds()
            .ends_with(&["Payment.PaymentCompleted.v1", "Payment.PaymentRefundRequested.v1"])
    );
    assert_eq!(desk.order(1).status, OrderStatus::Held);
}

#[test]
fn many_changes_of_mind_end() {
    let mut desk = Desk::open(10, 0);
    for turn in 0..REVISIONS_PER_ORDER_MAX {
        desk.browser(1, register(1, GENERAL, 1 + turn % 2), NOON).unwrap();
    }
    let refusal = desk.browser(1, register(1, GENERAL, 5), NOON).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::TooManyRequests);
}

#[test]
fn a_dashboard_catches_up_from_its_document_and_from_the_beginning() {
    let mut desk = Desk::open(500, 0);
    for number in 0..70 {
        desk.browser(number, register(number, GENERAL, 2), NOON).unwrap();
        desk.browser(number, assign(number), NOON).unwrap();
    }
    let (at, events) = (desk.document(dashboard::TOPIC).unwrap().position, desk.history.len());
    assert!(0 < at && at < events as u64, "some events follow the document");
    desk.browser(1, initiate(1, 1, euros(1_000)), NOON).unwrap();
    desk.of_the_house(complete(1, 1, euros(1_000)), minutes(1)).unwrap();
    desk.browser(2, Command::ReleaseHold { order_id: order_id(2) }, minutes(1)).unwrap();
    assert_eq!(desk.read_back().dashboard(), desk.memory.dashboard());
    for commit in &mut desk.commits {
        commit.documents.clear();
    }
    assert_eq!(desk.read_back().dashboard(), desk.memory.dashboard());
    let view = desk.memory.dashboard().view(desk.view(), HAPPENINGS_MAX);
    assert_eq!((view.orders_confirmed, view.orders_held), (1, 68));
    assert_eq!(view.revenue[0].revenue, euros(1_000));
}

impl Desk {
    /// An order of two seats, paid for, with a name on the second.
    fn sold(&mut self, number: u8) -> Ticket {
        self.browser(number, register(number, GENERAL, 2), NOON).unwrap();
        self.browser(number, assign(number), NOON).unwrap();
        self.browser(number, initiate(number, number, euros(1_000)), NOON).unwrap();
        self.of_the_house(complete(number, number, euros(1_000)), NOON).unwrap();
        self.browser(number, name(number, 1, 0), NOON).unwrap();
        self.ticket(number, 1).unwrap()
    }

    fn effects(&self) -> Vec<&str> {
        self.commits.last().unwrap().effects.iter().map(|effect| effect.kind).collect()
    }
}

#[test]
fn a_name_a_ticket_and_its_mail_are_one_commit() {
    let mut desk = Desk::open(10, 0);
    let ticket = desk.sold(1);
    assert_eq!(desk.effects(), ["MailTicket"]);
    let row = desk.commits.last().unwrap().attendees[0].clone();
    assert_eq!((row.place, row.kind, row.ticket.as_str()), (1, GENERAL.0, ticket.as_str()));
    desk.browser(1, name(1, 1, 1), NOON).unwrap();
    assert_eq!(desk.effects(), ["MailTicketVoid", "MailTicket"]);
    assert_ne!(desk.ticket(1, 1).unwrap(), ticket);
    desk.browser(1, Command::UnassignSeat { order_id: order_id(1), position: 1 }, NOON).unwrap();
    assert_eq!(desk.effects(), ["MailTicketVoid"]);
    assert_eq!(desk.commits.last().unwrap().attendees_gone, [(order_id(1).0, 1)]);
    let commits = desk.commits.len();
    desk.browser(1, Command::UnassignSeat { order_id: order_id(1), position: 1 }, NOON).unwrap();
    assert_eq!(desk.commits.len(), commits, "nothing changed, nothing is written or mailed");
}

#[test]
fn somebody_else_names_nobody_and_gives_nothing_back() {
    let mut desk = Desk::open(10, 0);
    desk.sold(1);
    for command in [
        name(1, 0, 1),
        Command::UnassignSeat { order_id: order_id(1), position: 1 },
        Command::CancelRegistration { order_id: order_id(1) },
        Command::SendConfirmationAgain { order_id: order_id(1) },
    ] {
        let refusal = desk.browser(2, command, NOON).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::OrderNotFound);
    }
}

#[test]
fn the_second_time_at_the_door_says_when_it_was_the_first() {
    let mut desk = Desk::open(10, 0);
    let ticket = desk.sold(1);
    let admit = || Command::AdmitAttendee { order_id: order_id(1), position: 1, ticket };
    let mut show = |command_id: u128, at| {
        let command_id = Some(CommandId(Uuid::from_u128(command_id)));
        let request = Request { command_id, ..Request::of_the_house(admit()) };
        let admission = desk.send(request, at).unwrap().admission.unwrap();
        (admission.is_first, admission.admitted_at, admission.given_name)
    };
    let grace = || "Grace".to_owned();
    assert_eq!(show(0xA1, minutes(1)), (true, minutes(1), grace()));
    assert_eq!(show(0xA1, minutes(2)), (true, minutes(1), grace()), "the same press, sent again");
    assert_eq!(show(0xA2, minutes(3)), (false, minutes(1), grace()));
    let cancel = Command::CancelRegistration { order_id: order_id(1) };
    let refusal = desk.browser(1, cancel, minutes(4)).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::AlreadyAdmitted);
}

#[test]
fn giving_back_returns_seats_names_and_money_in_one_commit() {
    let mut desk = Desk::open(10, 0);
    let ticket = desk.sold(1);
    let commits = desk.commits.len();
    let cancel = Command::CancelRegistration { order_id: order_id(1) };
    desk.browser(1, cancel, minutes(119)).unwrap();
    assert_eq!(desk.commits.len(), commits + 1);
    assert_eq!(desk.effects(), ["MailCancellation", "MailTicketVoid", "RefundPayment"]);
    let view = desk.order(1);
    assert_eq!((view.status, view.seats.len()), (OrderStatus::Cancelled, 0));
    assert_eq!(desk.view().seat_types[0].remaining(), 10);
    let admit = Command::AdmitAttendee { order_id: order_id(1), position: 1, ticket };
    let refusal = desk.of_the_house(admit, minutes(120)).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::TicketUnknown);

    desk.sold(2);
    let cancel = Command::CancelRegistration { order_id: order_id(2) };
    let refusal = desk.browser(2, cancel, minutes(120)).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::CancellationClosed);
}

#[test]
fn a_mail_with_links_is_asked_for_without_an_event_and_once() {
    let mut desk = Desk::open(10, 0);
    let events = desk.history.len();
    let command = Command::RequestOrderLinks {
        effect_id: Uuid::from_u128(7),
        email: "ada@example.org".into(),
        expires_at: minutes(1_440),
    };
    desk.of_the_house(command, NOON).unwrap();
    assert_eq!(desk.history.len(), events);
    assert_eq!(desk.effects(), ["MailOrderLinks"]);
}

#[test]
fn a_code_is_mailed_again_to_the_owner_and_to_nobody_else() {
    let mut desk = Desk::open(10, 0);
    let again = Command::SendOwnerCodeAgain { effect_id: Uuid::from_u128(7) };
    let refusal = desk.of_the_house(again, NOON).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::ConferenceNotFound, "the house's own has no owner");
    assert_eq!(desk.effects(), [""; 0]);
}

#[derive(Clone, Debug)]
enum Act {
    Register(u8, bool, u32),
    Assign(u8),
    Extend(u8),
    Release(u8),
    Complete(u8),
    Pay(u8, u8),
    Paid(u8, u8),
    Declined(u8, u8),
    Look(u8),
    Quota(u32),
    Hide(bool),
    Minutes(i64),
    Name(u8, u32, u8),
    Unname(u8, u32),
    /// Shows a ticket: one that is good, or one that was good once.
    Admit(u8, u32, bool),
    Cancel(u8),
    Again(u8),
    /// Forgets everything and reads it back, as after a crash.
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..4_u8;
    let pay = 0..3_u8;
    prop_oneof![
        6 => (who.clone(), any::<bool>(), 1..5_u32).prop_map(|(o, w, n)| Act::Register(o, w, n)),
        3 => who.clone().prop_map(Act::Assign),
        1 => who.clone().prop_map(Act::Extend),
        1 => who.clone().prop_map(Act::Release),
        2 => who.clone().prop_map(Act::Complete),
        3 => (who.clone(), pay.clone()).prop_map(|(o, p)| Act::Pay(o, p)),
        3 => (who.clone(), pay.clone()).prop_map(|(o, p)| Act::Paid(o, p)),
        1 => (who.clone(), pay).prop_map(|(o, p)| Act::Declined(o, p)),
        3 => who.prop_map(Act::Look),
        1 => (0..9_u32).prop_map(Act::Quota),
        1 => any::<bool>().prop_map(Act::Hide),
        3 => (0..12_i64).prop_map(Act::Minutes),
        4 => (0..4_u8, 0..5_u32, 0..3_u8).prop_map(|(o, p, who)| Act::Name(o, p, who)),
        1 => (0..4_u8, 0..5_u32).prop_map(|(o, p)| Act::Unname(o, p)),
        1 => (0..4_u8, 0..5_u32, any::<bool>()).prop_map(|(o, p, good)| Act::Admit(o, p, good)),
        1 => (0..4_u8).prop_map(Act::Cancel),
        1 => (0..4_u8).prop_map(Act::Again),
        2 => Just(Act::Restart),
    ]
}

impl Desk {
    fn act(&mut self, act: &Act, now: &mut Timestamp) {
        let at = *now;
        let outcome = match *act {
            Act::Register(order, workshop, quantity) => {
                let seat_type = if workshop { WORKSHOP } else { GENERAL };
                self.browser(order, register(order, seat_type, quantity), at)
            }
            Act::Assign(order) => self.browser(order, assign(order), at),
            Act::Extend(o) => {
                self.browser(o, Command::ExtendSeatReservation { order_id: order_id(o) }, at)
            }
            Act::Release(o) => self.browser(o, Command::ReleaseHold { order_id: order_id(o) }, at),
            Act::Complete(o) => {
                self.browser(o, Command::CompleteRegistration { order_id: order_id(o) }, at)
            }
            Act::Pay(order, payment) => {
                let total = self.total(order);
                self.browser(order, initiate(order, payment, total), at)
            }
            Act::Paid(order, payment) => {
                let amount = self.amount(order, payment);
                self.of_the_house(complete(order, payment, amount), at)
            }
            Act::Declined(o, p) => {
                let (order_id, payment_id) = (order_id(o), payment_id(p));
                let reason = "No.".to_owned();
                self.of_the_house(Command::RejectPayment { order_id, payment_id, reason }, at)
            }
            Act::Look(o) => self.of_the_house(Command::LookAgain { order_id: order_id(o) }, at),
            Act::Quota(quota) => {
                let command = conference::Command::ChangeQuota { seat_type: GENERAL, quota };
                self.of_the_house(Command::Conference(command), at)
            }
            Act::Hide(hide) => {
                let command = if hide {
                    conference::Command::UnpublishConference
                } else {
                    conference::Command::PublishConference
                };
                self.of_the_house(Command::Conference(command), at)
            }
            Act::Name(order, position, who) => self.browser(order, name(order, position, who), at),
            Act::Unname(order, position) => {
                let order_id = order_id(order);
                self.browser(order, Command::UnassignSeat { order_id, position }, at)
            }
            Act::Admit(order, position, is_good) => {
                let ticket = self.ticket(order, position).filter(|_| is_good);
                let ticket = ticket.unwrap_or(Ticket::from_random(u128::from(position)));
                let order_id = order_id(order);
                self.of_the_house(Command::AdmitAttendee { order_id, position, ticket }, at)
            }
            Act::Cancel(o) => {
                self.browser(o, Command::CancelRegistration { order_id: order_id(o) }, at)
            }
            Act::Again(o) => {
                self.browser(o, Command::SendConfirmationAgain { order_id: order_id(o) }, at)
            }
            Act::Minutes(minutes) => {
                *now = at.plus_seconds(60 * minutes);
                return;
            }
            Act::Restart => {
                self.memory = self.read_back();
                return;
            }
        };
        if let Ok(answer) = outcome {
            assert!(answer.stuck.is_none(), "{:?}", answer.stuck);
        }
    }

    /// The dashboard's numbers are those of the orders as their own events tell them, and add up.
    fn check_dashboard(&self) -> Result<(), TestCaseError> {
        let view = self.memory.dashboard().view(self.view(), HAPPENINGS_MAX);
        let orders: Vec<OrderView> = (0..4).filter_map(|number| self.told(number)).collect();
        let having = |wanted: &[OrderStatus]| {
            let found = orders.iter().filter(|order| wanted.contains(&order.status));
            found.filter(|order| 0 < order.seats()).collect::<Vec<_>>()
        };
        let confirmed = having(&[OrderStatus::Confirmed]);
        let held = having(&[OrderStatus::Held, OrderStatus::PartlyHeld]);
        prop_assert_eq!(view.orders_confirmed as usize, confirmed.len());
        prop_assert_eq!(view.orders_held as usize, held.len());
        for (seat_type, brought) in view.conference.seat_types.iter().zip(&view.revenue) {
            let lines = |orders: &[&OrderView]| {
                let lines = orders.iter().flat_map(|order| order.lines.clone());
                lines.filter(|line| line.seat_type == seat_type.id).collect::<Vec<_>>()
            };
            let paid: i64 = lines(&confirmed).iter().map(|line| line.line_total.minor).sum();
            prop_assert_eq!((brought.seat_type, brought.revenue), (seat_type.id, euros(paid)));
            let seats = |orders| lines(orders).iter().map(|line| line.held).sum::<u32>();
            prop_assert_eq!((seat_type.sold, seat_type.held), (seats(&confirmed), seats(&held)));
        }
        let sold: u32 = view.sales.iter().map(|hour| hour.seats).sum();
        // What was given back was a sale in its hour.
        prop_assert!(view.conference.seat_types.iter().map(|line| line.sold).sum::<u32>() <= sold);
        prop_assert!(view.sales.windows(2).all(|pair| pair[0].hour < pair[1].hour));
        prop_assert!(view.happenings.windows(2).all(|pair| pair[1].position < pair[0].position));
        let kept = (view.happenings_count as usize).min(HAPPENINGS_MAX);
        prop_assert_eq!(view.happenings.len(), kept);
        Ok(())
    }

    /// An order folded from its own events alone.
    fn told(&self, number: u8) -> Option<OrderView> {
        let mut view = None;
        let about = crate::views::order::Conference { id: ID, slug: "rustconf" };
        for event in self.history.iter().filter(|e| e.process == Some(order_id(number).0)) {
            let stream = Stream::parse(&event.stream).unwrap();
            let decoded = Event::decode(&event.kind, &event.payload).unwrap();
            let at = Timestamp(event.recorded_at);
            crate::views::order::apply(&mut view, about, stream, &decoded, at);
        }
        view
    }

    fn ticket(&self, order: u8, position: u32) -> Option<Ticket> {
        let file = self.memory.order(order_id(order))?;
        Some(file.assignments.seat(position)?.assigned.as_ref()?.1)
    }

    /// What the look-up holds after all commits.
    fn look_up(&self) -> BTreeMap<(Uuid, u32), Attendee> {
        let mut rows = BTreeMap::new();
        for commit in &self.commits {
            for place in &commit.attendees_gone {
                rows.remove(place);
            }
            for row in &commit.attendees {
                rows.insert((row.process, row.place), row.clone());
            }
        }
        rows
    }

    fn total(&self, order: u8) -> Money {
        let file = self.memory.order(order_id(order));
        file.and_then(|file| file.order.total).unwrap_or(euros(0))
    }

    /// The provider collects what was asked for, or sends money nobody knows.
    fn amount(&mut self, order: u8, payment: u8) -> Money {
        let look = Command::LookAgain { order_id: order_id(order) };
        let _ = self.of_the_house(look, NOON);
        let file = self.memory.order(order_id(order));
        let known = file.and_then(|file| file.payments.get(&payment_id(payment))?.amount);
        known.unwrap_or(euros(500))
    }
}

fn of_the_owner(id: u128, command: conference::Command) -> Request {
    let command_id = Some(CommandId(Uuid::from_u128(0xFFFF + id)));
    Request { command_id, ..Request::of_the_house(Command::Conference(command)) }
}

fn change_quota(seen: u32, quota: u32) -> conference::Command {
    let taken = conference::Taken::default();
    conference::Command::ChangeQuotaFrom { seen, seat_type: GENERAL, quota, taken }
}

#[test]
fn a_quota_is_never_lowered_below_what_the_ledger_knows_to_be_taken() {
    let mut desk = Desk::open(10, 0);
    desk.browser(1, register(1, GENERAL, 4), NOON).unwrap();
    let refused = desk.send(of_the_owner(1, change_quota(10, 3)), NOON).unwrap_err();
    assert_eq!(refused.code, RefusalCode::QuotaTooLow);
    desk.send(of_the_owner(2, change_quota(10, 4)), NOON).unwrap();
    assert_eq!(desk.view().seat_types[0].remaining(), 0);
    let delete = conference::Command::DeleteSeatType {
        seat_type: GENERAL,
        taken: conference::Taken::default(),
    };
    let refused = desk.send(of_the_owner(3, delete), NOON).unwrap_err();
    assert_eq!(refused.code, RefusalCode::SeatTypeInUse);
}

#[test]
fn a_late_duplicate_of_an_owners_command_does_not_undo_a_newer_one() {
    let mut desk = Desk::open(10, 0);
    let first = desk.send(of_the_owner(1, change_quota(10, 20)), NOON).unwrap();
    desk.send(of_the_owner(2, change_quota(20, 10)), NOON).unwrap();
    desk.memory = desk.read_back();
    let again = desk.send(of_the_owner(1, change_quota(10, 20)), NOON).unwrap();
    assert_eq!(again.position, first.position);
    assert_eq!(desk.view().seat_types[0].quota, 10);
}

#[test]
fn a_deleted_seat_type_leaves_nothing_on_offer() {
    let mut desk = Desk::open(10, 5);
    let taken = conference::Taken::default();
    let delete = conference::Command::DeleteSeatType { seat_type: WORKSHOP, taken };
    desk.send(of_the_owner(1, delete), NOON).unwrap();
    assert_eq!(desk.view().seat_types.len(), 1);
    assert_eq!(desk.memory.seats().counts[&WORKSHOP].remaining(), 0);
    assert_eq!(desk.read_back().view(), desk.memory.view());
    let refused = desk.browser(1, register(1, WORKSHOP, 1), NOON).unwrap_err();
    assert_eq!(refused.code, RefusalCode::SeatTypeUnknown);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// Whatever happens, with crashes in between: history alone tells the same story as memory, the
    /// numbers of the view are those of the orders, and nothing is oversold.
    #[test]
    fn a_memory_read_back_is_the_memory_that_was(acts in prop::collection::vec(act(), 0..40)) {
        let mut now = NOON;
        let mut desk = Desk::open(6, 3);
        let mut highest_given = 0;
        let mut follower = Memory::open(ID, 0, Snapshot::default(), &[]).unwrap();
        for act in &acts {
            desk.act(act, &mut now);
            desk.tell(&mut follower);
            prop_assert_eq!(follower.view(), desk.memory.view());
            prop_assert_eq!(&follower.seats().counts, &desk.memory.seats().counts);
            prop_assert_eq!(follower.dashboard(), desk.memory.dashboard());
            let other = desk.read_back();
            prop_assert_eq!(other.view(), desk.memory.view());
            prop_assert_eq!(&other.seats().counts, &desk.memory.seats().counts);
            prop_assert_eq!(other.conference(), desk.memory.conference());
            prop_assert_eq!(other.dashboard(), desk.memory.dashboard());
            desk.check_dashboard()?;
            for counts in desk.memory.seats().counts.values() {
                prop_assert!(counts.sold >= 0 && counts.held >= 0);
            }
            let line = desk.view().seat_types[0].clone();
            let given = line.sold + line.held;
            let was_cut_below = given <= highest_given;
            prop_assert!(given <= line.quota || was_cut_below, "oversold: {:?}", line);
            highest_given = given;
        }
        let mut sold = 0;
        let mut named = BTreeMap::new();
        for number in 0..4 {
            let id = order_id(number);
            let events: Vec<Recorded> =
                desk.history.iter().filter(|e| e.process == Some(id.0)).cloned().collect();
            let mut other = desk.read_back();
            other.load_orders(&[id], &events).unwrap();
            let (theirs, ours) = (other.order(id).unwrap(), desk.memory.order(id));
            if let Some(ours) = ours {
                prop_assert_eq!(&theirs.view, &ours.view);
                prop_assert_eq!(follower.order(id).and_then(|file| file.view.as_ref()), ours.view.as_ref());
                prop_assert_eq!(&theirs.payments, &ours.payments);
                prop_assert_eq!(&theirs.order, &ours.order);
                prop_assert_eq!(&theirs.assignments, &ours.assignments);
                prop_assert_eq!(other.seats().reservation(id), desk.memory.seats().reservation(id));
            }
            if let Some(view) = &theirs.view
                && view.status == OrderStatus::Confirmed
            {
                sold += view.seats();
                prop_assert_eq!(u32::try_from(view.seats.len()).unwrap(), view.seats());
            } else if let Some(view) = &theirs.view {
                prop_assert!(view.seats.is_empty(), "seats of an order that is not confirmed");
            }
            for seat in theirs.view.iter().flat_map(|view| &view.seats) {
                let Some(attendee) = &seat.attendee else { continue };
                let ticket: Ticket = seat.ticket.as_ref().unwrap().parse().unwrap();
                named.insert((id.0, seat.position), (attendee.email.clone(), ticket, seat.admitted_at));
            }
        }
        let views_say: u32 = desk.view().seat_types.iter().map(|line| line.sold).sum();
        prop_assert_eq!(views_say, sold);
        // The door's look-up, made commit by commit, knows exactly those who sit somewhere.
        let look_up: BTreeMap<_, _> = desk
            .look_up()
            .into_iter()
            .map(|(place, row)| {
                let at = row.admitted_at.map(Timestamp);
                (place, (row.email, row.ticket.parse::<Ticket>().unwrap(), at))
            })
            .collect();
        prop_assert_eq!(look_up, named);
    }
}

/// Two servers, and the other one wrote the row last, without an event (found by seed 1020).
#[test]
fn a_deadline_that_has_come_is_written_again_whatever_we_remember() {
    let mut desk = Desk::open(10, 0);
    desk.browser(1, register(1, GENERAL, 2), NOON).unwrap();
    let deadlines = |desk: &Desk| desk.commits.last().map(|commit| commit.deadlines.clone());
    let written = deadlines(&desk);
    let commits = desk.commits.len();
    let look = Command::LookAgain { order_id: order_id(1) };
    desk.of_the_house(look, minutes(1)).unwrap();
    assert_eq!(desk.commits.len(), commits + 1);
    assert_eq!(deadlines(&desk), written);
    assert_eq!(written.map(|rows| rows.len()), Some(1));
}
