//! Several servers on one database: each serves every conference, and what one writes, the screens of
//! all others show.

use crate::house::{Browser, Db, TestHouse, start, start_with};
use crate::live::Socket;
use reqwest::StatusCode;
use server::ledger::Failure;
use server::ledger::stage::Answer;
use server::payment_gateway::signature::Signer;
use server::peers;
use shared::RefusalCode;
use shared::live::{Snapshot, Topic, View};
use shared::views::{ConferenceView, OrderStatus};
use sqlx::{Connection, PgConnection};

/// Two servers on one database that decide for themselves.
async fn two() -> (TestHouse, TestHouse) {
    let one = start(Db::Postgres).await;
    let other = one.another_node().await;
    (one, other)
}

/// Two servers on one database that know how to reach each other, and a conference that the other one
/// usually writes.
async fn two_that_talk() -> (TestHouse, TestHouse, ConferenceView) {
    let one = start_with(Db::Postgres, |config| config.http.node_url = "set later".into()).await;
    let other = one.another_node().await;
    for number in 0..1_000 {
        let slug = format!("conference-{number}");
        let conference = one.conference(&slug, &[("Seat", 10_000, 10)]).await;
        if 0 < other.ledgers.awake() {
            return (one, other, conference);
        }
    }
    panic!("everything is written here");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conference_is_usually_written_by_one_node_whichever_is_asked() {
    let (one, other, conference) = two_that_talk().await;
    let (here, there) = (one.ledgers.awake(), other.ledgers.awake());
    let (browser, payment_id, total) = one.up_to_payment(&conference, 2).await;
    one.paid(&browser, payment_id, total).await;
    let view = one.order(&browser).await;
    assert_eq!(view.status, OrderStatus::Confirmed);
    // A refusal comes back as it was said there.
    let stranger = Browser { token: Browser::new(&conference.slug).token, ..browser.clone() };
    let refused = one.refused(&stranger.details(), &stranger.token).await;
    assert_eq!(refused, RefusalCode::OrderNotFound);
    assert_eq!((one.ledgers.awake(), other.ledgers.awake()), (here, there));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_gone_is_missed_by_nobody() {
    let (one, other, conference) = two_that_talk().await;
    let (browser, payment_id, total) = one.up_to_payment(&conference, 2).await;
    other.crash();
    one.paid(&browser, payment_id, total).await;
    assert_eq!(one.order(&browser).await.status, OrderStatus::Confirmed);
    assert_eq!(one.conference_view(&conference.slug).await.seat_types[0].sold, 2);
}

/// A newer node asks something new: it is told so, and decides itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_does_not_understand_whoever_asked_decides() {
    let (one, _other, conference) = two_that_talk().await;
    for command in [
        serde_json::json!({ "JoinWaitlist": { "seats": 2 } }),
        serde_json::json!({ "ReadOrder": { "order": "by another name" } }),
    ] {
        let body = serde_json::json!({
            "ledger": conference.id,
            "request": {
                "command_id": null, "authority": "House", "effect_done": null, "command": command,
            },
        });
        let key = &one.config.secrets.node_key;
        let signature = Signer::new(key).sign(body.to_string().as_bytes(), one.clock.now());
        let request = one.client.post(one.url(peers::PATH)).header(peers::HEADER, signature);
        let answer = request.json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Result<Answer, Failure> = answer.json().await.unwrap();
        assert_eq!(answer.unwrap_err(), Failure::Newer);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_nodes_are_answered_as_nodes() {
    let (one, _other, conference) = two_that_talk().await;
    let body = serde_json::json!({
        "ledger": conference.id,
        "request": {
            "command_id": null, "authority": "House", "effect_done": null,
            "command": { "Conference": "UnpublishConference" },
        },
    });
    let ask = async |house: &TestHouse, signature: Option<String>| {
        let request = house.client.post(house.url(peers::PATH)).json(&body);
        let request = match signature {
            Some(signature) => request.header(peers::HEADER, signature),
            None => request,
        };
        request.send().await.unwrap().status()
    };
    let sign = |key: &[u8]| Signer::new(key).sign(body.to_string().as_bytes(), one.clock.now());
    assert_eq!(ask(&one, None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&one, Some(sign(b"another key"))).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        ask(&one, Some(sign(&one.config.secrets.payment_key))).await,
        StatusCode::UNAUTHORIZED
    );
    assert!(one.conference_view(&conference.slug).await.is_published);
    assert_eq!(ask(&one, Some(sign(&one.config.secrets.node_key))).await, StatusCode::OK);
    // A server that is alone has no such door.
    let alone = start(Db::Sqlite).await;
    let signature = Some(sign(&one.config.secrets.node_key));
    assert!(ask(&alone, signature).await.is_client_error());
}
