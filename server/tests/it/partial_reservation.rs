//! Fewer seats than asked, none at all, and second thoughts.

use crate::house::{Browser, TestHouse};
use crate::on_both_databases;
use server::domain::conference::Command as Manage;
use shared::Money;
use shared::views::OrderStatus;

on_both_databases! {
    fewer_seats_are_held_and_priced_as_fewer
    none_left_is_told_line_by_line_and_the_rest_is_held
    nothing_at_all_can_be_changed_into_something
    what_i_hold_is_mine_when_i_change_my_mind
    seats_that_come_back_can_be_added
    a_cut_quota_takes_no_seat_from_anybody
}

async fn fewer_seats_are_held_and_priced_as_fewer(house: TestHouse) {
    let conference = house.conference("few", &[("General", 500, 3)]).await;
    let browser = Browser::new("few");
    let register = browser.register(&[(conference.seat_types[0].id, 5)]);
    house.accepted(&register, &browser.token).await;
    let order = house.order(&browser).await;
    assert_eq!(order.status, OrderStatus::PartlyHeld);
    assert_eq!((order.lines[0].asked, order.lines[0].held), (5, 3));
    assert_eq!(order.total, Money::new(1_500, conference.currency));
}

async fn none_left_is_told_line_by_line_and_the_rest_is_held(house: TestHouse) {
    let conference = house.conference("some", &[("General", 500, 9), ("Workshop", 700, 1)]).await;
    let (general, workshop) = (conference.seat_types[0].id, conference.seat_types[1].id);
    let first = Browser::new("some");
    house.accepted(&first.register(&[(workshop, 1)]), &first.token).await;
    let second = Browser::new("some");
    house.accepted(&second.register(&[(general, 2), (workshop, 1)]), &second.token).await;
    let order = house.order(&second).await;
    assert_eq!(order.status, OrderStatus::PartlyHeld);
    assert_eq!(order.lines.iter().map(|l| (l.asked, l.held)).collect::<Vec<_>>(), [(2, 2), (1, 0)]);
}

async fn nothing_at_all_can_be_changed_into_something(house: TestHouse) {
    let conference = house.conference("none", &[("General", 500, 1), ("Stream", 100, 9)]).await;
    let (general, stream) = (conference.seat_types[0].id, conference.seat_types[1].id);
    let first = Browser::new("none");
    house.accepted(&first.register(&[(general, 1)]), &first.token).await;
    let second = Browser::new("none");
    house.accepted(&second.register(&[(general, 1)]), &second.token).await;
    let order = house.order(&second).await;
    assert_eq!((order.status, order.seats()), (OrderStatus::PartlyHeld, 0));
    assert!(order.total.is_zero());
    house.accepted(&second.register(&[(stream, 1)]), &second.token).await;
    let changed = house.order(&second).await;
    assert_eq!((changed.status, changed.seats()), (OrderStatus::Held, 1));
    assert_eq!(changed.hold_expires_at, order.hold_expires_at, "the clock does not restart");
}

async fn what_i_hold_is_mine_when_i_change_my_mind(house: TestHouse) {
    let conference = house.conference("mine", &[("General", 500, 4)]).await;
    let general = conference.seat_types[0].id;
    let browser = Browser::new("mine");
    house.accepted(&browser.register(&[(general, 3)]), &browser.token).await;
    house.accepted(&browser.register(&[(general, 4)]), &browser.token).await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Held);
    house.accepted(&browser.register(&[(general, 1)]), &browser.token).await;
    assert_eq!(house.conference_view("mine").await.seat_types[0].remaining(), 3);
}

async fn seats_that_come_back_can_be_added(house: TestHouse) {
    let conference = house.conference("back", &[("General", 500, 3)]).await;
    let general = conference.seat_types[0].id;
    let first = Browser::new("back");
    house.accepted(&first.register(&[(general, 2)]), &first.token).await;
    let second = Browser::new("back");
    house.accepted(&second.register(&[(general, 3)]), &second.token).await;
    assert_eq!(house.order(&second).await.seats(), 1);
    house.accepted(&first.register(&[(general, 1)]), &first.token).await;
    house.accepted(&second.register(&[(general, 3)]), &second.token).await;
    assert_eq!(house.order(&second).await.seats(), 2);
}

async fn a_cut_quota_takes_no_seat_from_anybody(house: TestHouse) {
    let conference = house.conference("cut", &[("General", 500, 10)]).await;
    let general = conference.seat_types[0].id;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 6).await;
    let cut = Manage::ChangeQuota { seat_type: general, quota: 2 };
    house.ledgers.manage(conference.id, cut).await.unwrap();
    house.paid(&browser, payment_id, total).await;
    let line = house.conference_view("cut").await.seat_types[0].clone();
    assert_eq!((line.quota, line.sold, line.remaining()), (2, 6, 0));
    let late = Browser::new("cut");
    house.accepted(&late.register(&[(general, 1)]), &late.token).await;
    assert_eq!(house.order(&late).await.seats(), 0);
}
