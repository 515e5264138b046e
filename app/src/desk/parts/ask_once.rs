//! A question with a yes and a no, in the browser's own `<dialog>`: focus goes in, Esc says no, focus
//! goes back. Its words are in the document only while it is open, so a page may have several.

use crate::components::dialog::follow_open;
use crate::erased::{press, show};
use leptos::{html, prelude::*};

/// The words of a question.
#[derive(Clone, Copy)]
pub struct Words {
    pub title: &'static str,
    pub yes: &'static str,
    pub no: &'static str,
}

/// Opens while `is_open` is true.
#[component]
pub fn AskOnce(
    words: Words,
    is_open: RwSignal<bool>,
    act: Callback<()>,
    children: ChildrenFn,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    follow_open(dialog, is_open);
    let children = StoredValue::new(children);
    view! {
        <dialog
            class="dialog"
            node_ref=dialog
            aria-labelledby="ask-once-title"
            on:close=move |_| is_open.set(false)
        >
            {show(move || is_open.get(), move || view! {
                <h2 class="dialog-title" id="ask-once-title">{words.title}</h2>
                {children.with_value(|children| children())}
                <div class="dialog-acts">
                    <button class="button button-primary" on:click=press(move || {
                        is_open.set(false);
                        act.run(());
                    })>{words.yes}</button>
                    <button class="button" on:click=press(move || is_open.set(false))>{words.no}</button>
                </div>
            }.into_any())}
        </dialog>
    }
}
