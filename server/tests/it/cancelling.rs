//! Giving a confirmed order back: before the cut-off, once, with all its seats and all its money.

use crate::desk::Desk;
use crate::house::{Browser, TestHouse, fresh};
use crate::live::Socket;
use crate::on_both_databases;
use crate::payment::{all_effects_are_done, count, status_at_provider};
use crate::seating::{
    SLUG, admit, assign, bought, cancel, interrupted, mailed, owner, person, seat, set_cut_offs,
    ticket_of,
};
use server::payment_gateway::ProviderStatus;
use shared::CommandId;
use shared::RefusalCode;
use shared::commands::CompleteRegistration;
use shared::dashboard::DashboardView;
use shared::live::{Snapshot, Topic, View};
use shared::views::{OrderStatus, PaymentStatus};

on_both_databases! {
    a_cancelled_order_gives_back_its_seats_and_its_money
    the_owner_sees_seats_and_revenue_go_at_once
    an_order_cancelled_twice_is_refunded_once
    from_the_cut_off_on_an_order_stays
    nobody_cancels_what_somebody_used
    only_a_confirmed_order_of_ones_own_can_be_cancelled
    an_order_that_was_free_goes_without_a_refund
    a_refund_survives_a_restart
}

/// An owner who lets orders be given back for an hour.
async fn generous_owner(house: &TestHouse, quota: u32) -> Desk {
    let mut desk = owner(house, quota).await;
    let until = Some(house.clock.now().plus_seconds(3_600));
    set_cut_offs(house, &mut desk, until, None).await;
    desk
}

async fn refunded(house: &TestHouse, browser: &Browser) {
    let is_back = |status| status == PaymentStatus::Refunded;
    house.order_when(browser, |o| o.payment.as_ref().is_some_and(|p| is_back(p.status))).await;
}

async fn a_cancelled_order_gives_back_its_seats_and_its_money(house: TestHouse) {
    generous_owner(&house, 2).await;
    let browser = bought(&house, 2).await;
    seat(&house, &browser, 0, "Jon").await;
    let payment_id = house.order(&browser).await.payment.expect("a payment").id;
    let (mut phone, mut sale) = (Socket::open(&house).await, Socket::open(&house).await);
    phone.watch(&browser.topic(), Some(&browser.token)).await;
    sale.watch(&Topic::Conference { slug: SLUG.into() }, None).await;

    house.accepted(&cancel(&browser), &browser.token).await;
    let is_cancelled = |seen: &Snapshot| {
        matches!(&seen.view, View::Order(order)
            if order.status == OrderStatus::Cancelled && order.seats.is_empty())
    };
    phone.snapshot_when(is_cancelled).await;
    let is_open = |seen: &Snapshot| matches!(&seen.view, View::Conference(view) if view.seat_types[0].remaining() == 2);
    sale.snapshot_when(is_open).await;
    refunded(&house, &browser).await;
    let at_provider = status_at_provider(&house, &browser, payment_id).await;
    assert!(matches!(at_provider, ProviderStatus::Refunded { .. }), "{at_provider:?}");
    all_effects_are_done(&house).await;
    assert_eq!(mailed(&house, "cancellation-"), ["ada@example.org"]);
    assert_eq!(mailed(&house, "ticket-void-"), ["jon@example.org"]);

    // Somebody else gets exactly these seats.
    let next = bought(&house, 2).await;
    assert_eq!(house.order(&next).await.seats(), 2);
    let late = assign(&browser, 0, person("Jon"));
    assert_eq!(house.refused(&late, &browser.token).await, RefusalCode::OrderNotConfirmed);
}

async fn the_owner_sees_seats_and_revenue_go_at_once(house: TestHouse) {
    let desk = generous_owner(&house, 10).await;
    let browser = bought(&house, 2).await;
    bought(&house, 1).await;
    let numbers = |view: &DashboardView| {
        let line = &view.conference.seat_types[0];
        (line.sold, view.orders_confirmed, view.revenue[0].revenue.minor)
    };
    let mut screen = Socket::open_at(&house, &desk).await;
    screen.watch(&Topic::Dashboard { slug: SLUG.into() }, None).await;
    let View::Dashboard(before) = screen.snapshot().await.view else { panic!("no dashboard") };
    assert_eq!(numbers(&before), (3, 2, 1_500));
    let position = house.accepted(&cancel(&browser), &browser.token).await.position;
    let after = screen.snapshot_when(|seen| position <= seen.position).await;
    let View::Dashboard(after) = after.view else { panic!("no dashboard") };
    assert_eq!(numbers(&after), (1, 1, 500));
    let code = house.order(&browser).await.access_code;
    let words = format!("Order {code} cancelled · 2 General · €10");
    assert!(after.happenings.iter().any(|told| told.words == words), "{after:?}");
}

async fn an_order_cancelled_twice_is_refunded_once(house: TestHouse) {
    generous_owner(&house, 10).await;
    let view = house.conference_view(SLUG).await;
    let browser = bought(&house, 2).await;
    let first = cancel(&browser);
    let position = house.accepted(&first, &browser.token).await.position;
    assert_eq!(house.accepted(&first, &browser.token).await.position, position);
    // Another device, a moment later.
    let (again, other) = (cancel(&browser), cancel(&browser));
    tokio::join!(house.accepted(&again, &browser.token), house.accepted(&other, &browser.token));
    let house = interrupted(house).await;
    house.accepted(&first, &browser.token).await;
    refunded(&house, &browser).await;
    all_effects_are_done(&house).await;
    for kind in [
        "Order.RegistrationCancelled.v1",
        "Seats.SeatsReturned.v1",
        "Payment.PaymentRefundRequested.v1",
        "Payment.PaymentRefunded.v1",
    ] {
        assert_eq!(count(&house, &view, kind).await, 1, "{kind}");
    }
    assert_eq!(mailed(&house, "cancellation-").len(), 1);
    let line = house.conference_view(SLUG).await.seat_types[0].clone();
    assert_eq!((line.sold, line.remaining()), (0, 10));
}

async fn from_the_cut_off_on_an_order_stays(house: TestHouse) {
    let mut desk = owner(&house, 10).await;
    let (first, second) = (bought(&house, 1).await, bought(&house, 1).await);
    let refused = async |browser: &Browser| house.refused(&cancel(browser), &browser.token).await;
    assert_eq!(refused(&first).await, RefusalCode::CancellationClosed, "there is no cut-off");
    let until = house.clock.now().plus_seconds(60);
    set_cut_offs(&house, &mut desk, Some(until), None).await;
    house.pass_seconds(59);
    house.accepted(&cancel(&first), &first.token).await;
    house.pass_seconds(1);
    assert_eq!(refused(&second).await, RefusalCode::CancellationClosed);
    assert_eq!(house.order(&second).await.status, OrderStatus::Confirmed);
}

async fn nobody_cancels_what_somebody_used(house: TestHouse) {
    let mut desk = generous_owner(&house, 10).await;
    let browser = bought(&house, 2).await;
    seat(&house, &browser, 1, "Jon").await;
    let ticket = ticket_of(&house, &browser, 1).await;
    assert_eq!(desk.send(&house, &admit(SLUG, &ticket)).await.0, 200);
    let refused = house.refused(&cancel(&browser), &browser.token).await;
    assert_eq!(refused, RefusalCode::AlreadyAdmitted);
    assert_eq!(house.conference_view(SLUG).await.seat_types[0].sold, 2);
}

async fn only_a_confirmed_order_of_ones_own_can_be_cancelled(house: TestHouse) {
    generous_owner(&house, 10).await;
    let browser = bought(&house, 1).await;
    let stranger = bought(&house, 1).await;
    let refused = house.refused(&cancel(&browser), &stranger.token).await;
    assert_eq!(refused, RefusalCode::OrderNotFound);
    let view = house.conference_view(SLUG).await;
    let (unpaid, ..) = house.up_to_payment(&view, 2).await;
    let refused = house.refused(&cancel(&unpaid), &unpaid.token).await;
    assert_eq!(refused, RefusalCode::OrderNotConfirmed);
    house.pass_seconds(1_800);
    house.order_when(&unpaid, |order| order.status == OrderStatus::Expired).await;
    let refused = house.refused(&cancel(&unpaid), &unpaid.token).await;
    assert_eq!(refused, RefusalCode::OrderNotConfirmed);
    assert_eq!(house.order(&browser).await.status, OrderStatus::Confirmed);
}

async fn an_order_that_was_free_goes_without_a_refund(house: TestHouse) {
    let mut desk = Desk::of_a_conference(&house, SLUG, &[("Community", 0, 3)]).await;
    let until = Some(house.clock.now().plus_seconds(3_600));
    set_cut_offs(&house, &mut desk, until, None).await;
    let view = house.conference_view(SLUG).await;
    let browser = Browser::new(SLUG);
    house.accepted(&browser.register(&[(view.seat_types[0].id, 3)]), &browser.token).await;
    house.accepted(&browser.details(), &browser.token).await;
    let (command_id, conference) = (CommandId(fresh()), SLUG.to_owned());
    let complete = CompleteRegistration { command_id, conference, order_id: browser.order_id };
    house.accepted(&complete, &browser.token).await;
    house.accepted(&cancel(&browser), &browser.token).await;
    let order = house.order(&browser).await;
    assert_eq!((order.status, order.payment), (OrderStatus::Cancelled, None));
    assert_eq!(house.conference_view(SLUG).await.seat_types[0].remaining(), 3);
    all_effects_are_done(&house).await;
    assert_eq!(mailed(&house, "cancellation-"), ["ada@example.org"]);
    assert!(mailed(&house, "refund-").is_empty());
}

async fn a_refund_survives_a_restart(house: TestHouse) {
    generous_owner(&house, 10).await;
    let view = house.conference_view(SLUG).await;
    let browser = bought(&house, 2).await;
    house.accepted(&cancel(&browser), &browser.token).await;
    let house = interrupted(house).await;
    refunded(&house, &browser).await;
    let house = house.restart().await;
    all_effects_are_done(&house).await;
    assert_eq!(count(&house, &view, "Payment.PaymentRefunded.v1").await, 1);
    assert_eq!(mailed(&house, "cancellation-"), ["ada@example.org"]);
    let payment_id = house.order(&browser).await.payment.expect("a payment").id;
    let at_provider = status_at_provider(&house, &browser, payment_id).await;
    assert!(matches!(at_provider, ProviderStatus::Refunded { .. }), "{at_provider:?}");
}
