//! Opens an order on any device: by email and access code, or by a mailed link that is good once.
//!
//! A link's secret stands behind the `#` of the address, where no server sees it; it is taken from
//! there before anything else happens.

use crate::api::Failure;
use crate::arrival::settle_under;
use crate::browser;
use crate::components::field::{self, ErrorSummary, Field, FieldNames, Mistake};
use crate::desk::api;
use crate::desk::pages::not_found::NotFoundPage;
use crate::desk::session::{Session, use_session};
use crate::erased::{either, flag, mark, memo, press, show, text};
use crate::saved::{Saved, SavedOrder};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::commands::{FindOrder, FoundOrder, OpenOrderLink, RequestOrderLinks};
use shared::live::Topic;
use shared::rules::email_problem;
use shared::{AccessCode, RefusalCode};
use wasm_bindgen::JsValue;

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

const NOT_FOUND: &str = "We couldn't find an order with that email and code. Check both, or get your \
                         links by email.";
const LINK_ENDED: &str =
    "This link has ended: each works once, and for 24 hours. Get a new one below.";
const LINKS_SENT: &str = "If there are orders for that address, we've sent the links.";
/// What stands before the secret in the address of a mailed link.
const LINK_MARK: &str = "#link=";

fn code_problem(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some("Enter your access code".to_owned());
    }
    let is_code = text.parse::<AccessCode>().is_ok();
    (!is_code).then(|| "Enter the six characters of your access code, like K7M-2QX".to_owned())
}

/// The secret of a mailed link, from the part of an address behind its path.
fn link_of(fragment: &str) -> Option<&str> {
    fragment.strip_prefix(LINK_MARK).filter(|link| !link.is_empty())
}

/// What the page waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Nothing,
    ForOrder,
    ForLink,
    ForMail,
}

/// What the page itself remembers.
#[derive(Clone, Copy)]
struct Finding {
    session: Session,
    slug: StoredValue<String>,
    email: RwSignal<String>,
    code: RwSignal<String>,
    email_error: RwSignal<Option<String>>,
    code_error: RwSignal<Option<String>>,
    mistakes: RwSignal<Vec<Mistake>>,
    wait: RwSignal<Wait>,
    /// What became of asking for links.
    mail: RwSignal<&'static str>,
}

/// The page.
#[component]
pub fn FindOrderPage() -> impl IntoView {
    let session = use_session();
    let slug = untrack(|| session.slug());
    let topic = Topic::Conference { slug: slug.clone() };
    session.live.watch(topic.clone(), None);
    let page = Finding {
        session,
        email: RwSignal::new(Saved::load(&slug).email),
        slug: StoredValue::new(slug),
        code: RwSignal::new(String::new()),
        email_error: RwSignal::new(None),
        code_error: RwSignal::new(None),
        mistakes: RwSignal::new(Vec::new()),
        wait: RwSignal::new(Wait::Nothing),
        mail: RwSignal::new(""),
    };
    page.open_the_link();
    let is_missing =
        memo(move || session.live.refused.with(|all| all.iter().any(|(it, _)| *it == topic)));
    either(move || is_missing.get(), || view! { <NotFoundPage /> }.into_any(), move || page.show())
}

impl Finding {
    fn show(self) -> AnyView {
        settle_under(Box::new(move || {
            let error = if self.mistakes.with(Vec::is_empty) { "" } else { "Error: " };
            let place = self.session.live.conference.with(|seen| {
                seen.as_ref().map(|seen| format!(" – {}", seen.view.name)).unwrap_or_default()
            });
            format!("{error}Find your order{place}")
        }));
        view! {
            <div class="main prose">
                <ErrorSummary mistakes=self.mistakes />
                <h1 tabindex="-1">"Find your order"</h1>
                {either(move || self.wait.get() == Wait::ForLink, || view! {
                    <p class="loading">"Opening your order…"</p>
                }.into_any(), move || self.ways())}
            </div>
        }
        .into_any()
    }

    fn ways(self) -> AnyView {
        view! {
            <p>"Open it to pay, to see your seats, or to look up your access code."</p>
            {self.form()}
            <section class="lost-code" aria-labelledby="links">
                <h2 id="links">"Lost your code?"</h2>
                <p>"We can email you a link to each of your orders. A link works once, for 24 hours."</p>
                <p class="acts">
                    <button
                        class="button"
                        class:button-busy=flag(move || self.wait.get() == Wait::ForMail)
                        aria-disabled=mark(move || self.wait.get() == Wait::ForMail)
                        on:click=press(move || self.ask_for_links())
                    >
                        "Email me my order links"
                    </button>
                </p>
                {show(move || self.mail.with(|words| !words.is_empty()), move || view! {
                    <p class="note">{text(move || self.mail.get())}</p>
                }.into_any())}
            </section>
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
                        class:button-busy=flag(move || self.wait.get() == Wait::ForOrder)
                        aria-disabled=mark(move || self.wait.get() == Wait::ForOrder)
                    >
                        {text(move || if self.wait.get() == Wait::ForOrder { "Looking…" } else { "Find my order" })}
                    </button>
                </div>
            </form>
        }
    }

    /// True when nothing is wrong with these fields; otherwise they say so, and the summary.
    fn is_right(self, asks_code: bool) -> bool {
        self.email_error.set(email_problem(self.email.get_untracked().trim()));
        let code_error = asks_code.then(|| code_problem(&self.code.get_untracked())).flatten();
        self.code_error.set(code_error);
        let wrong = [(EMAIL.id, self.email_error), (CODE.id, self.code_error)];
        let mistakes: Vec<Mistake> = wrong
            .into_iter()
            .filter_map(|(id, error)| error.get_untracked().map(|words| (id.to_owned(), words)))
            .collect();
        let is_right = mistakes.is_empty();
        self.mistakes.set(mistakes);
        if !is_right {
            field::focus_summary();
        }
        is_right
    }

    fn submit(self) {
        if self.wait.get_untracked() != Wait::Nothing || !self.is_right(true) {
            return;
        }
        self.wait.set(Wait::ForOrder);
        let wanted = FindOrder {
            conference: self.slug.get_value(),
            email: self.email.get_untracked().trim().to_owned(),
            access_code: self.code.get_untracked(),
        };
        spawn_local(async move {
            match api::post("/api/find-order", &wanted).await {
                Ok(found) => self.open(found),
                Err(failure) => self.explain(&failure, NOT_FOUND),
            }
        });
    }

    fn ask_for_links(self) {
        if self.wait.get_untracked() != Wait::Nothing || !self.is_right(false) {
            return;
        }
        self.wait.set(Wait::ForMail);
        self.mail.set("");
        let email = self.email.get_untracked().trim().to_owned();
        let wanted = RequestOrderLinks { conference: self.slug.get_value(), email };
        spawn_local(async move {
            match api::post_and_forget("/api/order-links", &wanted).await {
                Ok(()) => {
                    self.wait.set(Wait::Nothing);
                    self.mail.set(LINKS_SENT);
                    self.session.announcer.polite(LINKS_SENT);
                }
                Err(failure) => self.explain(&failure, failure.sentence()),
            }
        });
    }

    /// Opens a mailed link. Its secret leaves the address at once, and the history with it.
    fn open_the_link(self) {
        let fragment = window().location().hash().unwrap_or_default();
        let Some(link) = link_of(&fragment) else { return };
        let path = browser::path();
        if let Ok(history) = window().history() {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&path));
        }
        self.wait.set(Wait::ForLink);
        let wanted = OpenOrderLink { conference: self.slug.get_value(), link: link.to_owned() };
        spawn_local(async move {
            match api::post("/api/open-order-link", &wanted).await {
                Ok(found) => self.open(found),
                Err(failure) => self.explain(&failure, LINK_ENDED),
            }
        });
    }

    /// The order's own page, in the first program, knows what its state allows.
    fn open(self, found: FoundOrder) {
        let FoundOrder { order_id: id, token } = found;
        let slug = self.slug.get_value();
        let mut saved = Saved::load(&slug);
        let known = saved.order(id).cloned().unwrap_or_else(SavedOrder::fresh);
        saved.add(SavedOrder { id, token, is_placed: true, ..known });
        saved.store(&slug);
        browser::leave_for(&format!("/{slug}/order/{id}/confirmed"));
    }

    fn explain(self, failure: &Failure, refused: &str) {
        let words = match failure {
            Failure::Refused(problem) if problem.code == RefusalCode::TooManyRequests => {
                failure.sentence()
            }
            Failure::Refused(_) => refused,
            Failure::Unreachable | Failure::Faulty { .. } => failure.sentence(),
        };
        self.wait.set(Wait::Nothing);
        self.mistakes.set(vec![(EMAIL.id.to_owned(), words.to_owned())]);
        field::focus_summary();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mailed_link_is_taken_for_one() {
        assert_eq!(link_of("#link=abc"), Some("abc"));
        for other in ["", "#", "#link=", "#main", "link=abc"] {
            assert_eq!(link_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_code_may_be_typed_in_any_way_and_must_be_one() {
        assert_eq!(code_problem(" k7m 2qx "), None);
        assert!(code_problem("").is_some_and(|words| words.starts_with("Enter your")));
        assert!(code_problem("K7M").is_some_and(|words| words.contains("six characters")));
    }
}
