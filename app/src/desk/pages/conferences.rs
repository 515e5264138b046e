//! All conferences of this owner.

use crate::desk::arrival::arrive;
use leptos::prelude::*;

/// The page.
#[component]
pub fn ConferencesPage() -> impl IntoView {
    arrive(|| "Your conferences".to_owned(), || false);
    view! {
        <div class="main desk-page">
            <h1 tabindex="-1">"Your conferences"</h1>
        </div>
    }
}
