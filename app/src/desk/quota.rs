//! What changing a quota will mean, in words. Pure. The server decides; the page is right early.

use shared::views::SeatTypeView;

/// Seats of one type, at most.
pub const QUOTA_MAX: u32 = 100_000;

/// Reads the box.
///
/// # Errors
/// What to write instead.
pub fn read(text: &str) -> Result<u32, String> {
    match text.trim().parse::<u32>() {
        Ok(quota) if quota <= QUOTA_MAX => Ok(quota),
        _ => Err("Enter a whole number of seats, at most 100,000".to_owned()),
    }
}

/// What will follow from another quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// For instance `Left 79 → 129`.
    Possible(String),
    /// More seats than that are sold or held.
    TooLow(String),
}

impl Consequence {
    /// Of this number for this seat type, as it is now.
    #[must_use]
    pub fn of(quota: u32, seat_type: &SeatTypeView) -> Self {
        let SeatTypeView { sold, held, .. } = *seat_type;
        let lowest = sold.saturating_add(held);
        let left = seat_type.remaining();
        if quota < lowest && quota < seat_type.quota {
            return Self::TooLow(too_low(sold, held));
        }
        let will_be = quota.saturating_sub(lowest);
        Self::Possible(if will_be == left {
            format!("Left {left}")
        } else {
            format!("Left {left} → {will_be}")
        })
    }

    /// The words.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Self::Possible(words) | Self::TooLow(words) => words,
        }
    }
}

fn too_low(sold: u32, held: u32) -> String {
    let lowest = sold.saturating_add(held);
    match (sold, held) {
        (sold, 0) => format!("{sold} sold. The lowest possible is {lowest}."),
        (0, held) => format!("{held} held. The lowest possible is {lowest}."),
        _ => format!("{sold} sold and {held} held. The lowest possible is {lowest}."),
    }
}

/// Somebody else was faster.
#[must_use]
pub fn conflict(now: u32, wanted: u32) -> String {
    format!("Somebody set {now} in the meantime. You wrote {wanted}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::samples::seats;

    #[test]
    fn what_will_be_left_is_said_before_saving() {
        let general = seats(400, 312, 9);
        for (quota, words) in
            [(450, "Left 79 → 129"), (400, "Left 79"), (321, "Left 79 → 0"), (350, "Left 79 → 29")]
        {
            assert_eq!(Consequence::of(quota, &general), Consequence::Possible(words.into()));
        }
    }

    #[test]
    fn seats_that_people_have_are_not_taken_away() {
        let too_low = |quota, sold, held| Consequence::of(quota, &seats(400, sold, held));
        let words = "312 sold and 9 held. The lowest possible is 321.";
        assert_eq!(too_low(320, 312, 9), Consequence::TooLow(words.into()));
        assert_eq!(too_low(0, 0, 9).words(), "9 held. The lowest possible is 9.");
        assert_eq!(too_low(0, 3, 0).words(), "3 sold. The lowest possible is 3.");
    }

    #[test]
    fn a_quota_that_was_cut_below_what_was_given_may_be_raised_again() {
        let cut = seats(300, 312, 9);
        assert_eq!(Consequence::of(310, &cut), Consequence::Possible("Left 0".into()));
        assert_eq!(Consequence::of(330, &cut), Consequence::Possible("Left 0 → 9".into()));
    }

    #[test]
    fn only_whole_numbers_of_seats_are_read() {
        assert_eq!(read(" 450 "), Ok(450));
        for wrong in ["", "-1", "4.5", "100001", "many"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
