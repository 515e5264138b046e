//! The figures of one level as a row: orders per second, p50/p99 in milliseconds per step, CPU.

use crate::figures::percentile_ms;
use crate::registrant::{Bought, STEPS};
use std::time::Duration;

pub(crate) struct Level {
    pub(crate) bought: Vec<Bought>,
    pub(crate) elapsed: Duration,
    /// Of the server, user and system.
    pub(crate) cpu_seconds: f64,
}

pub(crate) fn print_header() {
    print!("{:>11} {:>9}", "registrants", "orders/s");
    for step in STEPS.iter().chain(&["whole"]) {
        print!(" {step:>13}");
    }
    println!(" {:>12}", "CPU ms/order");
    println!("{:>11} {:>9} {:>13}", "", "", "p50 / p99 ms");
}

pub(crate) fn print_level(registrants: usize, level: &Level) {
    let orders = level.bought.len();
    let rate = orders as f64 / level.elapsed.as_secs_f64();
    print!("{registrants:>11} {rate:>9.0}");
    for step in 0..STEPS.len() {
        print!(" {:>13}", percentiles(level.bought.iter().map(|order| order.step_us[step])));
    }
    print!(" {:>13}", percentiles(level.bought.iter().map(|order| order.whole_us)));
    println!(" {:>12.2}", level.cpu_seconds * 1e3 / orders.max(1) as f64);
}

fn percentiles(values: impl Iterator<Item = u64>) -> String {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    format!("{:.1} / {:.1}", percentile_ms(&values, 50), percentile_ms(&values, 99))
}
