//! What all clients and the one who breaks things share: where the server is, how late it is there,
//! when something was answered, and what went wrong before everybody's eyes.

use crate::report::Breach;
use anyhow::Context;
use shared::Timestamp;
use shared::views::ConferenceView;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, watch};
use tokio::time::Interval;

/// A server that has not answered a command for this long has not recovered.
const RECOVERY_MAX: Duration = Duration::from_secs(60);
/// Failures that are kept with their reason; the others are only counted.
const FAILURES_TOLD_MAX: usize = 20;
/// How often it is asked whether it is ready.
const PROBE_PAUSE: Duration = Duration::from_millis(2);
/// … and how long it may think about that.
const PROBE_MAX: Duration = Duration::from_secs(1);

pub(crate) struct World {
    /// Where people go.
    pub(crate) addr: SocketAddr,
    /// Where they pay.
    pub(crate) provider: SocketAddr,
    pub(crate) conferences: Vec<ConferenceView>,
    pub(crate) counts: Counts,
    /// Something is on its way to the server.
    pub(crate) sent: Notify,
    /// When the next order may be placed; `None`: at once.
    pub(crate) pace: Option<Pace>,
    /// A client asks again on the connection on which it was answered.
    pub(crate) keeps_connections: bool,
    /// How far the server's clock is ahead of ours.
    ahead_ms: AtomicI64,
    /// Connections of an earlier generation are given up.
    generation: AtomicU64,
    recovery: watch::Sender<Recovery>,
    over: watch::Sender<bool>,
    breaches: Mutex<Vec<Breach>>,
    /// What was not answered, and why, as far as it is told.
    failures: Mutex<Vec<String>>,
    began: Instant,
}

/// Orders that are placed one after the other, however many people place them.
pub(crate) struct Pace(tokio::sync::Mutex<Interval>);

impl Pace {
    /// What is late is made up for.
    pub(crate) fn per_minute(orders: u32) -> Self {
        let every = Duration::from_secs(60) / orders.max(1);
        Self(tokio::sync::Mutex::new(tokio::time::interval(every)))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Requests of all kinds, each attempt.
    pub(crate) asked: AtomicU64,
    /// Commands that were answered by yes or no, each time.
    pub(crate) answered: AtomicU64,
    /// "Come back later" (503).
    pub(crate) postponed: AtomicU64,
    /// Sent, and nothing came back.
    pub(crate) unanswered: AtomicU64,
}

/// Since when we wait, and after how long the first command was answered by yes.
#[derive(Clone, Debug)]
struct Recovery {
    since: Instant,
    generation: u64,
    /// Conferences of which no command was answered yet. Where one server does everything, any of them
    /// says enough.
    missing: BTreeSet<String>,
    command: Option<Duration>,
}

/// A command: about which conference, when it was sent first, and on which connection last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent<'a> {
    pub(crate) slug: &'a str,
    pub(crate) at: Instant,
    pub(crate) generation: u64,
}

/// How long the server took to be there again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recovered {
    pub(crate) ready: Duration,
    pub(crate) command: Duration,
}

impl World {
    pub(crate) fn new(addr: SocketAddr, provider: SocketAddr) -> Self {
        let missing = BTreeSet::new();
        let recovery = Recovery { since: Instant::now(), generation: 0, missing, command: None };
        Self {
            addr,
            provider,
            conferences: Vec::new(),
            counts: Counts::default(),
            sent: Notify::new(),
            pace: None,
            keeps_connections: true,
            ahead_ms: AtomicI64::new(0),
            generation: AtomicU64::new(0),
            recovery: watch::Sender::new(recovery),
            over: watch::Sender::new(false),
            breaches: Mutex::default(),
            failures: Mutex::default(),
            began: Instant::now(),
        }
    }

    /// Waits until somebody may order, or nobody may any more.
    pub(crate) async fn turn(&self) {
        let Some(Pace(pace)) = &self.pace else { return };
        tokio::select! {
            () = async { pace.lock().await.tick().await; } => {}
            () = self.until_over() => {}
        }
    }

    /// Somebody asks for something.
    pub(crate) fn asks(&self) {
        self.counts.asked.fetch_add(1, Ordering::Relaxed);
        self.sent.notify_waiters();
    }

    /// Somebody asked and was not answered.
    pub(crate) fn failed(&self, what: String) {
        self.counts.unanswered.fetch_add(1, Ordering::Relaxed);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < FAILURES_TOLD_MAX {
            failures.push(format!("{what} (after {:.1} s)", self.began.elapsed().as_secs_f64()));
        }
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The server's present instant.
    pub(crate) fn now(&self) -> Timestamp {
        let ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Timestamp(i64::try_from(ms).unwrap_or(i64::MAX)) + self.ahead_ms()
    }

    pub(crate) fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    /// Lets time pass; the server hears of it when it starts, or is told.
    pub(crate) fn pass(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(0);
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// From now on we wait for the server: for a new process, or on new connections.
    pub(crate) fn begin_anew(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.begin();
    }

    /// From now on we wait for the server, on whatever connections there are.
    pub(crate) fn begin(&self) {
        let (since, generation) = (Instant::now(), self.generation());
        let missing = BTreeSet::new();
        self.recovery.send_replace(Recovery { since, generation, missing, command: None });
    }

    /// From now on we wait until a command for each conference is answered that was sent after this.
    pub(crate) fn begin_for_each(&self) {
        let (since, generation) = (Instant::now(), self.generation());
        let missing = self.conferences.iter().map(|conference| conference.slug.clone()).collect();
        self.recovery.send_replace(Recovery { since, generation, missing, command: None });
    }

    /// A command was answered on a connection of this generation.
    pub(crate) fn answered(&self, sent: &Sent<'_>, is_yes: bool) {
        self.counts.answered.fetch_add(1, Ordering::Relaxed);
        if !is_yes {
            return;
        }
        self.recovery.send_if_modified(|recovery| {
            if recovery.command.is_some() || recovery.generation != sent.generation {
                return false;
            }
            if !recovery.missing.is_empty() {
                if recovery.since <= sent.at {
                    recovery.missing.remove(sent.slug);
                }
                if !recovery.missing.is_empty() {
                    return false;
                }
            }
            recovery.command = Some(recovery.since.elapsed());
            true
        });
    }

    /// Waits until the server is ready and has answered a command.
    ///
    /// # Errors
    /// It does neither, for very long.
    pub(crate) async fn recovered(&self) -> anyhow::Result<Recovered> {
        let waiting = async {
            let mut recoveries = self.recovery.subscribe();
            let since = recoveries.borrow_and_update().since;
            let ready = async {
                self.answers_probes().await;
                since.elapsed()
            };
            // What comes back keeps everybody else out, and must not be held while we wait.
            let command = async {
                let found = recoveries.wait_for(|recovery| recovery.command.is_some()).await;
                found.map(|recovery| recovery.command)
            };
            let (ready, command) = tokio::join!(ready, command);
            let command = command.context("nobody waits")?.context("it was there")?;
            Ok(Recovered { ready, command })
        };
        let waited = tokio::time::timeout(RECOVERY_MAX, waiting).await;
        waited.context("the server did not recover within a minute")?
    }

    /// Waits until the server says that it is ready.
    ///
    /// # Errors
    /// It does not, for very long.
    pub(crate) async fn until_ready(&self) -> anyhow::Result<()> {
        let waited = tokio::time::timeout(RECOVERY_MAX, self.answers_probes()).await;
        waited.context("the server is not ready within a minute")
    }

    async fn answers_probes(&self) {
        while !is_ready(self.addr).await {
            tokio::time::sleep(PROBE_PAUSE).await;
        }
    }

    /// No new orders; clients finish what they have begun.
    pub(crate) fn end(&self) {
        self.over.send_replace(true);
    }

    pub(crate) fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    pub(crate) async fn until_over(&self) {
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    pub(crate) fn breach(&self, breach: Breach) {
        self.breaches.lock().unwrap_or_else(PoisonError::into_inner).push(breach);
    }

    pub(crate) fn breaches(&self) -> Vec<Breach> {
        std::mem::take(&mut self.breaches.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Asked as a load balancer does, on a connection of its own.
pub(crate) async fn is_ready(addr: SocketAddr) -> bool {
    let asking = async {
        let mut http = crate::connection::Http::connect(addr).await?;
        http.get("/health/ready", None).await
    };
    matches!(tokio::time::timeout(PROBE_MAX, asking).await, Ok(Ok(_)))
}
