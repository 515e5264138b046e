//! How conferences lie on many servers, and what happens when one of them goes: the real hashing, and the
//! real ears of every server that is asked, at instants that a seed draws.
//!
//! For `docs/scaling.md`. Not here: what is decided, and that it is right (`seeds.rs`).

use fastrand::Rng;
use server::nodes::{Node, Nodes, Program, SAYS_EVERY, writer_of};
use server::peers::ANSWER_WITHIN;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

const CONFERENCES: usize = 100_000;
/// Of the servers, as many are looked at; the others only say that they are there.
const ASKED_MAX: usize = 50;
/// Requests for conferences of the server that goes, spread over [`WATCHED`] after it went.
const REQUESTS: usize = 20_000;
const WATCHED: Duration = Duration::from_secs(4);
/// What a word takes from server to server, at most.
const ON_THE_WAY_MS: u64 = 20;

/// How a server goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Whoever asks it is told at once that nobody is there.
    Killed,
    /// Whoever asks it waits as long as anybody waits.
    Hangs,
}

/// Prints a row for every number of servers.
pub(crate) fn rows() {
    println!(
        "| servers | conferences each: mean, most | registrations each, most ÷ mean | moved when one \
         goes | killed: waited p50 / p99 / max, ms | hangs: waited p50 / p99 / max, ms | decided by \
         two within 4 s | words heard a second, all |\n|---|---|---|---|---|---|---|---|"
    );
    for count in [3, 10, 100, 1_000, 3_000] {
        let mut rng = Rng::with_seed(7);
        let nodes: Vec<Uuid> = (0..count).map(|_| Uuid::from_u128(rng.u128(..))).collect();
        let conferences: Vec<Uuid> =
            (0..CONFERENCES).map(|_| Uuid::from_u128(rng.u128(..))).collect();
        let writers: Vec<Uuid> = conferences.iter().map(|id| writer(*id, &nodes)).collect();
        let (mean, most, load) = shares(&writers, &nodes);
        let gone = nodes[0];
        let theirs: Vec<Uuid> = conferences
            .iter()
            .zip(&writers)
            .filter(|(_, writer)| **writer == gone)
            .map(|(id, _)| *id)
            .collect();
        let (killed, _) = take_over((&nodes, gone), &theirs, End::Killed, &mut rng);
        let (hangs, twice) = take_over((&nodes, gone), &theirs, End::Hangs, &mut rng);
        let moved = theirs.len() as f64 * 100.0 / CONFERENCES as f64;
        let heard = count * count * 1_000 / usize::try_from(SAYS_EVERY.as_millis()).unwrap_or(1);
        println!(
            "| {count} | {mean:.0}, {most} | {load:.2} | {moved:.2} % | {killed} | {hangs} | {twice} of \
             {} | {heard} |",
            theirs.len()
        );
    }
}

fn writer(conference: Uuid, nodes: &[Uuid]) -> Uuid {
    writer_of(conference, nodes.iter().copied()).unwrap_or_default()
}

/// The mean and the greatest number of conferences of a server, and how much more than the mean the
/// busiest one has to do, when the k-th conference has a k-th of the first one's registrations.
fn shares(writers: &[Uuid], nodes: &[Uuid]) -> (f64, usize, f64) {
    let mut conferences: BTreeMap<Uuid, (usize, f64)> = BTreeMap::new();
    let mut all = 0.0;
    for (rank, writer) in (1_u32..).zip(writers) {
        let weight = 1.0 / f64::from(rank);
        let (number, load) = conferences.entry(*writer).or_default();
        *number += 1;
        *load += weight;
        all += weight;
    }
    let most = conferences.values().map(|(number, _)| *number).max().unwrap_or(0);
    let busiest = conferences.values().map(|(_, load)| *load).fold(0.0, f64::max);
    let count = nodes.len() as f64;
    (writers.len() as f64 / count, most, busiest * count / all)
}

/// One server goes at the beginning: how long requests for its conferences wait at the others, and how
/// many of its conferences were decided by two of them.
fn take_over(
    (nodes, gone): (&[Uuid], Uuid),
    theirs: &[Uuid],
    end: End,
    rng: &mut Rng,
) -> (String, usize) {
    let began = Instant::now();
    let asked: Vec<Uuid> = nodes.iter().copied().filter(|id| *id != gone).take(ASKED_MAX).collect();
    let ears: Vec<Nodes> = asked.iter().map(|id| Nodes::new(node(*id))).collect();
    let before = began - SAYS_EVERY;
    for ear in &ears {
        let pause = Duration::from_millis(rng.u64(0..500 + ON_THE_WAY_MS));
        ear.heard(node(gone), before + pause);
    }
    let mut requests: Vec<(Duration, usize, Uuid)> = (0..REQUESTS)
        .map(|_| {
            let at = WATCHED.mul_f64(rng.f64());
            (at, rng.usize(..ears.len()), theirs[rng.usize(..theirs.len())])
        })
        .collect();
    requests.sort_unstable();
    let mut says_next = Duration::ZERO;
    // When a server stops asking the one that is gone, because it got no answer.
    let mut gives_up: Vec<Option<Duration>> = vec![None; ears.len()];
    let mut waits: Vec<Duration> = Vec::with_capacity(REQUESTS);
    let mut deciders: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for (at, number, conference) in requests {
        let now = began + at;
        while says_next <= at {
            for ear in &ears {
                nodes.iter().filter(|id| **id != gone).for_each(|id| {
                    ear.heard(node(*id), began + says_next);
                });
            }
            says_next += SAYS_EVERY;
        }
        let (ear, me) = (&ears[number], asked[number]);
        if gives_up[number].is_some_and(|since| since <= at) {
            ear.lost(gone);
        }
        let elsewhere = ear.writer_elsewhere(conference, now).map(|node| node.id);
        let waited = match (elsewhere == Some(gone), end) {
            (false, _) => Duration::ZERO,
            (true, End::Killed) => {
                ear.lost(gone);
                Duration::from_millis(1)
            }
            (true, End::Hangs) => {
                gives_up[number].get_or_insert(at + ANSWER_WITHIN);
                ANSWER_WITHIN
            }
        };
        waits.push(waited);
        let decider = elsewhere.filter(|id| *id != gone).unwrap_or(me);
        deciders.entry(conference).or_default().insert(decider);
    }
    waits.sort_unstable();
    let ms = |share: usize| waits[(waits.len() - 1) * share / 100].as_millis();
    let twice = deciders.values().filter(|deciders| 1 < deciders.len()).count();
    (format!("{} / {} / {}", ms(50), ms(99), ms(100)), twice)
}

fn node(id: Uuid) -> Node {
    let program = Program::of_this_build();
    Node { id, url: "http://a.node".into(), program, is_ready: true }
}
