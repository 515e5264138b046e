//! What the browser knows of time zones: their names, which one the device is in, and how far each is
//! from UTC at an instant. Not here: arithmetic (`wall_clock.rs`).

use super::wall_clock;
use crate::dates;
use js_sys::{Array, Function, Reflect};
use shared::Timestamp;
use wasm_bindgen::{JsCast, JsValue};

/// How many milliseconds a zone is ahead of UTC at an instant; `None` for one that this browser does
/// not know.
#[must_use]
pub fn offset_ms(at: Timestamp, zone: &str) -> Option<i64> {
    if zone.is_empty() {
        return None;
    }
    wall_clock::read_offset(&dates::zone_offset(at, zone)?)
}

/// The names of all zones that the browser knows, as choices; `chosen` is among them in any case.
#[must_use]
pub fn choices(chosen: &str) -> Vec<(String, String)> {
    let known = intl()
        .and_then(|intl| Reflect::get(&intl, &"supportedValuesOf".into()).ok())
        .and_then(|function| function.dyn_into::<Function>().ok())
        .and_then(|function| function.call1(&JsValue::UNDEFINED, &"timeZone".into()).ok())
        .map(|names| Array::from(&names));
    let mut names: Vec<String> =
        known.iter().flat_map(Array::iter).filter_map(|name| name.as_string()).collect();
    for name in ["UTC", chosen] {
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    names.into_iter().map(|name| (name.clone(), name.replace('_', " "))).collect()
}

/// The zone of this device; `UTC` when the browser keeps it to itself.
#[must_use]
pub fn of_this_device() -> String {
    let read = || {
        let maker = Reflect::get(&intl()?, &"DateTimeFormat".into()).ok()?;
        let made = maker.dyn_into::<Function>().ok()?.call0(&JsValue::UNDEFINED).ok()?;
        let resolve = Reflect::get(&made, &"resolvedOptions".into()).ok()?;
        let options = resolve.dyn_into::<Function>().ok()?.call0(&made).ok()?;
        Reflect::get(&options, &"timeZone".into()).ok()?.as_string()
    };
    read().unwrap_or_else(|| "UTC".to_owned())
}

fn intl() -> Option<JsValue> {
    Reflect::get(&js_sys::global(), &"Intl".into()).ok()
}
