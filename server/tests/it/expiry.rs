//! The deadline, the grace, money that comes late, and deadlines that outlive the server.

use crate::house::{Browser, TestHouse, fresh};
use crate::on_both_databases;
use shared::commands::ExtendSeatReservation;
use shared::views::{OrderStatus, PaymentStatus};
use shared::{CommandId, RefusalCode};

on_both_databases! {
    a_hold_that_expires_returns_its_seats
    a_press_in_the_grace_still_works
    an_expiry_survives_a_restart
    an_extension_moves_the_deadline_of_the_server_too
    a_payment_in_flight_keeps_the_hold_and_gives_up_after_the_bound
    late_money_buys_the_seats_back_when_they_are_free
    late_money_goes_back_when_the_seats_are_gone
    a_reservation_without_an_order_is_found_and_returned
}

const HOLD: i64 = 900;
const GRACE: i64 = 60;

fn extend(browser: &Browser) -> ExtendSeatReservation {
    ExtendSeatReservation {
        command_id: CommandId(fresh()),
        conference: browser.conference.clone(),
        order_id: browser.order_id,
    }
}

async fn a_hold_that_expires_returns_its_seats(house: TestHouse) {
    let conference = house.conference("expiry", &[("General", 500, 2)]).await;
    let seats = [(conference.seat_types[0].id, 2)];
    let browser = Browser::new("expiry");
    house.accepted(&browser.register(&seats), &browser.token).await;
    house.pass_seconds(HOLD + GRACE);
    let order = house.order_when(&browser, |order| order.status != OrderStatus::Held).await;
    assert_eq!(order.status, OrderStatus::Expired);
    assert_eq!(house.conference_view("expiry").await.seat_types[0].remaining(), 2);
    let next = Browser::new("expiry");
    house.accepted(&next.register(&seats), &next.token).await;
    assert_eq!(house.order(&next).await.status, OrderStatus::Held);
}

async fn a_press_in_the_grace_still_works(house: TestHouse) {
    let conference = house.conference("grace", &[("General", 500, 2)]).await;
    let browser = Browser::new("grace");
    let seats = [(conference.seat_types[0].id, 1)];
    house.accepted(&browser.register(&seats), &browser.token).await;
    house.pass_seconds(HOLD + GRACE - 1);
    house.accepted(&browser.details(), &browser.token).await;
    house.accepted(&extend(&browser), &browser.token).await;
    house.pass_seconds(GRACE);
    house.accepted(&browser.register(&[(seats[0].0, 2)]), &browser.token).await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Held);
}

async fn an_expiry_survives_a_restart(house: TestHouse) {
    let conference = house.conference("sleep", &[("General", 500, 2)]).await;
    let browser = Browser::new("sleep");
    house.accepted(&browser.register(&[(conference.seat_types[0].id, 1)]), &browser.token).await;
    house.pass_seconds(HOLD);
    let house = house.restart().await;
    house.pass_seconds(GRACE);
    house.order_when(&browser, |order| order.status == OrderStatus::Expired).await;
    assert_eq!(house.store.next_deadline().await.unwrap(), None, "nothing is left to look at");
}

async fn an_extension_moves_the_deadline_of_the_server_too(house: TestHouse) {
    let conference = house.conference("more", &[("General", 500, 100)]).await;
    let browser = Browser::new("more");
    house.accepted(&browser.register(&[(conference.seat_types[0].id, 1)]), &browser.token).await;
    let command = extend(&browser);
    house.accepted(&command, &browser.token).await;
    house.accepted(&command, &browser.token).await;
    let order = house.order(&browser).await;
    assert_eq!(order.extensions_left, 9, "sent twice, extended once");
    assert_eq!(order.hold_expires_at, order.placed_at.plus_seconds(HOLD + 300));
    house.pass_seconds(HOLD + GRACE + 200);
    house.accepted(&browser.details(), &browser.token).await;
    let scarce = house.conference("scarce", &[("General", 500, 30)]).await;
    let seats = [(scarce.seat_types[0].id, 15)];
    for _ in 0..2 {
        let taker = Browser::new("scarce");
        house.accepted(&taker.register(&seats), &taker.token).await;
        if house.conference_view("scarce").await.high_demand {
            let refused = house.refused(&extend(&taker), &taker.token).await;
            assert_eq!(refused, RefusalCode::HoldNotExtendable);
            return;
        }
    }
    panic!("thirty seats of thirty are high demand");
}

async fn a_payment_in_flight_keeps_the_hold_and_gives_up_after_the_bound(house: TestHouse) {
    let conference = house.conference("flight", &[("General", 500, 2)]).await;
    let (browser, _, _) = house.up_to_payment(&conference, 2).await;
    house.pass_seconds(HOLD + GRACE + 60);
    let view = house.conference_view("flight").await;
    assert_eq!(view.seat_types[0].held, 2, "somebody may be paying for them");
    house.pass_seconds(600);
    let order = house.order_when(&browser, |order| order.status == OrderStatus::Expired).await;
    assert_eq!(order.payment.unwrap().status, PaymentStatus::Abandoned);
    assert_eq!(house.conference_view("flight").await.seat_types[0].remaining(), 2);
}

async fn late_money_buys_the_seats_back_when_they_are_free(house: TestHouse) {
    let conference = house.conference("revive", &[("General", 500, 2)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    house.pass_seconds(3_600);
    house.order_when(&browser, |order| order.status == OrderStatus::Expired).await;
    house.paid(&browser, payment_id, total).await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Confirmed);
    assert_eq!(house.conference_view("revive").await.seat_types[0].sold, 2);
}

async fn late_money_goes_back_when_the_seats_are_gone(house: TestHouse) {
    let conference = house.conference("gone", &[("General", 500, 2)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    house.pass_seconds(3_600);
    house.order_when(&browser, |order| order.status == OrderStatus::Expired).await;
    let next = Browser::new("gone");
    house.accepted(&next.register(&[(conference.seat_types[0].id, 1)]), &next.token).await;
    house.paid(&browser, payment_id, total).await;
    let order = house.order(&browser).await;
    assert_eq!(order.status, OrderStatus::Expired);
    let status = order.payment.unwrap().status;
    assert!(matches!(status, PaymentStatus::Refunding | PaymentStatus::Refunded), "{status:?}");
    assert_eq!(house.conference_view("gone").await.seat_types[0].held, 1);
}

/// What a bug of an older release, or a restored backup, may have left behind (W17).
async fn a_reservation_without_an_order_is_found_and_returned(house: TestHouse) {
    use server::domain::seats_availability::{Event, SeatChange};
    use server::store::{Commit, NewEvent};
    use shared::commands::SeatQuantity;

    let conference = house.conference("orphan", &[("General", 500, 5)]).await;
    let seat_type = conference.seat_types[0].id;
    let orphan = Browser::new("orphan");
    let house = house.restart().await;
    let head = house.store.head(conference.id.0).await.unwrap().unwrap().head;
    let version =
        house.store.read_streams(conference.id.0, &["seats-availability"], 0).await.unwrap().len()
            as u64;
    let event = server::events::Event::Seats(Event::SeatsReserved {
        reservation_id: orphan.order_id,
        revision: 1,
        seats: vec![SeatQuantity { seat_type, quantity: 3 }],
        available_seats_changed: vec![SeatChange { seat_type, change: -3 }],
    });
    let commit = Commit {
        ledger: conference.id.0,
        expected_head: head,
        events: vec![NewEvent {
            stream: "seats-availability".into(),
            version: version + 1,
            process: Some(orphan.order_id.0),
            kind: event.kind(),
            payload: event.encode(),
            command_id: None,
            cause: 0,
            recorded_at: house.clock.now().0,
        }],
        deadlines: vec![(orphan.order_id.0, Some(house.clock.now().0))],
        ..Commit::default()
    };
    house.store.commit(&commit).await.unwrap();
    house.pass_seconds(10);
    for _ in 0..5_000 {
        if house.store.next_deadline().await.unwrap().is_none() {
            break;
        }
    }
    let everything = Browser::new("orphan");
    house.accepted(&everything.register(&[(seat_type, 5)]), &everything.token).await;
    assert_eq!(house.order(&everything).await.seats(), 5);
}
