//! Who comes, and who has come: every named seat, to be searched, and as a file for a spreadsheet.

use crate::dates;
use crate::desk::arrival::arrive;
use crate::desk::parts::searched_list::SearchedList;
use crate::desk::session::Session;
use crate::desk::totals::digits;
use crate::erased::{block, each, text};
use leptos::prelude::*;
use shared::management::{AttendeePage, AttendeeRow};

/// The page.
#[component]
pub fn AttendeesPage() -> impl IntoView {
    arrive(|| "Attendees".to_owned(), || false);
    let list = SearchedList::<AttendeePage>::start();
    let counts = move || {
        let words = |page: &AttendeePage| {
            format!("{} named, {} admitted", digits(page.assigned), digits(page.admitted))
        };
        list.read(words).unwrap_or_else(|| "Looking them up…".to_owned())
    };
    let nothing = move || {
        if list.is_searched() {
            "Nobody fits."
        } else {
            "Nobody yet. Names appear here when registrants give them."
        }
    };
    view! {
        <div class="main desk-page">
            {list.head("Attendees")}
            <p class="desk-soft">{text(counts)}</p>
            {list.form("Name, email or order", ().into_any())}
            {list.answer(nothing, move || table(list))}
        </div>
    }
}

fn table(list: SearchedList<AttendeePage>) -> AnyView {
    view! {
        <table class="desk-table">
            <caption class="unseen">"Attendees, by seat type and name"</caption>
            <thead>
                <tr>
                    <th scope="col">"Who"</th>
                    <th scope="col">"Email"</th>
                    <th scope="col">"Seat"</th>
                    <th scope="col">"Order"</th>
                    <th scope="col">"Admitted"</th>
                </tr>
            </thead>
            <tbody>
                {block(move || each(list.rows(), |row| line(list.session, row)))}
            </tbody>
        </table>
    }
    .into_any()
}

fn line(session: Session, row: AttendeeRow) -> AnyView {
    let href = untrack(|| session.path(&format!("orders/{}", row.order_id)));
    let admitted = move || match row.admitted_at {
        Some(at) => dates::day_and_time(at, &session.zone()),
        None => "Not yet".to_owned(),
    };
    view! {
        <tr>
            <th scope="row">{row.given_name} " " {row.family_name}</th>
            <td>{row.email}</td>
            <td>{row.seat_type}</td>
            <td><a href=href>{row.access_code.to_string()}</a></td>
            <td data-label="Admitted: ">{text(admitted)}</td>
        </tr>
    }
    .into_any()
}
