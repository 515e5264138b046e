//! What is sold, held and left, how it goes, and what just happened, all live; until there is anything
//! to sell, what is left to do.
//!
//! Not here: when it is painted (`watching.rs`), and the drawings (`parts/`).

use crate::desk::arrival::arrive;
use crate::desk::parts::checklist::{self, Checklist};
use crate::desk::parts::happenings_list::HappeningsList;
use crate::desk::parts::number_tiles::NumberTiles;
use crate::desk::parts::public_link::PublicLink;
use crate::desk::parts::sales_chart::SalesChart;
use crate::desk::parts::seats_chart::SeatsChart;
use crate::desk::parts::short_orders::ShortOrdersPanel;
use crate::desk::session::use_session;
use crate::desk::watching::Watching;
use crate::erased::{either, flag, memo, press, text};
use leptos::prelude::*;

/// The page.
#[component]
pub fn DashboardPage() -> impl IntoView {
    let session = use_session();
    arrive(|| "Dashboard".to_owned(), || false);
    let is_new = memo(move || checklist::is_wanted(session));
    view! {
        <div class="main desk-page dashboard">
            {either(move || is_new.get(), || view! {
                <h1 tabindex="-1">"Dashboard"</h1>
                <Checklist />
            }.into_any(), move || numbers(Watching::start(session)))}
        </div>
    }
}

fn numbers(watching: Watching) -> AnyView {
    view! {
        <div class="desk-head">
            <h1 tabindex="-1">"Dashboard"</h1>
            {live_switch(watching)}
        </div>
        <NumberTiles watching=watching />
        <div class="dashboard-grid">
            <div class="dashboard-drawings">
                <SeatsChart watching=watching />
                <SalesChart watching=watching />
                <ShortOrdersPanel watching=watching />
                <section class="desk-panel" aria-labelledby="share">
                    <h2 id="share">"Share the link"</h2>
                    <PublicLink />
                </section>
            </div>
            <HappeningsList watching=watching />
        </div>
    }
    .into_any()
}

/// "Live · Pause" for the whole page, or since when it stands still.
fn live_switch(watching: Watching) -> impl IntoView {
    view! {
        <p class="live-mark" class:live-mark-on=flag(move || watching.is_live())>
            <span class="live-mark-words">{text(move || watching.words())}</span>
            <button class="button button-quiet" on:click=press(move || watching.toggle())>
                {text(move || if watching.is_paused() { "Resume" } else { "Pause" })}
            </button>
        </p>
    }
}
