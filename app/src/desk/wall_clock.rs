//! What stands in a `datetime-local` box, and which instant that is in a conference's time zone. Pure:
//! how far a zone is from UTC comes in as a function (`dates::offset_ms` in the browser).

use shared::Timestamp;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// How many milliseconds a zone is ahead of UTC at an instant; `None` for an unknown zone.
pub type Offset<'a> = &'a dyn Fn(Timestamp) -> Option<i64>;

/// The instant at which the zone's clocks show `2027-05-03T09:00`. A time that a clock change skips
/// is read as if the clocks had not changed yet; one that comes twice is the first of the two.
#[must_use]
pub fn instant(text: &str, offset: Offset<'_>) -> Option<Timestamp> {
    let wall_ms = read(text)?;
    // A day earlier and a day later the zone is on either side of any change of its clocks.
    let before = offset(Timestamp(wall_ms - DAY_MS))?;
    let after = offset(Timestamp(wall_ms + DAY_MS))?;
    let shows_it = |at: &Timestamp| offset(*at).is_some_and(|ahead| at.0 + ahead == wall_ms);
    let candidates = [Timestamp(wall_ms - before), Timestamp(wall_ms - after)];
    Some(candidates.into_iter().find(shows_it).unwrap_or(candidates[0]))
}

/// What the zone's clocks show at an instant, for the box.
#[must_use]
pub fn text(at: Timestamp, offset: Offset<'_>) -> Option<String> {
    let wall_ms = at.0 + offset(at)?;
    let (year, month, day) = civil(wall_ms.div_euclid(DAY_MS));
    let minutes = wall_ms.rem_euclid(DAY_MS) / MINUTE_MS;
    Some(format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}", minutes / 60, minutes % 60))
}

/// Reads `GMT+05:30`, `GMT-3` or `GMT`, as browsers name a distance from UTC, in milliseconds.
#[must_use]
pub fn read_offset(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once("GMT")?;
    let sign = match rest.chars().next() {
        None => return Some(0),
        Some('+') => 1,
        Some('-' | '−') => -1,
        Some(_) => return None,
    };
    let digits = rest.trim_start_matches(['+', '-', '−']);
    let mut parts = digits.split(':').map(|part| part.trim().parse::<i64>().ok());
    let hours = parts.next()??;
    let minutes = parts.next().unwrap_or(Some(0))?;
    Some(sign * (hours * 60 + minutes) * MINUTE_MS)
}

/// The wall clock's milliseconds, as if it stood in Greenwich.
fn read(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once('T')?;
    let number = |part: Option<&str>| part?.parse::<i64>().ok();
    let (mut date, mut time) = (date.split('-'), time.split(':'));
    let (year, month, day) = (number(date.next())?, number(date.next())?, number(date.next())?);
    let (hour, minute) = (number(time.next())?, number(time.next())?);
    let is_real = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute);
    let days = is_real.then(|| days_from_civil(year, month, day))?;
    (civil(days) == (year, month, day)).then_some(days * DAY_MS + (hour * 60 + minute) * MINUTE_MS)
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March, so that the
/// day that is sometimes missing is the last one.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, of_year - (153 * march_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 60 * MINUTE_MS;
    /// 2027-03-28T01:00Z: Berlin's clocks jump from 02:00 to 03:00.
    const SPRING: i64 = 1_806_195_600_000;
    /// 2027-10-31T01:00Z: they go back from 03:00 to 02:00.
    const AUTUMN: i64 = 1_824_944_400_000;

    #[expect(clippy::unnecessary_wraps, reason = "some zones are unknown, Berlin is not")]
    fn berlin(at: Timestamp) -> Option<i64> {
        Some(if (SPRING..AUTUMN).contains(&at.0) { 2 * HOUR_MS } else { HOUR_MS })
    }

    #[test]
    fn a_time_in_the_box_is_that_time_in_the_conferences_zone_and_back() {
        for (wall, utc) in [
            ("2027-05-03T09:00", "2027-05-03T07:00"),
            ("2027-01-01T00:30", "2026-12-31T23:30"),
            ("2028-02-29T12:00", "2028-02-29T11:00"),
            ("2027-03-28T01:59", "2027-03-28T00:59"),
            ("2027-03-28T03:00", "2027-03-28T01:00"),
        ] {
            let at = instant(wall, &berlin).unwrap();
            assert_eq!(Some(at.0), read(utc), "{wall}");
            assert_eq!(text(at, &berlin).as_deref(), Some(wall));
        }
    }

    #[test]
    fn a_time_that_is_skipped_or_comes_twice_is_still_one_instant() {
        let skipped = instant("2027-03-28T02:30", &berlin).unwrap();
        assert_eq!(skipped.0, SPRING + 30 * MINUTE_MS);
        assert_eq!(text(skipped, &berlin).unwrap(), "2027-03-28T03:30");
        let twice = instant("2027-10-31T02:30", &berlin).unwrap();
        assert_eq!(twice.0, AUTUMN - 30 * MINUTE_MS, "the first of the two");
    }

    #[test]
    fn what_is_no_date_is_no_instant() {
        for wrong in ["", "2027-05-03", "2027-02-29T09:00", "2027-13-01T09:00", "2027-05-03T24:00"]
        {
            assert_eq!(instant(wrong, &berlin), None, "{wrong}");
        }
        assert_eq!(instant("2027-05-03T09:00", &|_| None), None, "an unknown zone");
    }

    #[test]
    fn browsers_name_the_distance_from_utc() {
        for (text, minutes) in
            [("14 GMT+02:00", 120), ("GMT", 0), ("10 GMT-3", -180), ("GMT+05:45", 345)]
        {
            assert_eq!(read_offset(text), Some(minutes * MINUTE_MS), "{text}");
        }
        assert_eq!(read_offset("14 CEST"), None);
        assert_eq!(read_offset("GMT?"), None);
    }
}
