//! Lets people in at the door.

use crate::desk::arrival::arrive;
use leptos::prelude::*;

/// The page.
#[component]
pub fn CheckInPage() -> impl IntoView {
    arrive(|| "Check-in".to_owned(), || false);
    view! {
        <div class="main desk-page">
            <h1 tabindex="-1">"Check-in"</h1>
        </div>
    }
}
