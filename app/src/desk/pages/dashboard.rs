//! What is sold, held and left; until there is anything to sell, what is left to do.

use crate::desk::arrival::arrive;
use crate::desk::parts::checklist::{self, Checklist};
use crate::desk::session::{Session, use_session};
use crate::erased::{each, either, memo, text};
use leptos::prelude::*;
use shared::views::SeatTypeView;

/// A number of a seat type.
type Part = fn(&SeatTypeView) -> u32;

/// The page.
#[component]
pub fn DashboardPage() -> impl IntoView {
    let session = use_session();
    arrive(|| "Dashboard".to_owned(), || false);
    let is_known = memo(move || session.conference(|_| ()).is_some());
    let is_new = memo(move || checklist::is_wanted(session));
    view! {
        <div class="main desk-page">
            <h1 tabindex="-1">"Dashboard"</h1>
            {either(move || is_known.get(), move || {
                either(move || is_new.get(), || view! { <Checklist /> }.into_any(), move || tiles(session))
            }, || view! { <p class="loading">"Counting the seats…"</p> }.into_any())}
        </div>
    }
}

/// All of one snapshot, so they add up in every frame.
fn tiles(session: Session) -> AnyView {
    let sum = move |of: Part| {
        let all =
            |view: &shared::views::ConferenceView| view.seat_types.iter().map(of).sum::<u32>();
        session.conference(all).unwrap_or_default()
    };
    let tiles: [(&str, Part); 3] =
        [("Sold", |it| it.sold), ("Held", |it| it.held), ("Left", SeatTypeView::remaining)];
    view! {
        <dl class="tiles">
            {each(tiles, |(name, of)| view! {
                <div class="tile"><dt>{name}</dt><dd>{text(move || sum(of).to_string())}</dd></div>
            }.into_any())}
        </dl>
    }
    .into_any()
}
