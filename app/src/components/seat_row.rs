//! One seat type to choose from: what it is, what it costs, how many are left, how many I want.
//!
//! Not here: which numbers are shown while the page is paused (`pages/select_seats.rs`).

use crate::components::availability::{self, AvailabilityChip, CapacityBar};
use crate::components::order_summary::total_words;
use crate::components::quantity::{Limit, Quantity};
use crate::erased::{flag, follow, memo, press, show, text};
use crate::fact::Fact;
use crate::format;
use leptos::prelude::*;
use shared::rules::SEATS_PER_TYPE_MAX;
use shared::views::{Availability, SeatTypeView};
use shared::{SeatTypeId, Timestamp};

/// What a row shows, besides the seat type itself.
#[derive(Clone, Copy)]
pub struct RowFacts {
    pub now: RwSignal<Timestamp>,
    pub zone: Fact<String>,
    /// What I chose.
    pub chosen: Fact<u32>,
    /// What I hold already.
    pub mine: Fact<u32>,
}

/// The element id of a seat type's number box.
#[must_use]
pub fn quantity_id(id: SeatTypeId) -> String {
    format!("seats-{id}")
}

/// The most of a seat type that can be chosen now, and why not more.
#[must_use]
pub fn limit(seat_type: &SeatTypeView, mine: u32) -> Limit {
    let left = seat_type.remaining().saturating_add(mine);
    let per_order = seat_type.per_order_max.min(SEATS_PER_TYPE_MAX);
    if left < per_order {
        let reason = match left {
            0 => "None are left".to_owned(),
            1 => "Only 1 is left".to_owned(),
            _ => format!("Only {left} are left"),
        };
        Limit { most: left, reason }
    } else {
        Limit { most: per_order, reason: format!("{per_order} is the most per order") }
    }
}

/// The row.
#[component]
pub fn SeatRow(
    seat_type: Fact<SeatTypeView>,
    facts: RowFacts,
    changed: Callback<u32>,
) -> impl IntoView {
    let RowFacts { now, zone, chosen, mine } = facts;
    let id = seat_type.with_untracked(|s| s.id);
    let name = seat_type.with_untracked(|s| s.name.clone());
    let words = memo(move || {
        seat_type.with(|s| availability::words(s, now.get(), mine.get(), &zone.get()))
    });
    let availability = memo(move || seat_type.with(|s| s.availability(now.get(), mine.get())));
    let can_choose = memo(move || match availability.get() {
        Availability::Plenty | Availability::Few(_) => true,
        // What was chosen while seats were left stays visible and can be lowered.
        Availability::AllHeld | Availability::SoldOut => 0 < chosen.get(),
        Availability::NotYet | Availability::Ended => false,
    });
    let most = memo(move || seat_type.with(|s| limit(s, mine.get())));
    let share = move |part: fn(&SeatTypeView) -> u32| {
        follow(move || seat_type.with(|s| availability::percent(part(s), s.quota)))
    };
    view! {
        <fieldset class="seat-row" class:seat-row-off=flag(move || !can_choose.get())>
            <legend class="seat-row-name">{name.clone()}</legend>
            <div class="seat-row-facts">
                <p class="seat-row-includes">{text(move || seat_type.with(|s| s.description.clone()))}</p>
                <AvailabilityChip words=words />
                <CapacityBar sold=share(|s| s.sold) held=share(|s| s.held) />
            </div>
            <p class="seat-row-price">{text(move || seat_type.with(|s| total_words(s.price)))}</p>
            <div class="seat-row-choice">
                {show(move || can_choose.get(), move || view! {
                    <Quantity
                        id=quantity_id(id)
                        name=name.clone()
                        value=chosen
                        limit=most
                        changed=changed
                    />
                }.into_any())}
            </div>
            <Shortage chosen=chosen most=most changed=changed availability=availability />
        </fieldset>
    }
}

/// Says that fewer are left than were chosen, and offers to take those. The number itself is not
/// touched.
#[component]
fn Shortage(
    chosen: Fact<u32>,
    most: Fact<Limit>,
    changed: Callback<u32>,
    availability: Fact<Availability>,
) -> impl IntoView {
    let left = memo(move || match availability.get() {
        Availability::Few(left) => left,
        Availability::Plenty => u32::MAX,
        _ => 0,
    });
    let is_short = memo(move || left.get() < chosen.get());
    let sentence = move || {
        let left = match left.get() {
            0 => "None are left now.".to_owned(),
            1 => "Only 1 is left now.".to_owned(),
            left => format!("Only {left} are left now."),
        };
        format!("You chose {}. {left}", chosen.get())
    };
    let take = move || left.get().min(most.with(|limit| limit.most));
    view! {
        {show(move || is_short.get(), move || view! {
            <p class="seat-row-shortage">
                <span>{sentence}</span>
                <button type="button" class="button" on:click=press(move || changed.run(take()))>
                    {text(move || match take() {
                        0 => "Take none".to_owned(),
                        some => format!("Take {some}"),
                    })}
                </button>
            </p>
        }.into_any())}
    }
}

/// The sentence announced when fewer are left than were chosen.
#[must_use]
pub fn shortage_words(name: &str, chosen: u32, left: u32) -> String {
    format!("{name}: you chose {}. {left} left now.", format::seats(chosen))
}
