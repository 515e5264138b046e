//! The figures of one level as a row: orders per second, p50/p99 in milliseconds per step, CPU.

use crate::figures::percentile_ms;
use crate::meter::Spent;
use crate::registrant::{Bought, STEPS};
use serde_json::{Value, json};

pub(crate) struct Level {
    pub(crate) bought: Vec<Bought>,
    pub(crate) spent: Spent,
}

pub(crate) fn print_header() {
    print!("{:>11} {:>9}", "registrants", "orders/s");
    for step in STEPS.iter().chain(&["whole"]) {
        print!(" {step:>15}");
    }
    println!(" {:>15} {:>14}", "CPU ms/order", "kB/order");
    print!("{:>11} {:>9}", "", "");
    for _ in 0..=STEPS.len() {
        print!(" {:>15}", "p50/p99/max ms");
    }
    println!(" {:>15} {:>14}", "server / client", "wire / disk");
}

/// Prints a level as a row and returns it as JSON.
pub(crate) fn print_level(registrants: usize, level: &Level) -> Value {
    let Level { bought, spent } = level;
    let each = |sum: f64| sum / bought.len().max(1) as f64;
    let rate = bought.len() as f64 / spent.elapsed.as_secs_f64();
    let cpu_ms = each(spent.server_cpu * 1e3);
    let client_cpu_ms = each(spent.client_cpu * 1e3);
    let wire_kb = each(spent.wire_bytes as f64 / 1e3);
    let disk_kb = spent.disk_bytes.map(|bytes| each(bytes as f64 / 1e3));
    print!("{registrants:>11} {rate:>9.0}");
    let mut steps = serde_json::Map::new();
    let step_us = |step: usize| bought.iter().map(move |order| order.step_us[step]).collect();
    let columns = STEPS.iter().enumerate().map(|(step, name)| (*name, step_us(step)));
    let whole = ("whole", bought.iter().map(|order| order.whole_us).collect());
    for (name, times) in columns.chain([whole]) {
        let Spread { p50, p99, max } = Spread::of(times);
        print!(" {:>15}", format!("{p50:.1}/{p99:.1}/{max:.0}"));
        steps.insert(name.to_owned(), json!({ "p50_ms": p50, "p99_ms": p99, "max_ms": max }));
    }
    let disk = disk_kb.map_or("–".to_owned(), |kb| format!("{kb:.1}"));
    let cpu = format!("{cpu_ms:.2} / {client_cpu_ms:.2}");
    println!(" {cpu:>15} {:>14}", format!("{wire_kb:.1} / {disk}"));
    json!({
        "registrants": registrants, "orders_per_second": rate, "steps": steps,
        "server_cpu_ms_per_order": cpu_ms, "client_cpu_ms_per_order": client_cpu_ms,
        "wire_kb_per_order": wire_kb, "disk_kb_per_order": disk_kb,
    })
}

/// Milliseconds.
pub(crate) struct Spread {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of microseconds.
    pub(crate) fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        let share = |share| percentile_ms(&times, share);
        Self { p50: share(50), p99: share(99), max: share(100) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places = f.precision().unwrap_or(0);
        let Self { p50, p99, max } = self;
        write!(f, "p50 {p50:.places$} / p99 {p99:.places$} / max {max:.places$} ms")
    }
}
