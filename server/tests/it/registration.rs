//! The product's main job, over HTTP: register, be held, give details, pay, be confirmed.

use crate::house::{Browser, TestHouse, fresh};
use crate::on_both_databases;
use server::domain::conference::Command as Manage;
use server::payment_gateway::Outcome;
use shared::commands::{CompleteRegistration, ReleaseHold};
use shared::views::{OrderStatus, PaymentStatus};
use shared::{CommandId, Money, PaymentId, RefusalCode};

on_both_databases! {
    a_paid_order_is_confirmed_and_its_seats_are_sold
    a_free_order_is_confirmed_without_payment
    a_group_order_adds_up_over_seat_types
    nobody_pays_before_the_seats_are_held
    a_declined_payment_keeps_the_hold_and_the_second_one_confirms
    a_command_sent_twice_acts_once
    a_late_duplicate_does_not_undo_a_change_of_mind
    letting_go_returns_the_seats_at_once
    what_was_answered_survives_a_restart
    a_hidden_conference_takes_no_new_orders_but_running_ones_finish
    somebody_elses_order_is_not_found
    a_payment_twice_is_one_payment
    a_confirmed_order_is_final
}

async fn a_paid_order_is_confirmed_and_its_seats_are_sold(house: TestHouse) {
    let conference = house.conference("rustconf", &[("General", 19_900, 100)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    assert_eq!(total, Money::new(39_800, conference.currency));
    assert_eq!(house.order(&browser).await.status, OrderStatus::Held);
    house.paid(&browser, payment_id, total).await;
    let order = house.order(&browser).await;
    assert_eq!(order.status, OrderStatus::Confirmed);
    assert_eq!(order.payment.unwrap().status, PaymentStatus::Completed);
    let line = house.conference_view("rustconf").await.seat_types[0].clone();
    assert_eq!((line.sold, line.held, line.remaining()), (2, 0, 98));
}

async fn a_free_order_is_confirmed_without_payment(house: TestHouse) {
    let conference = house.conference("commons", &[("Admission", 0, 10)]).await;
    let browser = Browser::new("commons");
    let register = browser.register(&[(conference.seat_types[0].id, 1)]);
    house.accepted(&register, &browser.token).await;
    let complete = CompleteRegistration {
        command_id: CommandId(fresh()),
        conference: "commons".into(),
        order_id: browser.order_id,
    };
    let refused = house.refused(&complete, &browser.token).await;
    assert_eq!(refused, RefusalCode::RegistrantMissing);
    house.accepted(&browser.details(), &browser.token).await;
    let pay = browser.pay(PaymentId(fresh()), Money::zero(conference.currency));
    assert_eq!(house.refused(&pay, &browser.token).await, RefusalCode::NothingToPay);
    house.accepted(&complete, &browser.token).await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Confirmed);
}

async fn a_group_order_adds_up_over_seat_types(house: TestHouse) {
    let types = [("General", 19_900, 50), ("Workshop", 9_950, 20), ("Party", 0, 20)];
    let conference = house.conference("group", &types).await;
    let browser = Browser::new("group");
    let seats: Vec<_> =
        conference.seat_types.iter().zip([3, 2, 5]).map(|(s, n)| (s.id, n)).collect();
    house.accepted(&browser.register(&seats), &browser.token).await;
    let order = house.order(&browser).await;
    assert_eq!(order.total, Money::new(3 * 19_900 + 2 * 9_950, conference.currency));
    assert_eq!(order.lines.iter().map(|line| line.held).collect::<Vec<_>>(), [3, 2, 5]);
}

async fn nobody_pays_before_the_seats_are_held(house: TestHouse) {
    let conference = house.conference("gate", &[("General", 500, 1)]).await;
    let first = Browser::new("gate");
    let seats = [(conference.seat_types[0].id, 1)];
    house.accepted(&first.register(&seats), &first.token).await;
    let second = Browser::new("gate");
    house.accepted(&second.register(&seats), &second.token).await;
    house.accepted(&second.details(), &second.token).await;
    let pay = second.pay(PaymentId(fresh()), Money::new(500, conference.currency));
    assert_eq!(house.refused(&pay, &second.token).await, RefusalCode::SeatsNotHeld);
}

async fn a_declined_payment_keeps_the_hold_and_the_second_one_confirms(house: TestHouse) {
    let conference = house.conference("decline", &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 1).await;
    let declined = Outcome::Declined { reason: "No funds.".into() };
    house.callback(&browser, declined, payment_id).await;
    let order = house.order(&browser).await;
    assert_eq!(order.status, OrderStatus::Held);
    assert_eq!(order.payment.unwrap().decline_reason.as_deref(), Some("No funds."));
    let again = PaymentId(fresh());
    house.accepted(&browser.pay(again, total), &browser.token).await;
    house.paid(&browser, again, total).await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Confirmed);
}

async fn a_command_sent_twice_acts_once(house: TestHouse) {
    let conference = house.conference("twice", &[("General", 500, 10)]).await;
    let browser = Browser::new("twice");
    let register = browser.register(&[(conference.seat_types[0].id, 2)]);
    let first = house.accepted(&register, &browser.token).await;
    let second = house.accepted(&register, &browser.token).await;
    assert_eq!(first, second, "the same answer");
    assert_eq!(house.conference_view("twice").await.seat_types[0].held, 2);
}

async fn a_late_duplicate_does_not_undo_a_change_of_mind(house: TestHouse) {
    let conference = house.conference("late", &[("General", 500, 10)]).await;
    let browser = Browser::new("late");
    let two = browser.register(&[(conference.seat_types[0].id, 2)]);
    house.accepted(&two, &browser.token).await;
    let three = browser.register(&[(conference.seat_types[0].id, 3)]);
    house.accepted(&three, &browser.token).await;
    house.accepted(&two, &browser.token).await;
    assert_eq!(house.order(&browser).await.seats(), 3);
}

async fn letting_go_returns_the_seats_at_once(house: TestHouse) {
    let conference = house.conference("release", &[("General", 500, 10)]).await;
    let browser = Browser::new("release");
    let seats = [(conference.seat_types[0].id, 4)];
    house.accepted(&browser.register(&seats), &browser.token).await;
    let release = ReleaseHold {
        command_id: CommandId(fresh()),
        conference: "release".into(),
        order_id: browser.order_id,
    };
    house.accepted(&release, &browser.token).await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Cancelled);
    assert_eq!(house.conference_view("release").await.seat_types[0].remaining(), 10);
    let refused = house.refused(&browser.register(&seats), &browser.token).await;
    assert_eq!(refused, RefusalCode::OrderEnded);
}

async fn what_was_answered_survives_a_restart(house: TestHouse) {
    let conference = house.conference("restart", &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    let before = house.order(&browser).await;
    let house = house.restart().await;
    assert_eq!(house.order(&browser).await, before);
    house.paid(&browser, payment_id, total).await;
    let house = house.restart().await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Confirmed);
    assert_eq!(house.conference_view("restart").await.seat_types[0].sold, 2);
}

async fn a_hidden_conference_takes_no_new_orders_but_running_ones_finish(house: TestHouse) {
    let conference = house.conference("hidden", &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 1).await;
    house.ledgers.manage(conference.id, Manage::UnpublishConference).await.unwrap();
    let late = Browser::new("hidden");
    let register = late.register(&[(conference.seat_types[0].id, 1)]);
    assert_eq!(house.refused(&register, &late.token).await, RefusalCode::ConferenceNotFound);
    house.paid(&browser, payment_id, total).await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Confirmed);
}

async fn somebody_elses_order_is_not_found(house: TestHouse) {
    let conference = house.conference("foreign", &[("General", 500, 10)]).await;
    let mine = Browser::new("foreign");
    let seats = [(conference.seat_types[0].id, 1)];
    house.accepted(&mine.register(&seats), &mine.token).await;
    let thief = Browser { token: Browser::new("foreign").token, ..mine.clone() };
    let more = thief.register(&[(conference.seat_types[0].id, 5)]);
    assert_eq!(house.refused(&more, &thief.token).await, RefusalCode::OrderNotFound);
    assert_eq!(house.refused(&thief.details(), &thief.token).await, RefusalCode::OrderNotFound);
    assert!(house.snapshot(&mine.topic(), Some(&thief.token)).await.is_none());
    assert_eq!(house.order(&mine).await.seats(), 1);
}

async fn a_payment_twice_is_one_payment(house: TestHouse) {
    let conference = house.conference("once", &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 1).await;
    let again = browser.pay(payment_id, total);
    let answer = house.accepted(&again, &browser.token).await;
    assert!(answer.pay_at.is_some(), "the same payment, the same place to pay");
    let other = browser.pay(PaymentId(fresh()), total);
    assert_eq!(house.refused(&other, &browser.token).await, RefusalCode::PaymentInProgress);
    house.paid(&browser, payment_id, total).await;
    house.paid(&browser, payment_id, total).await;
    assert_eq!(house.conference_view("once").await.seat_types[0].sold, 1);
}

async fn a_confirmed_order_is_final(house: TestHouse) {
    let conference = house.conference("final", &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 1).await;
    house.paid(&browser, payment_id, total).await;
    let more = browser.register(&[(conference.seat_types[0].id, 2)]);
    assert_eq!(house.refused(&more, &browser.token).await, RefusalCode::OrderAlreadyConfirmed);
    house.pass_seconds(100_000);
    let again = browser.pay(PaymentId(fresh()), total);
    assert_eq!(house.refused(&again, &browser.token).await, RefusalCode::OrderAlreadyConfirmed);
    assert_eq!(house.order(&browser).await.status, OrderStatus::Confirmed);
}
