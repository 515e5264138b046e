//! What came of a scenario: one row of figures, and what was broken with its story.

use crate::figures::percentile_ms;
use crate::upgrade::Rehearsal;
use crate::world::Recovered;
use serde::{Deserialize, Serialize};
use shared::OrderId;
use std::collections::BTreeMap;

/// Breaches that are told in full; the rest is counted.
const TOLD_MAX: usize = 10;

/// Which promise is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// An answer that a client got is not in the history.
    Lost,
    ActedTwice,
    Oversold,
    Other,
}

/// Something that must not be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Breach {
    pub(crate) kind: Kind,
    pub(crate) order: Option<OrderId>,
    pub(crate) what: String,
    /// The order's events, as they are stored.
    #[serde(default)]
    pub(crate) story: Vec<String>,
}

impl Breach {
    pub(crate) fn new(kind: Kind, order: Option<OrderId>, what: String) -> Self {
        Self { kind, order, what, story: Vec::new() }
    }

    pub(crate) fn other(what: String) -> Self {
        Self::new(Kind::Other, None, what)
    }

    pub(crate) fn of(order: OrderId, what: String) -> Self {
        Self::new(Kind::Other, Some(order), what)
    }

    pub(crate) fn lost(order: Option<OrderId>, what: String) -> Self {
        Self::new(Kind::Lost, order, what)
    }
}

/// The figures of one scenario on one database.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) scenario: String,
    pub(crate) database: String,
    pub(crate) seed: u64,
    /// Why it could not run on this machine.
    pub(crate) not_run: Option<String>,
    /// What was done, and how often.
    pub(crate) faults: BTreeMap<String, u64>,
    pub(crate) seconds: f64,
    /// Commands that were answered by yes or no.
    pub(crate) answered: u64,
    /// Answers that said "later".
    pub(crate) postponed: u64,
    /// Attempts that were not answered.
    pub(crate) unanswered: u64,
    pub(crate) orders: u64,
    pub(crate) confirmed: u64,
    pub(crate) events: u64,
    /// Until `/health/ready`, in microseconds.
    pub(crate) ready_us: Vec<u64>,
    /// Until the first command was answered by yes, in microseconds.
    pub(crate) command_us: Vec<u64>,
    /// CPU of a server that is out of files, in percent of a core; the most of all times.
    pub(crate) busiest: f64,
    pub(crate) breaches: Vec<Breach>,
    #[serde(default)]
    pub(crate) rehearsal: Rehearsal,
}

impl Figures {
    pub(crate) fn fault(&mut self, name: &str) {
        *self.faults.entry(name.to_owned()).or_default() += 1;
    }

    pub(crate) fn recovered(&mut self, recovered: Recovered) {
        let us =
            |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.ready_us.push(us(recovered.ready));
        self.command_us.push(us(recovered.command));
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.breaches.iter().filter(|breach| breach.kind == kind).count()
    }

    fn faults(&self) -> u64 {
        self.faults.values().sum()
    }
}

/// `p50 / p99 / max` in milliseconds.
fn spread(values: &[u64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let at = |share| percentile_ms(&sorted, share);
    format!("{:.0} / {:.0} / {:.0}", at(50), at(99), at(100))
}

pub(crate) fn print_header() {
    println!(
        "| scenario | database | faults | commands answered | put off | unanswered, sent again | \
         orders | confirmed | lost | acted twice | oversold | other breaches | \
         ready again, ms p50 / p99 / max | a command answered, ms p50 / p99 / max | took |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
}

pub(crate) fn print_row(figures: &Figures) {
    let Figures { scenario, database, .. } = figures;
    if let Some(why) = &figures.not_run {
        println!("| {scenario} | {database} | not run: {why} | | | | | | | | | | | | |");
        return;
    }
    println!(
        "| {scenario} | {database} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.0} s |",
        figures.faults(),
        figures.answered,
        figures.postponed,
        figures.unanswered,
        figures.orders,
        figures.confirmed,
        figures.count(Kind::Lost),
        figures.count(Kind::ActedTwice),
        figures.count(Kind::Oversold),
        figures.count(Kind::Other),
        spread(&figures.ready_us),
        spread(&figures.command_us),
        figures.seconds,
    );
}

/// What was done in detail, and every breach with its story.
pub(crate) fn print_details(figures: &Figures) {
    let Figures { scenario, database, seed, faults, events, .. } = figures;
    if figures.not_run.is_some() {
        return;
    }
    let faults: Vec<String> =
        faults.iter().map(|(name, times)| format!("{times} × {name}")).collect();
    println!("{scenario} on {database}, seed {seed}: {}; {events} events", faults.join(", "));
    if 0.0 < figures.busiest {
        println!("  out of files, the server uses at most {:.0} % of a core", figures.busiest);
    }
    figures.print_rehearsal();
    for breach in figures.breaches.iter().take(TOLD_MAX) {
        let order = breach.order.map_or_else(String::new, |order| format!(" (order {order})"));
        println!("  BROKEN: {}{order}", breach.what);
        for event in &breach.story {
            println!("    {event}");
        }
    }
    if TOLD_MAX < figures.breaches.len() {
        println!("  … and {} more", figures.breaches.len() - TOLD_MAX);
    }
}
