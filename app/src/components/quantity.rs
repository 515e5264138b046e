//! A number box with − and +. The box is the tab stop; the buttons are for touch, voice and switches.
//!
//! The limit applies only when the person changes the number, never behind his back.

use crate::erased::{press, text};
use crate::fact::Fact;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

/// The most that may be chosen, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub most: u32,
    /// Said when the limit is reached, for instance "20 is the most per order".
    pub reason: String,
}

/// The number box.
#[component]
pub fn Quantity(
    /// The element's id; error links point to it.
    id: String,
    /// The seat type's name, for the buttons' names.
    name: String,
    value: Fact<u32>,
    limit: Fact<Limit>,
    changed: Callback<u32>,
) -> impl IntoView {
    let note = RwSignal::new(String::new());
    let set = move |wanted: u32| {
        let Limit { most, reason } = limit.get_untracked();
        // A number that is already above the limit stays until its owner lowers it.
        let most = most.max(value.get_untracked().min(wanted));
        note.set(if most < wanted { reason } else { String::new() });
        changed.run(wanted.min(most));
    };
    let typed = move |event: web_sys::Event| read_box(&event, set, value);
    let home_end = move |event: web_sys::KeyboardEvent| match event.key().as_str() {
        "Home" => {
            event.prevent_default();
            set(0);
        }
        "End" => {
            event.prevent_default();
            set(limit.get_untracked().most);
        }
        _ => {}
    };
    let note_id = format!("{id}-note");
    view! {
        <div class="quantity">
            <button
                type="button"
                class="quantity-step"
                tabindex="-1"
                aria-label=format!("One seat fewer, {name}")
                on:click=press(move || set(value.get_untracked().saturating_sub(1)))
            >
                "−"
            </button>
            <input
                class="quantity-box"
                id=id
                type="number"
                min="0"
                step="1"
                inputmode="numeric"
                enterkeyhint="done"
                aria-label=format!("Seats, {name}")
                aria-describedby=note_id.clone()
                max=text(move || limit.with(|limit| limit.most.to_string()))
                prop:value=text(move || value.get().to_string())
                on:input=typed
                on:keydown=home_end
                on:wheel=hold_still
            />
            <button
                type="button"
                class="quantity-step"
                tabindex="-1"
                aria-label=format!("One seat more, {name}")
                on:click=press(move || set(value.get_untracked().saturating_add(1)))
            >
                "+"
            </button>
            <p class="quantity-note" id=note_id>{text(move || note.get())}</p>
        </div>
    }
}

fn read_box(event: &web_sys::Event, set: impl Fn(u32), value: Fact<u32>) {
    let Some(input) = event.target().and_then(|t| t.dyn_into::<HtmlInputElement>().ok()) else {
        return;
    };
    set(input.value().trim().parse().unwrap_or(0));
    // The value may be the same as before, so the box is corrected by hand.
    if !input.value().is_empty() {
        input.set_value(&value.get_untracked().to_string());
    }
}

/// Browsers turn the wheel into numbers only in the focused box.
fn hold_still(event: web_sys::WheelEvent) {
    let focused = document().active_element().map(JsCast::unchecked_into);
    if event.target() == focused {
        event.prevent_default();
    }
}
