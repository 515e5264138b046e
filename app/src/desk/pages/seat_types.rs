//! Which seats there are, how many, and at what price.

use crate::desk::arrival::arrive;
use leptos::prelude::*;

/// The page.
#[component]
pub fn SeatTypesPage() -> impl IntoView {
    arrive(|| "Seats".to_owned(), || false);
    view! {
        <div class="main desk-page">
            <h1 tabindex="-1">"Seats"</h1>
        </div>
    }
}
