//! Going away so that nobody meets a closed door: first the server says that it is not ready and serves
//! on, so that whatever stands before it notices; then it stops. Its sockets go during the first part,
//! one after the other, because a thousand that come back in the same instant are a load of their own.
//!
//! Not here: how the parts of a server stop (`house.rs`), and what a socket is told (`http/live.rs`).

use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// The last socket is sent away when so much of the time has passed, in percent; the rest of the time is
/// for its goodbye.
const LAST_TURN: u32 = 80;
/// Others are there already: come back soon, so that no screen is old for long. In milliseconds.
const SOON_MS: Range<u32> = 50..450;
/// Nobody else is there, and whoever starts us again needs a moment. All come at once then, so they are
/// spread over more time.
const LATER_MS: Range<u32> = 500..4_000;

/// When this server leaves. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Leaving {
    /// Cancelled when it is known that we will stop; with `stop` at the latest.
    told: CancellationToken,
    stop: CancellationToken,
    /// How long we serve on after that; empty: not at all.
    lasts: Arc<OnceLock<Duration>>,
}

impl Leaving {
    /// Ends with `stop`.
    #[must_use]
    pub fn before(stop: CancellationToken) -> Self {
        Self { told: stop.child_token(), stop, lasts: Arc::default() }
    }

    /// Says that we leave, serves on for so long, and stops.
    pub async fn go(&self, lasts: Duration) {
        if !lasts.is_zero() && self.lasts.set(lasts).is_ok() {
            self.told.cancel();
            sleep_until(Instant::now() + lasts).await;
        }
        self.stop.cancel();
    }

    /// Waits until we stop.
    pub async fn stop(&self) {
        self.stop.cancelled().await;
    }

    /// No new requests should come here.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.told.is_cancelled()
    }

    /// Waits until one socket, one of many, is to go.
    pub async fn turn(&self) {
        self.told.cancelled().await;
        let Some(lasts) = self.lasts.get() else { return };
        let turn = sleep_until(Instant::now() + turn_at(*lasts, chance()));
        tokio::select! {
            () = turn => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// After how many milliseconds a socket that goes now may connect again.
    #[must_use]
    pub fn reconnect_after_ms(&self) -> u32 {
        let range = if self.lasts.get().is_some() { SOON_MS } else { LATER_MS };
        spread(range, chance())
    }
}

fn chance() -> u32 {
    // Without chance all come at the same time, which is no reason not to stop.
    getrandom::u32().unwrap_or_default()
}

/// Somewhere in the range.
const fn spread(range: Range<u32>, chance: u32) -> u32 {
    range.start + chance % (range.end - range.start)
}

/// Somewhere in the time that is left, but not at its very end.
fn turn_at(lasts: Duration, chance: u32) -> Duration {
    let last_ms = u32::try_from(lasts.as_millis()).unwrap_or(u32::MAX) / 100 * LAST_TURN;
    Duration::from_millis(spread(0..last_ms.max(1), chance).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nobody_goes_too_late_or_comes_back_too_early(chance: u32, lasts_ms in 0_u64..60_000) {
            let lasts = Duration::from_millis(lasts_ms);
            prop_assert!(turn_at(lasts, chance) <= lasts * 4 / 5);
            for range in [SOON_MS, LATER_MS] {
                prop_assert!(range.contains(&spread(range.clone(), chance)));
            }
        }
    }

    /// No tenth of the time has more than a fifth of a thousand sockets.
    #[test]
    fn a_thousand_sockets_are_spread_over_the_time() {
        let lasts = Duration::from_secs(2);
        let (mut turns, mut returns) = ([0; 10], [0; 10]);
        for number in 0..1_000_u32 {
            // What a generator of random numbers gives (the constant of Knuth's multiplicative hash).
            let chance = number.wrapping_mul(2_654_435_761);
            turns[turn_at(lasts, chance).as_millis() as usize / 160] += 1;
            returns[(spread(SOON_MS, chance) - SOON_MS.start) as usize / 40] += 1;
        }
        for counts in [turns, returns] {
            assert!(counts.iter().all(|count| (1..200).contains(count)), "{counts:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_said_first_and_done_later() {
        let stop = CancellationToken::new();
        let leaving = Leaving::before(stop.clone());
        assert!(!leaving.has_begun());
        let (gone, began) = (leaving.clone(), Instant::now());
        let going = tokio::spawn(async move { gone.go(Duration::from_secs(2)).await });
        leaving.turn().await;
        assert!(leaving.has_begun() && !stop.is_cancelled());
        assert!(SOON_MS.contains(&leaving.reconnect_after_ms()));
        going.await.unwrap();
        assert!(stop.is_cancelled() && began.elapsed() == Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_time_stops_at_once() {
        let leaving = Leaving::before(CancellationToken::new());
        let began = Instant::now();
        leaving.go(Duration::ZERO).await;
        leaving.turn().await;
        assert!(leaving.has_begun() && began.elapsed().is_zero());
        assert!(LATER_MS.contains(&leaving.reconnect_after_ms()));
    }
}
