//! The on-sale peak: everybody connects and asks for a seat within two seconds, and there are far too
//! few. Each wants to know what became of it.

use crate::connection::Http;
use crate::meter::Meter;
use crate::registrant::{since, token};
use crate::report::Spread;
use crate::reservations::register;
use crate::target::{Target, read_order};
use anyhow::ensure;
use serde_json::{Value, json};
use shared::OrderId;
use shared::views::ConferenceView;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Everybody has come by then.
const RUSH: Duration = Duration::from_secs(2);
/// So long after the last answer the allocator has given back what it keeps for a next time at once.
const REST: Duration = Duration::from_secs(10);

/// When somebody had an answer to each question, in microseconds, and what it was.
struct Answered {
    /// From coming to the answer to the command.
    accepted_us: u64,
    /// From coming to knowing how many seats are held.
    known_us: u64,
    at: Instant,
    held: u32,
}

/// Lets `people` come; prints and returns the figures.
pub(crate) async fn peak(
    target: &Target,
    conference: ConferenceView,
    people: usize,
) -> anyhow::Result<Value> {
    let conference = Arc::new(conference);
    let seats = conference.seat_types[0].quota as usize;
    let memory_before = target.memory_mb("VmRSS:")?;
    let meter = Meter::start(target)?;
    let started = Instant::now();
    let tasks: Vec<_> = (0..people)
        .map(|number| {
            // Evenly spread: the load is the same in every run.
            let comes = started + RUSH.mul_f64(number as f64 / people as f64);
            tokio::spawn(come(target.addr, conference.clone(), comes))
        })
        .collect();
    let mut answers = Vec::with_capacity(people);
    for task in tasks {
        answers.push(task.await??);
    }
    let cpu_seconds = meter.stop(target)?.server_cpu;
    let held: usize = answers.iter().map(|answer| answer.held as usize).sum();
    ensure!(held == seats.min(people), "{held} of {seats} seats are held for {people} people");
    let view = target.conference(&conference.slug).await?;
    ensure!(view.seat_types[0].held as usize == held, "the conference tells another story");
    let last = answers.iter().map(|answer| answer.at).max().unwrap_or(started);
    let all_answered = last.duration_since(started).as_secs_f64();
    let accepted = Spread::of(answers.iter().map(|answer| answer.accepted_us).collect());
    let known = Spread::of(answers.iter().map(|answer| answer.known_us).collect());
    let (memory, at_most) = (target.memory_mb("VmRSS:")?, target.memory_mb("VmHWM:")?);
    tokio::time::sleep(REST).await;
    let rested = target.memory_mb("VmRSS:")?;
    println!(
        "{people:>9} people in 2 s for {seats} seats: all answered {all_answered:.2} s after the start"
    );
    println!("{:>9} accepted after {accepted}; seats known after {known}", "");
    println!(
        "{:>9} server CPU {cpu_seconds:.1} s; memory {memory_before:.0} MB before, {memory:.0} MB \
         at once, {rested:.0} MB {} s later, {at_most:.0} MB at most",
        "",
        REST.as_secs(),
    );
    Ok(json!({
        "people": people, "seats": seats, "all_answered_s": all_answered,
        "accepted_p50_ms": accepted.p50, "accepted_p99_ms": accepted.p99,
        "known_p50_ms": known.p50, "known_p99_ms": known.p99, "known_max_ms": known.max,
        "server_cpu_s": cpu_seconds, "memory_after_mb": memory, "memory_rested_mb": rested,
        "memory_max_mb": at_most,
    }))
}

async fn come(
    addr: std::net::SocketAddr,
    conference: Arc<ConferenceView>,
    comes: Instant,
) -> anyhow::Result<Answered> {
    tokio::time::sleep_until(comes.into()).await;
    let (order_id, token) = (OrderId(Uuid::now_v7()), token());
    let mut http = Http::connect(addr).await?;
    register(&mut http, &conference, order_id, &token).await?;
    let accepted_us = since(comes);
    let held = read_order(&mut http, &conference.slug, order_id, &token).await?.seats();
    Ok(Answered { accepted_us, known_us: since(comes), at: Instant::now(), held })
}
