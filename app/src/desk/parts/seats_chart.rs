//! One bar for each seat type: sold, held and left of its quota, by colour, by pattern and in words. The
//! same numbers are a table, which screen readers always have and everybody else at a press.
//!
//! Not here: where the parts of a bar begin and end (`desk/bars.rs`).

use crate::desk::bars::{Bar, Stretch, percent};
use crate::desk::totals::{Totals, digits};
use crate::desk::watching::Watching;
use crate::erased::{block, each, flag, keyed, memo, press, show, text};
use crate::format;
use leptos::prelude::*;
use shared::dashboard::DashboardView;
use shared::views::SeatTypeView;
use shared::{Money, SeatTypeId};

/// The chart and the table.
#[component]
pub fn SeatsChart(watching: Watching) -> impl IntoView {
    let is_table = RwSignal::new(false);
    let ids = memo(move || {
        let ids =
            |view: &DashboardView| view.conference.seat_types.iter().map(|it| it.id).collect();
        watching.view(ids).unwrap_or_default()
    });
    view! {
        <section class="desk-panel" aria-labelledby="seats">
            <div class="desk-head">
                <h2 id="seats">"Seats"</h2>
                <button
                    class="button button-quiet"
                    aria-pressed=text(move || is_table.get().to_string())
                    on:click=press(move || is_table.update(|is_table| *is_table = !*is_table))
                >
                    "Show as table"
                </button>
            </div>
            {hatching()}
            {show(move || !is_table.get(), move || view! {
                <ul class="seat-bars" aria-hidden="true">{keyed(ids, move |id| bar(watching, id))}</ul>
            }.into_any())}
            <div class:unseen=flag(move || !is_table.get())>{table(watching)}</div>
        </section>
    }
}

/// What held seats are filled with.
fn hatching() -> impl IntoView {
    view! {
        <svg class="hatching" aria-hidden="true" focusable="false" width="0" height="0">
            <defs>
                <pattern id="hatching" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                    <rect class="hatching-ground" width="6" height="6"></rect>
                    <rect class="hatching-line" width="3" height="6"></rect>
                </pattern>
            </defs>
        </svg>
    }
}

fn bar(watching: Watching, id: SeatTypeId) -> AnyView {
    let seat_type =
        memo(move || watching.view(|view| view.conference.seat_type(id).cloned()).flatten());
    let geometry = memo(move || seat_type.with(|it| it.as_ref().map(Bar::of)).unwrap_or_default());
    let part = move |of: fn(&SeatTypeView) -> u32, word: &'static str| {
        let number = move || seat_type.with(|it| it.as_ref().map(of)).unwrap_or_default();
        text(move || format!("{} {word}", digits(number())))
    };
    let from = move |of: fn(&Bar) -> Stretch| text(move || percent(of(&geometry.get()).from));
    let length = move |of: fn(&Bar) -> Stretch| text(move || percent(of(&geometry.get()).length));
    view! {
        <li class="seat-bar">
            <p class="seat-bar-head">
                <span class="seat-bar-name">
                    {text(move || seat_type.with(|it| it.as_ref().map(|it| it.name.clone())).unwrap_or_default())}
                </span>
                <span class="seat-bar-quota">
                    {text(move || seat_type.with(|it| it.as_ref().map(|it| format::seats(it.quota))).unwrap_or_default())}
                </span>
            </p>
            <svg class="seat-bar-drawing" focusable="false">
                <rect class="seat-bar-left" x=from(|bar| bar.left) width=length(|bar| bar.left) height="100%"></rect>
                <rect
                    class="seat-bar-held"
                    fill="url(#hatching)"
                    x=from(|bar| bar.held)
                    width=length(|bar| bar.held)
                    height="100%"
                ></rect>
                <rect class="seat-bar-sold" x=from(|bar| bar.sold) width=length(|bar| bar.sold) height="100%"></rect>
            </svg>
            <p class="seat-bar-words">
                <span class="mark mark-sold">{part(|it| it.sold, "sold")}</span>
                <span class="mark mark-held">{part(|it| it.held, "held")}</span>
                <span class="mark mark-left">{part(SeatTypeView::remaining, "left")}</span>
            </p>
        </li>
    }
    .into_any()
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    name: String,
    numbers: [u32; 4],
    paid: Money,
}

/// A line for each seat type, and the sums, all of one snapshot.
fn rows(view: &DashboardView) -> Vec<Row> {
    let paid_for = |id: SeatTypeId| {
        let of_type = view.revenue.iter().find(|of_type| of_type.seat_type == id);
        of_type.map_or_else(|| Money::zero(view.conference.currency), |of_type| of_type.revenue)
    };
    let of_type = |it: &SeatTypeView| Row {
        name: it.name.clone(),
        numbers: [it.sold, it.held, it.remaining(), it.quota],
        paid: paid_for(it.id),
    };
    let mut rows: Vec<Row> = view.conference.seat_types.iter().map(of_type).collect();
    let Totals { sold, held, left, quota, paid } = Totals::of(view);
    rows.push(Row { name: "All".to_owned(), numbers: [sold, held, left, quota], paid });
    rows
}

fn table(watching: Watching) -> AnyView {
    let rows = memo(move || watching.view(rows).unwrap_or_default());
    view! {
        <table class="desk-numbers">
            <caption class="unseen">"Seats, by type"</caption>
            <thead>
                <tr>
                    <th scope="col">"Seat type"</th>
                    <th scope="col">"Sold"</th>
                    <th scope="col">"Held"</th>
                    <th scope="col">"Left"</th>
                    <th scope="col">"Quota"</th>
                    <th scope="col">"Paid"</th>
                </tr>
            </thead>
            <tbody>
                {block(move || each(rows.get(), |row| view! {
                    <tr>
                        <th scope="row">{row.name}</th>
                        {each(row.numbers, |number| view! { <td>{digits(number)}</td> }.into_any())}
                        <td>{row.paid.to_string()}</td>
                    </tr>
                }.into_any()))}
            </tbody>
        </table>
    }
    .into_any()
}
