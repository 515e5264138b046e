//! The frame of every page of the desk: header, sections of the conference, banners, footer; and who
//! gets to see which page.
//!
//! Not here: what a page shows (`pages/`), and who somebody is (`session.rs`).

use super::pages::assign::AssignPage;
use super::pages::attendees::AttendeesPage;
use super::pages::check_in::CheckInPage;
use super::pages::conferences::ConferencesPage;
use super::pages::dashboard::DashboardPage;
use super::pages::find_order::FindOrderPage;
use super::pages::new_conference::NewConferencePage;
use super::pages::not_found::{NotFoundPage, UnheardPage};
use super::pages::order_history::OrderHistoryPage;
use super::pages::orders::OrdersPage;
use super::pages::seat_types::SeatTypesPage;
use super::pages::settings::SettingsPage;
use super::pages::sign_in::SignInPage;
use super::pages::tickets::TicketsPage;
use super::place::Place;
use super::session::{HOME, Session, Who};
use crate::arrival::Arrivals;
use crate::components::announcer::{Announcer, AnnouncerRegions};
use crate::components::banner::{ConnectionBanner, ReleaseBanner};
use crate::components::theme_switch::ThemeSwitch;
use crate::erased::{block, each, either, flag, memo, press, show, text};
use crate::live::{self, Live};
use crate::navigation::Go;
use crate::release::reload_unseen;
use crate::{api, browser};
use leptos::{ev, prelude::*};
use shared::RefusalCode;
use std::time::Duration;

/// Time goes on this often.
const TICK_MS: u64 = 500;

/// Where something can be typed, asked or held before a camera.
const TYPING: &str = "form,textarea,dialog[open],video";

/// The sections of a conference: place, address below the conference, name.
const SECTIONS: [(Place, &str, &str); 6] = [
    (Place::Dashboard, "", "Dashboard"),
    (Place::Orders, "orders", "Orders"),
    (Place::Attendees, "attendees", "Attendees"),
    (Place::SeatTypes, "seats", "Seats"),
    (Place::CheckIn, "check-in", "Check-in"),
    (Place::Settings, "settings", "Settings"),
];

/// The program.
#[component]
pub fn Desk() -> impl IntoView {
    let live = Live::start(live::boot());
    provide_context(Arrivals::new());
    let go = Go::start();
    provide_context(go);
    listen_to_the_browser(live);
    let session = Session::start(live, Announcer::new(), go);
    provide_context(session);
    view! {
        <AnnouncerRegions announcer=session.announcer />
        <nav aria-label="Skip">
            <a class="skip-link" href="#main" on:click=move |event: ev::MouseEvent| {
                event.prevent_default();
                browser::focus_id("main");
            }>"Skip to main content"</a>
        </nav>
        {header(session)}
        {sections(session)}
        {banners(session)}
        <main id="main" tabindex="-1">{page(session)}</main>
        {footer(session)}
    }
}

/// Time, network and visibility.
fn listen_to_the_browser(live: Live) {
    let _ = set_interval_with_handle(move || live.tick(), Duration::from_millis(TICK_MS));
    live.tick();
    let _ = window_event_listener(ev::online, move |_| live.try_now());
    let _ = window_event_listener(ev::offline, move |_| live.refresh());
    let _ = window_event_listener(ev::visibilitychange, move |_| {
        if !browser::is_hidden() {
            live.tick();
            live.try_now();
        }
    });
    browser::watch_presses();
}

fn header(session: Session) -> impl IntoView {
    let is_owner = move || session.who.with(|who| matches!(who, Who::Owner(_)));
    view! {
        <header class="site-header">
            <a class="site-brand" href="/" rel="external">
                "Contoso"<span class="site-brand-rest">" Conferences"</span>
            </a>
            {either(move || session.is_registrants(), move || view! {
                <a class="site-place" href=text(move || format!("/{}", session.slug())) rel="external">
                    {text(move || session.live.conference.with(|seen| {
                        seen.as_ref().map(|seen| seen.view.name.clone()).unwrap_or_default()
                    }))}
                </a>
            }.into_any(), || view! {
                <a class="site-place" href=HOME>
                    <span class="desk-wide">"Your conferences"</span>
                    <span class="desk-narrow">"Conferences"</span>
                </a>
            }.into_any())}
            {show(is_owner, move || view! {
                <button class="button button-quiet desk-sign-out" on:click=press(move || session.sign_out())>
                    "Sign out"
                </button>
            }.into_any())}
        </header>
    }
}

/// The conference's name and its sections, once both are known.
fn sections(session: Session) -> impl IntoView {
    let is_inside = memo(move || {
        session.address.with(|address| address.place.needs_session() && !address.slug.is_empty())
            && session.conference(|_| ()).is_some()
    });
    let is_published = move || session.conference(|view| view.is_published).unwrap_or_default();
    let state = move || if is_published() { "Published" } else { "Hidden" };
    view! {
        {show(move || is_inside.get(), move || view! {
            <section class="desk-bar" aria-label="Conference">
                <p class="desk-bar-name">
                    {text(move || session.conference(|view| view.name.clone()).unwrap_or_default())}
                    <span class="desk-state" class:desk-state-public=flag(is_published)>{text(state)}</span>
                </p>
                <nav class="desk-sections" aria-label="Sections">
                    {block(move || each(SECTIONS, |section| section_link(session, section)))}
                </nav>
            </section>
        }.into_any())}
    }
}

fn section_link(
    session: Session,
    (place, section, name): (Place, &'static str, &'static str),
) -> AnyView {
    // An order's history belongs to the orders.
    let is_here = move || {
        let here = session.address.with(|address| address.place);
        let here = if here == Place::OrderHistory { Place::Orders } else { here };
        (here == place).then_some("page")
    };
    view! {
        <a class="desk-section" href=text(move || session.path(section)) aria-current=is_here>{name}</a>
    }
    .into_any()
}

fn banners(session: Session) -> impl IntoView {
    let live = session.live;
    let as_of = memo(move || live.dashboard.with(|seen| seen.as_ref().map(|seen| seen.as_of)));
    let may_reload = memo(move || {
        // Requests come and go without a signal; this is looked at as often as the time.
        live.steady_ms.track();
        live.newer_release.get() && !api::is_waiting()
    });
    // Here not everything that is typed is kept, so a page where something can be typed stays.
    let is_clean = memo(move || {
        live.steady_ms.track();
        may_reload.get() && browser::find(TYPING).is_none()
    });
    reload_unseen(live, is_clean);
    view! {
        <ConnectionBanner
            connection=live.connection
            as_of=as_of
            announcer=session.announcer
            try_now=Callback::new(move |()| live.try_now())
        />
        <ReleaseBanner is_shown=may_reload />
    }
}

/// The page of the address, for those who may see it.
fn page(session: Session) -> AnyView {
    let place = memo(move || session.address.with(|address| address.place));
    let gate = memo(move || match place.get() {
        place if !place.needs_session() => Gate::Open,
        _ => session.who.with(|who| match who {
            Who::Asking => Gate::Waiting,
            Who::Owner(_) => Gate::Open,
            Who::Nobody => Gate::Closed,
            Who::Unheard(_) => Gate::Unheard,
        }),
    });
    let is_missing = memo(move || session.refusal() == Some(RefusalCode::ConferenceNotFound));
    block(move || match gate.get() {
        Gate::Waiting => view! { <p class="main loading">"Opening your desk…"</p> }.into_any(),
        Gate::Closed => view! { <SignInPage /> }.into_any(),
        Gate::Unheard => view! { <UnheardPage /> }.into_any(),
        Gate::Open => either(
            move || is_missing.get(),
            || view! { <NotFoundPage /> }.into_any(),
            move || open_page(place.get()),
        ),
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gate {
    Waiting,
    Open,
    Closed,
    Unheard,
}

fn open_page(place: Place) -> AnyView {
    match place {
        Place::Conferences => view! { <ConferencesPage /> }.into_any(),
        Place::NewConference => view! { <NewConferencePage /> }.into_any(),
        Place::Dashboard => view! { <DashboardPage /> }.into_any(),
        Place::Settings => view! { <SettingsPage /> }.into_any(),
        Place::SeatTypes => view! { <SeatTypesPage /> }.into_any(),
        Place::Orders => view! { <OrdersPage /> }.into_any(),
        Place::OrderHistory => view! { <OrderHistoryPage /> }.into_any(),
        Place::Attendees => view! { <AttendeesPage /> }.into_any(),
        Place::CheckIn => view! { <CheckInPage /> }.into_any(),
        Place::FindOrder => view! { <FindOrderPage /> }.into_any(),
        Place::Assign => view! { <AssignPage /> }.into_any(),
        Place::Tickets => view! { <TicketsPage /> }.into_any(),
        Place::Nowhere => view! { <NotFoundPage /> }.into_any(),
    }
}

fn footer(session: Session) -> impl IntoView {
    // Registrants' orders are opened by a token, which is no cookie.
    let note = move || {
        if session.is_registrants() {
            "No account, no cookies, no trackers."
        } else {
            "One cookie, to know that it is you. No trackers."
        }
    };
    view! {
        <footer class="site-footer">
            <ThemeSwitch />
            <p class="site-footer-note">{text(note)}</p>
        </footer>
    }
}
