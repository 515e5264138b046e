//! All orders, to be searched.

use crate::desk::arrival::arrive;
use leptos::prelude::*;

/// The page.
#[component]
pub fn OrdersPage() -> impl IntoView {
    arrive(|| "Orders".to_owned(), || false);
    view! {
        <div class="main desk-page">
            <h1 tabindex="-1">"Orders"</h1>
        </div>
    }
}
