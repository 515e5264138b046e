//! Opens an order by email and access code, on any device.

use crate::api::{self, Failure};
use crate::arrival::arrive;
use crate::components::field::{self, ErrorSummary, Field, FieldNames, Mistake};
use crate::erased::{flag, mark, text};
use crate::flow;
use crate::navigation::Go;
use crate::registration::Registration;
use crate::saved::SavedOrder;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::commands::{FindOrder, FoundOrder};
use shared::rules::email_problem;
use shared::{AccessCode, RefusalCode};

const EMAIL: FieldNames = FieldNames {
    id: "email",
    label: "Email address",
    hint: "The one you registered with.",
    autocomplete: "email",
    kind: "email",
};
const CODE: FieldNames = FieldNames {
    id: "access_code",
    label: "Access code",
    hint: "Six letters and digits, like K7M-2QX. It's in the email we sent you.",
    autocomplete: "off",
    kind: "text",
};

const NOT_FOUND: &str = "We couldn't find an order with that email and code. Check both.";

fn code_problem(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some("Enter your access code".to_owned());
    }
    let is_code = text.parse::<AccessCode>().is_ok();
    (!is_code).then(|| "Enter the six characters of your access code, like K7M-2QX".to_owned())
}

/// What the page itself remembers.
#[derive(Clone, Copy)]
struct Finding {
    registration: Registration,
    go: Go,
    email: RwSignal<String>,
    code: RwSignal<String>,
    email_error: RwSignal<Option<String>>,
    code_error: RwSignal<Option<String>>,
    mistakes: RwSignal<Vec<Mistake>>,
    is_busy: RwSignal<bool>,
}

/// The page.
#[component]
pub fn FindOrderPage() -> impl IntoView {
    let registration = flow::enter();
    let page = Finding {
        registration,
        go: expect_context::<Go>(),
        email: RwSignal::new(registration.saved.with_untracked(|saved| saved.email.clone())),
        code: RwSignal::new(String::new()),
        email_error: RwSignal::new(None),
        code_error: RwSignal::new(None),
        mistakes: RwSignal::new(Vec::new()),
        is_busy: RwSignal::new(false),
    };
    flow::known_or_not_found(registration, move || page.show())
}

impl Finding {
    fn show(self) -> AnyView {
        arrive(|| "Find your order".to_owned(), move || self.mistakes.with(|m| !m.is_empty()));
        view! {
            <div class="main prose">
                <ErrorSummary mistakes=self.mistakes.into() />
                <h1 tabindex="-1">"Find your order"</h1>
                <p>"Open it to pay, to see your seats, or to look up your access code."</p>
                {self.form()}
            </div>
        }
        .into_any()
    }

    fn form(self) -> impl IntoView {
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
                    value=self.email.into()
                    error=self.email_error
                    typed=Callback::new(move |text| self.email.set(text))
                    check=Callback::new(|text: String| email_problem(text.trim()))
                />
                <Field
                    names=CODE
                    value=self.code.into()
                    error=self.code_error
                    typed=Callback::new(move |text| self.code.set(text))
                    check=Callback::new(|text: String| code_problem(&text))
                />
                <div class="form-acts">
                    <button
                        class="button button-primary"
                        class:button-busy=flag(move || self.is_busy.get())
                        aria-disabled=mark(move || self.is_busy.get())
                    >
                        {text(move || if self.is_busy.get() { "Looking…" } else { "Find my order" })}
                    </button>
                </div>
            </form>
        }
    }

    fn submit(self) {
        if self.is_busy.get_untracked() {
            return;
        }
        let email = self.email.get_untracked().trim().to_owned();
        let access_code = self.code.get_untracked();
        self.email_error.set(email_problem(&email));
        self.code_error.set(code_problem(&access_code));
        let wrong = [(EMAIL.id, self.email_error), (CODE.id, self.code_error)];
        let mistakes: Vec<Mistake> = wrong
            .into_iter()
            .filter_map(|(id, error)| error.get_untracked().map(|words| (id.to_owned(), words)))
            .collect();
        if !mistakes.is_empty() {
            self.mistakes.set(mistakes);
            return field::focus_summary();
        }
        self.mistakes.set(Vec::new());
        self.is_busy.set(true);
        let conference = self.registration.slug.get_untracked();
        spawn_local(async move {
            let answer = api::find_order(&FindOrder { conference, email, access_code }).await;
            self.is_busy.set(false);
            match answer {
                Ok(found) => self.open(found),
                Err(failure) => self.explain(&failure),
            }
        });
    }

    /// The order's own page knows what its state allows, so the confirmation decides where to go on.
    fn open(self, found: FoundOrder) {
        let registration = self.registration;
        let id = found.order_id;
        registration.saved.update(|saved| {
            let known = saved.order(id).cloned().unwrap_or_else(SavedOrder::fresh);
            saved.add(SavedOrder { id, token: found.token, is_placed: true, ..known });
        });
        registration.store_now();
        registration.reopen_order(id);
        self.go.to(&registration.step_path(id, "confirmed"));
    }

    fn explain(self, failure: &Failure) {
        let words = match failure {
            Failure::Refused(problem) if problem.code == RefusalCode::TooManyRequests => {
                failure.sentence()
            }
            Failure::Refused(_) => NOT_FOUND,
            Failure::Unreachable | Failure::Faulty { .. } => failure.sentence(),
        };
        self.mistakes.set(vec![(EMAIL.id.to_owned(), words.to_owned())]);
        field::focus_summary();
    }
}
