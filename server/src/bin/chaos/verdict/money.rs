//! The payment provider's own journal, against our payments: what it collected is what we know of, and
//! all of it pays for confirmed orders or went back.

use super::{History, Paid};
use crate::journal::Journal;
use crate::report::Breach;
use anyhow::Context;
use serde::Deserialize;
use server::payment_gateway::PaymentRef;
use shared::{Money, OrderId, PaymentId};
use std::collections::HashMap;
use std::path::Path;

/// What the provider did.
#[derive(Debug, Default)]
pub(crate) struct Provider {
    payments: HashMap<(OrderId, PaymentId), AtProvider>,
}

#[derive(Debug, Default)]
struct AtProvider {
    collected: Option<Money>,
    is_refunded: bool,
    callbacks: u32,
    callbacks_settled: u32,
}

#[derive(Deserialize)]
struct Line {
    payment: PaymentRef,
    entry: String,
    amount: Option<Money>,
    callbacks: Option<u32>,
}

impl Provider {
    /// Reads its journal, which is no part of our store.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).context("the provider's journal")?;
        let mut provider = Self::default();
        for line in text.lines() {
            let line: Line = serde_json::from_str(line).with_context(|| line.to_owned())?;
            let key = (line.payment.order_id, line.payment.payment_id);
            let known = provider.payments.entry(key).or_default();
            match line.entry.as_str() {
                "accepted" => {
                    known.collected = line.amount;
                    known.callbacks += line.callbacks.unwrap_or(1);
                }
                "declined" => known.callbacks += 1,
                "refunded" => known.is_refunded = true,
                "callback_settled" => known.callbacks_settled += 1,
                _ => {}
            }
        }
        Ok(provider)
    }

    /// It has nothing left to tell.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.payments.values().all(|known| known.callbacks == known.callbacks_settled)
    }
}

/// Everything about money that does not agree.
pub(super) fn compare(
    path: &Path,
    journal: &Journal,
    history: &History,
) -> anyhow::Result<Vec<Breach>> {
    let provider = Provider::read(path)?;
    let mut breaches = Vec::new();
    let mut collected = 0;
    let nothing = Paid::default();
    for ((order, payment), known) in &provider.payments {
        let ours = history.payments.get(&(*order, *payment)).unwrap_or(&nothing);
        let is_same = (ours.received, ours.is_refunded) == (known.collected, known.is_refunded);
        if !is_same {
            let what = format!("payment {payment}: the provider says {known:?}, we say {ours:?}");
            breaches.push(Breach::of(*order, what));
        }
        collected += known.collected.map_or(0, |money| money.minor);
    }
    for ((order, payment), ours) in &history.payments {
        if ours.received.is_some() && !provider.payments.contains_key(&(*order, *payment)) {
            let what = format!("payment {payment}: money arrived that nobody paid");
            breaches.push(Breach::of(*order, what));
        }
    }
    for pressed in &journal.pressed {
        if !provider.payments.contains_key(&(pressed.order_id, pressed.payment_id)) {
            let what = format!("payment {}: the provider forgot the button", pressed.payment_id);
            breaches.push(Breach::of(pressed.order_id, what));
        }
    }
    let History { totals, kept, returned, .. } = history;
    if collected != kept + returned || kept != totals {
        let what = format!(
            "{collected} were collected, {returned} returned and {kept} kept, \
             but confirmed orders cost {totals}"
        );
        breaches.push(Breach::other(what));
    }
    Ok(breaches)
}
