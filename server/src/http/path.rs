//! What stands in an address between its slashes; where that is no text, the no says so as any other
//! does.
//!
//! Not here: what it means.

use super::problem::Rejection;
use axum::extract::FromRequestParts;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use shared::RefusalCode;

/// The parts of a route's address.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Rejection;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        let axum::extract::Path(read) = read.map_err(|error: PathRejection| {
            Rejection::because(RefusalCode::Malformed, error.body_text())
        })?;
        Ok(Self(read))
    }
}
