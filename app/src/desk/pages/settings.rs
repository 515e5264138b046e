//! What the public reads, whether it may, and who may change it.

use crate::desk::arrival::arrive;
use leptos::prelude::*;

/// The page.
#[component]
pub fn SettingsPage() -> impl IntoView {
    arrive(|| "Settings".to_owned(), || false);
    view! {
        <div class="main desk-page">
            <h1 tabindex="-1">"Settings"</h1>
        </div>
    }
}
