//! A registrant's seats: who sits where.

use crate::desk::arrival::arrive;
use leptos::prelude::*;

/// The page.
#[component]
pub fn AssignPage() -> impl IntoView {
    arrive(|| "Your seats".to_owned(), || false);
    view! {
        <div class="main desk-page">
            <h1 tabindex="-1">"Your seats"</h1>
        </div>
    }
}
