//! All orders, newest first: looked for by code, name or e-mail, and by status; as a file for a
//! spreadsheet, too. Asked for once per question; the dashboard is what moves.

use crate::components::order_summary::total_words;
use crate::dates;
use crate::desk::arrival::arrive;
use crate::desk::order_words::{FILTERS, words};
use crate::desk::parts::searched_list::SearchedList;
use crate::desk::session::Session;
use crate::erased::{block, each, text};
use crate::format;
use leptos::prelude::*;
use shared::management::{OrderPage, OrderRow};
use shared::views::OrderStatus;

/// The page.
#[component]
pub fn OrdersPage() -> impl IntoView {
    arrive(|| "Orders".to_owned(), || false);
    let list = SearchedList::<OrderPage>::start();
    let nothing = || "No order fits. Orders appear here as they come in.";
    view! {
        <div class="main desk-page">
            {list.head("Orders")}
            {list.form("Code, name or email", status_box(list.status))}
            {list.answer(nothing, move || table(list))}
        </div>
    }
}

fn status_box(status: RwSignal<String>) -> AnyView {
    view! {
        <div class="field">
            <label class="field-label" for="status">"Status"</label>
            <select
                class="field-box"
                id="status"
                on:change=move |event| status.set(event_target_value(&event))
            >
                {each(FILTERS, |(value, name)| {
                    view! { <option value=value>{name}</option> }.into_any()
                })}
            </select>
        </div>
    }
    .into_any()
}

fn table(list: SearchedList<OrderPage>) -> AnyView {
    view! {
        <table class="desk-table">
            <caption class="unseen">"Orders, newest first"</caption>
            <thead>
                <tr>
                    <th scope="col">"Order"</th>
                    <th scope="col">"Who"</th>
                    <th scope="col">"Status"</th>
                    <th scope="col" class="desk-number">"Seats"</th>
                    <th scope="col" class="desk-number">"Total"</th>
                    <th scope="col">"Placed"</th>
                </tr>
            </thead>
            <tbody>
                {block(move || each(list.rows(), |row| line(list.session, row)))}
            </tbody>
        </table>
    }
    .into_any()
}

fn line(session: Session, row: OrderRow) -> AnyView {
    let who = if row.name.is_empty() { "Not known yet".to_owned() } else { row.name };
    let is_confirmed = row.status == OrderStatus::Confirmed;
    let href = untrack(|| session.path(&format!("orders/{}", row.id)));
    let placed = move || dates::day_and_time(row.placed_at, &session.zone());
    view! {
        <tr>
            <th scope="row"><a href=href>{row.access_code.to_string()}</a></th>
            <td>{who} <span class="desk-soft">{row.email}</span></td>
            <td>
                <span class="desk-state" class:desk-state-public=is_confirmed>{words(row.status)}</span>
            </td>
            <td class="desk-number">{format::seats(row.seats)}</td>
            <td class="desk-number">{total_words(row.total)}</td>
            <td data-label="Placed: ">{text(placed)}</td>
        </tr>
    }
    .into_any()
}
