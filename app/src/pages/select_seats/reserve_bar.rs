//! The bar that reserves: what is chosen, what it costs, and what pressing does.
//!
//! Not here: whether pressing goes on at once (`shared::rules::is_plenty` decides on a fresh view).

use super::{Choosing, quantity_of};
use crate::components::order_summary::{summary_line, total_words};
use crate::components::seat_row;
use crate::erased::{block, flag, mark, memo, press, text};
use crate::order_state::OrderState;
use crate::registration::held_seats;
use crate::saved::Saved;
use crate::{browser, format};
use leptos::prelude::*;
use shared::commands::SeatQuantity;
use shared::rules::{VIEW_FRESH_MS, check_registrant, is_plenty};

impl Choosing {
    fn seats(self) -> u32 {
        self.registration.saved.with(|saved| saved.seats.iter().map(|line| line.quantity).sum())
    }

    pub(super) fn reserve_bar(self) -> impl IntoView {
        let registration = self.registration;
        let is_busy = memo(move || {
            let is_refused_or_settled = !registration.state.get().is_asking();
            self.is_waiting.get() && !is_refused_or_settled
        });
        let label = move || {
            let seats = self.seats();
            if is_busy.get() {
                registration.headline()
            } else if self.is_unchanged() {
                "Continue".to_owned()
            } else if registration.state.get().is_holding() {
                "Update my seats".to_owned()
            } else if seats == 0 {
                "Reserve seats".to_owned()
            } else {
                format!("Reserve {}", format::seats(seats))
            }
        };
        let total = move || registration.draft_total().map(total_words).unwrap_or_default();
        view! {
            <aside class="reserve-bar" aria-labelledby="reserve-bar-title">
                <h2 class="reserve-bar-title" id="reserve-bar-title">"Your seats"</h2>
                <ul class="order-summary-lines">
                    {block(move || {
                        registration.draft_lines().into_iter().map(summary_line).collect_view()
                    })}
                </ul>
                <p class="order-summary-total">
                    <span>{text(move || format!("Total, {}", format::seats(self.seats())))}</span>
                    <strong>{total}</strong>
                </p>
                <button
                    class="button button-primary reserve-bar-act"
                    class:button-busy=flag(move || is_busy.get())
                    aria-disabled=mark(move || is_busy.get())
                    on:focus=move |_| registration.live.freshen()
                    on:pointerenter=move |_| registration.live.freshen()
                    on:click=press(move || self.reserve())
                >
                    {label}
                </button>
                <p class="order-summary-note">"Taxes and fees included. Nothing is charged yet."</p>
            </aside>
        }
    }

    fn reserve(self) {
        let registration = self.registration;
        if registration.state.get_untracked().is_asking() {
            return;
        }
        if self.seats() == 0 {
            return self.explain_no_seats();
        }
        if untrack(|| self.is_unchanged()) {
            // Nothing to ask: what is held already goes on.
            return self.is_waiting.set(true);
        }
        if !registration.live.connection.get_untracked().carries_requests() {
            registration.announcer.polite("You're offline. Reserving needs a connection.");
            return;
        }
        if self.must_ask_details_first() {
            if let Some(id) = registration.saved.try_update(Saved::prepared) {
                self.go.to(&registration.step_path(id, "details"));
            }
            return;
        }
        let seats = registration.saved.with_untracked(|saved| saved.seats.clone());
        let goes_on = !registration.state.get_untracked().is_holding() && self.is_sure_of(&seats);
        self.is_waiting.set(!goes_on);
        if let Some(id) = registration.reserve(seats)
            && goes_on
        {
            self.go.to(&registration.step_path(id, "details"));
        }
    }

    /// What is chosen is exactly what is held.
    fn is_unchanged(self) -> bool {
        let registration = self.registration;
        if !matches!(registration.state.get(), OrderState::Held { .. }) {
            return false;
        }
        let held = registration.order(held_seats).unwrap_or_default();
        registration.saved.with(|saved| {
            let is_held = |line: &SeatQuantity| quantity_of(&held, line.seat_type) == line.quantity;
            saved.seats.len() == held.len() && saved.seats.iter().all(is_held)
        })
    }

    fn explain_no_seats(self) {
        let first = self.registration.live.conference.with_untracked(|seen| {
            seen.as_ref().and_then(|seen| seen.view.seat_types.first().map(|s| s.id))
        });
        let Some(box_id) = first.map(seat_row::quantity_id) else { return };
        self.mistakes.set(vec![(box_id.clone(), "Choose at least one seat".to_owned())]);
        request_animation_frame(move || browser::focus_id(&box_id));
    }

    /// In high demand a hold cannot be extended, so everything but paying is asked before it.
    fn must_ask_details_first(self) -> bool {
        let registration = self.registration;
        let is_scarce = registration
            .live
            .conference
            .with_untracked(|seen| seen.as_ref().is_some_and(|seen| seen.view.high_demand));
        let is_new = !registration.state.get_untracked().is_holding();
        let typed = registration.saved.with_untracked(Saved::registrant);
        is_scarce && is_new && check_registrant(&typed).is_err()
    }

    /// True when the server will almost surely grant all of it: plenty, on numbers that are fresh.
    fn is_sure_of(self, seats: &[SeatQuantity]) -> bool {
        let live = self.registration.live;
        let is_live = live.connection.get_untracked().is_live() && !live.is_stale.get_untracked();
        live.conference.with_untracked(|seen| {
            let Some(seen) = seen else { return false };
            let is_fresh = browser::steady_ms() - seen.heard_ms <= VIEW_FRESH_MS;
            let is_plenty = |line: &SeatQuantity| {
                let seat_type = seen.view.seat_type(line.seat_type);
                seat_type.is_some_and(|seat_type| is_plenty(seat_type, line.quantity))
            };
            is_live && is_fresh && seats.iter().all(is_plenty)
        })
    }
}
