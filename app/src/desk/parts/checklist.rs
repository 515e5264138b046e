//! What is left to do before a conference can sell: shown instead of zeros that nobody needs.

use super::public_link::PublicLink;
use super::publication::PublishButton;
use crate::desk::session::{Session, use_session};
use crate::erased::{either, flag, memo, show, text};
use crate::fact::Fact;
use leptos::prelude::*;

/// True while there is nothing to watch yet: not published, or without any seat type.
#[must_use]
pub fn is_wanted(session: Session) -> bool {
    session
        .conference(|view| {
            let is_untouched = view.seat_types.iter().all(|it| it.sold == 0 && it.held == 0);
            is_untouched && (!view.is_published || view.seat_types.is_empty())
        })
        .unwrap_or_default()
}

/// The three steps: seats, publication, link.
#[component]
pub fn Checklist() -> impl IntoView {
    let session = use_session();
    let has_seats =
        memo(move || session.conference(|view| !view.seat_types.is_empty()).unwrap_or_default());
    let is_published =
        memo(move || session.conference(|view| view.is_published).unwrap_or_default());
    let count = move || session.conference(|view| view.seat_types.len()).unwrap_or_default();
    view! {
        <ol class="checklist" aria-label="Steps to the first sale">
            <li class="checklist-step" class:checklist-done=flag(move || has_seats.get())>
                <h2 class="checklist-name">"Add seat types" {done(has_seats)}</h2>
                {either(move || has_seats.get(), move || view! {
                    <p>
                        {text(move || match count() {
                            1 => "One seat type. ".to_owned(),
                            count => format!("{count} seat types. "),
                        })}
                        <a href=text(move || session.path("seats"))>"Change them"</a>
                    </p>
                }.into_any(), move || view! {
                    <p>"What people can choose from: a name, a price, and how many there are."</p>
                    <a class="button button-primary" href=text(move || session.path("seats"))>
                        "Add a seat type"
                    </a>
                }.into_any())}
            </li>
            <li class="checklist-step" class:checklist-done=flag(move || is_published.get())>
                <h2 class="checklist-name">"Publish" {done(is_published)}</h2>
                {either(move || is_published.get(), || view! {
                    <p>"Everybody can see it."</p>
                }.into_any(), move || view! {
                    <p>"Until then nobody but you can see the conference."</p>
                    {show(move || has_seats.get(), || view! { <PublishButton /> }.into_any())}
                }.into_any())}
            </li>
            <li class="checklist-step">
                <h2 class="checklist-name">"Share the link"</h2>
                <PublicLink />
            </li>
        </ol>
    }
}

fn done(is_done: Fact<bool>) -> AnyView {
    show(
        move || is_done.get(),
        || view! { <span class="checklist-mark">" ✓ Done"</span> }.into_any(),
    )
}
