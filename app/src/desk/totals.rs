//! The numbers of the tiles, over all seat types of one snapshot, so that they add up in every frame.
//! Pure.

use shared::Money;
use shared::dashboard::DashboardView;
use shared::money::grouped;

/// Sold, held, left and paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    pub sold: u32,
    pub held: u32,
    pub left: u32,
    pub quota: u32,
    pub paid: Money,
}

impl Totals {
    /// Of one snapshot.
    #[must_use]
    pub fn of(view: &DashboardView) -> Self {
        let zero = Money::zero(view.conference.currency);
        let paid = view.revenue.iter().fold(zero, |sum, of_type| sum.plus(of_type.revenue));
        let none = Self { sold: 0, held: 0, left: 0, quota: 0, paid };
        view.conference.seat_types.iter().fold(none, |sum, seat_type| Self {
            sold: sum.sold + seat_type.sold,
            held: sum.held + seat_type.held,
            left: sum.left + seat_type.remaining(),
            quota: sum.quota + seat_type.quota,
            paid,
        })
    }
}

/// From this many units on a sum is told without its cents.
const LARGE: i64 = 10_000;

/// A sum that fits on a tile: a large one in whole units, rounded down. The table has every cent.
#[must_use]
pub fn briefly(sum: Money) -> Money {
    let unit = 10_i64.pow(sum.currency.decimals());
    let is_large = LARGE * unit <= sum.minor.abs();
    if is_large { Money::new(sum.minor - sum.minor % unit, sum.currency) } else { sum }
}

/// `12,480`: a number of seats or of orders.
#[must_use]
pub fn digits(number: u32) -> String {
    grouped(u64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::samples::seats;
    use shared::dashboard::{SeatRevenue, ShortOrders};
    use shared::views::{ConferenceView, SeatTypeView};
    use shared::{ConferenceId, Currency, SeatTypeId, Timestamp};
    use uuid::Uuid;

    fn view(seat_types: Vec<SeatTypeView>, revenue: &[i64]) -> DashboardView {
        let revenue = revenue.iter().map(|minor| SeatRevenue {
            seat_type: SeatTypeId(Uuid::nil()),
            revenue: Money::new(*minor, Currency::EUR),
        });
        DashboardView {
            conference: ConferenceView {
                id: ConferenceId(Uuid::nil()),
                slug: "rustconf".into(),
                name: "RustConf".into(),
                tagline: String::new(),
                description: String::new(),
                location: "Berlin".into(),
                starts_at: Timestamp(0),
                ends_at: Timestamp(0),
                time_zone: "Europe/Berlin".into(),
                currency: Currency::EUR,
                contact_email: String::new(),
                hold_minutes: 15,
                cancel_until: None,
                assign_until: None,
                is_published: true,
                high_demand: false,
                seat_types,
            },
            revenue: revenue.collect(),
            orders_confirmed: 0,
            orders_held: 0,
            orders_placed: 0,
            short: ShortOrders::default(),
            sales: Vec::new(),
            happenings: Vec::new(),
            happenings_count: 0,
        }
    }

    #[test]
    fn the_tiles_add_up_to_the_quota() {
        let seat_types = vec![seats(400, 312, 9), seats(20, 0, 1), seats(5, 5, 0)];
        let totals = Totals::of(&view(seat_types, &[6_100_000, 23_000, 0]));
        assert_eq!((totals.sold, totals.held, totals.left, totals.quota), (317, 10, 98, 425));
        assert_eq!(totals.sold + totals.held + totals.left, totals.quota);
        assert_eq!(totals.paid.to_string(), "€61,230");
    }

    #[test]
    fn a_conference_without_seats_has_no_numbers_but_its_currency() {
        let totals = Totals::of(&view(Vec::new(), &[]));
        assert_eq!((totals.quota, totals.paid.to_string().as_str()), (0, "€0"));
    }

    #[test]
    fn a_large_sum_is_told_without_its_cents() {
        let told = |minor| briefly(Money::new(minor, Currency::EUR)).to_string();
        assert_eq!(
            [told(74_750), told(999_950), told(1_000_050), told(125_429_850)],
            ["€747.50", "€9,999.50", "€10,000", "€1,254,298"]
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [digits(0), digits(999), digits(12_480), digits(1_000_000)],
            ["0", "999", "12,480", "1,000,000"]
        );
    }
}
