//! What attackers do. Each attack starts its tasks and counts what comes back; the tasks end with it.

use crate::line::{ATTACKER, Line, get, post};
use crate::target::Target;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often each thing came back. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<BTreeMap<String, u64>>>);

type Start = fn(&Arc<Target>, &Tally, &CancellationToken) -> JoinSet<()>;

pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) start: Start,
}

/// In the order of the report.
pub(crate) const ATTACKS: [Attack; 12] = [
    Attack { name: "2,000 connections that send a byte of a head per second", start: slow_heads },
    Attack { name: "2,000 connections that send a byte of a body per second", start: slow_bodies },
    Attack { name: "heads of a megabyte, 100 at once", start: huge_heads },
    Attack { name: "bodies of 100 MB, 100 at once", start: huge_bodies },
    Attack { name: "bodies of 60,000 brackets, 100 at once", start: deep_bodies },
    Attack { name: "5,000 sockets from one address", start: many_sockets },
    Attack { name: "100 sockets that watch all they may, again and again", start: busy_sockets },
    Attack { name: "500 sockets that never read", start: deaf_sockets },
    Attack { name: "names that do not exist, as many as possible", start: unknown_names },
    Attack { name: "orders that nobody placed, as many as possible", start: unknown_orders },
    Attack { name: "orders of 20 seats from one address, as many as possible", start: many_orders },
    Attack { name: "sign-ins from 500 addresses, as many as possible", start: many_sign_ins },
];

impl Tally {
    fn count(&self, what: impl ToString) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(what.to_string()).or_default() += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<String> =
            counts.iter().map(|(what, times)| format!("{times} × {what}")).collect();
        f.write_str(&words.join(", "))
    }
}

/// So many tasks that do the same again and again until they are told to stop.
fn repeat<F, A>(tasks: usize, stop: &CancellationToken, act: A) -> JoinSet<()>
where
    F: Future<Output = ()> + Send + 'static,
    A: Fn(usize) -> F + Clone + Send + 'static,
{
    let mut all = JoinSet::new();
    for number in 0..tasks {
        let (act, stop) = (act.clone(), stop.clone());
        all.spawn(async move {
            while !stop.is_cancelled() {
                act(number).await;
                tokio::task::yield_now().await;
            }
        });
    }
    all
}

/// Says this, and then one byte a second until the other side hangs up.
async fn trickle(target: Arc<Target>, tally: Tally, begin: &'static [u8]) {
    let Ok(mut line) = Line::open(ATTACKER, target.addr).await else {
        tally.count("refused");
        return sleep(Duration::from_millis(100)).await;
    };
    if line.say(begin).await.is_err() {
        return;
    }
    let mut heard = [0; 512];
    loop {
        match timeout(Duration::from_secs(1), line.stream.read(&mut heard)).await {
            Err(_) if line.say(b"x").await.is_ok() => {}
            Ok(Ok(bytes)) if 12 < bytes => {
                tally.count(String::from_utf8_lossy(&heard[9..12]));
            }
            Err(_) | Ok(_) => return tally.count("cut off"),
        }
    }
}

fn slow_heads(target: &Arc<Target>, tally: &Tally, stop: &CancellationToken) -> JoinSet<()> {
    let (target, tally) = (target.clone(), tally.clone());
    repeat(2_000, stop, move |_| trickle(target.clone(), tally.clone(), b"GET / HTTP/1.1\r\nx: "))
}

fn slow_bodies(target: &Arc<Target>, tally: &Tally, stop: &CancellationToken) -> JoinSet<()> {
    const BEGIN: &[u8] = b"POST /api/sign-out HTTP/1.1\r\nhost: a\r\ncontent-length: 60000\r\n\r\n";
    const COMMAND: &[u8] = b"POST /api/payment-callbacks HTTP/1.1\r\nhost: a\r\n\
        content-type: application/json\r\ncontent-length: 60000\r\n\r\n";
    let (target, tally) = (target.clone(), tally.clone());
    repeat(2_000, stop, move |number| {
        let begin = if number % 2 == 0 { BEGIN } else { COMMAND };
        trickle(target.clone(), tally.clone(), begin)
    })
}

/// Sends something large and hears what comes of it, although it may be hung up on before the end.
async fn throw(target: Arc<Target>, tally: Tally, head: Vec<u8>, body: usize) {
    let Ok(mut line) = Line::open(ATTACKER, target.addr).await else {
        return tally.count("refused");
    };
    let piece = vec![b'['; 64 * 1_024];
    let _ = line.say(&head).await;
    let mut sent = 0;
    while sent < body {
        let some = piece.len().min(body - sent);
        if line.say(&piece[..some]).await.is_err() {
            break;
        }
        sent += some;
    }
    match timeout(Duration::from_secs(10), line.hear()).await {
        Ok(Ok((status, _))) => tally.count(status),
        Ok(Err(_)) => tally.count("hung up on"),
        Err(_) => tally.count("no answer"),
    }
}

fn huge_heads(target: &Arc<Target>, tally: &Tally, stop: &CancellationToken) -> JoinSet<()> {
    let (target, tally) = (target.clone(), tally.clone());
    repeat(100, stop, move |_| {
        let head = b"GET / HTTP/1.1\r\nhost: a\r\ncookie: ".to_vec();
        throw(target.clone(), tally.clone(), head, 1_000_000)
    })
}

/// Half of them say how long they are.
fn huge_bodies(target: &Arc<Target>, tally: &Tally, stop: &CancellationToken) -> JoinSet<()> {
    const LONG: usize = 100_000_000;
    let (target, tally) = (target.clone(), tally.clone());
    repeat(100, stop, move |number| {
        let framing = if number % 2 == 0 {
            format!("content-length: {LONG}\r\n\r\n")
        } else {
            format!("transfer-encoding: chunked\r\n\r\n{LONG:x}\r\n")
        };
        let head = format!(
            "POST /api/payment-callbacks HTTP/1.1\r\nhost: a\r\n\
             content-type: application/json\r\n{framing}"
        );
        throw(target.clone(), tally.clone(), head.into_bytes(), LONG)
    })
}

fn deep_bodies(target: &Arc<Target>, tally: &Tally, stop: &CancellationToken) -> JoinSet<()> {
    const LONG: usize = 60_000;
    let (target, tally) = (target.clone(), tally.clone());
    repeat(100, stop, move |_| {
        let head = format!(
            "POST /api/sign-in HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
             content-encoding: gzip\r\ncontent-length: {LONG}\r\n\r\n"
        );
        throw(target.clone(), tally.clone(), head.into_bytes(), LONG)
    })
}

type Socket = WebSocketStream<tokio::net::TcpStream>;

async fn socket(target: &Target, line: anyhow::Result<Line>) -> anyhow::Result<Socket> {
    let request = format!("ws://{}/api/live", target.addr).into_client_request()?;
    Ok(client_async(request, line?.stream).await?.0)
}

fn watch(topic: &str) -> Message {
    Message::Text(json!({ "type": "watch", "topic": topic }).to_string().into())
}

fn many_sockets(target: &Arc<Target>, tally: &Tally, stop: &CancellationToken) -> JoinSet<()> {
    let (target, tally) = (target.clone(), tally.clone());
    repeat(5_000, stop, move |_| {
        let (target, tally) = (target.clone(), tally.clone());
        async move {
            let line = Line::open(ATTACKER, target.addr).await;
            let Ok(mut socket) = socket(&target, line).await else {
                tally.count("refused");
                return sleep(Duration::from_secs(1)).await;
            };
            tally.count("opened");
            let _ = socket.send(watch("conference/attacked")).await;
            while let Some(Ok(_)) = socket.next().await {}
        }
    })
}

fn busy_sockets(target: &Arc<Target>, tally: &Tally, stop: &CancellationToken) -> JoinSet<()> {
    let (target, tally) = (target.clone(), tally.clone());
    repeat(100, stop, move |_| {
        let (target, tally) = (target.clone(), tally.clone());
        async move {
            let line = Line::open(ATTACKER, target.addr).await;
            let Ok(mut socket) = socket(&target, line).await else {
                return tally.count("refused");
            };
            tally.count("opened");
            let known = ["directory", "conference/attacked"].map(str::to_owned);
            let unknown = (0..20).map(|_| format!("conference/{}", Uuid::new_v4()));
            for topic in known.into_iter().chain(unknown).cycle() {
                let is_over = socket.send(watch(&topic)).await.is_err();
                let answer = timeout(Duration::from_secs(5), socket.next()).await;
                if is_over || !matches!(answer, Ok(Some(Ok(Message::Text(_))))) {
                    return tally.count("closed");
                }
                tally.count("frame answered");
            }
        }
    })
}

fn deaf_sockets(target: &Arc<Target>, tally: &Tally, stop: &CancellationToken) -> JoinSet<()> {
    let (target, tally) = (target.clone(), tally.clone());
    repeat(500, stop, move |_| {
        let (target, tally) = (target.clone(), tally.clone());
        async move {
            let line = Line::open_narrow(ATTACKER, target.addr).await;
            let Ok(mut socket) = socket(&target, line).await else {
                return tally.count("refused");
            };
            tally.count("opened");
            // A question whose answer nobody takes, as often as frames may come.
            while socket.send(watch("conference/attacked")).await.is_ok() {
                tally.count("frame sent");
                sleep(Duration::from_millis(110)).await;
            }
            tally.count("closed");
        }
    })
}

/// Asks one thing after the other on one connection and counts the statuses.
async fn ask_on(
    (target, tally): (Arc<Target>, Tally),
    from: Ipv4Addr,
    request: impl Fn(&Target) -> Vec<u8>,
) {
    let Ok(mut line) = Line::open(from, target.addr).await else {
        return tally.count("refused");
    };
    loop {
        match timeout(Duration::from_secs(10), line.ask(&request(&target))).await {
            Ok(Ok((status, _))) => tally.count(status),
            Ok(Err(_)) => return tally.count("hung up on"),
            Err(_) => return tally.count("no answer"),
        }
    }
}

fn unknown_names(target: &Arc<Target>, tally: &Tally, stop: &CancellationToken) -> JoinSet<()> {
    let all = (target.clone(), tally.clone());
    repeat(64, stop, move |_| {
        ask_on(all.clone(), ATTACKER, |_| {
            get(&format!("/api/views/conference/{}", Uuid::new_v4()), "")
        })
    })
}

fn unknown_orders(target: &Arc<Target>, tally: &Tally, stop: &CancellationToken) -> JoinSet<()> {
    let all = (target.clone(), tally.clone());
    repeat(64, stop, move |_| {
        ask_on(all.clone(), ATTACKER, |target| {
            let path = format!("/api/views/order/{}/{}", target.slug(), Uuid::new_v4());
            get(&path, &target.fresh_token())
        })
    })
}

fn many_orders(target: &Arc<Target>, tally: &Tally, stop: &CancellationToken) -> JoinSet<()> {
    let all = (target.clone(), tally.clone());
    repeat(64, stop, move |_| {
        ask_on(all.clone(), ATTACKER, |target| {
            target.register(target.fresh_id(), &target.fresh_token(), 20)
        })
    })
}

fn many_sign_ins(target: &Arc<Target>, tally: &Tally, stop: &CancellationToken) -> JoinSet<()> {
    let all = (target.clone(), tally.clone());
    repeat(500, stop, move |number| {
        let [high, low] = u16::try_from(number).unwrap_or(0).to_be_bytes();
        ask_on(all.clone(), Ipv4Addr::new(127, 9, high, low), |_| {
            let email = format!("{}@example.org", Uuid::new_v4());
            let body = json!({ "email": email, "access_code": "K7M-2QX" });
            post("/api/sign-in", "", &body.to_string())
        })
    })
}
