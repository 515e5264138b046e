//! Corrects a mistyped address after the purchase, while nobody else has a ticket yet. The server sends
//! the confirmation to the new address.

use super::keep_order::refusal_words;
use crate::browser;
use crate::components::field::{Field, FieldNames};
use crate::desk::my_order::MyOrder;
use crate::erased::{either, flag, mark, memo, press, show, text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::commands::{AssignRegistrantDetails, BrowserCommand, Registrant};
use shared::rules::email_problem;
use shared::views::OrderView;

const EMAIL: FieldNames = FieldNames {
    id: "right_address",
    label: "Your right email address",
    hint: "Your confirmation goes there, and from then on it opens this order.",
    autocomplete: "email",
    kind: "email",
};

/// True until somebody but the registrant has got a ticket, as the server sees it.
fn can_correct(order: &OrderView) -> bool {
    let own = order.registrant.as_ref().map(|registrant| registrant.email.to_lowercase());
    let mut named = order.seats.iter().filter_map(|seat| seat.attendee.as_ref());
    named.all(|attendee| Some(attendee.email.to_lowercase()) == own)
}

/// What the form remembers.
#[derive(Clone, Copy)]
struct Correction {
    order: MyOrder,
    typed: RwSignal<String>,
    error: RwSignal<Option<String>>,
    is_open: RwSignal<bool>,
    is_busy: RwSignal<bool>,
    corrected: Callback<()>,
}

/// The offer, and the form behind it.
#[component]
pub fn WrongAddress(order: MyOrder, corrected: Callback<()>) -> impl IntoView {
    let is_possible = memo(move || order.view(can_correct).unwrap_or_default());
    let contact = move || order.conference(|view| view.contact_email.clone()).unwrap_or_default();
    let correction = Correction {
        order,
        typed: RwSignal::new(String::new()),
        error: RwSignal::new(None),
        is_open: RwSignal::new(false),
        is_busy: RwSignal::new(false),
        corrected,
    };
    either(
        move || is_possible.get(),
        move || correction.offer(),
        move || {
            let words = move || {
                format!(
                    "Wrong address? Others have tickets from you by now: write to {}.",
                    contact()
                )
            };
            view! { <p class="desk-soft">{text(words)}</p> }.into_any()
        },
    )
}

impl Correction {
    fn offer(self) -> AnyView {
        view! {
            <p>
                <button
                    type="button"
                    class="button button-quiet keep-wrong"
                    aria-expanded=text(move || self.is_open.get().to_string())
                    on:click=press(move || {
                        self.is_open.update(|is_open| *is_open = !*is_open);
                        if self.is_open.get_untracked() {
                            browser::focus_soon("#right_address");
                        }
                    })
                >
                    "Wrong address?"
                </button>
            </p>
            {show(move || self.is_open.get(), move || self.form())}
        }
        .into_any()
    }

    fn form(self) -> AnyView {
        view! {
            <form
                class="form"
                novalidate
                on:submit=move |event| {
                    event.prevent_default();
                    self.submit();
                }
            >
                <Field
                    names=EMAIL
                    value=self.typed.into()
                    error=self.error
                    typed=Callback::new(move |text| self.typed.set(text))
                    check=Callback::new(|text: String| email_problem(text.trim()))
                />
                <p>
                    <button
                        class="button button-primary"
                        class:button-busy=flag(move || self.is_busy.get())
                        aria-disabled=mark(move || self.is_busy.get())
                    >
                        "Change it and send there"
                    </button>
                </p>
            </form>
        }
        .into_any()
    }

    fn submit(self) {
        let email = self.typed.get_untracked().trim().to_owned();
        self.error.set(email_problem(&email));
        if self.error.with_untracked(Option::is_some) {
            browser::focus_id(EMAIL.id);
            return;
        }
        let known = untrack(|| self.order.view(|view| view.registrant.clone())).flatten();
        let envelope = self.order.envelope(&format!("{} {email}", AssignRegistrantDetails::ROUTE));
        let (Some(known), Some(envelope)) = (known, envelope) else { return };
        if self.is_busy.get_untracked() {
            return;
        }
        self.is_busy.set(true);
        let command = AssignRegistrantDetails {
            command_id: envelope.command_id,
            conference: envelope.conference.clone(),
            order_id: envelope.order_id,
            registrant: Registrant { email: email.clone(), ..known },
        };
        spawn_local(async move {
            let answer = self.order.send(command, envelope).await;
            let announcer = self.order.session.announcer;
            let _ = self.is_busy.try_set(false);
            match answer {
                Ok(_) => {
                    announcer.polite(&format!("Sent to {email}."));
                    let _ = self.is_open.try_set(false);
                    let _ = self.typed.try_set(String::new());
                    self.corrected.run(());
                    self.order.session.live.refresh();
                    browser::focus_soon("#keep");
                }
                Err(failure) => {
                    let words = refusal_words(&failure);
                    announcer.say(&words, true);
                    let _ = self.error.try_set(Some(words));
                }
            }
        });
    }
}
