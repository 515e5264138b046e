//! The first page of choosing seats: its number boxes are real, so that somebody on a slow line can
//! begin before the app is there. The app takes over what was typed (`app/src/early.rs`); its buttons
//! wait for it.
//!
//! The markup of `app/src/components/{steps,seat_row,quantity}.rs`. Change both together.

use super::dates;
use crate::html::Escaped;
use shared::Timestamp;
use shared::rules::SEATS_PER_TYPE_MAX;
use shared::sale::availability_words;
use shared::views::{ConferenceView, SeatTypeView};

/// What stands in the place of the app.
pub(super) fn body(view: &ConferenceView, title: &str, now: Timestamp) -> String {
    let steps: String = ["Details", if is_free(view) { "Check" } else { "Payment" }, "Done"]
        .iter()
        .map(|step| format!("<li class=\"steps-item\"><span>{step}</span></li>"))
        .collect();
    let rows: String = view.seat_types.iter().map(|it| row(it, now, &view.time_zone)).collect();
    format!(
        "<main id=\"main\"><div class=\"main flow\">\
         <nav class=\"steps\" aria-label=\"Steps\"><ol class=\"steps-list\">\
         <li class=\"steps-item\" aria-current=\"step\"><span>Seats</span></li>{steps}</ol></nav>\
         <div class=\"flow-grid\"><div class=\"flow-main\"><h1>{title}</h1>\
         <p class=\"live-mark\"><span class=\"live-mark-words\">Connecting…</span>\
         <button class=\"button button-quiet\" disabled>Pause</button></p>\
         <div class=\"seat-rows\">{rows}</div></div>\
         <aside class=\"reserve-bar\"><h2 class=\"reserve-bar-title\">Your seats</h2>\
         <p class=\"order-summary-total\"><span>Total, 0 seats</span><strong></strong></p>\
         <button class=\"button button-primary reserve-bar-act\" disabled>Loading…</button>\
         <p class=\"order-summary-note\">Taxes and fees included. Nothing is charged yet.</p>\
         </aside></div></div></main>",
        title = Escaped(title),
    )
}

fn is_free(view: &ConferenceView) -> bool {
    !view.seat_types.is_empty() && view.seat_types.iter().all(|it| it.price.is_zero())
}

fn row(seat_type: &SeatTypeView, now: Timestamp, zone: &str) -> String {
    let (words, kind) = availability_words(seat_type, now, 0, &|at| dates::day_and_time(at, zone));
    let can_choose = seat_type.availability(now, 0).has_some();
    format!(
        "<fieldset class=\"seat-row{off}\"><legend class=\"seat-row-name\">{name}</legend>\
         <div class=\"seat-row-facts\"><p class=\"seat-row-includes\">{includes}</p>\
         <p class=\"availability availability-{kind}\">{words}</p>{capacity}</div>\
         <p class=\"seat-row-price\">{price}</p>\
         <div class=\"seat-row-choice\">{choice}</div></fieldset>",
        off = if can_choose { "" } else { " seat-row-off" },
        name = Escaped(&seat_type.name),
        includes = Escaped(&seat_type.description),
        words = Escaped(&words),
        capacity = super::pages::capacity(seat_type),
        price = Escaped(&super::pages::price_words(seat_type)),
        choice = if can_choose { number_box(seat_type) } else { String::new() },
    )
}

fn number_box(seat_type: &SeatTypeView) -> String {
    let (id, name) = (seat_type.id, Escaped(&seat_type.name));
    let most = seat_type.remaining().min(seat_type.per_order_max).min(SEATS_PER_TYPE_MAX);
    format!(
        "<div class=\"quantity\">\
         <button class=\"quantity-step\" tabindex=\"-1\" disabled aria-label=\"One seat fewer, {name}\">−</button>\
         <input class=\"quantity-box\" id=\"seats-{id}\" type=\"number\" min=\"0\" max=\"{most}\" step=\"1\" \
         inputmode=\"numeric\" aria-label=\"Seats, {name}\" value=\"0\" autocomplete=\"off\" />\
         <button class=\"quantity-step\" tabindex=\"-1\" disabled aria-label=\"One seat more, {name}\">+</button>\
         <p class=\"quantity-note\"></p></div>"
    )
}
