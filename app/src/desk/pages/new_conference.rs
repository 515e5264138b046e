//! Asks for everything a conference needs to begin.

use crate::desk::arrival::arrive;
use leptos::prelude::*;

/// The page.
#[component]
pub fn NewConferencePage() -> impl IntoView {
    arrive(|| "Create a conference".to_owned(), || false);
    view! {
        <div class="main desk-page">
            <h1 tabindex="-1">"Create a conference"</h1>
        </div>
    }
}
