//! A server that leaves says so first, serves on for a while, and then stops: so that whatever stands
//! before several servers notices, and no request meets a closed door.

use crate::house::{Db, TestHouse, start, start_with};
use crate::payment::eventually;
use crate::program::Program;
use futures_util::StreamExt;
use server::store::sqlite_url;
use server::trust;
use shared::live::ServerFrame;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

const PATIENCE: Duration = Duration::from_secs(60);
/// Ten seconds, and what a busy machine needs to notice.
const ENDS_WITHIN: Duration = Duration::from_secs(12);

async fn program(folder: &TempDir, drain_seconds: &str) -> Program {
    let url = sqlite_url(&folder.path().join("contoso.db"));
    Program::start(folder.path(), &url, &[("DRAIN_SECONDS", drain_seconds)]).await
}

/// New connections for every request, as many proxies make them.
async fn readiness(program: &Program) -> (u16, String) {
    let client = trust::http(trust::nobody(), PATIENCE);
    let answer = client.get(program.url("/health/ready")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Asks on a connection that stays; what comes is the whole answer, because it is short.
async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
    let mut heard = String::new();
    while !heard.ends_with("live\n") {
        let mut bytes = [0; 1_024];
        let count = timeout(PATIENCE, stream.read(&mut bytes)).await.expect("an answer").unwrap();
        assert_ne!(count, 0, "hung up instead of {heard}");
        heard.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_leaves_says_so_and_serves_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = program(&folder, "4").await;
    let mut kept = TcpStream::connect(&program.address).await.unwrap();
    assert!(!ask(&mut kept).await.contains("connection: close"));
    let url = format!("ws://{}/api/live", program.address);
    let (mut socket, _) = connect_async(&url).await.unwrap();

    program.terminate();
    eventually("it is not ready", async || readiness(&program).await.0 == 503).await;
    assert_eq!(readiness(&program).await.1, "stopping\n", "and it still takes connections");
    // Who kept a connection is told that this is its last answer, and only then it ends.
    assert!(ask(&mut kept).await.contains("connection: close"));
    assert_eq!(timeout(PATIENCE, kept.read(&mut [0; 8])).await.unwrap().unwrap(), 0);
    // Sockets are sent to the others in between, and may come back soon.
    let after_ms = loop {
        match timeout(PATIENCE, socket.next()).await.expect("a goodbye").unwrap().unwrap() {
            Message::Text(text) => {
                if let ServerFrame::Restarting { reconnect_after_ms } =
                    serde_json::from_str(&text).unwrap()
                {
                    break reconnect_after_ms;
                }
            }
            other => assert!(!other.is_close(), "closed without a word"),
        }
    };
    assert!(after_ms < 500, "{after_ms}");
    assert_eq!(readiness(&program).await.0, 503, "the server is still there when a socket goes");
    let (code, after) = program.ended().await;
    assert!(code == 0 && after < ENDS_WITHIN, "{code} after {after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_it_twice_does_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = program(&folder, "300").await;
    program.terminate();
    eventually("it is not ready", async || readiness(&program).await.0 == 503).await;
    program.terminate();
    let (code, after) = program.ended().await;
    assert!(code == 0 && after < ENDS_WITHIN, "{code} after {after:?}");
}

/// On the machine of somebody who writes code nothing waits; among others somebody has to notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_has_others_beside_it_takes_its_time_unless_told() {
    assert_eq!(start(Db::Sqlite).await.leaves_for(), Duration::ZERO);
    let told = start_with(Db::Sqlite, |config| config.http.drain = Some(Duration::from_secs(7)));
    assert_eq!(told.await.leaves_for(), Duration::from_secs(7));
    let one = start_with(Db::Postgres, |config| config.http.node_url = "set later".into()).await;
    assert_eq!(one.leaves_for(), Duration::ZERO, "nobody was heard");
    let other = one.another_node().await;
    eventually("both hear each other", async || {
        let hears = |house: &TestHouse| !house.leaves_for().is_zero();
        hears(&one) && hears(&other)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_time_is_named_at_the_start() {
    for wrong in ["301", "-1", "soon"] {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_server"));
        command.arg("serve").env_clear().env("DRAIN_SECONDS", wrong).kill_on_drop(true);
        command.env("LISTEN_ADDR", "127.0.0.1:0");
        let ended = timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
        let words = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && words.contains("DRAIN_SECONDS"), "{wrong}: {words}");
    }
}
