//! Opens the desk by e-mail and access code, on any device. Shown at the very address that was asked
//! for; afterwards that address is loaded again, so that the socket has the new session, too.

use crate::components::field::ErrorSummary;
use crate::desk::api;
use crate::desk::arrival::arrive;
use crate::desk::form::{Asked, Form, Kind, ask, submit_button};
use crate::desk::session::use_session;
use crate::desk::values::{Problems, Values};
use crate::erased::{press, show};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::AccessCode;
use shared::management::{RequestOwnerCode, SignIn};
use shared::refusal::FieldProblem;
use shared::rules::email_problem;

const EMAIL: Asked = Asked::new("email", "Email address", "The one you created a conference with.")
    .by(Kind::Email)
    .known_as("email");
const CODE: Asked = Asked::new(
    "access_code",
    "Access code",
    "Six letters and digits, like K7M-2QX. It's in the email we sent you when you created a conference.",
);

fn problems(values: &Values) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.note("email", email_problem(values.get("email")));
    let code = values.get("access_code");
    if code.is_empty() {
        problems.add("access_code", "Enter your access code");
    } else if code.parse::<AccessCode>().is_err() {
        problems.add("access_code", "Enter the six characters of your access code, like K7M-2QX");
    }
    problems.0
}

const CODE_SENT: &str = "If you have conferences under that address, we've sent the code.";

/// The page.
#[component]
pub fn SignInPage() -> impl IntoView {
    let nothing = Values(vec![("email", String::new()), ("access_code", String::new())]);
    let form = Form::new(nothing, problems);
    let sent = RwSignal::new(false);
    arrive(|| "Sign in".to_owned(), move || form.mistakes.with(|mistakes| !mistakes.is_empty()));
    view! {
        <div class="main prose">
            <ErrorSummary mistakes=form.mistakes />
            <h1 tabindex="-1">"Sign in to manage your conferences"</h1>
            <form
                class="form"
                novalidate
                on:submit=move |event| {
                    event.prevent_default();
                    submit(form);
                }
            >
                {ask(form, EMAIL)}
                {ask(form, CODE)}
                <div class="form-acts">{submit_button(form, "Sign in", "Signing in…")}</div>
            </form>
            <section class="lost-code" aria-labelledby="lost">
                <h2 id="lost">"Lost your code?"</h2>
                <p>"Enter your email address above, and we'll send the code there."</p>
                <p class="acts">
                    <button class="button" on:click=press(move || ask_for_the_code(form, sent))>
                        "Email me my access code"
                    </button>
                </p>
                {show(move || sent.get(), || view! { <p class="note">{CODE_SENT}</p> }.into_any())}
            </section>
            <p class="desk-aside">
                "New here? " <a href="/manage/new">"Create a conference"</a>
                ". You need no account."
            </p>
        </div>
    }
}

fn submit(form: Form) {
    if form.is_busy.get_untracked() || !form.is_right() {
        return;
    }
    let values = untrack(|| form.values());
    let who = SignIn {
        email: values.get("email").to_owned(),
        access_code: values.get("access_code").to_owned(),
    };
    form.is_busy.set(true);
    spawn_local(async move {
        match api::sign_in(&who).await {
            Ok(()) => {
                let _ = window().location().reload();
            }
            Err(failure) => {
                form.is_busy.set(false);
                form.explain(&failure);
            }
        }
    });
}

/// One answer whatever the address; the mail says the rest.
fn ask_for_the_code(form: Form, sent: RwSignal<bool>) {
    let email = untrack(|| form.values()).get("email").to_owned();
    if let Some(problem) = email_problem(&email) {
        form.show(vec![FieldProblem { field: "email".to_owned(), message: problem.to_string() }]);
        return;
    }
    let announcer = use_session().announcer;
    sent.set(false);
    spawn_local(async move {
        match api::request_owner_code(&RequestOwnerCode { email }).await {
            Ok(()) => {
                announcer.polite(CODE_SENT);
                sent.set(true);
            }
            Err(failure) => form.explain(&failure),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_six_characters_are_asked_for() {
        let typed = |email: &str, code: &str| {
            let values = Values(vec![("email", email.into()), ("access_code", code.into())]);
            problems(&values).into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        assert!(typed("mia@example.org", "k7m 2qx").is_empty());
        assert_eq!(typed("mia", ""), ["email", "access_code"]);
        assert_eq!(typed("mia@example.org", "K7M"), ["access_code"]);
    }
}
