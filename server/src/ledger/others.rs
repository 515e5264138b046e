//! What other nodes have written: read, and told to those who watch here.
//!
//! Not here: how a node hears that there is something to read (`news.rs`).

use super::memory::{Changed, Memory};
use super::{Attempt, Ledger, PAGE};
use crate::store::{Position, Recorded};
use shared::OrderId;
use std::collections::HashSet;
use uuid::Uuid;

impl Ledger {
    /// Moves a memory to the store's head, event by event, and publishes what changed.
    pub(super) async fn follow(&self, memory: &mut Memory) -> Result<(), Attempt> {
        loop {
            let page = self.store.read_all(self.id.0, memory.head(), PAGE).await?;
            let unknown = memory.unknown(&page);
            if !unknown.is_empty() {
                let events = self.store.read_processes(self.id.0, &unknown).await?;
                memory.load_orders_at_head(&unknown, events)?;
            }
            memory.follow(&page)?;
            memory.go_on(|position, changed| self.publish(position, &changed));
            if page.len() < PAGE as usize {
                return Ok(());
            }
        }
    }

    /// After everything was read anew: tells those who watch here what has happened since position
    /// `told`, or how everything is when nobody knows what they were told.
    pub(super) async fn tell_news(
        &self,
        memory: &mut Memory,
        told: Option<Position>,
    ) -> Result<(), Attempt> {
        let head = memory.head();
        let Some(slug) = memory.view().map(|view| view.slug.clone()) else { return Ok(()) };
        if !self.hub.watches(&slug) || told.is_some_and(|told| head <= told) {
            return Ok(());
        }
        let mut orders: HashSet<Uuid> =
            self.hub.watched_orders(&slug).into_iter().map(|id| id.0).collect();
        if let Some(told) = told {
            let touched = self.touched_after(told).await?;
            orders.retain(|id| touched.contains(id));
        }
        let orders: Vec<Uuid> = orders.into_iter().collect();
        let events = self.store.read_processes(self.id.0, &orders).await?;
        memory.load_orders_at_head(&orders, events)?;
        if let Some(view) = memory.view() {
            self.publish(head, &Changed::Conference(view));
        }
        if let Some(pushed) = memory.pushed() {
            self.publish(head, &Changed::Dashboard(pushed));
        }
        for id in orders {
            let view = memory.order(OrderId(id)).and_then(|file| file.view.as_ref());
            if let Some(view) = view {
                self.publish(head, &Changed::Order(view));
            }
        }
        Ok(())
    }

    /// The processes with an event after this position.
    async fn touched_after(&self, position: Position) -> Result<HashSet<Uuid>, Attempt> {
        let (mut touched, mut position) = (HashSet::new(), position);
        loop {
            let page: Vec<Recorded> = self.store.read_all(self.id.0, position, PAGE).await?;
            touched.extend(page.iter().filter_map(|recorded| recorded.process));
            match page.last() {
                Some(last) if page.len() == PAGE as usize => position = last.position,
                _ => return Ok(touched),
            }
        }
    }
}
