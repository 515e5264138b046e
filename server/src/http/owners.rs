//! Signing in and out, and whose session this is.
//!
//! Every mistake at signing in does the same work and gets the same answer. Attempts are counted per
//! client and per address.
//! Not here: what a session opens (`owner_session.rs`).

use super::body::Body;
use super::limits::Paced;
use super::owner_session::OwnerCookie;
use super::problem::Rejection;
use super::{Door, Route, fresh_id, openapi, queries};
use crate::ledger::stage::{Command, Request};
use crate::owner_codes::Crowded;
use crate::store::{SessionScope, Whose};
use crate::views::conference as conference_view;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use shared::management::{OwnedConference, OwnerView, RequestOwnerCode, SignIn};
use shared::rules::{EMAIL_LENGTH_MAX, email_problem};
use shared::views::ConferenceView;
use shared::{AccessCode, ConferenceId, RefusalCode};
use std::convert::Infallible;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tracing::warn;
use utoipa::openapi::HttpMethod;

/// The most conferences of one owner that are listed, and whose codes sign in.
const CONFERENCES_MAX: u32 = 1_000;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route {
            path: "/api/sign-in".to_owned(),
            handlers: post(sign_in),
            method: HttpMethod::Post,
            operation: openapi::sign_in(),
        },
        Route {
            path: "/api/sign-out".to_owned(),
            handlers: post(sign_out),
            method: HttpMethod::Post,
            operation: openapi::sign_out(),
        },
        Route {
            path: "/api/owner-codes".to_owned(),
            handlers: post(mail_code),
            method: HttpMethod::Post,
            operation: openapi::request_owner_code(),
        },
        Route {
            path: "/api/owner".to_owned(),
            handlers: get(owner),
            method: HttpMethod::Get,
            operation: openapi::owner(),
        },
    ]
}

async fn sign_in(
    State(door): State<Arc<Door>>,
    Paced(client): Paced,
    Ok(cookie): Result<OwnerCookie, Infallible>,
    Body(SignIn { email, access_code }): Body<SignIn>,
) -> Result<(HeaderMap, Json<OwnerView>), Rejection> {
    let email = email.trim().to_lowercase();
    door.sign_ins_by_address.check(&client)?;
    door.sign_ins_by_email.check(&email)?;
    // What nobody can have, where something cannot be looked up as it is.
    let is_possible = email.len() <= EMAIL_LENGTH_MAX && !email.contains(char::is_control);
    let sought = if is_possible { email.as_str() } else { "-" };
    let code = access_code.parse::<AccessCode>();
    let tried = code.as_ref().map_or(AccessCode::from_random(0), |code| *code);
    let hash = door.house.owner_codes.hash(sought, tried).await;
    let hash = hash.map_err(|Crowded| RefusalCode::Busy)?;
    let ledgers = door.house.store.ledgers_by_owner(sought, CONFERENCES_MAX).await?;
    let is_theirs = ledgers.iter().fold(false, |found, ledger| {
        found | bool::from(ledger.owner.code.as_bytes().ct_eq(hash.as_bytes()))
    });
    if code.is_err() || !is_theirs {
        return Err(RefusalCode::SignInFailed.into());
    }
    let cookie = door.begin_session(&cookie, SessionScope::Email(email.clone())).await?;
    let headers = HeaderMap::from_iter([(header::SET_COOKIE, cookie)]);
    Ok((headers, Json(view(&door, &SessionScope::Email(email)).await?)))
}

/// Mails the code of the newest conference, which opens all of that owner. Answers before it looks, so
/// that nobody learns by asking whether an address owns something.
async fn mail_code(
    State(door): State<Arc<Door>>,
    Paced(client): Paced,
    Body(RequestOwnerCode { email }): Body<RequestOwnerCode>,
) -> Result<StatusCode, Rejection> {
    let email = email.trim().to_lowercase();
    door.links_by_address.check(&client)?;
    door.lost_codes_by_email.check(&email)?;
    if email_problem(&email).is_none() {
        tokio::spawn(async move {
            if let Err(rejection) = door.send_code_again(&email).await {
                warn!(code = ?rejection.code, "A lost access code could not be mailed");
            }
        });
    }
    Ok(StatusCode::NO_CONTENT)
}

impl Door {
    async fn send_code_again(&self, email: &str) -> Result<(), Rejection> {
        let newest = self.house.store.ledgers_by_owner(email, 1).await?;
        for ledger in newest {
            let command = Command::SendOwnerCodeAgain { effect_id: fresh_id() };
            let request = Request::of_the_house(command);
            self.house.ledgers.perform(ConferenceId(ledger.ledger), request).await?;
        }
        Ok(())
    }
}

/// Whoever has no session is signed out already.
async fn sign_out(
    State(door): State<Arc<Door>>,
    _: Paced,
    Ok(cookie): Result<OwnerCookie, Infallible>,
) -> Result<(StatusCode, HeaderMap), Rejection> {
    let cookie = door.end_session(&cookie).await?;
    Ok((StatusCode::NO_CONTENT, HeaderMap::from_iter([(header::SET_COOKIE, cookie)])))
}

/// To have no session is an answer here, not a refusal: a desk asks before it knows, and browsers write
/// every refusal into their consoles.
async fn owner(
    State(door): State<Arc<Door>>,
    Ok(cookie): Result<OwnerCookie, Infallible>,
) -> Result<Response, Rejection> {
    match door.session_if_any(&cookie).await? {
        Some(session) => Ok(Json(view(&door, &session.scope).await?).into_response()),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

async fn view(door: &Door, scope: &SessionScope) -> Result<OwnerView, Rejection> {
    let topic = conference_view::TOPIC;
    match scope {
        SessionScope::Email(email) => {
            let store = &door.house.store;
            let kept = store.kept_by(Whose::Owner(email), topic, CONFERENCES_MAX).await?;
            let views = queries::conferences(door, kept).await;
            let conferences = views.iter().map(line).collect();
            Ok(OwnerView { email: Some(email.clone()), conferences })
        }
        SessionScope::Ledger(ledger) => {
            let found = queries::any_conference(door, ConferenceId(*ledger)).await?;
            let conferences = found.iter().map(|(_, view)| line(view)).collect();
            Ok(OwnerView { email: None, conferences })
        }
    }
}

fn line(view: &ConferenceView) -> OwnedConference {
    let sum = |of: fn(&shared::views::SeatTypeView) -> u32| view.seat_types.iter().map(of).sum();
    OwnedConference {
        slug: view.slug.clone(),
        name: view.name.clone(),
        location: view.location.clone(),
        starts_at: view.starts_at,
        ends_at: view.ends_at,
        time_zone: view.time_zone.clone(),
        is_published: view.is_published,
        sold: sum(|line| line.sold),
        held: sum(|line| line.held),
        quota: sum(|line| line.quota),
    }
}
