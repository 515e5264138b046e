//! `GET /api/manage/{slug}/….csv`: whole lists for spreadsheets. They are read page by page as fast as
//! the other side takes them, so a long list needs no more memory than a short one.
//!
//! Not here: how cells are written (`documents/csv.rs`).

use super::attendees::{self, SeatNames};
use super::{Door, OwnerCookie, Rejection, currency, row};
use crate::documents::csv;
use crate::http::path::Path;
use crate::store::lists::{ListPlace, Wanted};
use crate::store::people::AttendeeKey;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream::try_unfold;
use shared::management::{AttendeeRow, OrderRow};
use shared::{ConferenceId, Currency, Money, Timestamp};
use std::convert::Infallible;
use std::sync::Arc;

/// Rows that are read at once.
const ROWS: u32 = 500;

pub(super) async fn orders(
    State(door): State<Arc<Door>>,
    Path(slug): Path<String>,
    Ok(owner): Result<OwnerCookie, Infallible>,
) -> Result<Response, Rejection> {
    let ledger = door.owned(&owner, &slug).await?;
    let currency = currency(&door, ledger).await?;
    let mut beginning = csv::BEGINNING.to_owned();
    csv::write_row(
        &mut beginning,
        [
            "Order",
            "Status",
            "Name",
            "Email",
            "Seats",
            "Total",
            "Currency",
            "Placed (UTC)",
            "Changed (UTC)",
        ],
    );
    let pages = try_unfold((beginning, Some(ListPlace::BEGINNING)), move |(mut page, after)| {
        let door = door.clone();
        async move {
            let Some(after) = after else { return Ok(None) };
            let next = add_orders(&door, (ledger, currency), after, &mut page).await?;
            Ok::<_, Broken>(Some((page, (String::new(), next))))
        }
    });
    Ok(attachment(&format!("{slug}-orders.csv"), pages))
}

pub(super) async fn attendees(
    State(door): State<Arc<Door>>,
    Path(slug): Path<String>,
    Ok(owner): Result<OwnerCookie, Infallible>,
) -> Result<Response, Rejection> {
    let ledger = door.owned(&owner, &slug).await?;
    let names = Arc::new(SeatNames::of(&door, ledger).await?);
    let mut beginning = csv::BEGINNING.to_owned();
    csv::write_row(
        &mut beginning,
        ["Seat type", "Given name", "Family name", "Email", "Order", "Seat", "Admitted (UTC)"],
    );
    let start = Some(AttendeeKey::default());
    let pages = try_unfold((beginning, start), move |(mut page, after)| {
        let (door, names) = (door.clone(), names.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let next = add_attendees(&door, (ledger, &names), &after, &mut page).await?;
            Ok::<_, Broken>(Some((page, (String::new(), next))))
        }
    });
    Ok(attachment(&format!("{slug}-attendees.csv"), pages))
}

/// The store failed in the middle: the other side sees a download that broke off, not a short list.
#[derive(Debug, thiserror::Error)]
#[error("the list broke off")]
pub(super) struct Broken;

impl From<Rejection> for Broken {
    // It was logged when it was made.
    fn from(_: Rejection) -> Self {
        Self
    }
}

/// Adds the rows after a place; says where the next ones begin, if there are any.
async fn add_orders(
    door: &Door,
    (ledger, currency): (ConferenceId, Currency),
    after: ListPlace,
    page: &mut String,
) -> Result<Option<ListPlace>, Rejection> {
    let wanted = Wanted { search: String::new(), status: None, after, limit: ROWS };
    let found = door.house.store.list(ledger.0, &wanted).await?;
    let next = found.last().filter(|_| found.len() == ROWS as usize).map(|last| last.place());
    for listed in found {
        // Said in words; the row has been checked on the way.
        let status = words(&listed.status);
        write_order(page, &row(listed, currency)?, &status);
    }
    Ok(next)
}

/// The same for attendees.
async fn add_attendees(
    door: &Door,
    (ledger, names): (ConferenceId, &SeatNames),
    after: &AttendeeKey,
    page: &mut String,
) -> Result<Option<AttendeeKey>, Rejection> {
    let found = door.house.store.attendees(ledger.0, "", after, ROWS).await?;
    let next =
        found.last().filter(|_| found.len() == ROWS as usize).map(|last| last.attendee.key());
    for listed in found {
        write_attendee(page, &attendees::row(listed, names)?);
    }
    Ok(next)
}

fn write_order(page: &mut String, order: &OrderRow, status: &str) {
    let OrderRow { access_code, name, email, total, .. } = order;
    let cells = [
        &access_code.to_string(),
        status,
        name,
        email,
        &order.seats.to_string(),
        &decimal(*total),
        total.currency.code(),
        &instant(order.placed_at),
        &instant(order.changed_at),
    ];
    csv::write_row(page, cells);
}

fn write_attendee(page: &mut String, attendee: &AttendeeRow) {
    let AttendeeRow { seat_type, given_name, family_name, email, .. } = attendee;
    let cells = [
        seat_type,
        given_name,
        family_name,
        email,
        &attendee.access_code.to_string(),
        // As people count.
        &(attendee.position + 1).to_string(),
        &attendee.admitted_at.map(instant).unwrap_or_default(),
    ];
    csv::write_row(page, cells.map(String::as_str));
}

fn attachment(
    name: &str,
    pages: impl Stream<Item = Result<String, Broken>> + Send + 'static,
) -> Response {
    // The name is made of a slug, which has no odd characters.
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, Body::from_stream(pages)).into_response()
}

/// "partly_held" as "partly held".
fn words(status: &str) -> String {
    status.replace('_', " ")
}

/// An amount that a spreadsheet can add up.
fn decimal(money: Money) -> String {
    let decimals = money.currency.decimals();
    if decimals == 0 {
        return money.minor.to_string();
    }
    let unit = 10_u64.pow(decimals);
    let (sign, minor) = (if money.minor < 0 { "-" } else { "" }, money.minor.unsigned_abs());
    format!("{sign}{}.{:0width$}", minor / unit, minor % unit, width = decimals as usize)
}

/// An instant as spreadsheets understand it.
fn instant(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_instants_are_what_a_spreadsheet_can_read() {
        let euros = |minor| decimal(Money::new(minor, Currency::EUR));
        assert_eq!([euros(0), euros(5), euros(119_400_005)], ["0.00", "0.05", "1194000.05"]);
        assert_eq!(decimal(Money::new(5_000, "JPY".parse().unwrap())), "5000");
        assert_eq!(instant(Timestamp(1_800_014_400_123)), "2027-01-15 12:00:00");
    }
}
