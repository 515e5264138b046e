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
        print!(" {step:>13}");
    }
    println!(" {:>15} {:>14}", "CPU ms/order", "kB/order");
    print!("{:>11} {:>9}", "", "");
    for _ in 0..=STEPS.len() {
        print!(" {:>13}", "p50 / p99 ms");
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
        let (p50, p99) = percentiles(times);
        print!(" {:>13}", format!("{p50:.1} / {p99:.1}"));
        steps.insert(name.to_owned(), json!({ "p50_ms": p50, "p99_ms": p99 }));
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

/// p50 and p99 in milliseconds.
pub(crate) fn percentiles(mut values: Vec<u64>) -> (f64, f64) {
    values.sort_unstable();
    (percentile_ms(&values, 50), percentile_ms(&values, 99))
}
