//! Who is asking: nobody special, the browser that placed an order, or somebody who found one by
//! e-mail and access code.
//!
//! Not here: whether the order is theirs; the ledger knows that when it knows the order.

use super::problem::Rejection;
use crate::config::Secrets;
use crate::domain::order::TokenHash;
use crate::ledger::stage::Authority;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use shared::{ConferenceId, OrderId, RefusalCode, Timestamp};
use std::convert::Infallible;
use std::fmt::Write;
use std::net::IpAddr;

/// Characters of a token that a browser made: at least 160 bits of hex, at most a header's worth.
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 32..=128;
/// How long a grant opens an order.
const GRANT_SECONDS: i64 = 24 * 60 * 60;
/// First part of a grant; a browser's own token has no dot.
const GRANT_PREFIX: &str = "g1.";

/// What a request says about who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    Nobody,
    /// The browser's own token. It opens whatever order was placed with it.
    Token(TokenHash),
    /// What we gave to somebody; not verified yet.
    Grant(Grant),
    /// Something that opens nothing.
    Stranger,
}

/// The right to one order of one conference, until an instant, signed by us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    order_id: OrderId,
    expires_at: Timestamp,
    signature: Vec<u8>,
}

impl Caller {
    /// Reads a token as it stands in a header or a frame.
    pub(super) fn with_token(token: &str) -> Self {
        if let Some(grant) = token.strip_prefix(GRANT_PREFIX) {
            return Grant::parse(grant).map_or(Self::Stranger, Self::Grant);
        }
        let is_own = TOKEN_LENGTH.contains(&token.len())
            && token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if is_own { Self::Token(TokenHash(hex(&Sha256::digest(token)))) } else { Self::Stranger }
    }

    /// As whom they may act in this ledger. A wrong token is answered like a wrong order.
    pub(super) fn authority(
        &self,
        ledger: ConferenceId,
        now: Timestamp,
        secrets: &Secrets,
    ) -> Result<Authority, RefusalCode> {
        match self {
            Self::Nobody => Err(RefusalCode::TokenMissing),
            Self::Token(hash) => Ok(Authority::Token(hash.clone())),
            Self::Grant(grant) if grant.is_good(ledger, now, secrets) => {
                Ok(Authority::Granted(grant.order_id))
            }
            Self::Grant(_) | Self::Stranger => Err(RefusalCode::OrderNotFound),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
            return Ok(Self::Nobody);
        };
        let parts = value.to_str().ok().and_then(|value| value.split_once(' '));
        Ok(match parts {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                Self::with_token(token.trim())
            }
            _ => Self::Stranger,
        })
    }
}

impl Grant {
    /// A token that opens this order for a day.
    pub(super) fn issue(
        ledger: ConferenceId,
        order_id: OrderId,
        now: Timestamp,
        secrets: &Secrets,
    ) -> String {
        let expires_at = now.plus_seconds(GRANT_SECONDS);
        let signature = mac(ledger, order_id, expires_at, secrets).finalize().into_bytes();
        let signature = URL_SAFE_NO_PAD.encode(signature);
        format!("{GRANT_PREFIX}{order_id}.{}.{signature}", expires_at.0)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let order_id = parts.next()?.parse().ok()?;
        let expires_at = Timestamp(parts.next()?.parse().ok()?);
        let signature = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        Some(Self { order_id, expires_at, signature })
    }

    /// Compares in constant time.
    fn is_good(&self, ledger: ConferenceId, now: Timestamp, secrets: &Secrets) -> bool {
        let mac = mac(ledger, self.order_id, self.expires_at, secrets);
        mac.verify_slice(&self.signature).is_ok() && now < self.expires_at
    }
}

fn mac(
    ledger: ConferenceId,
    order_id: OrderId,
    expires_at: Timestamp,
    secrets: &Secrets,
) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&secrets.token_key).expect("any length is a key");
    mac.update(b"grant 1");
    mac.update(ledger.0.as_bytes());
    mac.update(order_id.0.as_bytes());
    mac.update(&expires_at.0.to_be_bytes());
    mac
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Where a request came from. Of an IPv6 address the network counts, because its owner has all the
/// rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Client(Option<IpAddr>);

impl Client {
    /// Somebody without an address, as in a test without a network.
    pub(super) const UNKNOWN: Self = Self(None);

    pub(super) const fn at(address: IpAddr) -> Self {
        Self(Some(network(address.to_canonical())))
    }

    /// Whom `passage.rs` found out to have sent this request.
    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().copied().unwrap_or(Self::UNKNOWN)
    }
}

const fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Rejection;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Ok(Self::of(&parts.extensions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const LEDGER: ConferenceId = ConferenceId(Uuid::from_u128(1));
    const ORDER: OrderId = OrderId(Uuid::from_u128(2));

    fn secrets() -> Secrets {
        Secrets { token_key: [9; 32], payment_key: vec![], node_key: [0; 32] }
    }

    fn authority(
        token: &str,
        ledger: ConferenceId,
        now: Timestamp,
    ) -> Result<Authority, RefusalCode> {
        Caller::with_token(token).authority(ledger, now, &secrets())
    }

    #[test]
    fn a_grant_opens_one_order_of_one_ledger_for_a_day() {
        let token = Grant::issue(LEDGER, ORDER, NOW, &secrets());
        assert_eq!(authority(&token, LEDGER, NOW), Ok(Authority::Granted(ORDER)));
        let almost = NOW.plus_seconds(GRANT_SECONDS) - 1;
        assert!(authority(&token, LEDGER, almost).is_ok());
        let no = Err(RefusalCode::OrderNotFound);
        assert_eq!(authority(&token, LEDGER, almost + 1), no);
        assert_eq!(authority(&token, ConferenceId(Uuid::from_u128(3)), NOW), no);
    }

    #[test]
    fn nobody_can_change_a_grant() {
        let token = Grant::issue(LEDGER, ORDER, NOW, &secrets());
        let later = token.replace("18", "19");
        let other = token.replace(&ORDER.to_string(), &Uuid::from_u128(4).to_string());
        let cut = &token[..token.len() - 1];
        for forged in [&later, &other, cut, "g1.", "g1...", "g1.x.y.z"] {
            assert_eq!(authority(forged, LEDGER, NOW), Err(RefusalCode::OrderNotFound), "{forged}");
        }
        let foreign = Secrets { token_key: [8; 32], payment_key: vec![], node_key: [0; 32] };
        assert!(Caller::with_token(&token).authority(LEDGER, NOW, &foreign).is_err());
    }

    #[test]
    fn a_browsers_token_is_kept_as_a_hash_only() {
        let Caller::Token(TokenHash(hash)) = Caller::with_token(&"a".repeat(32)) else {
            unreachable!("32 letters are a token")
        };
        assert_eq!(hash, "3ba3f5f43b92602683c19aee62a20342b084dd5971ddd33808d81a328879a547");
        for strange in ["", "short", &"a".repeat(129), &"ä".repeat(20), &"a b".repeat(20)] {
            assert_eq!(Caller::with_token(strange), Caller::Stranger, "{strange}");
        }
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let same = |text: &str| network(text.parse::<IpAddr>().unwrap().to_canonical());
        assert_eq!(same("2001:db8:1:2:3::4"), same("2001:db8:1:2:ffff::1"));
        assert_ne!(same("2001:db8:1:2:3::4"), same("2001:db8:1:3:3::4"));
        assert_eq!(same("::ffff:192.0.2.1"), same("192.0.2.1"));
    }
}
