//! Who comes, and who has come.

use crate::desk::arrival::arrive;
use leptos::prelude::*;

/// The page.
#[component]
pub fn AttendeesPage() -> impl IntoView {
    arrive(|| "Attendees".to_owned(), || false);
    view! {
        <div class="main desk-page">
            <h1 tabindex="-1">"Attendees"</h1>
        </div>
    }
}
