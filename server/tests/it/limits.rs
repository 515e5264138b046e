//! What one address can have: requests, orders, conferences, topics and connections; and whose address
//! counts when a proxy stands in front.

use crate::desk::{Desk, form};
use crate::house::{Browser, Db, TestHouse, start_with};
use crate::live::Socket;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use server::http::proxies::Networks;
use shared::RefusalCode;
use shared::live::Topic;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const DIRECTORY: &str = "/api/views/directory";

/// Asks as somebody whom a header names; answers the status, and whether it says when to come back.
async fn ask_as(house: &TestHouse, address: &str) -> (StatusCode, bool) {
    let request = house.client.get(house.url(DIRECTORY)).header("x-forwarded-for", address);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.headers().contains_key(RETRY_AFTER))
}

async fn house_behind(proxies: &str) -> TestHouse {
    let networks: Networks = proxies.parse().unwrap();
    start_with(Db::Sqlite, |config| {
        config.http.requests_per_minute = 5;
        config.http.proxies.networks = networks;
    })
    .await
}

const YES: (StatusCode, bool) = (StatusCode::OK, false);
const LATER: (StatusCode, bool) = (StatusCode::TOO_MANY_REQUESTS, true);

#[tokio::test]
async fn behind_a_proxy_of_ours_everybody_has_their_own_share() {
    let house = house_behind("10.0.0.0/8,127.0.0.1").await;
    for _ in 0..5 {
        assert_eq!(ask_as(&house, "203.0.113.1").await, YES);
    }
    assert_eq!(ask_as(&house, "203.0.113.1").await, LATER);
    assert_eq!(ask_as(&house, "198.51.100.7, 203.0.113.1").await, LATER, "nor by claiming more");
    assert_eq!(ask_as(&house, "203.0.113.2").await, YES);
}

#[tokio::test]
async fn a_strangers_header_moves_nobody() {
    let house = house_behind("10.0.0.0/8").await;
    for last in 0..5 {
        assert_eq!(ask_as(&house, &format!("203.0.113.{last}")).await, YES);
    }
    assert_eq!(ask_as(&house, "203.0.113.99").await, LATER);
}

#[tokio::test]
async fn an_address_places_so_many_orders_of_one_conference() {
    let house = start_with(Db::Sqlite, |config| config.http.orders_per_minute = 3).await;
    let view = house.conference("rustconf", &[("General", 500, 100)]).await;
    let other = house.conference("otherconf", &[("General", 500, 100)]).await;
    let seats = |slug: &str| match slug {
        "rustconf" => [(view.seat_types[0].id, 20)],
        _ => [(other.seat_types[0].id, 20)],
    };
    for _ in 0..3 {
        let browser = Browser::new("rustconf");
        house.accepted(&browser.register(&seats("rustconf")), &browser.token).await;
    }
    let browser = Browser::new("rustconf");
    let code = house.refused(&browser.register(&seats("rustconf")), &browser.token).await;
    assert_eq!(code, RefusalCode::TooManyRequests);
    assert_eq!(house.conference_view("rustconf").await.seat_types[0].held, 60);
    let browser = Browser::new("otherconf");
    house.accepted(&browser.register(&seats("otherconf")), &browser.token).await;
    house.accepted(&browser.details(), &browser.token).await;
}

#[tokio::test]
async fn an_address_creates_so_many_conferences() {
    let house = start_with(Db::Sqlite, |config| config.http.commands_per_minute = 10_000).await;
    let mut refused = 0;
    for n in 0..63 {
        let form = form(&format!("conf-{n}"), &format!("mia{n}@example.org"));
        let (status, body) = Desk::default().send(&house, &form).await;
        if body["code"] == "too_many_requests" {
            refused += 1;
        } else {
            assert_eq!(status, 200, "{body}");
        }
    }
    assert_eq!(refused, 3);
}

#[tokio::test]
async fn watching_counts_as_asking() {
    let house = start_with(Db::Sqlite, |config| config.http.requests_per_minute = 5).await;
    let mut socket = Socket::open(&house).await;
    for _ in 0..4 {
        socket.watch(&Topic::Directory, None).await;
        socket.snapshot().await;
    }
    socket.watch(&Topic::Directory, None).await;
    assert_eq!(socket.closes().await, CloseCode::Policy);
}

#[tokio::test]
async fn a_socket_counts_as_a_connection_for_as_long_as_it_is_open() {
    let house = start_with(Db::Sqlite, |config| config.http.connections_per_client = 2).await;
    let mut sockets = [Socket::open(&house).await, Socket::open(&house).await];
    assert!(connect_async(house.ws_url()).await.is_err(), "there are two already");
    for socket in &mut sockets {
        socket.watch(&Topic::Directory, None).await;
        socket.snapshot().await;
    }
    drop(sockets);
    // The server sees it when it sees it.
    while connect_async(house.ws_url()).await.is_err() {}
}
