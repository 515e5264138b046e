//! The load client: `make rush`. Starts a release server in a process of its own and plays everybody who
//! uses it: whole registrations (register → held → details → pay → the provider's callback → confirmed),
//! reservations alone, an on-sale peak, and screens on which every sale must appear. Commands travel over
//! HTTP, answers about seats and payments arrive as pushes on a socket, as in a browser.
//!
//! Prints rates, p50/p99 of every step, the server's CPU and memory, and fails when something was oversold
//! or something that was answered is not there.

#![expect(clippy::disallowed_methods, reason = "a load client measures time")]

#[path = "rush/ceiling.rs"]
mod ceiling;
#[path = "load/connection.rs"]
mod connection;
#[path = "rush/fight.rs"]
mod fight;
#[path = "load/figures.rs"]
mod figures;
#[path = "rush/history.rs"]
mod history;
#[path = "load/intents.rs"]
mod intents;
#[path = "rush/last_seats.rs"]
mod last_seats;
#[path = "rush/meter.rs"]
mod meter;
#[path = "rush/options.rs"]
mod options;
#[path = "rush/pace.rs"]
mod pace;
#[path = "rush/past.rs"]
mod past;
#[path = "rush/peak.rs"]
mod peak;
#[path = "load/program.rs"]
mod program;
#[path = "rush/rebuild.rs"]
mod rebuild;
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
#[path = "rush/steady.rs"]
mod steady;
#[path = "rush/story.rs"]
mod story;
#[path = "rush/target.rs"]
mod target;

use anyhow::{Context, bail};
use ceiling::ceiling;
use connection::Http;
use fight::fight;
use history::history;
use last_seats::last_seats;
use options::{Options, Scenario};
use pace::Pace;
use peak::peak;
use rebuild::rebuild;
use registrant::WANTED;
use reservations::reserve;
use screens::Watched;
use serde_json::{Value, json};
use shared::views::ConferenceView;
use steady::{check_sold, steady};
use target::Target;

/// As many as a seat type may have, and more than any run can sell.
const SEATS: u32 = 100_000;

fn main() -> anyhow::Result<()> {
    let options = Options::read()?;
    // Ten thousand connections are files, too.
    let _ = server::open_files::raise_limit();
    // Half of the machine is the server's. On one thread nobody has to be woken on another core.
    let mut runtime = match cores() / 2 {
        0 | 1 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            runtime.worker_threads(threads);
            runtime
        }
    };
    runtime.enable_all().build()?.block_on(run(options))
}

async fn run(options: Options) -> anyhow::Result<()> {
    println!("{} ({}, {} cores)", options.database(), target::PROFILE, cores());
    let mut figures = serde_json::Map::new();
    // A past is written before a server opens the database.
    let (past, present): (Vec<Scenario>, Vec<Scenario>) =
        options.scenarios.iter().partition(|scenario| scenario.has_past());
    if !present.is_empty() {
        let target = Target::start(options.database_url.as_deref()).await?;
        for scenario in present {
            figures.insert(scenario.name(), play(scenario, &target, &options).await?);
        }
        println!("{}", target.summary()?);
        target.stop().await?;
    }
    for scenario in past {
        let told = match scenario {
            Scenario::Rebuild => rebuild(&options).await?,
            _ => history(&options).await?,
        };
        figures.insert(scenario.name(), told);
    }
    if let Some(file) = &options.json {
        let database = options.database();
        let figures = json!({ "database": database, "cores": cores(), "figures": figures });
        std::fs::write(file, serde_json::to_string_pretty(&figures)?)?;
    }
    Ok(())
}

async fn play(scenario: Scenario, target: &Target, options: &Options) -> anyhow::Result<Value> {
    let new = async |name: &str, quota| make_conference(target, name, quota).await;
    match scenario {
        Scenario::Steady => steady(target, options).await,
        Scenario::Reservations => {
            let conference = new("reservations", SEATS).await?;
            reserve(target, &conference, options.reservers, options.seconds).await
        }
        Scenario::Ceiling => ceiling(options.database_url.as_deref(), options.seconds).await,
        Scenario::LastSeats => {
            let people = options.reservers;
            let seats = u32::try_from(people)? * WANTED / 10;
            let conference = new("last-seats", seats.max(1)).await?;
            last_seats(target, &conference, people).await
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
        Scenario::Dashboard => {
            let conference = new("dashboard", SEATS).await?;
            let watched = Watched { screens: options.dashboards, dashboards: options.dashboards };
            let pace = Pace { orders_a_minute: options.fire, ..options.pace() };
            watch(target, &conference, watched, pace).await
        }
        Scenario::Watchers => {
            let conference = new("watchers", SEATS).await?;
            let watched = Watched { screens: options.watchers, dashboards: 0 };
            let pace = Pace { orders_a_minute: 60, ..options.pace() };
            watch(target, &conference, watched, pace).await
        }
        Scenario::Fight => fight(target, options).await,
        Scenario::History | Scenario::Rebuild => bail!("a past comes before the present"),
    }
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

/// Screens that are open while orders arrive.
async fn watch(
    target: &Target,
    conference: &ConferenceView,
    watched: Watched,
    pace: Pace,
) -> anyhow::Result<Value> {
    let (level, figures) = screens::keep_right(target, conference, watched, pace).await?;
    check_sold(target, &conference.slug, &level.bought, 0).await?;
    Ok(figures)
}
