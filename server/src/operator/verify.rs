//! `verify`: every promise, over a database that servers may be writing to. Fails with a story: which
//! promise, in which conference, at which position, and what happened to that order until then.
//!
//! Memory: one conference at a time. Not here: how a conference is judged (`audit.rs`, `checker.rs`).

use super::audit::Audit;
use super::history::print_events;
use super::rests::Rests;
use super::{Out, Outcome, counted, ledgers};
use crate::clock::Clock;
use crate::store::{LedgerHead, Store};
use shared::OrderId;
use std::collections::HashSet;
use tokio::time::Instant;

/// Orders whose stories are told; of more, only what is wrong with them.
const STORIES_MAX: usize = 20;

/// Whether somebody should have been working on the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// A server runs: what should have ended has ended.
    Running,
    /// No server has been running; what is late waits for one.
    Stopped,
}

/// What is verified, and how.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// `None`: all conferences.
    pub(super) slug: Option<&'a str>,
    pub(super) liveness: Liveness,
    /// Does not rest between two pieces.
    pub(super) is_fast: bool,
}

impl Scope<'_> {
    /// Everything, after nobody worked on it.
    pub(super) const STOPPED: Self =
        Self { slug: None, liveness: Liveness::Stopped, is_fast: true };
}

pub(super) async fn verify(
    store: &Store,
    clock: &Clock,
    Scope { slug, liveness, is_fast }: Scope<'_>,
    out: Out<'_>,
) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let mut told = HashSet::new();
    let (mut conferences, mut events, mut orders, mut broken) = (0, 0, 0, 0);
    for ledger in ledgers(store, slug).await? {
        let rests = Rests::while_reading(clock, is_fast);
        let audit = Audit::of(store, ledger.ledger, (clock.now(), liveness), rests).await?;
        conferences += 1;
        events += audit.summary.events;
        orders += audit.summary.orders;
        writeln!(out, "{}: {}", ledger.slug, audit.words())?;
        for note in &audit.notes {
            writeln!(out, "  note: {note}")?;
        }
        for finding in &audit.findings {
            broken += 1;
            writeln!(out, "  {}: {finding}", ledger.slug)?;
            let order =
                finding.order.filter(|order| told.len() < STORIES_MAX && told.insert(*order));
            if let Some(order) = order {
                tell(store, &ledger, order, out).await?;
            }
        }
    }
    let seconds = began.elapsed().as_secs_f64().max(0.001);
    let rate = events as f64 / seconds;
    let conferences = counted(conferences, "conference");
    writeln!(
        out,
        "{conferences}, {events} events, {orders} orders in {seconds:.1} s ({rate:.0} events/s)."
    )?;
    if broken == 0 {
        writeln!(out, "Every promise holds.")?;
        return Ok(Outcome::Fine);
    }
    writeln!(out, "{} found.", counted(broken, "broken promise"))?;
    Ok(Outcome::Wrong)
}

async fn tell(
    store: &Store,
    ledger: &LedgerHead,
    order: OrderId,
    out: Out<'_>,
) -> anyhow::Result<()> {
    let events = store.read_processes(ledger.ledger, &[order.0]).await?;
    if let Err(error) = print_events(&events, out) {
        writeln!(out, "    its story cannot be read: {error:#}")?;
    }
    Ok(())
}
