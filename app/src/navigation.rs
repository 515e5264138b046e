//! Going from page to page without loading: links of ours are followed inside the app, and the
//! browser's back and forward buttons work.
//!
//! Sixty lines instead of a router crate, because the table (`place.rs`) is all we need of one and
//! the crate was a seventeenth of what the browser has to fetch. Not here: focus and titles
//! (`arrival.rs`).

use crate::browser;
use leptos::{ev, prelude::*};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, MouseEvent};

/// Where we are, and how to go elsewhere. `Copy`: taken from the context.
#[derive(Clone, Copy)]
pub struct Go {
    /// The path of the address.
    pub path: RwSignal<String>,
}

impl Go {
    /// Starts to follow links and the back button.
    #[must_use]
    pub fn start() -> Self {
        let go = Self { path: RwSignal::new(browser::path()) };
        let _ = window_event_listener(ev::popstate, move |_| go.path.set(browser::path()));
        let _ = window_event_listener(ev::click, move |event| go.follow(&event));
        go
    }

    /// Goes there; the back button leads back here.
    pub fn to(self, path: &str) {
        if self.path.with_untracked(|known| known == path) {
            return;
        }
        if let Ok(history) = window().history() {
            let _ = history.push_state_with_url(&JsValue::NULL, "", Some(path));
        }
        self.arrive(path);
    }

    /// Goes there instead of here.
    pub fn instead_to(self, path: &str) {
        if let Ok(history) = window().history() {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(path));
        }
        self.arrive(path);
    }

    fn arrive(self, path: &str) {
        window().scroll_to_with_x_and_y(0.0, 0.0);
        self.path.set(path.to_owned());
    }

    /// Follows a plain press on a link of ours; everything else is the browser's.
    fn follow(self, event: &MouseEvent) {
        let is_plain = event.button() == 0
            && !(event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key());
        if !is_plain || event.default_prevented() {
            return;
        }
        let link = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|element| element.closest("a[href]").ok().flatten());
        let Some(link) = link else { return };
        let path = link.get_attribute("href").unwrap_or_default();
        let is_ours = crate::format::is_own_path(&path)
            && !["target", "download", "rel"].iter().any(|name| link.has_attribute(name));
        if is_ours {
            event.prevent_default();
            self.to(&path);
        }
    }
}
