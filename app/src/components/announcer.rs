//! The two live regions of the document, and the queue in front of them: one message at a time, at
//! least a second apart, nothing twice.
//!
//! Nobody else writes to a live region. Not here: what is worth saying (`order_state.rs`,
//! `countdown.rs`).

use crate::browser;
use crate::erased::text;
use leptos::prelude::*;

/// Messages are at least this far apart, so that a screen reader can finish a sentence.
const SPACING_MS: i64 = 1_200;
/// An empty region in between makes the same words heard again.
const BLANK_MS: i64 = 80;
/// The same words within this time are one message.
const SAME_MS: i64 = 3_000;
/// More than this never waits: old news is dropped.
const QUEUE_MAX: usize = 6;

/// Says things aloud.
#[derive(Clone, Copy)]
pub struct Announcer {
    polite: RwSignal<String>,
    assertive: RwSignal<String>,
    queue: StoredValue<Vec<(String, bool)>>,
    last: StoredValue<(String, i64)>,
    is_speaking: StoredValue<bool>,
}

impl Announcer {
    /// Silent.
    #[must_use]
    pub fn new() -> Self {
        Self {
            polite: RwSignal::new(String::new()),
            assertive: RwSignal::new(String::new()),
            queue: StoredValue::new(Vec::new()),
            last: StoredValue::new((String::new(), 0)),
            is_speaking: StoredValue::new(false),
        }
    }

    /// Says something when there is a pause.
    pub fn polite(self, text: &str) {
        self.say(text, false);
    }

    /// Says something; `assertive` interrupts.
    pub fn say(self, text: &str, assertive: bool) {
        let now_ms = browser::steady_ms();
        let was_said = self.last.with_value(|(last, at)| last == text && now_ms - at < SAME_MS);
        let waits = self.queue.with_value(|queue| queue.iter().any(|(known, _)| known == text));
        if text.is_empty() || was_said || waits {
            return;
        }
        self.queue.update_value(|queue| {
            queue.push((text.to_owned(), assertive));
            if QUEUE_MAX < queue.len() {
                queue.remove(0);
            }
        });
        if !self.is_speaking.get_value() {
            self.speak_next();
        }
    }

    fn speak_next(self) {
        let next = self
            .queue
            .try_update_value(|queue| (!queue.is_empty()).then(|| queue.remove(0)))
            .flatten();
        let Some((text, assertive)) = next else {
            self.is_speaking.set_value(false);
            return;
        };
        self.is_speaking.set_value(true);
        self.last.set_value((text.clone(), browser::steady_ms()));
        let region = if assertive { self.assertive } else { self.polite };
        region.set(String::new());
        browser::after(BLANK_MS, move || region.set(text));
        browser::after(SPACING_MS, move || self.speak_next());
    }
}

impl Default for Announcer {
    fn default() -> Self {
        Self::new()
    }
}

/// The live regions; in the document before anything is said.
#[component]
pub fn AnnouncerRegions(announcer: Announcer) -> impl IntoView {
    view! {
        <div class="unseen">
            <p role="status">{text(move || announcer.polite.get())}</p>
            <p role="alert">{text(move || announcer.assertive.get())}</p>
        </div>
    }
}
