//! Brings a dashboard to the ledger's head: the stored document, and every event after it.
//!
//! The numbers need each order as it was at each event, so the orders that are touched are folded
//! along. Without a document everything is read, once. Pure: who reads the pages is `ledger.rs`.

use crate::events::{Event, Stream};
use crate::store::{Document, Position, Recorded};
use crate::views;
use crate::views::dashboard::{Dashboard, Share, Told};
use shared::views::OrderView;
use shared::{ConferenceId, Timestamp};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A dashboard on its way to the head.
#[derive(Debug)]
pub struct CatchUp {
    conference: ConferenceId,
    dashboard: Dashboard,
    /// Of the document; 0 without one.
    began_at: Position,
    position: Position,
    orders: HashMap<Uuid, Option<OrderView>>,
}

impl CatchUp {
    /// Begins at the stored document, or at the beginning.
    ///
    /// # Errors
    /// The document is not of this release.
    pub fn from(conference: ConferenceId, document: Option<&Document>) -> anyhow::Result<Self> {
        let dashboard = match document {
            Some(document) => serde_json::from_str(&document.body)?,
            None => Dashboard::default(),
        };
        let position = document.map_or(0, |document| document.position);
        let orders = HashMap::new();
        Ok(Self { conference, dashboard, began_at: position, position, orders })
    }

    /// Everything up to here is folded.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Orders of this page whose earlier events have to be remembered before it is folded.
    #[must_use]
    pub fn unknown(&self, page: &[Recorded]) -> Vec<Uuid> {
        if self.began_at == 0 {
            return vec![];
        }
        let processes = page.iter().filter_map(|recorded| recorded.process);
        let unknown: HashSet<Uuid> = processes.filter(|id| !self.orders.contains_key(id)).collect();
        unknown.into_iter().collect()
    }

    /// Folds earlier events into the orders alone; later ones are left for their page.
    ///
    /// # Errors
    /// An event is not of this release.
    pub fn remember(&mut self, events: &[Recorded]) -> anyhow::Result<()> {
        let until = self.position;
        for recorded in events.iter().filter(|recorded| recorded.position <= until) {
            let event = Event::decode(&recorded.kind, &recorded.payload)?;
            self.fold_order(recorded, Stream::parse(&recorded.stream)?, &event);
        }
        Ok(())
    }

    /// Folds the next events.
    ///
    /// # Errors
    /// An event is not of this release.
    pub fn fold(&mut self, page: &[Recorded]) -> anyhow::Result<()> {
        for recorded in page {
            let event = Event::decode(&recorded.kind, &recorded.payload)?;
            let stream = Stream::parse(&recorded.stream)?;
            let before = Share::of(self.order_of(recorded));
            self.fold_order(recorded, stream, &event);
            let at = Timestamp(recorded.recorded_at);
            let told = Told { position: recorded.position, at, stream, event: &event };
            let order = recorded.process.and_then(|id| self.orders.get(&id)?.as_ref());
            self.dashboard.apply(told, &before, order);
            self.position = recorded.position;
        }
        Ok(())
    }

    /// The dashboard as it is now, and the position of the document it came from.
    #[must_use]
    pub fn done(self) -> (Dashboard, Position) {
        (self.dashboard, self.began_at)
    }

    /// The dashboard as it is now, as its document holds it.
    ///
    /// # Errors
    /// Never in practice: it is plain data.
    pub fn body(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string(&self.dashboard)?)
    }

    fn order_of(&self, recorded: &Recorded) -> Option<&OrderView> {
        self.orders.get(&recorded.process?)?.as_ref()
    }

    fn fold_order(&mut self, recorded: &Recorded, stream: Stream, event: &Event) {
        if let Some(id) = recorded.process {
            let view = self.orders.entry(id).or_default();
            // The numbers do not name the conference.
            let about = views::order::Conference { id: self.conference, slug: "" };
            views::order::apply(view, about, stream, event, Timestamp(recorded.recorded_at));
        }
    }
}
