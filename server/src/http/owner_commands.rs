//! `POST /api/commands/<name>` for owners: the cookie says which conference may be changed.
//!
//! Not here: any rule (`domain/conference.rs`), and the commands of registrants (`commands.rs`).

use super::body::Body;
use super::limits::Paced;
use super::owner_session::OwnerCookie;
use super::problem::Rejection;
use super::{Door, Route, openapi};
use crate::domain::conference::{Command, Details, Owner, OwnerCode, SeatType, Taken};
use crate::ledger::stage::{Command as LedgerCommand, Request};
use crate::owner_codes::Crowded;
use crate::store::{LedgerId, SessionScope};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::routing::post;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use shared::commands::Accepted;
use shared::management::{
    ChangeQuota, CreateConference, CreateSeatType, DeleteSeatType, OwnerCommand, PublishConference,
    RotateOwnerCode, UnpublishConference, UpdateConference, UpdateSeatType,
};
use shared::{CommandId, ConferenceId, RefusalCode};
use std::convert::Infallible;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa::openapi::HttpMethod;
use uuid::Uuid;

/// An owner's command and what the ledger is asked for it.
trait Filing: OwnerCommand + DeserializeOwned + ToSchema + Send + 'static {
    /// What this command can be refused for, beyond what any command of an owner can.
    const REFUSALS: &'static [RefusalCode];

    /// Its id, the slug of its conference, and what it asks for.
    fn file(self) -> (CommandId, String, Command);
}

/// One row per command.
pub(super) fn routes() -> Vec<Route> {
    let create = Route {
        path: path::<CreateConference>(),
        handlers: post(create),
        method: HttpMethod::Post,
        operation: openapi::create_conference(),
    };
    let rotate = Route {
        path: path::<RotateOwnerCode>(),
        handlers: post(rotate),
        method: HttpMethod::Post,
        operation: openapi::owner_command::<RotateOwnerCode>(&[]),
    };
    vec![
        create,
        route::<UpdateConference>(),
        route::<PublishConference>(),
        route::<UnpublishConference>(),
        route::<CreateSeatType>(),
        route::<UpdateSeatType>(),
        route::<DeleteSeatType>(),
        route::<ChangeQuota>(),
        rotate,
    ]
}

fn path<C: OwnerCommand>() -> String {
    format!("/api/commands/{}", C::ROUTE)
}

fn route<C: Filing>() -> Route {
    Route {
        path: path::<C>(),
        handlers: post(perform::<C>),
        method: HttpMethod::Post,
        operation: openapi::owner_command::<C>(C::REFUSALS),
    }
}

async fn perform<C: Filing>(
    State(door): State<Arc<Door>>,
    _: Paced,
    Ok(owner): Result<OwnerCookie, Infallible>,
    Body(command): Body<C>,
) -> Result<Json<Accepted>, Rejection> {
    let (command_id, conference, command) = command.file();
    let ledger = door.owned(&owner, &conference).await?;
    manage(&door, ledger, command_id, command).await
}

async fn manage(
    door: &Door,
    ledger: ConferenceId,
    command_id: CommandId,
    command: Command,
) -> Result<Json<Accepted>, Rejection> {
    door.house.maintenance.check()?;
    let command_id = Some(command_id);
    let command = LedgerCommand::Conference(command);
    let request = Request { command_id, ..Request::of_the_house(command) };
    let answer = door.house.ledgers.perform(ledger, request).await?;
    Ok(Json(Accepted { position: answer.position, pay_at: None }))
}

/// The same command creates the same conference with the same code, so it may be sent again. What is
/// wrong with the form is said before anything costs something.
async fn create(
    State(door): State<Arc<Door>>,
    Paced(client): Paced,
    Ok(cookie): Result<OwnerCookie, Infallible>,
    Body(form): Body<CreateConference>,
) -> Result<(HeaderMap, Json<Accepted>), Rejection> {
    let command_id = form.command_id;
    let ledger = ConferenceId(ledger_of(command_id));
    let code = OwnerCode { id: command_id, hash: String::new() };
    let email = form.owner_email.trim().to_lowercase();
    let name = form.owner_name.trim().to_owned();
    let mut details = Details::of(&form, Owner { name, email: email.clone(), code });
    details.check()?;
    door.house.maintenance.check()?;
    door.conferences_by_address.check(&client)?;
    door.owner_codes_by_email.check(&email)?;
    let hash = hash_of(&door, ledger, &email, command_id).await?;
    details.owner.iter_mut().for_each(|owner| owner.code.hash.clone_from(&hash));
    let accepted = manage(&door, ledger, command_id, Command::CreateConference(details)).await?;
    let mut headers = HeaderMap::new();
    if !opens_already(&door, &cookie, &email).await? {
        let scope = SessionScope::Ledger(ledger.0);
        headers.insert(header::SET_COOKIE, door.begin_session(&cookie, scope).await?);
    }
    Ok((headers, accepted))
}

/// Whoever has signed in with this address needs no session for one conference.
async fn opens_already(door: &Door, cookie: &OwnerCookie, email: &str) -> Result<bool, Rejection> {
    match door.owner_session(cookie).await {
        Ok(session) => Ok(session.scope == SessionScope::Email(email.to_owned())),
        Err(rejection) if rejection.code == RefusalCode::SignInRequired => Ok(false),
        Err(rejection) => Err(rejection),
    }
}

/// Ends the other sessions that the old code may have opened. Who never proved the address ends only
/// those of this conference.
async fn rotate(
    State(door): State<Arc<Door>>,
    _: Paced,
    Ok(cookie): Result<OwnerCookie, Infallible>,
    Body(command): Body<RotateOwnerCode>,
) -> Result<Json<Accepted>, Rejection> {
    let RotateOwnerCode { command_id, conference } = command;
    let ledger = door.owned(&cookie, &conference).await?;
    let session = door.owner_session(&cookie).await?;
    let store = &door.house.store;
    let entry = store.head(ledger.0).await?.ok_or(RefusalCode::ConferenceNotFound)?;
    let email = entry.owner.email;
    door.owner_codes_by_email.check(&email)?;
    let hash = hash_of(&door, ledger, &email, command_id).await?;
    let code = OwnerCode { id: command_id, hash };
    let accepted = manage(&door, ledger, command_id, Command::RotateOwnerCode(code)).await?;
    store.end_sessions(&SessionScope::Ledger(ledger.0), &session.key).await?;
    if let SessionScope::Email(_) = session.scope {
        store.end_sessions(&session.scope, &session.key).await?;
    }
    Ok(accepted)
}

async fn hash_of(
    door: &Door,
    ledger: ConferenceId,
    email: &str,
    command_id: CommandId,
) -> Result<String, Rejection> {
    let codes = &door.house.owner_codes;
    let hash = codes.hash(email, codes.code(ledger, command_id)).await;
    hash.map_err(|Crowded| RefusalCode::Busy.into())
}

/// The ledger that this command creates, whenever it is sent.
fn ledger_of(command_id: CommandId) -> LedgerId {
    let digest = Sha256::digest([b"conference".as_slice(), command_id.0.as_bytes()].concat());
    Uuid::new_v8(std::array::from_fn(|index| digest[index]))
}

impl Filing for UpdateConference {
    const REFUSALS: &'static [RefusalCode] = &[RefusalCode::DetailsInvalid];

    fn file(self) -> (CommandId, String, Command) {
        let Self { command_id, conference, facts } = self;
        (command_id, conference, Command::UpdateConference(facts))
    }
}

impl Filing for PublishConference {
    const REFUSALS: &'static [RefusalCode] = &[RefusalCode::NothingToPublish];

    fn file(self) -> (CommandId, String, Command) {
        (self.command_id, self.conference, Command::PublishConference)
    }
}

impl Filing for UnpublishConference {
    const REFUSALS: &'static [RefusalCode] = &[];

    fn file(self) -> (CommandId, String, Command) {
        (self.command_id, self.conference, Command::UnpublishConference)
    }
}

impl Filing for CreateSeatType {
    const REFUSALS: &'static [RefusalCode] =
        &[RefusalCode::DetailsInvalid, RefusalCode::SeatTypeExists];

    fn file(self) -> (CommandId, String, Command) {
        let Self { command_id, conference, seat_type, facts, quota } = self;
        let command = Command::CreateSeatType(SeatType::of(seat_type, &facts, quota));
        (command_id, conference, command)
    }
}

impl Filing for UpdateSeatType {
    const REFUSALS: &'static [RefusalCode] =
        &[RefusalCode::DetailsInvalid, RefusalCode::SeatTypeUnknown];

    fn file(self) -> (CommandId, String, Command) {
        let Self { command_id, conference, seat_type, facts } = self;
        (command_id, conference, Command::UpdateSeatType { seat_type, facts })
    }
}

impl Filing for DeleteSeatType {
    const REFUSALS: &'static [RefusalCode] = &[RefusalCode::SeatTypeInUse];

    fn file(self) -> (CommandId, String, Command) {
        let Self { command_id, conference, seat_type } = self;
        let command = Command::DeleteSeatType { seat_type, taken: Taken::default() };
        (command_id, conference, command)
    }
}

impl Filing for ChangeQuota {
    const REFUSALS: &'static [RefusalCode] = &[
        RefusalCode::DetailsInvalid,
        RefusalCode::SeatTypeUnknown,
        RefusalCode::QuotaChanged,
        RefusalCode::QuotaTooLow,
    ];

    fn file(self) -> (CommandId, String, Command) {
        let Self { command_id, conference, seat_type, quota, seen } = self;
        let taken = Taken::default();
        (command_id, conference, Command::ChangeQuotaFrom { seen, seat_type, quota, taken })
    }
}
