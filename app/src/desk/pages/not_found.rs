//! An address that leads nowhere, or to a conference of somebody else; and a server that does not say.

use crate::desk::arrival::arrive;
use crate::desk::session::{HOME, Who, use_session};
use crate::erased::{press, text};
use leptos::prelude::*;

/// The page. Nothing is told about a conference of somebody else.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    arrive(|| "We can't find that page".to_owned(), || false);
    view! {
        <div class="main prose">
            <h1 tabindex="-1">"We can't find that page"</h1>
            <p>"The address may be mistyped, or the conference may belong to somebody else."</p>
            <p class="acts">
                <a class="button button-primary" href=HOME>"Your conferences"</a>
            </p>
        </div>
    }
}

/// Nobody knows who this is, because the server did not say.
#[component]
pub fn UnheardPage() -> impl IntoView {
    arrive(|| "Sorry, there is a problem".to_owned(), || false);
    let session = use_session();
    let sentence = move || {
        session.who.with(|who| match who {
            Who::Unheard(failure) => failure.sentence().to_owned(),
            Who::Asking | Who::Owner(_) | Who::Nobody => String::new(),
        })
    };
    view! {
        <div class="main prose">
            <h1 tabindex="-1">"Sorry, there is a problem"</h1>
            <p>{text(sentence)}</p>
            <p class="acts">
                <button class="button button-primary" on:click=press(move || session.ask())>
                    "Try again"
                </button>
            </p>
        </div>
    }
}
