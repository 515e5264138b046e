//! A payment provider for demonstrations and tests, as if somebody else ran it: its own page, its own
//! API, its own memory, and signed callbacks. It knows nothing of our ledgers.
//!
//! A person answers by pressing a button: accept, decline, later, twice; closing the page is an answer
//! that never comes. No real money moves.
//! Not here: our side of the protocol (`payment_gateway.rs`).

mod delivery;
mod journal;
mod pages;

use crate::clock::Clock;
use crate::payment_gateway::signature::{self, Signer};
use crate::payment_gateway::{API_PATH, ApiRequest, PAY_PATH, PayRequest, PaymentRef};
use crate::trust;
use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use futures_util::future::join_all;
use journal::{Decision, Journal};
use serde::Deserialize;
use shared::{RefusalCode, Timestamp};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::error;

/// No request to the provider is larger, in bytes.
const BODY_MAX: usize = 16 * 1024;
/// What our server gets to take a callback.
const CALLBACK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a person's redirect waits for the first attempt of the callback, so that the page they
/// return to usually knows already.
const REDIRECT_PATIENCE: Duration = Duration::from_secs(2);
const STYLE: &str =
    concat!(include_str!("html/plain.css"), include_str!("simulated_provider/style.css"));
/// Only its own style sheet, and forms only to itself.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
                                       base-uri 'none'; frame-ancestors 'none'";

/// The provider. Cheap to clone; deliveries stop when the last clone is gone.
#[derive(Clone)]
pub struct SimulatedProvider {
    inner: Arc<Inner>,
    /// Ends the deliveries, which themselves keep `inner` alive.
    _open: Arc<DropGuard>,
}

struct Inner {
    /// A mutex of the standard library, locked only on threads that may block: whoever holds it
    /// waits for the disk.
    journal: Mutex<Journal>,
    signer: Signer,
    callback_url: String,
    clock: Clock,
    client: reqwest::Client,
    closed: CancellationToken,
}

impl Inner {
    async fn with_journal<T: Send + 'static>(
        self: &Arc<Self>,
        act: impl FnOnce(&mut Journal) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let inner = self.clone();
        tokio::task::spawn_blocking(move || {
            // The journal is folded only after a line is durable: a panic has not broken it.
            act(&mut inner.journal.lock().unwrap_or_else(PoisonError::into_inner))
        })
        .await
        .context("the journal's thread died")?
    }
}

impl SimulatedProvider {
    /// Reads the journal and goes on delivering what was not delivered yet. Needs a running runtime.
    ///
    /// # Errors
    /// The journal cannot be read or written.
    pub fn open(
        journal: &Path,
        key: &[u8],
        callback_url: String,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let journal = Journal::open(journal)?;
        let undelivered = journal.undelivered();
        let closed = CancellationToken::new();
        let client = trust::http(trust::nobody(), CALLBACK_TIMEOUT);
        let inner = Arc::new(Inner {
            journal: Mutex::new(journal),
            signer: Signer::new(key),
            callback_url,
            clock,
            client,
            closed: closed.clone(),
        });
        for payment in undelivered {
            delivery::start(&inner, payment);
        }
        Ok(Self { inner, _open: Arc::new(closed.drop_guard()) })
    }
}

/// The provider's doors, all below `/simulated-provider/`.
pub fn router(provider: SimulatedProvider) -> Router {
    let api = |operation: &str| format!("{API_PATH}/{operation}");
    Router::new()
        .route(PAY_PATH, get(pay))
        .route("/simulated-provider/decide", post(decide))
        .route("/simulated-provider/pending", get(pending))
        .route("/simulated-provider/style.css", get(style))
        .route(&api("query"), post(query))
        .route(&api("cancel"), post(cancel))
        .route(&api("refund"), post(refund))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(map_response(guarded))
        .with_state(provider)
}

/// Nothing is kept, framed, guessed or loaded from elsewhere.
async fn guarded(mut response: Response) -> Response {
    let guards = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: that would make a form's origin unknown.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in guards {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    response
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

/// The hosted page.
async fn pay(
    State(provider): State<SimulatedProvider>,
    request: Result<Query<PayRequest>, axum::extract::rejection::QueryRejection>,
) -> Result<Html<String>, Problem> {
    let Query(request) = request.map_err(|_| Problem::NotOurs)?;
    let payment = provider.genuine(&request)?;
    let known = provider.inner.with_journal(move |journal| Ok(journal.payment(&payment))).await?;
    Ok(Html(pages::pay(&request, known.status)))
}

/// A pressed button: what the page knew, and the decision.
#[derive(Deserialize)]
struct Pressed {
    conference: String,
    order_id: shared::OrderId,
    payment_id: shared::PaymentId,
    amount: i64,
    currency: shared::Currency,
    signature: String,
    decision: Decision,
}

async fn decide(
    State(provider): State<SimulatedProvider>,
    pressed: Result<Form<Pressed>, axum::extract::rejection::FormRejection>,
) -> Result<Redirect, Problem> {
    let Form(Pressed { decision, conference, order_id, payment_id, amount, currency, signature }) =
        pressed.map_err(|_| Problem::NotOurs)?;
    let request = PayRequest { conference, order_id, payment_id, amount, currency, signature };
    let payment = provider.genuine(&request)?;
    let (of, total) = (payment.clone(), request.total());
    let now = provider.inner.clock.now();
    let callbacks = provider
        .inner
        .with_journal(move |journal| journal.press(&of, total, decision, now))
        .await?;
    let attempts = (0..callbacks).map(|_| delivery::start(&provider.inner, payment.clone()));
    // Whatever comes of it: the callback goes on by itself.
    let _ = tokio::time::timeout(REDIRECT_PATIENCE, join_all(attempts)).await;
    Ok(Redirect::to(&pages::return_path(&payment)))
}

/// Everything a person can still answer.
async fn pending(State(provider): State<SimulatedProvider>) -> Result<Html<String>, Problem> {
    let rows = provider.inner.with_journal(|journal| Ok(journal.answerable())).await?;
    let rows: Vec<_> = rows
        .into_iter()
        .filter_map(|(payment, known)| {
            let request = PayRequest::signed(payment, known.amount?, &provider.inner.signer);
            Some((request, known.status))
        })
        .collect();
    Ok(Html(pages::pending(&rows)))
}

async fn query(
    State(provider): State<SimulatedProvider>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let (payment, _) = provider.asked(&headers, &body)?;
    let status = provider
        .inner
        .with_journal(move |journal| Ok(journal.payment(&payment).report(&payment)))
        .await?;
    Ok(axum::Json(status).into_response())
}

async fn cancel(
    State(provider): State<SimulatedProvider>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let (payment, _) = provider.asked(&headers, &body)?;
    let now = provider.now();
    let status = provider.inner.with_journal(move |journal| journal.cancel(&payment, now)).await?;
    Ok(axum::Json(status).into_response())
}

async fn refund(
    State(provider): State<SimulatedProvider>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let (payment, request) = provider.asked(&headers, &body)?;
    let amount = request.amount.ok_or(Problem::Malformed)?;
    let now = provider.now();
    let status =
        provider.inner.with_journal(move |journal| journal.refund(&payment, amount, now)).await?;
    Ok(axum::Json(status).into_response())
}

impl SimulatedProvider {
    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The payment that a page or form is about, if its parameters are as they were signed.
    fn genuine(&self, request: &PayRequest) -> Result<PaymentRef, Problem> {
        let is_genuine = request.is_genuine(&self.inner.signer);
        is_genuine.then(|| request.payment()).ok_or(Problem::NotOurs)
    }

    /// The payment that a program asks about, if it has the key.
    fn asked(&self, headers: &HeaderMap, body: &[u8]) -> Result<(PaymentRef, ApiRequest), Problem> {
        let signature = headers.get(signature::HEADER).and_then(|value| value.to_str().ok());
        self.inner
            .signer
            .verify(signature.unwrap_or_default(), body, self.now())
            .map_err(Problem::Forged)?;
        let request: ApiRequest = serde_json::from_slice(body).map_err(|_| Problem::Malformed)?;
        let ApiRequest { conference, order_id, payment_id, .. } = request.clone();
        Ok((PaymentRef { conference, order_id, payment_id }, request))
    }
}

/// Why the provider does not do it.
enum Problem {
    /// A page or form whose parameters nobody signed.
    NotOurs,
    Forged(RefusalCode),
    Malformed,
    Fault(anyhow::Error),
}

impl From<anyhow::Error> for Problem {
    fn from(fault: anyhow::Error) -> Self {
        Self::Fault(fault)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let told = |status: StatusCode, sentence: &str| {
            (status, axum::Json(serde_json::json!({ "error": sentence }))).into_response()
        };
        match self {
            Self::NotOurs => (StatusCode::BAD_REQUEST, Html(pages::not_ours())).into_response(),
            Self::Forged(code) => told(StatusCode::UNAUTHORIZED, code.sentence()),
            Self::Malformed => told(StatusCode::BAD_REQUEST, RefusalCode::Malformed.sentence()),
            Self::Fault(fault) => {
                error!(error = format!("{fault:#}"), "The simulated provider failed");
                told(StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment.")
            }
        }
    }
}
