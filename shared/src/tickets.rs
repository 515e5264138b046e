//! The tickets of one order, to be printed: data and a drawing for each. `GET /api/tickets/…`.
//!
//! Not here: how a ticket is laid out (app), and what it opens (server).

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Every ticket of an order, with what stands on all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tickets {
    /// The conference's name.
    pub conference: String,
    pub location: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    /// IANA name, for instance `Europe/Berlin`.
    pub time_zone: String,
    /// Where people write when something is wrong.
    pub contact_email: String,
    /// One per seat that has a name, by position.
    pub tickets: Vec<PrintedTicket>,
}

/// The ticket of one seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PrintedTicket {
    pub position: u32,
    /// The seat type's name when the seat was bought.
    pub seat_type: String,
    /// Who sits there.
    pub attendee: String,
    /// What is shown at the door, in letters.
    pub ticket: String,
    /// The same as a QR code: an `<svg>` with a view box and four quiet modules, black on white, without
    /// size, style or reference. At least 25 mm wide on paper.
    pub qr: String,
}
