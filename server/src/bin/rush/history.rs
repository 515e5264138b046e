//! Does an order cost more when much has happened before? The same orders are bought from a young
//! database and from one with a long past, and a conference with a long past is opened.

use crate::connection::Http;
use crate::options::Options;
use crate::past::Past;
use crate::registrant::{since, token};
use crate::report::{Level, Spread, print_header, print_level};
use crate::reservations::register;
use crate::steady::{check_sold, run_level};
use crate::target::Target;
use crate::{SEATS, make_conference};
use serde_json::{Value, json};
use server::store::sqlite_url;
use shared::OrderId;
use std::time::Instant;
use tempfile::TempDir;
use uuid::Uuid;

/// Events in the young database.
const YOUNG: u64 = 10_000;
const BIG: &str = "big";

/// Prints and returns the figures of both databases.
pub(crate) async fn history(options: &Options) -> anyhow::Result<Value> {
    let folder = TempDir::new()?;
    let sqlite = sqlite_url(&folder.path().join("past.db"));
    let url = options.database_url.as_deref().unwrap_or(&sqlite);

    Past::open(url).await?.fill("young", 1, YOUNG).await?;
    let young = orders(url, options, "young").await?;
    Past::open(url).await?.fill(BIG, 1, options.events).await?;
    let each =
        options.all_events.saturating_sub(options.events) / options.conferences.max(1) as u64;
    Past::open(url).await?.fill("other", options.conferences, each).await?;
    let opened = open_big(url).await?;
    let old = orders(url, options, "old").await?;

    let (young_ms, old_ms) = (whole_p50(&young), whole_p50(&old));
    let growth = old_ms / young_ms;
    println!("{:>9} an order takes {growth:.2} times as long as in the young database", "");
    Ok(json!({
        "events": options.all_events, "conferences": options.conferences,
        "opened": opened, "young_p50_ms": young_ms, "old_p50_ms": old_ms, "growth": growth,
    }))
}

fn whole_p50(level: &Level) -> f64 {
    Spread::of(level.bought.iter().map(|order| order.whole_us).collect()).p50
}

/// One registrant buys from a new conference.
async fn orders(url: &str, options: &Options, name: &str) -> anyhow::Result<Level> {
    let target = Target::start(Some(url)).await?;
    let conference = make_conference(&target, name, SEATS).await?;
    print_header();
    let level = run_level(&target, &conference, 1, options.seconds).await?;
    print_level(1, &level);
    check_sold(&target, &conference.slug, &level.bought, 0).await?;
    target.stop().await?;
    Ok(level)
}

/// A server that has just started gets a reservation for the conference with the longest past, and
/// then another one: the difference is what opening it takes.
async fn open_big(url: &str) -> anyhow::Result<Value> {
    let target = Target::start(Some(url)).await?;
    let conference = target.conference(&format!("{BIG}-0")).await?;
    let mut http = Http::connect(target.addr).await?;
    let mut taken_ms = [0.0; 2];
    for taken in &mut taken_ms {
        let started = Instant::now();
        register(&mut http, &conference, OrderId(Uuid::now_v7()), &token()).await?;
        *taken = since(started) as f64 / 1e3;
    }
    let [first, second] = taken_ms;
    println!(
        "{:>9} the first reservation in the big conference took {first:.1} ms, the next {second:.1} ms",
        ""
    );
    target.stop().await?;
    Ok(json!({ "first_ms": first, "second_ms": second }))
}
