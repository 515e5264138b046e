//! Whose desk this is: the cookie of an owner's browser, and which conferences it opens.
//!
//! The cookie holds a random token; the store knows its hash. Two kinds of session: for all
//! conferences of an address that somebody proved by signing in, and for the one conference that this
//! browser created, because then nobody has proved the address yet.
//! Not here: who may sign in (`http/owners.rs`), and registrants, who have no cookie (`session.rs`).

use super::Door;
use super::problem::Rejection;
use crate::store::{Session, SessionKey, SessionScope};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use shared::{ConferenceId, RefusalCode};
use std::convert::Infallible;

/// How long a session lasts: a working day.
const SESSION_SECONDS: i64 = 12 * 60 * 60;
/// Characters of a token: 32 bytes in base 64.
const TOKEN_LENGTH: usize = 43;
/// Where we are reached over TLS, the name makes browsers refuse a cookie that a neighbouring host or
/// an unencrypted page has set.
const SECURE_NAME: &str = "__Host-owner-session";
pub(super) const PLAIN_NAME: &str = "owner-session";

/// What the browser's cookies say, not verified yet. Kept by a socket for as long as it is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OwnerCookie {
    secure: Option<SessionKey>,
    plain: Option<SessionKey>,
}

impl OwnerCookie {
    /// Reads the cookies of a request.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let named = |name: &str| {
            headers
                .get_all(header::COOKIE)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(';'))
                .filter_map(|cookie| cookie.trim().split_once('='))
                .find(|(theirs, _)| *theirs == name)
                .and_then(|(_, token)| key(token))
        };
        Self { secure: named(SECURE_NAME), plain: named(PLAIN_NAME) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OwnerCookie {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

fn key(token: &str) -> Option<SessionKey> {
    (token.len() == TOKEN_LENGTH).then(|| Sha256::digest(token).into())
}

impl Door {
    /// The session of this browser.
    ///
    /// # Errors
    /// There is none, or it has ended.
    pub(super) async fn owner_session(&self, cookie: &OwnerCookie) -> Result<Session, Rejection> {
        Ok(self.session_if_any(cookie).await?.ok_or(RefusalCode::SignInRequired)?)
    }

    /// The session of this browser; `None` when there is none, or it has ended.
    ///
    /// # Errors
    /// The store fails.
    pub(super) async fn session_if_any(
        &self,
        cookie: &OwnerCookie,
    ) -> Result<Option<Session>, Rejection> {
        let key = if self.is_secure() { &cookie.secure } else { &cookie.plain };
        let Some(key) = key else { return Ok(None) };
        Ok(self.house.store.session(key, self.house.clock.now().0).await?)
    }

    /// The conference with this slug, if it is this browser's. Somebody else's is answered like one
    /// that does not exist.
    ///
    /// # Errors
    /// There is no session, or no such conference for it.
    pub(super) async fn owned(
        &self,
        cookie: &OwnerCookie,
        slug: &str,
    ) -> Result<ConferenceId, Rejection> {
        let session = self.owner_session(cookie).await?;
        let ledger = self.find(slug).await?;
        let is_theirs = match &session.scope {
            SessionScope::Ledger(created) => *created == ledger.0,
            SessionScope::Email(email) => {
                let entry = self.house.store.head(ledger.0).await?;
                entry.is_some_and(|entry| entry.owner.email == *email)
            }
        };
        if is_theirs { Ok(ledger) } else { Err(RefusalCode::ConferenceNotFound.into()) }
    }

    /// Begins a session under a new token, so that none which somebody else put into this browser is
    /// ever worth anything; the one it had before ends. Answers the cookie to set.
    pub(super) async fn begin_session(
        &self,
        before: &OwnerCookie,
        scope: SessionScope,
    ) -> Result<HeaderValue, Rejection> {
        self.end_session(before).await?;
        let token = fresh_token()?;
        let now = self.house.clock.now();
        let session = Session {
            key: Sha256::digest(&token).into(),
            scope,
            created_at: now.0,
            expires_at: now.plus_seconds(SESSION_SECONDS).0,
        };
        self.house.store.begin_session(&session).await?;
        Ok(self.cookie(&token, SESSION_SECONDS))
    }

    /// Ends the session of this browser, if it has one. Answers the cookie that removes it there.
    pub(super) async fn end_session(&self, cookie: &OwnerCookie) -> Result<HeaderValue, Rejection> {
        for key in [&cookie.secure, &cookie.plain].into_iter().flatten() {
            self.house.store.end_session(key).await?;
        }
        Ok(self.cookie("", 0))
    }

    fn cookie(&self, token: &str, seconds: i64) -> HeaderValue {
        let (name, secure) =
            if self.is_secure() { (SECURE_NAME, "; Secure") } else { (PLAIN_NAME, "") };
        let cookie =
            format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        HeaderValue::from_str(&cookie).expect("a token is base 64")
    }

    /// The world reaches us over TLS.
    fn is_secure(&self) -> bool {
        self.house.public_url.starts_with("https://")
    }
}

/// A token opens a desk, so it comes from the operating system.
fn fresh_token() -> Result<String, Rejection> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| {
        tracing::error!(%error, "The operating system gives no randomness");
        Rejection::from(RefusalCode::Unavailable)
    })?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(text: &str) -> OwnerCookie {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(text).unwrap());
        OwnerCookie::of(&headers)
    }

    #[test]
    fn the_cookie_is_found_among_others_and_kept_as_a_hash() {
        let token = URL_SAFE_NO_PAD.encode([7; 32]);
        assert_eq!(token.len(), TOKEN_LENGTH);
        let expected: SessionKey = Sha256::digest(&token).into();
        let read = cookies(&format!("a=b; {PLAIN_NAME}={token};c"));
        assert_eq!(read, OwnerCookie { secure: None, plain: Some(expected) });
        let read = cookies(&format!("{SECURE_NAME}={token}"));
        assert_eq!(read, OwnerCookie { secure: Some(expected), plain: None });
    }

    #[test]
    fn what_no_token_can_be_is_no_cookie() {
        for text in ["", "owner-session", "owner-session=", "owner-session=x", "other=1", ";;=;"] {
            assert_eq!(cookies(text), OwnerCookie::default(), "{text}");
        }
    }
}
