//! What somebody did on the server's first page before the app took it over: its number boxes are real
//! ones, so a slow line keeps nobody from beginning.
//!
//! Not here: the markup of those boxes (`server/src/http/shell/seats.rs`, `components/quantity.rs`).

use crate::browser;
use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

/// The first page's boxes that were changed, by element id, and the one that has the focus.
pub struct TypedEarly {
    numbers: Vec<(String, u32)>,
    focused: Option<String>,
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

    /// What was typed into the box with this element id.
    #[must_use]
    pub fn number_in(&self, box_id: &str) -> Option<u32> {
        self.numbers.iter().find(|(id, _)| id == box_id).map(|(_, number)| *number)
    }

    /// Gives the focus back to the box that had it.
    pub fn focus_again(self) {
        if let Some(id) = self.focused {
            browser::focus_soon(format!("#{id}"));
        }
    }
}
