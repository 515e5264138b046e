//! Whole registrations, one after the other, by so many registrants at once; and the check of what was
//! bought, here and everywhere.

use crate::connection::Http;
use crate::meter::Meter;
use crate::options::Options;
use crate::registrant::{Bought, Registrant, WANTED};
use crate::report::{Level, print_header, print_level};
use crate::target::{Target, read_order};
use crate::{SEATS, make_conference};
use anyhow::ensure;
use serde_json::Value;
use shared::views::{ConferenceView, OrderStatus};
use std::time::{Duration, Instant};

/// One level after the other, each with a conference of its own.
pub(crate) async fn steady(target: &Target, options: &Options) -> anyhow::Result<Value> {
    print_header();
    let mut levels = Vec::new();
    for registrants in &options.registrants {
        let conference = make_conference(target, &format!("steady-{registrants}"), SEATS).await?;
        let level = run_level(target, &conference, *registrants, options.seconds).await?;
        levels.push(print_level(*registrants, &level));
        check_sold(target, &conference.slug, &level.bought, 0).await?;
    }
    Ok(Value::Array(levels))
}

/// Lets `registrants` buy one order after the other until the time is up.
pub(crate) async fn run_level(
    target: &Target,
    conference: &ConferenceView,
    registrants: usize,
    seconds: u64,
) -> anyhow::Result<Level> {
    let mut people = Vec::with_capacity(registrants);
    for _ in 0..registrants {
        people.push(Registrant::arrive(target, conference).await?);
    }
    let meter = Meter::start(target)?;
    let until = Instant::now() + Duration::from_secs(seconds);
    let tasks: Vec<_> =
        people.into_iter().map(|person| tokio::spawn(person.buy_until(until))).collect();
    let mut bought: Vec<Bought> = Vec::new();
    for task in tasks {
        bought.extend(task.await??);
    }
    Ok(Level { bought, spent: meter.stop(target)? })
}

/// Nothing oversold, nothing half done but what is `held`, and every confirmed order can be read.
pub(crate) async fn check_sold(
    target: &Target,
    slug: &str,
    bought: &[Bought],
    held: u32,
) -> anyhow::Result<()> {
    let view = target.conference(slug).await?;
    let line = &view.seat_types[0];
    let sold = WANTED as usize * bought.len();
    ensure!(line.sold as usize == sold, "{} seats sold, but {sold} were confirmed", line.sold);
    ensure!(line.held == held, "{} seats are held, not {held}", line.held);
    check_confirmed(target, slug, bought).await
}

/// Every one of these orders can be read, and is confirmed.
pub(crate) async fn check_confirmed(
    target: &Target,
    slug: &str,
    bought: impl IntoIterator<Item = &Bought>,
) -> anyhow::Result<()> {
    let mut http = Http::connect(target.addr).await?;
    for order in bought {
        let view = read_order(&mut http, slug, order.order_id, &order.token).await?;
        ensure!(view.status == OrderStatus::Confirmed, "order {} is lost", order.order_id);
    }
    Ok(())
}
