//! System, light or dark. The choice is applied before the first paint by the small script in
//! `index.html`, which reads the same key.

use crate::erased::flag;
use crate::saved;
use leptos::prelude::*;

const KEY: &str = "theme";
const CHOICES: [(&str, &str); 3] = [("", "System"), ("light", "Light"), ("dark", "Dark")];

/// The switch.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let chosen = RwSignal::new(saved::switch(KEY).unwrap_or_default());
    let choose = move |value: &'static str| {
        chosen.set(value.to_owned());
        saved::set_switch(KEY, (!value.is_empty()).then_some(value));
        if let Some(root) = document().document_element() {
            let _ = match value {
                "" => root.remove_attribute("data-theme"),
                _ => root.set_attribute("data-theme", value),
            };
        }
    };
    view! {
        <fieldset class="theme-switch">
            <legend class="unseen">"Colours"</legend>
            {CHOICES
                .map(|(value, name)| {
                    view! {
                        <label class="theme-switch-choice">
                            <input
                                type="radio"
                                name="theme"
                                value=value
                                prop:checked=flag(move || chosen.with(|chosen| chosen == value))
                                on:change=move |_| choose(value)
                            />
                            <span>{name}</span>
                        </label>
                    }
                })
                .collect_view()}
        </fieldset>
    }
}
