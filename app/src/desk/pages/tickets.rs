//! The tickets of an order, one block each, for a printer or to be shown at the door.
//!
//! Not here: what a ticket is worth (the server).

use super::assign::{CLOSED_TITLE, closed};
use crate::api::Failure;
use crate::browser;
use crate::dates;
use crate::desk::my_order::MyOrder;
use crate::desk::pages::not_found::NotFoundPage;
use crate::erased::{block, each, press, show, text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::tickets::{PrintedTicket, Tickets};

/// What is known of the tickets.
#[derive(Clone)]
enum Sheet {
    Asking,
    Known(Box<Tickets>),
    Failed(Failure),
}

/// The page.
#[component]
pub fn TicketsPage() -> impl IntoView {
    let Some(order) = MyOrder::of_this_page() else {
        return view! { <NotFoundPage /> }.into_any();
    };
    order.arrive("Tickets");
    let sheet = RwSignal::new(Sheet::Asking);
    // A name that is given elsewhere meanwhile prints its ticket, too.
    order.on_view(move |_, _| ask(order, sheet));
    let has_some = move || sheet.with(|sheet| matches!(sheet, Sheet::Known(_)));
    view! {
        <div class="main desk-page tickets-page">
            <div class="desk-head">
                <h1 tabindex="-1">
                    {text(move || if order.is_closed_here() { CLOSED_TITLE } else { "Tickets" })}
                </h1>
                {show(has_some, move || acts(order))}
            </div>
            {block(move || if order.is_closed_here() {
                closed(order)
            } else {
                match sheet.get() {
                    Sheet::Asking => view! { <p class="loading">"Fetching your tickets…"</p> }.into_any(),
                    Sheet::Known(tickets) => printed(order, *tickets),
                    Sheet::Failed(failure) => view! {
                        <p class="note note-look">{failure.sentence().to_owned()}</p>
                        <p class="acts">
                            <button class="button" on:click=press(move || ask(order, sheet))>"Try again"</button>
                        </p>
                    }.into_any(),
                }
            })}
        </div>
    }
    .into_any()
}

fn ask(order: MyOrder, sheet: RwSignal<Sheet>) {
    let path = format!("/api/tickets/{}/{}", order.slug(), order.id);
    spawn_local(async move {
        let answer = match order.get::<Tickets>(&path).await {
            Ok(tickets) => Sheet::Known(Box::new(tickets)),
            Err(failure) => Sheet::Failed(failure),
        };
        let _ = sheet.try_set(answer);
    });
}

fn acts(order: MyOrder) -> AnyView {
    let print = || {
        let _ = window().print();
    };
    view! {
        <p class="acts">
            <button class="button button-primary" on:click=press(print)>"Print"</button>
            <a class="button" href=order.path("assign")>"Your seats"</a>
        </p>
    }
    .into_any()
}

fn printed(order: MyOrder, tickets: Tickets) -> AnyView {
    let Tickets { conference, location, starts_at, ends_at, time_zone, contact_email, tickets } =
        tickets;
    let days = dates::days(starts_at, ends_at, &time_zone);
    let opens = dates::opening(starts_at, &time_zone);
    let address = format!("{}{}", browser::origin(), order.path("confirmed"));
    let count = tickets.len();
    let ticket = |PrintedTicket { position, seat_type, attendee, ticket, qr }: PrintedTicket| {
        let title = format!("ticket-{position}");
        view! {
            <li class="paper-ticket" aria-labelledby=title>
                <div class="paper-ticket-words">
                    <p class="paper-ticket-conference">{conference.clone()}</p>
                    <h2 class="paper-ticket-name" id=title.clone()>{attendee}</h2>
                    <p class="paper-ticket-seat">{seat_type}</p>
                    <dl class="paper-ticket-facts">
                        <dt>"When"</dt>
                        <dd>{days.clone()}", from " {opens.clone()}</dd>
                        <dt>"Where"</dt>
                        <dd>{location.clone()}</dd>
                        <dt>"Order"</dt>
                        <dd class="paper-ticket-address">{address.clone()}</dd>
                    </dl>
                </div>
                <div class="paper-ticket-code">
                    // The server's own drawing: squares and nothing else.
                    <div class="paper-ticket-qr" inner_html=qr></div>
                    <p class="paper-ticket-letters">{ticket}</p>
                </div>
            </li>
        }
        .into_any()
    };
    let tickets = each(tickets, ticket);
    view! {
        <p class="desk-soft tickets-note">
            {match count {
                0 => "There is a ticket for every seat that has a name. Say first who sits where.",
                _ => "Show one at the door, on paper or on a phone. Each lets one person in, once.",
            }}
        </p>
        <ul class="paper-tickets">{tickets}</ul>
        <p class="desk-soft tickets-contact">"Questions: " {contact_email}</p>
    }
    .into_any()
}
