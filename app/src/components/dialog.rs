//! A question with two answers, in the browser's own `<dialog>`: focus goes in, Esc closes, focus
//! goes back. Not here: what is asked.

use crate::erased::{press, react};
use leptos::{html, prelude::*};

/// The words of a question.
#[derive(Clone, Copy)]
pub struct Question {
    pub title: &'static str,
    /// The answer that keeps things as they are.
    pub keep: &'static str,
    /// The answer that gives something up.
    pub give_up: &'static str,
}

/// Opens the element and closes it as the signal says.
pub fn follow_open(dialog: NodeRef<html::Dialog>, is_open: RwSignal<bool>) {
    react(move || {
        let wanted = is_open.get();
        if let Some(dialog) = dialog.get() {
            match (wanted, dialog.open()) {
                (true, false) => {
                    let _ = dialog.show_modal();
                }
                (false, true) => dialog.close(),
                _ => {}
            }
        }
    });
}

/// Opens while `is_open` is true.
#[component]
pub fn QuestionDialog(
    question: Question,
    is_open: RwSignal<bool>,
    keep: Callback<()>,
    give_up: Callback<()>,
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    follow_open(dialog, is_open);
    let answer = move |act: Callback<()>| {
        is_open.set(false);
        act.run(());
    };
    view! {
        <dialog
            class="dialog"
            node_ref=dialog
            aria-labelledby="dialog-title"
            on:close=move |_| is_open.set(false)
        >
            <h2 class="dialog-title" id="dialog-title">{question.title}</h2>
            {children()}
            <div class="dialog-acts">
                <button class="button button-primary" on:click=press(move || answer(keep))>
                    {question.keep}
                </button>
                <button class="button" on:click=press(move || answer(give_up))>{question.give_up}</button>
                <button class="button button-quiet" on:click=press(move || is_open.set(false))>
                    "Stay here"
                </button>
            </div>
        </dialog>
    }
}
