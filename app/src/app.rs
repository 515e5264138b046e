//! The frame of every page and the table of routes: header, banners, skip links, footer, and the
//! contexts that pages take.
//!
//! Not here: what a page shows (`pages/`) and focus on arrival (`arrival.rs`).

use crate::arrival::Arrivals;
use crate::components::announcer::{Announcer, AnnouncerRegions};
use crate::components::banner::{ConnectionBanner, ReleaseBanner};
use crate::components::dialog::{Question, QuestionDialog};
use crate::components::theme_switch::ThemeSwitch;
use crate::early::TypedEarly;
use crate::erased::{block, memo, press, react, show, text};
use crate::flow::Leaving;
use crate::live::{self, Live};
use crate::navigation::Go;
use crate::pages::conference_home::ConferenceHomePage;
use crate::pages::confirmation::ConfirmationPage;
use crate::pages::directory::DirectoryPage;
use crate::pages::not_found::NotFoundPage;
use crate::pages::payment::PaymentPage;
use crate::pages::registrant_details::RegistrantDetailsPage;
use crate::pages::select_seats::SelectSeatsPage;
use crate::place::{Address, Place};
use crate::registration::{Details, Registration};
use crate::release::reload_unseen;
use crate::{browser, dates, saved};
use leptos::{ev, prelude::*};
use std::time::Duration;
use wasm_bindgen::JsCast;

/// Time goes on this often.
const TICK_MS: u64 = 500;

/// The app.
#[component]
pub fn App(early: TypedEarly) -> impl IntoView {
    let live = Live::start(live::boot());
    let registration = Registration::new(live, Announcer::new());
    provide_context(registration);
    provide_context(Arrivals::new());
    provide_context(StoredValue::new(Some(early)));
    provide_context(Leaving(RwSignal::new(false)));
    listen_to_the_browser(registration);
    provide_context(Go::start());
    view! { <Frame registration=registration /> }
}

/// Time, network, visibility, typing, and the last chance to save.
fn listen_to_the_browser(registration: Registration) {
    let live = registration.live;
    let _ = set_interval_with_handle(move || live.tick(), Duration::from_millis(TICK_MS));
    live.tick();
    let _ = window_event_listener(ev::online, move |_| live.try_now());
    let _ = window_event_listener(ev::offline, move |_| live.refresh());
    let _ = window_event_listener(ev::visibilitychange, move |_| {
        if browser::is_hidden() {
            registration.store_now();
        } else {
            live.tick();
            live.try_now();
        }
    });
    let _ = window_event_listener(ev::pagehide, move |_| registration.store_now());
    let _ = window_event_listener(ev::pageshow, move |_| {
        // Coming back from the payment page by the browser's button: nothing is busy any more.
        registration.busy.set(None);
    });
    browser::watch_presses();
    let _ = window_event_listener(ev::keydown, move |event| {
        let is_field = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok())
            .is_some_and(|input| matches!(input.type_().as_str(), "text" | "email" | "number"));
        if is_field {
            registration.last_key_ms.set(Some(browser::steady_ms()));
        }
    });
    react(move || {
        let value = if registration.reminders.get() { None } else { Some("off") };
        saved::set_switch("reminders", value);
    });
}

#[component]
fn Frame(registration: Registration) -> impl IntoView {
    view! {
        <AnnouncerRegions announcer=registration.announcer />
        {skip_links(registration)}
        {header(registration)}
        {banners(registration)}
        <main id="main" tabindex="-1">
            {page()}
        </main>
        {footer(registration)}
        {leave_question(registration)}
    }
}

/// The page of the address. The table is `place.rs`; a page stays when only its order changes.
fn page() -> AnyView {
    let path = expect_context::<Go>().path;
    let place = memo(move || path.with(|path| Address::of(path).place));
    block(move || match place.get() {
        Place::Directory => view! { <DirectoryPage /> }.into_any(),
        Place::ConferenceHome => view! { <ConferenceHomePage /> }.into_any(),
        Place::SelectSeats => view! { <SelectSeatsPage /> }.into_any(),
        Place::RegistrantDetails => view! { <RegistrantDetailsPage /> }.into_any(),
        Place::Payment => view! { <PaymentPage /> }.into_any(),
        Place::Confirmation => view! { <ConfirmationPage /> }.into_any(),
        Place::Nowhere => view! { <NotFoundPage /> }.into_any(),
    })
}

fn skip_links(registration: Registration) -> impl IntoView {
    let offers_time = memo(move || {
        registration.seconds_left().is_some_and(|left| left <= 180) && registration.is_extendable()
    });
    let jump = |event: ev::MouseEvent, id: &str| {
        event.prevent_default();
        browser::focus_id(id);
    };
    view! {
        <nav aria-label="Skip">
            <a class="skip-link" href="#main" on:click=move |event| jump(event, "main")>
                "Skip to main content"
            </a>
            {show(move || offers_time.get(), move || view! {
                <a class="skip-link" href="#keep-my-seats" on:click=move |event| jump(event, "keep-my-seats")>
                    "Keep my seats"
                </a>
            }.into_any())}
        </nav>
    }
}

fn header(registration: Registration) -> impl IntoView {
    let leaving = expect_context::<Leaving>().0;
    let is_inside = move || registration.conference(|_| ()).is_some();
    // Leaving the flow with seats in hand asks once.
    let leave = move |event: ev::MouseEvent| {
        let is_in_flow = browser::path().matches('/').count() >= 2;
        if is_in_flow && registration.state.get_untracked().is_holding() {
            event.prevent_default();
            leaving.set(true);
        }
    };
    view! {
        <header class="site-header">
            <a class="site-brand" href="/" on:click=leave>
                "Contoso"<span class="site-brand-rest">" Conferences"</span>
            </a>
            {show(is_inside, move || view! {
                <a class="site-place" href=text(move || format!("/{}", registration.slug.get())) on:click=leave>
                    {text(move || registration.conference(|view| view.name.clone()).unwrap_or_default())}
                </a>
                <a class="site-find" rel="external" href=text(move || format!("/{}/find", registration.slug.get()))>
                    <span class="site-find-long">"Already registered? "</span>
                    "Find your order"
                </a>
            }.into_any())}
        </header>
    }
}

fn banners(registration: Registration) -> impl IntoView {
    let live = registration.live;
    let as_of = memo(move || live.conference.with(|seen| seen.as_ref().map(|s| s.as_of)));
    let may_reload = memo(move || {
        let state = registration.state.get();
        let is_idle = registration.busy.get().is_none() && !state.is_asking();
        let is_sending = matches!(registration.details.get(), Details::Wanted | Details::Sending);
        live.newer_release.get() && is_idle && !is_sending && !state.is_holding()
    });
    // What is typed here is on the device when the page is hidden.
    reload_unseen(live, may_reload);
    view! {
        <ConnectionBanner
            connection=live.connection
            as_of=as_of
            announcer=registration.announcer
            try_now=Callback::new(move |()| live.try_now())
        />
        <ReleaseBanner is_shown=may_reload />
        {last_minute_offer(registration)}
    }
}

/// In the last minute the offer of more time is at the top of the page. Not a dialog: somebody may
/// be typing.
fn last_minute_offer(registration: Registration) -> impl IntoView {
    let is_shown = memo(move || {
        registration.seconds_left().is_some_and(|left| left <= 60) && registration.is_extendable()
    });
    view! {
        {show(move || is_shown.get(), move || view! {
            <section class="banner banner-strong" aria-label="Time left">
                <p class="banner-text">"Less than a minute left to pay."</p>
                <button class="button" on:click=press(move || registration.extend())>
                    "Keep my seats"
                </button>
            </section>
        }.into_any())}
    }
}

fn footer(registration: Registration) -> impl IntoView {
    let has_something = move || {
        registration.saved.with(|saved| *saved != saved::Saved::default())
            && !registration.slug.with(String::is_empty)
    };
    view! {
        <footer class="site-footer">
            <ThemeSwitch />
            {show(has_something, move || view! {
                <button
                    class="button button-quiet"
                    on:click=press(move || {
                        registration.forget_me();
                        registration.announcer.polite("Forgotten on this device.");
                    })
                >
                    "Forget me on this device"
                </button>
            }.into_any())}
            <a href="/manage" rel="external">"Run a conference"</a>
            <p class="site-footer-note">"No account, no cookies, no trackers."</p>
        </footer>
    }
}

fn leave_question(registration: Registration) -> impl IntoView {
    let go = expect_context::<Go>();
    let leaving = expect_context::<Leaving>().0;
    let home = move || go.to(&format!("/{}", registration.slug.get_untracked()));
    let question = Question {
        title: "Leave with your seats held?",
        keep: "Keep my seats and leave",
        give_up: "Let them go now",
    };
    let until = move || {
        let until = registration.state.get().until();
        until.map(|until| dates::time_for_here(until, &registration.zone())).unwrap_or_default()
    };
    view! {
        <QuestionDialog
            question=question
            is_open=leaving
            keep=Callback::new(move |()| home())
            give_up=Callback::new(move |()| registration.release(Callback::new(move |()| home())))
        >
            <p>"Your seats are held until " {until} ". This address brings you back on this device:"</p>
            <p class="dialog-address">
                {text(move || {
                    registration.order_id.track();
                    format!("{}{}", browser::origin(), registration.own_path("details"))
                })}
            </p>
        </QuestionDialog>
    }
}
