//! For how long somebody who watched saw something old: from the answer to a command until they saw what
//! was true then, their reconnects included.
//!
//! Not everything that is written changes the seats, and only what changes is pushed: which positions
//! those are, the history says.

use super::onlooker::Seen;
use crate::figures::percentile_ms;
use crate::journal::{Journal, Said};
use crate::owner::seats_of;
use serde::{Deserialize, Serialize};
use server::events::Event;
use server::store::Store;
use server::views;
use shared::views::ConferenceView;
use std::time::{Duration, Instant};

/// Events that are read at once.
const PAGE: u32 = 5_000;
const MINUTE_US: u64 = 60_000_000;

/// How old what was shown became, in milliseconds, over all answers and all who watched.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stale {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) worst_ms: f64,
    /// The worst of those whose socket did not end meanwhile.
    pub(crate) worst_standing_ms: f64,
    /// Answers, times those who watched that conference.
    pub(crate) measured: usize,
    /// Where the worst was: conference and position.
    pub(crate) where_worst: String,
}

/// Compares when answers were given with when their consequences were seen.
pub(crate) async fn measure(
    store: &Store,
    conferences: &[ConferenceView],
    (journal, seen): (&Journal, &[Seen]),
    ended: Instant,
) -> anyhow::Result<Stale> {
    let mut all_us: Vec<u64> = Vec::new();
    let (mut worst, mut where_worst, mut worst_standing) = (0, String::new(), 0);
    for conference in conferences {
        let changes = changes(store, conference).await?;
        let answers = answers(journal, &conference.slug, &changes, ended);
        for seen in seen.iter().filter(|seen| seen.slug == conference.slug) {
            for (at, position) in &answers {
                let Some(us) = old_for_us(&seen.positions, (*at, *position)) else { continue };
                let meanwhile = *at..*at + Duration::from_micros(us.min(MINUTE_US));
                if seen.lost.iter().all(|lost| !meanwhile.contains(lost)) {
                    worst_standing = worst_standing.max(us);
                }
                if worst < us {
                    (worst, where_worst) = (us, format!("{} at {position}", seen.slug));
                }
                all_us.push(us);
            }
        }
    }
    all_us.sort_unstable();
    let at = |share| percentile_ms(&all_us, share);
    let (p50_ms, p99_ms, worst_ms) = (at(50), at(99), at(100));
    let worst_standing_ms = worst_standing as f64 / 1e3;
    let measured = all_us.len();
    Ok(Stale { p50_ms, p99_ms, worst_ms, worst_standing_ms, measured, where_worst })
}

/// The positions at which the seats became others, in order.
async fn changes(store: &Store, conference: &ConferenceView) -> anyhow::Result<Vec<u64>> {
    let (mut view, mut after, mut found) = (None, 0, Vec::new());
    loop {
        let page = store.read_all(conference.id.0, after, PAGE).await?;
        for recorded in &page {
            let before = view.as_ref().map(seats_of);
            let event = Event::decode(&recorded.kind, &recorded.payload)?;
            views::conference::apply(&mut view, conference.id, &event);
            if view.as_ref().map(seats_of) != before {
                found.push(recorded.position);
            }
            after = recorded.position;
        }
        if page.len() < PAGE as usize {
            return Ok(found);
        }
    }
}

/// When each command was answered by yes, and the last change that was true then.
fn answers(journal: &Journal, slug: &str, changes: &[u64], ended: Instant) -> Vec<(Instant, u64)> {
    let of_here = journal.intents.iter().filter(|intent| intent.slug == slug && intent.at <= ended);
    of_here
        .filter_map(|intent| {
            let Said::Yes(accepted) = &intent.said[0] else { return None };
            let before = changes.partition_point(|change| *change <= accepted.position);
            Some((intent.at, *changes.get(before.checked_sub(1)?)?))
        })
        .collect()
}

/// How long it took from the answer until it was seen; `None` for whoever was not there yet.
fn old_for_us(positions: &[(Instant, u64)], (at, position): (Instant, u64)) -> Option<u64> {
    let came = positions.first()?.0;
    if at < came {
        return None;
    }
    let first = positions.partition_point(|(_, seen)| *seen < position);
    // Never seen is as bad as can be.
    let seen_at = positions.get(first).map(|(seen_at, _)| *seen_at);
    let waited = seen_at.map(|seen_at| seen_at.saturating_duration_since(at));
    Some(waited.map_or(u64::MAX, |waited| u64::try_from(waited.as_micros()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_before_the_answer_is_not_old_and_what_is_never_seen_is() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let positions = [(at(0), 3), (at(100), 7), (at(900), 9)];
        assert_eq!(old_for_us(&positions, (at(50), 3)), Some(0));
        assert_eq!(old_for_us(&positions, (at(50), 5)), Some(50_000));
        assert_eq!(old_for_us(&positions, (at(200), 8)), Some(700_000));
        assert_eq!(old_for_us(&positions, (at(200), 10)), Some(u64::MAX));
        assert_eq!(old_for_us(&positions[1..], (at(50), 5)), None, "was not there yet");
        assert_eq!(old_for_us(&[], (at(50), 5)), None);
    }
}
