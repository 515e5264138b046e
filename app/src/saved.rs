//! What survives a reload on this device: one entry per conference, and the switches. When storage is
//! blocked everything works and is forgotten.
//!
//! Not here: when to write (`registration.rs` does, a moment after each change). Never card data.

use crate::{browser, json};
use leptos::prelude::window;
use serde::{Deserialize, Serialize};
use shared::commands::{Registrant, SeatQuantity};
use shared::{CommandId, OrderId, PaymentId, Timestamp};

/// Orders remembered per conference.
const ORDERS_MAX: usize = 8;
/// Unanswered intents remembered per order.
const INTENTS_MAX: usize = 6;
/// A confirmed order is forgotten after this long.
const FORGET_AFTER_MS: i64 = 24 * 3600 * 1000;

/// An order this device may open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedOrder {
    pub id: OrderId,
    /// The secret that opens it.
    pub token: String,
    /// The server has been asked about it; until then it is only prepared.
    #[serde(default)]
    pub is_placed: bool,
    /// The payment made with the payment page.
    #[serde(default)]
    pub payment: Option<PaymentId>,
    /// Commands that got no answer yet, by what they say, so that a retry is the same intent.
    #[serde(default)]
    pub unanswered: Vec<(String, CommandId)>,
}

impl SavedOrder {
    /// A new order with its secret.
    #[must_use]
    pub fn fresh() -> Self {
        Self {
            id: OrderId(browser::fresh_id()),
            token: browser::fresh_token(),
            is_placed: false,
            payment: None,
            unanswered: Vec::new(),
        }
    }

    /// The id of the intent that says exactly this: the old one until it was answered.
    pub fn intent(&mut self, says: &str) -> CommandId {
        if let Some((_, id)) = self.unanswered.iter().find(|(known, _)| known == says) {
            return *id;
        }
        let id = CommandId(browser::fresh_id());
        self.unanswered.push((says.to_owned(), id));
        if INTENTS_MAX < self.unanswered.len() {
            self.unanswered.remove(0);
        }
        id
    }

    /// The intent was answered; the same words are a new intent from now on.
    pub fn answered(&mut self, id: CommandId) {
        self.unanswered.retain(|(_, known)| *known != id);
    }
}

/// Everything that is kept for one conference.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// The draft: seats chosen.
    pub seats: Vec<SeatQuantity>,
    /// The held seats that the draft was last set to, so that it is set once.
    pub mirrored: Vec<SeatQuantity>,
    pub given_name: String,
    pub family_name: String,
    pub email: String,
    /// Oldest first; the last one is the one that is being worked on.
    pub orders: Vec<SavedOrder>,
    pub confirmed_at: Option<Timestamp>,
}

impl Saved {
    /// Reads what was kept for a conference; empty when nothing was, or when it has become old.
    #[must_use]
    pub fn load(slug: &str) -> Self {
        let saved: Self =
            read(&key(slug)).and_then(|text| json::read(&text).ok()).unwrap_or_default();
        let now_ms = browser::wall_ms();
        let is_old = saved.confirmed_at.is_some_and(|at| FORGET_AFTER_MS < now_ms - at.0);
        if is_old { Self::default() } else { saved }
    }

    /// Keeps it.
    pub fn store(&self, slug: &str) {
        if let Ok(text) = serde_json::to_string(self) {
            write(&key(slug), Some(&text));
        }
    }

    /// Forgets everything about a conference.
    pub fn forget(slug: &str) {
        write(&key(slug), None);
    }

    /// The person as typed so far.
    #[must_use]
    pub fn registrant(&self) -> Registrant {
        Registrant {
            given_name: self.given_name.clone(),
            family_name: self.family_name.clone(),
            email: self.email.clone(),
        }
    }

    /// The order being worked on, if the server has been asked about it.
    #[must_use]
    pub fn current(&self) -> Option<&SavedOrder> {
        self.orders.last().filter(|order| order.is_placed)
    }

    /// An order by id.
    #[must_use]
    pub fn order(&self, id: OrderId) -> Option<&SavedOrder> {
        self.orders.iter().find(|order| order.id == id)
    }

    /// An order by id, to change it.
    pub fn order_mut(&mut self, id: OrderId) -> Option<&mut SavedOrder> {
        self.orders.iter_mut().find(|order| order.id == id)
    }

    /// The order prepared for the next reservation, made if there is none.
    pub fn prepared(&mut self) -> OrderId {
        match self.orders.last() {
            Some(order) if !order.is_placed => order.id,
            _ => self.add(SavedOrder::fresh()),
        }
    }

    /// Adds an order as the one being worked on.
    pub fn add(&mut self, order: SavedOrder) -> OrderId {
        let id = order.id;
        self.orders.retain(|known| known.id != id);
        self.orders.push(order);
        if ORDERS_MAX < self.orders.len() {
            self.orders.remove(0);
        }
        id
    }
}

fn key(slug: &str) -> String {
    format!("contoso:conference:{slug}")
}

/// The value of a switch on this device.
#[must_use]
pub fn switch(name: &str) -> Option<String> {
    read(&format!("contoso:{name}"))
}

/// Keeps the value of a switch; `None` goes back to the default.
pub fn set_switch(name: &str, value: Option<&str>) {
    write(&format!("contoso:{name}"), value);
}

fn read(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

fn write(key: &str, value: Option<&str>) {
    let Ok(Some(storage)) = window().local_storage() else { return };
    let _ = match value {
        Some(value) => storage.set_item(key, value),
        None => storage.remove_item(key),
    };
}
