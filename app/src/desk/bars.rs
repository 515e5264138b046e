//! Where the parts of a bar begin and end: sold, held and left of one seat type, on a scale that is its
//! quota. Pure. Not here: how a bar is drawn (`parts/seats_chart.rs`).

use shared::views::SeatTypeView;

/// The whole length of a bar. Hundredths of a percent, so that no seat of 10,000 is lost.
pub const WHOLE: u64 = 10_000;

/// One part of a bar, in parts of [`WHOLE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    pub from: u64,
    pub length: u64,
}

impl Stretch {
    fn between(from: u64, to: u64) -> Self {
        Self { from, length: to.saturating_sub(from) }
    }
}

/// The three parts of a bar, side by side, together exactly [`WHOLE`] unless there are no seats at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    pub sold: Stretch,
    pub held: Stretch,
    pub left: Stretch,
}

impl Bar {
    /// The scale is the quota, so a bar only ever fills up. If the owner cut the quota below what was
    /// given, what was given is the scale.
    #[must_use]
    pub fn of(seat_type: &SeatTypeView) -> Self {
        let (sold, held) = (u64::from(seat_type.sold), u64::from(seat_type.held));
        let scale = u64::from(seat_type.quota).max(sold + held);
        if scale == 0 {
            return Self::default();
        }
        let at = |seats: u64| seats * WHOLE / scale;
        let (sold_to, held_to) = (at(sold), at(sold + held));
        Self {
            sold: Stretch::between(0, sold_to),
            held: Stretch::between(sold_to, held_to),
            left: Stretch::between(held_to, WHOLE),
        }
    }
}

/// Parts of [`WHOLE`] as a length for SVG, for instance `62.5%`.
#[must_use]
pub fn percent(part: u64) -> String {
    format!("{}.{:02}%", part / 100, part % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::samples::seats;

    #[test]
    fn the_parts_of_a_bar_lie_side_by_side_and_fill_it() {
        for (quota, sold, held) in
            [(400, 312, 9), (3, 1, 1), (7, 0, 0), (10, 10, 0), (99_999, 1, 0)]
        {
            let bar = Bar::of(&seats(quota, sold, held));
            assert_eq!(bar.sold.from, 0);
            assert_eq!(bar.held.from, bar.sold.length);
            assert_eq!(bar.left.from, bar.held.from + bar.held.length);
            assert_eq!(bar.left.from + bar.left.length, WHOLE, "{quota} {sold} {held}");
        }
        let bar = Bar::of(&seats(400, 100, 200));
        assert_eq!([bar.sold.length, bar.held.length, bar.left.length], [2_500, 5_000, 2_500]);
    }

    #[test]
    fn a_quota_below_what_was_given_leaves_nothing_and_nothing_sticks_out() {
        let bar = Bar::of(&seats(10, 15, 5));
        assert_eq!([bar.sold.length, bar.held.length, bar.left.length], [7_500, 2_500, 0]);
        assert_eq!(Bar::of(&seats(0, 0, 0)), Bar::default());
    }

    #[test]
    fn lengths_are_percents_with_two_places() {
        assert_eq!(
            [percent(0), percent(5), percent(6_250), percent(WHOLE)],
            ["0.00%", "0.05%", "62.50%", "100.00%"]
        );
    }
}
