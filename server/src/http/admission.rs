//! What an owner does for single people: lets them in, and sends them their confirmation again.
//!
//! Not here: who owns what (`owner_session.rs`), and when a ticket is good
//! (`domain/seat_assignments.rs`).

use super::body::Body;
use super::limits::Paced;
use super::owner_session::OwnerCookie;
use super::problem::Rejection;
use super::{Door, Route, openapi};
use crate::ledger::stage::{Command, Request};
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use shared::commands::Accepted;
use shared::management::{Admission, AdmitAttendee, OwnerCommand, ResendConfirmation};
use shared::{OrderId, RefusalCode, Ticket};
use std::convert::Infallible;
use std::sync::Arc;
use utoipa::openapi::HttpMethod;

pub(super) fn routes() -> Vec<Route> {
    let resend_refusals =
        [RefusalCode::OrderNotFound, RefusalCode::OrderNotConfirmed, RefusalCode::TooManyRequests];
    vec![
        Route {
            path: format!("/api/commands/{}", AdmitAttendee::ROUTE),
            handlers: post(admit),
            method: HttpMethod::Post,
            operation: openapi::admit_attendee(),
        },
        Route {
            path: format!("/api/commands/{}", ResendConfirmation::ROUTE),
            handlers: post(resend),
            method: HttpMethod::Post,
            operation: openapi::owner_command::<ResendConfirmation>(&resend_refusals),
        },
    ]
}

/// A ticket that is not good is answered alike, whatever is wrong with it.
async fn admit(
    State(door): State<Arc<Door>>,
    _: Paced,
    Ok(owner): Result<OwnerCookie, Infallible>,
    Body(command): Body<AdmitAttendee>,
) -> Result<Json<Admission>, Rejection> {
    let AdmitAttendee { command_id, conference, ticket } = command;
    let ledger = door.owned(&owner, &conference).await?;
    let ticket: Ticket = ticket.parse().map_err(|_| RefusalCode::TicketUnknown)?;
    let house = &door.house;
    let found = house.store.find_ticket(ledger.0, ticket.as_str()).await?;
    let (process, position) = found.ok_or(RefusalCode::TicketUnknown)?;
    let command = Command::AdmitAttendee { order_id: OrderId(process), position, ticket };
    let request = Request { command_id: Some(command_id), ..Request::of_the_house(command) };
    let answer = house.ledgers.perform(ledger, request).await?;
    let admission = answer.admission.ok_or(RefusalCode::TicketUnknown)?;
    Ok(Json(*admission))
}

async fn resend(
    State(door): State<Arc<Door>>,
    _: Paced,
    Ok(owner): Result<OwnerCookie, Infallible>,
    Body(command): Body<ResendConfirmation>,
) -> Result<Json<Accepted>, Rejection> {
    let ResendConfirmation { command_id, conference, order_id } = command;
    let ledger = door.owned(&owner, &conference).await?;
    let command = Command::SendConfirmationAgain { order_id };
    let request = Request { command_id: Some(command_id), ..Request::of_the_house(command) };
    let answer = door.house.ledgers.perform(ledger, request).await?;
    Ok(Json(Accepted { position: answer.position, pay_at: None }))
}
