//! Many seeds, or one.

use crate::plan::Plan;
use crate::run::{Outcome, run, watch_panics};
use crate::world::Figures;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Plays `count` seeds on all cores until one breaks a promise; true: none does. Prints what happened.
pub(crate) fn many(from: u64, count: u64) -> bool {
    watch_panics();
    let began = Instant::now();
    let (figures, failed, played) = play(from, count);
    report(&figures, played, began.elapsed().as_secs_f64());
    failed.is_none_or(replay)
}

/// The figures of all seeds, the first one that broke a promise, and how many were played.
fn play(from: u64, count: u64) -> (Figures, Option<u64>, u64) {
    let (next, is_broken) = (AtomicU64::new(from), AtomicBool::new(false));
    let total: Mutex<(Figures, Vec<u64>, u64)> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| {
                let (mut figures, mut failed, mut played) = (Figures::new(), vec![], 0);
                while !is_broken.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if from + count <= seed {
                        break;
                    }
                    let outcome = run(Plan::of(seed), false);
                    played += 1;
                    add(&mut figures, &outcome.figures);
                    if !outcome.found.is_empty() {
                        is_broken.store(true, Ordering::Relaxed);
                        failed.push(seed);
                    }
                }
                let mut total = total.lock().expect("figures");
                add(&mut total.0, &figures);
                total.1.extend(failed);
                total.2 += played;
            });
        }
    });
    let (figures, failed, played) = total.into_inner().expect("figures");
    (figures, failed.into_iter().min(), played)
}

/// Plays one seed and tells its story; true: it breaks no promise.
pub(crate) fn replay(seed: u64) -> bool {
    watch_panics();
    let plan = Plan::of(seed);
    println!("{plan:#?}");
    let Outcome { found, story, .. } = run(plan, true);
    for line in &story {
        println!("{line}");
    }
    for what in &found {
        println!("Seed {seed} breaks a promise: {what}");
    }
    if !found.is_empty() {
        println!("Replay it: make simulate SEED={seed}");
    }
    found.is_empty()
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn add(total: &mut Figures, figures: &Figures) {
    for (what, count) in figures {
        *total.entry(what).or_default() += count;
    }
}

#[expect(clippy::cast_precision_loss, reason = "for the eye")]
fn report(figures: &Figures, seeds: u64, seconds: f64) {
    for (what, count) in figures {
        println!("{count:>12}  {what}");
    }
    let rate = seeds as f64 / seconds / threads() as f64;
    println!("{seeds} seeds in {seconds:.1} s: {rate:.0} seeds a second per core");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Short enough for every day; `make simulate` plays many more.
    const SEEDS: u64 = 250;

    #[test]
    fn no_seed_breaks_a_promise() {
        watch_panics();
        let (figures, failed, _) = play(1, SEEDS);
        if let Some(seed) = failed {
            assert!(replay(seed), "seed {seed} breaks a promise");
        }
        // A run in which nothing happens proves nothing.
        for what in [
            "Order.OrderConfirmed.v1",
            "Order.OrderExpired.v1",
            "Order.OrderPartiallyReserved.v1",
            "Order.RegistrationCancelled.v1",
            "Payment.PaymentCancelled.v1",
            "Payment.PaymentRefunded.v1",
            "answers lost",
            "answers of the provider lost",
            "conflicts",
            "crashes",
            "jumps of a clock",
            "mails without an answer",
            "outages of the store",
            "requests dropped",
            "requests repeated",
        ] {
            assert!(figures.contains_key(what), "{what} never happened in {SEEDS} seeds");
        }
    }

    /// A seed is a story: told twice, it is the same.
    #[test]
    fn a_seed_always_tells_the_same_story() {
        for seed in 1..=12 {
            let (one, two) = (run(Plan::of(seed), true), run(Plan::of(seed), true));
            for (first, second) in one.story.iter().zip(&two.story) {
                assert_eq!(first, second, "seed {seed}");
            }
            assert_eq!(one.story.len(), two.story.len(), "seed {seed}");
        }
    }
}
