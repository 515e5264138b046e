//! The figures of a rehearsal, and which of its promises they break.

use super::staleness::Stale;
use super::{Plan, visitor};
use crate::figures::percentile_ms;
use crate::journal::Journal;
use crate::report::{Breach, Figures, Kind};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// No screen is older than this.
const STALE_MS_MAX: f64 = 2_000.0;
/// With less of what was planned, the rehearsal says nothing about it.
const LOAD_MIN: f64 = 0.9;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Rehearsal {
    /// Servers that were started.
    pub(crate) started: usize,
    /// The releases that said hello to a socket.
    pub(crate) releases: BTreeSet<String>,
    /// From the order to stop to the end of the process.
    pub(crate) slowest_stop_ms: u64,
    pub(crate) sockets: usize,
    pub(crate) reconnected: usize,
    pub(crate) sockets_refused: u64,
    pub(crate) stale: Stale,
    pub(crate) visits: visitor::Figures,
    /// Requests of all kinds, and those that were not answered.
    requests: u64,
    failed: u64,
    orders_per_minute: f64,
    /// Milliseconds of each command, p50 and p99, and how many there were.
    steps: BTreeMap<String, (f64, f64, usize)>,
}

impl Rehearsal {
    pub(crate) fn note_steps(&mut self, journal: &Journal) {
        let mut took: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for intent in &journal.intents {
            let us = u64::try_from(intent.took.as_micros()).unwrap_or(u64::MAX);
            took.entry(intent.route).or_default().push(us);
        }
        for (route, mut us) in took {
            us.sort_unstable();
            let figures = (percentile_ms(&us, 50), percentile_ms(&us, 99), us.len());
            self.steps.insert(route.to_owned(), figures);
        }
    }

    pub(crate) fn print(&self, lost: usize) {
        let Self { stale, visits, .. } = self;
        let releases: Vec<_> = self.releases.iter().map(String::as_str).collect();
        println!("  releases {}; {} servers started", releases.join(" and "), self.started);
        println!(
            "  {:.0} orders/min; {} requests, {} failed",
            self.orders_per_minute, self.requests, self.failed
        );
        println!("  {lost} answers lost");
        println!(
            "  {} sockets: {} reconnects, {} refused; a screen was old for p50 {:.0}, p99 {:.0}, \
             at worst {:.0} ms ({}), on a socket that stood {:.0} ms; {} measured",
            self.sockets,
            self.reconnected,
            self.sockets_refused,
            stale.p50_ms,
            stale.p99_ms,
            stale.worst_ms,
            stale.where_worst,
            stale.worst_standing_ms,
            stale.measured
        );
        println!(
            "  {} pages with {} files of {} programs: {} missing",
            visits.pages,
            visits.files,
            visits.programs.len(),
            visits.missing.len()
        );
        println!(
            "  a server that was told to stop was gone after {} ms at most",
            self.slowest_stop_ms
        );
        for (route, (p50, p99, count)) in &self.steps {
            println!("  {route}: p50 {p50:.0} ms, p99 {p99:.0} ms ({count})");
        }
    }
}

impl Figures {
    /// Adds what the rehearsal promises to what every scenario does.
    pub(crate) fn judge_rehearsal(
        &mut self,
        world: &World,
        plan: &Plan,
        (began, ended): (Instant, Instant),
    ) {
        let minutes = (ended - began).as_secs_f64() / 60.0;
        let rehearsal = &mut self.rehearsal;
        rehearsal.requests = world.counts.asked.load(Ordering::Relaxed);
        rehearsal.failed = world.counts.unanswered.load(Ordering::Relaxed);
        rehearsal.orders_per_minute = self.orders as f64 / minutes;
        let mut broken = Vec::new();
        for failure in world.failures() {
            broken.push(format!("a request failed: {failure}"));
        }
        if plan.judges_time && STALE_MS_MAX < rehearsal.stale.worst_ms {
            let Stale { worst_ms, where_worst, .. } = &rehearsal.stale;
            broken.push(format!("a screen was old for {worst_ms:.0} ms: {where_worst}"));
        }
        if rehearsal.stale.measured == 0 {
            broken.push("nothing was seen by anybody".to_owned());
        }
        for missing in rehearsal.visits.missing.iter().take(5) {
            broken.push(format!("a page or a file was missing: {missing}"));
        }
        let wanted = f64::from(plan.orders_per_minute) * LOAD_MIN;
        if plan.judges_time && rehearsal.orders_per_minute < wanted {
            let orders = rehearsal.orders_per_minute;
            broken.push(format!("only {orders:.0} orders a minute: too little to say anything"));
        }
        self.breaches.extend(broken.into_iter().map(Breach::other));
    }

    /// The figures of a rehearsal, if it was one.
    pub(crate) fn print_rehearsal(&self) {
        if 0 < self.rehearsal.started {
            self.rehearsal.print(self.count(Kind::Lost));
        }
    }
}
