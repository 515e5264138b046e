//! Files of another release. While servers are replaced, a page of a newer one names programs that an
//! older one does not have, and the browser asks for them wherever the proxy sends it. A server that is
//! asked for such a file asks the others once.
//!
//! Only names that carry a hash, only from nodes that were heard lately, only the types that we serve
//! ourselves; few at a time, within a bound, and never on behalf of another node. Not here: our own
//! files (`assets.rs`).

use super::assets::{self, IMMUTABLE};
use crate::nodes::Node;
use crate::trust;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info};

/// Says that a node asks; it is not asked on.
const HEADER: &str = "node-borrows";
/// The longest name that a build makes has half of this.
const NAME_MAX: usize = 120;
/// The greatest file of ours, uncompressed, has a quarter of this.
const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What is kept of others' files. Two releases of both programs have some 4 MiB.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// Names that are remembered, most of them as unknown to everybody.
const NAMES_MAX: usize = 256;
/// Questions on their way to other nodes.
const AT_ONCE_MAX: usize = 4;
/// Nobody waits longer for a file, whoever has it.
const WITHIN: Duration = Duration::from_secs(3);
/// What nobody had is asked for again after this: a node that has it may have come.
const NOWHERE_FOR: Duration = Duration::from_secs(1);

/// What was borrowed, and what nobody had.
pub(super) struct Borrowed {
    client: reqwest::Client,
    places: Semaphore,
    known: Mutex<HashMap<Name, Known>>,
}

/// The path, and whether the browser reads brotli.
type Name = (String, bool);

#[derive(Clone)]
enum Known {
    Here(Loan),
    Nowhere(Instant),
}

/// A file that another node gave.
#[derive(Clone)]
struct Loan {
    bytes: Bytes,
    is_brotli: bool,
}

impl Borrowed {
    pub(super) fn new() -> Self {
        Self {
            client: trust::http(trust::nobody(), WITHIN),
            places: Semaphore::new(AT_ONCE_MAX),
            known: Mutex::default(),
        }
    }

    /// The answer to a request for a file that is not ours; `None` when nobody else has it either.
    pub(super) async fn serve(
        &self,
        nodes: impl FnOnce() -> Vec<Node>,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<Response> {
        if headers.contains_key(HEADER) || !may_be_borrowed(path) {
            return None;
        }
        let name = (path.to_owned(), assets::accepts_brotli(headers));
        let until = Instant::now() + WITHIN;
        let Ok(Ok(_place)) = timeout_at(until, async {
            match self.known(&name) {
                Some(_) => Ok(None),
                None => self.places.acquire().await.map(Some),
            }
        })
        .await
        else {
            let later = [(header::RETRY_AFTER, "1")];
            let words = "Too many ask for files of another release.\n";
            return Some((StatusCode::SERVICE_UNAVAILABLE, later, words).into_response());
        };
        // Whoever was before us may have asked for the same.
        let known = match self.known(&name) {
            Some(known) => known,
            None => self.ask(&nodes(), &name, until).await,
        };
        match known {
            Known::Here(loan) => Some(loan.response(path)),
            Known::Nowhere(_) => None,
        }
    }

    fn known(&self, name: &Name) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).filter(|known| known.is_of_use(Instant::now())).cloned()
    }

    /// Asks one node after the other, and remembers what came of it.
    async fn ask(&self, nodes: &[Node], name: &Name, until: Instant) -> Known {
        let mut found = Known::Nowhere(Instant::now() + NOWHERE_FOR);
        for node in nodes {
            match timeout_at(until, self.ask_one(node, name)).await {
                Ok(Ok(Some(loan))) => {
                    info!(path = name.0, node = %node.id, "Borrowed a file of another release");
                    found = Known::Here(loan);
                    break;
                }
                Ok(Ok(None)) => {}
                Ok(Err(error)) => debug!(%error, node = %node.id, "A node lends nothing"),
                Err(_) => break,
            }
        }
        self.remember(name.clone(), found.clone());
        found
    }

    /// `None`: it has no such file, or something else by that name.
    async fn ask_one(&self, node: &Node, (path, brotli): &Name) -> reqwest::Result<Option<Loan>> {
        let encodings = if *brotli { "br" } else { "identity" };
        let request = self.client.get(format!("{}{path}", node.url)).header(HEADER, "1");
        let mut answer = request.header(header::ACCEPT_ENCODING, encodings).send().await?;
        let says = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let is_brotli = match says(header::CONTENT_ENCODING) {
            None => false,
            Some("br") if *brotli => true,
            Some(_) => return Ok(None),
        };
        let is_ours = answer.status() == StatusCode::OK
            && says(header::CONTENT_TYPE) == Some(assets::content_type(path))
            && says(header::CACHE_CONTROL) == Some(IMMUTABLE);
        if !is_ours {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if FILE_BYTES_MAX < bytes.len() + chunk.len() {
                return Ok(None);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(Loan { bytes: bytes.into(), is_brotli }))
    }

    fn remember(&self, name: Name, found: Known) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| known.is_of_use(Instant::now()));
        let bytes: usize = known.values().map(Known::bytes).sum();
        if NAMES_MAX <= known.len() || BYTES_MAX < bytes + found.bytes() {
            // Begun anew: what is of use is there again after one question each.
            known.clear();
        }
        known.insert(name, found);
    }
}

impl Known {
    fn is_of_use(&self, now: Instant) -> bool {
        match self {
            Self::Here(_) => true,
            Self::Nowhere(until) => now < *until,
        }
    }

    const fn bytes(&self) -> usize {
        match self {
            Self::Here(loan) => loan.bytes.len(),
            Self::Nowhere(_) => 0,
        }
    }
}

impl Loan {
    /// As our own files are answered; the type is by our own table.
    fn response(self, path: &str) -> Response {
        let kind = [(header::CONTENT_TYPE, assets::content_type(path))];
        let mut response = (kind, Body::from(self.bytes)).into_response();
        let headers = response.headers_mut();
        if self.is_brotli {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(IMMUTABLE));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        response
    }
}

/// A plain path to a file with a hash in its name, of a type that we know.
fn may_be_borrowed(path: &str) -> bool {
    let Some(name) = path.strip_prefix("/desk/").or_else(|| path.strip_prefix('/')) else {
        return false;
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.len() <= NAME_MAX
        && name.bytes().all(is_plain)
        && !name.starts_with('.')
        && assets::is_hashed(name)
        && assets::content_type(name) != assets::UNKNOWN_TYPE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_build_makes_are_asked_for() {
        for path in ["/app-1a2b3c4d5e6f7a8b_bg.wasm", "/desk/desk-1a2b3c4d5e6f7a8b.js"] {
            assert!(may_be_borrowed(path), "{path}");
        }
        for path in [
            "/robots.txt",
            "/app.js",
            "/app-1a2b3c4d5e6f7a8b",
            "/app-1a2b3c4d5e6f7a8b.exe",
            "/api/1a2b3c4d5e6f7a8b.json",
            "/internal/1a2b3c4d5e6f7a8b.js",
            "/../1a2b3c4d5e6f7a8b.js",
            "/desk//1a2b3c4d5e6f7a8b.js",
            "/.1a2b3c4d5e6f7a8b.js",
            "/1a2b3c4d5e6f7a8b.js%2f",
            "//elsewhere.example/1a2b3c4d5e6f7a8b.js",
            "@elsewhere.example/1a2b3c4d5e6f7a8b.js",
            &format!("/{}.js", "a".repeat(NAME_MAX)),
        ] {
            assert!(!may_be_borrowed(path), "{path}");
        }
    }
}
