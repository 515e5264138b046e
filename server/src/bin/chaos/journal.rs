//! What clients remember: everything they asked for, and every answer they got.
//!
//! Not here: whether it is true (`verdict.rs`).

use shared::commands::Accepted;
use shared::views::OrderView;
use shared::{OrderId, PaymentId, RefusalCode};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// One command, and what was said to it each time it was answered.
#[derive(Debug)]
pub(crate) struct Intent {
    pub(crate) slug: String,
    /// `None`: the owner's.
    pub(crate) order: Option<OrderId>,
    pub(crate) command_id: Uuid,
    pub(crate) route: &'static str,
    pub(crate) said: Vec<Said>,
    /// When it was answered first, and how long that took.
    pub(crate) at: Instant,
    pub(crate) took: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Yes(Accepted),
    No(RefusalCode),
}

/// An order as it was shown.
#[derive(Debug)]
pub(crate) struct SeenOrder {
    pub(crate) position: u64,
    pub(crate) view: OrderView,
}

/// The seats of a conference as they were shown: quota, sold and held of each type.
#[derive(Debug)]
pub(crate) struct SeenSeats {
    pub(crate) slug: String,
    pub(crate) position: u64,
    pub(crate) seats: Vec<[u32; 3]>,
}

/// A button of the payment provider that was pressed and answered.
#[derive(Debug)]
pub(crate) struct Pressed {
    pub(crate) order_id: OrderId,
    pub(crate) payment_id: PaymentId,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) intents: Vec<Intent>,
    pub(crate) orders: Vec<SeenOrder>,
    pub(crate) seats: Vec<SeenSeats>,
    pub(crate) pressed: Vec<Pressed>,
}

impl Journal {
    pub(crate) fn take(&mut self, other: Self) {
        self.intents.extend(other.intents);
        self.orders.extend(other.orders);
        self.seats.extend(other.seats);
        self.pressed.extend(other.pressed);
    }
}
