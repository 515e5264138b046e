//! The banner above the page: what the connection is like, and that a newer version waits.
//!
//! The announcer says each change once; the banner itself is no live region.

use crate::components::announcer::Announcer;
use crate::dates;
use crate::live::Connection;
use leptos::prelude::*;
use shared::Timestamp;

/// What the banner says; `None` when there is nothing to say.
#[must_use]
pub fn words(connection: Connection, as_of: &str) -> Option<String> {
    match connection {
        Connection::Connecting
        | Connection::Live
        | Connection::Wobbling
        | Connection::Polling => None,
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
    connection: Signal<Connection>,
    /// When the numbers on the page were true.
    as_of: Signal<Option<Timestamp>>,
    announcer: Announcer,
    try_now: Callback<()>,
) -> impl IntoView {
    let dismissed = RwSignal::new(None::<Connection>);
    let text = Memo::new(move |_| {
        let at = as_of.get().map(dates::time_with_seconds).unwrap_or_default();
        words(connection.get(), &at)
    });
    Effect::new(move |before: Option<Connection>| {
        let now = connection.get();
        if before.is_some_and(|before| before != now) {
            dismissed.set(None);
            if let Some(text) = text.get_untracked() {
                announcer.polite(&text);
            }
        }
        now
    });
    let is_shown = move || text.with(Option::is_some) && dismissed.get() != Some(connection.get());
    view! {
        <Show when=is_shown>
            <section class="banner" aria-label="Connection" class:banner-good=move || {
                connection.get() == Connection::Back
            }>
                <p class="banner-text">{move || text.get().unwrap_or_default()}</p>
                <Show when=move || !connection.get().is_live()>
                    <button class="button button-quiet" on:click=move |_| try_now.run(())>
                        "Try now"
                    </button>
                </Show>
                <button
                    class="button button-quiet"
                    on:click=move |_| dismissed.set(Some(connection.get_untracked()))
                >
                    "Dismiss"
                </button>
            </section>
        </Show>
    }
}

/// Offers the newer version; only shown while nothing is pending and no hold is running.
#[component]
pub fn ReleaseBanner(is_shown: Signal<bool>) -> impl IntoView {
    view! {
        <Show when=move || is_shown.get()>
            <section class="banner" aria-label="New version">
                <p class="banner-text">"A newer version is ready."</p>
                <button class="button button-quiet" on:click=|_| {
                    let _ = window().location().reload();
                }>"Reload"</button>
            </section>
        </Show>
    }
}
