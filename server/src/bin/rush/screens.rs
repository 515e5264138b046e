//! Many open screens, half of them owners' dashboards and half pages of seats, while orders arrive at
//! a steady pace: how long after a sale is every screen right, and what does it cost the server?

use crate::connection::{Http, Socket};
use crate::figures::percentile_ms;
use crate::pace::{Pace, sell};
use crate::registrant::WANTED;
use crate::report::Level;
use crate::target::Target;
use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::live::Topic;
use shared::views::ConferenceView;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

pub(crate) const OWNER: &str = "owner@example.org";
pub(crate) const OWNER_CODE: &str = "K7M-2QX";
/// Sockets that are opened at the same time.
const OPENING_MAX: usize = 32;
/// A screen that does not show the last sale after this long will never.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many screens there are, and how many of them are dashboards.
#[derive(Clone, Copy)]
pub(crate) struct Watched {
    pub(crate) screens: usize,
    pub(crate) dashboards: usize,
}

/// What one screen was shown.
#[derive(Default)]
struct Seen {
    /// When it first said that this many seats were sold, ascending in both.
    sold: Vec<(Instant, u32)>,
    pushes: u64,
    bytes: u64,
}

/// As much of a push as makes a screen right or wrong. A dashboard has the conference inside.
#[derive(Deserialize)]
struct Frame {
    view: Option<Shown>,
}

#[derive(Deserialize)]
struct Shown {
    conference: Option<Seats>,
    #[serde(default)]
    seat_types: Vec<Line>,
}

#[derive(Deserialize)]
struct Seats {
    seat_types: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    quota: u32,
    sold: u32,
    held: u32,
}

/// What the screens are told and tell.
struct Stage {
    open: AtomicU32,
    /// All seats that were sold, once no more will be.
    total: watch::Sender<Option<u32>>,
}

/// Opens the screens, lets orders arrive, prints the figures, and returns what was bought.
pub(crate) async fn keep_right(
    target: &Target,
    conference: &ConferenceView,
    watched: Watched,
    pace: Pace,
) -> anyhow::Result<(Level, Value)> {
    let screens = watched.screens;
    let memory_before = target.memory_mb("VmRSS:")?;
    let stage = Arc::new(Stage { open: AtomicU32::new(0), total: watch::Sender::new(None) });
    let watching = open_screens(target, &conference.slug, watched, &stage).await?;
    let memory_open = target.memory_mb("VmRSS:")?;
    let over = tokio::time::sleep(Duration::from_secs(pace.seconds));
    let level = sell(target, conference, pace.orders_a_minute, over).await?;
    stage.total.send_replace(Some(WANTED * u32::try_from(level.bought.len())?));
    let mut seen = Vec::with_capacity(screens);
    for screen in watching {
        let screen = tokio::time::timeout(PATIENCE, screen).await;
        seen.push(screen.context("a screen never showed the last sale")???);
    }
    let mut figures = print_figures(&seen, &level)?;
    let each_kb = (memory_open - memory_before) * 1e3 / screens as f64;
    let at_most = target.memory_mb("VmHWM:")?;
    println!(
        "{:>9} server memory {memory_before:.1} MB before, {memory_open:.1} MB with the screens open \
         ({each_kb:.0} kB each), {:.1} MB after, {at_most:.1} MB at most",
        "",
        target.memory_mb("VmRSS:")?,
    );
    figures["memory_kb_per_screen"] = each_kb.into();
    Ok((level, figures))
}

async fn open_screens(
    target: &Target,
    slug: &str,
    Watched { screens, dashboards }: Watched,
    stage: &Arc<Stage>,
) -> anyhow::Result<Vec<JoinHandle<anyhow::Result<Seen>>>> {
    let cookie = Http::connect(target.addr).await?.sign_in(OWNER, OWNER_CODE).await?;
    let opening = Arc::new(Semaphore::new(OPENING_MAX));
    let mut watching = Vec::with_capacity(screens);
    for number in 0..screens {
        let permit = opening.clone().acquire_owned().await?;
        let (topic, cookie) = if number < dashboards {
            (Topic::Dashboard { slug: slug.to_owned() }, cookie.clone())
        } else {
            (Topic::Conference { slug: slug.to_owned() }, String::new())
        };
        let (addr, stage) = (target.addr, stage.clone());
        watching.push(tokio::spawn(async move {
            let mut socket = Socket::connect(addr, &cookie).await?;
            socket.watch(&topic, None).await?;
            let mut seen = Seen::default();
            while seen.sold.is_empty() {
                seen.take(&socket.next().await?)?;
            }
            stage.open.fetch_add(1, Ordering::Relaxed);
            drop(permit);
            let mut total = stage.total.subscribe();
            while total.borrow_and_update().is_none_or(|total| seen.latest() < total) {
                tokio::select! {
                    frame = socket.next() => seen.take(&frame?)?,
                    _ = total.changed() => {}
                }
            }
            Ok(seen)
        }));
    }
    let all_open = opening.acquire_many(u32::try_from(OPENING_MAX)?).await?;
    drop(all_open);
    let open = stage.open.load(Ordering::Relaxed) as usize;
    ensure!(open == screens, "{open} of {screens} screens could be opened");
    Ok(watching)
}

impl Seen {
    fn take(&mut self, text: &str) -> anyhow::Result<()> {
        let now = Instant::now();
        let frame: Frame = serde_json::from_str(text).with_context(|| text.to_owned())?;
        let Some(view) = frame.view else { return Ok(()) };
        let lines = view.conference.map_or(view.seat_types, |conference| conference.seat_types);
        let fits = lines.iter().all(|line| line.sold + line.held <= line.quota);
        ensure!(fits, "a screen shows more seats than there are: {text}");
        self.pushes += 1;
        self.bytes += text.len() as u64;
        let sold = lines.iter().map(|line| line.sold).sum();
        if self.sold.is_empty() || self.latest() < sold {
            self.sold.push((now, sold));
        }
        Ok(())
    }

    fn latest(&self) -> u32 {
        self.sold.last().map_or(0, |(_, sold)| *sold)
    }
}

/// A sale is on a screen as soon as the screen counts as many seats as were sold by then.
fn print_figures(seen: &[Seen], level: &Level) -> anyhow::Result<Value> {
    let mut sales: Vec<Instant> = level.bought.iter().map(|order| order.sold_at).collect();
    sales.sort_unstable();
    let mut delays = Vec::with_capacity(sales.len() * seen.len());
    for screen in seen {
        let mut shown = screen.sold.iter();
        let mut latest = shown.next();
        for (number, sold_at) in (1_u32..).zip(&sales) {
            while latest.is_some_and(|(_, sold)| *sold < WANTED * number) {
                latest = shown.next();
            }
            let (at, _) = latest.context("a screen never showed a sale")?;
            let delay = at.saturating_duration_since(*sold_at);
            delays.push(u64::try_from(delay.as_micros())?);
        }
    }
    delays.sort_unstable();
    let seconds = level.spent.elapsed.as_secs_f64();
    let pushes: u64 = seen.iter().map(|screen| screen.pushes).sum();
    let bytes: u64 = seen.iter().map(|screen| screen.bytes).sum();
    let orders_a_minute = level.bought.len() as f64 * 60.0 / seconds;
    let [p50, p95, p99, max] = [50, 95, 99, 100].map(|share| percentile_ms(&delays, share));
    println!(
        "{:>9} screens, {orders_a_minute:.0} orders a minute: a sale is on a screen after p50 {p50:.0} ms, \
         p95 {p95:.0} ms, p99 {p99:.0} ms, max {max:.0} ms",
        seen.len(),
    );
    println!(
        "{:>9} {:.0} pushes/s of {:.1} kB, server CPU {:.0} %",
        "",
        pushes as f64 / seconds,
        bytes as f64 / 1e3 / pushes.max(1) as f64,
        level.spent.server_cpu * 100.0 / seconds,
    );
    Ok(json!({
        "screens": seen.len(), "orders_a_minute": orders_a_minute,
        "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "max_ms": max,
    }))
}
