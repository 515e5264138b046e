//! A form of the desk: its fields, its check, what was typed before a reload, and the intent behind its
//! button. The same habits as the registrant's forms: never a word while somebody types for the first
//! time, all mistakes at once on submit, an error goes the moment it is fixed.
//!
//! Not here: what is right (`conference_form.rs`, `seat_form.rs`), and sending (pages).

use super::values::Values;
use crate::api::Failure;
use crate::components::field::{self, Mistake};
use crate::erased::{block, each, flag, follow, mark, react, text};
use crate::{browser, saved};
use leptos::prelude::*;
use shared::CommandId;
use shared::refusal::FieldProblem;

/// One field as it is now.
#[derive(Clone)]
struct Entry {
    field: &'static str,
    value: RwSignal<String>,
    error: RwSignal<Option<String>>,
}

/// A whole form. `Copy`: fields and buttons share it.
#[derive(Clone, Copy)]
pub struct Form {
    entries: StoredValue<Vec<Entry>>,
    check: StoredValue<Check, LocalStorage>,
    pub mistakes: RwSignal<Vec<Mistake>>,
    pub is_busy: RwSignal<bool>,
    /// Where the typed texts are kept until the form was sent.
    draft: StoredValue<Option<&'static str>>,
    /// What the last attempt said, and its id: the same words again are the same intent.
    intent: StoredValue<Option<(String, CommandId)>>,
}

type Check = Box<dyn Fn(&Values) -> Vec<FieldProblem>>;

impl Form {
    /// A form filled with these values.
    #[must_use]
    pub fn new(values: Values, check: impl Fn(&Values) -> Vec<FieldProblem> + 'static) -> Self {
        let entry =
            |(field, text)| Entry { field, value: RwSignal::new(text), error: RwSignal::new(None) };
        let check: Check = Box::new(check);
        Self {
            entries: StoredValue::new(values.0.into_iter().map(entry).collect()),
            check: StoredValue::new_local(check),
            mistakes: RwSignal::new(Vec::new()),
            is_busy: RwSignal::new(false),
            draft: StoredValue::new(None),
            intent: StoredValue::new(None),
        }
    }

    /// Takes up what was typed before a reload, and keeps what will be typed.
    #[must_use]
    pub fn kept_as(self, draft: &'static str) -> Self {
        self.draft.set_value(Some(draft));
        let kept: Vec<(String, String)> =
            saved::switch(draft).and_then(|text| crate::json::read(&text).ok()).unwrap_or_default();
        for (field, text) in kept {
            if let Some(entry) = self.entry(&field) {
                entry.value.set(text);
            }
        }
        react(move || {
            let values = self.values();
            saved::set_switch(draft, serde_json::to_string(&values.0).ok().as_deref());
        });
        self
    }

    /// It was sent and done: nothing is kept any more.
    pub fn forget(self) {
        if let Some(draft) = self.draft.get_value() {
            saved::set_switch(draft, None);
        }
    }

    fn entry(self, field: &str) -> Option<Entry> {
        self.entries.with_value(|all| all.iter().find(|entry| entry.field == field).cloned())
    }

    /// What is typed now; follows every key.
    #[must_use]
    pub fn values(self) -> Values {
        let read = |entry: &Entry| (entry.field, entry.value.get());
        Values(self.entries.with_value(|all| all.iter().map(read).collect()))
    }

    /// What is typed into one field.
    #[must_use]
    pub fn value(self, field: &'static str) -> Signal<String> {
        follow(move || self.entry(field).map(|entry| entry.value.get()).unwrap_or_default())
    }

    /// Writes into a field.
    pub fn set(self, field: &str, text: String) {
        if let Some(entry) = self.entry(field) {
            entry.value.set(text);
        }
    }

    fn error(self, field: &str) -> Option<String> {
        self.entry(field)?.error.get()
    }

    fn check_one(self, field: &str) {
        let Some(entry) = self.entry(field) else { return };
        let problems = self.problems();
        let problem = problems.into_iter().find(|problem| problem.field == field);
        entry.error.set(problem.map(|problem| problem.message));
    }

    fn problems(self) -> Vec<FieldProblem> {
        let values = untrack(|| self.values());
        self.check.with_value(|check| check(&values))
    }

    /// Checks everything; true when it may be sent. Otherwise the summary takes the focus.
    #[must_use]
    pub fn is_right(self) -> bool {
        self.show(self.problems())
    }

    /// Shows what is wrong; true when nothing is.
    pub fn show(self, problems: Vec<FieldProblem>) -> bool {
        // The server names a field of the facts by its path.
        let short = |field: &str| field.rsplit('.').next().unwrap_or_default().to_owned();
        self.entries.with_value(|all| {
            for entry in all {
                let problem = problems.iter().find(|problem| short(&problem.field) == entry.field);
                entry.error.set(problem.map(|problem| problem.message.clone()));
            }
        });
        let is_right = problems.is_empty();
        let mistake = |problem: FieldProblem| (short(&problem.field), problem.message);
        self.mistakes.set(problems.into_iter().map(mistake).collect());
        if !is_right {
            field::focus_summary();
        }
        is_right
    }

    /// Says why it was not done: beside the fields when the server named some.
    pub fn explain(self, failure: &Failure) {
        let (fields, words) = match failure {
            Failure::Refused(problem) => {
                let words = problem.detail.as_deref().unwrap_or(&problem.title);
                (problem.fields.clone(), words.to_owned())
            }
            Failure::Unreachable | Failure::Faulty { .. } => {
                (Vec::new(), failure.sentence().to_owned())
            }
        };
        let first = self.entries.with_value(|all| all.first().map_or("", |entry| entry.field));
        let fields = if fields.is_empty() {
            self.mistakes.set(vec![(first.to_owned(), words)]);
            return field::focus_summary();
        } else {
            fields
        };
        self.show(fields);
    }

    /// The id of the intent that says exactly this, until it was answered.
    #[must_use]
    pub fn intent(self, says: &str) -> CommandId {
        let known = self.intent.get_value().filter(|(known, _)| known == says);
        let (_, id) = known.unwrap_or_else(|| (says.to_owned(), CommandId(browser::fresh_id())));
        self.intent.set_value(Some((says.to_owned(), id)));
        id
    }

    /// The server has said yes or no; the next press is a new intent.
    pub fn answered(self) {
        self.intent.set_value(None);
    }
}

/// How a field is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Email,
    Number,
    /// A day and a time in the conference's zone.
    Moment,
    /// Several lines.
    Paragraphs,
}

/// What a field is called, in markup and in words.
#[derive(Clone, Copy)]
pub struct Asked {
    pub field: &'static str,
    pub label: &'static str,
    /// Empty: no hint.
    pub hint: &'static str,
    pub kind: Kind,
    /// The autocomplete token.
    pub autocomplete: &'static str,
}

impl Asked {
    /// A field that no browser fills in by itself.
    #[must_use]
    pub const fn new(field: &'static str, label: &'static str, hint: &'static str) -> Self {
        Self { field, label, hint, kind: Kind::Text, autocomplete: "off" }
    }

    /// Asked in another way.
    #[must_use]
    pub const fn by(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// Something that the browser may know.
    #[must_use]
    pub const fn known_as(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }
}

/// What a box does when somebody types into it and leaves it.
fn typing(
    form: Form,
    field: &'static str,
) -> (impl Fn(web_sys::Event), impl Fn(web_sys::FocusEvent)) {
    let was_changed = StoredValue::new(false);
    let typed = move |event: web_sys::Event| {
        was_changed.set_value(true);
        form.set(field, event_target_value(&event));
        if untrack(|| form.error(field)).is_some() {
            form.check_one(field);
        }
    };
    let left = move |_| {
        browser::when_released(Box::new(move || {
            // A page that was left takes its fields along, which blurs them, too.
            if was_changed.try_get_value() == Some(true) {
                form.check_one(field);
            }
        }));
    };
    (typed, left)
}

/// Label, hint and error around a box.
fn labelled(form: Form, asked: Asked, control: AnyView) -> AnyView {
    let Asked { field, label, hint, .. } = asked;
    view! {
        <div class="field" class:field-wrong=flag(move || form.error(field).is_some())>
            <label class="field-label" for=field>{label}</label>
            {(!hint.is_empty()).then(|| view! { <p class="field-hint" id=format!("{field}-hint")>{hint}</p> })}
            {block(move || {
                let message = form.error(field)?;
                Some(view! { <p class="field-error" id=format!("{field}-error")>{message}</p> })
            })}
            {control}
        </div>
    }
    .into_any()
}

fn described(form: Form, asked: Asked) -> impl Fn() -> Option<String> + Send + Sync {
    let Asked { field, hint, .. } = asked;
    move || {
        let hint = if hint.is_empty() { String::new() } else { format!("{field}-hint ") };
        let error =
            if form.error(field).is_some() { format!("{field}-error") } else { String::new() };
        let ids = format!("{hint}{error}");
        (!ids.is_empty()).then(|| ids.trim_end().to_owned())
    }
}

/// One box of the form.
pub fn ask(form: Form, asked: Asked) -> AnyView {
    let Asked { field, kind, autocomplete, .. } = asked;
    let (typed, left) = typing(form, field);
    let is_wrong = mark(move || form.error(field).is_some());
    let value = text(move || form.value(field).get());
    if kind == Kind::Paragraphs {
        let control = view! {
            <textarea
                class="field-box field-lines"
                id=field
                name=field
                rows="6"
                aria-describedby=described(form, asked)
                aria-invalid=is_wrong
                prop:value=value
                on:input=typed
                on:blur=left
            ></textarea>
        };
        return labelled(form, asked, control.into_any());
    }
    let (type_, inputmode) = match kind {
        Kind::Email => ("email", "email"),
        Kind::Number => ("text", "decimal"),
        Kind::Moment => ("datetime-local", "text"),
        Kind::Text | Kind::Paragraphs => ("text", "text"),
    };
    let control = view! {
        <input
            class="field-box"
            id=field
            name=field
            type=type_
            inputmode=inputmode
            autocomplete=autocomplete
            spellcheck="false"
            aria-describedby=described(form, asked)
            aria-invalid=is_wrong
            prop:value=value
            on:input=typed
            on:blur=left
        />
    };
    labelled(form, asked, control.into_any())
}

/// One choice of several.
pub fn choose(form: Form, asked: Asked, choices: Vec<(String, String)>) -> AnyView {
    let Asked { field, .. } = asked;
    let (typed, left) = typing(form, field);
    let chosen = form.value(field).get_untracked();
    let control = view! {
        <select
            class="field-box"
            id=field
            name=field
            aria-describedby=described(form, asked)
            aria-invalid=mark(move || form.error(field).is_some())
            on:input=typed
            on:blur=left
        >
            {each(choices, |(value, name)| {
                let is_chosen = value == chosen;
                view! { <option value=value selected=is_chosen>{name}</option> }.into_any()
            })}
        </select>
    };
    labelled(form, asked, control.into_any())
}

/// The button that sends a form; says that it is busy, and stays.
pub fn submit_button(form: Form, words: &'static str, busy_words: &'static str) -> AnyView {
    view! {
        <button
            class="button button-primary"
            class:button-busy=flag(move || form.is_busy.get())
            aria-disabled=mark(move || form.is_busy.get())
        >
            {text(move || if form.is_busy.get() { busy_words } else { words })}
        </button>
    }
    .into_any()
}
