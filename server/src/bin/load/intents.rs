//! What one order's registrant sends, each time with a fresh command id.

use shared::commands::{
    AssignRegistrantDetails, InitiatePayment, RegisterToConference, Registrant, SeatQuantity,
};
use shared::{CommandId, Money, OrderId, PaymentId, SeatTypeId};
use uuid::Uuid;

/// The intents of one order.
#[derive(Clone, Copy)]
pub(crate) struct Intents<'a> {
    pub(crate) slug: &'a str,
    pub(crate) order_id: OrderId,
}

impl Intents<'_> {
    pub(crate) fn register(self, seats: &[(SeatTypeId, u32)]) -> RegisterToConference {
        let line = |(seat_type, quantity): &(SeatTypeId, u32)| SeatQuantity {
            seat_type: *seat_type,
            quantity: *quantity,
        };
        RegisterToConference {
            command_id: fresh(),
            conference: self.slug.to_owned(),
            order_id: self.order_id,
            seats: seats.iter().map(line).collect(),
        }
    }

    pub(crate) fn details(self) -> AssignRegistrantDetails {
        AssignRegistrantDetails {
            command_id: fresh(),
            conference: self.slug.to_owned(),
            order_id: self.order_id,
            registrant: Registrant {
                given_name: "Ada".into(),
                family_name: "Lovelace".into(),
                email: "ada@example.org".into(),
            },
        }
    }

    pub(crate) fn pay(self, payment_id: PaymentId, total: Money) -> InitiatePayment {
        InitiatePayment {
            command_id: fresh(),
            conference: self.slug.to_owned(),
            order_id: self.order_id,
            payment_id,
            total,
        }
    }
}

fn fresh() -> CommandId {
    CommandId(Uuid::new_v4())
}
