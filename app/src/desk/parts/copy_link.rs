//! A button that copies an address and says whether that worked.

use crate::browser;
use crate::desk::session::use_session;
use crate::erased::{press, text};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// "Copied" stays this long.
const COPIED_MS: i64 = 2_000;

/// The button.
#[component]
pub fn CopyLink(label: &'static str, address: Signal<String>) -> impl IntoView {
    let session = use_session();
    let copied = RwSignal::new(None::<bool>);
    let copy = move || {
        spawn_local(async move {
            let worked = browser::copy(address.get_untracked()).await;
            let _ = copied.try_set(Some(worked));
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
        <button class="button" on:click=press(copy)>
            {text(move || match copied.get() {
                Some(true) => "Copied ✓",
                Some(false) => "Select it by hand",
                None => label,
            })}
        </button>
    }
}
