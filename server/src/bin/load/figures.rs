//! What a run's numbers come to.

/// The value that `share` percent of sorted microseconds do not exceed, in milliseconds.
pub(crate) fn percentile_ms(sorted: &[u64], share: usize) -> f64 {
    let index = (sorted.len() * share / 100).min(sorted.len().max(1) - 1);
    sorted.get(index).map_or(0.0, |us| *us as f64 / 1e3)
}
