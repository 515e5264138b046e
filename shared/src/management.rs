//! What an owner may ask for, and what only an owner may see besides the dashboard. The owner's session
//! is a cookie; no secret stands in a body or an address, except the access code at signing in.
//!
//! Not here: the live numbers (`dashboard.rs`), who owns what (server).

use crate::access_code::AccessCode;
use crate::ids::{CommandId, OrderId, SeatTypeId};
use crate::money::{Currency, Money};
use crate::time::Timestamp;
use crate::views::{OrderStatus, OrderView};
use serde::{Deserialize, Serialize};

/// The facts of a conference that its owner may change later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConferenceFacts {
    /// 1 ..= 200 characters.
    pub name: String,
    /// At most 200 characters.
    pub tagline: String,
    /// Plain text, at most 10,000 characters; blank lines separate paragraphs.
    pub description: String,
    /// 1 ..= 200 characters.
    pub location: String,
    pub starts_at: Timestamp,
    /// Not before `starts_at`.
    pub ends_at: Timestamp,
    /// IANA name, for instance `Europe/Berlin`.
    pub time_zone: String,
    /// Where registrants write when something is wrong.
    pub contact_email: String,
    /// How long a hold is shown to last; 1 ..= 1,440.
    pub hold_minutes: u32,
    /// Registrants may cancel a confirmed order before this instant; `None`: they may not.
    pub cancel_until: Option<Timestamp>,
    /// Names may be assigned to seats before this instant; `None`: until the conference ends.
    pub assign_until: Option<Timestamp>,
}

/// Creates a conference. Its owner gets an access code by mail; the browser that created it gets a
/// session for this conference alone, because nobody has proved yet that the address is theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateConference {
    /// The intent; the same on every retry.
    pub command_id: CommandId,
    /// 1 ..= 200 characters.
    pub owner_name: String,
    pub owner_email: String,
    /// Part of every address; 2 ..= 60 of a–z, 0–9 and inner hyphens. Never changes.
    pub slug: String,
    /// Of all its prices. Never changes.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "EUR"))]
    pub currency: Currency,
    pub facts: ConferenceFacts,
}

/// What can be said about a seat type, apart from how many there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SeatTypeFacts {
    /// 2 ..= 70 characters.
    pub name: String,
    /// At most 250 characters.
    pub description: String,
    /// 0 ..= 50,000 in the conference's currency.
    pub price: Money,
    /// 1 ..= 20.
    pub per_order_max: u32,
    pub sale_starts_at: Option<Timestamp>,
    /// After `sale_starts_at`.
    pub sale_ends_at: Option<Timestamp>,
}

/// Declares the owner's commands and the route of each.
macro_rules! owner_commands {
    ($($(#[$doc:meta])* $name:ident, $route:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                /// The intent; the same on every retry.
                pub command_id: CommandId,
                /// The conference's slug.
                pub conference: String,
                $($(#[$field_doc])* pub $field: $type,)*
            }

            impl OwnerCommand for $name {
                const ROUTE: &'static str = $route;
            }
        )*
    };
}

/// A command of an owner with its address below `/api/commands/`.
pub trait OwnerCommand: Serialize {
    const ROUTE: &'static str;
}

impl OwnerCommand for CreateConference {
    const ROUTE: &'static str = "create-conference";
}

owner_commands! {
    /// Changes the facts of a conference. Never its publication.
    UpdateConference, "update-conference" {
        facts: ConferenceFacts,
    }

    /// Opens the conference to the public.
    PublishConference, "publish-conference" {}

    /// Hides the conference; orders that are under way may finish.
    UnpublishConference, "unpublish-conference" {}

    /// Adds a seat type.
    CreateSeatType, "create-seat-type" {
        /// Made by the browser.
        seat_type: SeatTypeId,
        facts: SeatTypeFacts,
        /// 0 ..= 100,000.
        quota: u32,
    }

    /// Changes what is said about a seat type. Orders that are placed keep their prices.
    UpdateSeatType, "update-seat-type" {
        seat_type: SeatTypeId,
        facts: SeatTypeFacts,
    }

    /// Removes a seat type that nobody holds or bought seats of.
    DeleteSeatType, "delete-seat-type" {
        seat_type: SeatTypeId,
    }

    /// Changes how many seats of a type there are; never below what is sold and held.
    ChangeQuota, "change-quota" {
        seat_type: SeatTypeId,
        /// 0 ..= 100,000.
        quota: u32,
        /// The quota that the page showed. Refused if it is another by now.
        seen: u32,
    }

    /// Replaces the owner's access code, mails the new one and ends all other sessions of the owner.
    RotateOwnerCode, "rotate-owner-code" {}

    /// Sends the confirmation of an order to its registrant again.
    ResendConfirmation, "resend-confirmation" {
        order_id: OrderId,
    }

    /// Admits whoever shows this ticket.
    AdmitAttendee, "admit-attendee" {
        /// As scanned or typed; reading it forgives case, spaces and hyphens.
        ticket: String,
    }
}

/// `POST /api/sign-in`. Every mistake gets the same answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub email: String,
    /// Of any of the owner's conferences; reading it forgives case, spaces and hyphens.
    pub access_code: String,
}

/// `POST /api/owner-codes`: mails the access code to an owner who has lost it. The answer says nothing
/// about whether the address owns a conference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RequestOwnerCode {
    pub email: String,
}

/// `GET /api/owner`: whose session this is; no content without one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnerView {
    /// `None` in the session of a browser that created a conference and never signed in.
    pub email: Option<String>,
    /// Newest first.
    pub conferences: Vec<OwnedConference>,
}

/// One line of an owner's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnedConference {
    pub slug: String,
    pub name: String,
    pub location: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    /// IANA name.
    pub time_zone: String,
    pub is_published: bool,
    pub sold: u32,
    pub held: u32,
    pub quota: u32,
}

/// `GET /api/manage/{slug}/orders?search=&status=&after=`: newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderPage {
    pub orders: Vec<OrderRow>,
    /// Pass as `after` to see the next page; `None` on the last one.
    pub next: Option<String>,
}

/// One order in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderRow {
    pub id: OrderId,
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "K7M-2QX"))]
    pub access_code: AccessCode,
    pub status: OrderStatus,
    /// Empty while unknown.
    pub name: String,
    /// Empty while unknown.
    pub email: String,
    pub seats: u32,
    pub total: Money,
    pub placed_at: Timestamp,
    pub changed_at: Timestamp,
}

/// `GET /api/manage/{slug}/orders/{order_id}`: one order with its history in words, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderHistory {
    pub order: OrderView,
    pub lines: Vec<HistoryLine>,
}

/// One thing that happened to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryLine {
    /// In the conference's ledger.
    pub position: u64,
    pub at: Timestamp,
    /// A sentence in domain words.
    pub words: String,
}

/// `GET /api/manage/{slug}/attendees?search=&after=`: in the order of seat types and names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttendeePage {
    pub attendees: Vec<AttendeeRow>,
    /// Pass as `after` to see the next page; `None` on the last one.
    pub next: Option<String>,
    /// Of the whole conference, whatever was searched for.
    pub assigned: u32,
    pub admitted: u32,
}

/// One named seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttendeeRow {
    pub order_id: OrderId,
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "K7M-2QX"))]
    pub access_code: AccessCode,
    /// Inside the order; 0, 1, 2 ….
    pub position: u32,
    pub seat_type: String,
    pub given_name: String,
    pub family_name: String,
    pub email: String,
    pub admitted_at: Option<Timestamp>,
}

/// The answer of `admit-attendee`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Admission {
    /// False when this ticket was admitted before.
    pub is_first: bool,
    /// When it was admitted; now, or earlier.
    pub admitted_at: Timestamp,
    pub given_name: String,
    pub family_name: String,
    pub seat_type: String,
}
