//! A conference as a calendar entry: iCalendar (RFC 5545), as Apple, Google and Outlook read it.
//!
//! Times are local, with the rules of their zone beside them, so that the entry stays right when
//! somebody travels. Whatever a text contains, it stays inside its property.

use jiff::Timestamp as Instant;
use jiff::tz::{Offset, TimeZone};
use shared::Timestamp;
use shared::views::ConferenceView;
use uuid::Uuid;

pub const CONTENT_TYPE: &str = "text/calendar; charset=utf-8; method=PUBLISH";
/// Octets of a line, its end not counted.
const LINE_MAX: usize = 75;
/// Changes of the clock inside one conference that are told; more than one is rare.
const CLOCK_CHANGES_MAX: usize = 8;

/// One entry.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub conference: &'a ConferenceView,
    /// Whose entry it is: an order, or the conference itself. The same id is the same entry.
    pub id: Uuid,
    /// Of two entries with one id, the one with the higher number is right.
    pub revision: u64,
    /// Where people read on; no secret stands in it.
    pub url: &'a str,
    /// When it was written.
    pub now: Timestamp,
}

/// Lines of a calendar, folded and escaped on the way in.
#[derive(Default)]
struct Lines(String);

/// A time zone's clock from one instant on.
struct Observance {
    from: Instant,
    before: Offset,
    after: Offset,
    is_summer: bool,
    name: String,
}

/// The entry as a file.
#[must_use]
pub fn file(entry: &Entry<'_>) -> String {
    let Entry { conference, id, revision, url, now } = *entry;
    let (starts_at, ends_at) = (instant(conference.starts_at), instant(conference.ends_at));
    let zone = TimeZone::get(&conference.time_zone).ok().filter(|zone| *zone != TimeZone::UTC);
    let mut lines = Lines::default();
    lines.raw("BEGIN", "VCALENDAR");
    lines.raw("VERSION", "2.0");
    lines.raw("PRODID", "-//Contoso//Conference Management System//EN");
    lines.raw("CALSCALE", "GREGORIAN");
    lines.raw("METHOD", "PUBLISH");
    if let Some(zone) = &zone {
        lines.time_zone(&conference.time_zone, zone, starts_at, ends_at);
    }
    lines.raw("BEGIN", "VEVENT");
    lines.raw("UID", &format!("{id}@{}", host(url)));
    lines.raw("SEQUENCE", &revision.min(i32::MAX as u64).to_string());
    lines.raw("DTSTAMP", &utc(instant(now)));
    for (name, at) in [("DTSTART", starts_at), ("DTEND", ends_at)] {
        match &zone {
            Some(zone) => {
                let local =
                    at.to_zoned_datetime(zone.clone()).strftime("%Y%m%dT%H%M%S").to_string();
                lines.raw(&format!("{name};TZID={}", conference.time_zone), &local);
            }
            None => lines.raw(name, &utc(at)),
        }
    }
    lines.text("SUMMARY", &conference.name);
    if !conference.tagline.is_empty() {
        lines.text("DESCRIPTION", &conference.tagline);
    }
    lines.text("LOCATION", &conference.location);
    lines.raw("URL", url);
    lines.raw("TRANSP", "OPAQUE");
    lines.raw("END", "VEVENT");
    lines.raw("END", "VCALENDAR");
    lines.0
}

impl Lines {
    /// A property whose value is ours.
    fn raw(&mut self, name: &str, value: &str) {
        let mut octets = 0;
        for letter in name.chars().chain([':']).chain(value.chars()) {
            if LINE_MAX < octets + letter.len_utf8() {
                self.0.push_str("\r\n ");
                octets = 1;
            }
            self.0.push(letter);
            octets += letter.len_utf8();
        }
        self.0.push_str("\r\n");
    }

    /// A property whose value somebody typed.
    fn text(&mut self, name: &str, value: &str) {
        let mut escaped = String::with_capacity(value.len());
        for letter in value.replace("\r\n", "\n").chars() {
            match letter {
                '\\' | ';' | ',' => escaped.extend(['\\', letter]),
                '\n' | '\r' => escaped.push_str("\\n"),
                other if other.is_control() => escaped.push(' '),
                other => escaped.push(other),
            }
        }
        self.raw(name, &escaped);
    }

    /// The zone's clock, as far as this conference needs it.
    fn time_zone(&mut self, name: &str, zone: &TimeZone, starts_at: Instant, ends_at: Instant) {
        self.raw("BEGIN", "VTIMEZONE");
        self.raw("TZID", name);
        for observance in observances(zone, starts_at, ends_at) {
            let kind = if observance.is_summer { "DAYLIGHT" } else { "STANDARD" };
            // The rule says: by the clock that was valid until then.
            let onset = observance.before.to_datetime(observance.from);
            self.raw("BEGIN", kind);
            self.raw("DTSTART", &onset.strftime("%Y%m%dT%H%M%S").to_string());
            self.raw("TZOFFSETFROM", &offset(observance.before));
            self.raw("TZOFFSETTO", &offset(observance.after));
            self.text("TZNAME", &observance.name);
            self.raw("END", kind);
        }
        self.raw("END", "VTIMEZONE");
    }
}

/// The clock at the beginning, and every change of it until the end.
fn observances(zone: &TimeZone, starts_at: Instant, ends_at: Instant) -> Vec<Observance> {
    // `preceding` is exclusive, and a conference may begin when the clock changes.
    let after_start = starts_at + jiff::SignedDuration::from_secs(1);
    let first = zone.preceding(after_start).next();
    let first = match first {
        Some(change) => observance(zone, change.timestamp()),
        None => Observance { before: zone.to_offset(starts_at), ..observance(zone, starts_at) },
    };
    let later = zone
        .following(starts_at)
        .take_while(|change| change.timestamp() <= ends_at)
        .take(CLOCK_CHANGES_MAX)
        .map(|change| observance(zone, change.timestamp()));
    std::iter::once(first).chain(later).collect()
}

fn observance(zone: &TimeZone, from: Instant) -> Observance {
    let info = zone.to_offset_info(from);
    let before = zone.to_offset(from - jiff::SignedDuration::from_secs(1));
    Observance {
        from,
        before,
        after: info.offset(),
        is_summer: info.dst().is_dst(),
        name: info.abbreviation().to_owned(),
    }
}

/// `+0100`; with seconds where a zone has them.
fn offset(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3_600, seconds.abs() / 60 % 60);
    match seconds.abs() % 60 {
        0 => format!("{sign}{hours:02}{minutes:02}"),
        rest => format!("{sign}{hours:02}{minutes:02}{rest:02}"),
    }
}

fn utc(at: Instant) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn instant(at: Timestamp) -> Instant {
    Instant::from_millisecond(at.0).unwrap_or_default()
}

/// The host of our own address, for ids that no other house makes.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':', '?', '#']).next().filter(|host| !host.is_empty()).unwrap_or("localhost")
}

#[cfg(test)]
#[path = "calendar/tests.rs"]
mod tests;
