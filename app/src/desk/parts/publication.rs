//! Opening a conference to the public and hiding it again. Each asks once, in words.

use crate::api::is_answered;
use crate::browser;
use crate::desk::api;
use crate::desk::parts::ask_once::{AskOnce, Words};
use crate::desk::session::{Session, use_session};
use crate::erased::{either, flag, mark, memo, press, react, show, text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::CommandId;
use shared::management::{PublishConference, UnpublishConference};

const PUBLISH: Words =
    Words { title: "Publish this conference?", yes: "Publish it", no: "Not yet" };
const HIDE: Words = Words { title: "Hide this conference?", yes: "Hide it", no: "Keep it public" };

/// What hiding means for those who are in the middle of it.
#[must_use]
pub fn hiding_words(held: u32) -> String {
    let now = "Nobody will find it any more, and nobody can start an order.";
    match held {
        0 => format!("{now} Orders that are confirmed stay."),
        1 => format!(
            "{now} One person is paying now and can finish. Orders that are confirmed stay."
        ),
        _ => {
            format!(
                "{now} {held} people are paying now; they can finish. Orders that are confirmed stay."
            )
        }
    }
}

/// What the button is doing.
#[derive(Clone, Copy)]
struct Turning {
    session: Session,
    is_asked: RwSignal<bool>,
    /// Sent; with the position once it was answered. Over when that is seen.
    waits: RwSignal<Option<Option<u64>>>,
    failure: RwSignal<Option<String>>,
    intent: StoredValue<Option<CommandId>>,
}

impl Turning {
    fn new() -> Self {
        let session = use_session();
        let turning = Self {
            session,
            is_asked: RwSignal::new(false),
            waits: RwSignal::new(None),
            failure: RwSignal::new(None),
            intent: StoredValue::new(None),
        };
        react(move || {
            let position = session.position();
            if turning.waits.get().flatten().is_some_and(|wanted| wanted <= position) {
                turning.waits.set(None);
                let is_public = untrack(|| session.conference(|view| view.is_published));
                session.announcer.polite(match is_public {
                    Some(true) => "The conference is public now.",
                    _ => "The conference is hidden now.",
                });
            }
        });
        turning
    }

    fn send(self, publish: bool) {
        let Self { session, waits, failure, intent, .. } = self;
        if waits.get_untracked().is_some() {
            return;
        }
        let command_id = intent.get_value().unwrap_or_else(|| CommandId(browser::fresh_id()));
        intent.set_value(Some(command_id));
        let conference = untrack(|| session.slug());
        waits.set(Some(None));
        failure.set(None);
        spawn_local(async move {
            let answer = if publish {
                api::send(&PublishConference { command_id, conference }).await
            } else {
                api::send(&UnpublishConference { command_id, conference }).await
            };
            if is_answered(&answer) {
                intent.set_value(None);
            }
            match answer {
                Ok(accepted) => {
                    waits.set(Some(Some(accepted.position)));
                    session.live.refresh();
                }
                Err(reason) => {
                    waits.set(None);
                    if !session.has_ended(&reason) {
                        failure.set(Some(reason.sentence().to_owned()));
                    }
                }
            }
        });
    }

    fn button(self, words: &'static str, class: &'static str) -> AnyView {
        let is_busy = move || self.waits.get().is_some();
        view! {
            <button
                class=class
                class:button-busy=flag(is_busy)
                aria-disabled=mark(is_busy)
                on:click=press(move || self.is_asked.set(true))
            >
                {text(move || if is_busy() { "Saving…" } else { words })}
            </button>
            {show(move || self.failure.with(Option::is_some), move || view! {
                <p class="field-error">{text(move || self.failure.get().unwrap_or_default())}</p>
            }.into_any())}
        }
        .into_any()
    }
}

/// Opens the conference to the public.
#[component]
pub fn PublishButton() -> impl IntoView {
    let turning = Turning::new();
    let address = move || format!("{}/{}", browser::origin(), turning.session.slug());
    view! {
        {turning.button("Publish", "button button-primary")}
        <AskOnce
            words=PUBLISH
            is_open=turning.is_asked
            act=Callback::new(move |()| turning.send(true))
        >
            <p>"Everybody can find it, and seats can be bought:"</p>
            <p class="dialog-address">{text(address)}</p>
        </AskOnce>
    }
}

/// Hides the conference.
#[component]
fn HideButton() -> impl IntoView {
    let turning = Turning::new();
    let held = move || turning.session.dashboard(|view| view.orders_held).unwrap_or_default();
    view! {
        {turning.button("Hide", "button")}
        <AskOnce
            words=HIDE
            is_open=turning.is_asked
            act=Callback::new(move |()| turning.send(false))
        >
            <p>{text(move || hiding_words(held()))}</p>
        </AskOnce>
    }
}

/// Whether the public can see it, and the button that changes that.
#[component]
pub fn Publication() -> impl IntoView {
    let session = use_session();
    let is_published =
        memo(move || session.conference(|view| view.is_published).unwrap_or_default());
    let has_seats =
        memo(move || session.conference(|view| !view.seat_types.is_empty()).unwrap_or_default());
    view! {
        {either(move || is_published.get(), || view! {
            <p>"Everybody can see it and buy seats."</p>
            <div class="acts"><HideButton /></div>
        }.into_any(), move || view! {
            <p>"Only you can see it."</p>
            {either(move || has_seats.get(), || view! {
                <div class="acts"><PublishButton /></div>
            }.into_any(), move || view! {
                <p>
                    <a href=text(move || session.path("seats"))>"Add a seat type"</a>
                    " before you publish."
                </p>
            }.into_any())}
        }.into_any())}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hiding_says_who_is_in_the_middle_of_it() {
        assert!(hiding_words(9).contains("9 people are paying now; they can finish."));
        assert!(hiding_words(1).contains("One person is paying now and can finish."));
        assert!(!hiding_words(0).contains("paying"));
    }
}
