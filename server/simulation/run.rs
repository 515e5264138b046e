//! One seed from the first request until nothing more happens, and what it came to.

use crate::checks;
use crate::owner::Owner;
use crate::plan::Plan;
use crate::registrant::Registrant;
use crate::world::{Figures, World};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The longest that people take, in the time of the simulation.
const VISITS_MAX: Duration = Duration::from_secs(12 * 60 * 60);
/// The longest until nothing more happens by itself, in the time of the simulation.
const REST_MAX: Duration = Duration::from_secs(30 * 60 * 60);

thread_local! {
    static PANICS: Cell<u32> = const { Cell::new(0) };
}

/// What a seed came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Promises that were broken.
    pub(crate) found: Vec<String>,
    pub(crate) figures: Figures,
    /// Line by line, if it was to be told.
    pub(crate) story: Vec<String>,
}

/// Panics of tasks are found, too: the runtime would swallow them.
pub(crate) fn watch_panics() {
    std::panic::set_hook(Box::new(|info| {
        PANICS.set(PANICS.get() + 1);
        eprintln!("{info}");
    }));
}

/// Panics of this thread so far.
pub(crate) fn panics() -> u32 {
    PANICS.get()
}

/// Plays a plan to its end.
pub(crate) fn run(plan: Plan, told: bool) -> Outcome {
    play(plan, told, |world| async move {
        live(&world).await;
        checks::at_rest(&world).await;
    })
}

/// Lets everybody do what they came for, and waits until nothing more happens.
pub(crate) async fn live(world: &Arc<World>) {
    let played = timeout(VISITS_MAX, everybody(world));
    tokio::select! {
        biased;
        () = world.broken.cancelled() => {}
        in_time = played => {
            if in_time.is_err() {
                world.broke("somebody waits for an answer that never comes".to_owned());
            }
        }
    }
    world.heal();
    rest(world).await;
}

/// Runs a story in a world of its own.
pub(crate) fn play<F: Future<Output = ()>>(
    plan: Plan,
    told: bool,
    story: impl FnOnce(Arc<World>) -> F,
) -> Outcome {
    let panics = PANICS.get();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let (mut found, figures, story) = runtime.block_on(async {
        let world = World::new(plan, told);
        for name in 0..world.plan.nodes {
            world.start(name);
        }
        story(world.clone()).await;
        world.close()
    });
    drop(runtime);
    if PANICS.get() != panics {
        found.push("something panicked".to_owned());
    }
    Outcome { found, figures, story }
}

/// Opens the conferences, lets everybody in, and waits until they have left.
async fn everybody(world: &Arc<World>) {
    let mut owners = Vec::new();
    for _ in 0..world.plan.conferences {
        let mut owner = Owner::new(world);
        if let Err(refusal) = owner.open().await {
            return world.broke(format!("a conference cannot be opened: {refusal:?}"));
        }
        owners.push(owner);
    }
    let mut visits = tokio::task::JoinSet::new();
    for number in 0..world.plan.registrants {
        let owner = &owners[number % owners.len()];
        visits.spawn(Registrant::new(world, owner.ledger, &owner.seat_types).live());
    }
    for owner in owners {
        visits.spawn(owner.live());
    }
    visits.spawn(mischief(world.clone()));
    visits.join_all().await;
}

/// Sets clocks, takes the store away, lets servers stand still and believe what is not so.
async fn mischief(world: Arc<World>) {
    let mut rng = world.rng();
    let faults = world.plan.faults;
    let mut kinds = Vec::new();
    for (kind, times) in
        [faults.clock_jumps, faults.outages, faults.freezes, faults.rumours].into_iter().enumerate()
    {
        kinds.extend(std::iter::repeat_n(kind, times as usize));
    }
    rng.shuffle(&mut kinds);
    for kind in kinds {
        sleep(Duration::from_millis(rng.u64(0..100_000))).await;
        let name = rng.usize(..world.plan.nodes);
        match kind {
            0 => {
                let far = if rng.bool() { 1_200_000 } else { 5_000 };
                world.set_clock(name, rng.i64(-far..far));
            }
            1 => world.away(Duration::from_millis(rng.u64(100..90_000))),
            2 => world.freeze(name, Duration::from_millis(rng.u64(100..60_000))),
            _ => world.spread_rumour(&mut rng),
        }
    }
}

/// Waits until nothing is due any more.
pub(crate) async fn rest(world: &Arc<World>) {
    world.errands.close();
    let quiet = async {
        loop {
            world.errands.wait().await;
            let is_quiet = {
                let disk = world.disk();
                disk.next_effect().is_none() && disk.deadlines.is_empty()
            };
            if is_quiet {
                return;
            }
            sleep(Duration::from_secs(30)).await;
        }
    };
    tokio::select! {
        biased;
        () = world.broken.cancelled() => {}
        quiet = timeout(REST_MAX, quiet) => {
            if quiet.is_err() {
                let disk = world.disk();
                let (deadlines, effects) = (disk.deadlines.len(), disk.effects.len());
                drop(disk);
                world.broke(format!("it does not come to rest: {deadlines} deadlines, {effects} effects"));
            }
        }
    }
}
