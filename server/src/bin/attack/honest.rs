//! People who want to register while others attack: each from an address of their own, on a connection
//! of their own.

use crate::line::{Line, get, post};
use crate::target::Target;
use anyhow::ensure;
use shared::live::{Snapshot, View};
use shared::views::OrderStatus;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Between two of them.
const PACE: Duration = Duration::from_millis(100);
/// Longer nobody waits.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(crate) struct Honest {
    took_us: Vec<u64>,
    pub(crate) failures: Vec<String>,
}

impl Honest {
    pub(crate) async fn order_until(
        mut self,
        target: Arc<Target>,
        stop: CancellationToken,
    ) -> Self {
        let mut number = 0_u16;
        while !stop.is_cancelled() {
            number += 1;
            let [high, low] = number.to_be_bytes();
            let from = Ipv4Addr::new(127, 1, high, low);
            let started = Instant::now();
            match timeout(PATIENCE, order(&target, from)).await {
                Ok(Ok(())) => {
                    self.took_us.push(u64::try_from(started.elapsed().as_micros()).unwrap_or(0));
                }
                Ok(Err(error)) => self.failures.push(format!("{error:#}")),
                Err(_) => self.failures.push("no answer".to_owned()),
            }
            sleep(PACE).await;
        }
        self
    }

    pub(crate) fn orders(&self) -> usize {
        self.took_us.len()
    }

    /// In milliseconds.
    pub(crate) fn percentiles(&self) -> (f64, f64) {
        let mut sorted = self.took_us.clone();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
            sorted.get(index).map_or(f64::NAN, |us| *us as f64 / 1_000.0)
        };
        (at(50), at(99))
    }
}

/// Connects, places an order, gives a name and looks at it.
async fn order(target: &Target, from: Ipv4Addr) -> anyhow::Result<()> {
    let mut line = Line::open(from, target.addr).await?;
    let (order_id, token) = (target.fresh_id(), target.fresh_token());
    let (status, body) = line.ask(&target.register(order_id, &token, 1)).await?;
    ensure!(status == 200, "register: {status} {}", String::from_utf8_lossy(&body));
    let details = target.details(order_id);
    let path = "/api/commands/assign-registrant-details";
    let (status, body) = line.ask(&post(path, &token, &details)).await?;
    ensure!(status == 200, "details: {status} {}", String::from_utf8_lossy(&body));
    let path = format!("/api/views/order/{}/{order_id}", target.slug());
    let (status, body) = line.ask(&get(&path, &token)).await?;
    ensure!(status == 200, "view: {status} {}", String::from_utf8_lossy(&body));
    let snapshot: Snapshot = serde_json::from_slice(&body)?;
    let is_held = matches!(&snapshot.view, View::Order(order) if order.status == OrderStatus::Held);
    ensure!(is_held, "no seats: {snapshot:?}");
    Ok(())
}
