//! One text box with its label, hint and error, and the summary of all errors of a form.
//!
//! Checks come in as functions: on leaving a changed field, on submit, and on each key once there is
//! an error. Never while typing for the first time.

use crate::browser;
use crate::erased::{block, flag, mark, show, text};
use leptos::prelude::*;

/// What a field is called, in markup and in words.
#[derive(Clone, Copy)]
pub struct FieldNames {
    /// The element's id and the field's name in the command.
    pub id: &'static str,
    pub label: &'static str,
    /// Empty: no hint.
    pub hint: &'static str,
    /// The autocomplete token.
    pub autocomplete: &'static str,
    /// `text` or `email`.
    pub kind: &'static str,
}

/// One text box.
#[component]
pub fn Field(
    names: FieldNames,
    value: Signal<String>,
    error: RwSignal<Option<String>>,
    /// Called on each key with what is typed.
    typed: Callback<String>,
    /// What is wrong with the value, if anything is.
    check: Callback<String, Option<String>>,
) -> impl IntoView {
    let FieldNames { id, label, hint, autocomplete, kind } = names;
    let was_changed = StoredValue::new(false);
    let described = move || {
        let hint = if hint.is_empty() { String::new() } else { format!("{id}-hint ") };
        let error = if error.with(Option::is_some) { format!("{id}-error") } else { String::new() };
        let ids = format!("{hint}{error}");
        (!ids.is_empty()).then(|| ids.trim_end().to_owned())
    };
    view! {
        <div class="field" class:field-wrong=flag(move || error.with(Option::is_some))>
            <label class="field-label" for=id>{label}</label>
            {(!hint.is_empty()).then(|| view! { <p class="field-hint" id=format!("{id}-hint")>{hint}</p> })}
            {block(move || {
                let message = error.get()?;
                Some(view! { <p class="field-error" id=format!("{id}-error")>{message}</p> })
            })}
            <input
                class="field-box"
                id=id
                name=id
                type=kind
                autocomplete=autocomplete
                spellcheck="false"
                autocapitalize=if kind == "email" { "none" } else { "words" }
                aria-describedby=described
                aria-invalid=mark(move || error.with(Option::is_some))
                prop:value=text(move || value.get())
                on:input=move |event| {
                    let text = event_target_value(&event);
                    was_changed.set_value(true);
                    if error.with_untracked(Option::is_some) {
                        error.set(check.run(text.clone()));
                    }
                    typed.run(text);
                }
                on:blur=move |_| browser::when_released(Box::new(move || {
                    // A page that was left takes its fields along, which blurs them, too.
                    if was_changed.try_get_value() == Some(true)
                        && let Some(text) = value.try_get_untracked()
                    {
                        error.set(check.run(text));
                    }
                }))
            />
        </div>
    }
}

/// One line of the summary: the field's id and the words beside it.
pub type Mistake = (String, String);

/// "There is a problem": all mistakes of a form, each a link to its field. Focused when it appears.
#[component]
pub fn ErrorSummary(mistakes: RwSignal<Vec<Mistake>>) -> impl IntoView {
    view! {
        {show(move || mistakes.with(|all| !all.is_empty()), move || view! {
            <section class="error-summary" id="error-summary" tabindex="-1" aria-labelledby="error-summary-title">
                <h2 class="error-summary-title" id="error-summary-title">"There is a problem"</h2>
                <ul class="error-summary-list">
                    {block(move || {
                        mistakes
                            .get()
                            .into_iter()
                            .map(|(id, words)| {
                                view! {
                                    <li>
                                        <a href=format!("#{id}") on:click=move |event| {
                                            event.prevent_default();
                                            browser::focus_id(&id);
                                        }>{words}</a>
                                    </li>
                                }
                            })
                            .collect_view()
                    })}
                </ul>
            </section>
        }.into_any())}
    }
}

/// Moves the focus to the summary once it is drawn.
pub fn focus_summary() {
    browser::focus_soon("#error-summary");
}
