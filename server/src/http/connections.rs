//! Takes connections, up to a bound in all and per address, and serves requests on them.
//!
//! HTTP/1.1 only: a browser and a proxy speak it, and what is not offered cannot be abused.
//! Not here: how long anything may take (`wire.rs`), and what a request is answered (`http.rs`).

use super::places::{Place, Places};
use super::proxies::Proxies;
use super::session::Client;
use super::wire::{Answer, Awaited, Progress, Wire};
use crate::leaving::Leaving;
use crate::{config, open_files};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::{debug, warn};

/// Connections of this server: all its sockets, and those that come for pages and commands.
const CONNECTIONS_MAX: usize = 25_000;
/// Files that are open for something else: the database, mails, the app's files.
const OTHER_FILES: usize = 256;
/// The first line of a request and its headers. The longest honest ones are a cookie, a token and a
/// search, some two thousand bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;
/// What is kept of one connection between reading and answering.
const BUFFER_BYTES_MAX: usize = 32 * 1024;
/// How long a server that stops waits for the question of somebody who has asked none yet.
const FIRST_WORD: Duration = Duration::from_millis(250);
/// How long to wait for files that others close, when there are none.
const REST: Duration = Duration::from_millis(200);

/// How many connections this process can hold beside its other files.
fn connections_max() -> usize {
    let files = open_files::raise_limit().unwrap_or(usize::MAX);
    CONNECTIONS_MAX.min(files.saturating_sub(OTHER_FILES).max(1))
}

/// Who is served, and how many of them.
struct Gate {
    places: Arc<Places>,
    proxies: Proxies,
}

impl Gate {
    /// A proxy of ours has no share: it speaks for everybody.
    fn enter(&self, peer: SocketAddr) -> Option<Place> {
        let client = Client::at(peer.ip());
        let entered = if self.proxies.trusts(peer.ip()) {
            self.places.enter_for_many(client)
        } else {
            self.places.enter(client)
        };
        entered.map_err(|full| debug!(?full, "Turned a connection away")).ok()
    }
}

/// Serves until `stop`, then takes no more connections and returns when those that are open, and the
/// sockets on them, have finished what they were at.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    settings: &config::Http,
    leaving: Leaving,
) {
    let places = Places::new(connections_max(), settings.connections_per_client);
    let gate = Gate { places, proxies: settings.proxies.clone() };
    let open = TaskTracker::new();
    let welcome = |stream, peer| {
        let Some(place) = gate.enter(peer) else { return };
        let progress = Progress::default();
        let wire = Wire::new(stream, progress.clone()).holding((place, open.token()));
        let service = Service { router: router.clone(), peer, progress, leaving: leaving.clone() };
        tokio::spawn(converse(wire, service));
    };
    loop {
        let accepted = tokio::select! {
            () = leaving.stop() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => welcome(stream, peer),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                warn!(%error, "Cannot take a connection");
                sleep_until(Instant::now() + REST).await;
            }
        }
    }
    last_arrivals(listener).for_each(|(stream, peer)| welcome(stream, peer));
    open.close();
    open.wait().await;
}

/// Those whom the system has let in already: they would only see that they are thrown out.
fn last_arrivals(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    // Does not block, as the runtime's own does not.
    let listener = listener.into_std().ok();
    let arrivals = std::iter::from_fn(move || listener.as_ref()?.accept().ok());
    arrivals.filter_map(|(stream, peer)| {
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    })
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionRefused | Kind::ConnectionAborted | Kind::ConnectionReset
    )
}

/// One request after the other. On `stop` the one under way is still answered.
async fn converse(wire: Wire<TcpStream>, service: Service) {
    let (leaving, progress) = (service.leaving.clone(), service.progress.clone());
    let over = async {
        leaving.stop().await;
        if progress.is_fresh() {
            // Who has just come in has a question on its way.
            sleep_until(Instant::now() + FIRST_WORD).await;
        }
    };
    // Pushes are small and must not wait for the acknowledgement of the one before.
    if let Err(error) = wire.stream().set_nodelay(true) {
        debug!(%error, "Cannot set TCP_NODELAY");
    }
    let connection = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(
            TokioIo::new(wire),
            service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.answer(request).await) }
            }),
        )
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = over => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "A connection broke off");
    }
}

/// Answers the requests of one connection.
#[derive(Clone)]
struct Service {
    router: Router,
    peer: SocketAddr,
    progress: Progress,
    leaving: Leaving,
}

impl Service {
    async fn answer(self, request: Request<Incoming>) -> Response<Body> {
        let answering = self.progress.begin();
        let mut request = request.map(|body| Body::new(Awaited::new(body)));
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let Ok(mut response) = self.router.oneshot(request).await;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            answering.never_ends();
            return response;
        }
        if self.leaving.has_begun() {
            // The next request goes to a server that stays, and none is on its way when this one ends.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response.map(|body| Body::new(Answer::new(body, answering)))
    }
}

#[cfg(test)]
mod tests;
