//! What a run's numbers come to.

use anyhow::Context;
use std::fs;

/// The value that `share` percent of sorted microseconds do not exceed, in milliseconds.
pub(crate) fn percentile_ms(sorted: &[u64], share: usize) -> f64 {
    let index = (sorted.len() * share / 100).min(sorted.len().max(1) - 1);
    sorted.get(index).map_or(0.0, |us| *us as f64 / 1e3)
}

/// CPU seconds that a process used so far.
///
/// # Errors
/// It is gone.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    // Fields 14 and 15 of proc(5) stat, in clock ticks of a hundredth of a second.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("an unknown form of stat")?;
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(11).take(2).filter_map(|t| t.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
