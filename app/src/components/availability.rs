//! How many seats of a type are left: a chip with words and a thin bar of what is taken.
//!
//! Not here: the limits of a number box (`components/quantity.rs`).

use crate::dates;
use crate::erased::{block, text};
use crate::fact::Fact;
use leptos::prelude::*;
use shared::views::SeatTypeView;
use shared::{Timestamp, sale};

/// The words and the CSS modifier for one availability.
#[must_use]
pub fn words(
    seat_type: &SeatTypeView,
    now: Timestamp,
    mine: u32,
    zone: &str,
) -> (String, &'static str) {
    sale::availability_words(seat_type, now, mine, &|at| dates::day_and_time(at, zone))
}

/// The chip. Fades once when its words change.
#[component]
pub fn AvailabilityChip(words: Fact<(String, &'static str)>) -> impl IntoView {
    // A change fades once; the first words are simply there.
    let is_first = StoredValue::new(true);
    let changing = move || {
        let words = words.with(|(words, _)| words.clone());
        let class = if is_first.get_value() { "" } else { "availability-changed" };
        is_first.set_value(false);
        view! { <span class=class>{words}</span> }
    };
    view! {
        <p class=text(move || format!("availability availability-{}", words.with(|(_, kind)| *kind)))>
            {block(changing)}
        </p>
    }
}

/// The share of the quota that is sold or held, in percent. A picture of the chip's words: hidden
/// from assistive technology.
#[component]
pub fn CapacityBar(sold: Signal<u32>, held: Signal<u32>) -> impl IntoView {
    let width = |percent: u32| format!("{}%", percent.min(100));
    view! {
        <svg class="capacity" aria-hidden="true" focusable="false">
            <rect class="capacity-quota" width="100%" height="100%" rx="2"></rect>
            <rect
                class="capacity-held"
                width=text(move || width(sold.get() + held.get()))
                height="100%"
                rx="2"
            ></rect>
            <rect class="capacity-sold" width=text(move || width(sold.get())) height="100%" rx="2"></rect>
        </svg>
    }
}

/// A part of the quota in whole percent, rounded up so that one seat can be seen.
#[must_use]
pub const fn percent(part: u32, quota: u32) -> u32 {
    if quota == 0 { 0 } else { part.saturating_mul(100).div_ceil(quota) }
}
