//! Whether what clients were told is so: every answer against the history, every view against the fold
//! of the history up to its position, the provider's money against ours, and the checker over all.
//!
//! Not here: how the server came to rest (`scenarios.rs`).

#[path = "verdict/answers.rs"]
mod answers;
#[path = "verdict/money.rs"]
pub(crate) mod money;

use crate::journal::{Journal, SeenOrder, SeenSeats};
use crate::owner::seats_of;
use crate::report::{Breach, Figures, Kind};
use crate::world::World;
use serde_json::{Value, json};
use server::checker::{Checker, Promise, Violation};
use server::domain::payment::Event as PaymentEvent;
use server::events::{Event, Stream};
use server::store::{Recorded, Store};
use server::views;
use shared::views::{ConferenceView, OrderView};
use shared::{ConferenceId, Money, OrderId, PaymentId, Timestamp};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use uuid::Uuid;

/// Events that are read at once.
const PAGE: u32 = 5_000;
/// Effects that were given up, as far as they are told.
const DEAD_MAX: u32 = 20;

/// What the ledgers say, as far as clients can know it.
#[derive(Default)]
pub(crate) struct History {
    /// The last position of each conference.
    heads: HashMap<String, u64>,
    /// Which events each command caused: position and stored name.
    acted: HashMap<Uuid, Vec<(u64, String)>>,
    orders: HashSet<OrderId>,
    expired: HashSet<OrderId>,
    confirmed: HashSet<OrderId>,
    payments: HashMap<(OrderId, PaymentId), Paid>,
    /// Minor units: of confirmed orders, kept, and returned.
    totals: i64,
    kept: i64,
    returned: i64,
}

#[derive(Debug, Default)]
struct Paid {
    pay_at: Option<String>,
    received: Option<Money>,
    is_refunded: bool,
}

/// Reads everything and says what is wrong.
///
/// # Errors
/// The store or the provider's journal cannot be read.
pub(crate) async fn judge(
    figures: &mut Figures,
    world: &World,
    store: &Store,
    (journal, provider): (&Journal, &Path),
    releases: Releases,
) -> anyhow::Result<()> {
    let mut history = History::default();
    let mut breaches = Vec::new();
    for conference in &world.conferences {
        let mut reader = Reader::new(conference, journal, releases);
        let mut after = 0;
        loop {
            let page = store.read_all(conference.id.0, after, PAGE).await?;
            for recorded in &page {
                reader.read(recorded, &mut history)?;
                after = recorded.position;
            }
            if page.len() < PAGE as usize {
                break;
            }
        }
        figures.events += after;
        history.heads.insert(conference.slug.clone(), after);
        breaches.extend(reader.end(&mut history, after));
    }
    breaches.extend(answers::compare(journal, &history));
    breaches.extend(money::compare(provider, journal, &history)?);
    for effect in store.dead_effects(DEAD_MAX).await? {
        let what = format!("the effect {} was given up: {}", effect.kind, effect.last_error);
        breaches.push(Breach::other(what));
    }
    figures.orders = history.orders.len() as u64;
    figures.confirmed = history.confirmed.len() as u64;
    tell_stories(&mut breaches, world, store).await?;
    figures.breaches.extend(breaches);
    Ok(())
}

/// Adds the events of the orders in question.
async fn tell_stories(breaches: &mut [Breach], world: &World, store: &Store) -> anyhow::Result<()> {
    for breach in breaches.iter_mut().take(20) {
        let Some(order) = breach.order else { continue };
        for conference in &world.conferences {
            for event in store.read_processes(conference.id.0, &[order.0]).await? {
                let Recorded { position, kind, payload, command_id, recorded_at, .. } = event;
                let command = command_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
                let line = format!("{position} {recorded_at} {kind} {payload} by {command}");
                breach.story.push(line);
            }
        }
    }
    Ok(())
}

/// Reads one ledger, and compares what was shown meanwhile.
struct Reader<'a> {
    id: ConferenceId,
    slug: &'a str,
    releases: Releases,
    checker: Checker,
    conference: Option<ConferenceView>,
    /// By position.
    seen_seats: Vec<&'a SeenSeats>,
    orders: HashMap<OrderId, Shown<'a>>,
    breaches: Vec<Breach>,
}

/// How many releases have answered.
#[derive(Clone, Copy)]
pub(crate) enum Releases {
    One,
    Two,
}

/// An order as it is now, and as it was shown, by position; the latest is the first to be popped.
#[derive(Default)]
struct Shown<'a> {
    view: Option<OrderView>,
    seen: Vec<&'a SeenOrder>,
}

impl<'a> Reader<'a> {
    fn new(conference: &'a ConferenceView, journal: &'a Journal, releases: Releases) -> Self {
        let slug = conference.slug.as_str();
        let mut seen_seats: Vec<_> =
            journal.seats.iter().filter(|seen| seen.slug == slug).collect();
        seen_seats.sort_by_key(|seen| std::cmp::Reverse(seen.position));
        let mut orders: HashMap<OrderId, Shown> = HashMap::new();
        for seen in journal.orders.iter().filter(|seen| seen.view.conference == slug) {
            orders.entry(seen.view.id).or_default().seen.push(seen);
        }
        for shown in orders.values_mut() {
            shown.seen.sort_by_key(|seen| std::cmp::Reverse(seen.position));
        }
        let (checker, id, breaches) = (Checker::new(), conference.id, Vec::new());
        let conference = None;
        Self { id, slug, releases, checker, conference, seen_seats, orders, breaches }
    }

    fn read(&mut self, recorded: &Recorded, history: &mut History) -> anyhow::Result<()> {
        self.checker.fold(recorded);
        if let Some(command) = recorded.command_id {
            let acted = history.acted.entry(command).or_default();
            acted.push((recorded.position, recorded.kind.clone()));
        }
        let event = Event::decode(&recorded.kind, &recorded.payload)?;
        let stream = Stream::parse(&recorded.stream)?;
        self.compare_seats(recorded.position);
        views::conference::apply(&mut self.conference, self.id, &event);
        let Some(order) = recorded.process.map(OrderId) else { return Ok(()) };
        history.orders.insert(order);
        match recorded.kind.as_str() {
            "Order.OrderConfirmed.v1" => history.confirmed.insert(order),
            "Order.OrderExpired.v1" => history.expired.insert(order),
            _ => false,
        };
        if let (Stream::Payment(_, id), Event::Payment(event)) = (stream, &event) {
            history.payments.entry((order, id)).or_default().fold(event);
        }
        let shown = self.orders.entry(order).or_default();
        self.breaches.extend(shown.compare(recorded.position, self.releases));
        let about = views::order::Conference { id: self.id, slug: self.slug };
        let at = Timestamp(recorded.recorded_at);
        views::order::apply(&mut shown.view, about, stream, &event, at);
        Ok(())
    }

    /// Whoever saw the seats before this position must have seen them as they are now.
    fn compare_seats(&mut self, before: u64) {
        let now = self.conference.as_ref().map(seats_of);
        while let Some(seen) = self.seen_seats.pop_if(|seen| seen.position < before) {
            if now.as_ref() != Some(&seen.seats) {
                let SeenSeats { position, seats, .. } = seen;
                let what = format!(
                    "at {position} of {} somebody was shown {seats:?}, but it was {now:?}",
                    self.slug
                );
                self.breaches.push(Breach::lost(None, what));
            }
        }
    }

    fn end(mut self, history: &mut History, head: u64) -> Vec<Breach> {
        self.compare_seats(head + 1);
        for seen in &self.seen_seats {
            let what = format!("the seats were shown at {}, after the end", seen.position);
            self.breaches.push(Breach::lost(None, what));
        }
        for (id, shown) in &mut self.orders {
            self.breaches.extend(shown.compare(head + 1, self.releases));
            for seen in &shown.seen {
                let what = format!("it was shown at {}, after the end", seen.position);
                self.breaches.push(Breach::lost(Some(*id), what));
            }
        }
        self.checker.at_rest();
        self.breaches.extend(self.checker.violations().iter().map(breach));
        for (_, order) in self.checker.orders() {
            let is_confirmed = order.standing == server::checker::Standing::Confirmed;
            history.totals += order.total.filter(|_| is_confirmed).map_or(0, |total| total.minor);
        }
        let summary = self.checker.summary();
        history.kept += summary.money_kept;
        history.returned += summary.money_returned;
        if summary.seats_held != 0 {
            let what = format!("{} seats of {} are still held", summary.seats_held, self.slug);
            self.breaches.push(Breach::other(what));
        }
        self.breaches
    }
}

/// True when whatever is shown is as it is kept. An older release does not show what only the newer one
/// knows, but nothing else.
fn is_part_of(shown: &Value, kept: &Value) -> bool {
    match (shown, kept) {
        (Value::Object(shown), Value::Object(kept)) => shown
            .iter()
            .all(|(name, shown)| kept.get(name).is_some_and(|kept| is_part_of(shown, kept))),
        (Value::Array(shown), Value::Array(kept)) => {
            shown.len() == kept.len()
                && shown.iter().zip(kept).all(|(one, other)| is_part_of(one, other))
        }
        _ => shown == kept,
    }
}

impl Shown<'_> {
    /// Whoever saw the order before this position must have seen it as it is now.
    fn compare(&mut self, before: u64, releases: Releases) -> Vec<Breach> {
        let mut breaches = Vec::new();
        while let Some(seen) = self.seen.pop_if(|seen| seen.position < before) {
            let is_so = |view: &OrderView| match releases {
                Releases::One => *view == seen.view,
                Releases::Two => is_part_of(&json!(seen.view), &json!(view)),
            };
            if !self.view.as_ref().is_some_and(is_so) {
                let what = format!(
                    "at {} it was shown as {:?}, but it was {:?}",
                    seen.position, seen.view, self.view
                );
                breaches.push(Breach::lost(Some(seen.view.id), what));
            }
        }
        breaches
    }
}

impl Paid {
    fn fold(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::PaymentInitiated { pay_at, .. } => self.pay_at = Some(pay_at.clone()),
            PaymentEvent::PaymentCompleted { amount, .. } => self.received = Some(*amount),
            PaymentEvent::PaymentRefunded { .. } => self.is_refunded = true,
            _ => {}
        }
    }
}

fn breach(violation: &Violation) -> Breach {
    let kind = match violation.promise {
        Promise::ActsOnce => Kind::ActedTwice,
        Promise::NeverOversold => Kind::Oversold,
        _ => Kind::Other,
    };
    Breach::new(kind, violation.order, violation.to_string())
}
