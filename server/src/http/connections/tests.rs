//! Over real connections and with a clock that jumps whenever everybody waits.

use super::*;
use crate::config::Config;
use crate::http::wire::{BODY_MAX, HEAD_MAX, IDLE_MAX, STALL_MAX};
use axum::body::to_bytes;
use axum::extract::WebSocketUpgrade;
use axum::routing::{get, post};
use futures_util::{SinkExt, StreamExt};
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
/// More than fits into the buffers between two programs.
const LONG: usize = 64 * 1024 * 1024;

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

async fn start(change: impl FnOnce(&mut config::Http)) -> Server {
    let mut settings = Config::for_testing(Path::new("nowhere"), "sqlite:nowhere").http;
    change(&mut settings);
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route(
            "/socket",
            get(|upgrade: WebSocketUpgrade| async {
                upgrade.on_upgrade(|mut socket| async move {
                    while let Some(Ok(message)) = socket.recv().await {
                        socket.send(message).await.unwrap();
                    }
                })
            }),
        )
        .route("/long", get(|| async { vec![b'x'; LONG] }))
        .route(
            "/body",
            post(|body: Body| async {
                match to_bytes(body, LONG).await {
                    Ok(bytes) => bytes.len().to_string(),
                    Err(_) => "broken off".to_owned(),
                }
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let stopping = stop.clone();
    let serving =
        tokio::spawn(
            async move { serve(listener, router, &settings, Leaving::before(stopping)).await },
        );
    Server { address, stop, serving }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn say(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        stream
    }
}

/// What comes until the other side hangs up.
async fn hear(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard).await;
    String::from_utf8(heard).unwrap()
}

async fn is_answered(stream: &mut TcpStream) -> bool {
    let mut heard = [0; 1_024];
    let bytes = stream.read(&mut heard).await.unwrap_or(0);
    heard[..bytes].starts_with(b"HTTP/1.1 200 OK") && heard[..bytes].ends_with(b"hello")
}

#[tokio::test(start_paused = true)]
async fn who_never_finishes_a_head_is_hung_up_on() {
    let server = start(|_| {}).await;
    let start = Instant::now();
    let (mut silent, mut slow) = (server.connect().await, server.say(&GET[..20]).await);
    assert!(is_answered(&mut server.say(GET).await).await, "others are served");
    assert_eq!((hear(&mut silent).await, hear(&mut slow).await), (String::new(), String::new()));
    assert_eq!(start.elapsed().as_secs(), HEAD_MAX.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_kept_open_for_nothing_is_closed() {
    let server = start(|_| {}).await;
    let mut kept = server.say(GET).await;
    assert!(is_answered(&mut kept).await);
    kept.write_all(GET).await.unwrap();
    assert!(is_answered(&mut kept).await, "one connection, many requests");
    let start = Instant::now();
    assert_eq!(hear(&mut kept).await, "");
    assert_eq!(start.elapsed().as_secs(), IDLE_MAX.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_socket_is_nobodys_turn() {
    let server = start(|_| {}).await;
    let request = format!("ws://{}/socket", server.address);
    let (mut socket, _) = client_async(request, server.connect().await).await.unwrap();
    for _ in 0..3 {
        sleep_until(Instant::now() + 2 * IDLE_MAX).await;
        socket.send(Message::Text("still here".into())).await.unwrap();
        let heard = socket.next().await.unwrap().unwrap();
        assert_eq!(heard.into_text().unwrap(), "still here");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_breaks_off() {
    let server = start(|_| {}).await;
    let start = Instant::now();
    let head = b"POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345";
    let mut slow = server.say(head).await;
    assert!(hear(&mut slow).await.ends_with("broken off"));
    assert_eq!(start.elapsed().as_secs(), BODY_MAX.as_secs());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_take_the_answer_is_hung_up_on() {
    let server = start(|_| {}).await;
    let start = Instant::now();
    let mut deaf = server.say(b"GET /long HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(deaf.read(&mut [0; 8]).await.unwrap(), 8, "it begins");
    server.stop.cancel();
    server.serving.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), STALL_MAX.as_secs(), "nothing is left to wait for");
    assert!(hear(&mut deaf).await.len() < LONG);
}

#[tokio::test(start_paused = true)]
async fn long_heads_are_refused_before_they_are_kept() {
    let server = start(|_| {}).await;
    let long = format!("GET / HTTP/1.1\r\nhost: a\r\ncookie: {}\r\n\r\n", "x".repeat(17_000));
    let many = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "a: b\r\n".repeat(70));
    let address = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(17_000));
    for head in [long, many, address] {
        let heard = hear(&mut server.say(head.as_bytes()).await).await;
        assert!(heard.starts_with("HTTP/1.1 431 "), "{heard}");
    }
    let honest = format!("GET / HTTP/1.1\r\nhost: a\r\ncookie: {}\r\n\r\n", "x".repeat(8_000));
    assert!(is_answered(&mut server.say(honest.as_bytes()).await).await);
}

#[tokio::test(start_paused = true)]
async fn an_address_has_its_share_of_connections() {
    let server = start(|settings| settings.connections_per_client = 2).await;
    let (mut first, mut second) = (server.say(GET).await, server.say(GET).await);
    assert!(is_answered(&mut first).await && is_answered(&mut second).await);
    assert_eq!(hear(&mut server.connect().await).await, "", "one too many is hung up on");
    drop(first);
    // The server sees it when it sees it.
    while !is_answered(&mut server.say(GET).await).await {}
}

#[tokio::test(start_paused = true)]
async fn a_proxy_of_ours_has_no_share() {
    let server = start(|settings| {
        settings.connections_per_client = 1;
        settings.proxies.networks = "127.0.0.1".parse().unwrap();
    })
    .await;
    let mut kept = Vec::new();
    for _ in 0..5 {
        let mut stream = server.say(GET).await;
        assert!(is_answered(&mut stream).await);
        kept.push(stream);
    }
}

#[tokio::test(start_paused = true)]
async fn when_it_stops_who_waits_is_answered_and_who_rests_is_let_go() {
    let server = start(|_| {}).await;
    let mut resting = server.say(GET).await;
    assert!(is_answered(&mut resting).await);
    let mut asking =
        server.say(b"POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n1").await;
    let start = Instant::now();
    // It has begun to answer when it has read the head.
    tokio::task::yield_now().await;
    server.stop.cancel();
    assert_eq!(hear(&mut resting).await, "");
    asking.write_all(b"2").await.unwrap();
    assert!(hear(&mut asking).await.ends_with('2'));
    server.serving.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 0);
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

#[tokio::test(start_paused = true)]
async fn whoever_the_system_let_in_is_served_although_it_stops() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(GET).await.unwrap();
        waiting.push(stream);
    }
    let leaving = Leaving::before(CancellationToken::new());
    leaving.go(Duration::ZERO).await;
    let settings = Config::for_testing(Path::new("nowhere"), "sqlite:nowhere").http;
    let router = Router::new().route("/", get(|| async { "hello" }));
    serve(listener, router, &settings, leaving).await;
    for mut stream in waiting {
        let heard = hear(&mut stream).await;
        assert!(heard.contains("connection: close") && heard.ends_with("hello"), "{heard}");
    }
}
