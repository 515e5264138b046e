//! Reads tickets with the phone's camera, where the browser can: its own reader of codes, so that not a
//! byte of one is loaded. The picture never leaves the phone.
//!
//! Not here: what a ticket is worth (the server), and what to do where there is no reader
//! (`pages/check_in.rs`).

use crate::browser;
use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos::prelude::window;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlVideoElement, MediaStream, MediaStreamConstraints, MediaStreamTrack};

/// The picture is looked at this often.
const LOOK_MS: i32 = 200;
/// The same code is one ticket for so long: it takes a moment to take it away.
const SAME_MS: i64 = 4_000;

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCamera {
    /// This browser reads no codes.
    Unable,
    /// There is no camera, or it was not allowed.
    Denied,
}

impl NoCamera {
    /// What to say about it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unable => "This browser can't read codes. Type the ticket's letters instead.",
            Self::Denied => {
                "The camera can't be used. Allow it in the browser, or type the ticket's letters."
            }
        }
    }
}

/// A running camera. It stops when this goes.
pub struct Scanner {
    stream: MediaStream,
    is_on: Rc<Cell<bool>>,
}

impl Drop for Scanner {
    fn drop(&mut self) {
        self.is_on.set(false);
        for track in self.stream.get_tracks() {
            track.unchecked_into::<MediaStreamTrack>().stop();
        }
    }
}

impl Scanner {
    /// Shows the camera's picture in `video` and calls `found` with every code that comes into it.
    ///
    /// # Errors
    /// When there is no picture or nobody to read it.
    pub async fn start(
        video: HtmlVideoElement,
        found: impl Fn(String) + 'static,
    ) -> Result<Self, NoCamera> {
        let reader = reader().ok_or(NoCamera::Unable)?;
        let stream = camera().await.ok_or(NoCamera::Denied)?;
        video.set_src_object(Some(&stream));
        if let Ok(playing) = video.play() {
            // A camera may take its time with the first picture; until then there is nothing to read.
            leptos::task::spawn_local(async move {
                let _ = JsFuture::from(playing).await;
            });
        }
        let is_on = Rc::new(Cell::new(true));
        leptos::task::spawn_local(watch(video, reader, is_on.clone(), found));
        Ok(Self { stream, is_on })
    }
}

async fn watch(
    video: HtmlVideoElement,
    reader: JsValue,
    is_on: Rc<Cell<bool>>,
    found: impl Fn(String) + 'static,
) {
    let mut last = (String::new(), 0);
    while is_on.get() {
        let now_ms = browser::steady_ms();
        if let Some(code) = read_code(&reader, &video).await
            && is_on.get()
        {
            let is_same = last.0 == code && now_ms - last.1 < SAME_MS;
            if !is_same {
                found(code.clone());
            }
            // Held in front of the camera it stays the same ticket.
            last = (code, now_ms);
        }
        browser::pause(LOOK_MS).await;
    }
}

/// The first code in the picture.
async fn read_code(reader: &JsValue, video: &HtmlVideoElement) -> Option<String> {
    let detect: Function = Reflect::get(reader, &"detect".into()).ok()?.dyn_into().ok()?;
    let promise: Promise = detect.call1(reader, video).ok()?.dyn_into().ok()?;
    let codes: Array = JsFuture::from(promise).await.ok()?.dyn_into().ok()?;
    Reflect::get(&codes.get(0), &"rawValue".into()).ok()?.as_string()
}

/// The browser's reader of QR codes, if it has one.
fn reader() -> Option<JsValue> {
    let maker: Function =
        Reflect::get(&window(), &"BarcodeDetector".into()).ok()?.dyn_into().ok()?;
    let wanted = Object::new();
    Reflect::set(&wanted, &"formats".into(), &Array::of1(&"qr_code".into())).ok()?;
    Reflect::construct(&maker, &Array::of1(&wanted)).ok()
}

/// The camera on the back, if there are two. Absent outside secure contexts.
async fn camera() -> Option<MediaStream> {
    if !window().is_secure_context() {
        return None;
    }
    let devices = window().navigator().media_devices().ok()?;
    let facing = Object::new();
    Reflect::set(&facing, &"facingMode".into(), &"environment".into()).ok()?;
    let wanted = MediaStreamConstraints::new();
    wanted.set_video(&facing);
    let promise = devices.get_user_media_with_constraints(&wanted).ok()?;
    JsFuture::from(promise).await.ok()?.dyn_into().ok()
}
