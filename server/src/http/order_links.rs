//! `POST /api/order-links` and `POST /api/open-order-link`: finding orders without the access code, by
//! links that go to the address they were ordered with.
//!
//! Whoever asks learns nothing: the answer and the work are the same whether there are orders or not,
//! because they are looked for only when the mail is written (`effects.rs`).

use super::body::Body;
use super::limits::Paced;
use super::problem::Rejection;
use super::session::Grant;
use super::{Door, Route, fresh_id, openapi};
use crate::ledger::stage::{Authority, Command, Request};
use crate::order_links;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use shared::commands::{FoundOrder, OpenOrderLink, RequestOrderLinks};
use shared::{ConferenceId, OrderId, RefusalCode, rules};
use std::sync::Arc;
use utoipa::openapi::HttpMethod;

/// How long a link is good.
const LINK_SECONDS: i64 = 24 * 60 * 60;

pub(super) fn routes() -> Vec<Route> {
    let request = Route {
        path: "/api/order-links".to_owned(),
        handlers: post(request_links),
        method: HttpMethod::Post,
        operation: openapi::request_order_links(),
    };
    let open = Route {
        path: "/api/open-order-link".to_owned(),
        handlers: post(open_link),
        method: HttpMethod::Post,
        operation: openapi::open_order_link(),
    };
    vec![request, open]
}

async fn request_links(
    State(door): State<Arc<Door>>,
    Paced(client): Paced,
    Body(wanted): Body<RequestOrderLinks>,
) -> Result<StatusCode, Rejection> {
    let email = wanted.email.trim().to_lowercase();
    door.links_by_address.check(&client)?;
    door.links_by_email.check(&email)?;
    let ledger = find(&door, &wanted.conference).await?;
    // No mail goes to what is no address, and nobody is told that it is none: the page knows.
    if let Some(ledger) = ledger.filter(|_| rules::email_problem(&email).is_none()) {
        let expires_at = door.house.clock.now().plus_seconds(LINK_SECONDS);
        let effect_id = fresh_id();
        let command = Command::RequestOrderLinks { effect_id, email, expires_at };
        door.house.ledgers.perform(ledger, Request::of_the_house(command)).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Every link that is not good is answered alike: used, too old, never mailed, of another conference.
async fn open_link(
    State(door): State<Arc<Door>>,
    Paced(client): Paced,
    Body(wanted): Body<OpenOrderLink>,
) -> Result<Json<FoundOrder>, Rejection> {
    let OpenOrderLink { conference, link } = wanted;
    door.finds_by_address.check(&(client, &conference))?;
    let house = &door.house;
    let now = house.clock.now();
    let ledger = find(&door, &conference).await?.ok_or(RefusalCode::LinkEnded)?;
    let process = house.store.take_link(ledger.0, &order_links::hash(&link), now.0).await?;
    let order_id = OrderId(process.ok_or(RefusalCode::LinkEnded)?);
    house.ledgers.order(ledger, order_id, Authority::Granted(order_id)).await?;
    let token = Grant::issue(ledger, order_id, now, &house.config.secrets);
    Ok(Json(FoundOrder { order_id, token }))
}

async fn find(door: &Door, conference: &str) -> Result<Option<ConferenceId>, Rejection> {
    match door.find(conference).await {
        Ok(ledger) => Ok(Some(ledger)),
        Err(rejection) if rejection.code == RefusalCode::ConferenceNotFound => Ok(None),
        Err(rejection) => Err(rejection),
    }
}
