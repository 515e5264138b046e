//! Works for a share of the time only, and in commits that nobody has to wait long for, so that whoever
//! registers meanwhile does not notice; and says how far it is and how long it will take.

use super::super::Out;
use super::super::rests::{RESTS_READING, Rests};
use crate::clock::Clock;
use crate::store::{LedgerHead, Position};
use shared::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// After each piece that was written it rests so many times as long as the piece took: others have waited for it.
const RESTS_WRITING: u32 = 9;
/// A commit that takes longer is followed by smaller ones: a reservation may have to wait for it.
const COMMIT_MAX: Duration = Duration::from_millis(3);
/// Orders whose rows are written by one commit, at most; and by the first one, until it is known what it takes.
const ORDERS_AT_ONCE: usize = 200;
const ORDERS_AT_FIRST: usize = 8;
/// How often it says something, at most.
const SAYS_EVERY: Duration = Duration::from_secs(2);

pub(super) struct Pace<'a> {
    rests: Rests<'a>,
    is_fast: bool,
    slug: String,
    /// Of the conference, when it began.
    head: Position,
    /// When what is counted now began, and how much of it was done by then.
    began: Instant,
    began_at: u64,
    said_at: Instant,
    /// Orders that the next commit may change.
    piece: usize,
    /// Orders whose rows were all right, the last time: the next ones may be so, too.
    is_quiet: bool,
}

impl<'a> Pace<'a> {
    pub(super) fn new(clock: &'a Clock, is_fast: bool, ledger: &LedgerHead) -> Self {
        let (now, slug, head) = (Instant::now(), ledger.slug.clone(), ledger.head);
        Self {
            rests: Rests::while_reading(clock, is_fast),
            is_fast,
            slug,
            head,
            began: now,
            began_at: 0,
            said_at: now,
            piece: if is_fast { ORDERS_AT_ONCE } else { ORDERS_AT_FIRST },
            is_quiet: true,
        }
    }

    /// From now on orders are counted. So many were written by an earlier run.
    pub(super) fn turns_to_orders(&mut self, done: usize) {
        (self.began, self.began_at) = (Instant::now(), done as u64);
    }

    /// How many orders the next commit may change.
    pub(super) const fn orders_to_write(&self) -> usize {
        self.piece
    }

    /// How many to look at, to find these.
    pub(super) const fn orders_to_read(&self) -> usize {
        if self.is_quiet { ORDERS_AT_ONCE } else { self.piece }
    }

    /// The rows of a piece were right.
    pub(super) fn found_nothing(&mut self) {
        self.is_quiet = true;
        self.rests_for(RESTS_READING);
    }

    /// A piece was written by a commit that took so long.
    pub(super) fn written(&mut self, took: Duration) {
        self.is_quiet = false;
        self.rests_for(RESTS_WRITING);
        if self.is_fast || took < COMMIT_MAX / 2 {
            self.piece = ORDERS_AT_ONCE.min(self.piece * 2);
        } else if COMMIT_MAX < took {
            self.piece = (self.piece / 2).max(1);
        }
    }

    fn rests_for(&mut self, times: u32) {
        self.rests.rest_for(if self.is_fast { 0 } else { times });
    }

    pub(super) fn now(&self) -> Timestamp {
        self.rests.now()
    }

    /// Between two pieces.
    pub(super) async fn rest(&mut self) {
        self.rests.rest().await;
    }

    /// A server was faster. A smaller piece is read and written before the next batch of a busy ledger. What was
    /// done came to nothing: it is not rested for, or a busy house would never be done.
    pub(super) fn starts_over(&mut self) {
        (self.piece, self.is_quiet) = ((self.piece / 2).max(1), false);
        self.rests.starts_over();
    }

    /// Events up to this position have been read.
    pub(super) fn events(&mut self, position: Position, out: Out<'_>) -> anyhow::Result<()> {
        self.say("events", (position, self.head), out).map(drop)
    }

    /// So many orders of all have been written. True when it is time to remember that.
    pub(super) fn orders(&mut self, done: usize, all: usize, out: Out<'_>) -> anyhow::Result<bool> {
        if done == all {
            return Ok(false);
        }
        self.say("orders", (done as u64, all as u64), out)
    }

    fn say(&mut self, what: &str, (done, all): (u64, u64), out: Out<'_>) -> anyhow::Result<bool> {
        if self.said_at.elapsed() < SAYS_EVERY {
            return Ok(false);
        }
        self.said_at = Instant::now();
        let rate = done.saturating_sub(self.began_at) as f64 / self.began.elapsed().as_secs_f64();
        let left = all.saturating_sub(done) as f64 / rate.max(1.0);
        let slug = &self.slug;
        writeln!(out, "{slug}: {done} of {all} {what}, {rate:.0} a second, {left:.0} s left")?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn pace(clock: &Clock, is_fast: bool) -> Pace<'_> {
        let [slug, state, email, code] = [(); 4].map(|()| String::new());
        Pace::new(clock, is_fast, &(Uuid::nil(), slug, state, 0, email, code).into())
    }

    #[tokio::test]
    async fn pieces_grow_while_commits_are_short_and_shrink_when_somebody_has_to_wait() {
        let clock = Clock::Real;
        let mut pace = pace(&clock, false);
        let first = pace.orders_to_write();
        pace.written(COMMIT_MAX / 4);
        assert_eq!(pace.orders_to_write(), first * 2);
        pace.written(COMMIT_MAX * 3 / 4);
        assert_eq!(pace.orders_to_write(), first * 2, "long enough and not too long");
        pace.written(COMMIT_MAX * 2);
        assert_eq!(pace.orders_to_write(), first);
        for _ in 0..20 {
            pace.starts_over();
        }
        assert_eq!(pace.orders_to_write(), 1, "there is always something to write");
        for _ in 0..20 {
            pace.written(Duration::ZERO);
        }
        assert_eq!(pace.orders_to_write(), ORDERS_AT_ONCE);
    }

    #[tokio::test]
    async fn what_is_right_is_read_in_large_pieces_until_something_is_wrong() {
        let clock = Clock::Real;
        let mut pace = pace(&clock, false);
        assert_eq!(pace.orders_to_read(), ORDERS_AT_ONCE);
        pace.written(COMMIT_MAX);
        assert_eq!(pace.orders_to_read(), pace.orders_to_write(), "none is read twice");
        pace.found_nothing();
        assert_eq!(pace.orders_to_read(), ORDERS_AT_ONCE);
        assert!(pace.orders_to_write() < ORDERS_AT_ONCE, "the next commit is a short one");
    }

    #[tokio::test]
    async fn who_is_in_a_hurry_writes_large_pieces_however_long_they_take() {
        let clock = Clock::Real;
        let mut pace = pace(&clock, true);
        assert_eq!(pace.orders_to_write(), ORDERS_AT_ONCE);
        pace.written(COMMIT_MAX * 10);
        assert_eq!(pace.orders_to_write(), ORDERS_AT_ONCE);
    }
}
