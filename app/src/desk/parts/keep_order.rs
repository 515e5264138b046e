//! What a registrant keeps of an order, and the mail with everything in it again.
//!
//! Not here: another address for the mail (`wrong_address.rs`).

use super::copy_link::CopyLink;
use super::wrong_address::WrongAddress;
use crate::api::Failure;
use crate::browser;
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

/// Tickets, calendar, link, mail.
#[component]
pub fn KeepOrder(order: MyOrder) -> impl IntoView {
    let mail = RwSignal::new(Mail::Idle);
    let is_busy = move || mail.with(|mail| *mail == Mail::Asked);
    let words = move || match mail.get() {
        Mail::Idle => format!("We've emailed your confirmation to {}.", order.email()),
        Mail::Asked => "Sending…".to_owned(),
        Mail::Sent => format!("Sent to {} again.", order.email()),
        Mail::Failed(words) => words,
    };
    let address = text(move || format!("{}{}", browser::origin(), order.path("confirmed")));
    let calendar = format!("/api/conferences/{}/calendar.ics?order={}", order.slug(), order.id);
    view! {
        <section class="desk-panel" aria-labelledby="keep">
            <h2 id="keep" tabindex="-1">"Keep it"</h2>
            <p class="acts">
                <a class="button" href=order.path("tickets")>"Print tickets"</a>
                <a class="button" href=calendar download="">"Add to calendar"</a>
                <CopyLink label="Copy link to this order" address=address />
            </p>
            <div class="keep-mail">
                <p>{text(words)}</p>
                <p class="acts">
                    <button
                        class="button"
                        class:button-busy=flag(is_busy)
                        aria-disabled=mark(is_busy)
                        on:click=press(move || send_again(order, mail))
                    >
                        "Send again"
                    </button>
                </p>
            </div>
            <WrongAddress order=order corrected=Callback::new(move |()| mail.set(Mail::Idle)) />
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
            Err(failure) => Mail::Failed(refusal_words(&failure)),
        };
        order.session.announcer.polite(match &outcome {
            Mail::Failed(words) => words,
            Mail::Idle | Mail::Asked | Mail::Sent => "Sent again.",
        });
        let _ = mail.try_set(outcome);
    });
}

/// Why no mail was sent.
pub(super) fn refusal_words(failure: &Failure) -> String {
    match failure {
        Failure::Refused(problem) if problem.code == RefusalCode::TooManyRequests => {
            "We've just sent it. Look again in a few minutes.".to_owned()
        }
        _ => failure.sentence().to_owned(),
    }
}
