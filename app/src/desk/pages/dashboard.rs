//! What is sold, held and left, and what just happened.

use crate::desk::arrival::arrive;
use leptos::prelude::*;

/// The page.
#[component]
pub fn DashboardPage() -> impl IntoView {
    arrive(|| "Dashboard".to_owned(), || false);
    view! {
        <div class="main desk-page">
            <h1 tabindex="-1">"Dashboard"</h1>
        </div>
    }
}
