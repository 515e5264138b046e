//! What we ask of the browser: clocks, randomness, focus, title, clipboard. Everything returns
//! something sensible when the browser refuses. Not here: storage (`saved.rs`), calendars
//! (`dates.rs`), requests (`api.rs`).

use leptos::ev;
use leptos::prelude::{document, window, window_event_listener};
use std::cell::Cell;
use std::time::Duration;
use uuid::Uuid;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// The device's wall clock in milliseconds. Never shown, only compared with the steady clock.
#[must_use]
pub fn wall_ms() -> i64 {
    whole(js_sys::Date::now())
}

/// The steady clock in milliseconds since the page began to load.
#[must_use]
pub fn steady_ms() -> i64 {
    window().performance().map_or_else(wall_ms, |clock| whole(clock.now()))
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of our era fit into 53 bits")]
fn whole(ms: f64) -> i64 {
    ms as i64
}

/// Fills `N` bytes from the browser's source of secrets. Works without a secure context, which
/// `randomUUID` does not.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Ok(crypto) = window().crypto() {
        let _ = crypto.get_random_values_with_u8_array(&mut bytes);
    }
    bytes
}

/// A fresh id: the time, then 74 random bits (version 7). Ids that grow with time are neighbours in the
/// database's indexes. No secret; see [`fresh_token`].
#[must_use]
pub fn fresh_id() -> Uuid {
    let since_1970 = u64::try_from(wall_ms()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(since_1970, &random()).into_uuid()
}

/// A fresh secret for an order: 32 bytes as 64 lowercase hex characters.
#[must_use]
pub fn fresh_token() -> String {
    let bytes: [u8; 32] = random();
    let mut token = String::with_capacity(64);
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            token.extend(char::from_digit(u32::from(half), 16));
        }
    }
    token
}

/// Between 0 and 1.
#[must_use]
pub fn chance() -> f64 {
    js_sys::Math::random()
}

/// Between half and the whole of a pause, so that a thousand browsers do not come back at once.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a pause is at most half a minute"
)]
#[must_use]
pub fn spread(ms: i64) -> i64 {
    (ms as f64 * (0.5 + chance() / 2.0)) as i64
}

/// Runs `act` once, later.
pub fn after(ms: i64, act: impl FnOnce() + 'static) {
    leptos::prelude::set_timeout(act, Duration::from_millis(ms.unsigned_abs()));
}

/// Resolves after `ms`.
pub async fn pause(ms: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
    });
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}

/// True when the tab cannot be seen.
#[must_use]
pub fn is_hidden() -> bool {
    document().hidden()
}

/// Loads the page anew, but only once in each stretch of so many milliseconds. Where that cannot be
/// remembered it is not done at all, because nothing would end it.
pub fn reload_once_in(ms: i64) {
    const KEY: &str = "contoso:reloaded";
    let stretch = (wall_ms() / ms).to_string();
    let Ok(Some(storage)) = window().session_storage() else { return };
    let is_new = storage.get_item(KEY).is_ok_and(|last| last.as_ref() != Some(&stretch));
    if is_new && storage.set_item(KEY, &stretch).is_ok() {
        let _ = window().location().reload();
    }
}

/// True when the browser itself says that there is no network.
#[must_use]
pub fn is_off_network() -> bool {
    !window().navigator().on_line()
}

/// The path of the address, for instance `/rustconf/seats`.
#[must_use]
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// `https://host` of this page.
#[must_use]
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// The first element that matches.
#[must_use]
pub fn find(selector: &str) -> Option<HtmlElement> {
    document().query_selector(selector).ok().flatten()?.dyn_into().ok()
}

/// Moves the focus to the first element that matches, in the next frame, when it is drawn.
pub fn focus_soon(selector: impl AsRef<str> + 'static) {
    leptos::prelude::request_animation_frame(move || {
        if let Some(element) = find(selector.as_ref()) {
            let _ = element.focus();
        }
    });
}

/// Moves the focus to the element with this id and shows it.
pub fn focus_id(id: &str) {
    if let Some(element) = document().get_element_by_id(id) {
        if let Some(element) = element.dyn_ref::<HtmlElement>() {
            let _ = element.focus();
        }
        element.scroll_into_view();
    }
}

thread_local! {
    static IS_PRESSED: Cell<bool> = const { Cell::new(false) };
}

/// How often it is looked whether a finger or a mouse button was lifted.
const PRESSED_MS: i64 = 30;

/// Begins to notice whether a finger or a mouse button is down.
pub fn watch_presses() {
    let set = |is_pressed| move |_: web_sys::PointerEvent| IS_PRESSED.set(is_pressed);
    let _ = window_event_listener(ev::pointerdown, set(true));
    let _ = window_event_listener(ev::pointerup, set(false));
    let _ = window_event_listener(ev::pointercancel, set(false));
}

/// Runs `act` after the press that is going on, if one is: what is pressed must not move away
/// between mouse down and mouse up, or the press is lost.
pub fn when_released(act: Box<dyn FnOnce()>) {
    let pause_ms = if IS_PRESSED.get() { PRESSED_MS } else { 0 };
    after(pause_ms, move || if IS_PRESSED.get() { when_released(act) } else { act() });
}

/// Copies text; resolves to whether it worked.
pub async fn copy(text: String) -> bool {
    // The clipboard is absent outside secure contexts, and web-sys would panic on touching it.
    if !window().is_secure_context() {
        return false;
    }
    let promise = window().navigator().clipboard().write_text(&text);
    wasm_bindgen_futures::JsFuture::from(promise).await.is_ok()
}

/// Leaves the app for another page of ours, in the same tab.
pub fn leave_for(path: &str) {
    let _ = window().location().assign(path);
}
