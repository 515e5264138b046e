//! One order, with all that happened to it.

use crate::desk::arrival::arrive;
use leptos::prelude::*;

/// The page.
#[component]
pub fn OrderHistoryPage() -> impl IntoView {
    arrive(|| "Order".to_owned(), || false);
    view! {
        <div class="main desk-page">
            <h1 tabindex="-1">"Order"</h1>
        </div>
    }
}
