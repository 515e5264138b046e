//! The real program is told to stop, and ends within ten seconds with everything it promised, whatever
//! hangs. And whoever asks whether it is ready gets an answer soon, whatever hangs.

use crate::house::{Browser, Db, start, start_with};
use crate::program::Program;
use futures_util::StreamExt;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use server::store::sqlite_url;
use server::trust;
use shared::PaymentId;
use shared::commands::BrowserCommand;
use shared::live::ServerFrame;
use shared::views::ConferenceView;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Ten seconds, and what a busy machine needs to notice.
const ENDS_WITHIN: Duration = Duration::from_secs(12);
const PATIENCE: Duration = Duration::from_secs(60);

/// A program on a SQLite file of its own.
async fn program(folder: &TempDir, settings: &[(&str, &str)]) -> Program {
    let url = sqlite_url(&folder.path().join("contoso.db"));
    Program::start(folder.path(), &url, settings).await
}

fn client() -> Client {
    trust::http(trust::nobody(), PATIENCE)
}

impl Program {
    async fn post(&self, client: &Client, path: &str, body: Value) -> Value {
        let answer = client.post(self.url(path)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap_or_default()
    }

    async fn conference(&self, client: &Client, slug: &str) -> ConferenceView {
        let seat_types = json!([{ "name": "General", "price_minor": 500, "quota": 10 }]);
        let body = json!({ "slug": slug, "name": slug, "seat_types": seat_types });
        let view = self.post(client, "/test/conferences", body).await;
        serde_json::from_value(view).expect("a conference")
    }

    async fn command<C: BrowserCommand>(
        &self,
        client: &Client,
        command: &C,
        browser: &Browser,
    ) -> reqwest::Result<StatusCode> {
        let url = self.url(&format!("/api/commands/{}", C::ROUTE));
        let request = client.post(url).bearer_auth(&browser.token).json(command);
        Ok(request.send().await?.status())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_are_told_to_come_back_and_what_was_answered_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (mut program, client) = (program(&folder, &[]).await, client());
    let conference = program.conference(&client, "stop").await;
    let browser = Browser::new("stop");
    let register = browser.register(&[(conference.seat_types[0].id, 2)]);
    assert_eq!(program.command(&client, &register, &browser).await.unwrap(), StatusCode::OK);
    let url = format!("ws://{}/api/live", program.address);
    let (mut socket, _) = connect_async(url).await.unwrap();

    program.terminate();
    let mut may_come_back_after = None;
    let code = loop {
        match timeout(PATIENCE, socket.next()).await.expect("it says goodbye").unwrap().unwrap() {
            Message::Text(text) => {
                if let ServerFrame::Restarting { reconnect_after_ms } =
                    serde_json::from_str(&text).unwrap()
                {
                    may_come_back_after = Some(reconnect_after_ms);
                }
            }
            Message::Close(close) => break close.map(|close| close.code),
            _ => {}
        }
    };
    assert_eq!(code, Some(CloseCode::Restart));
    assert!(may_come_back_after.is_some_and(|ms| (500..4_000).contains(&ms)));
    drop(socket);
    let (code, after) = program.ended().await;
    assert!(code == 0 && after < ENDS_WITHIN, "{code} after {after:?}");

    let again = self::program(&folder, &[]).await;
    let view = client.get(again.url("/api/views/conference/stop")).send().await.unwrap();
    let view: Value = view.json().await.unwrap();
    assert_eq!(view["view"]["seat_types"][0]["held"], 2);
}

/// Says "ping" for as long as it is heard, and reads nothing: at last neither side can write.
async fn never_reads(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let hello = format!(
        "GET /api/live HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(hello.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    let ping = br#"{"type":"ping"}"#;
    // Masked by nothing, as a client's frames must be masked.
    let mut frame = vec![0x81, 0x80 | ping.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(ping);
    let frames = frame.repeat(1_000);
    while timeout(Duration::from_millis(500), stream.write_all(&frames)).await.is_ok() {}
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_hang_do_not_keep_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = program(&folder, &[("COMMANDS_PER_MINUTE", "0")]).await;
    let reads_nothing = never_reads(&program.address).await;
    let mut says_half = TcpStream::connect(&program.address).await.unwrap();
    let half = "POST /api/commands/register-to-conference HTTP/1.1\r\nHost: here\r\n\
                Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"comm";
    says_half.write_all(half.as_bytes()).await.unwrap();
    program.terminate();
    let (code, after) = program.ended().await;
    assert!(code == 0 && after < ENDS_WITHIN, "{code} after {after:?}");
    drop((reads_nothing, says_half));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_hangs_does_not_keep_it() {
    let provider = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let provider_url = format!("http://{}", provider.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let settings = [("PAYMENT_PROVIDER_URL", provider_url.as_str())];
    let (mut program, client) = (program(&folder, &settings).await, client());
    let conference = program.conference(&client, "provider").await;
    let browser = Browser::new("provider");
    let register = browser.register(&[(conference.seat_types[0].id, 2)]);
    let total = shared::Money::new(1_000, conference.currency);
    let pay = browser.pay(PaymentId(crate::house::fresh()), total);
    assert_eq!(program.command(&client, &register, &browser).await.unwrap(), StatusCode::OK);
    let details = browser.details();
    assert_eq!(program.command(&client, &details, &browser).await.unwrap(), StatusCode::OK);
    assert_eq!(program.command(&client, &pay, &browser).await.unwrap(), StatusCode::OK);
    program.post(&client, "/test/clock", json!({ "advance_ms": 3_600_000 })).await;
    // It asks, and gets no answer.
    let asked = timeout(PATIENCE, provider.accept()).await.expect("it asks").unwrap();
    program.terminate();
    let (code, after) = program.ended().await;
    assert!(code == 0 && after < ENDS_WITHIN, "{code} after {after:?}");
    drop(asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_does_not_keep_it() {
    let cluster = crate::postgres::own();
    let url = cluster.database().await;
    let folder = tempfile::tempdir().unwrap();
    let (mut program, client) = (Program::start(folder.path(), &url, &[]).await, client());
    let conference = program.conference(&client, "hang").await;
    let seats = [(conference.seat_types[0].id, 2)];
    let before = Browser::new("hang");
    let answered = program.command(&client, &before.register(&seats), &before).await.unwrap();
    assert_eq!(answered, StatusCode::OK);

    cluster.freeze();
    let during = Browser::new("hang");
    let (asking, address) = (client.clone(), program.url(""));
    let register = during.register(&seats);
    let waiting = tokio::spawn(async move {
        let url = format!("{address}/api/commands/register-to-conference");
        asking.post(url).bearer_auth(&during.token).json(&register).send().await
    });
    // Who asks for readiness behind it is answered although the database hangs.
    program.answers(&client, "/health/ready", 503).await;
    program.terminate();
    let (_, after) = program.ended().await;
    assert!(after < ENDS_WITHIN, "{after:?}");
    if let Ok(answer) = waiting.await.unwrap() {
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "nothing is promised");
    }
    cluster.thaw();
    let again = Program::start(folder.path(), &url, &[]).await;
    let view = client.get(again.url("/api/views/conference/hang")).send().await.unwrap();
    let view: Value = view.json().await.unwrap();
    assert!(2 <= view["view"]["seat_types"][0]["held"].as_u64().unwrap(), "{view}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_tells_of_a_database_that_hangs_and_of_its_return() {
    let cluster = crate::postgres::own();
    let url = cluster.database().await;
    let house = start_with(Db::Sqlite, |config| config.storage.database_url = url).await;
    let ready = async || {
        let began = Instant::now();
        let answer = house.client.get(house.url("/health/ready")).send().await.unwrap();
        (answer.status().as_u16(), began.elapsed())
    };
    assert_eq!(ready().await.0, 200);
    cluster.freeze();
    for _ in 0..3 {
        let (status, after) = ready().await;
        assert!(status == 503 && after < Duration::from_secs(4), "{status} after {after:?}");
        let live = house.client.get(house.url("/health/live")).send().await.unwrap();
        assert_eq!(live.status(), StatusCode::OK);
    }
    cluster.thaw();
    crate::payment::eventually("it is ready again", async || ready().await.0 == 200).await;
}

/// What is told to stop answers those who have asked; nobody was told yes for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_under_way_are_answered() {
    let house = start(Db::Sqlite).await;
    let conference = house.conference("under-way", &[("General", 0, 1_000)]).await;
    let seats = [(conference.seat_types[0].id, 1)];
    let browsers: Vec<Browser> = (0..50).map(|_| Browser::new("under-way")).collect();
    let asking = browsers.iter().map(|browser| async {
        let url = house.url("/api/commands/register-to-conference");
        let request = house.client.post(url).bearer_auth(&browser.token);
        request.json(&browser.register(&seats)).send().await.map(|answer| answer.status())
    });
    let stop = async { house.stop.cancel() };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(asking), stop);
    let yes = answers.iter().flatten().filter(|status| **status == StatusCode::OK).count();
    let house = house.restart().await;
    let held = house.conference_view("under-way").await.seat_types[0].held;
    assert!(yes <= held as usize, "{yes} were answered, {held} are held");
}
