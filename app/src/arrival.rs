//! Arriving on a page: title first, then the focus on the heading; going back restores what was
//! focused. The title shows the time only in the last two minutes of a hold.

use crate::erased::react;
use crate::registration::use_registration;
use crate::{browser, countdown};
use leptos::prelude::*;

/// The title shows the time from here on.
const TITLE_CLOCK_SECONDS: i64 = 120;

/// What is remembered from page to page.
#[derive(Clone, Copy)]
pub struct Arrivals {
    is_first: StoredValue<bool>,
    /// The browser's back or forward button was pressed.
    went_back: StoredValue<bool>,
    /// What was focused last, by path.
    focused: StoredValue<Vec<(String, String)>>,
}

impl Arrivals {
    /// Starts listening.
    #[must_use]
    pub fn new() -> Self {
        let arrivals = Self {
            is_first: StoredValue::new(true),
            went_back: StoredValue::new(false),
            focused: StoredValue::new(Vec::new()),
        };
        let popped = window_event_listener(leptos::ev::popstate, move |_| {
            arrivals.went_back.set_value(true);
        });
        let focus = window_event_listener(leptos::ev::focusin, move |_| arrivals.remember());
        on_cleanup(move || {
            popped.remove();
            focus.remove();
        });
        arrivals
    }

    fn remember(self) {
        let Some(id) = document().active_element().map(|element| element.id()) else { return };
        let path = browser::path();
        self.focused.update_value(|focused| {
            focused.retain(|(known, _)| *known != path);
            if !id.is_empty() {
                focused.push((path, id));
            }
        });
    }

    /// Moves the focus where somebody who just arrived expects it.
    fn settle(self) {
        if self.is_first.get_value() {
            // The browser's own start of the page is right for the first one.
            self.is_first.set_value(false);
            return;
        }
        let path = browser::path();
        let known = self
            .focused
            .with_value(|all| all.iter().find(|(at, _)| *at == path).map(|(_, id)| id.clone()));
        let back_to = known
            .filter(|_| self.went_back.get_value())
            .filter(|id| document().get_element_by_id(id).is_some());
        self.went_back.set_value(false);
        match back_to {
            Some(id) => browser::focus_id(&id),
            None => browser::focus_soon("#error-summary, h1"),
        }
    }
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::new()
    }
}

/// Called once by each page.
pub fn arrive(name: impl Fn() -> String + 'static, has_error: impl Fn() -> bool + 'static) {
    boxed_arrive(Box::new(name), Box::new(has_error));
}

fn boxed_arrive(name: Box<dyn Fn() -> String>, has_error: Box<dyn Fn() -> bool>) {
    let registration = use_registration();
    settle_under(Box::new(move || {
        let error = if has_error() { "Error: " } else { "" };
        let clock = registration
            .seconds_left()
            .filter(|left| *left <= TITLE_CLOCK_SECONDS)
            .map(|left| format!("{} left – ", countdown::digits(left)))
            .unwrap_or_default();
        let (name, conference) = (name(), registration.conference_name());
        let place = if name == conference { String::new() } else { format!(" – {conference}") };
        format!("{error}{clock}{name}{place}")
    }));
}

/// Names the page and moves the focus where somebody who just arrived expects it.
pub fn settle_under(title: Box<dyn Fn() -> String>) {
    let arrivals = expect_context::<Arrivals>();
    react(move || document().set_title(&title()));
    react(move || request_animation_frame(move || arrivals.settle()));
}

/// Moves the focus to the order's panel without taking it from somebody who types: at once when no
/// field is focused, otherwise after five seconds of quiet or on leaving the field.
pub fn focus_panel_when_quiet() {
    const QUIET_MS: i64 = 5_000;
    let registration = use_registration();
    wait_for_quiet(registration.last_key_ms, QUIET_MS);
}

fn wait_for_quiet(last_key_ms: RwSignal<Option<i64>>, quiet_ms: i64) {
    let is_typing = browser::find("input:focus").is_some()
        && last_key_ms
            .try_get_untracked()
            .flatten()
            .is_some_and(|key| browser::steady_ms() - key < quiet_ms);
    if is_typing {
        browser::after(250, move || wait_for_quiet(last_key_ms, quiet_ms));
    } else {
        browser::focus_soon("#order-panel-title");
    }
}
