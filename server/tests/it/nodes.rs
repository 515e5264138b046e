//! Several servers on one database: each serves every conference, and what one writes, the screens of
//! all others show.

use crate::house::{Browser, Db, TestHouse, start};
use crate::live::Socket;
use shared::live::{Snapshot, Topic, View};
use shared::views::OrderStatus;
use sqlx::{Connection, PgConnection};

/// Two servers on one database.
async fn two() -> (TestHouse, TestHouse) {
    let one = start(Db::Postgres).await;
    let other = one.another_node().await;
    (one, other)
}

fn sold(snapshot: &Snapshot) -> u32 {
    match &snapshot.view {
        View::Conference(view) => view.seat_types.iter().map(|line| line.sold).sum(),
        other => panic!("not a conference: {other:?}"),
    }
}

fn status(snapshot: &Snapshot) -> Option<OrderStatus> {
    match &snapshot.view {
        View::Order(view) => Some(view.status),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_writes_the_screens_of_the_other_show() {
    let (one, other) = two().await;
    let conference = one.conference("everywhere", &[("Seat", 10_000, 10)]).await;
    let (browser, payment_id, total) = one.up_to_payment(&conference, 2).await;

    let mut seats = Socket::open(&other).await;
    seats.watch(&Topic::Conference { slug: conference.slug.clone() }, None).await;
    seats.snapshot_when(|snapshot| sold(snapshot) == 0).await;
    let mut order = Socket::open(&other).await;
    order.watch(&browser.topic(), Some(&browser.token)).await;
    order.snapshot_when(|snapshot| status(snapshot) == Some(OrderStatus::Held)).await;

    one.paid(&browser, payment_id, total).await;
    seats.snapshot_when(|snapshot| sold(snapshot) == 2).await;
    order.snapshot_when(|snapshot| status(snapshot) == Some(OrderStatus::Confirmed)).await;
}

/// The other node has written between what its own ledger knew and what it decides now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_goes_on_at_whichever_node_it_comes_to() {
    let (one, other) = two().await;
    let conference = one.conference("wandering", &[("Seat", 10_000, 50)]).await;
    let mut seats = Socket::open(&one).await;
    seats.watch(&Topic::Conference { slug: conference.slug.clone() }, None).await;
    for round in 1..=10 {
        let (begins, ends) = if round % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let (browser, payment_id, total) = begins.up_to_payment(&conference, 1).await;
        ends.paid(&browser, payment_id, total).await;
        ends.order_when(&browser, |view| view.status == OrderStatus::Confirmed).await;
        seats.snapshot_when(|snapshot| sold(snapshot) == round).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_not_hear_listens_again_and_looks_what_it_missed() {
    let (one, other) = two().await;
    let conference = one.conference("deaf", &[("Seat", 10_000, 10)]).await;
    let mut seats = Socket::open(&other).await;
    seats.watch(&Topic::Conference { slug: conference.slug.clone() }, None).await;
    seats.snapshot_when(|snapshot| sold(snapshot) == 0).await;

    let mut database = PgConnection::connect(other.database_url()).await.unwrap();
    let broken = sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query ILIKE 'LISTEN%'",
    );
    assert_ne!(broken.execute(&mut database).await.unwrap().rows_affected(), 0, "nobody listens");

    let (browser, payment_id, total) = one.up_to_payment(&conference, 3).await;
    one.paid(&browser, payment_id, total).await;
    seats.snapshot_when(|snapshot| sold(snapshot) == 3).await;
}

/// Both want the last seats of the same conference at once; the head decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_never_sell_a_seat_twice() {
    let (one, other) = two().await;
    let conference = one.conference("fought-for", &[("Seat", 10_000, 20)]).await;
    let seat = conference.seat_types[0].id;
    let browsers: Vec<Browser> = (0..40).map(|_| Browser::new(&conference.slug)).collect();
    let asks = browsers.iter().enumerate().map(async |(number, browser)| {
        let house = if number % 2 == 0 { &one } else { &other };
        let command = browser.register(&[(seat, 1)]);
        // A node that lost too many races says that it is busy; a browser asks again then.
        while !house.command(&command, &browser.token).await.0.is_success() {}
    });
    futures_util::future::join_all(asks).await;
    let mut held = 0;
    for browser in &browsers {
        held += one.order(browser).await.seats();
    }
    assert_eq!(held, 20);
    assert_eq!(other.conference_view(&conference.slug).await.seat_types[0].held, 20);
}
