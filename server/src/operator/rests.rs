//! Rests after each piece of work, so that servers on the same machine and database do not notice it.

use crate::clock::Clock;
use shared::Timestamp;
use tokio::time::Instant;

/// After each piece that was only read, so many times as long as the piece took.
pub(super) const RESTS_READING: u32 = 3;

pub(super) struct Rests<'a> {
    clock: &'a Clock,
    /// So many times as long as the piece took; 0: not at all.
    times: u32,
    working_since: Instant,
}

impl<'a> Rests<'a> {
    /// Of whoever reads beside running servers.
    pub(super) fn while_reading(clock: &'a Clock, is_fast: bool) -> Self {
        let times = if is_fast { 0 } else { RESTS_READING };
        Self { clock, times, working_since: Instant::now() }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// From now on so many times as long as each piece takes.
    pub(super) const fn rest_for(&mut self, times: u32) {
        self.times = times;
    }

    /// What was done until now is not rested for.
    pub(super) fn starts_over(&mut self) {
        self.working_since = Instant::now();
    }

    /// Between two pieces.
    pub(super) async fn rest(&mut self) {
        if 0 < self.times {
            let rest = self.working_since.elapsed() * self.times;
            let rest = i64::try_from(rest.as_millis()).unwrap_or(0).max(1);
            self.clock.sleep_until(self.clock.now() + rest).await;
        }
        self.starts_over();
    }
}
