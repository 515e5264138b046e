//! The only place that asks the time. Everything else is told.

use shared::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The machine's clock, or one that a test sets. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Clock {
    Real,
    /// Stands still until somebody sets it.
    Settable(Arc<watch::Sender<Timestamp>>),
}

impl Clock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn settable(now: Timestamp) -> Self {
        Self::Settable(Arc::new(watch::Sender::new(now)))
    }

    /// The present instant.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Real => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                let ms = since.map_or(0, |since| since.as_millis());
                Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
            }
            Self::Settable(now) => *now.borrow(),
        }
    }

    /// Sets a settable clock; the machine's clock cannot be set and says so by `false`.
    #[must_use]
    pub fn set(&self, now: Timestamp) -> bool {
        match self {
            Self::Real => false,
            Self::Settable(clock) => {
                clock.send_replace(now);
                true
            }
        }
    }

    /// Waits until the instant has come by this clock.
    #[expect(clippy::disallowed_methods, reason = "waiting for an instant is this clock's job")]
    pub async fn sleep_until(&self, at: Timestamp) {
        match self {
            Self::Real => loop {
                // In slices, because the machine's clock may be set while we wait.
                let wait = at.ms_since(self.now()).min(1_000);
                match u64::try_from(wait) {
                    Ok(ms @ 1..) => tokio::time::sleep(Duration::from_millis(ms)).await,
                    _ => return,
                }
            },
            Self::Settable(clock) => {
                // The sender lives as long as this clone, so waiting cannot fail.
                let _ = clock.subscribe().wait_for(|now| at <= *now).await;
            }
        }
    }
}
