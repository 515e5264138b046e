//! Reads the history of one conference and says which promise it breaks.
//!
//! It believes nothing but the events: what is held, sold, paid and due is counted here once more, in
//! another way than the aggregates do it, so that both would have to be wrong alike. The simulation
//! asks it after every commit, `server verify` over a live database, `chaos` after every crash.
//! Not here: any rule of the aggregates (`domain/`), and whether tables agree with the history
//! (`operator/verify.rs`).

mod orders;
mod payments;
mod seats;

use crate::events::{Event, Stream};
use crate::store::{Position, Recorded};
use shared::commands::SeatQuantity;
use shared::views::ConferenceView;
use shared::{Money, OrderId, PaymentId, SeatTypeId, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use uuid::Uuid;

/// A promise of the house that only a defect can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// Positions and versions without gaps, readable events, a cause before each reaction.
    HistoryIsWhole,
    /// Per seat type, sold + held ≤ quota, unless the owner cut the quota below what was given; and
    /// who asks gets what is free.
    NeverOversold,
    /// A payment starts only over seats that are held, and an order is final only over both.
    NoPaymentWithoutSeats,
    /// Money is used or returned, whenever and however often it comes.
    NoMoneyIgnored,
    /// No order and no hold stays behind, and none ends too early.
    EveryOrderEnds,
    /// A command sent twice acts once; what was answered stays.
    ActsOnce,
    /// What pages and lists read is what happened. Of what stands beside the history, so that no history
    /// alone can break it.
    ScreenNeverLies,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HistoryIsWhole => "the history is whole",
            Self::NeverOversold => "never oversold",
            Self::NoPaymentWithoutSeats => "no payment without seats",
            Self::NoMoneyIgnored => "nobody's money is ignored",
            Self::EveryOrderEnds => "every order ends",
            Self::ActsOnce => "an answered command is durable and acts once",
            Self::ScreenNeverLies => "the screen never lies",
        })
    }
}

/// Where and how a history breaks a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub promise: Promise,
    /// The event that broke it, or the last one that was read.
    pub position: Position,
    pub order: Option<OrderId>,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { promise, position, order, what } = self;
        write!(f, "\"{promise}\" is broken at position {position}")?;
        if let Some(order) = order {
            write!(f, ", order {order}")?;
        }
        write!(f, ": {what}")
    }
}

/// What a history comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub events: u64,
    pub orders: u64,
    pub confirmed: u64,
    pub seats_held: i64,
    pub seats_sold: i64,
    /// Minor units that arrived and are kept.
    pub money_kept: i64,
    /// Minor units that were returned, or are on their way.
    pub money_returned: i64,
}

/// Seats of one type, as counted here.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    quota: i64,
    held: i64,
    sold: i64,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Unknown,
    Reserving,
    Held,
    Confirmed,
    Expired,
    Cancelled,
    GivenBack,
}

/// One order, as its events tell it.
#[derive(Clone, Debug, Default)]
pub struct OrderState {
    pub standing: Standing,
    pub total: Option<Money>,
    asked: Vec<SeatQuantity>,
    granted: Vec<SeatQuantity>,
    held: Vec<SeatQuantity>,
    sold: Vec<SeatQuantity>,
    /// Somebody tried to get the seats again after the end.
    tried_again: bool,
    hold_expires_at: Timestamp,
    grace_seconds: u32,
    extensions: u32,
    has_registrant: bool,
    completion_requested: bool,
    confirmed_by: Option<PaymentId>,
    payments: BTreeMap<PaymentId, PaymentState>,
    /// The seat types of the places, once they were made.
    places: Option<Vec<SeatTypeId>>,
    names: BTreeSet<u32>,
    places_closed: bool,
}

/// One payment, as its events tell it.
#[derive(Clone, Copy, Debug, Default)]
struct PaymentState {
    is_in_flight: bool,
    received: Option<Money>,
    is_refund_requested: bool,
    is_refunded: bool,
}

impl PaymentState {
    /// Here, and not on its way back.
    fn money(self) -> Option<Money> {
        self.received.filter(|_| !self.is_refund_requested)
    }
}

impl OrderState {
    /// It can still become final in the ordinary way.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        matches!(self.standing, Standing::Reserving | Standing::Held)
    }

    /// The hold is kept until then, in truth.
    #[must_use]
    pub const fn release_at(&self) -> Timestamp {
        self.hold_expires_at.plus_seconds(self.grace_seconds as i64)
    }

    /// Money that came for this order: which payment, whether it is kept, whether it went back.
    pub fn money(&self) -> impl Iterator<Item = (PaymentId, bool, bool)> {
        self.payments
            .iter()
            .filter(|(_, payment)| payment.received.is_some())
            .map(|(id, payment)| (*id, !payment.is_refund_requested, payment.is_refunded))
    }

    /// Places with a name.
    pub fn names(&self) -> impl Iterator<Item = u32> {
        self.names.iter().copied()
    }

    fn in_flight(&self) -> Option<PaymentId> {
        self.payments.iter().find(|(_, payment)| payment.is_in_flight).map(|(id, _)| *id)
    }
}

/// Where in the history an event stands.
#[derive(Clone, Copy)]
struct At {
    order: Option<OrderId>,
    now: Timestamp,
}

/// The independent reader of one ledger.
#[derive(Debug, Default)]
pub struct Checker {
    position: Position,
    versions: HashMap<String, u64>,
    /// The last event of every outside command.
    commands: HashMap<Uuid, Position>,
    is_published: bool,
    /// What the owner says; a deleted type has none.
    quotas: BTreeMap<SeatTypeId, u32>,
    seats: BTreeMap<SeatTypeId, Counted>,
    orders: BTreeMap<OrderId, OrderState>,
    touched: BTreeSet<OrderId>,
    violations: Vec<Violation>,
}

impl Checker {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next event.
    pub fn fold(&mut self, recorded: &Recorded) {
        let order = recorded.process.map(OrderId);
        let at = At { order, now: Timestamp(recorded.recorded_at) };
        self.whole(recorded, at);
        self.acts_once(recorded, at);
        let event = Event::decode(&recorded.kind, &recorded.payload);
        let stream = Stream::parse(&recorded.stream);
        let (event, stream) = match (event, stream) {
            (Ok(event), Ok(stream)) => (event, stream),
            (Err(error), _) | (_, Err(error)) => {
                return self.broken(Promise::HistoryIsWhole, order, format!("{error:#}"));
            }
        };
        self.touched.extend(order);
        match (stream, event) {
            (Stream::Conference, Event::Conference(event)) => self.fold_conference(event),
            (Stream::Seats, Event::Seats(event)) => self.fold_seats(event),
            (Stream::Order(id), Event::Order(event)) if order == Some(id) => {
                self.fold_order(id, event, at);
            }
            (Stream::Payment(id, payment), Event::Payment(event)) if order == Some(id) => {
                self.fold_payment(id, payment, event, at);
            }
            (Stream::SeatAssignments(id), Event::SeatAssignments(event)) if order == Some(id) => {
                self.fold_places(id, event);
            }
            _ => {
                let what = format!("{} stands in the stream {}", recorded.kind, recorded.stream);
                self.broken(Promise::HistoryIsWhole, order, what);
            }
        }
    }

    /// What must be so whenever a commit has ended: each step runs to rest before it is written.
    pub fn settle(&mut self) {
        for id in std::mem::take(&mut self.touched) {
            self.settle_order(id);
        }
        self.settle_quotas();
    }

    /// What must be so at `now` while a server runs: nothing waits for longer than its bounds, plus
    /// `patience_seconds`.
    pub fn finish(&mut self, now: Timestamp, patience_seconds: i64) {
        self.settle();
        let late: Vec<_> = self
            .orders
            .iter()
            .filter(|(_, order)| {
                order.ends_at().is_some_and(|at| at.plus_seconds(patience_seconds) < now)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            let what = "it should have ended, and its seats are still held".to_owned();
            self.broken(Promise::EveryOrderEnds, Some(id), what);
        }
    }

    /// What must be so when nothing more will happen by itself.
    pub fn at_rest(&mut self) {
        self.settle();
        for (id, order) in std::mem::take(&mut self.orders) {
            if order.is_alive() {
                let what = format!("it is {:?} and nothing will end it", order.standing);
                self.broken(Promise::EveryOrderEnds, Some(id), what);
            }
            let unreturned = |p: &&PaymentState| p.is_refund_requested && !p.is_refunded;
            if order.payments.values().find(unreturned).is_some() {
                let what = "a refund was asked for and never came".to_owned();
                self.broken(Promise::NoMoneyIgnored, Some(id), what);
            }
            self.orders.insert(id, order);
        }
    }

    /// What was found so far, in the order of the history.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// The position of the last event that was read.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Every order of the history.
    pub fn orders(&self) -> impl Iterator<Item = (OrderId, &OrderState)> {
        self.orders.iter().map(|(id, order)| (*id, order))
    }

    /// What a page says of seats that was not counted here.
    pub fn seats_unlike(&self, page: &ConferenceView) -> impl Iterator<Item = String> {
        self.seats.iter().filter_map(|(id, seats)| {
            let shown = page.seat_types.iter().find(|seat_type| seat_type.id == *id);
            let (quota, held, sold) = (seats.quota, seats.held, seats.sold);
            let is_right = shown.is_some_and(|shown| {
                let shown = (i64::from(shown.quota), i64::from(shown.held), i64::from(shown.sold));
                shown == (quota, held, sold)
            });
            let told =
                || format!("{quota} seats, {held} held, {sold} sold; the page says {shown:?}");
            (!is_right).then(told)
        })
    }

    #[must_use]
    pub fn summary(&self) -> Summary {
        let payments = || self.orders.values().flat_map(|order| order.payments.values());
        let minor = |money: Option<Money>| money.map_or(0, |money| money.minor);
        let returned = |payment: &PaymentState| match payment.is_refund_requested {
            true => minor(payment.received),
            false => 0,
        };
        let confirmed = |order: &&OrderState| order.standing == Standing::Confirmed;
        Summary {
            events: self.position,
            orders: self.orders.len() as u64,
            confirmed: self.orders.values().filter(confirmed).count() as u64,
            seats_held: self.seats.values().map(|seats| seats.held).sum(),
            seats_sold: self.seats.values().map(|seats| seats.sold).sum(),
            money_kept: payments().map(|payment| minor(payment.money())).sum(),
            money_returned: payments().map(returned).sum(),
        }
    }

    /// Positions and versions count 1, 2, 3 …, and what is reacted to was there before.
    fn whole(&mut self, recorded: &Recorded, at: At) {
        let expected = self.position + 1;
        self.position = recorded.position;
        if recorded.position != expected {
            let what = format!("position {expected} was expected");
            self.broken(Promise::HistoryIsWhole, at.order, what);
        }
        let version = match self.versions.get_mut(&recorded.stream) {
            Some(version) => version,
            None => self.versions.entry(recorded.stream.clone()).or_default(),
        };
        *version += 1;
        if recorded.version != *version {
            let what = format!(
                "{} has version {} where {version} was expected",
                recorded.stream, recorded.version
            );
            *version = recorded.version;
            self.broken(Promise::HistoryIsWhole, at.order, what);
        }
        if recorded.position <= recorded.cause {
            self.broken(Promise::HistoryIsWhole, at.order, "it reacts to the future".to_owned());
        }
    }

    /// What a command causes itself stands in one piece: another piece would be a second time.
    fn acts_once(&mut self, recorded: &Recorded, at: At) {
        let Some(command) = recorded.command_id.filter(|_| recorded.cause == 0) else { return };
        let before = self.commands.insert(command, recorded.position);
        if let Some(before) = before.filter(|before| before + 1 != recorded.position) {
            let what = format!("command {command} has acted at {before} already");
            self.broken(Promise::ActsOnce, at.order, what);
        }
    }

    fn settle_order(&mut self, id: OrderId) {
        let Some(order) = self.orders.get(&id) else { return };
        let found = [order.settled_seats(), order.settled_money(), order.settled_places()];
        for (promise, what) in found.into_iter().flatten() {
            self.broken(promise, Some(id), what);
        }
    }

    fn broken(&mut self, promise: Promise, order: Option<OrderId>, what: String) {
        let position = self.position;
        self.violations.push(Violation { promise, position, order, what });
    }
}

/// Seats without the lines that hold none, in an order that does not depend on who wrote them.
fn sorted(seats: &[SeatQuantity]) -> Vec<SeatQuantity> {
    let mut seats: Vec<SeatQuantity> =
        seats.iter().filter(|line| line.quantity > 0).copied().collect();
    seats.sort_unstable_by_key(|line| line.seat_type);
    seats
}

#[cfg(test)]
#[path = "checker/tests.rs"]
mod tests;
