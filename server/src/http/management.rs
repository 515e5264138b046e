//! `GET /api/manage/{slug}/…`: lists for the owner of a conference, page by page, and the story of one
//! order.
//!
//! Not here: who sits where (`management/attendees.rs`), the same as tables for spreadsheets
//! (`management/tables.rs`), and what an owner may change (`owner_commands.rs`).

mod attendees;
mod tables;

use super::owner_session::OwnerCookie;
use super::path::Path;
use super::problem::Rejection;
use super::{Door, Route, openapi, queries};
use crate::domain::order::Status;
use crate::ledger::stage::Authority;
use crate::store::StoreFault;
use crate::store::lists::{ListPlace, Listed, Wanted};
use crate::views::history;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::handler::Handler;
use axum::routing::get;
use serde::Deserialize;
use shared::management::{AttendeePage, OrderHistory, OrderPage, OrderRow};
use shared::views::OrderStatus;
use shared::{ConferenceId, Currency, Money, OrderId, RefusalCode, Timestamp};
use std::convert::Infallible;
use std::sync::Arc;
use utoipa::openapi::HttpMethod;
use utoipa::openapi::path::Operation;

/// Rows of one page.
const PAGE: usize = 50;
/// One more than is shown says whether there is a next page.
const PAGE_AND_ONE: u32 = PAGE as u32 + 1;
/// Characters of a search; more finds nothing that fewer would not.
const SEARCH_LENGTH_MAX: usize = 100;

/// The stored names of what can be filtered by.
const STATUSES: [(OrderStatus, &str); 6] = [
    (OrderStatus::Reserving, Status::Reserving.name()),
    (OrderStatus::Held, Status::Held.name()),
    (OrderStatus::PartlyHeld, Status::PartlyHeld.name()),
    (OrderStatus::Confirmed, Status::Confirmed.name()),
    (OrderStatus::Expired, Status::Expired.name()),
    (OrderStatus::Cancelled, Status::Cancelled.name()),
];

pub(super) fn routes() -> Vec<Route> {
    let at = |path: &str| format!("/api/manage/{{slug}}/{path}");
    vec![
        route(
            at("orders"),
            orders,
            openapi::list::<OrderPage>("Orders, newest first", &["search", "status", "after"]),
        ),
        route(
            at("orders/{order_id}"),
            order,
            openapi::owned::<OrderHistory>("One order with its history in words", &["order_id"]),
        ),
        route(at("orders.csv"), tables::orders, openapi::table("All orders, newest first")),
        route(
            at("attendees"),
            attendees::attendees,
            openapi::list::<AttendeePage>(
                "Named seats, by seat type and name",
                &["search", "after"],
            ),
        ),
        route(
            at("attendees.csv"),
            tables::attendees,
            openapi::table("All named seats, by seat type and name"),
        ),
    ]
}

fn route<T: 'static>(
    path: String,
    handler: impl Handler<T, Arc<Door>>,
    operation: Operation,
) -> Route {
    Route { path, handlers: get(handler), method: HttpMethod::Get, operation }
}

/// What stands behind the `?` of a list's address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    search: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    after: String,
}

impl Asked {
    fn status(&self) -> Result<Option<&'static str>, Rejection> {
        if self.status.is_empty() {
            return Ok(None);
        }
        let known = STATUSES.iter().find(|(_, name)| *name == self.status);
        let unknown = || Rejection::because(RefusalCode::Malformed, "There is no such status.");
        known.map(|(_, name)| Some(*name)).ok_or_else(unknown)
    }
}

fn asked<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Rejection> {
    let Query(asked) =
        query.map_err(|error| Rejection::because(RefusalCode::Malformed, error.body_text()))?;
    Ok(asked)
}

/// A search as it is compared. What no text of ours has is not worth asking a database for.
fn sought(search: &str) -> String {
    let search = search.trim().chars().filter(|c| !c.is_control());
    search.take(SEARCH_LENGTH_MAX).collect::<String>().to_lowercase()
}

/// Leaves one page of the rows; its last one when more follow.
fn cut<T>(found: &mut Vec<T>) -> Option<&T> {
    let has_more = PAGE < found.len();
    found.truncate(PAGE);
    found.last().filter(|_| has_more)
}

fn no_such_place() -> Rejection {
    Rejection::because(RefusalCode::Malformed, "No list goes on there.")
}

fn unreadable() -> Rejection {
    StoreFault(anyhow::anyhow!("a row of a list cannot be read")).into()
}

async fn orders(
    State(door): State<Arc<Door>>,
    Path(slug): Path<String>,
    Ok(owner): Result<OwnerCookie, Infallible>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<OrderPage>, Rejection> {
    let ledger = door.owned(&owner, &slug).await?;
    let asked = asked(query)?;
    let after = match asked.after.as_str() {
        "" => ListPlace::BEGINNING,
        place => read_place(place).ok_or_else(no_such_place)?,
    };
    let (search, status) = (sought(&asked.search), asked.status()?);
    let wanted = Wanted { search, status, after, limit: PAGE_AND_ONE };
    let mut found = door.house.store.list(ledger.0, &wanted).await?;
    let next = cut(&mut found).map(|last| write_place(last.place()));
    let currency = currency(&door, ledger).await?;
    let orders = found.into_iter().map(|listed| row(listed, currency)).collect::<Result<_, _>>()?;
    Ok(Json(OrderPage { orders, next }))
}

async fn order(
    State(door): State<Arc<Door>>,
    Path((slug, order_id)): Path<(String, String)>,
    Ok(owner): Result<OwnerCookie, Infallible>,
) -> Result<Json<OrderHistory>, Rejection> {
    let ledger = door.owned(&owner, &slug).await?;
    let order_id: OrderId = order_id.parse().map_err(|_| RefusalCode::OrderNotFound)?;
    let house = &door.house;
    let (_, order) = house.ledgers.order(ledger, order_id, Authority::House).await?;
    let events = house.store.read_processes(ledger.0, &[order_id.0]).await?;
    let lines = history::lines(&events).map_err(StoreFault)?;
    Ok(Json(OrderHistory { order, lines }))
}

async fn currency(door: &Door, ledger: ConferenceId) -> Result<Currency, Rejection> {
    let found = queries::any_conference(door, ledger).await?;
    let (_, conference) = found.ok_or(RefusalCode::ConferenceNotFound)?;
    Ok(conference.currency)
}

fn row(listed: Listed, currency: Currency) -> Result<OrderRow, Rejection> {
    let status = STATUSES.iter().find(|(_, name)| *name == listed.status);
    let (Some((status, _)), Ok(access_code)) = (status, listed.code.parse()) else {
        return Err(unreadable());
    };
    Ok(OrderRow {
        id: OrderId(listed.process),
        access_code,
        status: *status,
        name: listed.name,
        email: listed.email,
        seats: listed.seats,
        total: Money::new(listed.total_minor, currency),
        placed_at: Timestamp(listed.placed_at),
        changed_at: Timestamp(listed.changed_at),
    })
}

fn write_place(place: ListPlace) -> String {
    format!("{}.{}", place.placed_at, place.process)
}

fn read_place(text: &str) -> Option<ListPlace> {
    let (placed_at, process) = text.split_once('.')?;
    Some(ListPlace { placed_at: placed_at.parse().ok()?, process: process.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_place_in_a_list_can_be_read_back_and_nothing_else_is_one() {
        let place = ListPlace { placed_at: 1_800_014_400_000, process: Uuid::from_u128(7) };
        assert_eq!(read_place(&write_place(place)), Some(place));
        for wrong in ["", "1", "1.", ".1", "x.y", "1.2", "99999999999999999999.x"] {
            assert_eq!(read_place(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_search_is_short_and_without_control_characters() {
        assert_eq!(sought("  K7M-2QX\0\n "), "k7m-2qx");
        assert_eq!(sought(&"Ä".repeat(5_000)), "ä".repeat(SEARCH_LENGTH_MAX));
    }

    #[test]
    fn every_status_has_the_name_it_has_in_views() {
        for (status, name) in STATUSES {
            assert_eq!(serde_json::to_value(status).unwrap(), name);
        }
    }
}
