//! Instants as people read them, in the conference's time zone. The browser's own calendar does the
//! work: no time zone data in the wasm. Not here: composing a range of days (`format.rs`).

use crate::format::{self, Day};
use js_sys::{Array, Date, Intl::DateTimeFormat, Object, Reflect};
use shared::Timestamp;
use wasm_bindgen::{JsCast, JsValue};

/// Formats one instant by `Intl` options; `zone` empty, or one that this browser does not know, means
/// the device's zone.
fn intl(at: Timestamp, zone: &str, options: &[(&str, &str)]) -> String {
    let text = intl_in(at, zone, options);
    text.or_else(|| intl_in(at, "", options)).unwrap_or_default()
}

fn intl_in(at: Timestamp, zone: &str, options: &[(&str, &str)]) -> Option<String> {
    let wanted = Object::new();
    for (key, value) in options {
        let _ = Reflect::set(&wanted, &(*key).into(), &(*value).into());
    }
    if !zone.is_empty() {
        let _ = Reflect::set(&wanted, &"timeZone".into(), &zone.into());
    }
    let locales = Array::of1(&"en-GB".into());
    // A zone that this browser does not know throws, so the constructor is called by hand.
    let made = Reflect::get(&js_sys::global(), &"Intl".into())
        .and_then(|intl| Reflect::get(&intl, &"DateTimeFormat".into()))
        .and_then(|maker| maker.dyn_into::<js_sys::Function>())
        .and_then(|maker| Reflect::construct(&maker, &Array::of2(&locales, &wanted)));
    let made = made.ok()?;
    let date = Date::new(&JsValue::from_f64(milliseconds(at)));
    made.unchecked_into::<DateTimeFormat>()
        .format()
        .call1(&JsValue::UNDEFINED, &date)
        .ok()
        .and_then(|text| text.as_string())
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of our era fit into 53 bits")]
const fn milliseconds(at: Timestamp) -> f64 {
    at.0 as f64
}

/// `14:32`.
#[must_use]
pub fn time(at: Timestamp, zone: &str) -> String {
    intl(at, zone, &[("hour", "2-digit"), ("minute", "2-digit"), ("hourCycle", "h23")])
}

/// `14:03:20` on the device's clock face, for "as of".
#[must_use]
pub fn time_with_seconds(at: Timestamp) -> String {
    intl(
        at,
        "",
        &[("hour", "2-digit"), ("minute", "2-digit"), ("second", "2-digit"), ("hourCycle", "h23")],
    )
}

/// The zone's short name at that instant, for instance `CEST`.
#[must_use]
pub fn zone_name(at: Timestamp, zone: &str) -> String {
    let text = intl(at, zone, &[("hour", "2-digit"), ("timeZoneName", "short")]);
    text.split_once(' ').map(|(_, name)| name.to_owned()).unwrap_or(text)
}

/// How far a zone is from UTC, for instance `14 GMT+02:00`; `None` for one that is not known here.
#[must_use]
pub fn zone_offset(at: Timestamp, zone: &str) -> Option<String> {
    intl_in(at, zone, &[("hour", "2-digit"), ("timeZoneName", "longOffset")])
}

/// A time of day as a person here needs it: `14:32`, or `14:32 CEST (08:32 your time)` when the
/// device is in another zone.
#[must_use]
pub fn time_for_here(at: Timestamp, zone: &str) -> String {
    let there = time(at, zone);
    let here = time(at, "");
    if there == here {
        there
    } else {
        format!("{there} {} ({here} your time)", zone_name(at, zone))
    }
}

/// `3 May, 10:00`, with the zone's name when the device is elsewhere.
#[must_use]
pub fn day_and_time(at: Timestamp, zone: &str) -> String {
    let day = day_of(at, zone);
    format!("{day}, {} ({})", time(at, zone), zone_name(at, zone))
}

/// `3 May`.
#[must_use]
pub fn day_of(at: Timestamp, zone: &str) -> String {
    intl(at, zone, &[("day", "numeric"), ("month", "long")])
}

/// `Monday`.
#[must_use]
pub fn weekday(at: Timestamp, zone: &str) -> String {
    intl(at, zone, &[("weekday", "long")])
}

fn day(at: Timestamp, zone: &str) -> Day {
    Day {
        day: intl(at, zone, &[("day", "numeric")]),
        month: intl(at, zone, &[("month", "long")]),
        year: intl(at, zone, &[("year", "numeric")]),
    }
}

/// `3–5 May 2027`.
#[must_use]
pub fn days(from: Timestamp, to: Timestamp, zone: &str) -> String {
    format::day_range(&day(from, zone), &day(to, zone))
}

/// `Monday 3 May, 09:00 CEST`: when it begins.
#[must_use]
pub fn opening(at: Timestamp, zone: &str) -> String {
    let day = intl(at, zone, &[("weekday", "long"), ("day", "numeric"), ("month", "long")]);
    format!("{}, {} {}", day.replace(',', ""), time(at, zone), zone_name(at, zone))
}

/// For `<time datetime>`.
#[must_use]
pub fn iso(at: Timestamp) -> String {
    Date::new(&JsValue::from_f64(milliseconds(at))).to_iso_string().into()
}
