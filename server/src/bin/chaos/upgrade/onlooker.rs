//! People who only watch, each on a socket of their own, as the app does: told to come back they come
//! back when they were told to, thrown out they come back after pauses that grow, with chance in both.
//!
//! They keep when they saw which position. Not here: whether that was soon enough (`staleness.rs`).

use crate::connection::Socket;
use crate::dice::Dice;
use crate::report::Breach;
use crate::scenarios::Stage;
use crate::world::World;
use anyhow::Context;
use serde::Deserialize;
use shared::live::{ClientFrame, HEARTBEAT_SECONDS, Topic};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Interval, timeout};

/// As in `app/src/live/connection.rs`: the first pause of those that double, …
const PAUSE_FIRST_MS: u32 = 500;
/// … the longest that anybody waits because a server that leaves says so, …
const RESTART_MS_MAX: u32 = 1_000;
/// … and how often the app looks whether a pause is over.
const TICK_MS: u32 = 500;
/// All sockets stand after this.
const ARRIVE_MAX: Duration = Duration::from_secs(60);

/// What one of them saw, and how often the socket was another.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) slug: String,
    /// Positions that were greater than all before, in the order of time.
    pub(crate) positions: Vec<(Instant, u64)>,
    /// The releases that said hello.
    pub(crate) releases: BTreeSet<String>,
    /// When a socket ended.
    pub(crate) lost: Vec<Instant>,
    /// Attempts to connect that came to nothing.
    pub(crate) refused: u64,
}

/// As much of a frame as is needed.
#[derive(Deserialize)]
struct Frame {
    position: Option<u64>,
    release: Option<String>,
    reconnect_after_ms: Option<u32>,
}

pub(crate) struct Onlookers {
    watching: JoinSet<Seen>,
    over: watch::Sender<bool>,
}

impl Onlookers {
    /// Comes, and returns when everybody sees something.
    pub(crate) async fn arrive(stage: &mut Stage, count: usize) -> anyhow::Result<Self> {
        let (mut watching, over) = (JoinSet::new(), watch::Sender::new(false));
        let (see, mut sees) = tokio::sync::mpsc::channel(count.max(1));
        for number in 0..count {
            let conferences = &stage.world.conferences;
            let slug = conferences[number % conferences.len()].slug.clone();
            let (dice, first) = (stage.dice.fork(), Some(see.clone()));
            let onlooker = Onlooker {
                world: stage.world.clone(),
                dice,
                first,
                seen: Seen { slug, ..Seen::default() },
            };
            watching.spawn(onlooker.watch(over.subscribe()));
        }
        drop(see);
        let arriving = async { while sees.recv().await.is_some() {} };
        timeout(ARRIVE_MAX, arriving).await.context("not all sockets stand")?;
        Ok(Self { watching, over })
    }

    /// Goes at this moment.
    pub(crate) async fn leave(&mut self, at: Instant) -> Vec<Seen> {
        tokio::time::sleep_until(at.into()).await;
        self.over.send_replace(true);
        super::all(std::mem::take(&mut self.watching)).await
    }
}

struct Onlooker {
    world: Arc<World>,
    dice: Dice,
    /// To be dropped when something was seen.
    first: Option<tokio::sync::mpsc::Sender<()>>,
    seen: Seen,
}

impl Onlooker {
    async fn watch(mut self, mut over: watch::Receiver<bool>) -> Seen {
        tokio::select! {
            () = self.watch_for_ever() => {}
            _ = over.wait_for(|over| *over) => {}
        }
        self.seen
    }

    async fn watch_for_ever(&mut self) {
        let mut attempts = 0;
        loop {
            let wait_ms = match self.open().await {
                Ok(socket) => {
                    attempts = 0;
                    // Thrown out without a word: nobody said when to come back.
                    self.look(socket).await.unwrap_or(None)
                }
                Err(error) => {
                    self.seen.refused += 1;
                    self.world.breach(Breach::other(format!("a socket was refused: {error:#}")));
                    None
                }
            };
            self.seen.lost.push(Instant::now());
            let pause_ms =
                wait_ms.map_or(PAUSE_FIRST_MS << attempts.min(6), |ms| ms.min(RESTART_MS_MAX));
            attempts += 1;
            let pause = self.dice.ms(pause_ms / 2, pause_ms) + self.dice.ms(0, TICK_MS);
            tokio::time::sleep(pause).await;
        }
    }

    async fn open(&self) -> anyhow::Result<Socket> {
        let mut socket = Socket::connect(self.world.addr, "").await?;
        let topic = Topic::Conference { slug: self.seen.slug.clone() };
        socket.watch(&topic, None).await?;
        Ok(socket)
    }

    /// Looks until the socket ends; answers when the server said to come back.
    async fn look(&mut self, mut socket: Socket) -> anyhow::Result<Option<u32>> {
        let mut heartbeat = heartbeat();
        loop {
            let text = tokio::select! {
                text = socket.next() => text?,
                _ = heartbeat.tick() => {
                    socket.say(&ClientFrame::Ping).await?;
                    continue;
                }
            };
            let frame: Frame = serde_json::from_str(&text)?;
            self.seen.releases.extend(frame.release);
            if let Some(position) = frame.position {
                self.first = None;
                let last = self.seen.positions.last().map_or(0, |(_, position)| *position);
                if last < position {
                    self.seen.positions.push((Instant::now(), position));
                }
            }
            if frame.reconnect_after_ms.is_some() {
                return Ok(frame.reconnect_after_ms);
            }
        }
    }
}

fn heartbeat() -> Interval {
    let every = Duration::from_secs(u64::from(HEARTBEAT_SECONDS));
    tokio::time::interval_at(tokio::time::Instant::now() + every, every)
}
