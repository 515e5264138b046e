//! Sends a command, gets a view. Every failure is one of three: the server said no,
//! nobody answered, or the server is unwell.
//!
//! Not here: the socket (`live.rs`) and what to do about a failure (`registration/`, pages).

use crate::{browser, json, live};
use leptos::prelude::window;
use shared::commands::{Accepted, BrowserCommand};
use shared::live::{Snapshot, Topic};
use shared::{Problem, RefusalCode};
use std::sync::atomic::{AtomicU32, Ordering};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit, Response};

/// Nobody waits longer for an answer.
const ANSWER_WITHIN_MS: u32 = 20_000;
/// How often a busy server is asked again by itself, in one press.
const BUSY_RETRIES_MAX: u32 = 3;
/// A server that wants a longer pause than this is not asked again by itself.
const BUSY_PAUSE_SECONDS_MAX: i32 = 4;

/// Requests that change something, and are not answered yet.
static WAITING: AtomicU32 = AtomicU32::new(0);

/// Why there is no answer to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server said no, and nothing changed.
    Refused(Box<Problem>),
    /// No answer: we do not know whether it was done.
    Unreachable,
    /// The server is unwell; the reference can be quoted.
    Faulty { reference: Option<String> },
}

impl Failure {
    /// What to say about it. The server's refusals bring their sentence along.
    #[must_use]
    pub const fn sentence(&self) -> &str {
        match self {
            Self::Refused(problem) => problem.title.as_str(),
            Self::Unreachable => {
                "We can't reach the server. What you typed is saved. Try again in a moment."
            }
            Self::Faulty { .. } => RefusalCode::Fault.sentence_of_a_reservation(),
        }
    }

    /// What to quote when asking for help.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Refused(_) | Self::Unreachable => None,
            Self::Faulty { reference } => reference.as_deref(),
        }
    }
}

/// True when the server has said yes or no. Until then an intent keeps its id: what nobody has answered
/// may have been done.
pub const fn is_answered<T>(answer: &Result<T, Failure>) -> bool {
    matches!(answer, Ok(_) | Err(Failure::Refused(_)))
}

/// Sends a command with the order's token.
///
/// # Errors
/// Refused, unreachable or faulty.
pub async fn send<C: BrowserCommand>(command: &C, token: &str) -> Result<Accepted, Failure> {
    let body = serde_json::to_string(command).unwrap_or_default();
    let answer = request(&format!("/api/commands/{}", C::ROUTE), Some(body), Some(token)).await?;
    read(&answer)
}

/// Gets a view once, and the moment of the steady clock at which it was asked for.
///
/// # Errors
/// Refused, unreachable or faulty.
pub async fn view(topic: &Topic, token: Option<&str>) -> Result<(Snapshot, i64), Failure> {
    let asked_at_ms = browser::steady_ms();
    let answer = request(&format!("/api/views/{topic}"), None, token).await?;
    let snapshot = live::read_snapshot(&answer).ok_or(Failure::Faulty { reference: None })?;
    Ok((snapshot, asked_at_ms))
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(answer: &str) -> Result<T, Failure> {
    json::read(answer).map_err(|json::Unreadable| Failure::Faulty { reference: None })
}

/// One request; asks again by itself while the server says that it is only busy.
pub(crate) async fn request(
    path: &str,
    body: Option<String>,
    token: Option<&str>,
) -> Result<String, Failure> {
    let changes = u32::from(body.is_some());
    WAITING.fetch_add(changes, Ordering::Relaxed);
    let outcome = until_answered(path, body.as_deref(), token).await;
    WAITING.fetch_sub(changes, Ordering::Relaxed);
    outcome
}

/// True while something that changes something is not answered.
#[must_use]
pub fn is_waiting() -> bool {
    WAITING.load(Ordering::Relaxed) != 0
}

async fn until_answered(
    path: &str,
    body: Option<&str>,
    token: Option<&str>,
) -> Result<String, Failure> {
    for _ in 0..BUSY_RETRIES_MAX {
        match ask(path, body, token).await? {
            Answer::Text(text) => return Ok(text),
            Answer::Busy { pause_seconds } if pause_seconds <= BUSY_PAUSE_SECONDS_MAX => {
                browser::pause(pause_seconds.max(1) * 1000).await;
            }
            Answer::Busy { .. } => break,
        }
    }
    match ask(path, body, token).await? {
        Answer::Text(text) => Ok(text),
        Answer::Busy { .. } => Err(Failure::Faulty { reference: None }),
    }
}

enum Answer {
    Text(String),
    Busy { pause_seconds: i32 },
}

async fn ask(path: &str, body: Option<&str>, token: Option<&str>) -> Result<Answer, Failure> {
    let lost = |_| Failure::Unreachable;
    let init = RequestInit::new();
    let headers = Headers::new().map_err(lost)?;
    if let Some(token) = token {
        headers.set("Authorization", &format!("Bearer {token}")).map_err(lost)?;
    }
    if let Some(body) = body {
        init.set_method("POST");
        init.set_body(&body.into());
        headers.set("Content-Type", "application/json").map_err(lost)?;
    }
    init.set_headers(headers.as_ref());
    init.set_signal(Some(&AbortSignal::timeout_with_u32(ANSWER_WITHIN_MS)));
    let promise = window().fetch_with_str_and_init(path, &init);
    let response: Response = JsFuture::from(promise).await.map_err(lost)?.unchecked_into();
    let text = JsFuture::from(response.text().map_err(lost)?).await.map_err(lost)?;
    let text = text.as_string().unwrap_or_default();
    if response.ok() { Ok(Answer::Text(text)) } else { unhappy(&response, &text) }
}

/// Sorts the answers that are not a yes.
fn unhappy(response: &Response, text: &str) -> Result<Answer, Failure> {
    let problem: Option<Problem> = json::read(text).ok();
    let pause_seconds = response.headers().get("Retry-After").ok().flatten();
    match (response.status(), problem) {
        (503, Some(problem)) if problem.code == RefusalCode::Maintenance => {
            Err(Failure::Refused(Box::new(problem)))
        }
        (503, _) => {
            let pause_seconds = pause_seconds.and_then(|text| text.parse().ok()).unwrap_or(1);
            Ok(Answer::Busy { pause_seconds })
        }
        // A gateway in front of a restarting server: nobody knows whether it was done.
        (502 | 504, _) => Err(Failure::Unreachable),
        (status, Some(problem)) if status < 500 => Err(Failure::Refused(Box::new(problem))),
        (_, problem) => {
            Err(Failure::Faulty { reference: problem.and_then(|problem| problem.reference) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_or_a_no_is_an_answer() {
        let no = serde_json::json!({
            "type": "about:blank", "title": "No", "status": 409, "code": "quota_too_low",
        });
        let no: Problem = serde_json::from_value(no).unwrap();
        let answered = |failure| is_answered(&Err::<(), _>(failure));
        assert!(is_answered(&Ok(())) && answered(Failure::Refused(Box::new(no))));
        assert!(!answered(Failure::Unreachable) && !answered(Failure::Faulty { reference: None }));
    }
}
