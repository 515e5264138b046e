//! The only place that asks the time. Everything else is told.

use shared::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// The machine's clock, or one that a test sets. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Clock {
    Real,
    /// The machine's clock plus these milliseconds: goes on by itself, and can be set.
    Shifted(Arc<watch::Sender<i64>>),
    /// Stands still until somebody sets it.
    Settable(Arc<watch::Sender<Timestamp>>),
    /// Goes with the runtime's own clock, which a simulation has in its hand; and it can be set.
    Runtime(Instant, Arc<watch::Sender<Timestamp>>),
}

impl Clock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn settable(now: Timestamp) -> Self {
        Self::Settable(Arc::new(watch::Sender::new(now)))
    }

    /// The machine's clock plus so many milliseconds; it can be set.
    #[must_use]
    pub fn shifted(ahead_ms: i64) -> Self {
        Self::Shifted(Arc::new(watch::Sender::new(ahead_ms)))
    }

    /// A clock that begins at `now` and goes with the runtime's own.
    #[must_use]
    pub fn of_the_runtime(now: Timestamp) -> Self {
        Self::Runtime(Instant::now(), Arc::new(watch::Sender::new(now)))
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
            Self::Shifted(shift) => Self::Real.now() + *shift.borrow(),
            Self::Settable(now) => *now.borrow(),
            Self::Runtime(began, at_beginning) => *at_beginning.borrow() + elapsed_ms(*began),
        }
    }

    /// Sets a clock that can be set; the machine's clock cannot be set and says so by `false`.
    #[must_use]
    pub fn set(&self, now: Timestamp) -> bool {
        match self {
            Self::Real => false,
            Self::Shifted(shift) => {
                shift.send_replace(now.ms_since(Self::Real.now()));
                true
            }
            Self::Settable(clock) => {
                clock.send_replace(now);
                true
            }
            Self::Runtime(began, at_beginning) => {
                at_beginning.send_replace(now - elapsed_ms(*began));
                true
            }
        }
    }

    /// Waits until the instant has come by this clock.
    pub async fn sleep_until(&self, at: Timestamp) {
        match self {
            Self::Real => self.wait_slice_by_slice(at).await,
            Self::Shifted(shift) => {
                let mut shifts = shift.subscribe();
                while self.now() < at {
                    tokio::select! {
                        () = self.wait_slice_by_slice(at) => {}
                        // The sender lives as long as this clone, so waiting cannot fail.
                        _ = shifts.changed() => {}
                    }
                }
            }
            Self::Settable(clock) => {
                let _ = clock.subscribe().wait_for(|now| at <= *now).await;
            }
            Self::Runtime(_, at_beginning) => {
                let mut settings = at_beginning.subscribe();
                while let Ok(ms @ 1..) = u64::try_from(at.ms_since(self.now())) {
                    // Either the time has passed, or the clock was set: look again.
                    let _ = timeout(Duration::from_millis(ms), settings.changed()).await;
                }
            }
        }
    }

    /// In slices, because the machine's clock may be set while we wait.
    #[expect(clippy::disallowed_methods, reason = "waiting for an instant is this clock's job")]
    async fn wait_slice_by_slice(&self, at: Timestamp) {
        const SLICE_MS: i64 = 1_000;
        while let Ok(ms @ 1..) = u64::try_from(at.ms_since(self.now()).min(SLICE_MS)) {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    }
}

fn elapsed_ms(since: Instant) -> i64 {
    i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX)
}
