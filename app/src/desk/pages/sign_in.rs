//! Opens the desk by e-mail and access code.

use crate::desk::arrival::arrive;
use leptos::prelude::*;

/// The page.
#[component]
pub fn SignInPage() -> impl IntoView {
    arrive(|| "Sign in".to_owned(), || false);
    view! {
        <div class="main desk-page">
            <h1 tabindex="-1">"Sign in"</h1>
        </div>
    }
}
