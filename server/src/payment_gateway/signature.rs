//! How we and the provider know each other: HMAC-SHA256 with one shared key, over a text that goes
//! through a browser (`seal`) or over a body and the second it was sent (`sign`).
//!
//! Not here: what is signed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use shared::{RefusalCode, Timestamp};
use std::fmt;
use std::sync::Arc;

/// The header that carries `t=<unix seconds>,v1=<hex>`.
pub const HEADER: &str = "payment-signature";
/// How far the sender's clock may be from ours, and how long a message can be replayed, in seconds.
/// Replaying is harmless anyway, because every message acts once; this bounds for how long.
pub const WINDOW_SECONDS: u64 = 300;

/// The shared key, and what is done with it. Cheap to clone.
#[derive(Clone)]
pub struct Signer {
    key: Arc<[u8]>,
}

/// A key is not for logs.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

impl Signer {
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self { key: key.into() }
    }

    /// The header's value for a body that is sent at `now`.
    #[must_use]
    pub fn sign(&self, body: &[u8], now: Timestamp) -> String {
        let seconds = now.0.div_euclid(1_000);
        let code = self.mac(&[seconds.to_string().as_bytes(), b".", body]).finalize().into_bytes();
        let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={seconds},v1={hex}")
    }

    /// Whether the header's value was made for this body, recently, by somebody with the key.
    ///
    /// # Errors
    /// `SignatureInvalid` or, only for an otherwise good signature, `CallbackStale`.
    pub fn verify(&self, header: &str, body: &[u8], now: Timestamp) -> Result<(), RefusalCode> {
        let (seconds, code) = header
            .strip_prefix("t=")
            .and_then(|rest| rest.split_once(",v1="))
            .ok_or(RefusalCode::SignatureInvalid)?;
        let sent_at: i64 = seconds.parse().map_err(|_| RefusalCode::SignatureInvalid)?;
        let code = from_hex(code).ok_or(RefusalCode::SignatureInvalid)?;
        self.mac(&[seconds.as_bytes(), b".", body])
            .verify_slice(&code)
            .map_err(|_| RefusalCode::SignatureInvalid)?;
        if sent_at.abs_diff(now.0.div_euclid(1_000)) > WINDOW_SECONDS {
            return Err(RefusalCode::CallbackStale);
        }
        Ok(())
    }

    /// A signature for a text that goes through somebody's browser. The same text always gets the
    /// same seal.
    #[must_use]
    pub fn seal(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(&[text.as_bytes()]).finalize().into_bytes())
    }

    /// Whether the seal was made for this text.
    #[must_use]
    pub fn is_sealed(&self, text: &str, seal: &str) -> bool {
        let mac = self.mac(&[text.as_bytes()]);
        URL_SAFE_NO_PAD.decode(seal).is_ok_and(|code| mac.verify_slice(&code).is_ok())
    }

    fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(&self.key).expect("any length is a key");
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kit::NOON;

    const BODY: &[u8] = br#"{"amount":39800}"#;

    fn signer() -> Signer {
        Signer::new(b"a key that both know")
    }

    #[test]
    fn a_signed_body_is_accepted_within_the_window_as_often_as_it_comes() {
        let header = signer().sign(BODY, NOON);
        for seconds in [0, 0, 300, -300] {
            assert_eq!(signer().verify(&header, BODY, NOON.plus_seconds(seconds)), Ok(()));
        }
    }

    #[test]
    fn an_old_signature_is_stale_and_one_from_the_future_too() {
        let header = signer().sign(BODY, NOON);
        for seconds in [301, -301] {
            let verdict = signer().verify(&header, BODY, NOON.plus_seconds(seconds));
            assert_eq!(verdict, Err(RefusalCode::CallbackStale));
        }
    }

    #[test]
    fn a_forged_signature_or_another_body_is_invalid() {
        let header = signer().sign(BODY, NOON);
        let forged = Signer::new(b"another key").sign(BODY, NOON);
        let moved = header.replacen("t=18", "t=19", 1);
        assert_ne!(moved, header);
        let invalid = Err(RefusalCode::SignatureInvalid);
        assert_eq!(signer().verify(&header, br#"{"amount":1}"#, NOON), invalid);
        for header in [
            forged.as_str(),
            moved.as_str(),
            &header[..header.len() - 2],
            &header[..header.len() - 1],
            "",
            "t=,v1=",
            "t=1,v1=zz",
            "t=1,v1=ééé",
            "v1=00,t=1",
        ] {
            assert_eq!(signer().verify(header, BODY, NOON), invalid, "{header}");
        }
    }

    #[test]
    fn a_seal_fits_one_text() {
        let seal = signer().seal("pay\n1");
        assert!(signer().is_sealed("pay\n1", &seal));
        for (text, seal) in [("pay\n2", seal.as_str()), ("pay\n1", ""), ("pay\n1", "=ö=")] {
            assert!(!signer().is_sealed(text, seal));
        }
    }

    #[test]
    fn the_key_is_not_shown() {
        assert!(!format!("{:?}", signer()).contains("key"));
    }
}
