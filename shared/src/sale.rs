//! What is said about a sale, once for both: the server's first page and the app that takes it over
//! must not differ in a word, or the page moves under the reader.
//!
//! How an instant is written is the caller's business: the browser and the server know zones each in
//! its own way. Not here: the numbers themselves (`views.rs`).

use crate::time::Timestamp;
use crate::views::{Availability, ConferenceView, SeatTypeView};

/// How many palettes conferences wear.
const HUES: u32 = 8;

/// Whether, and since when, one can register for a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sale {
    Open,
    NotYet { opens: Timestamp },
    Ended,
    AllHeld,
    SoldOut,
    NothingToSell,
}

impl Sale {
    /// The state of sale of a conference at `now`.
    #[must_use]
    pub fn of(view: &ConferenceView, now: Timestamp) -> Self {
        let some = |wanted: fn(Availability) -> bool| {
            view.seat_types.iter().any(|seat_type| wanted(seat_type.availability(now, 0)))
        };
        if view.seat_types.is_empty() {
            Self::NothingToSell
        } else if some(Availability::has_some) {
            Self::Open
        } else if some(|a| a == Availability::AllHeld) {
            Self::AllHeld
        } else if some(|a| a == Availability::NotYet) {
            let later = view.seat_types.iter().filter_map(|seat_type| seat_type.sale_starts_at);
            Self::NotYet { opens: later.filter(|at| now < *at).min().unwrap_or(now) }
        } else if some(|a| a == Availability::SoldOut) {
            Self::SoldOut
        } else {
            Self::Ended
        }
    }

    /// Trying makes sense: held seats may come back at any moment.
    #[must_use]
    pub const fn can_register(self) -> bool {
        matches!(self, Self::Open | Self::AllHeld)
    }

    /// The state in words; `when` writes an instant.
    #[must_use]
    pub fn words(self, when: &dyn Fn(Timestamp) -> String) -> String {
        match self {
            Self::Open => "On sale now".to_owned(),
            Self::NotYet { opens } => format!("Sale opens {}", when(opens)),
            Self::Ended => "Sale has ended".to_owned(),
            Self::AllHeld => ALL_HELD.to_owned(),
            Self::SoldOut => SOLD_OUT.to_owned(),
            Self::NothingToSell => "No seats on sale yet".to_owned(),
        }
    }
}

const ALL_HELD: &str = "All held right now. Some may come back.";
const SOLD_OUT: &str = "Sold out";

/// The words for one seat type (`ux.md` §4.2) and the CSS modifier that goes with them; `mine` is what
/// the reader holds of it, `when` writes an instant.
#[must_use]
pub fn availability_words(
    seat_type: &SeatTypeView,
    now: Timestamp,
    mine: u32,
    when: &dyn Fn(Timestamp) -> String,
) -> (String, &'static str) {
    match seat_type.availability(now, mine) {
        Availability::Plenty => ("Available".to_owned(), "plenty"),
        Availability::Few(_) if 0 < mine => {
            (format!("{} left + your {mine}", seat_type.remaining()), "few")
        }
        Availability::Few(left) => (format!("{left} left"), "few"),
        Availability::AllHeld => (ALL_HELD.to_owned(), "held"),
        Availability::SoldOut => (SOLD_OUT.to_owned(), "out"),
        Availability::NotYet => {
            (format!("From {}", when(seat_type.sale_starts_at.unwrap_or(now))), "later")
        }
        Availability::Ended => ("Ended".to_owned(), "ended"),
    }
}

/// The CSS class of the palette a conference wears, always the same one.
#[must_use]
pub fn hue_class(slug: &str) -> String {
    let sum: u32 = slug.bytes().map(u32::from).sum();
    format!("hue-{}", sum % HUES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conference_keeps_its_colours() {
        assert_eq!(hue_class("rustconf"), hue_class("rustconf"));
        assert_eq!(hue_class(""), "hue-0");
        assert_eq!(hue_class("a"), "hue-1");
    }
}
