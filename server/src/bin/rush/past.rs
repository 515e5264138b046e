//! A long past: conferences with many events, made by the same ledgers as every present, so that what
//! they left behind is what years would have left. Mails are marked as sent, so that no server that
//! opens the database begins with a million of them.

use crate::story;
use anyhow::{anyhow, ensure};
use server::clock::Clock;
use server::domain::registration_process::Effect;
use server::ledger::stage::{Answer, Request};
use server::ledgers::{Bells, Ledgers};
use server::live::Hub;
use server::store::Store;
use shared::ConferenceId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Conferences that are being filled at the same time.
const CONFERENCES_AT_ONCE: usize = 8;
/// Registrants of one conference, at most: they share commits.
const REGISTRANTS_MAX: u64 = 256;
/// About as many events leave the registrants of a small conference time for more than one order each.
const EVENTS_PER_REGISTRANT: u64 = 100;
/// Effects that are marked as performed at once.
const EFFECTS_AT_ONCE: u32 = 4_096;
/// How long to wait for more effects.
const EFFECTS_PAUSE: Duration = Duration::from_millis(50);
/// Nobody else takes an effect for as long, in seconds.
const LEASE_SECONDS: i64 = 600;
/// A line of progress this often.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// Somebody who writes a past into a database.
#[derive(Clone)]
pub(crate) struct Past {
    store: Store,
    ledgers: Ledgers,
    clock: Clock,
    /// Events written so far.
    written: Arc<AtomicU64>,
}

impl Past {
    pub(crate) async fn open(url: &str) -> anyhow::Result<Self> {
        let (store, clock) = (Store::open(url).await?, Clock::Real);
        let ledgers = Ledgers::new(store.clone(), Hub::default(), clock.clone(), Bells::default());
        Ok(Self { store, ledgers, clock, written: Arc::default() })
    }

    /// Makes `conferences` (`name-0`, `name-1` …) of at least `events` each, prints the rate, closes.
    pub(crate) async fn fill(
        self,
        name: &str,
        conferences: usize,
        events: u64,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        let done = CancellationToken::new();
        let performing = tokio::spawn(self.clone().perform_effects(done.clone()));
        let next = Arc::new(AtomicUsize::new(0));
        let mut filling = JoinSet::new();
        for _ in 0..CONFERENCES_AT_ONCE.min(conferences) {
            let (past, next, name) = (self.clone(), next.clone(), name.to_owned());
            filling.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if conferences <= number {
                        return anyhow::Ok(());
                    }
                    past.conference(&format!("{name}-{number}"), events).await?;
                }
            });
        }
        let mut tell = tokio::time::interval(TELL_EVERY);
        tell.tick().await;
        loop {
            tokio::select! {
                filled = filling.join_next() => match filled {
                    Some(filled) => filled??,
                    None => break,
                },
                _ = tell.tick() => self.tell(name, started),
            }
        }
        done.cancel();
        performing.await??;
        self.tell(name, started);
        self.ledgers.close().await;
        self.store.close().await;
        Ok(())
    }

    fn tell(&self, name: &str, started: Instant) {
        let written = self.written.load(Ordering::Relaxed);
        let rate = written as f64 / started.elapsed().as_secs_f64();
        println!("{:>9} events of '{name}' written, {rate:.0} a second", written);
    }

    /// One conference that sells until it has so many events.
    async fn conference(&self, slug: &str, events: u64) -> anyhow::Result<()> {
        let id = ConferenceId(Uuid::now_v7());
        let (seat_types, requests) = story::conference(slug, self.clock.now());
        for request in requests {
            self.perform(id, request).await?;
        }
        let head = Arc::new(AtomicU64::new(0));
        let mut selling = JoinSet::new();
        for _ in 0..(events / EVENTS_PER_REGISTRANT).clamp(1, REGISTRANTS_MAX) {
            let (past, head, seat_types) = (self.clone(), head.clone(), seat_types.clone());
            selling.spawn(async move {
                while head.load(Ordering::Relaxed) < events {
                    for request in story::order(&seat_types) {
                        let answer = past.perform(id, request).await?;
                        let before = head.fetch_max(answer.position, Ordering::Relaxed);
                        let more = answer.position.saturating_sub(before);
                        past.written.fetch_add(more, Ordering::Relaxed);
                    }
                }
                anyhow::Ok(())
            });
        }
        while let Some(sold) = selling.join_next().await {
            sold??;
        }
        let written = self.store.head(id.0).await?.map_or(0, |known| known.head);
        ensure!(events <= written, "{slug} has {written} events");
        Ok(())
    }

    /// Marks effects as performed until there are none left.
    async fn perform_effects(self, done: CancellationToken) -> anyhow::Result<()> {
        loop {
            let is_last = done.is_cancelled();
            let now = self.clock.now();
            let until = now.plus_seconds(LEASE_SECONDS);
            let leased =
                self.store.lease_effects(Effect::KINDS, now.0, until.0, EFFECTS_AT_ONCE).await?;
            if leased.is_empty() {
                if is_last {
                    return Ok(());
                }
                tokio::time::sleep(EFFECTS_PAUSE).await;
            }
            let mut marking = JoinSet::new();
            for effect in leased {
                let past = self.clone();
                marking.spawn(async move {
                    past.perform(ConferenceId(effect.ledger), story::performed(effect.id)).await
                });
            }
            while let Some(marked) = marking.join_next().await {
                marked??;
            }
        }
    }

    async fn perform(&self, id: ConferenceId, request: Request) -> anyhow::Result<Answer> {
        self.ledgers.perform(id, request).await.map_err(|failure| anyhow!("{failure:?}"))
    }
}
