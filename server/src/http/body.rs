//! Bodies: bounded in size and time, JSON only, and a sentence about what is wrong with one.
//!
//! JSON is also what keeps foreign sites out: a page may not send it elsewhere without asking first,
//! and we never say yes.

use super::problem::Rejection;
use axum::Json;
use axum::body::{Bytes, to_bytes};
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use shared::RefusalCode;
use std::time::Duration;

/// The largest body; the largest honest command is a conference with a description of 10,000
/// characters, each of up to four bytes.
pub(super) const BYTES_MAX: usize = 64 * 1024;
/// A body that takes longer is not sent by somebody who wants an answer.
const READ_MAX: Duration = Duration::from_secs(10);

/// A body that could be read as `T`.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Rejection;
    async fn from_request(request: Request, _: &S) -> Result<Self, Rejection> {
        if !is_json(request.headers()) {
            let detail = "Send JSON, with `Content-Type: application/json`.";
            return Err(Rejection::because(RefusalCode::Malformed, detail));
        }
        let bytes = read(request).await?;
        let Json(body) = Json::from_bytes(&bytes).map_err(|error| explain(&error))?;
        Ok(Self(body))
    }
}

/// A body as it is, for signatures.
pub(super) async fn read(request: Request) -> Result<Bytes, Rejection> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| BYTES_MAX < length) {
        return Err(RefusalCode::TooLarge.into());
    }
    match tokio::time::timeout(READ_MAX, to_bytes(request.into_body(), BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_length_error(&error) => Err(RefusalCode::TooLarge.into()),
        Ok(Err(_)) => Err(Rejection::because(RefusalCode::Malformed, "The body broke off.")),
        Err(_) => Err(Rejection::because(RefusalCode::Malformed, "The body took too long.")),
    }
}

fn is_length_error(error: &axum::Error) -> bool {
    use std::error::Error;
    error.source().is_some_and(|source| source.to_string().contains("length limit"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Says where in the body the mistake is, without the library's preface.
fn explain(error: &JsonRejection) -> Rejection {
    let text = error.body_text();
    let detail = text.split_once(": ").map_or(text.as_str(), |(_, detail)| detail);
    Rejection::because(RefusalCode::Malformed, detail)
}
