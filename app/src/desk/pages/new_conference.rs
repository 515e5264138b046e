//! Asks for everything a conference needs to begin. What is typed survives a reload; afterwards the
//! dashboard is loaded as a new page, so that its socket has the session that the answer brought.

use crate::api::is_answered;
use crate::browser;
use crate::components::field::ErrorSummary;
use crate::desk::api;
use crate::desk::arrival::arrive;
use crate::desk::conference_form::{FACTS, FIRST, read_beginning};
use crate::desk::form::{Asked, Form, Kind, ask, choose, submit_button};
use crate::desk::parts::conference_fields::{registering, section, what, when};
use crate::desk::session::HOME;
use crate::desk::values::Values;
use crate::desk::{slug, zones};
use crate::erased::{react, text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::CommandId;
use shared::management::CreateConference;
use uuid::Uuid;

/// Where unsent texts are kept.
const DRAFT: &str = "desk:new-conference";
/// What is offered; any other conference money of the world can be asked for by mail.
const CURRENCIES: [(&str, &str); 12] = [
    ("EUR", "Euro (EUR)"),
    ("USD", "US dollar (USD)"),
    ("GBP", "Pound sterling (GBP)"),
    ("CHF", "Swiss franc (CHF)"),
    ("SEK", "Swedish krona (SEK)"),
    ("NOK", "Norwegian krone (NOK)"),
    ("DKK", "Danish krone (DKK)"),
    ("PLN", "Polish złoty (PLN)"),
    ("CZK", "Czech koruna (CZK)"),
    ("CAD", "Canadian dollar (CAD)"),
    ("AUD", "Australian dollar (AUD)"),
    ("JPY", "Japanese yen (JPY)"),
];

fn empty() -> Values {
    let text = |field: &str| match field {
        "time_zone" => zones::of_this_device(),
        "currency" => "EUR".to_owned(),
        "hold_minutes" => "15".to_owned(),
        _ => String::new(),
    };
    Values(FIRST.into_iter().chain(FACTS).map(|field| (field, text(field))).collect())
}

/// The page.
#[component]
pub fn NewConferencePage() -> impl IntoView {
    let check =
        |values: &Values| read_beginning(values, zones::offset_ms).err().unwrap_or_default();
    let form = Form::new(empty(), check).kept_as(DRAFT);
    arrive(
        || "Create a conference".to_owned(),
        move || form.mistakes.with(|mistakes| !mistakes.is_empty()),
    );
    suggest_the_address(form);
    view! {
        <div class="main desk-page desk-form-page">
            <ErrorSummary mistakes=form.mistakes />
            <h1 tabindex="-1">"Create a conference"</h1>
            <p class="desk-lead">"Nobody sees it until you publish it. What you type is kept on this device."</p>
            <form
                class="desk-form"
                novalidate
                on:submit=move |event| {
                    event.prevent_default();
                    submit(form);
                }
            >
                {section("about-you", "You", owner(form))}
                {section("about-it", "The conference", view! { {what(form)} {address(form)} }.into_any())}
                {section("dates", "When", when(form))}
                {section("registering", "Registration", view! {
                    {choose(form, Asked::new("currency", "Currency", "Of all prices. It can't be changed later."), currencies())}
                    {registering(form, "Where registrants write. Empty: your own address.")}
                }.into_any())}
                <div class="form-acts desk-form-acts">
                    {submit_button(form, "Create the conference", "Creating…")}
                </div>
            </form>
        </div>
    }
}

fn currencies() -> Vec<(String, String)> {
    CURRENCIES.iter().map(|(code, name)| ((*code).to_owned(), (*name).to_owned())).collect()
}

fn owner(form: Form) -> AnyView {
    view! {
        {ask(form, Asked::new("owner_name", "Your name", "").known_as("name"))}
        {ask(
            form,
            Asked::new("owner_email", "Your email address", "Your access code goes there. With both you sign in again, anywhere.")
                .by(Kind::Email)
                .known_as("email"),
        )}
    }
    .into_any()
}

fn address(form: Form) -> AnyView {
    let whole = move || {
        let slug = form.value("slug").get();
        let slug = if slug.trim().is_empty() { "…".to_owned() } else { slug.trim().to_owned() };
        format!("{}/{slug}", browser::origin())
    };
    view! {
        {ask(form, Asked::new("slug", "Address", "Small letters, digits and hyphens. It can't be changed later."))}
        <p class="desk-address">{text(whole)}</p>
    }
    .into_any()
}

/// The address follows the name until somebody writes one by hand.
fn suggest_the_address(form: Form) {
    let (name, address) = (form.value("name"), form.value("slug"));
    let suggested = StoredValue::new(slug::suggest(&name.get_untracked()));
    react(move || {
        let suggestion = slug::suggest(&name.get());
        let written = address.get_untracked();
        if written.is_empty() || written == suggested.get_value() {
            form.set("slug", suggestion.clone());
        }
        suggested.set_value(suggestion);
    });
}

fn submit(form: Form) {
    if form.is_busy.get_untracked() || !form.is_right() {
        return;
    }
    let values = untrack(|| form.values());
    let Ok(beginning) = read_beginning(&values, zones::offset_ms) else { return };
    let mut command = CreateConference {
        command_id: CommandId(Uuid::nil()),
        owner_name: beginning.owner_name,
        owner_email: beginning.owner_email,
        slug: beginning.slug,
        currency: beginning.currency,
        facts: beginning.facts,
    };
    command.command_id = form.intent(&serde_json::to_string(&command).unwrap_or_default());
    form.is_busy.set(true);
    spawn_local(async move {
        let answer = api::send(&command).await;
        if is_answered(&answer) {
            form.answered();
        }
        match answer {
            Ok(_) => {
                form.forget();
                browser::leave_for(&format!("{HOME}/{}", command.slug));
            }
            Err(failure) => {
                form.is_busy.set(false);
                form.explain(&failure);
            }
        }
    });
}
