//! What a browser may see: one struct per read model. The same struct is what the documents table
//! holds, what `GET /api/views/<topic>` returns, what the socket pushes and what a page's signal holds.
//!
//! Not here: how events change a view (server, `views/`), and words for people (app, `pages/`).

use crate::access_code::AccessCode;
use crate::commands::{Attendee, Registrant};
use crate::ids::{ConferenceId, OrderId, PaymentId, SeatTypeId};
use crate::money::{Currency, Money};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The published conferences, soonest first. Topic `directory`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectoryView {
    pub conferences: Vec<ConferenceSummary>,
}

/// One line of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConferenceSummary {
    pub slug: String,
    pub name: String,
    pub tagline: String,
    pub location: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    /// IANA name, for instance `Europe/Berlin`.
    pub time_zone: String,
    /// The lowest price of any seat type; `None` while nothing is on sale.
    pub price_from: Option<Money>,
    /// Seats that nobody bought or holds, over all types.
    pub remaining: u32,
}

/// One conference as the public sees it. Topic `conference/{slug}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConferenceView {
    pub id: ConferenceId,
    pub slug: String,
    pub name: String,
    pub tagline: String,
    /// Plain text; blank lines separate paragraphs.
    pub description: String,
    pub location: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    /// IANA name, for instance `Europe/Berlin`.
    pub time_zone: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "EUR"))]
    pub currency: Currency,
    /// Where people write when something is wrong.
    pub contact_email: String,
    /// How long a hold is shown to last, in minutes.
    pub hold_minutes: u32,
    /// Registrants may cancel a confirmed order before this instant; `None`: they may not.
    #[serde(default)]
    pub cancel_until: Option<Timestamp>,
    /// Names may be assigned to seats before this instant; `None`: until the conference ends.
    #[serde(default)]
    pub assign_until: Option<Timestamp>,
    pub is_published: bool,
    /// Under 5 % of all seats are left: holds cannot be extended.
    pub high_demand: bool,
    /// In the owner's order; rows never move.
    pub seat_types: Vec<SeatTypeView>,
}

impl ConferenceView {
    /// The seat type with this id.
    #[must_use]
    pub fn seat_type(&self, id: SeatTypeId) -> Option<&SeatTypeView> {
        self.seat_types.iter().find(|seat_type| seat_type.id == id)
    }
}

/// One seat type with its live numbers. `sold + held + remaining() = quota` in every view, unless the
/// owner cut the quota below what was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeatTypeView {
    pub id: SeatTypeId,
    pub name: String,
    /// What it includes.
    pub description: String,
    pub price: Money,
    pub quota: u32,
    pub sold: u32,
    pub held: u32,
    /// The most seats of this type in one order.
    pub per_order_max: u32,
    /// Sale opens at this instant; `None`: open from the start.
    pub sale_starts_at: Option<Timestamp>,
    /// Sale ends at this instant; `None`: open until the end.
    pub sale_ends_at: Option<Timestamp>,
}

impl SeatTypeView {
    /// Seats that nobody bought or holds.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        self.quota.saturating_sub(self.sold).saturating_sub(self.held)
    }

    /// What the page says about this seat type at `now`; `mine` is what this registrant holds of it.
    #[must_use]
    pub fn availability(&self, now: Timestamp, mine: u32) -> Availability {
        if self.sale_starts_at.is_some_and(|opens| now < opens) {
            return Availability::NotYet;
        }
        if self.sale_ends_at.is_some_and(|ends| ends <= now) {
            return Availability::Ended;
        }
        match self.remaining().saturating_add(mine) {
            0 if self.held > 0 && self.sold < self.quota => Availability::AllHeld,
            0 => Availability::SoldOut,
            left @ 1..=10 => Availability::Few(left),
            _ => Availability::Plenty,
        }
    }
}

/// The availability wording of a seat type (`ux.md` §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// More than ten left.
    Plenty,
    /// One to ten left.
    Few(u32),
    /// None left, but some are only held and may come back.
    AllHeld,
    SoldOut,
    NotYet,
    Ended,
}

impl Availability {
    /// Seats of this type can be had now.
    #[must_use]
    pub const fn has_some(self) -> bool {
        matches!(self, Self::Plenty | Self::Few(_))
    }
}

/// One order as its registrant sees it. Topic `order/{slug}/{order_id}`; needs the order's token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderView {
    pub id: OrderId,
    pub conference_id: ConferenceId,
    /// The conference's slug.
    pub conference: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "K7M-2QX"))]
    pub access_code: AccessCode,
    pub status: OrderStatus,
    /// One line per seat type that was asked for, in the order asked.
    pub lines: Vec<OrderLine>,
    /// The price of the seats that are held or bought.
    pub total: Money,
    pub placed_at: Timestamp,
    /// The hold is shown to last until then; the server keeps it a little longer. Meaningful while
    /// the status is `Held` or `PartlyHeld`.
    pub hold_expires_at: Timestamp,
    /// How often the hold may still be extended (0 ..= 10).
    pub extensions_left: u32,
    pub registrant: Option<Registrant>,
    /// The latest payment, whatever became of it.
    pub payment: Option<PaymentView>,
    pub confirmed_at: Option<Timestamp>,
    /// One entry per bought seat, by position; empty before the order is confirmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seats: Vec<SeatView>,
    /// At some time fewer seats were held for it than it asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_short: bool,
}

impl OrderView {
    /// Seats held or bought, over all lines.
    #[must_use]
    pub fn seats(&self) -> u32 {
        self.lines.iter().map(|line| line.held).sum()
    }

    /// Seats asked for, over all lines.
    #[must_use]
    pub fn seats_asked(&self) -> u32 {
        self.lines.iter().map(|line| line.asked).sum()
    }
}

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Placed; the reservation is not decided yet.
    Reserving,
    /// Every seat asked for is held.
    Held,
    /// Fewer seats than asked are held, possibly none.
    PartlyHeld,
    /// Paid, or free of charge, and final.
    Confirmed,
    /// The deadline passed; the seats went back.
    Expired,
    /// The registrant let the seats go.
    Cancelled,
}

/// One seat type of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderLine {
    pub seat_type: SeatTypeId,
    /// The seat type's name when the order was priced; later renames do not change it.
    pub name: String,
    pub asked: u32,
    /// Held now or, when confirmed, bought. While `Reserving`: what was held before.
    pub held: u32,
    pub unit_price: Money,
    /// `unit_price × held`, or `× asked` while `Reserving`.
    pub line_total: Money,
}

/// One bought seat, and who sits on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeatView {
    /// 0, 1, 2 … inside the order.
    pub position: u32,
    pub seat_type: SeatTypeId,
    pub attendee: Option<Attendee>,
    /// What the attendee shows at the door; absent without an attendee.
    pub ticket: Option<String>,
    pub assigned_at: Option<Timestamp>,
    pub admitted_at: Option<Timestamp>,
}

/// One attempt to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PaymentView {
    pub id: PaymentId,
    pub status: PaymentStatus,
    pub amount: Money,
    pub initiated_at: Timestamp,
    /// The provider's page for this payment, while it is in flight.
    pub pay_at: Option<String>,
    /// Why the provider declined, in words for the registrant.
    pub decline_reason: Option<String>,
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// At the provider; we do not know yet.
    InFlight,
    /// The money arrived.
    Completed,
    /// The provider said no. Not charged.
    Declined,
    /// Given up after the bound. Not charged as far as we know.
    Abandoned,
    /// The money arrived but could not be used; it is on its way back.
    Refunding,
    /// The money was returned.
    Refunded,
}
