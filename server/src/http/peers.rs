//! `POST /internal/ledgers`: another node asks, because conferences are usually written here. Only
//! there when this server tells others how to reach it. Not here: asking (`peers.rs`).

use super::Door;
use super::problem::Rejection;
use crate::ledger::Failure;
use crate::ledger::stage::Answer;
use crate::peers::{Asked, HEADER, PATH};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use shared::RefusalCode;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Door>> {
    Router::new().route(PATH, post(answer))
}

async fn answer(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Result<Answer, Failure>>, Rejection> {
    let peers = door.house.ledgers.peers().ok_or(RefusalCode::CommandUnknown)?;
    let signature = headers.get(HEADER).and_then(|value| value.to_str().ok());
    let asked = peers.understand(signature.unwrap_or_default(), &body)?;
    let Some(Asked { ledger, request }) = asked else {
        // A newer node asks what we do not know: it decides itself.
        return Ok(Json(Err(Failure::Newer)));
    };
    if door.house.stop.is_cancelled() {
        // Whoever asks can decide it there, and nobody has to be told "later".
        return Ok(Json(Err(Failure::Unavailable)));
    }
    Ok(Json(door.house.ledgers.perform_here(ledger, request).await))
}
