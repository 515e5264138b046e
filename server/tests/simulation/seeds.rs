//! Many seeds, or one.

use crate::plan::Plan;
use crate::run::{Outcome, run, watch_panics};
use crate::world::Figures;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Seeds of a run without other wishes: short enough for every day.
const SEEDS: u64 = 300;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// `SEEDS=100000` runs so many, `FROM=…` begins elsewhere, `SEED=…` replays one and tells its story.
#[test]
fn no_seed_breaks_a_promise() {
    watch_panics();
    if let Some(seed) = number("SEED") {
        return replay(seed);
    }
    let (from, seeds) = (number("FROM").unwrap_or(1), number("SEEDS").unwrap_or(SEEDS));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, is_broken) = (AtomicU64::new(from), AtomicBool::new(false));
    let total: Mutex<Figures> = Mutex::default();
    let failed: Mutex<Option<u64>> = Mutex::default();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut figures = Figures::new();
                while !is_broken.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if from + seeds <= seed {
                        break;
                    }
                    let outcome = run(Plan::of(seed), false);
                    add(&mut figures, &outcome.figures);
                    if !outcome.found.is_empty() {
                        is_broken.store(true, Ordering::Relaxed);
                        failed.lock().expect("a number").get_or_insert(seed);
                    }
                }
                add(&mut total.lock().expect("figures"), &figures);
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    report(&total.lock().expect("figures"), seeds, seconds, threads);
    if let Some(seed) = *failed.lock().expect("a number") {
        replay(seed);
    }
}

/// A seed is a story: told twice, it is the same.
#[test]
fn a_seed_always_tells_the_same_story() {
    for seed in [1, 2, 3, 4, 5, 6, 7, 8] {
        let (one, two) = (run(Plan::of(seed), true), run(Plan::of(seed), true));
        assert_eq!(one.story.len(), two.story.len(), "seed {seed}");
        for (first, second) in one.story.iter().zip(&two.story) {
            assert_eq!(first, second, "seed {seed}");
        }
    }
}

fn replay(seed: u64) {
    let plan = Plan::of(seed);
    println!("{plan:#?}");
    let Outcome { found, story, .. } = run(plan, true);
    for line in &story {
        println!("{line}");
    }
    assert!(
        found.is_empty(),
        "seed {seed} breaks a promise:\n  {}\nReplay it: make simulate SEED={seed}",
        found.join("\n  ")
    );
}

fn add(total: &mut Figures, figures: &Figures) {
    for (what, count) in figures {
        *total.entry(what).or_default() += count;
    }
}

#[expect(clippy::cast_precision_loss, reason = "for the eye")]
fn report(figures: &Figures, seeds: u64, seconds: f64, threads: usize) {
    for (what, count) in figures {
        println!("{count:>12}  {what}");
    }
    let rate = seeds as f64 / seconds / threads as f64;
    println!("{seeds} seeds in {seconds:.1} s: {rate:.0} seeds a second per core");
}
