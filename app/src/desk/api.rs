//! What owners ask of the server, and strangers who look for their order. The browser's cookie says who
//! an owner is; a page never sees it.
//!
//! Not here: what to do about a failure (`session.rs`, pages).

use crate::api::{Failure, read, request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::commands::Accepted;
use shared::management::{OwnerCommand, OwnerView, RequestOwnerCode, SignIn};

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

/// Asks something that is no command of an owner.
///
/// # Errors
/// Refused, unreachable or faulty.
pub async fn post<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, Failure> {
    let body = serde_json::to_string(body).unwrap_or_default();
    read(&request(path, Some(body), None).await?)
}

/// The same, when the answer is only that it was heard.
///
/// # Errors
/// Refused, unreachable or faulty.
pub async fn post_and_forget(path: &str, body: &impl Serialize) -> Result<(), Failure> {
    let body = serde_json::to_string(body).unwrap_or_default();
    request(path, Some(body), None).await.map(|_| ())
}

/// Whose session this is; `None` without one.
///
/// # Errors
/// Unreachable or faulty.
pub async fn owner() -> Result<Option<OwnerView>, Failure> {
    let answer = request("/api/owner", None, None).await?;
    if answer.is_empty() { Ok(None) } else { read(&answer).map(Some) }
}

/// Opens a session; the answer sets its cookie.
///
/// # Errors
/// Refused, unreachable or faulty.
pub async fn sign_in(who: &SignIn) -> Result<(), Failure> {
    post_and_forget("/api/sign-in", who).await
}

/// Has a lost access code mailed; nobody learns whether there is one.
///
/// # Errors
/// Refused, unreachable or faulty.
pub async fn request_owner_code(who: &RequestOwnerCode) -> Result<(), Failure> {
    post_and_forget("/api/owner-codes", who).await
}

/// Ends the session.
///
/// # Errors
/// Refused, unreachable or faulty.
pub async fn sign_out() -> Result<(), Failure> {
    request("/api/sign-out", Some("{}".to_owned()), None).await.map(|_| ())
}
