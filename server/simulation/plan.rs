//! What a seed means: how big the house is, how scarce the seats, and what goes wrong how often.
//!
//! Each seed draws which kinds of faults it has at all. A run in which everything fails hides what a
//! run with one kind of fault shows.

use fastrand::Rng;
use server::ledger::{Bounds, memory};
use std::time::Duration;

/// Everything that a run depends on, besides the code.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Servers over the one store.
    pub(crate) nodes: usize,
    /// The store says that others write to it, too.
    pub(crate) is_shared: bool,
    /// Requests travel to the server that usually writes their conference.
    pub(crate) has_peers: bool,
    /// Things are slow and nothing else: then nothing may be done twice.
    pub(crate) is_calm: bool,
    pub(crate) conferences: usize,
    pub(crate) registrants: usize,
    /// Quota and price (minor units) of each seat type.
    pub(crate) seat_types: Vec<(u32, i64)>,
    pub(crate) hold_seconds: u32,
    pub(crate) grace_seconds: u32,
    /// Registrants may give back what they bought.
    pub(crate) may_cancel: bool,
    /// Somebody watches the conferences. Views are written for nobody else, and that takes time.
    pub(crate) is_watched: bool,
    /// How often workers look at tables in which others may have written.
    pub(crate) patience_seconds: i64,
    pub(crate) bounds: Bounds,
    pub(crate) faults: Faults,
}

/// How often what goes wrong; shares of one, except the counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// A question to the store fails.
    pub(crate) store: f64,
    /// A commit fails, written or not: who asked cannot know.
    pub(crate) unknown: f64,
    /// The store takes its time.
    pub(crate) slow: f64,
    /// A server dies: at a question, or before or after a commit.
    pub(crate) crash: f64,
    /// A request never arrives.
    pub(crate) dropped: f64,
    /// A request is acted upon and its answer never arrives.
    pub(crate) lost: f64,
    /// A request arrives once more, up to twenty minutes later.
    pub(crate) repeated: f64,
    /// The provider does not answer, or acts and does not answer.
    pub(crate) provider: f64,
    /// The mail server does not take a mail, or takes it and does not say so.
    pub(crate) post: f64,
    /// The mail server says no for good.
    pub(crate) refused_mail: f64,
    /// How often a server's clock is set forward or back.
    pub(crate) clock_jumps: u32,
    /// How often the store is away for a while.
    pub(crate) outages: u32,
    /// How often a server stands still for up to a minute, and goes on as if nothing had been.
    pub(crate) freezes: u32,
    /// How often a server changes its mind about who else is there.
    pub(crate) rumours: u32,
    /// How often the owner does something.
    pub(crate) owner_moves: u32,
}

impl Plan {
    /// The plan of a seed; the same for ever.
    #[must_use]
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let nodes = if rng.u8(..4) == 0 { rng.usize(2..=3) } else { 1 };
        let is_calm = rng.u8(..8) == 0;
        let seat_types = (0..rng.usize(1..=3))
            .map(|_| (rng.u32(1..=12), [0, 500, 19_900][rng.usize(..3)]))
            .collect();
        Self {
            seed,
            nodes,
            is_shared: nodes > 1 || rng.bool(),
            has_peers: nodes > 1 && rng.bool(),
            is_calm,
            conferences: if rng.u8(..4) == 0 { 2 } else { 1 },
            // A few show most defects, and many more of such seeds can be played; a crowd shows others.
            registrants: if rng.u8(..48) == 0 { rng.usize(20..=32) } else { rng.usize(2..=5) },
            seat_types,
            hold_seconds: [60, 180, 900][rng.usize(..3)],
            grace_seconds: [0, 10, 60][rng.usize(..3)],
            may_cancel: rng.bool(),
            is_watched: seed.is_multiple_of(8),
            patience_seconds: [20, 60, 120, 120][rng.usize(..4)],
            bounds: bounds(&mut rng, is_calm),
            faults: if is_calm { Faults::calm(&mut rng) } else { Faults::drawn(&mut rng) },
        }
    }

    /// A house where nothing goes wrong unless a story says so.
    #[must_use]
    #[cfg(test)]
    pub(crate) fn calm() -> Self {
        Self {
            seed: 0,
            nodes: 1,
            is_shared: false,
            has_peers: false,
            is_calm: false,
            conferences: 1,
            registrants: 0,
            seat_types: vec![(10, 19_900), (5, 0)],
            hold_seconds: 900,
            grace_seconds: 60,
            may_cancel: true,
            is_watched: false,
            patience_seconds: 5,
            bounds: Bounds::default(),
            faults: Faults::default(),
        }
    }
}

/// Tight ones now and then, so that every limit is met.
fn bounds(rng: &mut Rng, is_calm: bool) -> Bounds {
    let mut one_of = |sizes: [usize; 4]| sizes[rng.usize(..sizes.len())];
    let queue_max = one_of([2, 8, 1_000, 1_000]);
    Bounds {
        // A full queue is something that goes wrong.
        queue_max: if is_calm { 1_000 } else { queue_max },
        batch_max: one_of([1, 3, 100, 100]),
        idle: Duration::from_secs(one_of([3, 120, 120, 120]) as u64),
        memory: memory::Bounds {
            orders_max: one_of([1, 4, 1_000, 1_000]),
            snapshot_every: one_of([1, 7, 20, 60]) as u64,
            dashboard_every: one_of([1, 10, 20, 50]) as u64,
        },
    }
}

impl Faults {
    fn drawn(rng: &mut Rng) -> Self {
        let mut share = |most: f64| {
            let is_there = rng.bool();
            let much = rng.f64() * most;
            if is_there { much } else { 0.0 }
        };
        Self {
            store: share(0.03),
            unknown: share(0.05),
            slow: share(0.3),
            crash: share(0.02),
            dropped: share(0.1),
            lost: share(0.1),
            repeated: share(0.15),
            provider: share(0.4),
            post: share(0.3),
            refused_mail: share(0.1),
            clock_jumps: rng.u32(..4).saturating_sub(1),
            outages: rng.u32(..4).saturating_sub(1),
            freezes: rng.u32(..4).saturating_sub(1),
            rumours: rng.u32(..8),
            owner_moves: rng.u32(..6),
        }
    }

    fn calm(rng: &mut Rng) -> Self {
        let (slow, rumours, owner_moves) = (0.3, rng.u32(..8), rng.u32(..6));
        Self { slow, rumours, owner_moves, ..Self::default() }
    }

    /// Nothing goes wrong any more.
    #[must_use]
    pub(crate) fn healed() -> Self {
        Self::default()
    }
}

/// Says yes with this probability.
pub(crate) fn chance(rng: &mut Rng, share: f64) -> bool {
    share > 0.0 && rng.f64() < share
}
