//! What a registrant keeps of an order, and the mail with everything in it again.

use crate::api::Failure;
use crate::desk::my_order::MyOrder;
use crate::erased::{flag, mark, press, text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::RefusalCode;
use shared::commands::{BrowserCommand, SendConfirmationAgain};

/// Where the mail is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mail {
    Idle,
    Asked,
    Sent,
    Failed(String),
}

/// Tickets, calendar, mail.
#[component]
pub fn KeepOrder(order: MyOrder) -> impl IntoView {
    let mail = RwSignal::new(Mail::Idle);
    let is_busy = move || mail.with(|mail| *mail == Mail::Asked);
    let email = move || {
        let email = order.view(|view| view.registrant.as_ref().map(|it| it.email.clone()));
        email.flatten().unwrap_or_default()
    };
    let words = move || match mail.get() {
        Mail::Idle => format!("We've emailed your confirmation to {}.", email()),
        Mail::Asked => "Sending…".to_owned(),
        Mail::Sent => format!("Sent to {} again.", email()),
        Mail::Failed(words) => words,
    };
    view! {
        <section class="desk-panel" aria-labelledby="keep">
            <h2 id="keep">"Keep it"</h2>
            <p class="acts">
                <a class="button" href=order.path("tickets")>"Print tickets"</a>
                <a
                    class="button"
                    href=format!("/api/conferences/{}/calendar.ics", order.slug())
                    download=""
                >
                    "Add to calendar"
                </a>
                <button
                    class="button"
                    class:button-busy=flag(is_busy)
                    aria-disabled=mark(is_busy)
                    on:click=press(move || send_again(order, mail))
                >
                    "Send again"
                </button>
            </p>
            <p class="desk-soft keep-words">{text(words)}</p>
        </section>
    }
}

fn send_again(order: MyOrder, mail: RwSignal<Mail>) {
    if mail.get_untracked() == Mail::Asked {
        return;
    }
    let Some(envelope) = order.envelope(SendConfirmationAgain::ROUTE) else { return };
    mail.set(Mail::Asked);
    let command = SendConfirmationAgain {
        command_id: envelope.command_id,
        conference: envelope.conference.clone(),
        order_id: envelope.order_id,
    };
    spawn_local(async move {
        let outcome = match order.send(command, envelope).await {
            Ok(_) => Mail::Sent,
            Err(Failure::Refused(problem)) if problem.code == RefusalCode::TooManyRequests => {
                Mail::Failed("We've just sent it. Look again in a few minutes.".to_owned())
            }
            Err(failure) => Mail::Failed(failure.sentence().to_owned()),
        };
        order.session.announcer.polite(match &outcome {
            Mail::Failed(words) => words,
            Mail::Idle | Mail::Asked | Mail::Sent => "Sent again.",
        });
        let _ = mail.try_set(outcome);
    });
}
