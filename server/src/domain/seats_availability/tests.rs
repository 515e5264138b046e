//! What must never happen to seats, by example and by property.

use super::*;
use crate::domain::conference::tests::{GENERAL, WORKSHOP};
use crate::domain::kit::{NOON, given};
use proptest::prelude::*;
use uuid::Uuid;

const MINE: OrderId = OrderId(Uuid::from_u128(0xA));

fn general(quantity: u32) -> SeatQuantity {
    SeatQuantity { seat_type: GENERAL, quantity }
}

fn workshop(quantity: u32) -> SeatQuantity {
    SeatQuantity { seat_type: WORKSHOP, quantity }
}

fn change(seat_type: SeatTypeId, change: i64) -> SeatChange {
    SeatChange { seat_type, change }
}

fn quota(seat_type: SeatTypeId, seats: i64) -> Event {
    Event::AvailableSeatsChanged { available_seats_changed: vec![change(seat_type, seats)] }
}

fn make(revision: u32, seats: &[SeatQuantity]) -> Command {
    Command::MakeSeatReservation { reservation_id: MINE, revision, seats: seats.to_vec() }
}

fn reserved(revision: u32, seats: &[SeatQuantity], changed: &[SeatChange]) -> Event {
    Event::SeatsReserved {
        reservation_id: MINE,
        revision,
        seats: seats.to_vec(),
        available_seats_changed: changed.to_vec(),
    }
}

/// Quota 10 of each type, six general held by me: the start of the reference's worked examples.
fn six_of_ten_are_mine() -> Vec<Event> {
    vec![
        quota(GENERAL, 10),
        quota(WORKSHOP, 10),
        reserved(1, &[general(6)], &[change(GENERAL, -6)]),
    ]
}

#[test]
fn a_change_of_mind_moves_only_the_difference() {
    given::<SeatsAvailability>(six_of_ten_are_mine())
        .when(make(2, &[general(8)]))
        .then([reserved(2, &[general(8)], &[change(GENERAL, -2)])]);
    given::<SeatsAvailability>(six_of_ten_are_mine())
        .when(make(2, &[general(2)]))
        .then([reserved(2, &[general(2)], &[change(GENERAL, 4)])]);
    given::<SeatsAvailability>(six_of_ten_are_mine())
        .when(make(2, &[workshop(3)]))
        .then([reserved(2, &[workshop(3)], &[change(WORKSHOP, -3), change(GENERAL, 6)])]);
}

#[test]
fn more_than_there_is_grants_what_there_is() {
    given::<SeatsAvailability>(six_of_ten_are_mine())
        .when(make(2, &[general(12)]))
        .then([reserved(2, &[general(10)], &[change(GENERAL, -4)])]);
}

#[test]
fn nothing_left_is_an_event_too() {
    given::<SeatsAvailability>([quota(GENERAL, 0)]).when(make(1, &[general(2)])).then([reserved(
        1,
        &[],
        &[],
    )]);
}

#[test]
fn a_reservation_repeated_after_the_sale_holds_nothing() {
    let mut sold = six_of_ten_are_mine();
    sold.push(Event::SeatsReservationCommitted { reservation_id: MINE, seats: vec![general(6)] });
    given::<SeatsAvailability>(sold.clone()).when(make(1, &[general(6)])).then_nothing();
    given::<SeatsAvailability>(sold).when(make(7, &[general(6)])).then_nothing();
}

#[test]
fn a_stale_reservation_does_not_undo_a_newer_one() {
    given::<SeatsAvailability>(six_of_ten_are_mine()).when(make(1, &[general(1)])).then_nothing();
    given::<SeatsAvailability>(six_of_ten_are_mine()).when(make(0, &[general(1)])).then_nothing();
}

#[test]
fn a_cut_quota_takes_no_seat_from_anybody_and_grants_no_more() {
    let mut cut = six_of_ten_are_mine();
    cut.push(quota(GENERAL, -7));
    given::<SeatsAvailability>(cut).when(make(2, &[general(8)])).then([reserved(
        2,
        &[general(6)],
        &[],
    )]);
}

#[test]
fn cancelling_returns_the_seats_once() {
    given::<SeatsAvailability>(six_of_ten_are_mine())
        .when(Command::CancelSeatReservation { reservation_id: MINE })
        .then([Event::SeatsReservationCancelled {
            reservation_id: MINE,
            available_seats_changed: vec![change(GENERAL, 6)],
        }]);
}

#[test]
fn a_sale_cannot_be_cancelled_by_a_late_cancellation_of_the_hold() {
    let mut sold = six_of_ten_are_mine();
    sold.push(Event::SeatsReservationCommitted { reservation_id: MINE, seats: vec![general(6)] });
    given::<SeatsAvailability>(sold)
        .when(Command::CancelSeatReservation { reservation_id: MINE })
        .then_nothing();
}

#[test]
fn strange_wishes_are_refused() {
    let unknown = SeatQuantity { seat_type: SeatTypeId(Uuid::from_u128(99)), quantity: 1 };
    for (seats, code) in [
        (vec![unknown], RefusalCode::SeatTypeUnknown),
        (vec![general(1), general(2)], RefusalCode::SeatTypeRepeated),
        (vec![general(0)], RefusalCode::QuantityInvalid),
        (vec![], RefusalCode::NoSeatsChosen),
    ] {
        given::<SeatsAvailability>(six_of_ten_are_mine()).when(make(2, &seats)).then_refused(code);
    }
}

#[test]
fn a_sale_is_taken_back_once_and_its_seats_are_on_offer_again() {
    let sold = Event::SeatsReservationCommitted { reservation_id: MINE, seats: vec![general(6)] };
    let returned = Event::SeatsReturned { reservation_id: MINE, seats: vec![general(6)] };
    let history = || six_of_ten_are_mine().into_iter().chain([sold.clone()]);
    let give_back = || Command::ReturnSeats { reservation_id: MINE };
    given::<SeatsAvailability>(history()).when(give_back()).then([returned.clone()]);
    given::<SeatsAvailability>(six_of_ten_are_mine()).when(give_back()).then_nothing();

    let after = || history().chain([returned.clone()]);
    given::<SeatsAvailability>(after()).when(make(2, &[general(1)])).then_nothing();
    let commit = Command::CommitSeatReservation { reservation_id: MINE };
    given::<SeatsAvailability>(after()).when(commit).then_nothing();
    let mut seats = SeatsAvailability::default();
    after().for_each(|event| seats.evolve(&event));
    assert_eq!(seats.counts[&GENERAL], Counts { quota: 10, sold: 0, held: 0 });
}

fn any_command() -> impl Strategy<Value = Command> {
    let id = (0..4_u128).prop_map(|n| OrderId(Uuid::from_u128(n)));
    let seat_type = prop_oneof![Just(GENERAL), Just(WORKSHOP)];
    let seats = prop_oneof![
        (1..8_u32).prop_map(|n| vec![general(n)]),
        (1..8_u32).prop_map(|n| vec![workshop(n)]),
        (1..8_u32, 1..8_u32).prop_map(|(a, b)| vec![general(a), workshop(b)]),
    ];
    prop_oneof![
        1 => (seat_type, 0..5_u32)
            .prop_map(|(seat_type, quantity)| Command::AddSeats { seat_type, quantity }),
        6 => (id.clone(), 0..6_u32, seats).prop_map(|(reservation_id, revision, seats)| {
            Command::MakeSeatReservation { reservation_id, revision, seats }
        }),
        2 => id.clone().prop_map(|reservation_id| Command::CommitSeatReservation { reservation_id }),
        2 => id.clone().prop_map(|reservation_id| Command::CancelSeatReservation { reservation_id }),
        1 => id.prop_map(|reservation_id| Command::ReturnSeats { reservation_id }),
    ]
}

proptest! {
    #[test]
    fn no_order_of_commands_oversells(commands in prop::collection::vec(any_command(), 0..60)) {
        let mut seats = SeatsAvailability::default();
        seats.evolve(&quota(GENERAL, 9));
        seats.evolve(&quota(WORKSHOP, 4));
        for command in commands {
            let Ok(events) = seats.decide(command.clone(), NOON) else { continue };
            for event in &events {
                seats.evolve(event);
            }
            for counts in seats.counts.values() {
                prop_assert!(counts.held >= 0 && counts.sold >= 0 && counts.remaining() >= 0);
            }
            let mut held: BTreeMap<SeatTypeId, i64> = BTreeMap::new();
            let mine = seats.reservations.values();
            for line in mine.filter(|r| r.status == ReservationStatus::Held).flat_map(|r| &r.seats) {
                *held.entry(line.seat_type).or_default() += i64::from(line.quantity);
            }
            let mut sold: BTreeMap<SeatTypeId, i64> = BTreeMap::new();
            let sales = seats.reservations.values().filter(|r| r.status == ReservationStatus::Committed);
            for line in sales.flat_map(|r| &r.seats) {
                *sold.entry(line.seat_type).or_default() += i64::from(line.quantity);
            }
            for (seat_type, counts) in &seats.counts {
                prop_assert_eq!(counts.held, held.get(seat_type).copied().unwrap_or(0));
                prop_assert_eq!(counts.sold, sold.get(seat_type).copied().unwrap_or(0));
            }
            if !matches!(command, Command::AddSeats { .. }) {
                prop_assert_eq!(seats.decide(command, NOON).unwrap_or_default(), vec![]);
            }
        }
    }
}
