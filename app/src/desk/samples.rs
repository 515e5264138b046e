//! What tests of the desk are made with.

use shared::views::SeatTypeView;
use shared::{Currency, Money, SeatTypeId};
use uuid::Uuid;

/// A seat type of which only the numbers matter.
pub(super) fn seats(quota: u32, sold: u32, held: u32) -> SeatTypeView {
    SeatTypeView {
        id: SeatTypeId(Uuid::nil()),
        name: "General".into(),
        description: String::new(),
        price: Money::zero(Currency::EUR),
        quota,
        sold,
        held,
        per_order_max: 20,
        sale_starts_at: None,
        sale_ends_at: None,
    }
}
