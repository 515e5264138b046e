//! The table of `order_state.rs`, row by row, and the gate in front of *Pay*.

use super::*;
use shared::{AccessCode, ConferenceId, Currency, OrderId};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_000_000);
const UNTIL: Timestamp = Timestamp(1_600_000);

fn view(status: OrderStatus, asked: u32, held: u32) -> OrderView {
    OrderView {
        id: OrderId(Uuid::nil()),
        conference_id: ConferenceId(Uuid::nil()),
        conference: "rustconf".into(),
        access_code: AccessCode::from_random(7),
        status,
        lines: vec![OrderLine {
            seat_type: SeatTypeId(Uuid::nil()),
            name: "General".into(),
            asked,
            held,
            unit_price: Money::new(19_900, Currency::EUR),
            line_total: Money::new(19_900, Currency::EUR).times(held),
        }],
        total: Money::new(19_900, Currency::EUR).times(held),
        placed_at: NOW,
        hold_expires_at: UNTIL,
        extensions_left: 10,
        registrant: None,
        payment: None,
        confirmed_at: None,
        seats: Vec::new(),
        was_short: false,
    }
}

fn payment(number: u128, status: PaymentStatus) -> PaymentView {
    PaymentView {
        id: PaymentId(Uuid::from_u128(number)),
        status,
        amount: Money::new(39_800, Currency::EUR),
        initiated_at: NOW,
        pay_at: None,
        decline_reason: None,
    }
}

fn paid(status: OrderStatus, payment_status: PaymentStatus) -> OrderView {
    OrderView { payment: Some(payment(1, payment_status)), ..view(status, 2, 2) }
}

fn intent(phase: Phase) -> Intent {
    Intent { seats: 2, since_ms: 0, is_new: true, phase }
}

/// What is said about a view alone, at `NOW`.
fn of_view(view: &OrderView) -> OrderState {
    at(view, NOW)
}

fn at(view: &OrderView, now: Timestamp) -> OrderState {
    let view = Some((view, 10));
    OrderState::of(&Facts { intent: None, view, now, steady_ms: 0, is_offline: false })
}

/// What is said while an intent is pending and nothing was seen.
fn of_intent(intent: &Intent, steady_ms: i64, is_offline: bool) -> OrderState {
    let intent = Some(intent);
    OrderState::of(&Facts { intent, view: None, now: NOW, steady_ms, is_offline })
}

#[test]
fn without_an_order_one_chooses() {
    let facts = Facts { intent: None, view: None, now: NOW, steady_ms: 0, is_offline: false };
    assert_eq!(OrderState::of(&facts), OrderState::Choosing);
    assert_eq!(OrderState::Choosing.headline(""), "Choose your seats");
}

#[test]
fn asking_gets_longer_and_then_unsure() {
    let sent = intent(Phase::Sent);
    for (steady_ms, expected) in [
        (0, OrderState::Asking { seats: 2 }),
        (3_000, OrderState::Asking { seats: 2 }),
        (3_001, OrderState::AskingLong { seats: 2 }),
        (10_000, OrderState::AskingLong { seats: 2 }),
        (10_001, OrderState::Unsure { seats: 2 }),
    ] {
        assert_eq!(of_intent(&sent, steady_ms, false), expected, "{steady_ms}");
    }
    assert_eq!(of_intent(&sent, 0, true), OrderState::Unsure { seats: 2 }, "offline");
    assert_eq!(of_intent(&intent(Phase::Unheard), 0, false), OrderState::Unsure { seats: 2 });
    // Answered, but the view that shows it has not come: still asking.
    let answered = intent(Phase::Answered { position: 12 });
    assert_eq!(of_intent(&answered, 0, false), OrderState::Asking { seats: 2 });
}

#[test]
fn a_refusal_is_said_in_its_own_words() {
    let refused = intent(Phase::Refused(RefusalCode::NotOnSale));
    let state = of_intent(&refused, 0, false);
    assert_eq!(state, OrderState::Refused(RefusalCode::NotOnSale));
    assert_eq!(state.headline(""), "This seat type is not on sale now.");
}

#[test]
fn the_overlay_dies_when_the_view_reaches_the_answer() {
    let old = view(OrderStatus::Held, 1, 1);
    let answered = Intent { is_new: false, ..intent(Phase::Answered { position: 12 }) };
    let with_view_at = |position| {
        OrderState::of(&Facts {
            intent: Some(&answered),
            view: Some((&old, position)),
            now: NOW,
            steady_ms: 0,
            is_offline: false,
        })
    };
    assert_eq!(with_view_at(11), OrderState::Asking { seats: 2 });
    assert_eq!(with_view_at(12), OrderState::Held { seats: 1, until: UNTIL });
    assert_eq!(with_view_at(13), OrderState::Held { seats: 1, until: UNTIL });
}

#[test]
fn a_pushed_view_of_a_new_order_is_faster_than_the_answer_and_an_old_one_proves_nothing() {
    let held = view(OrderStatus::Held, 2, 2);
    let say = |phase, is_new| {
        let intent = Intent { is_new, ..intent(phase) };
        OrderState::of(&Facts {
            intent: Some(&intent),
            view: Some((&held, 1)),
            now: NOW,
            steady_ms: 0,
            is_offline: false,
        })
    };
    assert_eq!(say(Phase::Sent, true), OrderState::Held { seats: 2, until: UNTIL });
    assert_eq!(say(Phase::Unheard, true), OrderState::Held { seats: 2, until: UNTIL });
    assert_eq!(say(Phase::Sent, false), OrderState::Asking { seats: 2 });
    assert_eq!(say(Phase::Unheard, false), OrderState::Unsure { seats: 2 });
}

#[test]
fn each_status_without_a_payment_says_one_thing() {
    for (status, asked, held, expected) in [
        (OrderStatus::Reserving, 2, 0, OrderState::Asking { seats: 2 }),
        (OrderStatus::Held, 2, 2, OrderState::Held { seats: 2, until: UNTIL }),
        (OrderStatus::PartlyHeld, 5, 3, OrderState::PartlyHeld { held: 3, asked: 5, until: UNTIL }),
        (OrderStatus::PartlyHeld, 5, 0, OrderState::NoneHeld { asked: 5 }),
        (OrderStatus::Confirmed, 2, 2, OrderState::Confirmed),
        (OrderStatus::Expired, 2, 0, OrderState::Expired),
        (OrderStatus::Cancelled, 2, 0, OrderState::Released),
    ] {
        assert_eq!(of_view(&view(status, asked, held)), expected, "{status:?}");
    }
}

#[test]
fn a_reservation_found_on_reload_is_asked_for_since_it_was_placed() {
    let reserving = view(OrderStatus::Reserving, 2, 0);
    assert_eq!(at(&reserving, NOW.plus_seconds(5)), OrderState::AskingLong { seats: 2 });
    assert_eq!(at(&reserving, NOW.plus_seconds(11)), OrderState::Unsure { seats: 2 });
}

#[test]
fn the_deadline_expires_like_the_event() {
    for status in [OrderStatus::Held, OrderStatus::PartlyHeld] {
        let held = view(status, 2, 2);
        assert!(at(&held, Timestamp(UNTIL.0 - 1)).is_holding());
        assert_eq!(at(&held, UNTIL), OrderState::Expired);
    }
    // None held has no deadline to pass.
    let none = view(OrderStatus::PartlyHeld, 2, 0);
    assert_eq!(at(&none, UNTIL), OrderState::NoneHeld { asked: 2 });
}

#[test]
fn every_payment_in_every_status_says_one_thing() {
    use OrderState::{Confirmed, Expired, PaidLate, PayingElsewhere, Released};
    use PaymentStatus::{Abandoned, Completed, Declined, InFlight, Refunded, Refunding};
    let held = OrderState::Held { seats: 2, until: UNTIL };
    let table = [
        (OrderStatus::Held, InFlight, PayingElsewhere),
        (OrderStatus::Held, Completed, PayingElsewhere),
        (OrderStatus::Held, Declined, held),
        (OrderStatus::Held, Abandoned, held),
        (OrderStatus::Held, Refunding, held),
        (OrderStatus::Held, Refunded, held),
        (OrderStatus::Expired, InFlight, PayingElsewhere),
        (OrderStatus::Expired, Completed, PaidLate(Late::Trying)),
        (OrderStatus::Expired, Declined, Expired),
        (OrderStatus::Expired, Abandoned, Expired),
        (OrderStatus::Expired, Refunding, PaidLate(Late::Refunding)),
        (OrderStatus::Expired, Refunded, PaidLate(Late::Refunded)),
        (OrderStatus::Cancelled, InFlight, PayingElsewhere),
        (OrderStatus::Cancelled, Completed, PaidLate(Late::Trying)),
        (OrderStatus::Cancelled, Declined, Released),
        (OrderStatus::Cancelled, Abandoned, Released),
        (OrderStatus::Cancelled, Refunding, PaidLate(Late::Refunding)),
        (OrderStatus::Cancelled, Refunded, PaidLate(Late::Refunded)),
        (OrderStatus::Confirmed, InFlight, Confirmed),
        (OrderStatus::Confirmed, Completed, Confirmed),
        (OrderStatus::Confirmed, Declined, Confirmed),
        (OrderStatus::Confirmed, Abandoned, Confirmed),
        (OrderStatus::Confirmed, Refunding, Confirmed),
        (OrderStatus::Confirmed, Refunded, Confirmed),
    ];
    for (status, payment, expected) in table {
        assert_eq!(of_view(&paid(status, payment)), expected, "{status:?} {payment:?}");
    }
}

#[test]
fn a_payment_in_flight_stops_the_clock_for_the_person() {
    let paying = paid(OrderStatus::Held, PaymentStatus::InFlight);
    let state = at(&paying, UNTIL.plus_seconds(300));
    assert_eq!(state, OrderState::PayingElsewhere);
    assert_eq!(state.until(), None);
}

#[test]
fn headlines_are_word_for_word() {
    let until = "14:32";
    let table = [
        (OrderState::Asking { seats: 2 }, "Reserving your seats…"),
        (
            OrderState::AskingLong { seats: 2 },
            "Still reserving. This is taking longer than usual. You don't need to do anything.",
        ),
        (
            OrderState::Unsure { seats: 2 },
            "We haven't heard back yet. It's safe to try again: you can't be booked twice.",
        ),
        (OrderState::Held { seats: 2, until: UNTIL }, "Your seats are held until 14:32"),
        (
            OrderState::PartlyHeld { held: 3, asked: 5, until: UNTIL },
            "We could hold 3 of the 5 seats you asked for",
        ),
        (OrderState::NoneHeld { asked: 5 }, "Those seats were taken while you were choosing"),
        (OrderState::PayingElsewhere, "Waiting for your payment"),
        (OrderState::Confirmed, "You're registered"),
        (OrderState::Expired, "Your hold has ended"),
        (
            OrderState::PaidLate(Late::Trying),
            "Your payment arrived after the hold ended. We're trying to get your seats back.",
        ),
    ];
    for (state, words) in table {
        assert_eq!(state.headline(until), words);
    }
}

#[test]
fn an_ended_order_is_not_asked_for_other_seats() {
    assert!(OrderState::Held { seats: 2, until: UNTIL }.can_change_seats());
    assert!(OrderState::NoneHeld { asked: 2 }.can_change_seats());
    assert!(OrderState::Unsure { seats: 2 }.can_change_seats());
    assert!(OrderState::Refused(RefusalCode::OverOrderLimit).can_change_seats());
    for ended in [
        OrderState::Expired,
        OrderState::Released,
        OrderState::Confirmed,
        OrderState::PayingElsewhere,
        OrderState::PaidLate(Late::Trying),
        OrderState::Refused(RefusalCode::OrderEnded),
    ] {
        assert!(!ended.can_change_seats(), "{ended:?}");
    }
}

#[test]
fn more_time_does_not_rebuild_the_screen() {
    let early = OrderState::Held { seats: 2, until: UNTIL };
    let late = OrderState::Held { seats: 2, until: UNTIL.plus_seconds(300) };
    assert_ne!(early, late);
    assert_eq!(early.shape(), late.shape());
    assert_ne!(early.shape(), OrderState::Expired.shape());
}

#[test]
fn one_payment_id_until_a_payment_has_ended() {
    let made = PaymentId(Uuid::from_u128(1));
    let other = PaymentId(Uuid::from_u128(2));
    let reuse = |made, latest: Option<&PaymentView>| payment_id_to_reuse(made, latest);
    assert_eq!(reuse(None, None), None);
    assert_eq!(reuse(Some(made), None), Some(made));
    for status in [PaymentStatus::InFlight, PaymentStatus::Completed] {
        assert_eq!(reuse(Some(made), Some(&payment(1, status))), Some(made));
        // Another tab started it: the same payment.
        assert_eq!(reuse(None, Some(&payment(1, status))), Some(made));
        assert_eq!(reuse(Some(other), Some(&payment(1, status))), Some(made));
    }
    for status in [PaymentStatus::Declined, PaymentStatus::Abandoned, PaymentStatus::Refunded] {
        assert_eq!(reuse(Some(made), Some(&payment(1, status))), None, "{status:?}");
        // A newer id that was made after the end is still good.
        assert_eq!(reuse(Some(other), Some(&payment(1, status))), Some(other));
    }
}

fn gate_facts(state: OrderState) -> GateFacts {
    let total = Money::new(39_800, Currency::EUR);
    GateFacts { state, is_connected: true, are_details_saved: true, shown: total, total }
}

#[test]
fn the_gate_opens_only_for_held_seats() {
    let held = OrderState::Held { seats: 2, until: UNTIL };
    assert_eq!(pay_gate(&gate_facts(held)), Gate::Open);
    let asking = Gate::Closed("You can pay as soon as your seats are confirmed.".into());
    for state in [
        OrderState::Choosing,
        OrderState::Asking { seats: 2 },
        OrderState::AskingLong { seats: 2 },
        OrderState::Unsure { seats: 2 },
    ] {
        assert_eq!(pay_gate(&gate_facts(state)), asking, "{state:?}");
    }
    let choose = Gate::Closed("Choose what to do about your seats first.".into());
    for state in [
        OrderState::PartlyHeld { held: 3, asked: 5, until: UNTIL },
        OrderState::NoneHeld { asked: 5 },
    ] {
        assert_eq!(pay_gate(&gate_facts(state)), choose, "{state:?}");
    }
    for state in [
        OrderState::PayingElsewhere,
        OrderState::Confirmed,
        OrderState::Expired,
        OrderState::PaidLate(Late::Refunded),
        OrderState::Released,
        OrderState::Refused(RefusalCode::OrderEnded),
    ] {
        assert!(matches!(pay_gate(&gate_facts(state)), Gate::Closed(_)), "{state:?}");
    }
}

#[test]
fn the_gate_closes_offline_without_details_and_on_another_total() {
    let facts = gate_facts(OrderState::Held { seats: 2, until: UNTIL });
    for (facts, words) in [
        (
            GateFacts { is_connected: false, ..facts },
            "You're offline. You can pay when the connection is back.",
        ),
        (
            GateFacts { are_details_saved: false, ..facts },
            "You can pay as soon as your details are saved.",
        ),
        (
            GateFacts { total: Money::new(37_800, Currency::EUR), ..facts },
            "The total changed from €398 to €378. Check it, then pay.",
        ),
    ] {
        assert_eq!(pay_gate(&facts), Gate::Closed(words.into()));
    }
}

#[test]
fn own_changes_are_announced_once_and_the_ordinary_ones_not_at_all() {
    let asking = OrderState::Asking { seats: 5 };
    let partly = OrderState::PartlyHeld { held: 3, asked: 5, until: UNTIL };
    assert_eq!(
        announcement(asking, partly).as_deref(),
        Some("3 of 5 seats are held for you. Review your order.")
    );
    let later = OrderState::PartlyHeld { held: 3, asked: 5, until: UNTIL.plus_seconds(300) };
    assert_eq!(announcement(partly, later), None);
    assert_eq!(announcement(asking, OrderState::Held { seats: 5, until: UNTIL }), None);
    assert_eq!(announcement(OrderState::Choosing, OrderState::NoneHeld { asked: 2 }), None);
    assert!(announcement(asking, OrderState::NoneHeld { asked: 2 }).is_some());
    assert!(announcement(asking, OrderState::AskingLong { seats: 2 }).is_some());
}

#[test]
fn seats_that_came_back_are_asked_for_beside_those_that_are_held() {
    let lines = view(OrderStatus::PartlyHeld, 5, 3).lines;
    let asked = |free| {
        let (seats, more) = with_what_came_back(&lines, |_| free);
        (seats.iter().map(|line| line.quantity).sum::<u32>(), more)
    };
    assert_eq!(asked(0), (3, 0));
    assert_eq!(asked(1), (4, 1));
    assert_eq!(asked(9), (5, 2));
    let none = view(OrderStatus::PartlyHeld, 5, 0).lines;
    assert!(with_what_came_back(&none, |_| 0).0.is_empty());
}

#[test]
fn granted_lines_use_words() {
    assert_eq!(granted_words(3, 5), "3 of 5 held");
    assert_eq!(granted_words(0, 5), "none left");
}
