//! Tells what was decided, again and again until it was heard.
//!
//! Not here: what is told (`journal.rs`).

use super::Inner;
use crate::payment_gateway::{Callback, PaymentRef, signature};
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use shared::Timestamp;
use std::sync::Arc;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

/// The pauses between attempts double from one second up to this, in seconds.
const PAUSE_SECONDS_MAX: i64 = 60;
/// A callback that nobody took for this long after the decision is given up, in seconds.
const DELIVERY_SECONDS_MAX: i64 = 24 * 60 * 60;

enum Attempt {
    Delivered,
    /// Heard and refused: saying it again would not help.
    Refused(StatusCode),
    Failed(String),
}

/// Starts delivering one callback of a payment; the receiver hears when the first attempt is over.
pub(super) fn start(inner: &Arc<Inner>, payment: PaymentRef) -> oneshot::Receiver<()> {
    let (first, first_attempt) = oneshot::channel();
    let inner = inner.clone();
    tokio::spawn(async move {
        let closed = inner.closed.clone();
        tokio::select! {
            () = closed.cancelled() => {}
            () = deliver(&inner, &payment, first) => {}
        }
    });
    first_attempt
}

async fn deliver(inner: &Arc<Inner>, payment: &PaymentRef, first: oneshot::Sender<()>) {
    let id = payment.payment_id.0;
    let mut first = Some(first);
    let mut pause = 1;
    loop {
        let (attempt, decided_at) = attempt(inner, payment).await;
        // Nobody may be waiting for it any more.
        let _ = first.take().map(|first| first.send(()));
        let now = inner.clock.now();
        match attempt {
            Attempt::Delivered => {
                info!(payment.id = %id, "The simulated provider's callback was delivered");
                return settle(inner, payment, true).await;
            }
            Attempt::Refused(status) => {
                warn!(payment.id = %id, %status, "The simulated provider's callback was refused");
                return settle(inner, payment, false).await;
            }
            Attempt::Failed(error) if decided_at.plus_seconds(DELIVERY_SECONDS_MAX) <= now => {
                error!(payment.id = %id, error, "The simulated provider gave a callback up");
                return settle(inner, payment, false).await;
            }
            Attempt::Failed(error) => {
                info!(payment.id = %id, error, "The simulated provider's callback has to wait");
            }
        }
        inner.clock.sleep_until(now.plus_seconds(pause)).await;
        pause = (pause * 2).min(PAUSE_SECONDS_MAX);
    }
}

async fn attempt(inner: &Arc<Inner>, payment: &PaymentRef) -> (Attempt, Timestamp) {
    let of = payment.clone();
    let known = match inner.with_journal(move |journal| Ok(journal.payment(&of))).await {
        Ok(known) => known,
        Err(error) => return (Attempt::Failed(format!("{error:#}")), inner.clock.now()),
    };
    let Some(outcome) = known.outcome else {
        return (Attempt::Failed("nothing is decided".to_owned()), known.decided_at);
    };
    let PaymentRef { conference, order_id, payment_id } = payment.clone();
    let callback = Callback { conference, order_id, payment_id, outcome };
    (post(inner, &callback).await, known.decided_at)
}

async fn post(inner: &Inner, callback: &Callback) -> Attempt {
    let body = serde_json::to_vec(callback).expect("callbacks are plain data");
    let sent = inner
        .client
        .post(&inner.callback_url)
        .header(CONTENT_TYPE, "application/json")
        .header(signature::HEADER, inner.signer.sign(&body, inner.clock.now()))
        .body(body)
        .send()
        .await;
    match sent.map(|answer| answer.status()) {
        Ok(status) if status.is_success() => Attempt::Delivered,
        Ok(status) if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
            Attempt::Refused(status)
        }
        Ok(status) => Attempt::Failed(status.to_string()),
        Err(error) => Attempt::Failed(error.without_url().to_string()),
    }
}

/// If this cannot be written the callback is repeated after a restart, which is harmless.
async fn settle(inner: &Arc<Inner>, payment: &PaymentRef, delivered: bool) {
    let (of, now) = (payment.clone(), inner.clock.now());
    let written =
        inner.with_journal(move |journal| journal.callback_settled(&of, delivered, now)).await;
    if let Err(error) = written {
        error!(error = format!("{error:#}"), "The simulated provider cannot remember a delivery");
    }
}
