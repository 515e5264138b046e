//! The socket: whole views, the latest wins, and bounds on everything a client can do.

use crate::desk::Desk;
use crate::house::{Browser, Db, TestHouse, fresh, start, start_with};
use crate::payment::eventually;
use futures_util::{SinkExt, StreamExt};
use server::domain::conference::Command as Manage;
use shared::live::{ClientFrame, ServerFrame, Snapshot, TOPICS_PER_SOCKET_MAX, Topic, View};
use shared::views::{ConferenceView, OrderStatus};
use shared::{OrderId, RefusalCode};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects and hears the hello.
    pub(crate) async fn open(house: &TestHouse) -> Self {
        Self::open_at(house, &Desk::default()).await
    }

    /// Connects with the cookie of an owner's browser.
    pub(crate) async fn open_at(house: &TestHouse, desk: &Desk) -> Self {
        let mut request = house.ws_url().into_client_request().unwrap();
        if let Some(cookie) = &desk.cookie {
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
        }
        let (stream, _) = connect_async(request).await.unwrap();
        let mut socket = Self(stream);
        let hello = socket.next().await;
        assert!(
            matches!(hello, ServerFrame::Hello { release, .. } if release == house.release.to_string())
        );
        socket
    }

    pub(crate) async fn say(&mut self, frame: &ClientFrame) {
        let text = serde_json::to_string(frame).unwrap();
        self.0.send(Message::Text(text.into())).await.unwrap();
    }

    pub(crate) async fn watch(&mut self, topic: &Topic, token: Option<&str>) {
        let (topic, token) = (topic.clone(), token.map(str::to_owned));
        self.say(&ClientFrame::Watch { topic, token }).await;
    }

    pub(crate) async fn message(&mut self) -> Message {
        timeout(PATIENCE, self.0.next()).await.expect("something comes").unwrap().unwrap()
    }

    pub(crate) async fn next(&mut self) -> ServerFrame {
        match self.message().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("not a frame: {other:?}"),
        }
    }

    pub(crate) async fn snapshot(&mut self) -> Snapshot {
        match self.next().await {
            ServerFrame::Snapshot(snapshot) => snapshot,
            other => panic!("not a snapshot: {other:?}"),
        }
    }

    /// Snapshots until one is as wanted.
    pub(crate) async fn snapshot_when(&mut self, wanted: impl Fn(&Snapshot) -> bool) -> Snapshot {
        loop {
            let snapshot = self.snapshot().await;
            if wanted(&snapshot) {
                return snapshot;
            }
        }
    }

    pub(crate) async fn refusal(&mut self) -> RefusalCode {
        match self.next().await {
            ServerFrame::Refused { code, .. } => code,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Ends with this code, after whatever else comes.
    pub(crate) async fn closes(&mut self) -> CloseCode {
        loop {
            if let Message::Close(Some(close)) = self.message().await {
                return close.code;
            }
        }
    }

    /// Ends somehow.
    pub(crate) async fn ends(&mut self) {
        while let Some(Ok(_)) = timeout(PATIENCE, self.0.next()).await.expect("it ends") {}
    }
}

fn conference_topic(slug: &str) -> Topic {
    Topic::Conference { slug: slug.into() }
}

fn sold_and_held(snapshot: &Snapshot) -> (u32, u32) {
    match &snapshot.view {
        View::Conference(view) => (view.seat_types[0].sold, view.seat_types[0].held),
        other => panic!("not a conference: {other:?}"),
    }
}

async fn rustconf(house: &TestHouse) -> ConferenceView {
    house.conference("rustconf", &[("General", 10_000, 50)]).await
}

#[tokio::test]
async fn what_is_watched_comes_now_and_whenever_it_changes() {
    let house = start(Db::Sqlite).await;
    let view = rustconf(&house).await;
    let mut socket = Socket::open(&house).await;
    socket.watch(&conference_topic("rustconf"), None).await;
    let first = socket.snapshot().await;
    assert_eq!(sold_and_held(&first), (0, 0));
    let browser = Browser::new("rustconf");
    let seats = [(view.seat_types[0].id, 3)];
    let accepted = house.accepted(&browser.register(&seats), &browser.token).await;
    let second = socket.snapshot_when(|it| accepted.position <= it.position).await;
    assert_eq!(sold_and_held(&second), (0, 3));
    let topic = conference_topic("rustconf");
    socket.say(&ClientFrame::Unwatch { topic }).await;
    socket.say(&ClientFrame::Ping).await;
    assert!(matches!(socket.next().await, ServerFrame::Pong { .. }));
    let other = Browser::new("rustconf");
    house.accepted(&other.register(&seats), &other.token).await;
    socket.say(&ClientFrame::Ping).await;
    assert!(matches!(socket.next().await, ServerFrame::Pong { .. }), "nothing more comes");
}

#[tokio::test]
async fn an_order_is_shown_to_its_token_only() {
    let house = start(Db::Sqlite).await;
    let view = rustconf(&house).await;
    let (browser, payment_id, amount) = house.up_to_payment(&view, 1).await;
    let mut stranger = Socket::open(&house).await;
    stranger.watch(&browser.topic(), None).await;
    assert_eq!(stranger.refusal().await, RefusalCode::TokenMissing);
    stranger.watch(&browser.topic(), Some(&"x".repeat(64))).await;
    assert_eq!(stranger.refusal().await, RefusalCode::OrderNotFound);
    let mut socket = Socket::open(&house).await;
    socket.watch(&browser.topic(), Some(&browser.token)).await;
    let held = socket.snapshot().await;
    assert!(matches!(held.view, View::Order(view) if view.status == OrderStatus::Held));
    house.paid(&browser, payment_id, amount).await;
    let is_confirmed = |snapshot: &Snapshot| matches!(&snapshot.view, View::Order(view) if view.status == OrderStatus::Confirmed);
    socket.snapshot_when(is_confirmed).await;
    stranger.say(&ClientFrame::Ping).await;
    assert!(matches!(stranger.next().await, ServerFrame::Pong { .. }), "strangers hear nothing");
}

#[tokio::test]
async fn what_does_not_exist_cannot_be_watched() {
    let house = start(Db::Sqlite).await;
    house.hidden_conference("secret", &[]).await;
    let mut socket = Socket::open(&house).await;
    for slug in ["nowhere", "secret", "NOT A SLUG"] {
        socket.watch(&conference_topic(slug), None).await;
        assert_eq!(socket.refusal().await, RefusalCode::ConferenceNotFound, "{slug}");
    }
    socket.watch(&Topic::Directory, None).await;
    assert_eq!(socket.snapshot().await.position, 0);
    assert_eq!(house.hub.topics(), 0, "nothing is left behind");
}

#[tokio::test]
async fn one_address_opens_only_so_many_sockets() {
    let house = start_with(Db::Sqlite, |config| config.http.sockets_per_client = 2).await;
    let (first, _second) = (Socket::open(&house).await, Socket::open(&house).await);
    let refused = async || match connect_async(house.ws_url()).await {
        Err(Error::Http(answer)) => Some((answer.status().as_u16(), answer.headers().clone())),
        _ => None,
    };
    let (status, headers) = refused().await.expect("two are enough");
    assert!(status == 429 && headers.contains_key("retry-after"), "{headers:?}");
    drop(first);
    eventually("a place is free again", async || refused().await.is_none()).await;
}

#[tokio::test]
async fn one_socket_watches_only_so_much() {
    let house = start(Db::Sqlite).await;
    let mut socket = Socket::open(&house).await;
    for number in 0..TOPICS_PER_SOCKET_MAX {
        let slug = format!("conf-{number}");
        house.conference(&slug, &[("General", 0, 1)]).await;
        socket.watch(&conference_topic(&slug), None).await;
        socket.snapshot().await;
    }
    house.conference("one-more", &[("General", 0, 1)]).await;
    socket.watch(&conference_topic("one-more"), None).await;
    assert_eq!(socket.refusal().await, RefusalCode::TooManyTopics);
    socket.watch(&conference_topic("conf-0"), None).await;
    socket.snapshot().await;
    assert_eq!(house.hub.topics(), TOPICS_PER_SOCKET_MAX);
}

#[tokio::test]
async fn who_does_not_keep_to_the_rules_is_shown_out() {
    let house = start_with(Db::Sqlite, |config| config.http.commands_per_minute = 600).await;
    let long = format!("{{\"type\":\"ping\",\"x\":\"{}\"}}", "x".repeat(5_000));
    for message in [
        Message::Text("nonsense".into()),
        Message::Text(r#"{"type":"watch","topic":"nonsense"}"#.into()),
        Message::Text(r#"{"type":"watch","topic":"directory","more":1}"#.into()),
        Message::Text(long.into()),
        Message::Binary(vec![1, 2, 3].into()),
    ] {
        let mut socket = Socket::open(&house).await;
        let _ = socket.0.send(message.clone()).await;
        assert_eq!(socket.closes().await, CloseCode::Policy, "{:.40}", message.to_string());
    }
    // These send more than is ever read, so the goodbye may get lost; the end is certain.
    let mut socket = Socket::open(&house).await;
    let _ = socket.0.send(Message::Text("x".repeat(100_000).into())).await;
    socket.ends().await;
    let mut socket = Socket::open(&house).await;
    let ping = || Message::Text(r#"{"type":"ping"}"#.into());
    while socket.0.send(ping()).await.is_ok() {}
    socket.ends().await;
}

#[tokio::test]
async fn a_page_of_another_site_gets_no_socket() {
    let house = start(Db::Sqlite).await;
    let connect = async |origin: &str| {
        let mut request = house.ws_url().into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        connect_async(request).await.map(|_| ())
    };
    assert!(connect(&house.url("")).await.is_ok());
    for origin in ["https://evil.example", "null"] {
        match connect(origin).await {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), 403, "{origin}"),
            other => panic!("{origin} got {other:?}"),
        }
    }
    let answer = house.client.get(house.url("/api/live")).send().await.unwrap();
    assert_eq!(answer.status(), 400, "a request is no socket");
}

#[tokio::test]
async fn a_slow_reader_sees_fewer_states_and_always_the_last() {
    const CHANGES: u32 = 60;
    let house = start(Db::Sqlite).await;
    let view = rustconf(&house).await;
    let seat_type = view.seat_types[0].id;
    let mut socket = Socket::open(&house).await;
    socket.watch(&conference_topic("rustconf"), None).await;
    socket.snapshot().await;
    let changes = (1..=CHANGES).map(|number| {
        let change = Manage::ChangeQuota { seat_type, quota: 100 + number };
        house.ledgers.manage(view.id, change)
    });
    for result in futures_util::future::join_all(changes).await {
        result.unwrap();
    }
    let last = house.store.head(view.id.0).await.unwrap().unwrap().head;
    let mut positions = Vec::new();
    while positions.last() != Some(&last) {
        positions.push(socket.snapshot().await.position);
    }
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "{positions:?}");
    assert!(positions.len() < CHANGES as usize, "states were skipped: {positions:?}");
}

#[tokio::test]
async fn a_server_that_stops_says_when_to_come_back() {
    let house = start(Db::Sqlite).await;
    let mut socket = Socket::open(&house).await;
    house.stop.cancel();
    match socket.next().await {
        ServerFrame::Restarting { reconnect_after_ms } => {
            assert!((500..4_000).contains(&reconnect_after_ms));
        }
        other => panic!("not told: {other:?}"),
    }
    assert_eq!(socket.closes().await, CloseCode::Restart);
}

#[tokio::test]
async fn a_socket_that_goes_leaves_nothing_behind() {
    let house = start(Db::Sqlite).await;
    let view = rustconf(&house).await;
    let mut socket = Socket::open(&house).await;
    socket.watch(&conference_topic("rustconf"), None).await;
    socket.snapshot().await;
    assert_eq!(house.hub.topics(), 1);
    drop(socket);
    // Bounded by requests, not by time: the server hears of the end soon.
    for _ in 0..5_000 {
        if house.hub.topics() == 0 {
            break;
        }
        house.conference_view(&view.slug).await;
    }
    assert_eq!(house.hub.topics(), 0);
    let unknown = Topic::Order { slug: "rustconf".into(), order_id: OrderId(fresh()) };
    let mut socket = Socket::open(&house).await;
    socket.watch(&unknown, Some(&"x".repeat(64))).await;
    assert_eq!(socket.refusal().await, RefusalCode::OrderNotFound);
}
