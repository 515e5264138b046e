//! The last seats: many who want two each at the same moment, and one of ten can have them. Whoever
//! gets both pays at once; whoever gets fewer knows it.

use crate::registrant::{Registrant, Tried, WANTED};
use crate::report::Spread;
use crate::steady::check_sold;
use crate::target::Target;
use anyhow::ensure;
use serde_json::{Value, json};
use shared::views::ConferenceView;
use std::time::Instant;

/// Lets `people` try; prints and returns the figures.
pub(crate) async fn last_seats(
    target: &Target,
    conference: &ConferenceView,
    people: usize,
) -> anyhow::Result<Value> {
    let quota = conference.seat_types[0].quota;
    let mut registrants = Vec::with_capacity(people);
    for _ in 0..people {
        registrants.push(Registrant::arrive(target, conference).await?);
    }
    let started = Instant::now();
    let trying: Vec<_> = registrants
        .into_iter()
        .map(|mut registrant| tokio::spawn(async move { registrant.try_for_the_last().await }))
        .collect();
    let mut tried: Vec<Tried> = Vec::with_capacity(people);
    for person in trying {
        tried.push(person.await??);
    }
    let elapsed = started.elapsed().as_secs_f64();
    let held: u32 = tried.iter().map(|person| person.held).sum();
    let wanted = WANTED * u32::try_from(people)?;
    ensure!(held == quota.min(wanted), "{held} of {quota} seats were held for {people} people");
    let known = Spread::of(tried.iter().map(|person| person.known_us).collect());
    let bought: Vec<_> = tried.into_iter().filter_map(|person| person.bought).collect();
    let sold = WANTED * u32::try_from(bought.len())?;
    check_sold(target, &conference.slug, &bought, held - sold).await?;
    println!(
        "{people:>9} people for the last {quota} seats: {} bought two; everybody knew after {known}, \
         all was paid after {elapsed:.2} s",
        bought.len(),
    );
    Ok(json!({
        "people": people, "seats": quota, "bought": bought.len(), "known_p50_ms": known.p50,
        "known_p99_ms": known.p99, "all_paid_s": elapsed,
    }))
}
