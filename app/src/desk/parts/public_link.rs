//! The address that the public gets, and a button that copies it.

use crate::browser;
use crate::desk::session::use_session;
use crate::erased::{press, text};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// "Copied" stays this long.
const COPIED_MS: i64 = 2_000;

/// The link.
#[component]
pub fn PublicLink() -> impl IntoView {
    let session = use_session();
    let copied = RwSignal::new(None::<bool>);
    let address = move || format!("{}/{}", browser::origin(), session.slug());
    let copy = move || {
        spawn_local(async move {
            let worked = browser::copy(untrack(address)).await;
            copied.set(Some(worked));
            session.announcer.polite(if worked {
                "Link copied."
            } else {
                "The link can't be copied here. Select it by hand."
            });
            browser::after(COPIED_MS, move || {
                let _ = copied.try_set(None);
            });
        });
    };
    view! {
        <div class="public-link">
            <a class="public-link-address" href=text(move || format!("/{}", session.slug())) rel="external">
                {text(address)}
            </a>
            <button class="button" on:click=press(copy)>
                {text(move || match copied.get() {
                    Some(true) => "Copied ✓",
                    Some(false) => "Select it by hand",
                    None => "Copy link",
                })}
            </button>
        </div>
    }
}
