//! Who may sit where, and when a ticket ends.

use super::*;
use crate::domain::conference::tests::{GENERAL, WORKSHOP};
use crate::domain::kit::{NOON, given, minutes};
use proptest::prelude::*;

pub(crate) fn grace() -> Attendee {
    Attendee {
        given_name: "Grace".into(),
        family_name: "Hopper".into(),
        email: "grace@example.org".into(),
    }
}

fn alan() -> Attendee {
    Attendee {
        given_name: "Alan".into(),
        family_name: "Turing".into(),
        email: "alan@example.org".into(),
    }
}

fn ticket(number: u128) -> Ticket {
    Ticket::from_random(number)
}

fn created() -> Event {
    Event::SeatAssignmentsCreated { seats: vec![GENERAL, GENERAL, WORKSHOP] }
}

fn assigned(position: u32, attendee: Attendee, number: u128) -> Event {
    Event::SeatAssigned { position, attendee, ticket: ticket(number) }
}

fn assign(position: u32, attendee: Attendee, number: u128) -> Command {
    Command::AssignSeat { position, attendee, ticket: ticket(number), closes_at: minutes(60) }
}

fn unassign(position: u32) -> Command {
    Command::UnassignSeat { position, closes_at: minutes(60) }
}

fn admit(position: u32, number: u128) -> Command {
    Command::AdmitAttendee { position, ticket: ticket(number) }
}

const fn unassigned(position: u32) -> Event {
    Event::SeatUnassigned { position }
}

const fn admitted(position: u32) -> Event {
    Event::SeatAdmitted { position }
}

#[test]
fn every_bought_seat_gets_one_position_once() {
    let seats = vec![
        SeatQuantity { seat_type: GENERAL, quantity: 2 },
        SeatQuantity { seat_type: WORKSHOP, quantity: 1 },
    ];
    given::<SeatAssignments>([]).when(Command::CreateSeatAssignments { seats }).then([created()]);
}

#[test]
fn a_name_on_a_free_seat_comes_with_a_ticket() {
    given::<SeatAssignments>([created()]).when(assign(1, grace(), 1)).then([assigned(
        1,
        grace(),
        1,
    )]);
}

#[test]
fn the_same_name_again_keeps_its_ticket_and_tells_nobody() {
    let spaced = Attendee { given_name: " Grace ".into(), ..grace() };
    given::<SeatAssignments>([created(), assigned(1, grace(), 1)])
        .when(assign(1, spaced, 2))
        .then_nothing();
}

#[test]
fn another_address_is_another_person_with_another_ticket() {
    given::<SeatAssignments>([created(), assigned(1, grace(), 1)])
        .when(assign(1, alan(), 2))
        .then([unassigned(1), assigned(1, alan(), 2)]);
}

#[test]
fn another_spelling_of_a_name_keeps_the_ticket() {
    for corrected in [
        Attendee { given_name: "GRACE".into(), ..grace() },
        Attendee { family_name: "Hopper-Murray".into(), ..grace() },
        Attendee { email: "Grace@Example.org".into(), ..grace() },
    ] {
        given::<SeatAssignments>([created(), assigned(1, grace(), 1)])
            .when(assign(1, corrected.clone(), 2))
            .then([assigned(1, corrected, 1)]);
    }
}

#[test]
fn an_attendee_needs_a_name_and_an_address() {
    for wrong in [
        Attendee { given_name: " ".into(), ..grace() },
        Attendee { family_name: "x".repeat(201), ..grace() },
        Attendee { email: "grace".into(), ..grace() },
        Attendee { email: "grace@example.org\nBcc: all@example.org".into(), ..grace() },
    ] {
        given::<SeatAssignments>([created()])
            .when(assign(0, wrong, 1))
            .then_refused(RefusalCode::DetailsInvalid);
    }
}

#[test]
fn a_name_is_taken_off_once() {
    given::<SeatAssignments>([created(), assigned(1, grace(), 1)])
        .when(unassign(1))
        .then([unassigned(1)]);
    given::<SeatAssignments>([created()]).when(unassign(1)).then_nothing();
}

#[test]
fn only_seats_that_were_bought_take_names() {
    for position in [3, u32::MAX] {
        for command in [assign(position, grace(), 1), unassign(position)] {
            given::<SeatAssignments>([created()])
                .when(command)
                .then_refused(RefusalCode::SeatPositionUnknown);
        }
    }
    given::<SeatAssignments>([])
        .when(assign(0, grace(), 1))
        .then_refused(RefusalCode::OrderNotConfirmed);
}

#[test]
fn names_stay_as_they_are_from_the_cut_off_on() {
    let given_one = || given::<SeatAssignments>([created(), assigned(1, grace(), 1)]);
    given_one().when_at(minutes(60) - 1, unassign(1)).then([unassigned(1)]);
    for command in [assign(1, alan(), 2), assign(0, alan(), 2), unassign(1)] {
        given_one().when_at(minutes(60), command).then_refused(RefusalCode::AssignmentClosed);
    }
    given_one().when_at(minutes(60), admit(1, 1)).then([admitted(1)]);
}

#[test]
fn a_ticket_admits_once() {
    given::<SeatAssignments>([created(), assigned(1, grace(), 1)])
        .when(admit(1, 1))
        .then([admitted(1)]);
}

#[test]
fn a_ticket_of_somebody_who_was_replaced_admits_nobody() {
    let history = [created(), assigned(1, grace(), 1), unassigned(1), assigned(1, alan(), 2)];
    given::<SeatAssignments>(history.clone())
        .when(admit(1, 1))
        .then_refused(RefusalCode::TicketUnknown);
    given::<SeatAssignments>(history.clone()).when(admit(1, 2)).then([admitted(1)]);
    for (position, number) in [(0, 2), (2, 2), (3, 2)] {
        given::<SeatAssignments>(history.clone())
            .when(admit(position, number))
            .then_refused(RefusalCode::TicketUnknown);
    }
}

#[test]
fn whoever_was_admitted_stays() {
    let history = [created(), assigned(1, grace(), 1), admitted(1)];
    let renamed = Attendee { given_name: "G.".into(), ..grace() };
    for command in [assign(1, alan(), 2), assign(1, renamed, 2), unassign(1)] {
        given::<SeatAssignments>(history.clone())
            .when(command)
            .then_refused(RefusalCode::AlreadyAdmitted);
    }
}

#[test]
fn a_given_back_order_loses_its_names_and_takes_no_more() {
    let history = [created(), assigned(0, grace(), 1), assigned(2, alan(), 2)];
    given::<SeatAssignments>(history.clone()).when(Command::CloseSeatAssignments).then([
        unassigned(0),
        unassigned(2),
        Event::SeatAssignmentsClosed {},
    ]);
    let closed = || {
        let end = [unassigned(0), unassigned(2), Event::SeatAssignmentsClosed {}];
        given::<SeatAssignments>(history.clone().into_iter().chain(end))
    };
    closed().when(assign(0, grace(), 3)).then_refused(RefusalCode::OrderNotConfirmed);
    closed().when(unassign(0)).then_refused(RefusalCode::OrderNotConfirmed);
    closed().when(admit(0, 1)).then_refused(RefusalCode::TicketUnknown);
}

fn command() -> impl Strategy<Value = Command> {
    let position = 0..4_u32;
    let who = prop_oneof![
        Just(grace()),
        Just(alan()),
        Just(Attendee { given_name: "Al".into(), ..alan() }),
        Just(Attendee { email: String::new(), ..alan() }),
    ];
    prop_oneof![
        6 => (position.clone(), who, any::<u128>()).prop_map(|(p, who, n)| assign(p, who, n)),
        2 => position.clone().prop_map(unassign),
        2 => (position, 0..2_u128).prop_map(|(position, n)| admit(position, n)),
        1 => Just(Command::CloseSeatAssignments),
    ]
}

proptest! {
    /// Whatever is asked for: a ticket is on one seat at most, a ticket that ended never comes back,
    /// whoever was admitted stays, and asking twice changes nothing.
    #[test]
    fn a_ticket_is_one_persons_and_ends_for_good(
        commands in prop::collection::vec(command(), 0..30)
    ) {
        let mut state = SeatAssignments::default();
        state.evolve(&created());
        let mut ended: Vec<Ticket> = vec![];
        for command in commands {
            let before = state.clone();
            // A ticket that is really shown, not one that was drawn.
            let command = match command {
                Command::AdmitAttendee { position, .. } => {
                    let known = state.seat(position).and_then(|seat| seat.assigned.as_ref());
                    let ticket = known.map_or(ticket(0), |(_, ticket)| *ticket);
                    Command::AdmitAttendee { position, ticket }
                }
                // The process closes only what nobody was admitted to.
                Command::CloseSeatAssignments if state.is_anybody_admitted() => continue,
                other => other,
            };
            for event in state.decide(command.clone(), NOON).unwrap_or_default() {
                state.evolve(&event);
            }
            prop_assert_eq!(state.decide(command, NOON).unwrap_or_default(), vec![]);
            let tickets = |of: &SeatAssignments| -> Vec<Ticket> {
                let seats = of.seats.iter().flatten();
                seats.filter_map(|seat| seat.assigned.as_ref().map(|(_, ticket)| *ticket)).collect()
            };
            let now = tickets(&state);
            ended.extend(tickets(&before).into_iter().filter(|ticket| !now.contains(ticket)));
            prop_assert!(now.iter().all(|ticket| !ended.contains(ticket)));
            let mut distinct = now.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), now.len());
            for (was, is) in before.seats.iter().flatten().zip(state.seats.iter().flatten()) {
                prop_assert!(!was.is_admitted || was == is);
            }
        }
    }
}
