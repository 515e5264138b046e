//! Instants as people read them, in the conference's time zone, in the words of `app/src/dates.rs`: the
//! app says the same a moment later.

use jiff::ZonedDateTime;
use jiff::tz::TimeZone;
use shared::Timestamp;

/// Zones that British readers know by these letters; of others they see the distance to Greenwich.
const KNOWN: [&str; 9] = ["UTC", "GMT", "BST", "WET", "WEST", "CET", "CEST", "EET", "EEST"];

/// `5 May 2027`, `3–5 May 2027`, `30 April – 2 May 2027`, `30 December 2027 – 2 January 2028`.
pub(super) fn days(from: Timestamp, to: Timestamp, zone: &str) -> String {
    let (from, to) = (at(from, zone), at(to, zone));
    let last = said(&to, "%-d %B %Y");
    if from.date() == to.date() {
        last
    } else if from.year() != to.year() {
        format!("{} – {last}", said(&from, "%-d %B %Y"))
    } else if from.month() != to.month() {
        format!("{} – {last}", said(&from, "%-d %B"))
    } else {
        format!("{}–{last}", from.day())
    }
}

/// `Monday 3 May, 09:00 CEST`.
pub(super) fn opening(instant: Timestamp, zone: &str) -> String {
    let there = at(instant, zone);
    format!("{} {}", said(&there, "%A %-d %B, %H:%M"), zone_name(&there))
}

/// `3 May, 10:00 (CEST)`.
pub(super) fn day_and_time(instant: Timestamp, zone: &str) -> String {
    let there = at(instant, zone);
    format!("{} ({})", said(&there, "%-d %B, %H:%M"), zone_name(&there))
}

/// For `<time datetime>`.
pub(super) fn iso(instant: Timestamp) -> String {
    said(&at(instant, "UTC"), "%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// A zone that nobody knows is shown as UTC, and says so.
fn at(instant: Timestamp, zone: &str) -> ZonedDateTime {
    let instant = jiff::Timestamp::from_millisecond(instant.0).unwrap_or_default();
    instant.to_zoned_datetime(TimeZone::get(zone).unwrap_or(TimeZone::UTC))
}

fn said(there: &ZonedDateTime, format: &str) -> String {
    there.strftime(format).to_string()
}

fn zone_name(there: &ZonedDateTime) -> String {
    let letters = said(there, "%Z");
    if KNOWN.contains(&letters.as_str()) {
        return letters;
    }
    let minutes = there.offset().seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    match (minutes.abs() / 60, minutes.abs() % 60) {
        (0, 0) => "GMT".to_owned(),
        (hours, 0) => format!("GMT{sign}{hours}"),
        (hours, minutes) => format!("GMT{sign}{hours}:{minutes:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2027-05-03T07:00:00Z, a Monday.
    const MONDAY: Timestamp = Timestamp(1_809_327_600_000);
    const DAY: i64 = 86_400;

    #[test]
    fn days_that_share_a_month_or_a_year_say_it_once() {
        let to = |days: i64| days_from_monday(days, "Europe/Berlin");
        assert_eq!(to(0), "3 May 2027");
        assert_eq!(to(2), "3–5 May 2027");
        assert_eq!(to(30), "3 May – 2 June 2027");
        assert_eq!(to(300), "3 May 2027 – 27 February 2028");
    }

    fn days_from_monday(count: i64, zone: &str) -> String {
        days(MONDAY, MONDAY.plus_seconds(count * DAY), zone)
    }

    #[test]
    fn a_zone_is_named_as_british_readers_know_it() {
        assert_eq!(opening(MONDAY, "Europe/Berlin"), "Monday 3 May, 09:00 CEST");
        assert_eq!(day_and_time(MONDAY, "Europe/London"), "3 May, 08:00 (BST)");
        assert_eq!(day_and_time(MONDAY, "America/New_York"), "3 May, 03:00 (GMT-4)");
        assert_eq!(day_and_time(MONDAY, "Asia/Kolkata"), "3 May, 12:30 (GMT+5:30)");
        assert_eq!(day_and_time(MONDAY, "Nowhere/At_All"), "3 May, 07:00 (UTC)");
        assert_eq!(iso(MONDAY), "2027-05-03T07:00:00.000Z");
    }
}
