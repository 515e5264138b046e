//! How often something is done that there is much reason for, such as painting the dashboard: not more
//! often than wanted, and the last reason is always followed. Pure. Not here: the timer (`watching.rs`).

/// What to do about a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Now,
    /// After so many milliseconds, with whatever is newest by then.
    Later(i64),
    /// A turn is on its way and will bring this along.
    Soon,
}

/// When it was done, and whether a turn is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    interval_ms: i64,
    done_ms: Option<i64>,
    is_due: bool,
}

impl Pace {
    /// At most once in so many milliseconds.
    #[must_use]
    pub const fn of(interval_ms: i64) -> Self {
        Self { interval_ms, done_ms: None, is_due: false }
    }

    /// There is a reason, at this time of the steady clock.
    pub fn wants(&mut self, now_ms: i64) -> Turn {
        if self.is_due {
            return Turn::Soon;
        }
        let next_ms = self.done_ms.map_or(now_ms, |done| done + self.interval_ms);
        if next_ms <= now_ms {
            self.done_ms = Some(now_ms);
            Turn::Now
        } else {
            self.is_due = true;
            Turn::Later(next_ms - now_ms)
        }
    }

    /// The turn that was on its way has come.
    pub fn does(&mut self, now_ms: i64) {
        self.is_due = false;
        self.done_ms = Some(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_painted_at_once_and_the_next_after_a_while() {
        let mut pace = Pace::of(250);
        assert_eq!(pace.wants(1_000), Turn::Now);
        assert_eq!(pace.wants(1_010), Turn::Later(240));
        assert_eq!(pace.wants(1_020), Turn::Soon);
        pace.does(1_250);
        assert_eq!(pace.wants(1_499), Turn::Later(1));
        pace.does(1_500);
        assert_eq!(pace.wants(2_000), Turn::Now);
    }

    #[test]
    fn fifty_a_second_are_four_paints_a_second_and_the_last_one_is_among_them() {
        let mut pace = Pace::of(250);
        let (mut paints, mut due_ms, mut newest, mut painted) = (0, None, 0, 0);
        for now_ms in 0..10_000 {
            if due_ms == Some(now_ms) {
                pace.does(now_ms);
                (paints, painted, due_ms) = (paints + 1, newest, None);
            }
            if now_ms % 20 == 0 && now_ms < 9_000 {
                newest = now_ms;
                match pace.wants(now_ms) {
                    Turn::Now => (paints, painted) = (paints + 1, newest),
                    Turn::Later(pause_ms) => due_ms = Some(now_ms + pause_ms),
                    Turn::Soon => assert!(due_ms.is_some(), "a paint is on its way"),
                }
            }
        }
        assert_eq!(painted, 8_980);
        assert!((36..=38).contains(&paints), "{paints}");
    }
}
