//! The attack bench: `make attack`. Starts a release server with the limits it has by default and
//! attacks it, one way after the other, while honest registrants go on ordering from other addresses.
//!
//! Prints for each attack what the server answered, its memory before, at the peak and afterwards, and
//! what the honest noticed: how long an order took, and whether one failed. Ends with an error when an
//! honest order failed or memory went beyond its bound.
//! Not here: how fast an unattacked server is (`rush.rs`).

#![expect(clippy::disallowed_methods, reason = "an attack measures time, and waits")]

#[path = "attack/attacks.rs"]
mod attacks;
#[path = "attack/honest.rs"]
mod honest;
#[path = "attack/line.rs"]
mod line;
#[path = "load/program.rs"]
mod program;
#[path = "load/running.rs"]
mod running;
#[path = "attack/target.rs"]
mod target;

use anyhow::{Context, bail, ensure};
use attacks::{ATTACKS, Attack, Tally};
use honest::Honest;
use std::sync::Arc;
use std::time::Duration;
use target::Target;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const USAGE: &str = "usage: attack [--seconds 8] [--only NAME]";
/// Whatever anybody does, the server needs no more than this beyond what it had, in megabytes.
const GROWTH_MAX_MB: f64 = 300.0;
/// What memory is given afterwards to go down.
const REST: Duration = Duration::from_secs(3);

struct Options {
    seconds: u64,
    only: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options()?;
    let target = Arc::new(Target::start().await?);
    println!("SQLite, {} cores shared with the attackers", cores());
    println!(
        "| Attack | What came back | MB before / peak / after | orders | p50 / p99 ms | failed |"
    );
    println!("|---|---|---|---|---|---|");
    let mut failures = Vec::new();
    let calm = ("nobody attacks", None);
    let all = std::iter::once(calm).chain(ATTACKS.iter().map(|a| (a.name, Some(a))));
    for (name, attack) in all.filter(|(name, _)| name.contains(&options.only)) {
        failures.extend(attacked(&target, name, attack, options.seconds).await?);
    }
    println!("\n{}", target.summary()?);
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options { seconds: 8, only: String::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| USAGE.to_owned())?;
        match name.as_str() {
            "--seconds" => options.seconds = value.parse().context(USAGE)?,
            "--only" => options.only = value,
            _ => bail!("{USAGE}"),
        }
    }
    Ok(options)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs one attack and prints its line; answers what must not have been.
async fn attacked(
    target: &Arc<Target>,
    name: &str,
    attack: Option<&Attack>,
    seconds: u64,
) -> anyhow::Result<Vec<String>> {
    let (stop, tally) = (CancellationToken::new(), Tally::default());
    let before = target.memory_mb()?;
    let honest = tokio::spawn(Honest::default().order_until(target.clone(), stop.clone()));
    let attackers = attack.map(|attack| (attack.start)(target, &tally, &stop));
    let mut peak = before;
    for _ in 0..seconds * 10 {
        sleep(Duration::from_millis(100)).await;
        peak = peak.max(target.memory_mb()?);
    }
    stop.cancel();
    let honest = honest.await?;
    drop(attackers);
    sleep(REST).await;
    let after = target.memory_mb()?;
    let (p50, p99) = honest.percentiles();
    println!(
        "| {name} | {tally} | {before:.0} / {peak:.0} / {after:.0} | {} | {p50:.1} / {p99:.1} | {} |",
        honest.orders(),
        honest.failures.len(),
    );
    let mut failures: Vec<String> =
        honest.failures.iter().map(|error| format!("{name}: {error}")).take(3).collect();
    if GROWTH_MAX_MB < peak - before {
        failures.push(format!("{name}: memory grew by {:.0} MB", peak - before));
    }
    Ok(failures)
}
