//! Sends the confirmation of an order to its registrant again, for an owner who was asked to.

use crate::api::{Failure, is_answered};
use crate::browser;
use crate::desk::api;
use crate::desk::session::use_session;
use crate::erased::{flag, mark, press, text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::management::ResendConfirmation;
use shared::{CommandId, OrderId, RefusalCode};

/// The button, and what became of it.
#[component]
pub fn ResendMail(id: OrderId) -> impl IntoView {
    let session = use_session();
    let is_busy = RwSignal::new(false);
    let outcome = RwSignal::new(String::new());
    // The same intent until it was answered.
    let intent = StoredValue::new(None::<CommandId>);
    let send = move || {
        if is_busy.get_untracked() {
            return;
        }
        let command_id = intent.get_value().unwrap_or_else(|| CommandId(browser::fresh_id()));
        intent.set_value(Some(command_id));
        let conference = untrack(|| session.slug());
        let command = ResendConfirmation { command_id, conference, order_id: id };
        is_busy.set(true);
        outcome.set(String::new());
        spawn_local(async move {
            let answer = api::send(&command).await;
            let _ = is_busy.try_set(false);
            if is_answered(&answer) {
                let _ = intent.try_set_value(None);
            }
            let words = match &answer {
                Ok(_) => "Sent again.",
                Err(failure) if session.has_ended(failure) => return,
                Err(Failure::Refused(problem)) if problem.code == RefusalCode::TooManyRequests => {
                    "It was sent just now. Wait a few minutes."
                }
                Err(failure) => failure.sentence(),
            };
            session.announcer.polite(words);
            let _ = outcome.try_set(words.to_owned());
        });
    };
    view! {
        <p class="acts">
            <button
                class="button"
                class:button-busy=flag(move || is_busy.get())
                aria-disabled=mark(move || is_busy.get())
                on:click=press(send)
            >
                "Send the confirmation again"
            </button>
            <span class="desk-soft">{text(move || outcome.get())}</span>
        </p>
    }
}
