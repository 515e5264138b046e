//! For whoever keeps the server running: is it alive, and should it get requests?

use super::{Door, Route, openapi};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use std::sync::Arc;
use utoipa::openapi::HttpMethod;

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

/// No longer ready as soon as we know that we will stop, so that no new requests come.
async fn ready(State(door): State<Arc<Door>>) -> (StatusCode, &'static str) {
    if door.house.stop.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
    } else if door.house.store.is_ready().await {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
    }
}
