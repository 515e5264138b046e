//! Orders that arrive at a steady pace, each by whoever has nothing to do.

use crate::meter::Meter;
use crate::registrant::Registrant;
use crate::report::Level;
use crate::target::Target;
use anyhow::Context;
use shared::views::ConferenceView;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::mpsc;

/// Registrants who take turns; an order takes a few milliseconds.
pub(crate) const REGISTRANTS: usize = 16;

#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) orders_a_minute: u32,
    pub(crate) seconds: u64,
}

/// Buys one order after the other at the pace until it is over; all that were begun are completed.
pub(crate) async fn sell(
    target: &Target,
    conference: &ConferenceView,
    orders_a_minute: u32,
    over: impl Future<Output = ()>,
) -> anyhow::Result<Level> {
    let (done, mut idle) = mpsc::channel(REGISTRANTS);
    for _ in 0..REGISTRANTS {
        // Who does not ask for anything soon after connecting is hung up on: they come when it is their turn.
        let _ = done.send(None).await;
    }
    let meter = Meter::start(target)?;
    let mut over = pin!(over);
    let mut ticks = tokio::time::interval(Duration::from_secs(60) / orders_a_minute.max(1));
    let mut buying = Vec::new();
    loop {
        tokio::select! {
            biased;
            () = &mut over => break,
            _ = ticks.tick() => {}
        }
        let mut registrant = match idle.recv().await.context("nobody is left to buy")? {
            Some(registrant) => registrant,
            None => Registrant::arrive(target, conference).await?,
        };
        let done = done.clone();
        buying.push(tokio::spawn(async move {
            let bought = registrant.buy().await;
            let _ = done.send(Some(registrant)).await;
            bought
        }));
    }
    let mut bought = Vec::new();
    for order in buying {
        bought.push(order.await??);
    }
    Ok(Level { bought, spent: meter.stop(target)? })
}
