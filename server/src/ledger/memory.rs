//! What a ledger remembers between batches: the conference, its seats, and the orders somebody
//! touched lately. Everything here can be read back from the store, and is forgotten when a commit
//! fails.
//!
//! Pure. Not here: which events happen (`stage.rs`) and how they become durable (`ledger.rs`).

mod base;
mod commit;
mod follow;
mod order_file;
mod replay;

pub use base::{SNAPSHOT, Snapshot};
pub use order_file::OrderFile;
pub use replay::Rows;

use crate::domain::Decider;
use crate::domain::conference::Conference;
use crate::domain::registration_process::{self, Effect, Process};
use crate::domain::seats_availability::{self, SeatsAvailability};
use crate::events::{Event, Stream};
use crate::store::{NewEffect, NewEvent, Position, Recorded};
use crate::views;
use crate::views::dashboard::{Dashboard, Pushed, Share, Told};
use anyhow::ensure;
use base::Base;
use serde::Serialize;
use shared::views::{ConferenceView, OrderView};
use shared::{CommandId, ConferenceId, OrderId, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// How much is remembered, and how often it is written down.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Orders kept in memory per ledger; beyond it the longest untouched half is dropped.
    pub orders_max: usize,
    /// Events between two snapshots.
    pub snapshot_every: Position,
    /// Events between two documents of the dashboard: what follows the last one is folded again at
    /// opening, so that not every commit has to carry a hundred happenings.
    pub dashboard_every: Position,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { orders_max: 20_000, snapshot_every: 2_000, dashboard_every: 256 }
    }
}

/// What a batch wants to make durable.
#[derive(Debug, Default)]
struct Changes {
    events: Vec<NewEvent>,
    effects: Vec<NewEffect>,
    effects_done: Vec<Uuid>,
    entry_changed: bool,
    conference_changed: bool,
    dashboard_changed: bool,
    /// Orders whose own stream got an event, and when it got the last one: not all of a batch was decided
    /// at the same moment.
    orders: HashMap<OrderId, Timestamp>,
    /// All documents are to be written, whatever has changed.
    documents_asked: bool,
    order_views: HashSet<OrderId>,
    /// Seats whose name, ticket or admission changed.
    seats: BTreeSet<(OrderId, u32)>,
    deadlines: BTreeMap<OrderId, Option<Timestamp>>,
}

/// Who caused an event, for the record.
#[derive(Clone, Copy, Debug)]
pub struct Cause {
    pub command_id: Option<CommandId>,
    /// The event it reacts to; 0 for the outside command itself.
    pub position: Position,
    pub now: Timestamp,
}

/// An event at its place, decided here or by another node.
#[derive(Clone, Copy)]
struct Happened<'a> {
    position: Position,
    stream: Stream,
    version: u64,
    event: &'a Event,
    command_id: Option<Uuid>,
    at: Timestamp,
}

impl Happened<'_> {
    fn process(&self) -> Option<OrderId> {
        process_of(self.stream, self.event)
    }
}

/// A changed view on its way to the documents and to those who watch it: `shared::live::View`, written
/// without copying it first.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Changed<'a> {
    Conference(&'a ConferenceView),
    Order(&'a OrderView),
    Dashboard(Pushed<'a>),
}

#[derive(Debug)]
pub struct Memory {
    id: ConferenceId,
    head: Position,
    base: Base,
    orders: HashMap<OrderId, OrderFile>,
    dashboard: Dashboard,
    /// Loaded for this batch and without events.
    unknown: Vec<OrderId>,
    snapshot_at: Position,
    /// Of the dashboard's document.
    dashboard_at: Position,
    batch: u64,
    changes: Changes,
    bounds: Bounds,
}

impl Memory {
    /// A ledger as the store tells it: its head, its newest snapshot (or an empty one) and the events of
    /// the conference-level streams after that snapshot.
    ///
    /// # Errors
    /// An event is not of this release.
    pub fn open(
        id: ConferenceId,
        head: Position,
        snapshot: Snapshot,
        tail: &[Recorded],
    ) -> anyhow::Result<Self> {
        let (snapshot_at, base) = snapshot.into_base();
        let (orders, changes) = (HashMap::new(), Changes::default());
        let dashboard = Dashboard::default();
        let mut memory = Self {
            id,
            head,
            base,
            orders,
            unknown: Vec::new(),
            dashboard,
            snapshot_at,
            dashboard_at: 0,
            batch: 1,
            changes,
            bounds: Bounds::default(),
        };
        for recorded in tail {
            let event = Event::decode(&recorded.kind, &recorded.payload)?;
            memory.fold_base(&event);
            memory.base.remember(&event, recorded.command_id, recorded.position);
        }
        Ok(memory)
    }

    /// The same memory within other bounds.
    #[must_use]
    pub fn within(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// The dashboard at the same head, and where its document is.
    #[must_use]
    pub fn with_dashboard(self, (dashboard, dashboard_at): (Dashboard, Position)) -> Self {
        Self { dashboard, dashboard_at, ..self }
    }

    /// Adds orders that were read from the store. Those without events become empty files.
    ///
    /// # Errors
    /// An event is not of this release, or belongs to none of these orders.
    pub fn load_orders(&mut self, ids: &[OrderId], events: &[Recorded]) -> anyhow::Result<()> {
        for id in ids {
            self.orders.insert(*id, OrderFile::default());
        }
        let known: HashSet<Uuid> = events.iter().filter_map(|recorded| recorded.process).collect();
        self.unknown.extend(ids.iter().filter(|id| !known.contains(&id.0)));
        for recorded in events {
            let event = Event::decode(&recorded.kind, &recorded.payload)?;
            let stream = Stream::parse(&recorded.stream)?;
            let order_id = recorded.process.map(OrderId);
            ensure!(order_id.is_some_and(|id| ids.contains(&id)), "an event of another order");
            if let Event::Seats(event) = &event {
                self.base.seats.remember(event);
            }
            let (conference, slug) = (self.id, self.slug());
            if let Some(file) = order_id.and_then(|id| self.orders.get_mut(&id)) {
                let at = Timestamp(recorded.recorded_at);
                file.fold(
                    views::order::Conference { id: conference, slug: &slug },
                    stream,
                    &event,
                    at,
                );
                file.remember(stream, recorded.version, recorded.command_id, recorded.position);
            }
        }
        Ok(())
    }

    #[must_use]
    pub fn conference(&self) -> &Conference {
        &self.base.conference
    }

    #[must_use]
    pub fn seats(&self) -> &SeatsAvailability {
        &self.base.seats
    }

    #[must_use]
    pub fn view(&self) -> Option<&ConferenceView> {
        self.base.view.as_ref()
    }

    #[must_use]
    pub fn dashboard(&self) -> &Dashboard {
        &self.dashboard
    }

    /// What an owner watches, without copying it; `None` before there is a conference.
    #[must_use]
    pub fn pushed(&self) -> Option<Pushed<'_>> {
        let dashboard = &self.dashboard;
        self.base.view.as_ref().map(|conference| Pushed { conference, dashboard })
    }

    #[must_use]
    pub fn has_order(&self, id: OrderId) -> bool {
        self.orders.contains_key(&id)
    }

    /// The file of an order that was loaded before the batch.
    #[must_use]
    pub fn order(&self, id: OrderId) -> Option<&OrderFile> {
        self.orders.get(&id)
    }

    /// The position of the newest event, with those of this batch.
    #[must_use]
    pub fn position(&self) -> Position {
        self.head + self.changes.events.len() as Position
    }

    /// The head the batch is decided on.
    #[must_use]
    pub const fn head(&self) -> Position {
        self.head
    }

    /// True when this batch has changed something.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        let Changes { events, effects, effects_done, deadlines, documents_asked, .. } =
            &self.changes;
        *documents_asked
            || !(events.is_empty()
                && effects.is_empty()
                && effects_done.is_empty()
                && deadlines.is_empty())
    }

    /// True when something has happened to this order in this batch.
    #[must_use]
    pub fn is_touched(&self, id: OrderId) -> bool {
        self.orders.get(&id).is_some_and(|file| file.touched_in_batch == self.batch)
    }

    /// The position of the last event that this command of an owner caused, if it was acted upon
    /// lately.
    #[must_use]
    pub fn handled(&self, command_id: CommandId) -> Option<Position> {
        self.base.handled.iter().find(|(known, _)| *known == command_id).map(|(_, at)| *at)
    }

    /// What the registration process sees of an order.
    #[must_use]
    pub fn process(&self, id: OrderId) -> Option<Process<'_>> {
        let file = self.orders.get(&id)?;
        Some(Process {
            order: &file.order,
            reservation: self.base.seats.reservation(id),
            payments: &file.payments,
            assignments: &file.assignments,
        })
    }

    /// Records an event: folds it into everything that remembers, and keeps it for the commit.
    pub fn record(&mut self, stream: Stream, event: Event, cause: Cause) -> Position {
        let version = self.next_version(stream, process_of(stream, &event));
        let happened = Happened {
            position: self.position() + 1,
            stream,
            version,
            event: &event,
            command_id: cause.command_id.map(|id| id.0),
            at: cause.now,
        };
        self.fold_conference(happened);
        self.ask_effects(stream, &event, happened.position, cause.now);
        self.fold_order(happened);
        self.changes.events.push(NewEvent {
            stream: stream.to_string(),
            version,
            process: happened.process().map(|id| id.0),
            kind: event.kind(),
            payload: event.encode(),
            command_id: happened.command_id,
            cause: cause.position,
            recorded_at: cause.now.0,
        });
        happened.position
    }

    fn fold_conference(&mut self, happened: Happened<'_>) {
        let Happened { event, command_id, position, .. } = happened;
        self.changes.conference_changed |= self.fold_base(event);
        self.changes.entry_changed |= matches!(event, Event::Conference(_));
        self.base.remember(event, command_id, position);
        if let Event::Seats(event) = event {
            self.base.seats.remember(event);
        }
    }

    fn fold_order(&mut self, happened: Happened<'_>) {
        let Happened { position, stream, version, event, command_id, at } = happened;
        let process = happened.process();
        let (conference, slug) = (self.id, self.slug());
        let before = Share::of(process.and_then(|id| self.order_view(id)));
        if let Some(file) = process.and_then(|id| self.orders.get_mut(&id)) {
            let about = views::order::Conference { id: conference, slug: &slug };
            let view_changed = file.fold(about, stream, event, at);
            file.remember(stream, version, command_id, position);
            file.touched_in_batch = self.batch;
            let own = process.filter(|_| matches!(event, Event::Order(_)));
            self.changes.orders.extend(own.map(|id| (id, at)));
            self.changes.order_views.extend(process.filter(|_| view_changed));
            if let Event::SeatAssignments(event) = event {
                let seat = process.zip(event.position());
                self.changes.seats.extend(seat);
            }
        }
        let told = Told { position, at, stream, event };
        let order = process.and_then(|id| self.orders.get(&id)?.view.as_ref());
        self.changes.dashboard_changed |= self.dashboard.apply(told, &before, order);
    }

    /// The instant has come that the table says. Another server may have written it, without an event
    /// that would have told us: whatever is next, it is written again.
    pub fn doubt_deadline(&mut self, id: OrderId) {
        if let Some(file) = self.orders.get_mut(&id) {
            file.deadline = None;
        }
    }

    /// Says when to look at an order again.
    pub fn look_again(&mut self, id: OrderId, at: Option<Timestamp>) {
        if let Some(file) = self.orders.get_mut(&id)
            && file.deadline != Some(at)
        {
            file.deadline = Some(at);
            self.changes.deadlines.insert(id, at);
        }
    }

    /// Notes that an effect was performed.
    pub fn effect_done(&mut self, id: Uuid) {
        self.changes.effects_done.push(id);
    }

    /// Writes all documents with this batch: those that are there were passed by another generation.
    pub fn ask_documents(&mut self) {
        self.changes.documents_asked = true;
    }

    /// The batch is on its way: what it changed is simply so for the next one. Calls `show` with every
    /// view that changed.
    pub fn go_on(&mut self, mut show: impl FnMut(Position, Changed<'_>)) {
        let position = self.position();
        let changes = std::mem::take(&mut self.changes);
        self.head = position;
        if self.head - self.snapshot_at >= self.bounds.snapshot_every {
            self.snapshot_at = self.head;
        }
        if self.head - self.dashboard_at >= self.bounds.dashboard_every {
            self.dashboard_at = self.head;
        }
        if let Some(view) = &self.base.view {
            if changes.conference_changed {
                show(position, Changed::Conference(view));
            }
            if changes.conference_changed || changes.dashboard_changed {
                let pushed = Pushed { conference: view, dashboard: &self.dashboard };
                show(position, Changed::Dashboard(pushed));
            }
        }
        for id in &changes.order_views {
            if let Some(view) = self.orders.get(id).and_then(|file| file.view.as_ref()) {
                show(position, Changed::Order(view));
            }
        }
        self.forget_unknown_orders();
        self.forget_idle_orders();
        self.batch += 1;
    }

    /// Somebody asked for orders that nobody has placed: they must not take the place of others.
    fn forget_unknown_orders(&mut self) {
        for id in std::mem::take(&mut self.unknown) {
            if self.orders.get(&id).is_some_and(OrderFile::is_empty) {
                self.orders.remove(&id);
            }
        }
    }

    fn slug(&self) -> String {
        self.base.view.as_ref().map_or_else(String::new, |view| view.slug.clone())
    }

    fn order_view(&self, id: OrderId) -> Option<&OrderView> {
        self.orders.get(&id)?.view.as_ref()
    }

    fn fold_base(&mut self, event: &Event) -> bool {
        match event {
            Event::Conference(event) => {
                self.base.conference.evolve(event);
                self.base.conference_version += 1;
            }
            Event::Seats(event) => {
                self.base.seats.count(event);
                self.base.seats_version += 1;
            }
            Event::Order(_) | Event::Payment(_) | Event::SeatAssignments(_) => return false,
        }
        views::conference::apply(&mut self.base.view, self.id, event)
    }

    fn next_version(&self, stream: Stream, process: Option<OrderId>) -> u64 {
        let before = match stream {
            Stream::Conference => self.base.conference_version,
            Stream::Seats => self.base.seats_version,
            Stream::Order(_) | Stream::Payment(..) | Stream::SeatAssignments(_) => process
                .and_then(|id| self.orders.get(&id))
                .and_then(|file| file.versions.get(&stream).copied())
                .unwrap_or(0),
        };
        before + 1
    }

    fn ask_effects(&mut self, stream: Stream, event: &Event, position: Position, now: Timestamp) {
        let effects: Vec<Effect> = match (stream, event) {
            (Stream::Conference, Event::Conference(event)) => {
                registration_process::effects_of_conference(&self.base.conference, event)
            }
            (Stream::Order(id), Event::Order(event)) => {
                self.orders.get(&id).map_or(vec![], |file| {
                    registration_process::effects_of_order(id, &file.order, event)
                })
            }
            (Stream::Payment(id, payment), Event::Payment(event)) => {
                self.orders.get(&id).map_or(vec![], |file| {
                    registration_process::effects_of_payment(id, payment, &file.order, event)
                })
            }
            (Stream::SeatAssignments(id), Event::SeatAssignments(event)) => {
                self.orders.get(&id).map_or(vec![], |file| {
                    registration_process::effects_of_assignments(id, &file.assignments, event)
                })
            }
            _ => return,
        };
        for (index, effect) in effects.iter().enumerate() {
            let salt = u128::from(position) << 8 | index as u128;
            self.changes.effects.push(NewEffect {
                // Derived, not drawn: the same event asks for the same effect in every retry.
                id: Uuid::from_u128(self.id.0.as_u128() ^ salt),
                kind: effect.kind(),
                payload: serde_json::to_string(effect).unwrap_or_default(),
                due_at: now.0,
            });
        }
    }

    /// Notes that something is to be done outside that no event asks for: nothing has happened to the
    /// conference. The same id again is the same effect.
    pub fn ask_effect(&mut self, id: Uuid, effect: &Effect, now: Timestamp) {
        self.changes.effects.push(NewEffect {
            id,
            kind: effect.kind(),
            payload: serde_json::to_string(effect).unwrap_or_default(),
            due_at: now.0,
        });
    }

    fn forget_idle_orders(&mut self) {
        if self.orders.len() <= self.bounds.orders_max {
            return;
        }
        let mut touched: Vec<u64> =
            self.orders.values().map(|file| file.touched_in_batch).collect();
        let middle = touched.len() / 2;
        let (_, median, _) = touched.select_nth_unstable(middle);
        let (median, this_batch) = (*median, self.batch);
        let seats = &mut self.base.seats;
        self.orders.retain(|id, file| {
            // What is on its way to the store could not be read back from there.
            let keep = file.touched_in_batch > median || this_batch <= file.touched_in_batch;
            if !keep {
                seats.forget(*id);
            }
            keep
        });
    }
}

/// The order whose process an event belongs to.
fn process_of(stream: Stream, event: &Event) -> Option<OrderId> {
    use seats_availability::Event as SeatsEvent;
    match event {
        Event::Seats(
            SeatsEvent::SeatsReserved { reservation_id, .. }
            | SeatsEvent::SeatsReservationCommitted { reservation_id, .. }
            | SeatsEvent::SeatsReservationCancelled { reservation_id, .. }
            | SeatsEvent::SeatsReturned { reservation_id, .. },
        ) => Some(*reservation_id),
        _ => stream.order_id(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_nobody_placed_are_not_kept() {
        let id = ConferenceId(Uuid::nil());
        let mut memory = Memory::open(id, 0, Snapshot::default(), &[]).unwrap();
        let ids: Vec<OrderId> = (1..=100).map(|n| OrderId(Uuid::from_u128(n))).collect();
        memory.load_orders(&ids, &[]).unwrap();
        assert!(ids.iter().all(|id| memory.has_order(*id)), "for this batch");
        memory.go_on(|_, _| {});
        assert!(memory.orders.is_empty());
    }
}
