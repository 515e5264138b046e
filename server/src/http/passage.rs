//! What every request passes: it gets an id, foreign pages are kept out, every answer carries the
//! headers that keep browsers careful, and one line goes to the log.
//!
//! The log never has a query, a token, a body or an address of a person.

use super::problem::{REQUEST_ID, Rejection};
use super::session::Client;
use super::{Door, fresh_id};
use crate::peers;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared::RefusalCode;
use std::net::SocketAddr;
use std::sync::Arc;
use tracing::{debug, info};

/// Characters of a path in the log.
const LOGGED_PATH_MAX: usize = 200;

/// The same for every answer; the content's policy comes from the shell, which knows its scripts.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not `no-referrer`: with that, browsers hide the origin of our own forms from us.
    (header::REFERRER_POLICY, "same-origin"),
    // The camera is for the tickets at the door.
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// The outermost layer.
pub(super) async fn pass(
    State(door): State<Arc<Door>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = fresh_id();
    let clock = &door.house.clock;
    let (started, method) = (clock.now(), request.method().clone());
    let path: String = request.uri().path().chars().take(LOGGED_PATH_MAX).collect();
    let client = client(&door, &request);
    request.extensions_mut().insert(client);
    let public_url = &door.house.public_url;
    let answer = async {
        // Only where there is such a door; it asks for a signature.
        let is_of_a_node = path == peers::PATH && door.house.ledgers.peers().is_some();
        let checked = if is_of_a_node { Ok(()) } else { door.requests.check(&client) };
        match checked.and_then(|()| check_act(&request, public_url)) {
            Ok(()) => next.run(request).await,
            Err(rejection) => rejection.into_response(),
        }
    };
    let mut response = REQUEST_ID.scope(id, answer).await;
    let id = id.to_string();
    dress(&mut response, &door, path.starts_with("/api") || path.starts_with("/test"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    log(&response, &method, &path, (clock.now().ms_since(started), &id));
    response
}

/// Who sent this: the peer, or whom a proxy of ours names.
fn client(door: &Door, request: &Request) -> Client {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(Client::UNKNOWN, |ConnectInfo(peer)| {
        door.house.config.http.proxies.client(peer.ip(), request.headers())
    })
}

/// A request that changes something must not come from another site's page.
fn check_act(request: &Request, public_url: &str) -> Result<(), Rejection> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    // What a browser says about itself, and older ones do not say. Sockets are left to their origin,
    // because browsers disagree about what to say there.
    if request.headers().get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Err(RefusalCode::OriginForeign.into());
    }
    check_origin(request.headers(), request.uri(), public_url)
}

/// Browsers say where a page came from, and cannot be talked out of it. Programs say nothing.
pub(super) fn check_origin(
    headers: &HeaderMap,
    uri: &Uri,
    public_url: &str,
) -> Result<(), Rejection> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(axum::http::uri::Authority::as_str));
    let theirs = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let is_ours = match (theirs, host) {
        (Some(theirs), Some(host)) => theirs.eq_ignore_ascii_case(host),
        _ => false,
    };
    if is_ours || origin.eq_ignore_ascii_case(public_url) {
        Ok(())
    } else {
        Err(RefusalCode::OriginForeign.into())
    }
}

fn dress(response: &mut Response, door: &Door, is_private: bool) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert_with(|| door.shell.content_policy().clone());
    if is_private {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

fn log(response: &Response, method: &Method, path: &str, (duration_ms, id): (i64, &str)) {
    let status = response.status();
    let code = response.extensions().get::<RefusalCode>();
    let is_of_interest = (status.is_client_error() || status.is_server_error())
        && (status != StatusCode::NOT_FOUND || path.starts_with("/api"));
    let status = status.as_u16();
    if is_of_interest {
        info!(
            %method, path, status, code = ?code, duration_ms, request_id = id,
            "{method} {path} answered {status} in {duration_ms} ms"
        );
    } else {
        debug!(
            %method, path, status, duration_ms, request_id = id,
            "{method} {path} answered {status} in {duration_ms} ms"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_let_in(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        check_origin(&headers, &Uri::from_static("/"), "https://tickets.example").is_ok()
    }

    #[test]
    fn only_our_own_pages_and_programs_are_let_in() {
        for origin in [None, Some("http://localhost:8080"), Some("https://tickets.example")] {
            assert!(is_let_in("localhost:8080", origin), "{origin:?}");
        }
        for origin in [
            "null",
            "",
            "http://localhost",
            "http://localhost:8081",
            "https://evil.example",
            "https://tickets.example.evil.example",
            "file://localhost:8080",
        ] {
            assert!(!is_let_in("localhost:8080", Some(origin)), "{origin}");
        }
    }
}
