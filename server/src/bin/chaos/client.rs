//! One browser's connection: asks until it is answered, as the app does, whatever happens to the
//! server meanwhile.

use crate::connection::{Http, Reply};
use crate::dice::Dice;
use crate::journal::{Intent, Journal, Said};
use crate::report::Breach;
use crate::world::{Sent, World};
use anyhow::{Context, bail, ensure};
use hyper::{Method, StatusCode};
use serde_json::Value;
use shared::live::{Snapshot, View};
use shared::refusal::Problem;
use shared::views::ConferenceView;
use shared::{OrderId, Timestamp};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A browser gives one attempt this long.
const ATTEMPT_MAX: Duration = Duration::from_secs(4);
/// Who is not answered for this long never will be.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many of the commands are sent once more although they were answered, in percent.
const REPEATED: u32 = 12;

pub(crate) struct Client {
    pub(crate) world: Arc<World>,
    pub(crate) dice: Dice,
    pub(crate) journal: Journal,
    http: Option<Line>,
}

/// A connection, of which generation, and to whom.
struct Line {
    generation: u64,
    addr: SocketAddr,
    http: Http,
}

/// Something to ask until it is answered.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at: SocketAddr,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) header: Option<(&'static str, String)>,
    pub(crate) body: String,
}

/// A command on its way.
pub(crate) struct Command<'a> {
    pub(crate) route: &'static str,
    pub(crate) slug: &'a str,
    pub(crate) order: Option<OrderId>,
    /// How the server knows who asks.
    pub(crate) header: (&'static str, String),
    pub(crate) body: Value,
}

impl Client {
    pub(crate) fn new(world: Arc<World>, dice: Dice) -> Self {
        Self { world, dice, journal: Journal::default(), http: None }
    }

    /// Sends a command until it is answered, sometimes once more, and remembers what was said.
    ///
    /// # Errors
    /// It is never answered, or in a way that nobody understands.
    pub(crate) async fn command(&mut self, command: Command<'_>) -> anyhow::Result<Said> {
        let Command { route, slug, order, header, body } = command;
        let command_id = body["command_id"].as_str().context("a command has an id")?.parse()?;
        let path = format!("/api/commands/{route}");
        let (at, header, body) = (self.world.addr, Some(header), body.to_string());
        let asked = Asked { at, method: Method::POST, path, header, body };
        let times = if self.dice.percent(REPEATED) { 2 } else { 1 };
        let mut said = Vec::with_capacity(times);
        let (began, mut first) = (Instant::now(), None);
        for _ in 0..times {
            let at = Instant::now();
            let reply = self.until_answered(&asked).await?;
            first.get_or_insert_with(Instant::now);
            said.push(understand(&reply).with_context(|| asked.path.clone())?);
            let generation = self.http.as_ref().map_or(0, |line| line.generation);
            self.world.answered(&Sent { slug, at, generation }, reply.status.is_success());
        }
        let answer = said[0].clone();
        let (slug, at) = (slug.to_owned(), first.unwrap_or(began));
        let took = at - began;
        self.journal.intents.push(Intent { slug, order, command_id, route, said, at, took });
        Ok(answer)
    }

    /// Asks for a view until it is answered.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub(crate) async fn view(
        &mut self,
        topic: &str,
        token: Option<&str>,
    ) -> anyhow::Result<Snapshot> {
        let header = token.map(|token| ("authorization", format!("Bearer {token}")));
        let path = format!("/api/views/{topic}");
        let (at, body) = (self.world.addr, String::new());
        let asked = Asked { at, method: Method::GET, path, header, body };
        let reply = self.until_answered(&asked).await?;
        ensure!(reply.status.is_success(), "{topic}: {}", reply.status);
        serde_json::from_slice(&reply.body).context("a view of another shape")
    }

    /// # Errors
    /// As [`Client::command`].
    pub(crate) async fn conference(&mut self, slug: &str) -> anyhow::Result<ConferenceView> {
        match self.view(&format!("conference/{slug}"), None).await?.view {
            View::Conference(view) => Ok(view),
            _ => bail!("not a conference"),
        }
    }

    /// Tells a server what time it is. The same again is the same.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub(crate) async fn set_clock(&mut self, at: SocketAddr, now: Timestamp) -> anyhow::Result<()> {
        let asked = Asked {
            at,
            method: Method::POST,
            path: "/test/clock".to_owned(),
            header: None,
            body: format!("{{\"now_ms\":{}}}", now.0),
        };
        let reply = self.until_answered(&asked).await?;
        ensure!(reply.status.is_success(), "the clock cannot be set");
        Ok(())
    }

    /// Asks again after every silence and every "later". Anything else is an answer.
    ///
    /// # Errors
    /// There is none for very long.
    pub(crate) async fn until_answered(&mut self, asked: &Asked) -> anyhow::Result<Reply> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match tokio::time::timeout(ATTEMPT_MAX, self.attempt(asked)).await {
                Ok(Ok(reply)) if reply.status == StatusCode::SERVICE_UNAVAILABLE => {
                    self.postponed(asked, &reply);
                }
                Ok(Ok(reply)) if reply.status.is_server_error() => {
                    let body = String::from_utf8_lossy(&reply.body);
                    let what = format!("{} was answered {} {body}", asked.path, reply.status);
                    self.world.breach(Breach::other(what));
                }
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(error)) => self.unheard(format!("{}: {error:#}", asked.path)),
                Err(_) => self.unheard(format!("{}: nothing for a while", asked.path)),
            }
            let pause = self.dice.ms(2, 20);
            tokio::time::sleep(pause).await;
        }
        bail!("{} was not answered for {} s", asked.path, PATIENCE.as_secs())
    }

    async fn attempt(&mut self, asked: &Asked) -> anyhow::Result<Reply> {
        let Asked { at, method, path, header, body } = asked.clone();
        let generation = self.world.generation();
        let fits = |line: &Line| line.generation == generation && line.addr == at;
        let line = match self.http.take().filter(fits) {
            Some(line) => line,
            None => Line { generation, addr: at, http: Http::connect(at).await? },
        };
        let Line { http, .. } = self.http.insert(line);
        self.world.asks();
        let reply = http.ask(method, &path, header, body).await?;
        let closes = reply.headers.get("connection").is_some_and(|value| value == "close");
        if closes || !self.world.keeps_connections {
            self.http = None;
        }
        Ok(reply)
    }

    fn unheard(&mut self, what: String) {
        self.world.failed(what);
        self.http = None;
    }

    /// Somebody else sits down at the browser.
    pub(crate) fn hang_up(&mut self) {
        self.http = None;
    }

    /// "Later" must be said in words that a program understands. The provider has words of its own.
    fn postponed(&self, asked: &Asked, reply: &Reply) {
        if !asked.path.starts_with("/api/") {
            return;
        }
        self.world.counts.postponed.fetch_add(1, Ordering::Relaxed);
        let says_when = reply.headers.contains_key("retry-after");
        if !says_when || problem(reply).is_err() {
            let body = String::from_utf8_lossy(&reply.body);
            let what = format!("{} was put off without a problem and a time: {body}", asked.path);
            self.world.breach(Breach::other(what));
        }
    }
}

fn understand(reply: &Reply) -> anyhow::Result<Said> {
    if reply.status.is_success() {
        let accepted = serde_json::from_slice(&reply.body);
        return Ok(Said::Yes(accepted.context("a yes of another shape")?));
    }
    Ok(Said::No(problem(reply)?.code))
}

fn problem(reply: &Reply) -> anyhow::Result<Problem> {
    let kind = reply.headers.get("content-type").and_then(|kind| kind.to_str().ok());
    ensure!(kind == Some("application/problem+json"), "{kind:?} instead of a problem");
    serde_json::from_slice(&reply.body).context("a problem of another shape")
}
