//! The banner above the page: what the connection is like, and that a newer version waits.
//!
//! The announcer says each change once; the banner itself is no live region.

use crate::components::announcer::Announcer;
use crate::dates;
use crate::erased::{flag, memo, press, show, text};
use crate::fact::Fact;
use crate::live::Connection;
use leptos::prelude::*;
use shared::Timestamp;

/// What the banner says; `None` when there is nothing to say.
#[must_use]
pub fn words(connection: Connection, as_of: &str) -> Option<String> {
    match connection {
        Connection::Connecting | Connection::Live | Connection::Wobbling | Connection::Polling => {
            None
        }
        Connection::Reconnecting if as_of.is_empty() => Some("Reconnecting…".to_owned()),
        Connection::Reconnecting => Some(format!("Reconnecting… Numbers are from {as_of}.")),
        Connection::Offline => Some(
            "You're offline. What you typed is safe on this device. Reserving and paying need a \
             connection."
                .to_owned(),
        ),
        Connection::Back => Some("Back online. Everything is up to date.".to_owned()),
    }
}

/// The banner.
#[component]
pub fn ConnectionBanner(
    connection: RwSignal<Connection>,
    /// When the numbers on the page were true.
    as_of: Fact<Option<Timestamp>>,
    announcer: Announcer,
    try_now: Callback<()>,
) -> impl IntoView {
    let dismissed = RwSignal::new(None::<Connection>);
    let sentence = memo(move || {
        let at = as_of.get().map(dates::time_with_seconds).unwrap_or_default();
        words(connection.get(), &at)
    });
    Effect::new(move |before: Option<Connection>| {
        let now = connection.get();
        if before.is_some_and(|before| before != now) {
            dismissed.set(None);
            if let Some(text) = sentence.get_untracked() {
                announcer.polite(&text);
            }
        }
        now
    });
    let is_shown =
        move || sentence.with(Option::is_some) && dismissed.get() != Some(connection.get());
    view! {
        {show(is_shown, move || view! {
            <section class="banner" aria-label="Connection" class:banner-good=flag(move || {
                connection.get() == Connection::Back
            })>
                <p class="banner-text">{text(move || sentence.get().unwrap_or_default())}</p>
                {show(move || !connection.get().is_live(), move || view! {
                    <button class="button button-quiet" on:click=press(move || try_now.run(()))>
                        "Try now"
                    </button>
                }.into_any())}
                <button
                    class="button button-quiet"
                    on:click=press(move || dismissed.set(Some(connection.get_untracked())))
                >
                    "Dismiss"
                </button>
            </section>
        }.into_any())}
    }
}

/// Offers the newer version; only shown while nothing is pending and no hold is running.
#[component]
pub fn ReleaseBanner(is_shown: Fact<bool>) -> impl IntoView {
    view! {
        {show(move || is_shown.get(), move || view! {
            <section class="banner" aria-label="New version">
                <p class="banner-text">"A newer version is ready."</p>
                <button class="button button-quiet" on:click=press(|| {
                    let _ = window().location().reload();
                })>"Reload"</button>
            </section>
        }.into_any())}
    }
}
