//! What an owner watches: what the orders brought in, how many there are, and what just happened.
//!
//! An order's part in the numbers is taken from its view before and after each event, so the sums are
//! those of the orders and cannot drift. Seats are counted by `conference.rs`, whose view is shown
//! beside these numbers. Not here: how the fold catches up (`ledger/catch_up.rs`).

mod words;

use crate::domain::conference::Event as ConferenceEvent;
use crate::events::{Event, Stream};
use crate::store::Position;
use serde::{Deserialize, Serialize, Serializer};
use shared::dashboard::{
    DashboardView, HAPPENINGS_MAX, HAPPENINGS_PER_PUSH, Happening, SALES_HOURS_MAX, SalesHour,
    SeatRevenue, ShortOrders,
};
use shared::views::{ConferenceView, OrderStatus, OrderView};
use shared::{Money, SeatTypeId, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// The document's topic inside its ledger.
pub const TOPIC: &str = "dashboard";
const HOUR_MS: i64 = 60 * 60 * 1000;

/// The numbers of a conference that are not the seats' own. This is what the document holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dashboard {
    seat_types: BTreeMap<SeatTypeId, Brought>,
    orders_confirmed: u32,
    orders_held: u32,
    orders_placed: u32,
    short: ShortOrders,
    /// Oldest first. A sale that was cancelled later was a sale in its hour.
    sales: VecDeque<SalesHour>,
    /// Newest first.
    happenings: VecDeque<Happening>,
    happenings_count: u64,
}

/// One seat type: its present name, and what its confirmed orders paid, in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Brought {
    name: String,
    minor: i64,
}

/// An event with where and when it was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    pub position: Position,
    pub at: Timestamp,
    pub stream: Stream,
    pub event: &'a Event,
}

/// What one order adds to the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    is_placed: bool,
    is_held: bool,
    is_confirmed: bool,
    /// It was offered fewer seats than it asked for.
    is_short: bool,
    /// That, and it has not ended.
    is_open: bool,
    seats: u32,
    /// Only of a confirmed order.
    paid: Vec<(SeatTypeId, i64)>,
}

impl Share {
    /// The share of an order as it is now; none before it was placed.
    #[must_use]
    pub fn of(order: Option<&OrderView>) -> Self {
        let Some(order) = order else { return Self::default() };
        let is_confirmed = order.status == OrderStatus::Confirmed;
        let is_held = matches!(order.status, OrderStatus::Held | OrderStatus::PartlyHeld);
        let is_open = is_held || order.status == OrderStatus::Reserving;
        let paid = order.lines.iter().filter(|_| is_confirmed);
        Self {
            is_placed: true,
            is_held: is_held && 0 < order.seats(),
            is_confirmed,
            is_short: order.was_short,
            is_open: order.was_short && is_open,
            seats: order.seats(),
            paid: paid.map(|line| (line.seat_type, line.line_total.minor)).collect(),
        }
    }
}

impl Dashboard {
    /// Folds an event; true when something changed. `order` is the order it belongs to, as it is after
    /// the event, and `before` what that order added until then.
    pub fn apply(&mut self, told: Told<'_>, before: &Share, order: Option<&OrderView>) -> bool {
        let after = Share::of(order);
        let has_moved = *before != after;
        if has_moved {
            self.exchange(before, &after, told.at);
        }
        if let Event::Conference(event) = told.event {
            self.name_seat_types(event);
        }
        let name = |id| self.seat_types.get(&id).map_or("", |known| known.name.as_str());
        let happened = words::happening(told.stream, told.event, order, name);
        let has_happened = happened.is_some();
        if let Some((kind, words)) = happened {
            let order_id = told.stream.order_id();
            let Told { position, at, .. } = told;
            self.happenings.truncate(HAPPENINGS_MAX - 1);
            self.happenings.push_front(Happening { position, at, kind, words, order_id });
            self.happenings_count += 1;
        }
        has_moved || has_happened
    }

    /// Everything, beside the conference as it is at the same position.
    #[must_use]
    pub fn view(&self, conference: &ConferenceView, happenings_max: usize) -> DashboardView {
        let brought = |id| self.seat_types.get(&id).map_or(0, |known| known.minor);
        let revenue = conference.seat_types.iter().map(|seat_type| SeatRevenue {
            seat_type: seat_type.id,
            revenue: Money::new(brought(seat_type.id), conference.currency),
        });
        DashboardView {
            conference: conference.clone(),
            revenue: revenue.collect(),
            orders_confirmed: self.orders_confirmed,
            orders_held: self.orders_held,
            orders_placed: self.orders_placed,
            short: self.short,
            sales: self.sales.iter().copied().collect(),
            happenings: self.happenings.iter().take(happenings_max).cloned().collect(),
            happenings_count: self.happenings_count,
        }
    }

    fn exchange(&mut self, before: &Share, after: &Share, at: Timestamp) {
        let count = |number: &mut u32, was: bool, is: bool| {
            debug_assert!(!was || 0 < *number, "what goes was counted when it came");
            *number = number.saturating_sub(u32::from(was)) + u32::from(is);
        };
        count(&mut self.orders_held, before.is_held, after.is_held);
        count(&mut self.orders_confirmed, before.is_confirmed, after.is_confirmed);
        count(&mut self.orders_placed, before.is_placed, after.is_placed);
        count(&mut self.short.orders, before.is_short, after.is_short);
        let was_bought = before.is_short && before.is_confirmed;
        count(&mut self.short.confirmed, was_bought, after.is_short && after.is_confirmed);
        count(&mut self.short.open, before.is_open, after.is_open);
        for (seat_type, minor) in &before.paid {
            self.seat_types.entry(*seat_type).or_default().minor -= minor;
        }
        for (seat_type, minor) in &after.paid {
            self.seat_types.entry(*seat_type).or_default().minor += minor;
        }
        if after.is_confirmed && !before.is_confirmed {
            self.sell(after.seats, at);
        }
    }

    fn sell(&mut self, seats: u32, at: Timestamp) {
        let hour = Timestamp(at.0 - at.0.rem_euclid(HOUR_MS));
        // A clock that was set back must not break the order.
        match self.sales.iter_mut().rev().find(|known| known.hour <= hour) {
            Some(known) if known.hour == hour => known.seats += seats,
            _ => {
                let place = self.sales.partition_point(|known| known.hour < hour);
                self.sales.insert(place, SalesHour { hour, seats });
            }
        }
        let newest = self.sales.back().map_or(hour, |known| known.hour);
        let oldest = newest - (SALES_HOURS_MAX as i64 - 1) * HOUR_MS;
        while self.sales.front().is_some_and(|known| known.hour < oldest) {
            self.sales.pop_front();
        }
    }

    fn name_seat_types(&mut self, event: &ConferenceEvent) {
        let (id, name) = match event {
            ConferenceEvent::SeatTypeCreated(seat_type) => (seat_type.id, &seat_type.name),
            ConferenceEvent::SeatTypeUpdated { seat_type, facts } => (*seat_type, &facts.name),
            _ => return,
        };
        self.seat_types.entry(id).or_default().name.clone_from(name);
    }
}

/// A dashboard as it is pushed: with the newest happenings only. It is put together when it is
/// written, and that only when somebody watches.
#[derive(Clone, Copy, Debug)]
pub struct Pushed<'a> {
    pub conference: &'a ConferenceView,
    pub dashboard: &'a Dashboard,
}

impl Serialize for Pushed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.dashboard.view(self.conference, HAPPENINGS_PER_PUSH).serialize(serializer)
    }
}
