//! The fields of a conference, as they are asked when it is created and when it is changed.

use crate::desk::form::{Asked, Form, Kind, ask, choose};
use crate::desk::zones;
use leptos::prelude::*;

/// What and where it is.
pub fn what(form: Form) -> AnyView {
    view! {
        {ask(form, Asked::new("name", "Name", "As it stands on every page and ticket."))}
        {ask(form, Asked::new("tagline", "Tagline", "One line below the name. May stay empty."))}
        {ask(form, Asked::new("location", "Where", "City and place, as a visitor needs it."))}
        {ask(
            form,
            Asked::new("description", "Description", "Plain text. An empty line begins a new paragraph.")
                .by(Kind::Paragraphs),
        )}
    }
    .into_any()
}

/// When it is, in its own zone.
pub fn when(form: Form) -> AnyView {
    let zone = form.value("time_zone").get_untracked();
    view! {
        {choose(form, Asked::new("time_zone", "Time zone", "Of the place. All times below are in it."), zones::choices(&zone))}
        <div class="desk-pair">
            {ask(form, Asked::new("starts_at", "Begins", "").by(Kind::Moment))}
            {ask(form, Asked::new("ends_at", "Ends", "").by(Kind::Moment))}
        </div>
    }
    .into_any()
}

/// How people register; `contact_hint` says what an empty address means.
pub fn registering(form: Form, contact_hint: &'static str) -> AnyView {
    view! {
        {ask(form, Asked::new("contact_email", "Contact email", contact_hint).by(Kind::Email).known_as("email"))}
        {ask(
            form,
            Asked::new("hold_minutes", "Minutes to pay", "How long chosen seats are held. 15 is usual.")
                .by(Kind::Number),
        )}
        {ask(
            form,
            Asked::new("cancel_until", "Registrants may cancel until", "Their money goes back. Empty: they can't cancel.")
                .by(Kind::Moment),
        )}
        {ask(
            form,
            Asked::new("assign_until", "Names may be changed until", "Empty: until the conference ends.")
                .by(Kind::Moment),
        )}
    }
    .into_any()
}

/// A titled part of a long form.
pub fn section(id: &'static str, title: &'static str, children: AnyView) -> AnyView {
    view! {
        <section class="desk-section-block" aria-labelledby=id>
            <h2 class="desk-section-title" id=id>{title}</h2>
            <div class="desk-section-body">{children}</div>
        </section>
    }
    .into_any()
}
