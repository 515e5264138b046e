//! The secrets of mailed links: derived when a mail is written, known to the store only as hashes.
//!
//! A secret comes from the server's key, the effect that asks for the mail and the order. So a mail
//! that is written again has the same links, and no table holds anything that opens an order.
//! Not here: that a link is good once (`store.rs`), and how often somebody may ask
//! (`http/order_links.rs`).

use crate::config::Secrets;
use crate::store::people::LinkHash;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use shared::OrderId;
use uuid::Uuid;

/// Knows the key. Cheap to clone.
#[derive(Clone)]
pub struct OrderLinks {
    key: [u8; 32],
}

impl OrderLinks {
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        Self { key: secrets.token_key }
    }

    /// What stands behind the `#` of the link to this order in the mail that this effect asks for.
    #[must_use]
    pub fn secret(&self, effect: Uuid, order_id: OrderId) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length is a key");
        mac.update(b"order link 1");
        mac.update(effect.as_bytes());
        mac.update(order_id.0.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

/// What the store knows of a link.
#[must_use]
pub fn hash(secret: &str) -> LinkHash {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mail_and_every_order_has_a_secret_of_its_own() {
        let links = |key| {
            OrderLinks::new(&Secrets {
                token_key: [key; 32],
                payment_key: vec![],
                node_key: [0; 32],
            })
        };
        let secret = |key, effect, order| {
            links(key).secret(Uuid::from_u128(effect), OrderId(Uuid::from_u128(order)))
        };
        let first = secret(1, 1, 1);
        assert_eq!(first, secret(1, 1, 1), "a mail that is written again is the same mail");
        assert!([secret(2, 1, 1), secret(1, 2, 1), secret(1, 1, 2)].iter().all(|s| *s != first));
        assert_eq!(first.len(), 43);
        assert_ne!(hash(&first), hash(&secret(1, 1, 2)));
    }
}
