//! The load client: `make rush`. Starts a release server in a process of its own and sends it whole
//! registrations: register → held → details → pay → the provider's callback → confirmed. Commands
//! travel over HTTP, answers about seats and payments arrive as pushes on a socket, as in a browser.
//!
//! Then opens many screens, half of them dashboards and half seat pages, lets orders arrive at a steady
//! pace and measures how long each sale takes to every screen.
//!
//! Prints, per number of registrants at once, orders per second and p50/p99 of every step, and checks
//! at the end that nothing was oversold and that everything that was answered is there.

#![expect(clippy::disallowed_methods, reason = "a load client measures time")]

#[path = "load/connection.rs"]
mod connection;
#[path = "load/figures.rs"]
mod figures;
#[path = "load/intents.rs"]
mod intents;
#[path = "load/program.rs"]
mod program;
#[path = "rush/registrant.rs"]
mod registrant;
#[path = "rush/report.rs"]
mod report;
#[path = "load/running.rs"]
mod running;
#[path = "rush/screens.rs"]
mod screens;
#[path = "rush/target.rs"]
mod target;

use anyhow::{Context, bail, ensure};
use connection::Http;
use registrant::{Bought, Registrant};
use report::{Level, print_header, print_level};
use serde_json::json;
use shared::live::{Snapshot, View};
use shared::views::{ConferenceView, OrderStatus};
use std::time::{Duration, Instant};
use target::Target;

const USAGE: &str = "usage: rush [--registrants 1,16,64,256] [--seconds 5] [--screens 1000]
            [--orders-a-minute 500] [--screen-seconds 30] [--database-url URL]
  --registrants \"\" or --screens 0 leaves that part out
  without --database-url: DATABASE_URL, or SQLite in a temporary folder";

struct Options {
    registrants: Vec<usize>,
    seconds: u64,
    screens: usize,
    orders_a_minute: u32,
    screen_seconds: u64,
    database_url: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options()?;
    let target = Target::start(options.database_url.as_deref()).await?;
    println!("{} (release {}, {} cores)", target.database, target.profile, cores());
    if !options.registrants.is_empty() {
        print_header();
    }
    for (number, registrants) in options.registrants.iter().enumerate() {
        let slug = format!("rush-{number}-{}", target.run);
        let conference = make_conference(&target, &slug).await?;
        let level = run_level(&target, &conference, *registrants, options.seconds).await?;
        print_level(*registrants, &level);
        check(&target, &slug, &level).await?;
    }
    if 0 < options.screens {
        watch(&target, &options).await?;
    }
    println!("{}", target.summary()?);
    target.stop().await
}

fn options() -> anyhow::Result<Options> {
    let database_url = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    let mut options = Options {
        registrants: vec![1, 16, 64, 256],
        seconds: 5,
        screens: 1_000,
        orders_a_minute: 500,
        screen_seconds: 30,
        database_url,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| USAGE.to_owned())?;
        match name.as_str() {
            "--registrants" => {
                let levels = value.split(',').filter(|level| !level.is_empty());
                let numbers: Result<Vec<usize>, _> = levels.map(str::parse).collect();
                options.registrants = numbers.context(USAGE)?;
            }
            "--seconds" => options.seconds = value.parse().context(USAGE)?,
            "--screens" => options.screens = value.parse().context(USAGE)?,
            "--orders-a-minute" => options.orders_a_minute = value.parse().context(USAGE)?,
            "--screen-seconds" => options.screen_seconds = value.parse().context(USAGE)?,
            "--database-url" => options.database_url = Some(value),
            _ => bail!("{USAGE}"),
        }
    }
    Ok(options)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// One hot conference with more seats than the run can sell.
async fn make_conference(target: &Target, slug: &str) -> anyhow::Result<ConferenceView> {
    let mut http = Http::connect(target.addr).await?;
    let body = json!({
        "slug": slug,
        "name": "The nine o'clock sale",
        "owner": { "email": screens::OWNER, "access_code": screens::OWNER_CODE },
        "seat_types": [{ "name": "General admission", "price_minor": 19_900, "quota": 100_000 }],
    });
    let answer = http.post("/test/conferences", None, body.to_string()).await?;
    serde_json::from_slice(&answer).context("no conference came back")
}

/// Lets `registrants` buy one order after the other until the time is up.
async fn run_level(
    target: &Target,
    conference: &ConferenceView,
    registrants: usize,
    seconds: u64,
) -> anyhow::Result<Level> {
    let mut people = Vec::with_capacity(registrants);
    for _ in 0..registrants {
        people.push(Registrant::arrive(target, conference).await?);
    }
    let cpu_before = target.cpu_seconds()?;
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    let tasks: Vec<_> =
        people.into_iter().map(|person| tokio::spawn(person.buy_until(until))).collect();
    let mut bought: Vec<Bought> = Vec::new();
    for task in tasks {
        bought.extend(task.await??);
    }
    let elapsed = started.elapsed();
    let cpu_seconds = target.cpu_seconds()? - cpu_before;
    Ok(Level { bought, elapsed, cpu_seconds })
}

/// Screens that are open while orders arrive.
async fn watch(target: &Target, options: &Options) -> anyhow::Result<()> {
    let slug = format!("screens-{}", target.run);
    let conference = make_conference(target, &slug).await?;
    let Options { screens, orders_a_minute, screen_seconds, .. } = options;
    let pace = screens::Pace { orders_a_minute: *orders_a_minute, seconds: *screen_seconds };
    let level = screens::keep_right(target, &conference, *screens, pace).await?;
    check(target, &slug, &level).await
}

/// Nothing oversold, nothing half done, and every confirmed order can be read.
async fn check(target: &Target, slug: &str, level: &Level) -> anyhow::Result<()> {
    let mut http = Http::connect(target.addr).await?;
    let body = http.get(&format!("/api/views/conference/{slug}"), None).await?;
    let View::Conference(view) = serde_json::from_slice::<Snapshot>(&body)?.view else {
        bail!("not a conference");
    };
    let line = &view.seat_types[0];
    let sold = 2 * level.bought.len();
    ensure!(line.sold as usize == sold, "{} seats sold, but {sold} were confirmed", line.sold);
    ensure!(line.held == 0, "{} seats are still held", line.held);
    for order in &level.bought {
        let path = format!("/api/views/order/{slug}/{}", order.order_id);
        let body = http.get(&path, Some(&order.token)).await?;
        let View::Order(view) = serde_json::from_slice::<Snapshot>(&body)?.view else {
            bail!("not an order");
        };
        ensure!(view.status == OrderStatus::Confirmed, "order {} is lost", order.order_id);
    }
    Ok(())
}
