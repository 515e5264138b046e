//! The figures of one level as a row: orders per second, p50/p99 in milliseconds per step, CPU.

use crate::figures::percentile_ms;
use crate::registrant::{Bought, STEPS};
use serde_json::{Value, json};
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

/// Prints a level as a row and returns it as JSON.
pub(crate) fn print_level(registrants: usize, level: &Level) -> Value {
    let orders = level.bought.len();
    let rate = orders as f64 / level.elapsed.as_secs_f64();
    let cpu_ms = level.cpu_seconds * 1e3 / orders.max(1) as f64;
    print!("{registrants:>11} {rate:>9.0}");
    let mut steps = serde_json::Map::new();
    let step_us = |step: usize| level.bought.iter().map(move |order| order.step_us[step]).collect();
    let columns = STEPS.iter().enumerate().map(|(step, name)| (*name, step_us(step)));
    let whole = ("whole", level.bought.iter().map(|order| order.whole_us).collect());
    for (name, times) in columns.chain([whole]) {
        let (p50, p99) = percentiles(times);
        print!(" {:>13}", format!("{p50:.1} / {p99:.1}"));
        steps.insert(name.to_owned(), json!({ "p50_ms": p50, "p99_ms": p99 }));
    }
    println!(" {cpu_ms:>12.2}");
    json!({
        "registrants": registrants, "orders_per_second": rate, "steps": steps,
        "server_cpu_ms_per_order": cpu_ms,
    })
}

/// p50 and p99 in milliseconds.
pub(crate) fn percentiles(mut values: Vec<u64>) -> (f64, f64) {
    values.sort_unstable();
    (percentile_ms(&values, 50), percentile_ms(&values, 99))
}
