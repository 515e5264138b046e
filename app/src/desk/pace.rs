//! How often the dashboard is painted: at most four times a second, and what came last is always
//! painted. Pure. Not here: the timer that waits for the next paint (`watching.rs`).

/// Paints are at least this far apart, in milliseconds.
pub const PAINT_INTERVAL_MS: i64 = 250;

/// What to do about something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Now,
    /// After so many milliseconds, with whatever is newest by then.
    Later(i64),
    /// A paint is on its way and will bring this along.
    Soon,
}

/// When was painted, and whether a paint is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    painted_ms: Option<i64>,
    is_due: bool,
}

impl Pace {
    /// Something new has come, at this time of the steady clock.
    pub fn came(&mut self, now_ms: i64) -> Paint {
        if self.is_due {
            return Paint::Soon;
        }
        let next_ms = self.painted_ms.map_or(now_ms, |painted| painted + PAINT_INTERVAL_MS);
        if next_ms <= now_ms {
            self.painted_ms = Some(now_ms);
            Paint::Now
        } else {
            self.is_due = true;
            Paint::Later(next_ms - now_ms)
        }
    }

    /// The paint that was on its way happens.
    pub fn paints(&mut self, now_ms: i64) {
        self.is_due = false;
        self.painted_ms = Some(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_painted_at_once_and_the_next_after_a_while() {
        let mut pace = Pace::default();
        assert_eq!(pace.came(1_000), Paint::Now);
        assert_eq!(pace.came(1_010), Paint::Later(240));
        assert_eq!(pace.came(1_020), Paint::Soon);
        pace.paints(1_250);
        assert_eq!(pace.came(1_499), Paint::Later(1));
        pace.paints(1_500);
        assert_eq!(pace.came(2_000), Paint::Now);
    }

    #[test]
    fn fifty_a_second_are_four_paints_a_second_and_the_last_one_is_among_them() {
        let mut pace = Pace::default();
        let (mut paints, mut due_ms, mut newest, mut painted) = (0, None, 0, 0);
        for now_ms in 0..10_000 {
            if due_ms == Some(now_ms) {
                pace.paints(now_ms);
                (paints, painted, due_ms) = (paints + 1, newest, None);
            }
            if now_ms % 20 == 0 && now_ms < 9_000 {
                newest = now_ms;
                match pace.came(now_ms) {
                    Paint::Now => (paints, painted) = (paints + 1, newest),
                    Paint::Later(pause_ms) => due_ms = Some(now_ms + pause_ms),
                    Paint::Soon => assert!(due_ms.is_some(), "a paint is on its way"),
                }
            }
        }
        assert_eq!(painted, 8_980);
        assert!((36..=38).contains(&paints), "{paints}");
    }
}
