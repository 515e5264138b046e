//! Payments whose story goes on behind the cut. The provider knows how it went on; it is asked again, so
//! that no money is forgotten, and nothing moves twice, because a payment's id is its key there.
//!
//! Not here: which events are cut (`cut.rs`), what an answer leads to (`domain/registration_process.rs`).

use super::rows::Row;
use crate::domain::payment::{self, Payment, Status};
use crate::domain::registration_process::Effect;
use crate::events::{Event, Stream};
use crate::ledger::memory::{Memory, Snapshot};
use crate::operator::{Out, counted};
use crate::store::{Commit, LedgerId, NewEffect, ProcessId, Store};
use anyhow::Context;
use sha2::{Digest, Sha256};
use shared::{ConferenceId, OrderId, PaymentId, Timestamp};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Orders that are looked at at once.
const ORDERS_AT_ONCE: usize = 200;
/// Payments that are named; of more, only how many there are.
const NAMED_MAX: usize = 50;

/// What the events that are cut say of a payment.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    received: Option<shared::Money>,
    is_refunded: bool,
}

/// The payments of one conference.
type Payments = BTreeMap<(OrderId, PaymentId), Fate>;

/// All payments that an event behind the cut is about.
#[derive(Debug, Default)]
pub(super) struct Money {
    payments: BTreeMap<LedgerId, Payments>,
}

/// What was asked of the provider, and what nobody can set right by asking.
#[derive(Debug, Default)]
pub(super) struct Asked {
    effects: usize,
    /// Went back, while the order that it paid for is confirmed again.
    returned: Vec<(OrderId, PaymentId)>,
}

impl Money {
    /// An event that is cut.
    pub(super) fn hear(&mut self, ledger: LedgerId, row: &Row) -> anyhow::Result<()> {
        let Ok(Stream::Payment(order, id)) = Stream::parse(row.text("stream")?) else {
            return Ok(());
        };
        let fates = self.payments.entry(ledger).or_default();
        let fate = fates.entry((order, id)).or_default();
        // An event that nobody can read may be why it is cut.
        match Event::decode(row.text("kind")?, row.text("payload")?) {
            Ok(Event::Payment(payment::Event::PaymentCompleted { amount, .. })) => {
                fate.received = Some(amount);
            }
            Ok(Event::Payment(payment::Event::PaymentRefunded { .. })) => fate.is_refunded = true,
            _ => {}
        }
        Ok(())
    }

    /// Says which money the provider has for a conference that is gone: nobody can ask for it any more.
    pub(super) fn tell_orphans(
        &self,
        ledger: LedgerId,
        slug: &str,
        out: Out<'_>,
    ) -> anyhow::Result<()> {
        let none = Payments::new();
        let fates = self.payments.get(&ledger).unwrap_or(&none).iter();
        let kept: Vec<_> = fates.filter(|(_, fate)| !fate.is_refunded).collect();
        let paid = kept.iter().filter_map(|(key, fate)| Some((key, fate.received?)));
        let paid: Vec<_> = paid.collect();
        if paid.is_empty() {
            return Ok(());
        }
        let payments = counted(paid.len(), "payment");
        writeln!(out, "{slug} is gone, and the provider has {payments} for it. Return by hand:")?;
        for ((order, id), amount) in paid.iter().take(NAMED_MAX) {
            writeln!(out, "  {amount}, payment {id} of order {order}")?;
        }
        Ok(())
    }

    /// Asks the provider again about every payment of a conference that is not settled in what is kept.
    pub(super) async fn ask_again(
        &self,
        store: &Store,
        ledger: LedgerId,
        now: Timestamp,
    ) -> anyhow::Result<Asked> {
        let mut asked = Asked::default();
        let Some(fates) = self.payments.get(&ledger) else { return Ok(asked) };
        let expected_head = store.head(ledger).await?.context("the conference is gone")?.head;
        let keys: Vec<(OrderId, PaymentId)> = fates.keys().copied().collect();
        for keys in keys.chunks(ORDERS_AT_ONCE) {
            let mut orders: Vec<ProcessId> = keys.iter().map(|(order, _)| order.0).collect();
            orders.dedup();
            let events = store.read_processes(ledger, &orders).await?;
            let mut memory = Memory::open(ConferenceId(ledger), 0, Snapshot::default(), &[])?;
            let orders: Vec<OrderId> = orders.into_iter().map(OrderId).collect();
            memory.load_orders(&orders, &events)?;
            let mut commit = Commit { ledger, expected_head, ..Commit::default() };
            for &(order, id) in keys {
                let known = memory.order(order).and_then(|file| file.payments.get(&id));
                let known = known.cloned().unwrap_or_default();
                commit.effects.extend(question((order, id), &known).map(|effect| NewEffect {
                    id: effect_id(ledger, id),
                    kind: effect.kind(),
                    payload: serde_json::to_string(&effect).unwrap_or_default(),
                    due_at: now.0,
                }));
                if known.money().is_some() && fates[&(order, id)].is_refunded {
                    asked.returned.push((order, id));
                }
            }
            asked.effects += commit.effects.len();
            store.commit(&commit).await?;
        }
        Ok(asked)
    }
}

impl Asked {
    pub(super) fn tell(&self, slug: &str, out: Out<'_>) -> anyhow::Result<()> {
        if 0 < self.effects {
            let payments = counted(self.effects, "payment");
            writeln!(out, "{slug}: the provider will be asked again about {payments}.")?;
        }
        if !self.returned.is_empty() {
            let orders = counted(self.returned.len(), "order");
            writeln!(out, "{slug}: {orders} confirmed again, but the money went back since:")?;
        }
        for (order, id) in self.returned.iter().take(NAMED_MAX) {
            writeln!(out, "  order {order}, payment {id}")?;
        }
        Ok(())
    }
}

/// What is to be asked about a payment, as what is kept knows it.
fn question((order_id, payment_id): (OrderId, PaymentId), known: &Payment) -> Option<Effect> {
    match known.status {
        Status::InFlight => Some(Effect::QueryPayment { order_id, payment_id }),
        Status::Refunding => {
            let amount = known.received?;
            Some(Effect::RefundPayment { order_id, payment_id, amount })
        }
        // Nobody waits for it. Giving it up once more also tells whether the money is there after all:
        // then it is used or goes back.
        Status::Unknown | Status::Declined | Status::Cancelled => {
            Some(Effect::CancelPayment { order_id, payment_id })
        }
        Status::Completed | Status::Refunded => None,
    }
}

/// No event asks for it. Derived, so that it is the same effect in every try.
fn effect_id(ledger: LedgerId, payment: PaymentId) -> Uuid {
    let hash = Sha256::new()
        .chain_update(b"asked again after a cut")
        .chain_update(ledger)
        .chain_update(payment.0);
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    Uuid::from_bytes(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::Currency;

    #[test]
    fn what_is_settled_is_not_asked_about() {
        let (order_id, payment_id) = (OrderId(Uuid::nil()), PaymentId(Uuid::nil()));
        let amount = shared::Money::new(500, Currency::EUR);
        let asked = |status| {
            let payment = Payment { status, received: Some(amount), ..Payment::default() };
            question((order_id, payment_id), &payment).map(|effect| effect.kind())
        };
        assert_eq!(asked(Status::InFlight), Some("QueryPayment"));
        assert_eq!(asked(Status::Refunding), Some("RefundPayment"));
        for unexpected in [Status::Unknown, Status::Declined, Status::Cancelled] {
            assert_eq!(asked(unexpected), Some("CancelPayment"), "{unexpected:?}");
        }
        assert_eq!((asked(Status::Completed), asked(Status::Refunded)), (None, None));
    }

    #[test]
    fn an_effect_of_no_event_says_so() {
        let (ledger, payment) = (Uuid::from_u128(1 << 100), PaymentId(Uuid::from_u128(7)));
        assert_eq!(crate::store::tools::asked_at(ledger, effect_id(ledger, payment)), None);
    }
}
