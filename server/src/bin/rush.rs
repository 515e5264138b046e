//! The load client: `make rush`. Starts a release server in a process of its own and plays everybody who
//! uses it: whole registrations (register → held → details → pay → the provider's callback → confirmed),
//! reservations alone, an on-sale peak, and screens on which every sale must appear. Commands travel over
//! HTTP, answers about seats and payments arrive as pushes on a socket, as in a browser.
//!
//! Prints rates, p50/p99 of every step, the server's CPU and memory, and fails when something was oversold
//! or something that was answered is not there.

#![expect(clippy::disallowed_methods, reason = "a load client measures time")]

#[path = "load/connection.rs"]
mod connection;
#[path = "load/figures.rs"]
mod figures;
#[path = "load/intents.rs"]
mod intents;
#[path = "rush/options.rs"]
mod options;
#[path = "rush/peak.rs"]
mod peak;
#[path = "load/program.rs"]
mod program;
#[path = "rush/registrant.rs"]
mod registrant;
#[path = "rush/report.rs"]
mod report;
#[path = "rush/reservations.rs"]
mod reservations;
#[path = "load/running.rs"]
mod running;
#[path = "rush/screens.rs"]
mod screens;
#[path = "rush/target.rs"]
mod target;

use anyhow::{Context, bail, ensure};
use connection::Http;
use options::{Options, Scenario};
use peak::peak;
use registrant::{Bought, Registrant};
use report::{Level, print_header, print_level};
use reservations::reserve;
use screens::{Pace, Watched};
use serde_json::{Value, json};
use shared::live::{Snapshot, View};
use shared::views::{ConferenceView, OrderStatus};
use std::time::{Duration, Instant};
use target::Target;

/// As many as a seat type may have, and more than any run can sell.
const SEATS: u32 = 100_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::read()?;
    // Ten thousand connections are files, too.
    let _ = server::open_files::raise_limit();
    let target = Target::start(options.database_url.as_deref()).await?;
    println!("{} (release {}, {} cores)", target.database, target.profile, cores());
    let mut figures = serde_json::Map::new();
    for scenario in &options.scenarios {
        let found = play(*scenario, &target, &options).await?;
        figures.insert(format!("{scenario:?}").to_lowercase(), found);
    }
    println!("{}", target.summary()?);
    if let Some(file) = &options.json {
        let figures = json!({ "database": target.database, "cores": cores(), "figures": figures });
        std::fs::write(file, serde_json::to_string_pretty(&figures)?)?;
    }
    target.stop().await
}

async fn play(scenario: Scenario, target: &Target, options: &Options) -> anyhow::Result<Value> {
    let new = async |name: &str, quota| make_conference(target, name, quota).await;
    match scenario {
        Scenario::Steady => steady(target, options).await,
        Scenario::Reservations => {
            let conference = new("reservations", SEATS).await?;
            reserve(target, &conference, options.reservers, options.seconds).await
        }
        Scenario::Peak => {
            let conference = new("peak", options.seats).await?;
            peak(target, conference, options.people).await
        }
        Scenario::Screens => {
            let conference = new("screens", SEATS).await?;
            let watched = Watched { screens: options.screens, dashboards: options.screens / 2 };
            watch(target, &conference, watched, options.pace()).await
        }
        Scenario::Watchers => {
            let conference = new("watchers", SEATS).await?;
            let watched = Watched { screens: options.watchers, dashboards: 0 };
            let pace = Pace { orders_a_minute: 60, ..options.pace() };
            watch(target, &conference, watched, pace).await
        }
    }
}

/// One level after the other, each with a conference of its own.
async fn steady(target: &Target, options: &Options) -> anyhow::Result<Value> {
    print_header();
    let mut levels = Vec::new();
    for registrants in &options.registrants {
        let conference = make_conference(target, &format!("steady-{registrants}"), SEATS).await?;
        let level = run_level(target, &conference, *registrants, options.seconds).await?;
        levels.push(print_level(*registrants, &level));
        check(target, &conference.slug, &level).await?;
    }
    Ok(Value::Array(levels))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// One hot conference.
async fn make_conference(
    target: &Target,
    name: &str,
    quota: u32,
) -> anyhow::Result<ConferenceView> {
    let slug = format!("{name}-{}", target.run);
    let mut http = Http::connect(target.addr).await?;
    let body = json!({
        "slug": slug,
        "name": "The nine o'clock sale",
        "owner": { "email": screens::OWNER, "access_code": screens::OWNER_CODE },
        "seat_types": [{ "name": "General admission", "price_minor": 19_900, "quota": quota }],
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
async fn watch(
    target: &Target,
    conference: &ConferenceView,
    watched: Watched,
    pace: Pace,
) -> anyhow::Result<Value> {
    let (level, figures) = screens::keep_right(target, conference, watched, pace).await?;
    check(target, &conference.slug, &level).await?;
    Ok(figures)
}

/// Nothing oversold, nothing half done, and every confirmed order can be read.
async fn check(target: &Target, slug: &str, level: &Level) -> anyhow::Result<()> {
    let view = target.conference(slug).await?;
    let line = &view.seat_types[0];
    let sold = 2 * level.bought.len();
    ensure!(line.sold as usize == sold, "{} seats sold, but {sold} were confirmed", line.sold);
    ensure!(line.held == 0, "{} seats are still held", line.held);
    let mut http = Http::connect(target.addr).await?;
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
