//! What the public reads about a conference, whether it may read it, and who may change it.

use crate::api::is_answered;
use crate::browser;
use crate::components::field::ErrorSummary;
use crate::desk::api;
use crate::desk::arrival::arrive;
use crate::desk::conference_form::{read_facts, values_of};
use crate::desk::form::{Form, submit_button};
use crate::desk::parts::ask_once::{AskOnce, Words};
use crate::desk::parts::conference_fields::{registering, section, what, when};
use crate::desk::parts::public_link::PublicLink;
use crate::desk::parts::publication::Publication;
use crate::desk::session::{Session, use_session};
use crate::desk::values::Values;
use crate::desk::zones;
use crate::erased::{either, memo, press, react, text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::CommandId;
use shared::management::{RotateOwnerCode, UpdateConference};

/// The page.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let session = use_session();
    let is_known = memo(move || session.conference(|_| ()).is_some());
    view! {
        {either(move || is_known.get(), move || settings(session), || view! {
            <div class="main desk-page">
                <h1 tabindex="-1">"Settings"</h1>
                <p class="loading">"Looking up the conference…"</p>
            </div>
        }.into_any())}
    }
}

fn settings(session: Session) -> AnyView {
    let known = untrack(|| session.conference(|view| values_of(view, zones::offset_ms)));
    let check = |values: &Values| read_facts(values, zones::offset_ms).err().unwrap_or_default();
    let form = Form::new(known.unwrap_or_default(), check);
    arrive(|| "Settings".to_owned(), move || form.mistakes.with(|mistakes| !mistakes.is_empty()));
    view! {
        <div class="main desk-page desk-form-page">
            <ErrorSummary mistakes=form.mistakes />
            <h1 tabindex="-1">"Settings"</h1>
            {section("publication", "Publication", view! { <Publication /> <PublicLink /> }.into_any())}
            {facts_form(session, form)}
            {section("access", "Access", access(session))}
        </div>
    }
    .into_any()
}

fn facts_form(session: Session, form: Form) -> impl IntoView {
    let saving = Saving::new(session, form);
    view! {
        <form
            class="desk-form"
            novalidate
            on:submit=move |event| {
                event.prevent_default();
                saving.submit();
            }
        >
            {section("about-it", "The conference", view! { {what(form)} {fixed(session)} }.into_any())}
            {section("dates", "When", when(form))}
            {section("registering", "Registration", registering(form, "Where registrants write."))}
            <div class="form-acts desk-form-acts">
                {submit_button(form, "Save changes", "Saving…")}
                <span class="form-saved">
                    {text(move || if saving.is_saved.get() { "✓ Saved" } else { "" })}
                </span>
            </div>
        </form>
    }
}

/// What never changes.
fn fixed(session: Session) -> impl IntoView {
    let currency = move || session.conference(|view| view.currency.to_string()).unwrap_or_default();
    view! {
        <dl class="desk-facts">
            <div><dt>"Address"</dt><dd>{text(move || format!("/{}", session.slug()))}</dd></div>
            <div><dt>"Currency"</dt><dd>{text(currency)}</dd></div>
        </dl>
        <p class="field-hint">"Address and currency stay as they are: links and orders depend on them."</p>
    }
}

/// Saving the facts: busy until the push that carries them.
#[derive(Clone, Copy)]
struct Saving {
    session: Session,
    form: Form,
    waits_for: RwSignal<Option<u64>>,
    is_saved: RwSignal<bool>,
}

impl Saving {
    fn new(session: Session, form: Form) -> Self {
        let saving =
            Self { session, form, waits_for: RwSignal::new(None), is_saved: RwSignal::new(false) };
        react(move || {
            let position = session.position();
            if saving.waits_for.get().is_some_and(|wanted| wanted <= position) {
                saving.waits_for.set(None);
                form.is_busy.set(false);
                saving.is_saved.set(true);
                session.announcer.polite("Changes saved.");
            }
        });
        // The next key begins the next change.
        let values = memo(move || form.values());
        react(move || {
            values.track();
            saving.is_saved.set(false);
        });
        saving
    }

    fn submit(self) {
        let Self { session, form, waits_for, .. } = self;
        if form.is_busy.get_untracked() || !form.is_right() {
            return;
        }
        let values = untrack(|| form.values());
        let Ok(facts) = read_facts(&values, zones::offset_ms) else { return };
        let conference = untrack(|| session.slug());
        let command_id = form.intent(&serde_json::to_string(&facts).unwrap_or_default());
        form.is_busy.set(true);
        spawn_local(async move {
            let answer = api::send(&UpdateConference { command_id, conference, facts }).await;
            if is_answered(&answer) {
                form.answered();
            }
            match answer {
                Ok(accepted) => {
                    waits_for.set(Some(accepted.position));
                    session.live.refresh();
                }
                Err(failure) => {
                    form.is_busy.set(false);
                    if !session.has_ended(&failure) {
                        form.explain(&failure);
                    }
                }
            }
        });
    }
}

const NEW_CODE: Words =
    Words { title: "Send a new access code?", yes: "Send a new code", no: "Keep the old one" };

/// The access code and the way out.
fn access(session: Session) -> AnyView {
    let is_asked = RwSignal::new(false);
    let words = RwSignal::new(String::new());
    let rotate = move || {
        let conference = untrack(|| session.slug());
        spawn_local(async move {
            let command_id = CommandId(browser::fresh_id());
            let answer = api::send(&RotateOwnerCode { command_id, conference }).await;
            let sentence = match &answer {
                Ok(_) => "A new code is on its way to you. The old one has ended.",
                Err(failure) if session.has_ended(failure) => return,
                Err(failure) => failure.sentence(),
            };
            words.set(sentence.to_owned());
            session.announcer.polite(sentence);
        });
    };
    view! {
        <p>"You sign in with your email address and the access code we mailed you."</p>
        <div class="acts">
            <button class="button" on:click=press(move || is_asked.set(true))>"Send a new access code"</button>
            <button class="button" on:click=press(move || session.sign_out())>"Sign out"</button>
        </div>
        <p class="form-saved">{text(move || words.get())}</p>
        <AskOnce words=NEW_CODE is_open=is_asked act=Callback::new(move |()| rotate())>
            <p>"The old code ends at once, and everybody who is signed in with it elsewhere is signed out."</p>
        </AskOnce>
    }
    .into_any()
}
