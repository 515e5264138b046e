//! The real program, as an operator starts it: a server in a process of its own, and the tools beside it.

use crate::house::TestHouse;
use crate::payment::eventually;
use server::clock::Clock;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

/// What a process may take before a test calls it broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a tool ended and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// It ended well.
    #[track_caller]
    pub(crate) fn fine(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self.out
    }

    /// It found something wrong, and said this about it.
    #[track_caller]
    pub(crate) fn wrong(self, words: &[&str]) -> String {
        assert_eq!(self.code, 1, "{}\n{}", self.out, self.err);
        for word in words {
            let says_so = self.out.contains(word) || self.err.contains(word);
            assert!(says_so, "`{word}` is not in\n{}\n{}", self.out, self.err);
        }
        self.out
    }
}

/// Runs a tool on a database, by the clock that is so far ahead.
pub(crate) async fn tool_on(url: &str, ahead_ms: i64, words: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.args(words).env_clear();
    command.env("DATABASE_URL", url);
    command.env("TEST_DOOR", "1").env("TEST_CLOCK_AHEAD_MS", ahead_ms.to_string());
    command.kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
    Said {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl TestHouse {
    /// Runs a tool beside this server.
    pub(crate) async fn tool(&self, words: &[&str]) -> Said {
        let ahead_ms = self.clock.now().ms_since(Clock::Real.now());
        tool_on(&self.config.storage.database_url, ahead_ms, words).await
    }

    /// Changes the database behind everybody's back.
    pub(crate) async fn sabotage(&self, statement: &'static str) {
        use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
        let url = &self.config.storage.database_url;
        let changed = if url.starts_with("postgres") {
            let mut connection = PgConnection::connect(url).await.unwrap();
            connection.execute(statement).await.unwrap().rows_affected()
        } else {
            let mut connection = SqliteConnection::connect(url).await.unwrap();
            connection.execute(statement).await.unwrap().rows_affected()
        };
        assert!(0 < changed, "nothing to damage: {statement}");
    }
}

/// A server in a process of its own. Killed when the test ends, however it ends.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: String,
}

impl Program {
    pub(crate) async fn start(
        folder: &std::path::Path,
        url: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
        command.arg("serve").env_clear();
        command.env("DATABASE_URL", url).env("DATA_DIR", folder);
        command.env("DIST_DIR", folder.join("dist"));
        command.env("LISTEN_ADDR", "127.0.0.1:0").env("TEST_DOOR", "1").env("RUST_LOG", "warn");
        command.envs(settings.iter().copied());
        command.stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.expect("it starts").unwrap().unwrap();
        let address = line.strip_prefix("listening on http://").expect("where it listens");
        let address = address.to_owned();
        Self { child, address }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Asks it to stop, as whoever runs servers does.
    pub(crate) fn terminate(&self) {
        signal("TERM", &[self.child.id().expect("it runs").to_string()]);
    }

    /// Waits for its end: how it ended, and after how long.
    pub(crate) async fn ended(&mut self) -> (i32, Duration) {
        let began = Instant::now();
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap();
        (status.code().unwrap_or(-1), began.elapsed())
    }

    /// Waits until a page of it is answered so.
    pub(crate) async fn answers(&self, client: &reqwest::Client, path: &str, status: u16) {
        eventually("it answers", async || {
            let answer = client.get(self.url(path)).send().await;
            answer.is_ok_and(|answer| answer.status().as_u16() == status)
        })
        .await;
    }
}

pub(crate) fn signal(name: &str, processes: &[String]) {
    let done = std::process::Command::new("kill").arg(format!("-{name}")).args(processes).status();
    assert!(done.unwrap().success(), "kill -{name} {processes:?}");
}
