//! What must be so when everything has come to rest: the provider's books, the mails, and the rows that
//! lists read all tell the story that the events tell.

use crate::disk::Disk;
use crate::world::{World, lock};
use server::checker::{Checker, Standing};
use server::ledger::memory::Memory;
use server::store::{Commit, LedgerId, Recorded};
use shared::live::View;
use shared::{OrderId, PaymentId, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

pub(crate) async fn at_rest(world: &Arc<World>) {
    if world.broken.is_cancelled() {
        return;
    }
    let found = world.checkers(|checkers| {
        let mut found = Vec::new();
        for checker in checkers.values_mut() {
            checker.at_rest();
            found.extend(checker.violations().iter().map(ToString::to_string));
        }
        found.extend(money(world, checkers));
        for (ledger, checker) in checkers.iter() {
            found.extend(mails(world, *ledger));
            found.extend(rows(world, *ledger, checker));
            found.extend(shown(world, *ledger, checker));
        }
        found
    });
    for what in found.into_iter().chain(given_up(world)) {
        world.broke(what);
    }
}

/// An instant that was written without an event was decided on this very history: right before it comes,
/// the process still waits for it and for nothing else. With events, everything else would show it.
pub(crate) fn decided_on_this_history(
    disk: &Disk,
    history: &mut Memory,
    commit: &Commit,
) -> Result<(), String> {
    let rows = disk.ledgers.get(&commit.ledger);
    for event in rows.into_iter().flat_map(|rows| rows.after(commit.expected_head)) {
        history.replay(event).map_err(|error| error.to_string())?;
    }
    let deadlines = commit.deadlines.iter().filter(|_| commit.events.is_empty());
    for (process, at) in deadlines {
        let order_id = OrderId(*process);
        let events = disk.read_processes(commit.ledger, &[*process]);
        history.load_orders(&[order_id], &events).map_err(|error| error.to_string())?;
        let right_before = Timestamp(at.unwrap_or(i64::MAX) - 1);
        let asked = history.wakes_at(order_id, right_before).map(|at| at.0);
        history.forget_orders();
        if asked != *at {
            return Err(format!("order {order_id} is looked at {at:?}, not {asked:?}"));
        }
    }
    Ok(())
}

/// Whoever was charged has a confirmed order or the money back, and nobody else got money.
fn money(world: &World, checkers: &BTreeMap<LedgerId, Checker>) -> Vec<String> {
    let mut fates: BTreeMap<PaymentId, (bool, bool)> = BTreeMap::new();
    for (_, order) in checkers.values().flat_map(Checker::orders) {
        for (id, kept, returned) in order.money() {
            fates.insert(id, (kept, returned));
        }
    }
    let books = lock(&world.books);
    let wrong = books.iter().filter_map(|(id, book)| {
        let known = fates.get(id).copied();
        let is_right = match (book.charged, book.is_refunded) {
            (None, false) => known.is_none(),
            (Some(_), false) => known == Some((true, false)),
            (Some(_), true) => known == Some((false, true)),
            (None, true) => false,
        };
        (!is_right).then(|| format!("the provider's books of {id} say {book:?}, ours {known:?}"))
    });
    wrong.collect()
}

/// Every mail that an event asks for arrived, or the mail server refused it, or it was overtaken.
fn mails(world: &World, ledger: LedgerId) -> Vec<String> {
    let disk = world.disk();
    let sacks = lock(&world.sacks);
    let Some(rows) = disk.ledgers.get(&ledger) else { return vec![] };
    let came = |kind: &str, event: &Recorded, index: u128| {
        let id = ledger.as_u128() ^ (u128::from(event.position) << 8 | index);
        let name = format!("{kind}-{}.eml", Uuid::from_u128(id));
        sacks.arrived.contains_key(&name) || sacks.refused.contains_key(&name)
    };
    let is_given_back = |event: &Recorded| {
        let process = event.process.unwrap_or_default();
        rows.of_process(process).any(|e| e.kind == "Order.RegistrationCancelled.v1")
    };
    // Money of somebody who never said who they are goes back without a word.
    let is_known = |event: &Recorded| {
        let process = event.process.unwrap_or_default();
        let mut earlier = rows.of_process(process).take_while(|e| e.position < event.position);
        earlier.any(|e| e.kind == "Order.OrderRegistrantAssigned.v1")
    };
    let mut missing = Vec::new();
    for event in &rows.events {
        let is_missing = match event.kind.as_str() {
            "Order.OrderConfirmed.v1" | "Order.ConfirmationRequested.v1" => {
                !came("confirmation", event, 0) && !is_given_back(event)
            }
            "Order.RegistrationCancelled.v1" => !came("cancellation", event, 0),
            "Payment.PaymentRefundRequested.v1" => {
                is_known(event) && !came("refund", event, 1) && !is_given_back(event)
            }
            _ => false,
        };
        if is_missing {
            missing.push(format!("the mail about {} at {} is missing", event.kind, event.position));
        }
    }
    missing
}

/// The rows of lists say what the orders are.
fn rows(world: &World, ledger: LedgerId, checker: &Checker) -> Vec<String> {
    let disk = world.disk();
    let Some(rows) = disk.ledgers.get(&ledger) else { return vec![] };
    let mut wrong = Vec::new();
    for (id, order) in checker.orders().filter(|(_, o)| o.standing != Standing::Unknown) {
        let row = rows.lookups.get(&id.0);
        let status = match order.standing {
            Standing::Confirmed => "confirmed",
            Standing::Expired => "expired",
            _ => "cancelled",
        };
        let total = order.total.map_or(0, |total| total.minor);
        if row.is_none_or(|row| row.status != status || row.total_minor != total) {
            wrong.push(format!("the row of order {id} says {row:?}, the order {order:?}"));
        }
        let names = order.names().count();
        let listed = rows.attendees.keys().filter(|(process, _)| OrderId(*process) == id).count();
        if names != listed {
            wrong.push(format!("{listed} attendees of order {id} are listed, {names} are named"));
        }
    }
    wrong
}

/// The page of the conference says how many seats are held and sold.
fn shown(world: &World, ledger: LedgerId, checker: &Checker) -> Vec<String> {
    let Some(document) = world.disk().document(ledger, "conference") else {
        return vec!["a conference has no document".to_owned()];
    };
    let Ok(View::Conference(view)) = serde_json::from_str(&document.body) else {
        return vec!["the document of a conference cannot be read".to_owned()];
    };
    checker.seats_unlike(&view).collect()
}

/// Only what the mail server refused for good may be left to the operator.
fn given_up(world: &World) -> Vec<String> {
    let disk = world.disk();
    let refused = lock(&world.sacks).refused.len();
    let dead: Vec<_> = disk.effects.values().filter(|row| row.is_dead).collect();
    let wrong = dead.iter().filter(|row| !row.last_error.contains("refuses this mail"));
    let mut found: Vec<String> =
        wrong.map(|row| format!("{} was given up: {}", row.kind, row.last_error)).collect();
    if dead.len() > refused {
        found.push(format!("{} effects are dead, {refused} mails were refused", dead.len()));
    }
    found
}
