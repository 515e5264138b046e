//! The access codes of owners: derived when one is mailed, hashed when one is kept or tried.
//!
//! A code is never stored. It comes from the server's key, the conference and the command that asked
//! for it, so the letter can still say it after a restart. What is stored is an Argon2 hash whose salt
//! comes from the owner's address: one hashing answers whether a code is of any conference of that
//! address, and costs the same when there is none.
//! Not here: how often somebody may try (`http/owners.rs`).

use crate::config::Secrets;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use shared::{AccessCode, CommandId, ConferenceId};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane. The cost is part of what is
/// stored; whoever changes it hashes once for each cost that still is.
const COST: (u32, u32, u32) = (19 * 1_024, 2, 1);
const HASH_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
/// Hashings at the same time; each takes a core and 19 MiB.
const AT_ONCE_MAX: usize = 2;
/// Whoever waits longer for a turn is told that the server is busy.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Knows the key. Cheap to clone.
#[derive(Clone)]
pub struct OwnerCodes {
    key: [u8; 32],
    turns: Arc<Semaphore>,
    /// What a hashing works in, for the next one. Every thread that made its own would keep it.
    slates: Arc<Mutex<Vec<Slate>>>,
}

/// The memory of one hashing.
type Slate = Vec<Block>;

/// Too many wait for a hash already.
#[derive(Debug, thiserror::Error)]
#[error("too many access codes are being hashed")]
pub struct Crowded;

impl OwnerCodes {
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE_MAX));
        Self { key: secrets.token_key, turns, slates: Arc::default() }
    }

    /// The code that this command made for this conference.
    #[must_use]
    pub fn code(&self, conference: ConferenceId, command: CommandId) -> AccessCode {
        let digest = self.digest(&[b"owner code 1", conference.0.as_bytes(), command.0.as_bytes()]);
        let [a, b, c, d, ..] = digest;
        AccessCode::from_random(u32::from_be_bytes([a, b, c, d]))
    }

    /// What is stored of a code. The same for the same address (lower case) and code.
    ///
    /// # Errors
    /// Too many wait already.
    pub async fn hash(&self, email: &str, code: AccessCode) -> Result<String, Crowded> {
        let turn = tokio::time::timeout(WAIT_MAX, self.turns.clone().acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(Crowded)?;
        let digest = self.digest(&[b"owner salt 1", email.as_bytes()]);
        let salt: [u8; SALT_BYTES] = std::array::from_fn(|index| digest[index]);
        // It would keep everybody else on this thread waiting.
        let slates = self.slates.clone();
        let hashed = tokio::task::spawn_blocking(move || {
            let mut slate = lock(&slates).pop().unwrap_or_default();
            let hashed = hash(code, salt, &mut slate);
            lock(&slates).push(slate);
            drop(turn);
            hashed
        });
        Ok(hashed.await.expect("hashing does not panic"))
    }

    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length is a key");
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

fn lock(slates: &Mutex<Vec<Slate>>) -> std::sync::MutexGuard<'_, Vec<Slate>> {
    slates.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In the usual form of stored hashes, `$argon2id$v=19$…`.
fn hash(code: AccessCode, salt: [u8; SALT_BYTES], slate: &mut Slate) -> String {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, Some(HASH_BYTES)).expect("a cost in bounds");
    slate.resize(params.block_count(), Block::default());
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; HASH_BYTES];
    argon
        .hash_password_into_with_memory(code.as_str().as_bytes(), &salt, &mut hash, slate)
        .expect("code, salt and hash have lengths in bounds");
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn codes(key: u8) -> OwnerCodes {
        OwnerCodes::new(&Secrets { token_key: [key; 32], payment_key: vec![], node_key: [0; 32] })
    }

    #[test]
    fn a_code_is_of_one_key_one_conference_and_one_command() {
        let of = |key, conference, command| {
            let conference = ConferenceId(Uuid::from_u128(conference));
            codes(key).code(conference, CommandId(Uuid::from_u128(command)))
        };
        assert_eq!(of(1, 2, 3), of(1, 2, 3));
        for other in [of(9, 2, 3), of(1, 9, 3), of(1, 2, 9)] {
            assert_ne!(other, of(1, 2, 3));
        }
    }

    #[tokio::test]
    async fn a_hash_is_of_one_address_and_one_code_and_shows_neither() {
        let codes = codes(1);
        let code: AccessCode = "K7M-2QX".parse().unwrap();
        let kept = codes.hash("ada@example.org", code).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(!kept.contains("K7M") && !kept.contains("ada"));
        assert_eq!(codes.hash("ada@example.org", code).await.unwrap(), kept);
        assert_ne!(codes.hash("eve@example.org", code).await.unwrap(), kept);
        let other = "K7M-2QY".parse().unwrap();
        assert_ne!(codes.hash("ada@example.org", other).await.unwrap(), kept);
    }

    #[tokio::test]
    async fn many_who_try_need_no_more_memory_than_two() {
        let codes = codes(1);
        let tries = (0..8).map(|number| {
            let codes = codes.clone();
            tokio::spawn(async move {
                codes.hash("ada@example.org", AccessCode::from_random(number)).await
            })
        });
        for attempt in tries.collect::<Vec<_>>() {
            attempt.await.unwrap().unwrap();
        }
        let kept = lock(&codes.slates).len();
        assert!((1..=AT_ONCE_MAX).contains(&kept), "{kept}");
    }
}
