//! One order, with all that happened to it in words, oldest first.

use crate::api::Failure;
use crate::components::order_summary::total_words;
use crate::dates;
use crate::desk::api;
use crate::desk::arrival::arrive;
use crate::desk::order_words::words;
use crate::desk::parts::resend_mail::ResendMail;
use crate::desk::session::{Session, use_session};
use crate::erased::{block, each, press, text};
use crate::format;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::management::OrderHistory;
use shared::views::OrderStatus;

/// What is known of the order.
#[derive(Clone)]
enum Told {
    Asking,
    Known(Box<OrderHistory>),
    Failed(Failure),
}

/// The page.
#[component]
pub fn OrderHistoryPage() -> impl IntoView {
    let session = use_session();
    let told = RwSignal::new(Told::Asking);
    let code = move || {
        told.with(|told| match told {
            Told::Known(history) => format!("Order {}", history.order.access_code),
            Told::Asking | Told::Failed(_) => "Order".to_owned(),
        })
    };
    arrive(code, || false);
    ask(session, told);
    view! {
        <div class="main desk-page">
            <p><a href=text(move || session.path("orders"))>"← All orders"</a></p>
            <h1 tabindex="-1">{text(code)}</h1>
            {block(move || match told.get() {
                Told::Asking => view! { <p class="loading">"Looking up the order…"</p> }.into_any(),
                Told::Known(history) => story(session, *history),
                Told::Failed(failure) => view! {
                    <p class="note note-look">
                        {failure.sentence().to_owned()}
                        <button class="button" on:click=press(move || ask(session, told))>"Try again"</button>
                    </p>
                }.into_any(),
            })}
        </div>
    }
}

fn ask(session: Session, told: RwSignal<Told>) {
    let address = session.address.get_untracked();
    let id = address.order.map(|id| id.to_string()).unwrap_or_default();
    let path = format!("/api/manage/{}/orders/{id}", address.slug);
    spawn_local(async move {
        let answer = match api::get::<OrderHistory>(&path).await {
            Ok(history) => Told::Known(Box::new(history)),
            Err(failure) if session.has_ended(&failure) => return,
            Err(failure) => Told::Failed(failure),
        };
        let _ = told.try_set(answer);
    });
}

fn story(session: Session, history: OrderHistory) -> AnyView {
    let OrderHistory { order, lines } = history;
    let is_confirmed = order.status == OrderStatus::Confirmed;
    let id = order.id;
    let who = order.registrant.as_ref().map(|person| {
        let (given, family, email) = (&person.given_name, &person.family_name, &person.email);
        format!("{given} {family} · {email}")
    });
    view! {
        <p>
            <span class="desk-state" class:desk-state-public=is_confirmed>{words(order.status)}</span>
            " " {format::seats(order.seats())} " · " {total_words(order.total)}
        </p>
        <p class="desk-soft">{who.unwrap_or_else(|| "Nobody has said yet who is registering.".to_owned())}</p>
        {is_confirmed.then(|| view! { <ResendMail id=id /> })}
        <section class="desk-panel" aria-labelledby="history">
            <h2 id="history">"What happened"</h2>
            <ol class="history">
                {each(lines, |line| {
                    let at = move || dates::day_and_time(line.at, &session.zone());
                    view! {
                        <li class="history-line">
                            <time class="desk-soft" datetime=dates::iso(line.at)>{text(at)}</time>
                            <span>{line.words}</span>
                        </li>
                    }.into_any()
                })}
            </ol>
        </section>
    }
    .into_any()
}
