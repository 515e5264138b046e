//! An address that leads nowhere: a way home, and a way to an order.

use crate::arrival::arrive;
use crate::erased::{show, text};
use crate::registration::use_registration;
use leptos::prelude::*;

/// The page.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    arrive(|| "We can't find that page".to_owned(), || false);
    let registration = use_registration();
    let is_in_conference =
        move || !registration.slug.with(String::is_empty) && !registration.is_conference_missing();
    view! {
        <div class="main prose">
            <h1 tabindex="-1">"We can't find that page"</h1>
            <p>"The address may be mistyped, or the page may have moved."</p>
            <p class="acts">
                <a class="button button-primary" href="/">"See all conferences"</a>
                {show(is_in_conference, move || view! {
                    <a class="button" rel="external" href=text(move || format!("/{}/find", registration.slug.get()))>
                        "Find your order"
                    </a>
                }.into_any())}
            </p>
        </div>
    }
}
