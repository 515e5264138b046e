//! What a dashboard shows of what the server pushes: painted at most four times a second, standing still
//! while it is paused, with every happening in its place.
//!
//! Not here: how it looks (`pages/dashboard.rs`, `parts/`).

use super::happenings::Happenings;
use super::pace::{Pace, Turn};
use super::session::Session;
use crate::browser;
use crate::dates;
use crate::erased::react;
use crate::live::{Connection, Seen};
use leptos::prelude::*;
use shared::Timestamp;
use shared::dashboard::DashboardView;

/// Paints are at least this far apart.
const PAINT_INTERVAL_MS: i64 = 250;
/// The whole view is not asked for again sooner than this.
const ASK_INTERVAL_MS: i64 = 1_000;
/// Asked for so often in a row without getting it, a reader is told.
const ASKED_MAX: u32 = 5;

/// Since when the page stands still, and how much had happened by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Paused {
    at: Timestamp,
    happenings_count: u64,
}

/// The dashboard as it is painted. `Copy`: its parts pass it around.
#[derive(Clone, Copy)]
pub struct Watching {
    pub session: Session,
    /// One snapshot: whatever is read from it adds up.
    painted: RwSignal<Option<Seen<Box<DashboardView>>>>,
    /// All that ever happened, also while the page stands still.
    happenings_count: RwSignal<u64>,
    pub happenings: RwSignal<Happenings>,
    paused: RwSignal<Option<Paused>>,
    /// The reader is inside the list of happenings.
    pub is_reading: RwSignal<bool>,
    /// Happenings are missing, and asking for them did not help.
    pub is_incomplete: RwSignal<bool>,
    paints: StoredValue<Pace>,
    asks: StoredValue<Pace>,
    /// In a row, without getting it.
    asked: StoredValue<u32>,
}

impl Watching {
    /// Watches from now on.
    #[must_use]
    pub fn start(session: Session) -> Self {
        let watching = Self {
            session,
            painted: RwSignal::new(None),
            happenings_count: RwSignal::new(0),
            happenings: RwSignal::new(Happenings::default()),
            paused: RwSignal::new(None),
            is_reading: RwSignal::new(false),
            is_incomplete: RwSignal::new(false),
            paints: StoredValue::new(Pace::of(PAINT_INTERVAL_MS)),
            asks: StoredValue::new(Pace::of(ASK_INTERVAL_MS)),
            asked: StoredValue::new(0),
        };
        react(move || {
            session.live.dashboard.track();
            session.address.track();
            untrack(|| watching.came());
        });
        react(move || {
            let is_still = watching.is_reading.get() || watching.paused.with(Option::is_some);
            watching.happenings.update(|list| if is_still { list.hold() } else { list.release() });
        });
        watching
    }

    /// Reads something of what is painted; `None` until there is something.
    pub fn view<T>(self, read: impl FnOnce(&DashboardView) -> T) -> Option<T> {
        self.painted.with(|seen| seen.as_ref().map(|seen| read(&seen.view)))
    }

    /// A snapshot has come: its happenings find their place at once, the paint waits for its turn.
    fn came(self) {
        let brought =
            self.session.dashboard(|view| (view.happenings.clone(), view.happenings_count));
        let Some((happenings, count)) = brought else { return };
        let is_whole = self.happenings.try_update_untracked(|list| list.merge(&happenings, count));
        if is_whole == Some(true) {
            self.asked.set_value(0);
            self.is_incomplete.set(false);
        } else {
            self.takes_turns(self.asks, Self::ask_for_the_whole);
        }
        self.takes_turns(self.paints, Self::paint);
    }

    /// Does something at its pace: now, or when it may be done again.
    fn takes_turns(self, pace: StoredValue<Pace>, act: fn(Self)) {
        match pace.try_update_value(|pace| pace.wants(browser::steady_ms())) {
            Some(Turn::Now) => act(self),
            Some(Turn::Later(pause_ms)) => browser::after(pause_ms, move || {
                let is_here = pace.try_update_value(|pace| pace.does(browser::steady_ms()));
                if is_here.is_some() {
                    untrack(|| act(self));
                }
            }),
            Some(Turn::Soon) | None => {}
        }
    }

    fn ask_for_the_whole(self) {
        let asked = self.asked.get_value() + 1;
        self.asked.set_value(asked);
        self.is_incomplete.set(ASKED_MAX < asked);
        self.session.live.refresh();
    }

    /// One paint: everything of the newest snapshot together.
    fn paint(self) {
        let slug = self.session.slug();
        let seen = self.session.live.dashboard.get();
        let Some(seen) = seen.filter(|seen| seen.view.conference.slug == slug) else { return };
        let _ = self.happenings_count.try_set(seen.view.happenings_count);
        if self.paused.with(Option::is_none) {
            self.painted.set(Some(seen));
        }
        self.happenings.notify();
    }

    /// Stands still, or goes on to the present.
    pub fn toggle(self) {
        let paused = match self.paused.get_untracked() {
            Some(_) => None,
            None => Some(Paused {
                at: self.session.live.server_now(),
                happenings_count: self.happenings_count.get_untracked(),
            }),
        };
        self.paused.set(paused);
        if paused.is_none() {
            untrack(|| self.paint());
        }
    }

    /// True while the page stands still because somebody wanted it to.
    #[must_use]
    pub fn is_paused(self) -> bool {
        self.paused.with(Option::is_some)
    }

    /// True while everything shown is confirmed all the time.
    #[must_use]
    pub fn is_live(self) -> bool {
        let connection = self.session.live.connection.get();
        !self.is_paused() && (connection.is_live() || connection == Connection::Wobbling)
    }

    /// The state of the page in a few words: `Live`, `Paused 14:03 · 23 changes since`.
    #[must_use]
    pub fn words(self) -> String {
        if let Some(paused) = self.paused.get() {
            let changes = self.happenings_count.get().saturating_sub(paused.happenings_count);
            return paused_words(&dates::time(paused.at, ""), changes);
        }
        match self.session.live.connection.get() {
            Connection::Live | Connection::Back | Connection::Wobbling => "Live".to_owned(),
            Connection::Polling => "Every 10 s".to_owned(),
            Connection::Connecting => "Connecting…".to_owned(),
            Connection::Reconnecting | Connection::Offline => self.as_of(),
        }
    }

    /// What a number has to say about its age; empty while it is live.
    #[must_use]
    pub fn stale_words(self) -> String {
        let connection = self.session.live.connection.get();
        let is_lost = matches!(connection, Connection::Reconnecting | Connection::Offline);
        if self.is_paused() || is_lost { self.as_of() } else { String::new() }
    }

    fn as_of(self) -> String {
        let at = self.painted.with(|seen| seen.as_ref().map(|seen| seen.as_of));
        at.map(|at| format!("As of {}", dates::time_with_seconds(at))).unwrap_or_default()
    }
}

fn paused_words(at: &str, changes: u64) -> String {
    match changes {
        0 => format!("Paused {at}"),
        1 => format!("Paused {at} · 1 change since"),
        changes => format!("Paused {at} · {changes} changes since"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_stands_still_keeps_counting() {
        assert_eq!(paused_words("14:03", 0), "Paused 14:03");
        assert_eq!(paused_words("14:03", 1), "Paused 14:03 · 1 change since");
        assert_eq!(paused_words("14:03", 23), "Paused 14:03 · 23 changes since");
    }
}
