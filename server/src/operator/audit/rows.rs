//! The rows of orders compared with their events: what lists say, who sits where, what wakes them, and
//! what of their money is on its way.

use super::{Audit, unbroken};
use crate::checker::{Promise, Violation};
use crate::domain::payment::Status;
use crate::ledger::stage::STUCK_RETRY_SECONDS;
use crate::operator::PAGE;
use crate::operator::effects::of_ledger;
use crate::operator::kept::Kept;
use crate::store::tools::KeptEffect;
use crate::store::{Lookup, Recorded};
use shared::{OrderId, PaymentId, Timestamp};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Orders that are compared at once.
const ORDERS_AT_ONCE: usize = 250;
/// How often an order that moves is read again before it is left for the next time.
const READINGS_MAX: u32 = 20;

impl Audit<'_> {
    pub(super) async fn compare_rows(&mut self) -> anyhow::Result<()> {
        let orders: BTreeSet<Uuid> = self.checker.orders().map(|(id, _)| id.0).collect();
        let ids: Vec<Uuid> = orders.iter().copied().collect();
        for ids in ids.chunks(ORDERS_AT_ONCE) {
            let (_, found) = self.differences(ids).await?;
            let suspects: BTreeSet<Uuid> =
                found.iter().filter_map(|finding| Some(finding.order?.0)).collect();
            for id in suspects {
                self.compare_again(id).await?;
            }
            self.rests.rest().await;
        }
        let mut after = Uuid::nil();
        loop {
            let page = self.store.processes_with_rows(self.ledger, after, PAGE).await?;
            for id in page.iter().filter(|id| !orders.contains(id)) {
                self.compare_again(*id).await?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE as usize => after = *last,
                _ => return Ok(()),
            }
        }
    }

    /// Until the order stands still for the length of one reading.
    async fn compare_again(&mut self, id: Uuid) -> anyhow::Result<()> {
        for _ in 0..READINGS_MAX {
            let (events, found) = self.differences(&[id]).await?;
            let now = self.store.read_processes(self.ledger, &[id]).await?;
            if events == now.len() {
                self.findings.extend(found);
                return Ok(());
            }
        }
        self.notes.push(format!("order {id} moved too often to be compared"));
        Ok(())
    }

    /// How many events these orders have, and what differs from them.
    async fn differences(&mut self, ids: &[Uuid]) -> anyhow::Result<(usize, Vec<Violation>)> {
        let events = self.store.read_processes(self.ledger, ids).await?;
        let orders: Vec<OrderId> = ids.iter().copied().map(OrderId).collect();
        if let Err(why) = unbroken(|| self.memory.load_orders(&orders, &events)) {
            self.memory.forget_orders();
            let what = format!("the events of an order cannot be folded: {why:#}");
            let position = self.checker.position();
            let promise = Promise::HistoryIsWhole;
            let order = orders.first().copied().filter(|_| orders.len() == 1);
            // Of many orders it is not known which: each is tried alone.
            let orders = order.map_or(orders, |order| vec![order]);
            let finding =
                |order| Violation { promise, position, order: Some(order), what: what.clone() };
            return Ok((events.len(), orders.into_iter().map(finding).collect()));
        }
        let kept = Kept::read(self.store, self.ledger, ids).await?;
        let effects = self.effects_of_refunds().await?;
        let mut found = Vec::new();
        for id in orders {
            let own: Vec<Recorded> =
                events.iter().filter(|e| e.process == Some(id.0)).cloned().collect();
            let position = own.last().map_or(0, |recorded| recorded.position);
            let wrong = self.wrong(id, &own, (&kept, &effects));
            found.extend(wrong.into_iter().map(|(promise, what)| Violation {
                promise,
                position,
                order: Some(id),
                what,
            }));
        }
        self.memory.forget_orders();
        Ok((events.len(), found))
    }

    /// What is on its way outside. Only read when one of the orders waits for money to go back.
    async fn effects_of_refunds(&self) -> anyhow::Result<Vec<KeptEffect>> {
        let refunding = self.memory.files().any(|(_, file)| {
            file.payments.values().any(|payment| payment.status == Status::Refunding)
        });
        match refunding {
            true => of_ledger(self.store, self.ledger).await,
            false => Ok(vec![]),
        }
    }

    /// What is wrong with the rows of one order.
    fn wrong(
        &self,
        id: OrderId,
        events: &[Recorded],
        (kept, effects): (&Kept, &[KeptEffect]),
    ) -> Vec<(Promise, String)> {
        let mut wrong = Vec::new();
        let mut screen = |what: String| wrong.push((Promise::ScreenNeverLies, what));
        let rows = self.memory.rows(id, events);
        match (rows.lookup, kept.lookups.get(&id.0)) {
            (None, None) => {}
            (None, Some(_)) => screen("it is in the lists and not in the history".to_owned()),
            (Some(_), None) => screen("it is not in the lists".to_owned()),
            (Some(folded), Some(row)) if folded == *row => {}
            (Some(folded), Some(row)) => {
                screen(format!("lists show another {}", differing(&folded, row).join(", ")));
            }
        }
        if rows.attendees != kept.attendees_of(id.0) {
            screen("those at the door are told of other attendees".to_owned());
        }
        let row = kept.deadlines.get(&id.0).copied().map(Timestamp);
        if let Some(what) = self.asleep(id, row) {
            wrong.push((Promise::EveryOrderEnds, what));
        }
        for payment in self.forgotten_refunds(id, effects) {
            let what = format!("payment {payment} is to go back, and nothing will return it");
            wrong.push((Promise::NoMoneyIgnored, what));
        }
        wrong
    }

    /// Why nothing will wake this order in time.
    fn asleep(&self, id: OrderId, row: Option<Timestamp>) -> Option<String> {
        let wakes_at = self.memory.wakes_at(id, self.now)?;
        let latest = match self.now < wakes_at {
            true => wakes_at,
            false => self.now.plus_seconds(STUCK_RETRY_SECONDS),
        };
        match row {
            Some(row) if row <= latest => None,
            Some(_) => Some("its deadline is later than its process wants".to_owned()),
            None => Some("it has no deadline: nothing will end it".to_owned()),
        }
    }

    /// Money that was promised back, with no effect that returns it.
    fn forgotten_refunds(&self, id: OrderId, effects: &[KeptEffect]) -> Vec<PaymentId> {
        let Some(file) = self.memory.order(id) else { return vec![] };
        let returns = |effect: &&KeptEffect, payment: &PaymentId| {
            effect.kind == "RefundPayment" && effect.payload.contains(&payment.to_string())
        };
        let waiting = file.payments.iter().filter(|(_, p)| p.status == Status::Refunding);
        waiting
            .map(|(payment, _)| *payment)
            .filter(|payment| !effects.iter().any(|effect| returns(&effect, payment)))
            .collect()
    }
}

/// The names of what differs; the values may be anybody's name.
fn differing(folded: &Lookup, row: &Lookup) -> Vec<&'static str> {
    let facts = [
        ("code", folded.code != row.code),
        ("e-mail", folded.email != row.email),
        ("status", folded.status != row.status),
        ("total", folded.total_minor != row.total_minor),
        ("time of placing", folded.placed_at != row.placed_at),
        ("time of change", folded.changed_at != row.changed_at),
        ("name", folded.name != row.name),
        ("number of seats", folded.seats != row.seats),
        ("text to be searched", folded.sought != row.sought),
    ];
    facts.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
