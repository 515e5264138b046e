//! Reservations alone: everybody takes one seat after the other and pays for none.

use crate::connection::Http;
use crate::intents::Intents;
use crate::meter::Meter;
use crate::registrant::{send, since, token};
use crate::report::Spread;
use crate::target::Target;
use anyhow::ensure;
use serde_json::{Value, json};
use shared::OrderId;
use shared::views::ConferenceView;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Lets `people` reserve until the time is up; prints and returns the figures.
pub(crate) async fn reserve(
    target: &Target,
    conference: &ConferenceView,
    people: usize,
    seconds: u64,
) -> anyhow::Result<Value> {
    let mut connections = Vec::with_capacity(people);
    for _ in 0..people {
        connections.push(Http::connect(target.addr).await?);
    }
    let meter = Meter::start(target)?;
    let until = Instant::now() + Duration::from_secs(seconds);
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|http| tokio::spawn(one_after_the_other(http, conference.clone(), until)))
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let spent = meter.stop(target)?;
    let view = target.conference(&conference.slug).await?;
    let held = view.seat_types[0].held as usize;
    ensure!(held == times.len(), "{held} seats are held, but {} were answered", times.len());
    let each_ms = |seconds: f64| seconds * 1e3 / times.len().max(1) as f64;
    let rate = times.len() as f64 / spent.elapsed.as_secs_f64();
    let (cpu_ms, client_cpu_ms) = (each_ms(spent.server_cpu), each_ms(spent.client_cpu));
    let spread = Spread::of(times);
    println!(
        "{people:>9} people reserve: {rate:.0} reservations/s, {spread}, \
         CPU {cpu_ms:.2} ms each (and {client_cpu_ms:.2} ms of the client)"
    );
    Ok(json!({
        "people": people, "per_second": rate, "p50_ms": spread.p50, "p99_ms": spread.p99, "max_ms": spread.max,
        "server_cpu_ms": cpu_ms, "client_cpu_ms": client_cpu_ms,
    }))
}

/// The microseconds of each reservation.
async fn one_after_the_other(
    mut http: Http,
    conference: ConferenceView,
    until: Instant,
) -> anyhow::Result<Vec<u64>> {
    let mut times = Vec::new();
    while Instant::now() < until {
        let started = Instant::now();
        register(&mut http, &conference, OrderId(Uuid::now_v7()), &token()).await?;
        times.push(since(started));
    }
    Ok(times)
}

/// Asks for one seat.
pub(crate) async fn register(
    http: &mut Http,
    conference: &ConferenceView,
    order_id: OrderId,
    token: &str,
) -> anyhow::Result<()> {
    let intents = Intents { slug: &conference.slug, order_id };
    send(http, &intents.register(&[(conference.seat_types[0].id, 1)]), token).await
}
