//! What a newer release has written and this one cannot read, shown all the same: the views come from the
//! newer server. Who wrote for whom can be read without knowing what happened.

use super::News;
use crate::ledger::Failure;
use crate::ledger::stage::{Answer, Command, Request};
use crate::store::{Position, StoreFault};
use futures_util::StreamExt;
use futures_util::stream::iter;
use shared::live::{Topic, View};
use shared::{ConferenceId, RefusalCode};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::timeout;
use tracing::warn;
use uuid::Uuid;

/// Views of one conference that a newer server is asked for at once.
const ASKED_AT_ONCE: usize = 8;
/// Whoever does not hear for longer takes the other nodes for gone.
const SHOWN_WITHIN: Duration = Duration::from_millis(1_200);
/// Events that are read at once.
const PAGE: u32 = 1_000;

impl News {
    /// Shows those who watch here what has changed from `since` up to `head` and maybe further, or
    /// everything when nobody knows what was shown. Says up to where. When no newer server answers, those who
    /// watch are sent elsewhere; who comes back asks for the whole view.
    pub(super) async fn relay(
        &self,
        id: ConferenceId,
        since: Option<Position>,
        head: Position,
    ) -> Option<(Uuid, Position)> {
        let slug = self.ledgers.slug_of(id)?;
        // Everything else that other nodes say waits meanwhile.
        let shown = timeout(SHOWN_WITHIN, self.show(id, &slug, since)).await;
        let shown = shown.unwrap_or(Err(Failure::Unavailable)).unwrap_or_else(|failure| {
            warn!(ledger = %id, ?failure, "Cannot show what a newer server has written");
            self.hub.send_away(&slug);
            None
        });
        Some((id.0, shown.unwrap_or(head)))
    }

    /// The position of the last event whose orders were shown, where it was asked which ones those are.
    async fn show(
        &self,
        id: ConferenceId,
        slug: &str,
        since: Option<Position>,
    ) -> Result<Option<Position>, Failure> {
        let (mut orders, mut until) = (self.hub.watched_orders(slug), None);
        if let Some(since) = since {
            let (touched, last) = self.touched_after(id, since).await.map_err(|fault| {
                warn!(error = format!("{fault:#}"), "The store failed");
                Failure::Unavailable
            })?;
            orders.retain(|order| touched.contains(&order.0));
            until = Some(last);
        }
        let slug = || slug.to_owned();
        let orders = orders.into_iter().map(|order_id| Topic::Order { slug: slug(), order_id });
        let whole = [Topic::Conference { slug: slug() }, Topic::Dashboard { slug: slug() }];
        let topics = whole.into_iter().filter(|topic| self.hub.watches_topic(topic)).chain(orders);
        let topics: Vec<Topic> = topics.collect();
        let mut shown =
            iter(topics).map(|topic| self.show_one(id, topic)).buffer_unordered(ASKED_AT_ONCE);
        while let Some(outcome) = shown.next().await {
            outcome?;
        }
        Ok(until)
    }

    async fn show_one(&self, id: ConferenceId, topic: Topic) -> Result<(), Failure> {
        let command = match &topic {
            Topic::Order { order_id, .. } => Command::ReadOrder { order_id: *order_id },
            Topic::Dashboard { .. } => Command::ReadDashboard,
            Topic::Conference { .. } | Topic::Directory => Command::ReadConference,
        };
        let answer = match self.ledgers.perform(id, Request::of_the_house(command)).await {
            // Somebody watches what is not there; that is for whoever let them.
            Err(Failure::Refused(refusal)) if refusal.code == RefusalCode::OrderNotFound => {
                return Ok(());
            }
            answer => answer?,
        };
        let Answer { position, view, dashboard, conference, .. } = answer;
        let view = view.map(|view| View::Order(*view));
        let view = view.or_else(|| dashboard.map(View::Dashboard));
        let view = view.or_else(|| conference.map(|view| View::Conference(*view)));
        if let Some(view) = view {
            self.hub.publish(&topic, position, self.clock.now(), &view);
        }
        Ok(())
    }

    /// The orders with an event after this position, and the position of the last one.
    async fn touched_after(
        &self,
        id: ConferenceId,
        position: Position,
    ) -> Result<(HashSet<Uuid>, Position), StoreFault> {
        let (mut touched, mut position) = (HashSet::new(), position);
        loop {
            let page = self.store.read_all(id.0, position, PAGE).await?;
            touched.extend(page.iter().filter_map(|recorded| recorded.process));
            position = page.last().map_or(position, |last| last.position);
            if page.len() < PAGE as usize {
                return Ok((touched, position));
            }
        }
    }
}
