//! Everything a ledger can be asked, by browsers, owners and the house itself.
//!
//! Not here: what is done about it (`ledger/stage.rs`).

use crate::domain::conference;
use serde::{Deserialize, Serialize};
use shared::commands::{Attendee, Registrant, SeatQuantity};
use shared::{AccessCode, Money, OrderId, PaymentId, Ticket, Timestamp};
use uuid::Uuid;

/// Everything a ledger can be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    Conference(conference::Command),
    RegisterToConference {
        order_id: OrderId,
        seats: Vec<SeatQuantity>,
        access_code: AccessCode,
    },
    AssignRegistrantDetails {
        order_id: OrderId,
        registrant: Registrant,
    },
    ExtendSeatReservation {
        order_id: OrderId,
    },
    ReleaseHold {
        order_id: OrderId,
    },
    CompleteRegistration {
        order_id: OrderId,
    },
    InitiatePayment {
        order_id: OrderId,
        payment_id: PaymentId,
        total: Money,
        pay_at: String,
    },
    CheckPayment {
        order_id: OrderId,
        payment_id: PaymentId,
    },
    CompletePayment {
        order_id: OrderId,
        payment_id: PaymentId,
        amount: Money,
        reference: String,
    },
    RejectPayment {
        order_id: OrderId,
        payment_id: PaymentId,
        reason: String,
    },
    RecordRefund {
        order_id: OrderId,
        payment_id: PaymentId,
        reference: String,
    },
    AssignSeat {
        order_id: OrderId,
        position: u32,
        attendee: Attendee,
        /// A fresh one; used when the attendee has none.
        ticket: Ticket,
    },
    UnassignSeat {
        order_id: OrderId,
        position: u32,
    },
    /// The order and the position are where a look-up found the ticket.
    AdmitAttendee {
        order_id: OrderId,
        position: u32,
        ticket: Ticket,
    },
    CancelRegistration {
        order_id: OrderId,
    },
    SendConfirmationAgain {
        order_id: OrderId,
    },
    /// Somebody asks for links to the orders of an address. Nothing happens to any of them, and
    /// whether there are some is seen when the mail is written.
    RequestOrderLinks {
        /// The mail's, so that a retry is the same mail.
        effect_id: Uuid,
        /// Lower case.
        email: String,
        expires_at: Timestamp,
    },
    /// Somebody says that they own the conference and have lost the code. The mail goes to the owner.
    SendOwnerCodeAgain {
        /// The mail's, so that a retry is the same mail.
        effect_id: Uuid,
    },
    /// An instant has come, or a restart wants to be sure.
    LookAgain {
        order_id: OrderId,
    },
    /// Nothing but the mark that an effect was performed.
    EffectPerformed,
    /// Another node may have written: those who watch here want to know.
    CatchUp,
    /// Another generation has written: the documents of ours are written anew.
    KeepDocuments,
    ReadConference,
    ReadOrder {
        order_id: OrderId,
    },
    ReadDashboard,
}

impl Command {
    /// The order it is about, which has to be loaded before.
    #[must_use]
    pub const fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::Conference(_)
            | Self::EffectPerformed
            | Self::CatchUp
            | Self::KeepDocuments
            | Self::ReadConference
            | Self::ReadDashboard
            | Self::RequestOrderLinks { .. }
            | Self::SendOwnerCodeAgain { .. } => None,
            Self::RegisterToConference { order_id, .. }
            | Self::AssignRegistrantDetails { order_id, .. }
            | Self::ExtendSeatReservation { order_id }
            | Self::ReleaseHold { order_id }
            | Self::CompleteRegistration { order_id }
            | Self::InitiatePayment { order_id, .. }
            | Self::CheckPayment { order_id, .. }
            | Self::CompletePayment { order_id, .. }
            | Self::RejectPayment { order_id, .. }
            | Self::RecordRefund { order_id, .. }
            | Self::AssignSeat { order_id, .. }
            | Self::UnassignSeat { order_id, .. }
            | Self::AdmitAttendee { order_id, .. }
            | Self::CancelRegistration { order_id }
            | Self::SendConfirmationAgain { order_id }
            | Self::LookAgain { order_id }
            | Self::ReadOrder { order_id } => Some(*order_id),
        }
    }

    /// True when nothing can come of it but an answer.
    #[must_use]
    pub const fn only_reads(&self) -> bool {
        matches!(self, Self::ReadOrder { .. } | Self::ReadDashboard | Self::ReadConference)
    }

    /// Its name, for the log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Conference(_) => "Conference",
            Self::RegisterToConference { .. } => "RegisterToConference",
            Self::AssignRegistrantDetails { .. } => "AssignRegistrantDetails",
            Self::ExtendSeatReservation { .. } => "ExtendSeatReservation",
            Self::ReleaseHold { .. } => "ReleaseHold",
            Self::CompleteRegistration { .. } => "CompleteRegistration",
            Self::InitiatePayment { .. } => "InitiatePayment",
            Self::CheckPayment { .. } => "CheckPayment",
            Self::CompletePayment { .. } => "CompletePayment",
            Self::RejectPayment { .. } => "RejectPayment",
            Self::RecordRefund { .. } => "RecordRefund",
            Self::AssignSeat { .. } => "AssignSeat",
            Self::UnassignSeat { .. } => "UnassignSeat",
            Self::AdmitAttendee { .. } => "AdmitAttendee",
            Self::CancelRegistration { .. } => "CancelRegistration",
            Self::SendConfirmationAgain { .. } => "SendConfirmationAgain",
            Self::RequestOrderLinks { .. } => "RequestOrderLinks",
            Self::SendOwnerCodeAgain { .. } => "SendOwnerCodeAgain",
            Self::LookAgain { .. } => "LookAgain",
            Self::EffectPerformed => "EffectPerformed",
            Self::CatchUp => "CatchUp",
            Self::KeepDocuments => "KeepDocuments",
            Self::ReadConference => "ReadConference",
            Self::ReadOrder { .. } => "ReadOrder",
            Self::ReadDashboard => "ReadDashboard",
        }
    }
}
