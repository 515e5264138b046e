//! One visitor's registration for one conference: what is saved here, which order is being worked on,
//! what was asked, and what the screen may say about it. Pages read it; `registration/acts.rs` acts.
//!
//! Not here: what a state means (`order_state.rs`), the wire (`live.rs`), markup.

mod acts;

use crate::components::announcer::Announcer;
use crate::countdown::{self, Moment, Schedule};
use crate::erased::{memo, react};
use crate::fact::Fact;
use crate::live::{Connection, Live};
use crate::order_state::{self, Facts, Intent, OrderState, Phase};
use crate::saved::{self, Saved};
use crate::{browser, dates};
pub use acts::{Act, Details, held_seats};
use leptos::prelude::*;
use shared::live::Topic;
use shared::views::{ConferenceView, OrderStatus, OrderView};
use shared::{OrderId, RefusalCode, Timestamp};

/// What was typed is written to the device this long after the last change.
const STORE_AFTER_MS: i64 = 300;

/// The state of the visit. `Copy`: every page takes it from the context.
#[derive(Clone, Copy)]
pub struct Registration {
    pub live: Live,
    pub announcer: Announcer,
    /// The conference's slug; empty outside conferences.
    pub slug: RwSignal<String>,
    pub saved: RwSignal<Saved>,
    /// The order this page is about.
    pub order_id: RwSignal<Option<OrderId>>,
    pub intent: RwSignal<Option<Intent>>,
    /// The one thing to say about the order.
    pub state: Fact<OrderState>,
    /// Where the typed details are on their way to the server.
    pub details: RwSignal<Details>,
    /// The act that waits for an answer.
    pub busy: RwSignal<Option<Act>>,
    /// The last act that failed, and why.
    pub failure: RwSignal<Option<(Act, crate::api::Failure)>>,
    /// The "Time reminders" switch.
    pub reminders: RwSignal<bool>,
    /// When a key was last pressed in a field, on the steady clock.
    pub last_key_ms: RwSignal<Option<i64>>,
    changes: StoredValue<u32>,
}

/// The registration of this page, from the context.
#[must_use]
pub fn use_registration() -> Registration {
    expect_context::<Registration>()
}

impl Registration {
    /// Makes the state and the effects that keep it consistent.
    #[must_use]
    pub fn new(live: Live, announcer: Announcer) -> Self {
        let (order_id, intent) = (RwSignal::new(None), RwSignal::new(None));
        let registration = Self {
            live,
            announcer,
            slug: RwSignal::new(String::new()),
            saved: RwSignal::new(Saved::default()),
            order_id,
            intent,
            state: memo(move || state_of(live, order_id, intent)),
            details: RwSignal::new(Details::Idle),
            busy: RwSignal::new(None),
            failure: RwSignal::new(None),
            reminders: RwSignal::new(saved::switch("reminders").as_deref() != Some("off")),
            last_key_ms: RwSignal::new(None),
            changes: StoredValue::new(0),
        };
        registration.bury_answered_intents();
        registration.announce_changes();
        registration.remind_of_time();
        registration.store_what_changes();
        registration.send_wanted_details();
        registration.mirror_what_is_held();
        registration
    }

    /// Turns to a conference: what is saved about it is read, and its numbers are watched.
    pub fn enter(self, slug: &str) {
        if self.slug.with_untracked(|known| known == slug) {
            return;
        }
        self.leave();
        self.slug.set(slug.to_owned());
        self.saved.set(Saved::load(slug));
        self.live.watch(Topic::Conference { slug: slug.to_owned() }, None);
    }

    /// Turns to one order of the conference.
    pub fn enter_order(self, id: OrderId) {
        if self.order_id.get_untracked() == Some(id) {
            return;
        }
        self.forget_order();
        self.order_id.set(Some(id));
        let is_placed =
            self.saved.with_untracked(|saved| saved.order(id).is_some_and(|order| order.is_placed));
        if is_placed {
            self.watch_order();
        }
    }

    /// Turns to the order this device is working on, if there is one.
    pub fn enter_current_order(self) {
        match self.saved.with_untracked(|saved| saved.current().map(|order| order.id)) {
            Some(id) => self.enter_order(id),
            None => self.forget_order(),
        }
    }

    /// Leaves the conference.
    pub fn leave(self) {
        let slug = self.slug.get_untracked();
        if !slug.is_empty() {
            self.store_now();
            self.forget_order();
            self.slug.set(String::new());
            self.live.unwatch(&Topic::Conference { slug });
        }
    }

    fn forget_order(self) {
        self.order_id.set(None);
        self.intent.set(None);
        self.details.set(Details::Idle);
        self.failure.set(None);
        self.busy.set(None);
        self.live.unwatch_order();
    }

    /// (Re)watches the order this page is about.
    fn watch_order(self) {
        let Some(id) = self.order_id.get_untracked() else { return };
        let token = self.saved.with_untracked(|saved| saved.order(id).map(|o| o.token.clone()));
        if token.is_some() {
            self.live.watch(Topic::Order { slug: self.slug.get_untracked(), order_id: id }, token);
        }
    }

    /// Reads something of the conference; `None` until it is known.
    pub fn conference<T>(self, read: impl FnOnce(&ConferenceView) -> T) -> Option<T> {
        self.live.conference.with(|seen| seen.as_ref().map(|seen| read(&seen.view)))
    }

    /// Reads something of the order this page is about; `None` until it is known.
    pub fn order<T>(self, read: impl FnOnce(&OrderView) -> T) -> Option<T> {
        let id = self.order_id.get();
        self.live.order.with(|seen| {
            seen.as_ref().filter(|seen| Some(seen.view.id) == id).map(|seen| read(&seen.view))
        })
    }

    /// The conference's name, or what to call it until it is known.
    #[must_use]
    pub fn conference_name(self) -> String {
        self.conference(|view| view.name.clone()).unwrap_or_else(|| "Contoso Conferences".into())
    }

    /// The conference's time zone; empty until it is known.
    #[must_use]
    pub fn zone(self) -> String {
        self.conference(|view| view.time_zone.clone()).unwrap_or_default()
    }

    /// The headline of the order's state, with the deadline as people here read it.
    #[must_use]
    pub fn headline(self) -> String {
        let state = self.state.get();
        let until = state.until().map(|until| dates::time_for_here(until, &self.zone()));
        state.headline(&until.unwrap_or_default())
    }

    /// True when more time can be had for the hold.
    #[must_use]
    pub fn is_extendable(self) -> bool {
        self.order(|order| 0 < order.extensions_left).unwrap_or_default()
            && !self.conference(|view| view.high_demand).unwrap_or_default()
    }

    /// Why the conference or the order cannot be shown, if the server said so.
    #[must_use]
    pub fn refusal_of(self, topic: &Topic) -> Option<RefusalCode> {
        self.live
            .refused
            .with(|refused| refused.iter().find(|(known, _)| known == topic).map(|(_, code)| *code))
    }

    /// True when this device may not, or can no longer, open the order of this page.
    #[must_use]
    pub fn is_order_closed_here(self) -> bool {
        let Some(id) = self.order_id.get() else { return false };
        let has_token = self.saved.with(|saved| saved.order(id).is_some_and(|o| o.is_placed));
        let topic = Topic::Order { slug: self.slug.get(), order_id: id };
        self.intent.with(Option::is_none)
            && self.order(|_| ()).is_none()
            && (!has_token || self.refusal_of(&topic).is_some())
    }

    /// Whole seconds until the hold is shown to end, while there is one.
    #[must_use]
    pub fn seconds_left(self) -> Option<i64> {
        let until = self.state.get().until()?;
        Some(countdown::seconds_left(until, self.live.now.get()))
    }

    /// Forgets everything about this conference on this device.
    pub fn forget_me(self) {
        self.forget_order();
        self.saved.set(Saved::default());
        Saved::forget(&self.slug.get_untracked());
    }

    /// Writes to the device at once.
    pub fn store_now(self) {
        let slug = self.slug.get_untracked();
        if !slug.is_empty() && self.saved.with_untracked(|saved| *saved != Saved::default()) {
            self.saved.with_untracked(|saved| saved.store(&slug));
        }
    }

    /// An overlay dies when the view shows what became of it.
    fn bury_answered_intents(self) {
        react(move || {
            let position = self.live.order.with(|seen| {
                let seen = seen.as_ref()?;
                (Some(seen.view.id) == self.order_id.get()).then_some(seen.position)
            });
            let Some(position) = position else { return };
            let is_over = self.intent.with(|intent| {
                intent.as_ref().is_some_and(|intent| match intent.phase {
                    Phase::Answered { position: answer } => answer <= position,
                    Phase::Sent | Phase::Unheard => intent.is_new,
                    Phase::Refused(_) => false,
                })
            });
            if is_over {
                self.intent.set(None);
            }
            let are_shown =
                matches!(self.details.get(), Details::Answered { position: p } if p <= position);
            if are_shown {
                self.details.set(Details::Idle);
            }
            if is_over || (are_shown && self.intent.with_untracked(Option::is_none)) {
                self.live.calm();
            }
        });
    }

    fn announce_changes(self) {
        Effect::new(move |before: Option<OrderState>| {
            let after = self.state.get();
            let Some(before) = before.filter(|before| *before != after) else { return after };
            let zone = self.conference_zone_untracked();
            match (before, after) {
                (OrderState::Held { until: old, .. }, OrderState::Held { until, .. })
                    if old < until =>
                {
                    let until = dates::time_for_here(until, &zone);
                    self.announcer.polite(&after.headline(&until));
                }
                _ => {
                    if let Some(text) = order_state::announcement(before, after) {
                        self.announcer.polite(&text);
                    }
                }
            }
            if after == OrderState::Confirmed {
                self.saved.update(|saved| saved.confirmed_at = Some(Timestamp(browser::wall_ms())));
            }
            after
        });
    }

    /// Sets the draft to what is held, once per change of it, and takes over a name that another
    /// device gave.
    fn mirror_what_is_held(self) {
        react(move || {
            if self.intent.with(Option::is_some) {
                return;
            }
            let held = self.order(|order| {
                matches!(order.status, OrderStatus::Held | OrderStatus::PartlyHeld)
                    .then(|| acts::held_seats(order))
            });
            let registrant = self.order(|order| order.registrant.clone()).flatten();
            let Some(held) = held.flatten() else { return };
            self.saved.maybe_update(|saved| {
                let is_news = saved.mirrored != held;
                if is_news {
                    saved.seats.clone_from(&held);
                    saved.mirrored = held;
                }
                let is_nameless = saved.email.is_empty() && saved.family_name.is_empty();
                match registrant.filter(|_| is_nameless) {
                    Some(person) => {
                        saved.given_name = person.given_name;
                        saved.family_name = person.family_name;
                        saved.email = person.email;
                        true
                    }
                    None => is_news,
                }
            });
        });
    }

    fn conference_zone_untracked(self) -> String {
        untrack(|| self.zone())
    }

    /// Says how much time is left, when the schedule says that it is worth saying.
    fn remind_of_time(self) {
        let schedule = StoredValue::new((None, Schedule::default()));
        react(move || {
            let steady_ms = self.live.steady_ms.get();
            let (state, order) = (self.state.get_untracked(), self.order_id.get_untracked());
            let until = match state {
                OrderState::Expired => untrack(|| self.order(|view| view.hold_expires_at)),
                _ => state.until(),
            };
            let Some(until) = until else { return };
            let now = self.live.now.get_untracked();
            let is_over = state == OrderState::Expired;
            let moment = Moment {
                seconds_left: if is_over { 0 } else { countdown::seconds_left(until, now) },
                steady_ms,
                last_key_ms: self.last_key_ms.get_untracked(),
                is_hidden: browser::is_hidden(),
                reminders: self.reminders.get_untracked(),
                extendable: untrack(|| self.is_extendable()),
            };
            let (known, mut spoken) = schedule.get_value();
            if known != order {
                spoken = Schedule::default();
            }
            if let Some(reminder) = spoken.step(until, &moment) {
                self.announcer.say(&reminder.text, reminder.assertive);
            }
            schedule.set_value((order, spoken));
        });
    }

    /// Writes what changed to the device, a moment after the last change.
    fn store_what_changes(self) {
        react(move || {
            self.saved.track();
            let change = self.changes.get_value() + 1;
            self.changes.set_value(change);
            browser::after(STORE_AFTER_MS, move || {
                if self.changes.get_value() == change {
                    self.store_now();
                }
            });
        });
    }
}

fn state_of(
    live: Live,
    order_id: RwSignal<Option<OrderId>>,
    intent: RwSignal<Option<Intent>>,
) -> OrderState {
    let id = order_id.get();
    let (now, steady_ms) = (live.now.get(), live.steady_ms.get());
    let is_offline = live.connection.get() == Connection::Offline;
    live.order.with(|seen| {
        let seen = seen.as_ref().filter(|seen| Some(seen.view.id) == id);
        let view = seen.map(|seen| (&seen.view, seen.position));
        intent.with(|intent| {
            let intent = intent.as_ref();
            OrderState::of(&Facts { intent, view, now, steady_ms, is_offline })
        })
    })
}
