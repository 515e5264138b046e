//! `POST /api/commands/<name>`: a body becomes a command for a ledger, and its answer an answer. The
//! payment provider's callbacks come in here too, because they are commands as well.
//!
//! Not here: any rule. What a decision needs from outside (a fresh code, where to pay) is added here.

use super::body::{Body, read};
use super::limits::Paced;
use super::problem::Rejection;
use super::session::{Caller, Client};
use super::{Door, Route, openapi};
use crate::ledger::Failure;
use crate::ledger::stage::{Authority, Command, Request};
use crate::payment_gateway::{Callback, Outcome};
use axum::Json;
use axum::extract::{Request as HttpRequest, State};
use axum::http::HeaderMap;
use axum::routing::post;
use serde::de::DeserializeOwned;
use shared::commands::{
    Accepted, AssignRegistrantDetails, AssignSeat, BrowserCommand, CancelRegistration,
    CheckPayment, CompleteRegistration, ExtendSeatReservation, InitiatePayment,
    RegisterToConference, ReleaseHold, SendConfirmationAgain, UnassignSeat,
};
use shared::{AccessCode, CommandId, ConferenceId, OrderId, RefusalCode, Ticket};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa::openapi::HttpMethod;

/// The provider's signature over a callback.
const SIGNATURE: &str = "payment-signature";

/// A command on its way to the ledger of a conference.
struct Filed {
    command_id: CommandId,
    /// Slug.
    conference: String,
    command: Command,
}

/// A browser's command and what the ledger is asked for it.
trait Filing: BrowserCommand + DeserializeOwned + ToSchema + Send + 'static {
    /// What this command can be refused for, beyond what any command can.
    const REFUSALS: &'static [RefusalCode];

    /// The order that this command may begin.
    fn begins(&self) -> Option<OrderId> {
        None
    }

    fn file(self, door: &Door) -> Result<Filed, Rejection>;

    /// How often somebody may send it, beyond what holds for any command.
    fn pace(&self, _: &Door, _: Client) -> Result<(), Rejection> {
        Ok(())
    }
}

/// One row per command.
pub(super) fn routes() -> Vec<Route> {
    vec![
        route::<RegisterToConference>(),
        route::<AssignRegistrantDetails>(),
        route::<ExtendSeatReservation>(),
        route::<ReleaseHold>(),
        route::<CompleteRegistration>(),
        route::<InitiatePayment>(),
        route::<CheckPayment>(),
        route::<AssignSeat>(),
        route::<UnassignSeat>(),
        route::<CancelRegistration>(),
        route::<SendConfirmationAgain>(),
        Route {
            path: "/api/payment-callbacks".to_owned(),
            handlers: post(accept_callback),
            method: HttpMethod::Post,
            operation: openapi::callback(SIGNATURE),
        },
    ]
}

fn route<C: Filing>() -> Route {
    Route {
        path: format!("/api/commands/{}", C::ROUTE),
        handlers: post(perform::<C>),
        method: HttpMethod::Post,
        operation: openapi::command::<C>(C::REFUSALS),
    }
}

async fn perform<C: Filing>(
    State(door): State<Arc<Door>>,
    Paced(client): Paced,
    Ok(caller): Result<Caller, std::convert::Infallible>,
    Body(command): Body<C>,
) -> Result<Json<Accepted>, Rejection> {
    if caller == Caller::Nobody {
        return Err(RefusalCode::TokenMissing.into());
    }
    command.pace(&door, client)?;
    let begins = command.begins();
    let Filed { command_id, conference, command } = command.file(&door)?;
    let ledger = door.find(&conference).await?;
    if let Some(order_id) = begins {
        may_begin(&door, ledger, order_id).await?;
    }
    let house = &door.house;
    let authority = caller.authority(ledger, house.clock.now(), &house.config.secrets)?;
    let command_id = Some(command_id);
    let request = Request { command_id, authority, effect_done: None, command };
    let answer = house.ledgers.perform(ledger, request).await?;
    Ok(Json(Accepted { position: answer.position, pay_at: answer.pay_at }))
}

/// During maintenance only an order that is placed already goes on. It is asked for only then.
async fn may_begin(door: &Door, ledger: ConferenceId, id: OrderId) -> Result<(), Rejection> {
    let Err(maintenance) = door.house.maintenance.check() else { return Ok(()) };
    match door.house.ledgers.order(ledger, id, Authority::House).await {
        Ok(_) => Ok(()),
        Err(Failure::Refused(refusal)) if refusal.code == RefusalCode::OrderNotFound => {
            Err(maintenance.into())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// A repeated callback finds nothing left to do and gets the same yes.
async fn accept_callback(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    request: HttpRequest,
) -> Result<Json<Accepted>, Rejection> {
    let body = read(request).await?;
    let signature = headers.get(SIGNATURE).and_then(|signature| signature.to_str().ok());
    let signature = signature.ok_or(RefusalCode::SignatureInvalid)?;
    let now = door.house.clock.now();
    let callback = door.house.gateway.verify_callback(signature, &body, now)?;
    let Callback { conference, order_id, payment_id, outcome } = callback;
    let command = match outcome {
        Outcome::Completed { amount, reference } => {
            Command::CompletePayment { order_id, payment_id, amount, reference }
        }
        Outcome::Declined { reason } => Command::RejectPayment { order_id, payment_id, reason },
    };
    let ledger = door.find(&conference).await?;
    let answer = door.house.ledgers.perform(ledger, Request::of_the_house(command)).await?;
    Ok(Json(Accepted { position: answer.position, pay_at: None }))
}

impl Filing for RegisterToConference {
    const REFUSALS: &'static [RefusalCode] = &[
        RefusalCode::NoSeatsChosen,
        RefusalCode::QuantityInvalid,
        RefusalCode::TooManySeatTypes,
        RefusalCode::SeatTypeRepeated,
        RefusalCode::SeatTypeUnknown,
        RefusalCode::OverOrderLimit,
        RefusalCode::NotOnSale,
        RefusalCode::OrderAlreadyConfirmed,
        RefusalCode::OrderEnded,
        RefusalCode::PaymentInProgress,
        RefusalCode::Maintenance,
    ];

    fn begins(&self) -> Option<OrderId> {
        Some(self.order_id)
    }

    fn file(self, _: &Door) -> Result<Filed, Rejection> {
        let Self { command_id, conference, order_id, seats } = self;
        let access_code = AccessCode::from_random(u32::from_le_bytes(random()?));
        let command = Command::RegisterToConference { order_id, seats, access_code };
        Ok(Filed { command_id, conference, command })
    }

    /// Each takes seats from everybody else for a while, and costs nothing.
    fn pace(&self, door: &Door, client: Client) -> Result<(), Rejection> {
        door.orders.check(&(client, &self.conference))
    }
}

impl Filing for AssignRegistrantDetails {
    const REFUSALS: &'static [RefusalCode] =
        &[RefusalCode::DetailsInvalid, RefusalCode::OrderAlreadyConfirmed, RefusalCode::OrderEnded];

    fn file(self, _: &Door) -> Result<Filed, Rejection> {
        let Self { command_id, conference, order_id, registrant } = self;
        let command = Command::AssignRegistrantDetails { order_id, registrant };
        Ok(Filed { command_id, conference, command })
    }
}

impl Filing for ExtendSeatReservation {
    const REFUSALS: &'static [RefusalCode] = &[
        RefusalCode::SeatsNotHeld,
        RefusalCode::HoldNotExtendable,
        RefusalCode::ExtensionsUsedUp,
        RefusalCode::OrderAlreadyConfirmed,
        RefusalCode::OrderEnded,
    ];

    fn file(self, _: &Door) -> Result<Filed, Rejection> {
        let Self { command_id, conference, order_id } = self;
        let command = Command::ExtendSeatReservation { order_id };
        Ok(Filed { command_id, conference, command })
    }
}

impl Filing for ReleaseHold {
    const REFUSALS: &'static [RefusalCode] =
        &[RefusalCode::OrderAlreadyConfirmed, RefusalCode::PaymentInProgress];

    fn file(self, _: &Door) -> Result<Filed, Rejection> {
        let Self { command_id, conference, order_id } = self;
        Ok(Filed { command_id, conference, command: Command::ReleaseHold { order_id } })
    }
}

impl Filing for CompleteRegistration {
    const REFUSALS: &'static [RefusalCode] = &[
        RefusalCode::SeatsNotHeld,
        RefusalCode::RegistrantMissing,
        RefusalCode::PaymentRequired,
        RefusalCode::OrderEnded,
    ];

    fn file(self, _: &Door) -> Result<Filed, Rejection> {
        let Self { command_id, conference, order_id } = self;
        Ok(Filed { command_id, conference, command: Command::CompleteRegistration { order_id } })
    }
}

impl Filing for InitiatePayment {
    const REFUSALS: &'static [RefusalCode] = &[
        RefusalCode::SeatsNotHeld,
        RefusalCode::RegistrantMissing,
        RefusalCode::NothingToPay,
        RefusalCode::TotalChanged,
        RefusalCode::PaymentInProgress,
        RefusalCode::OrderAlreadyConfirmed,
        RefusalCode::OrderEnded,
    ];

    fn file(self, door: &Door) -> Result<Filed, Rejection> {
        let Self { command_id, conference, order_id, payment_id, total } = self;
        let pay_at = door.house.gateway.pay_at(&conference, order_id, payment_id, total);
        let command = Command::InitiatePayment { order_id, payment_id, total, pay_at };
        Ok(Filed { command_id, conference, command })
    }
}

impl Filing for CheckPayment {
    const REFUSALS: &'static [RefusalCode] = &[RefusalCode::PaymentNotFound];

    fn file(self, _: &Door) -> Result<Filed, Rejection> {
        let Self { command_id, conference, order_id, payment_id } = self;
        let command = Command::CheckPayment { order_id, payment_id };
        Ok(Filed { command_id, conference, command })
    }
}

impl Filing for AssignSeat {
    const REFUSALS: &'static [RefusalCode] = &[
        RefusalCode::DetailsInvalid,
        RefusalCode::OrderNotConfirmed,
        RefusalCode::SeatPositionUnknown,
        RefusalCode::AssignmentClosed,
        RefusalCode::AlreadyAdmitted,
    ];

    fn file(self, _: &Door) -> Result<Filed, Rejection> {
        let Self { command_id, conference, order_id, position, attendee } = self;
        let ticket = Ticket::from_random(u128::from_le_bytes(random()?));
        let command = Command::AssignSeat { order_id, position, attendee, ticket };
        Ok(Filed { command_id, conference, command })
    }
}

impl Filing for UnassignSeat {
    const REFUSALS: &'static [RefusalCode] = &[
        RefusalCode::OrderNotConfirmed,
        RefusalCode::SeatPositionUnknown,
        RefusalCode::AssignmentClosed,
        RefusalCode::AlreadyAdmitted,
    ];

    fn file(self, _: &Door) -> Result<Filed, Rejection> {
        let Self { command_id, conference, order_id, position } = self;
        Ok(Filed { command_id, conference, command: Command::UnassignSeat { order_id, position } })
    }
}

impl Filing for CancelRegistration {
    const REFUSALS: &'static [RefusalCode] = &[
        RefusalCode::OrderNotConfirmed,
        RefusalCode::CancellationClosed,
        RefusalCode::AlreadyAdmitted,
    ];

    fn file(self, _: &Door) -> Result<Filed, Rejection> {
        let Self { command_id, conference, order_id } = self;
        Ok(Filed { command_id, conference, command: Command::CancelRegistration { order_id } })
    }
}

impl Filing for SendConfirmationAgain {
    const REFUSALS: &'static [RefusalCode] = &[RefusalCode::OrderNotConfirmed];

    fn file(self, _: &Door) -> Result<Filed, Rejection> {
        let Self { command_id, conference, order_id } = self;
        Ok(Filed { command_id, conference, command: Command::SendConfirmationAgain { order_id } })
    }
}

/// An access code opens an order and a ticket a door, so they come from the operating system.
fn random<const N: usize>() -> Result<[u8; N], Rejection> {
    let mut random = [0; N];
    getrandom::fill(&mut random).map_err(|error| {
        tracing::error!(%error, "The operating system gives no randomness");
        Rejection::from(Failure::Unavailable)
    })?;
    Ok(random)
}
