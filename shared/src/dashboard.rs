//! What an owner watches while a conference sells: numbers that add up, and what just happened. Topic
//! `dashboard/{slug}`; needs the owner's session.
//!
//! Not here: how events change it (server, `views/dashboard.rs`).

use crate::ids::{OrderId, SeatTypeId};
use crate::money::Money;
use crate::time::Timestamp;
use crate::views::ConferenceView;
use serde::{Deserialize, Serialize};

/// Happenings kept.
pub const HAPPENINGS_MAX: usize = 100;
/// Happenings in a push; a page that missed some asks for the whole view.
pub const HAPPENINGS_PER_PUSH: usize = 12;
/// Hours of sales kept: a week.
pub const SALES_HOURS_MAX: usize = 7 * 24;
/// Pushes of a dashboard are at least this far apart, in milliseconds.
pub const PUSH_INTERVAL_MS: u64 = 250;

/// One snapshot: all its numbers are of the same moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DashboardView {
    /// Facts and seats: `sold + held + remaining() = quota` for every type.
    pub conference: ConferenceView,
    /// Of confirmed orders, by seat type, in the order of `conference.seat_types`; what was refunded
    /// after a cancellation is taken off.
    pub revenue: Vec<SeatRevenue>,
    pub orders_confirmed: u32,
    /// Orders that hold seats now.
    pub orders_held: u32,
    /// All orders that ever were.
    #[serde(default)]
    pub orders_placed: u32,
    /// Those that were offered fewer seats than they asked for, and how they ended.
    #[serde(default)]
    pub short: ShortOrders,
    /// Hours in which seats were sold, oldest first; hours without sales are missing.
    pub sales: Vec<SalesHour>,
    /// Newest first, at most [`HAPPENINGS_MAX`]; in a push at most [`HAPPENINGS_PER_PUSH`].
    pub happenings: Vec<Happening>,
    /// All that ever happened here; by it a page sees that it missed some.
    pub happenings_count: u64,
}

/// Orders that at some time were offered fewer seats than they asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShortOrders {
    pub orders: u32,
    /// Of these, confirmed.
    pub confirmed: u32,
    /// Of these, not at their end.
    pub open: u32,
}

impl ShortOrders {
    /// Those that ended without seats: let go, expired or given back.
    #[must_use]
    pub const fn left(self) -> u32 {
        self.orders.saturating_sub(self.confirmed).saturating_sub(self.open)
    }
}

/// What one seat type brought in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeatRevenue {
    pub seat_type: SeatTypeId,
    pub revenue: Money,
}

/// Seats sold in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SalesHour {
    /// Its first instant, a whole hour of UTC.
    pub hour: Timestamp,
    pub seats: u32,
}

/// One line of what just happened. Never holds an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Happening {
    /// In the conference's ledger; never twice.
    pub position: u64,
    pub at: Timestamp,
    pub kind: HappeningKind,
    /// In domain words, for instance "Order K7M-2QX confirmed · 2 General · €398".
    pub words: String,
    pub order_id: Option<OrderId>,
}

/// What a reader may filter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum HappeningKind {
    /// Placed, held, changed, expired, cancelled.
    Order,
    /// Confirmed.
    Sale,
    /// Money in and out.
    Payment,
    /// Names on seats, admissions.
    Attendee,
    /// What owners changed.
    Settings,
}
