//! How often somebody may ask. Memory is bounded by construction: keys are hashed into a fixed number
//! of buckets, by a hash that nobody outside can predict.

use super::problem::Rejection;
use super::{Door, session::Client};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;

/// Two strangers share a bucket once in this many pairs.
const BUCKETS: u64 = 1 << 17;

/// A number of acts per minute or hour for each key.
pub(super) struct Limit {
    /// `None`: no limit.
    limiter: Option<DefaultKeyedRateLimiter<u64>>,
    hasher: RandomState,
}

impl Limit {
    /// At most this many per minute; 0: no limit.
    pub(super) fn per_minute(most: u32) -> Self {
        Self::of(NonZeroU32::new(most).map(Quota::per_minute))
    }

    /// At most this many per hour; 0: no limit.
    pub(super) fn per_hour(most: u32) -> Self {
        Self::of(NonZeroU32::new(most).map(Quota::per_hour))
    }

    fn of(quota: Option<Quota>) -> Self {
        Self { limiter: quota.map(RateLimiter::keyed), hasher: RandomState::new() }
    }

    /// Counts one act.
    pub(super) fn check(&self, key: &impl Hash) -> Result<(), Rejection> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        let bucket = self.hasher.hash_one(key) % BUCKETS;
        limiter.check_key(&bucket).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            Rejection::too_fast(wait.as_secs() + 1)
        })
    }
}

/// Somebody who did not send too many commands lately. Checked before the body is read.
pub(super) struct Paced(pub(super) Client);

impl FromRequestParts<Arc<Door>> for Paced {
    type Rejection = Rejection;
    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Rejection> {
        let client = Client::of(&parts.extensions);
        door.commands.check(&client)?;
        Ok(Self(client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_minute() {
        let limit = Limit::per_minute(2);
        assert!(limit.check(&"a").is_ok() && limit.check(&"a").is_ok());
        assert!(limit.check(&"a").is_err());
        assert!(limit.check(&"b").is_ok());
    }

    #[test]
    fn zero_is_no_limit() {
        let limit = Limit::per_minute(0);
        assert!((0..1_000).all(|_| limit.check(&"a").is_ok()));
    }
}
