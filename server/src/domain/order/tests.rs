//! How an order may and may not come to its end.

use super::*;
use crate::domain::conference::tests::{GENERAL, WORKSHOP};
use crate::domain::kit::{NOON, given, minutes};
use uuid::Uuid;

pub(crate) const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(0xF));

pub(crate) fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub(crate) fn general(quantity: u32) -> SeatQuantity {
    SeatQuantity { seat_type: GENERAL, quantity }
}

fn offer(seat_type: SeatTypeId, quantity: u32, price: i64) -> Offer {
    Offer { seat_type, name: "Seat".into(), unit_price: euros(price), quantity }
}

pub(crate) fn wish(offer: Vec<Offer>) -> Registration {
    Registration {
        offer,
        currency: Currency::EUR,
        payment_in_flight: false,
        token_hash: TokenHash("hash".into()),
        access_code: AccessCode::from_random(7),
        hold_seconds: 900,
        grace_seconds: 60,
    }
}

fn register(offer: Vec<Offer>) -> Command {
    Command::RegisterToConference(wish(offer))
}

fn line(quantity: u32, price: i64) -> PricedLine {
    PricedLine {
        seat_type: GENERAL,
        name: "Seat".into(),
        unit_price: euros(price),
        quantity,
        line_total: euros(price * i64::from(quantity)),
    }
}

fn total(lines: Vec<PricedLine>, minor: i64) -> Event {
    Event::OrderTotalsCalculated { lines, total: euros(minor), is_free_of_charge: minor == 0 }
}

pub(crate) fn placed(quantity: u32, price: i64) -> Vec<Event> {
    vec![
        Event::OrderPlaced {
            seats: vec![general(quantity)],
            hold_expires_at: minutes(15),
            grace_seconds: 60,
            access_code: AccessCode::from_random(7),
            token_hash: TokenHash("hash".into()),
        },
        total(vec![line(quantity, price)], price * i64::from(quantity)),
    ]
}

pub(crate) fn ada() -> Registrant {
    Registrant {
        given_name: "Ada".into(),
        family_name: "Lovelace".into(),
        email: "ada@example.org".into(),
    }
}

pub(crate) fn held(quantity: u32, price: i64) -> Vec<Event> {
    let mut events = placed(quantity, price);
    events.push(Event::OrderReservationCompleted { seats: vec![general(quantity)] });
    events.push(Event::OrderRegistrantAssigned { registrant: ada() });
    events
}

fn and(mut events: Vec<Event>, more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    events.extend(more);
    events
}

#[test]
fn an_order_is_placed_with_its_price_and_its_deadline() {
    given::<Order>([]).when(register(vec![offer(GENERAL, 2, 500)])).then_each_time(placed(2, 500));
}

#[test]
fn an_order_is_changed_only_while_it_is_alive() {
    let change = register(vec![offer(GENERAL, 3, 500)]);
    given::<Order>(held(2, 500)).when(change.clone()).then_each_time([
        Event::OrderUpdated { seats: vec![general(3)] },
        total(vec![line(3, 500)], 1_500),
    ]);
    for (end, code) in [
        (Event::OrderConfirmed { payment_id: None }, RefusalCode::OrderAlreadyConfirmed),
        (Event::OrderExpired {}, RefusalCode::OrderEnded),
        (Event::OrderCancelled {}, RefusalCode::OrderEnded),
    ] {
        given::<Order>(and(held(2, 500), [end])).when(change.clone()).then_refused(code);
    }
    given::<Order>(held(2, 500)).when_at(minutes(16), change).then_refused(RefusalCode::OrderEnded);
}

#[test]
fn a_change_waits_for_a_payment_in_flight() {
    let change = Command::RegisterToConference(Registration {
        payment_in_flight: true,
        ..wish(vec![offer(GENERAL, 3, 500)])
    });
    given::<Order>(held(2, 500)).when(change).then_refused(RefusalCode::PaymentInProgress);
}

#[test]
fn a_seat_type_listed_twice_is_refused() {
    given::<Order>([])
        .when(register(vec![offer(GENERAL, 1, 500), offer(GENERAL, 1, 500)]))
        .then_refused(RefusalCode::SeatTypeRepeated);
}

#[test]
fn fewer_seats_cost_less_at_the_price_they_were_offered_for() {
    given::<Order>(placed(5, 500))
        .when(Command::MarkSeatsAsReserved { seats: vec![general(3)] })
        .then([
            Event::OrderPartiallyReserved { seats: vec![general(3)] },
            total(vec![line(3, 500)], 1_500),
        ]);
    given::<Order>(placed(5, 500))
        .when(Command::MarkSeatsAsReserved { seats: vec![] })
        .then([Event::OrderPartiallyReserved { seats: vec![] }, total(vec![], 0)]);
}

#[test]
fn an_empty_hand_is_not_free_of_charge() {
    let none = and(
        placed(2, 500),
        [
            Event::OrderPartiallyReserved { seats: vec![] },
            total(vec![], 0),
            Event::OrderRegistrantAssigned { registrant: ada() },
        ],
    );
    given::<Order>(none.clone())
        .when(Command::CompleteRegistration)
        .then_refused(RefusalCode::SeatsNotHeld);
    given::<Order>(none)
        .when(Command::ConfirmOrder { reserved: vec![], paid: None })
        .then_refused(RefusalCode::SeatsNotHeld);
}

#[test]
fn only_paid_or_free_seats_that_are_held_become_final() {
    let confirm = |reserved, paid| Command::ConfirmOrder { reserved, paid };
    let paid = Some((PAYMENT, euros(1_000)));
    let confirmed = Event::OrderConfirmed { payment_id: Some(PAYMENT) };
    given::<Order>(held(2, 500)).when(confirm(vec![general(2)], paid)).then([confirmed]);
    for (reserved, paid, code) in [
        (vec![], paid, RefusalCode::SeatsNotHeld),
        (vec![general(1)], paid, RefusalCode::SeatsNotHeld),
        (vec![general(2)], None, RefusalCode::PaymentRequired),
        (vec![general(2)], Some((PAYMENT, euros(999))), RefusalCode::PaymentRequired),
    ] {
        given::<Order>(held(2, 500)).when(confirm(reserved, paid)).then_refused(code);
    }
    given::<Order>([]).when(confirm(vec![], paid)).then_refused(RefusalCode::OrderNotFound);
}

#[test]
fn an_expired_order_is_revived_by_money_but_not_for_free() {
    let confirm = |paid| Command::ConfirmOrder { reserved: vec![general(2)], paid };
    given::<Order>(and(held(2, 500), [Event::OrderExpired {}]))
        .when(confirm(Some((PAYMENT, euros(1_000)))))
        .then([Event::OrderConfirmed { payment_id: Some(PAYMENT) }]);
    given::<Order>(and(held(2, 0), [Event::RegistrationCompleted {}, Event::OrderExpired {}]))
        .when(confirm(None))
        .then_refused(RefusalCode::PaymentRequired);
}

#[test]
fn a_free_order_is_completed_by_asking() {
    given::<Order>(held(2, 0))
        .when(Command::CompleteRegistration)
        .then([Event::RegistrationCompleted {}]);
    given::<Order>(held(2, 500))
        .when(Command::CompleteRegistration)
        .then_refused(RefusalCode::PaymentRequired);
    given::<Order>(placed(2, 0))
        .when(Command::CompleteRegistration)
        .then_refused(RefusalCode::SeatsNotHeld);
}

#[test]
fn a_hold_lives_through_the_grace_and_not_longer() {
    given::<Order>(held(2, 500)).when_at(minutes(15), Command::ExpireOrder).then_nothing();
    given::<Order>(held(2, 500))
        .when_at(minutes(16), Command::ExpireOrder)
        .then([Event::OrderExpired {}]);
    given::<Order>(and(held(2, 500), [Event::OrderConfirmed { payment_id: Some(PAYMENT) }]))
        .when_at(minutes(99), Command::ExpireOrder)
        .then_refused(RefusalCode::OrderAlreadyConfirmed);
}

#[test]
fn an_extension_adds_five_minutes_at_most_ten_times_and_never_in_high_demand() {
    let extend = |high_demand| Command::ExtendSeatReservation { high_demand };
    let extended = |at| Event::SeatsReservationExtended { hold_expires_at: at };
    given::<Order>(held(2, 500)).when(extend(false)).then_each_time([extended(minutes(20))]);
    let in_the_grace = minutes(15).plus_seconds(30);
    given::<Order>(held(2, 500))
        .when_at(in_the_grace, extend(false))
        .then_each_time([extended(in_the_grace.plus_seconds(300))]);
    given::<Order>(held(2, 500)).when(extend(true)).then_refused(RefusalCode::HoldNotExtendable);
    let ten = (0..10).map(|_| extended(minutes(60)));
    given::<Order>(and(held(2, 500), ten))
        .when(extend(false))
        .then_refused(RefusalCode::ExtensionsUsedUp);
}

#[test]
fn a_payment_needs_seats_a_registrant_and_the_amount_that_was_shown() {
    let code = |events: Vec<Event>, shown: i64, now: Timestamp| {
        let mut order = Order::default();
        events.iter().for_each(|event| order.evolve(event));
        order.check_payable(euros(shown), now).map_err(|refusal| refusal.code)
    };
    assert_eq!(code(held(2, 500), 1_000, NOON), Ok(euros(1_000)));
    assert_eq!(code(held(2, 500), 999, NOON), Err(RefusalCode::TotalChanged));
    assert_eq!(code(held(2, 0), 0, NOON), Err(RefusalCode::NothingToPay));
    assert_eq!(code(placed(2, 500), 1_000, NOON), Err(RefusalCode::SeatsNotHeld));
    assert_eq!(code(held(2, 500), 1_000, minutes(16)), Err(RefusalCode::OrderEnded));
    let nameless =
        and(placed(2, 500), [Event::OrderReservationCompleted { seats: vec![general(2)] }]);
    assert_eq!(code(nameless, 1_000, NOON), Err(RefusalCode::RegistrantMissing));
}

/// The registrant as the browser says it, before anybody else has got a ticket.
pub(crate) fn details(registrant: Registrant) -> Command {
    Command::AssignRegistrantDetails { registrant, is_anybody_else_named: false }
}

#[test]
fn details_are_checked_and_may_be_corrected_until_the_order_is_final() {
    given::<Order>(placed(1, 500))
        .when(details(ada()))
        .then([Event::OrderRegistrantAssigned { registrant: ada() }]);
    let nobody = Registrant { email: "nobody".into(), ..ada() };
    given::<Order>(placed(1, 500)).when(details(nobody)).then_refused(RefusalCode::DetailsInvalid);
}

#[test]
fn a_mistyped_address_may_be_corrected_after_the_purchase_until_others_have_tickets() {
    let right = || Registrant { email: "ada@example.net".into(), ..ada() };
    given::<Order>(confirmed()).when(details(right())).then([
        Event::OrderRegistrantAssigned { registrant: right() },
        Event::ConfirmationRequested { at: NOON },
    ]);
    given::<Order>(confirmed())
        .when(Command::AssignRegistrantDetails { registrant: right(), is_anybody_else_named: true })
        .then_refused(RefusalCode::OrderAlreadyConfirmed);
    let often = vec![Event::ConfirmationRequested { at: NOON }; 5];
    given::<Order>(and(confirmed(), often))
        .when(details(right()))
        .then_refused(RefusalCode::TooManyRequests);
}

#[test]
fn prices_add_up_over_several_seat_types() {
    given::<Order>([])
        .when(register(vec![offer(GENERAL, 2, 19_900), offer(WORKSHOP, 1, 9_950)]))
        .then_each_time({
            let mut order = Order::default();
            placed(2, 19_900).iter().for_each(|event| order.evolve(event));
            let workshop = PricedLine { seat_type: WORKSHOP, ..line(1, 9_950) };
            vec![
                Event::OrderPlaced {
                    seats: vec![general(2), SeatQuantity { seat_type: WORKSHOP, quantity: 1 }],
                    hold_expires_at: minutes(15),
                    grace_seconds: 60,
                    access_code: AccessCode::from_random(7),
                    token_hash: TokenHash("hash".into()),
                },
                total(vec![line(2, 19_900), workshop], 49_750),
            ]
        });
}

fn confirmed() -> Vec<Event> {
    and(held(2, 500), [Event::OrderConfirmed { payment_id: Some(PAYMENT) }])
}

fn cancel_until(cancel_until: Option<Timestamp>) -> Command {
    Command::CancelRegistration { cancel_until, is_anybody_admitted: false }
}

#[test]
fn a_confirmed_order_is_given_back_before_the_cut_off_only() {
    let until = Some(minutes(60));
    given::<Order>(confirmed())
        .when_at(minutes(60) - 1, cancel_until(until))
        .then([Event::RegistrationCancelled {}]);
    let closed = RefusalCode::CancellationClosed;
    given::<Order>(confirmed()).when_at(minutes(60), cancel_until(until)).then_refused(closed);
    given::<Order>(confirmed()).when(cancel_until(None)).then_refused(closed);
}

#[test]
fn an_order_somebody_was_admitted_with_is_not_given_back() {
    let cancel =
        Command::CancelRegistration { cancel_until: Some(minutes(60)), is_anybody_admitted: true };
    given::<Order>(confirmed()).when(cancel).then_refused(RefusalCode::AlreadyAdmitted);
}

#[test]
fn only_a_confirmed_order_is_given_back() {
    let until = cancel_until(Some(minutes(60)));
    given::<Order>([]).when(until.clone()).then_refused(RefusalCode::OrderNotFound);
    for end in [None, Some(Event::OrderExpired {}), Some(Event::OrderCancelled {})] {
        given::<Order>(and(held(2, 500), end))
            .when(until.clone())
            .then_refused(RefusalCode::OrderNotConfirmed);
    }
}

#[test]
fn nothing_brings_a_given_back_order_to_life() {
    let history = and(confirmed(), [Event::RegistrationCancelled {}]);
    let paid = Some((PAYMENT, euros(1_000)));
    let confirm = Command::ConfirmOrder { reserved: vec![general(2)], paid };
    given::<Order>(history.clone()).when(confirm).then_refused(RefusalCode::OrderEnded);
    let change = register(vec![offer(GENERAL, 3, 500)]);
    given::<Order>(history).when(change).then_refused(RefusalCode::OrderEnded);
}

#[test]
fn a_confirmation_is_sent_again_five_times_an_hour() {
    let again = || Command::SendConfirmationAgain;
    let asked = |minute| Event::ConfirmationRequested { at: minutes(minute) };
    let four = (0..4).map(asked).collect::<Vec<_>>();
    given::<Order>(and(confirmed(), four.clone()))
        .when_at(minutes(4), again())
        .then_each_time([asked(4)]);
    let five = and(four, [asked(4)]);
    given::<Order>(and(confirmed(), five.clone()))
        .when_at(minutes(60) - 1, again())
        .then_refused(RefusalCode::TooManyRequests);
    given::<Order>(and(confirmed(), five))
        .when_at(minutes(60), again())
        .then_each_time([asked(60)]);
    given::<Order>(held(2, 500)).when(again()).then_refused(RefusalCode::OrderNotConfirmed);
}
