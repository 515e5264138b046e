//! You're registered: the access code, what comes next, your seats, what to keep, whom to ask.

use crate::arrival::arrive;
use crate::components::order_summary::total_words;
use crate::components::steps::Step;
use crate::erased::{either, follow, memo, react, show, text};
use crate::flow;
use crate::navigation::Go;
use crate::order_state::OrderState;
use crate::registration::Registration;
use crate::{browser, dates};
use leptos::prelude::*;
use shared::AccessCode;
use shared::sale::hue_class;
use shared::views::{ConferenceView, OrderStatus, OrderView};

/// The page.
#[component]
pub fn ConfirmationPage() -> impl IntoView {
    let registration = flow::enter();
    let go = expect_context::<Go>();
    arrive(|| "You're registered".to_owned(), || false);
    let is_confirmed = memo(move || registration.state.get() == OrderState::Confirmed);
    let is_closed = memo(move || registration.is_order_closed_here());
    // Not confirmed yet: back to the furthest step that the order allows.
    react(move || match registration.state.get() {
        OrderState::Held { .. } | OrderState::PartlyHeld { .. } | OrderState::PayingElsewhere => {
            registration.announcer.polite("This order is not paid yet.");
            go.instead_to(&registration.own_path("payment"));
        }
        _ => {}
    });
    // Given back after the purchase: the second program says what became of the money.
    react(move || {
        let is_over = |order: &OrderView| {
            order.status == OrderStatus::Cancelled && order.confirmed_at.is_some()
        };
        if registration.order(is_over) == Some(true) {
            browser::leave_for(&untrack(|| registration.own_path("assign")));
        }
    });
    view! {
        <div class="main flow">
            {flow::steps(registration, Step::Done)}
            {either(move || !is_closed.get(), move || view! {
                {either(move || is_confirmed.get(), move || view! {
                    {confirmed(registration)}
                }.into_any(), move || {
                        view! {
                            <h1 tabindex="-1">"Your order"</h1>
                            {flow::order_panel(registration, "payment")}
                            {show(move || registration.order(|_| ()).is_none(), move || view! {
                                <p class="loading">"Loading your order…"</p>
                            }.into_any())}
                        }
                    }.into_any())}
            }.into_any(), move || flow::closed_here(registration).into_any())}
        </div>
    }
}

fn confirmed(registration: Registration) -> impl IntoView {
    browser::focus_soon("h1");
    let email = move || {
        let given = registration.order(|o| o.registrant.as_ref().map(|r| r.email.clone()));
        given.flatten().unwrap_or_default()
    };
    let contact = memo(move || {
        registration.conference(|view| view.contact_email.clone()).unwrap_or_default()
    });
    let own = move |step| text(move || registration.own_path(step));
    view! {
        <div class="confirmation">
            <h1 class="confirmation-title" tabindex="-1">"You're registered"</h1>
            {ticket(registration)}
            <section class="confirmation-part" aria-labelledby="next">
                <h2 id="next">"What's next"</h2>
                <p>
                    <a class="button button-primary" rel="external" href=own("assign")>
                        {text(move || registration.order(assigned).unwrap_or_default())}
                    </a>
                </p>
                <p>{text(move || registration.conference(later).unwrap_or_default())}</p>
                <p>
                    "We've emailed the access code to " <strong>{email}</strong>
                    ". Both together open this order on any device. "
                    <a rel="external" href=own("assign#keep")>"Send again, or wrong address?"</a>
                </p>
            </section>
            <section class="confirmation-part" aria-labelledby="keep">
                <h2 id="keep">"Keep it"</h2>
                {keep(registration)}
            </section>
            <section class="confirmation-part" aria-labelledby="contact">
                <h2 id="contact">"Questions"</h2>
                <p>
                    "Write to "
                    <a href=text(move || format!("mailto:{}", contact.get()))>{text(move || contact.get())}</a>
                    " and quote your access code."
                </p>
            </section>
        </div>
    }
}

/// The access code on a ticket, with what it is for.
fn ticket(registration: Registration) -> impl IntoView {
    let code = move |read: fn(AccessCode) -> String| {
        registration.order(|order| read(order.access_code)).unwrap_or_default()
    };
    let hue = move || format!("ticket {}", hue_class(&registration.slug.get()));
    let when = move || {
        let when = registration.conference(|view| {
            let days = dates::days(view.starts_at, view.ends_at, &view.time_zone);
            format!("{days} · {}", view.location)
        });
        when.unwrap_or_default()
    };
    let lines = move || {
        let line = |line: crate::components::order_summary::SummaryLine| {
            view! { <li>{format!("{} × {}", line.quantity, line.name)}</li> }
        };
        registration.summary_lines().into_iter().map(line).collect_view()
    };
    view! {
        <section class=hue aria-labelledby="ticket-code-title">
            <div class="ticket-main">
                <p class="ticket-name">{text(move || registration.conference_name())}</p>
                <p class="ticket-when">{when}</p>
                <h2 class="ticket-label">"Your seats"</h2>
                <ul class="ticket-lines">{lines}</ul>
                <p class="ticket-total">
                    {text(move || registration.total().map(total_words).unwrap_or_default())}
                </p>
            </div>
            <div class="ticket-stub">
                <h2 class="ticket-label" id="ticket-code-title">"Access code"</h2>
                <p class="ticket-code">
                    <span aria-hidden="true">{text(move || code(|code| code.to_string()))}</span>
                    <span class="unseen">{text(move || code(|code| code.spelled()))}</span>
                </p>
                <CopyButton
                    label="Copy"
                    subject="access code"
                    copied=text(move || code(|code| code.to_string()))
                />
            </div>
        </section>
    }
}

/// What is left to do, in the second program: "Assign names to your 2 seats (0 of 2 done)".
fn assigned(order: &OrderView) -> String {
    let named = order.seats.iter().filter(|seat| seat.attendee.is_some()).count();
    let count = order.seats.len();
    let seats = if count == 1 { "seat".to_owned() } else { format!("{count} seats") };
    format!("Assign names to your {seats} ({named} of {count} done)")
}

fn later(conference: &ConferenceView) -> String {
    let until = conference.assign_until.unwrap_or(conference.ends_at);
    format!("There is time until {}.", dates::day_and_time(until, &conference.time_zone))
}

/// The entry that the mail brings, too.
fn calendar(order: &OrderView) -> String {
    format!("/api/conferences/{}/calendar.ics?order={}", order.conference, order.id)
}

fn keep(registration: Registration) -> impl IntoView {
    let own = move |step| text(move || registration.own_path(step));
    let link = follow(move || {
        registration.order_id.track();
        format!("{}{}", browser::origin(), registration.own_path("confirmed"))
    });
    view! {
        <p class="acts">
            <CopyButton label="Copy link to this order" subject="" copied=link />
            <a class="button" rel="external" href=own("tickets")>"Print tickets"</a>
            <a
                class="button"
                download=""
                href=text(move || registration.order(calendar).unwrap_or_default())
            >
                "Add to calendar"
            </a>
        </p>
        <p class="confirmation-link">
            "The link works tomorrow and on another device, where it asks for the code: "
            <span class="confirmation-address">{link}</span>
        </p>
    }
}

/// Copies a text and says whether that worked.
#[component]
fn CopyButton(
    label: &'static str,
    /// What is copied, for the button's name; empty when the label says it.
    subject: &'static str,
    copied: Signal<String>,
) -> impl IntoView {
    let announcer = crate::registration::use_registration().announcer;
    let outcome = RwSignal::new(label);
    let copy = move |_| {
        leptos::task::spawn_local(async move {
            let worked = browser::copy(copied.get_untracked()).await;
            outcome.set(if worked { "Copied" } else { "Select it and copy" });
            announcer.polite(if worked { "Copied." } else { "Copying is not possible here." });
            browser::after(4_000, move || {
                outcome.try_set(label);
            });
        });
    };
    view! {
        <button class="button" on:click=copy>
            {text(move || outcome.get())}
            {(!subject.is_empty()).then(|| view! { <span class="unseen">{format!(" {subject}")}</span> })}
        </button>
    }
}
