//! What somebody did on the server's first page before the app took it over: its number boxes are real
//! ones, so a slow line keeps nobody from beginning.
//!
//! Not here: the markup of those boxes (`server/src/http/shell/seats.rs`, `components/quantity.rs`).

use leptos::prelude::{document, request_animation_frame};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};

/// The first page's boxes that were changed, by element id, and the one that has the focus.
#[derive(Clone, Default)]
pub struct TypedEarly {
    pub numbers: Vec<(String, u32)>,
    pub focused: Option<String>,
}

impl TypedEarly {
    /// Takes what was typed, and the first page away: the app paints in the same frame.
    #[must_use]
    pub fn take_over() -> Self {
        let focused = document().active_element().map(|element| element.id());
        let mut numbers = Vec::new();
        let boxes = document().get_elements_by_class_name("quantity-box");
        for index in 0..boxes.length() {
            let element = boxes.item(index).and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
            if let Some(input) = element
                && input.value() != input.default_value()
                && let Ok(number) = input.value().trim().parse()
            {
                numbers.push((input.id(), number));
            }
        }
        for id in ["static-header", "static", "static-note"] {
            if let Some(element) = document().get_element_by_id(id) {
                element.remove();
            }
        }
        Self { numbers, focused: focused.filter(|id| !id.is_empty()) }
    }

    /// Gives the focus back to the box that had it.
    pub fn focus_again(self) {
        let Some(id) = self.focused else { return };
        request_animation_frame(move || {
            let element = document().get_element_by_id(&id);
            if let Some(element) = element.and_then(|it| it.dyn_into::<HtmlElement>().ok()) {
                let _ = element.focus();
            }
        });
    }
}
