//! What, when and where a conference is, which seats there are, and one big way in.
//!
//! The server's shell writes the same markup before any wasm, so that nothing moves when this takes
//! over. Change both together.

use crate::arrival::arrive;
use crate::components::availability::{self, AvailabilityChip, CapacityBar};
use crate::components::order_summary::total_words;
use crate::erased::{block, either, follow, keyed, memo, press, show, text};
use crate::flow::{Leaving, enter};
use crate::pages::not_found::NotFoundPage;
use crate::registration::Registration;
use crate::{countdown, dates, format};
use leptos::prelude::*;
use shared::SeatTypeId;
use shared::sale::{Sale, hue_class};
use shared::views::{ConferenceView, SeatTypeView};

/// The opening of a sale is counted down only in its last hour.
const COUNT_SECONDS: i64 = 3600;

/// The page.
#[component]
pub fn ConferenceHomePage() -> impl IntoView {
    let registration = enter();
    registration.enter_current_order();
    let is_known = memo(move || registration.conference(|_| ()).is_some());
    view! {
        {either(move || !registration.is_conference_missing(), move || view! {
            {either(move || is_known.get(), move || view! {
                {home(registration)}
            }.into_any(), move || view! { <p class="main loading">"Loading the conference…"</p> }.into_any())}
        }.into_any(), move || view! { <NotFoundPage /> }.into_any())}
    }
}

fn home(registration: Registration) -> impl IntoView {
    arrive(move || registration.conference_name(), || false);
    view! {
        <article class="conference-home">
            {hero(registration)}
            <div class="main home-body">
                {resume(registration)}
                <section class="home-seats" aria-labelledby="seat-types">
                    <h2 id="seat-types">"Seats"</h2>
                    {seat_list(registration)}
                </section>
                <section class="home-about" aria-labelledby="about">
                    <h2 id="about">"About"</h2>
                    {block(move || paragraphs(&fact(registration, |view| view.description.clone())))}
                    <p class="home-contact">
                        "Questions? Write to "
                        <a href=text(move || fact(registration, |v| format!("mailto:{}", v.contact_email)))>
                            {text(move || fact(registration, |view| view.contact_email.clone()))}
                        </a>
                    </p>
                </section>
            </div>
        </article>
    }
}

fn fact(registration: Registration, read: fn(&ConferenceView) -> String) -> String {
    registration.conference(read).unwrap_or_default()
}

fn paragraphs(description: &str) -> impl IntoView + use<> {
    description
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .map(|paragraph| view! { <p>{paragraph.trim().to_owned()}</p> })
        .collect_view()
}

fn hero(registration: Registration) -> impl IntoView {
    let hue = move || format!("hero {}", hue_class(&registration.slug.get()));
    let when = |view: &ConferenceView| dates::days(view.starts_at, view.ends_at, &view.time_zone);
    let opens = |view: &ConferenceView| dates::opening(view.starts_at, &view.time_zone);
    view! {
        <header class=hue>
            <div class="hero-inner">
                <p class="hero-when">
                    <time datetime=text(move || fact(registration, |view| dates::iso(view.starts_at)))>
                        {text(move || fact(registration, when))}
                    </time>
                    " · " {text(move || fact(registration, |view| view.location.clone()))}
                </p>
                <h1 class="hero-name" tabindex="-1">
                    {text(move || fact(registration, |view| view.name.clone()))}
                </h1>
                <p class="hero-tagline">{text(move || fact(registration, |view| view.tagline.clone()))}</p>
                <p class="hero-opens">"Doors open " {text(move || fact(registration, opens))}</p>
                {way_in(registration)}
            </div>
        </header>
    }
}

/// The state of sale and, when there is something to buy, the button.
fn way_in(registration: Registration) -> impl IntoView {
    let now = registration.live.now;
    let sale = memo(move || registration.conference(|view| Sale::of(view, now.get())));
    let can_register = memo(move || sale.get().is_some_and(Sale::can_register));
    let href = move || format!("/{}/seats", registration.slug.get());
    let words = move || {
        let when = |opens| {
            let left = countdown::seconds_left(opens, now.get());
            let day = dates::day_and_time(opens, &registration.zone());
            if left < COUNT_SECONDS {
                format!("{day}, in {}", countdown::digits(left))
            } else {
                day
            }
        };
        sale.get().unwrap_or(Sale::Open).words(&when)
    };
    view! {
        <p class="hero-act">
            {show(move || can_register.get(), move || view! {
                <a class="button button-hero" href=href>"Register"</a>
            }.into_any())}
            <span class="hero-sale">{words}</span>
        </p>
    }
}

/// A live order on this device comes first.
fn resume(registration: Registration) -> impl IntoView {
    let leaving = expect_context::<Leaving>().0;
    let words = move || {
        let state = registration.state.get();
        let until = state.until()?;
        let seats = registration.order(shared::views::OrderView::seats)?;
        let until = dates::time_for_here(until, &registration.zone());
        Some(format!("You have {} held until {until}", format::seats(seats)))
    };
    view! {
        {show(move || registration.state.get().is_holding(), move || view! {
            <section class="resume" aria-labelledby="resume-title">
                <h2 class="resume-title" id="resume-title">{words}</h2>
                <a class="button button-primary" href=text(move || registration.own_path("details"))>
                    "Continue"
                </a>
                <button class="button button-quiet" on:click=press(move || leaving.set(true))>
                    "Let them go"
                </button>
            </section>
        }.into_any())}
    }
}

fn seat_list(registration: Registration) -> impl IntoView {
    let ids = memo(move || {
        registration
            .conference(|view| view.seat_types.iter().map(|s| s.id).collect::<Vec<_>>())
            .unwrap_or_default()
    });
    view! {
        <ul class="seat-list">
            {keyed(ids, move |id| seat_card(registration, id).into_any())}
        </ul>
    }
}

fn seat_card(registration: Registration, id: SeatTypeId) -> impl IntoView {
    let seat_type =
        memo(move || registration.conference(|view| view.seat_type(id).cloned()).flatten());
    let read = move |read: fn(&SeatTypeView) -> String| {
        text(move || seat_type.with(|s| s.as_ref().map(read)).unwrap_or_default())
    };
    let share = move |part: fn(&SeatTypeView) -> u32| {
        follow(move || {
            let of = |s: &SeatTypeView| availability::percent(part(s), s.quota);
            seat_type.with(|s| s.as_ref().map(of)).unwrap_or_default()
        })
    };
    let words = memo(move || {
        let (now, zone) = (registration.live.now.get(), registration.zone());
        seat_type
            .with(|s| s.as_ref().map(|s| availability::words(s, now, 0, &zone)))
            .unwrap_or_default()
    });
    view! {
        <li class="seat-card">
            <h3 class="seat-card-name">{read(|s| s.name.clone())}</h3>
            <p class="seat-card-price">{read(|s| total_words(s.price))}</p>
            <p class="seat-card-includes">{read(|s| s.description.clone())}</p>
            <AvailabilityChip words=words />
            <CapacityBar sold=share(|s| s.sold) held=share(|s| s.held) />
        </li>
    }
}
