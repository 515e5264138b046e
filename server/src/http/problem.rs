//! Every answer that is not a yes: the status of each refusal, and the body that goes with it.
//!
//! A fault is logged here, once; the ledgers log theirs themselves. Bodies never tell what broke.

use crate::domain::Refusal;
use crate::ledger::Failure;
use crate::store::StoreFault;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::refusal::FieldProblem;
use shared::{Problem, RefusalCode};
use std::any::Any;
use tracing::error;
use uuid::Uuid;

tokio::task_local! {
    /// The request that this task answers; what a person quotes when asking for help.
    pub(super) static REQUEST_ID: Uuid;
}

/// Seconds after which a busy or broken server is worth another try.
const RETRY_AFTER_SECONDS: u64 = 2;
/// The same during maintenance, which takes longer.
const RETRY_AFTER_MAINTENANCE_SECONDS: u64 = 60;
/// The longest detail; a body's error may quote the body.
const DETAIL_CHARACTERS_MAX: usize = 200;

/// A no on its way out.
#[derive(Debug)]
pub(super) struct Rejection {
    status: StatusCode,
    pub(super) code: RefusalCode,
    detail: Option<String>,
    fields: Vec<FieldProblem>,
    retry_after_seconds: Option<u64>,
}

impl Rejection {
    /// A refusal with an explanation of its own, cut to a bound.
    pub(super) fn because(code: RefusalCode, detail: impl Into<String>) -> Self {
        let mut detail: String = detail.into();
        if let Some((end, _)) = detail.char_indices().nth(DETAIL_CHARACTERS_MAX) {
            detail.truncate(end);
            detail.push('…');
        }
        Self { detail: Some(detail), ..code.into() }
    }

    /// Too fast; welcome again after this many seconds.
    pub(super) fn too_fast(retry_after_seconds: u64) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..RefusalCode::TooManyRequests.into()
        }
    }

    /// The address exists, but not for this method.
    pub(super) fn wrong_method(method: &Method) -> Self {
        let detail = format!("{method} is not possible here.");
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self { status, ..Self::because(RefusalCode::Malformed, detail) }
    }
}

/// The one table of statuses.
pub(super) const fn status(code: RefusalCode) -> StatusCode {
    use RefusalCode as Code;
    match code {
        Code::Malformed => StatusCode::BAD_REQUEST,
        Code::TokenMissing
        | Code::SignInRequired
        | Code::SignInFailed
        | Code::SignatureInvalid
        | Code::CallbackStale => StatusCode::UNAUTHORIZED,
        Code::OriginForeign => StatusCode::FORBIDDEN,
        Code::CommandUnknown
        | Code::ViewUnknown
        | Code::ConferenceNotFound
        | Code::OrderNotFound
        | Code::PaymentNotFound
        | Code::LinkEnded
        | Code::TicketUnknown
        | Code::SeatPositionUnknown => StatusCode::NOT_FOUND,
        Code::SlugTaken
        | Code::SeatTypeExists
        | Code::SeatTypeInUse
        | Code::QuotaTooLow
        | Code::QuotaChanged
        | Code::NothingToPublish
        | Code::OrderNotConfirmed
        | Code::AssignmentClosed
        | Code::AlreadyAdmitted
        | Code::CancellationClosed
        | Code::NotOnSale
        | Code::OrderAlreadyConfirmed
        | Code::OrderEnded
        | Code::SeatsNotHeld
        | Code::RegistrantMissing
        | Code::PaymentInProgress
        | Code::NothingToPay
        | Code::PaymentRequired
        | Code::TotalChanged
        | Code::HoldNotExtendable
        | Code::ExtensionsUsedUp => StatusCode::CONFLICT,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::NoSeatsChosen
        | Code::QuantityInvalid
        | Code::TooManySeatTypes
        | Code::SeatTypeRepeated
        | Code::SeatTypeUnknown
        | Code::OverOrderLimit
        | Code::DetailsInvalid => StatusCode::UNPROCESSABLE_ENTITY,
        Code::TooManyRequests | Code::TooManyTopics => StatusCode::TOO_MANY_REQUESTS,
        Code::Busy | Code::Maintenance | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Fault | Code::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<RefusalCode> for Rejection {
    fn from(code: RefusalCode) -> Self {
        Refusal::from(code).into()
    }
}

impl From<Refusal> for Rejection {
    fn from(Refusal { code, detail, fields }: Refusal) -> Self {
        let status = status(code);
        let is_for_later =
            matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        let seconds = match code {
            RefusalCode::Maintenance => RETRY_AFTER_MAINTENANCE_SECONDS,
            _ => RETRY_AFTER_SECONDS,
        };
        let retry_after_seconds = is_for_later.then_some(seconds);
        Self { status, code, detail, fields, retry_after_seconds }
    }
}

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Busy => RefusalCode::Busy.into(),
            // A newer server would know; this one cannot reach any.
            Failure::Unavailable | Failure::Newer => RefusalCode::Unavailable.into(),
        }
    }
}

impl From<StoreFault> for Rejection {
    fn from(fault: StoreFault) -> Self {
        error!(error = format!("{fault:#}"), request_id = reference(), "The store failed");
        RefusalCode::Unavailable.into()
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let problem = Problem {
            problem_type: "about:blank".to_owned(),
            title: self.code.sentence().to_owned(),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            fields: self.fields,
            reference: reference(),
        };
        let body = serde_json::to_string(&problem).expect("a problem is plain data");
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, [(header::CONTENT_TYPE, json)], body).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.code == RefusalCode::TokenMissing {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        if self.code == RefusalCode::TooLarge {
            // The rest of the body is not read, so nothing can follow it on this connection.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        // For the request log.
        response.extensions_mut().insert(self.code);
        response
    }
}

/// A handler has a bug. The request fails, the server does not.
pub(super) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    error!(error = message, request_id = reference(), "A handler panicked");
    Rejection::from(RefusalCode::Fault).into_response()
}

fn reference() -> Option<String> {
    REQUEST_ID.try_with(Uuid::to_string).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worth_retrying_says_when_and_nothing_else_does() {
        for code in RefusalCode::ALL {
            let response = Rejection::from(*code).into_response();
            let says_when = response.headers().contains_key(header::RETRY_AFTER);
            let status = response.status().as_u16();
            assert_eq!(says_when, matches!(status, 429 | 503), "{code:?}");
        }
    }

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        let rejection = Rejection::because(RefusalCode::Malformed, "ä".repeat(5_000));
        assert_eq!(rejection.detail.unwrap().chars().count(), DETAIL_CHARACTERS_MAX + 1);
    }
}
