//! What people take away: the calendar entry of a published conference, and the tickets of an order for
//! those who have its token.
//!
//! Not here: what stands in them (`documents/`).

use super::path::Path;
use super::problem::Rejection;
use super::session::Caller;
use super::{Door, Route, openapi, queries};
use crate::documents::{calendar, ticket};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Deserialize;
use shared::tickets::Tickets;
use shared::views::OrderStatus;
use shared::{OrderId, RefusalCode};
use std::convert::Infallible;
use std::sync::Arc;
use tracing::error;
use utoipa::openapi::HttpMethod;

pub(super) fn routes() -> Vec<Route> {
    let calendar = Route {
        path: "/api/conferences/{slug}/calendar.ics".to_owned(),
        handlers: get(calendar_file),
        method: HttpMethod::Get,
        operation: openapi::calendar(),
    };
    let tickets = Route {
        path: "/api/tickets/{slug}/{order_id}".to_owned(),
        handlers: get(tickets),
        method: HttpMethod::Get,
        operation: openapi::tickets(),
    };
    vec![calendar, tickets]
}

/// Whose entry it is: an order's, as in its mails, or everybody's. The order's id is no secret.
#[derive(Deserialize)]
struct Whose {
    order: Option<OrderId>,
}

/// The file that a calendar opens.
async fn calendar_file(
    State(door): State<Arc<Door>>,
    Path(slug): Path<String>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<impl IntoResponse, Rejection> {
    let (position, conference) = queries::conference(&door, &slug).await?;
    let home = format!("{}/{}", door.house.public_url, conference.slug);
    let (id, url) = match whose {
        Ok(Query(Whose { order: Some(order) })) => {
            (order.0, format!("{home}/order/{order}/confirmed"))
        }
        Ok(Query(Whose { order: None })) | Err(_) => (conference.id.0, home),
    };
    let entry = calendar::Entry {
        id,
        conference: &conference,
        revision: position,
        url: &url,
        now: door.house.clock.now(),
    };
    // A slug has no character that means anything in a header.
    let name = format!("attachment; filename=\"{}.ics\"", conference.slug);
    let headers = [
        (header::CONTENT_TYPE, calendar::CONTENT_TYPE.to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, calendar::file(&entry)))
}

/// The tickets, for the holder of the order. A conference that was hidden since still lets people in.
async fn tickets(
    State(door): State<Arc<Door>>,
    Path((slug, order_id)): Path<(String, String)>,
    Ok(caller): Result<Caller, Infallible>,
) -> Result<Json<Tickets>, Rejection> {
    if caller == Caller::Nobody {
        return Err(RefusalCode::TokenMissing.into());
    }
    let order_id: OrderId = order_id.parse().map_err(|_| RefusalCode::OrderNotFound)?;
    let house = &door.house;
    let ledger = door.find(&slug).await?;
    let authority = caller.authority(ledger, house.clock.now(), &house.config.secrets)?;
    let (_, order) = house.ledgers.order(ledger, order_id, authority).await?;
    if order.status != OrderStatus::Confirmed {
        return Err(RefusalCode::OrderNotConfirmed.into());
    }
    let conference = queries::any_conference(&door, ledger).await?;
    let (_, conference) = conference.ok_or(RefusalCode::ConferenceNotFound)?;
    let sheet = ticket::tickets(&conference, &order).map_err(|error| {
        error!(%order_id, error = format!("{error:#}"), "Cannot make the tickets");
        RefusalCode::Fault
    })?;
    Ok(Json(sheet))
}
