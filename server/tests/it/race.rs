//! Everybody wants the same seats at the same moment: exact, whatever the order.

use crate::house::{Browser, TestHouse};
use crate::on_both_databases;
use futures_util::future::join_all;
use shared::views::OrderStatus;

on_both_databases! {
    two_hundred_registrants_share_two_hundred_seats_exactly
}

const REGISTRANTS: usize = 200;

/// 200 people, two seats each, 200 seats: exactly 100 get both, nobody gets an error, none is sold
/// twice.
async fn two_hundred_registrants_share_two_hundred_seats_exactly(house: TestHouse) {
    let conference = house.conference("rush", &[("General", 500, 200)]).await;
    let general = conference.seat_types[0].id;
    let browsers: Vec<Browser> = (0..REGISTRANTS).map(|_| Browser::new("rush")).collect();
    join_all(browsers.iter().map(|browser| async {
        house.accepted(&browser.register(&[(general, 2)]), &browser.token).await;
    }))
    .await;
    let orders = join_all(browsers.iter().map(|browser| house.order(browser))).await;
    let complete = orders.iter().filter(|order| order.status == OrderStatus::Held).count();
    let fewer = orders.iter().filter(|order| order.status == OrderStatus::PartlyHeld).count();
    assert_eq!((complete, fewer), (100, 100));
    let seats: u32 = orders.iter().map(shared::views::OrderView::seats).sum();
    assert_eq!(seats, 200);
    let line = house.conference_view("rush").await.seat_types[0].clone();
    assert_eq!((line.held, line.remaining()), (200, 0));
}
