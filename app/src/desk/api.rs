//! What owners ask of the server. The browser's cookie says who they are; a page never sees it.
//!
//! Not here: what to do about a failure (`session.rs`, pages).

use crate::api::{Failure, read, request};
use serde::de::DeserializeOwned;
use shared::commands::Accepted;
use shared::management::{OwnerCommand, OwnerView, SignIn};

/// Sends an owner's command.
///
/// # Errors
/// Refused, unreachable or faulty.
pub async fn send<C: OwnerCommand>(command: &C) -> Result<Accepted, Failure> {
    ask(command).await
}

/// Sends an owner's command that is answered with more than a position.
///
/// # Errors
/// Refused, unreachable or faulty.
pub async fn ask<C: OwnerCommand, T: DeserializeOwned>(command: &C) -> Result<T, Failure> {
    let body = serde_json::to_string(command).unwrap_or_default();
    read(&request(&format!("/api/commands/{}", C::ROUTE), Some(body), None).await?)
}

/// Gets a list or a document, for instance `/api/manage/rustconf/orders`.
///
/// # Errors
/// Refused, unreachable or faulty.
pub async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Failure> {
    read(&request(path, None, None).await?)
}

/// Whose session this is.
///
/// # Errors
/// Refused when there is none; unreachable or faulty.
pub async fn owner() -> Result<OwnerView, Failure> {
    get("/api/owner").await
}

/// Opens a session; the answer sets its cookie.
///
/// # Errors
/// Refused, unreachable or faulty.
pub async fn sign_in(who: &SignIn) -> Result<(), Failure> {
    let body = serde_json::to_string(who).unwrap_or_default();
    request("/api/sign-in", Some(body), None).await.map(|_| ())
}

/// Ends the session.
///
/// # Errors
/// Refused, unreachable or faulty.
pub async fn sign_out() -> Result<(), Failure> {
    request("/api/sign-out", Some("{}".to_owned()), None).await.map(|_| ())
}
