//! For whoever keeps the server running: is it alive, and should it get requests?

use super::{Door, Route, openapi};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use utoipa::openapi::HttpMethod;

/// Whoever asks waits no longer than this, even when the database neither answers nor refuses.
const STORE_ANSWERS_WITHIN: Duration = Duration::from_millis(1_500);

pub(super) fn routes() -> Vec<Route> {
    let live = Route {
        path: "/health/live".to_owned(),
        handlers: get(|| async { "live\n" }),
        method: HttpMethod::Get,
        operation: openapi::health("Says that the process answers", false),
    };
    let ready = Route {
        path: "/health/ready".to_owned(),
        handlers: get(ready),
        method: HttpMethod::Get,
        operation: openapi::health("Says whether requests should come here", true),
    };
    vec![live, ready]
}

/// No longer ready as soon as we know that we will stop, so that no new requests come; those that come
/// all the same are served for as long as we are there. Maintenance is no
/// reason: who reads and who has an order still comes here.
async fn ready(State(door): State<Arc<Door>>) -> (StatusCode, &'static str) {
    if door.house.leaving.has_begun() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    if !door.house.gate.is_open() {
        return (StatusCode::SERVICE_UNAVAILABLE, "makes its documents beside other releases\n");
    }
    // In a task of its own, because a question that is dropped half-way costs its connection.
    let store = door.house.store.clone();
    let asked = tokio::spawn(async move { store.is_ready().await });
    match timeout(STORE_ANSWERS_WITHIN, asked).await {
        Ok(Ok(true)) => (StatusCode::OK, "ready\n"),
        Ok(Ok(false) | Err(_)) | Err(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
        }
    }
}
