//! The line of sales: seats per hour of the last day, or per day of the last week, and the sentence
//! that says the same. Pure: the conference's clock comes in as a function.
//!
//! Not here: how it is drawn (`parts/sales_chart.rs`).

use super::wall_clock::Offset;
use crate::format;
use shared::Timestamp;
use shared::dashboard::SalesHour;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What one point of the line stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The last 24 hours, hour by hour.
    Day,
    /// The last seven days, day by day, as the conference's calendar has them.
    Week,
}

impl Span {
    const fn points(self) -> usize {
        match self {
            Self::Day => 24,
            Self::Week => 7,
        }
    }

    /// As in "in the last 24 hours".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Day => "the last 24 hours",
            Self::Week => "the last 7 days",
        }
    }
}

/// One point: when it begins, and what was sold until the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub from: Timestamp,
    pub seats: u32,
}

/// The points of a span, oldest first; the last one holds `now`. Hours and days without sales are there
/// with a zero.
#[must_use]
pub fn points(sales: &[SalesHour], span: Span, now: Timestamp, offset: Offset<'_>) -> Vec<Point> {
    let count = i64::try_from(span.points()).unwrap_or_default();
    let now_ms = offset(now).unwrap_or_default();
    // Asking a browser for an offset is slow. In a week without a change of clocks two questions do.
    let first_ms = sales.first().map_or(now_ms, |sale| offset(sale.hour).unwrap_or(now_ms));
    let offset_ms = |at: Timestamp| {
        if first_ms == now_ms { now_ms } else { offset(at).unwrap_or(now_ms) }
    };
    let number_of = |at: Timestamp| match span {
        Span::Day => at.0.div_euclid(HOUR_MS),
        Span::Week => (at.0 + offset_ms(at)).div_euclid(DAY_MS),
    };
    // Where a day begins is only shown by its name, so the offset of now is good enough for all seven.
    let start_of = |number: i64| match span {
        Span::Day => number * HOUR_MS,
        Span::Week => number * DAY_MS - now_ms,
    };
    let last = number_of(now);
    let first = last - count + 1;
    let point = |number| Point { from: Timestamp(start_of(number)), seats: 0 };
    let mut points: Vec<Point> = (first..=last).map(point).collect();
    for sale in sales {
        let index = usize::try_from(number_of(sale.hour) - first).ok();
        if let Some(point) = index.and_then(|index| points.get_mut(index)) {
            point.seats += sale.seats;
        }
    }
    points
}

/// `41 seats sold in the last 24 hours, busiest 10–11 h`. `clock` says an instant as `10:00`, `day` as
/// `Tuesday`, both in the conference's zone.
#[must_use]
pub fn sentence(
    points: &[Point],
    span: Span,
    clock: &dyn Fn(Timestamp) -> String,
    day: &dyn Fn(Timestamp) -> String,
) -> String {
    let sold: u32 = points.iter().map(|point| point.seats).sum();
    if sold == 0 {
        return format!("No seats sold in {}", span.words());
    }
    // The latest of equals: what is going on now is worth more than what was.
    let Some(busiest) = points.iter().max_by_key(|point| point.seats) else { return String::new() };
    let when = match span {
        Span::Day => {
            let until = Timestamp(busiest.from.0 + HOUR_MS);
            format!("{} h", hours(&clock(busiest.from), &clock(until)))
        }
        Span::Week => day(busiest.from),
    };
    format!("{} sold in {}, busiest {when}", format::seats(sold), span.words())
}

/// `10–11`, or `10:30–11:30` where a zone is off by half an hour.
fn hours(from: &str, until: &str) -> String {
    match (from.strip_suffix(":00"), until.strip_suffix(":00")) {
        (Some(from), Some(until)) => format!("{from}–{until}"),
        _ => format!("{from}–{until}"),
    }
}

/// The line in a box of 100 × 100 whose bottom is zero: `0,100 4.34,80 …` for `<polyline points>`.
#[must_use]
pub fn outline(points: &[Point]) -> String {
    let steps = u64::try_from(points.len().saturating_sub(1)).unwrap_or_default().max(1);
    let place = |(index, point): (u64, &Point)| {
        let across = index * 10_000 / steps;
        let (x, y) = (across, height(point.seats, points));
        format!("{}.{:02},{}.{:02}", x / 100, x % 100, y / 100, y % 100)
    };
    (0..).zip(points).map(place).collect::<Vec<_>>().join(" ")
}

/// How far below the top of the box a number is, in hundredths of its height. The highest point touches
/// the top; without sales the line lies on the ground.
#[must_use]
pub fn height(seats: u32, points: &[Point]) -> u64 {
    let top = points.iter().map(|point| point.seats).max().unwrap_or_default().max(1);
    10_000 - u64::from(seats) * 10_000 / u64::from(top)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2027-05-04T08:20Z, 10:20 in Berlin.
    const NOW: Timestamp = Timestamp(1_809_418_800_000);

    #[expect(clippy::unnecessary_wraps, reason = "some zones are unknown, Berlin is not")]
    fn berlin(_: Timestamp) -> Option<i64> {
        Some(2 * HOUR_MS)
    }

    fn sale(hours_ago: i64, seats: u32) -> SalesHour {
        let hour = NOW.0.div_euclid(HOUR_MS) - hours_ago;
        SalesHour { hour: Timestamp(hour * HOUR_MS), seats }
    }

    fn clock(at: Timestamp) -> String {
        format!("{:02}:00", (at.0 + 2 * HOUR_MS).rem_euclid(DAY_MS) / HOUR_MS)
    }

    fn day(at: Timestamp) -> String {
        // 1970-01-01 was a Thursday.
        let days = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
        let number = (at.0 + 2 * HOUR_MS).div_euclid(DAY_MS).rem_euclid(7);
        days[usize::try_from(number).unwrap()].to_owned()
    }

    fn said(sales: &[SalesHour], span: Span) -> String {
        sentence(&points(sales, span, NOW, &berlin), span, &clock, &day)
    }

    #[test]
    fn a_day_has_twenty_four_hours_and_the_last_one_is_now() {
        let sales = [sale(24, 5), sale(23, 2), sale(0, 3)];
        let points = points(&sales, Span::Day, NOW, &berlin);
        assert_eq!(points.len(), 24);
        assert_eq!((points[0].seats, points[23].seats), (2, 3), "what is older is not shown");
        assert_eq!(points.iter().map(|point| point.seats).sum::<u32>(), 5);
    }

    #[test]
    fn a_week_has_the_days_of_the_conferences_calendar() {
        // 00:20 and 23:20 of the same night lie on two days in Berlin.
        let sales = [sale(11, 4), sale(10, 7), sale(7 * 24, 9)];
        let points = points(&sales, Span::Week, NOW, &berlin);
        let seats: Vec<u32> = points.iter().map(|point| point.seats).collect();
        assert_eq!(seats, [0, 0, 0, 0, 0, 4, 7]);
        assert_eq!(day(points[6].from), day(NOW));
    }

    #[test]
    fn a_week_in_which_the_clocks_change_still_has_the_days_of_the_calendar() {
        // Two days ago Berlin was still an hour behind: 22:20Z was 23:20, and is 00:20 since.
        let changed = NOW.0 - 48 * HOUR_MS;
        let offset = |at: Timestamp| Some(if at.0 < changed { HOUR_MS } else { 2 * HOUR_MS });
        let points = points(&[sale(3 * 24 + 10, 4), sale(10, 7)], Span::Week, NOW, &offset);
        let seats: Vec<u32> = points.iter().map(|point| point.seats).collect();
        assert_eq!(seats, [0, 0, 4, 0, 0, 0, 7]);
    }

    #[test]
    fn the_sentence_says_how_many_and_when_most() {
        let sales = [sale(5, 9), sale(0, 31), sale(1, 1)];
        let busiest = clock(sales[1].hour);
        let words = said(&sales, Span::Day);
        let until = clock(Timestamp(sales[1].hour.0 + HOUR_MS));
        let hours = format!("{}–{}", &busiest[..2], &until[..2]);
        assert_eq!(words, format!("41 seats sold in the last 24 hours, busiest {hours} h"));
        let words = said(&[sale(0, 1)], Span::Week);
        assert_eq!(words, format!("1 seat sold in the last 7 days, busiest {}", day(NOW)));
        assert_eq!(said(&[], Span::Day), "No seats sold in the last 24 hours");
    }

    #[test]
    fn a_zone_that_is_off_by_half_an_hour_says_its_minutes() {
        assert_eq!(hours("10:00", "11:00"), "10–11");
        assert_eq!(hours("10:30", "11:30"), "10:30–11:30");
    }

    #[test]
    fn the_line_stands_on_zero_and_its_highest_point_touches_the_top() {
        let at = |seats| Point { from: NOW, seats };
        assert_eq!(outline(&[at(0), at(4), at(1)]), "0.00,100.00 50.00,0.00 100.00,75.00");
        assert_eq!(outline(&[at(0), at(0)]), "0.00,100.00 100.00,100.00");
        assert_eq!(outline(&[]), "");
    }
}
