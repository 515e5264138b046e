//! What a browser may ask for: one struct per command, named in the imperative. The struct's name in
//! kebab case is its route: `POST /api/commands/register-to-conference`.
//!
//! Every command carries the id of the intent behind it. A command sent twice acts once.
//! Not here: who may send it. The order's token travels in the `Authorization` header, so that no
//! secret ever stands in a body that somebody logs.

use crate::ids::{CommandId, OrderId, PaymentId, SeatTypeId};
use crate::money::Money;
use serde::{Deserialize, Serialize};

/// How many seats of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SeatQuantity {
    pub seat_type: SeatTypeId,
    /// 1 ..= 20 in a command; events and views may say 0 for "none granted".
    pub quantity: u32,
}

/// The person who orders and pays.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Registrant {
    /// 1 ..= 200 characters.
    pub given_name: String,
    /// 1 ..= 200 characters.
    pub family_name: String,
    /// Where the access code goes; at most 254 characters.
    pub email: String,
}

/// People are not for logs.
impl std::fmt::Debug for Registrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registrant(…)")
    }
}

/// Who sits on a seat.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Attendee {
    /// 1 ..= 200 characters.
    pub given_name: String,
    /// 1 ..= 200 characters.
    pub family_name: String,
    /// Where the ticket goes; at most 254 characters.
    pub email: String,
}

/// People are not for logs.
impl std::fmt::Debug for Attendee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attendee(…)")
    }
}

/// Declares the command structs and the name of the route each of them is posted to.
macro_rules! commands {
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
                pub order_id: OrderId,
                $($(#[$field_doc])* pub $field: $type,)*
            }

            impl BrowserCommand for $name {
                const ROUTE: &'static str = $route;
            }
        )*
    };
}

/// A command with its address below `/api/commands/`.
pub trait BrowserCommand: Serialize {
    const ROUTE: &'static str;
}

commands! {
    /// Places an order for seats, or changes the seats of an order that is not final yet.
    ///
    /// The browser makes `order_id` and the order's token when the page opens. The first command
    /// with an order id binds the token to it; every later one must carry the same token.
    RegisterToConference, "register-to-conference" {
        /// 1 ..= 20 different seat types, each once.
        seats: Vec<SeatQuantity>,
    }

    /// Says who is ordering. May be repeated until the order is final, and after that until somebody
    /// else has got a ticket; the confirmation then goes to the corrected address.
    AssignRegistrantDetails, "assign-registrant-details" {
        registrant: Registrant,
    }

    /// Asks for five more minutes. Refused in high demand and after ten times.
    ExtendSeatReservation, "extend-seat-reservation" {}

    /// Gives the held seats back at once.
    ReleaseHold, "release-hold" {}

    /// Confirms an order that costs nothing.
    CompleteRegistration, "complete-registration" {}

    /// Starts one payment for the order's total. The answer says where to pay. A repetition with the
    /// same payment id is the same payment.
    InitiatePayment, "initiate-payment" {
        payment_id: PaymentId,
        /// What the page showed. If the total is another by now, nothing is charged.
        total: Money,
    }

    /// Asks the provider now what became of the payment in flight.
    CheckPayment, "check-payment" {
        payment_id: PaymentId,
    }

    /// Says who sits on a bought seat. Whoever sat there before loses the ticket; both are told.
    AssignSeat, "assign-seat" {
        /// 0, 1, 2 … in the order of the order's lines.
        position: u32,
        attendee: Attendee,
    }

    /// Takes the name off a seat.
    UnassignSeat, "unassign-seat" {
        position: u32,
    }

    /// Gives a confirmed order back before the owner's cut-off: the seats return, the money is
    /// refunded.
    CancelRegistration, "cancel-registration" {}

    /// Mails the confirmation to the registrant again.
    SendConfirmationAgain, "send-confirmation-again" {}
}

/// What the server says when it said yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Accepted {
    /// Where in the conference's ledger the command's last effect stands. A view at or past this
    /// position shows it.
    pub position: u64,
    /// Where to pay; only in the answer of `initiate-payment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay_at: Option<String>,
}

/// Opens an order on another device: `POST /api/find-order`. Every mistake gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FindOrder {
    /// The conference's slug; orders of other conferences are not searched.
    pub conference: String,
    pub email: String,
    /// As typed; reading it forgives case, spaces and hyphens.
    pub access_code: String,
}

/// The order that was found, and a token that opens it on this device for a day.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoundOrder {
    pub order_id: OrderId,
    /// Goes into the `Authorization` header like a token that the browser made itself.
    pub token: String,
}

/// Asks for one-time links to the orders of an address: `POST /api/order-links`. The answer is always
/// the same, whether there are orders or not.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RequestOrderLinks {
    /// The conference's slug.
    pub conference: String,
    pub email: String,
}

/// Opens a mailed link, once: `POST /api/open-order-link`; answered by [`FoundOrder`]. The secret
/// stands behind the `#` of the mailed address, where no server and no log sees it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct OpenOrderLink {
    /// The conference's slug.
    pub conference: String,
    pub link: String,
}
