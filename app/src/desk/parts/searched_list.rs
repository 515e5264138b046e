//! A list of the server that is searched and comes page by page, and its file for a spreadsheet: what
//! is asked, what has come, and that only the answer to the latest question counts.
//!
//! Not here: the columns (pages).

use crate::api::Failure;
use crate::desk::api;
use crate::desk::session::{Session, use_session};
use crate::erased::{flag, mark, press, react, show, text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::de::DeserializeOwned;
use shared::management::{AttendeePage, AttendeeRow, OrderPage, OrderRow};

/// One page of a list as the server sends it.
pub trait Page: DeserializeOwned + Send + Sync + 'static {
    type Row: Clone;
    /// Its address below `/api/manage/{slug}/`, and with `.csv` that of its file.
    const LIST: &'static str;

    fn rows(&self) -> &[Self::Row];
    /// Puts the pages before it in front.
    fn follow(&mut self, before: Self);
    /// Where the next page begins.
    fn next(&self) -> Option<&str>;
}

impl Page for OrderPage {
    type Row = OrderRow;
    const LIST: &'static str = "orders";

    fn rows(&self) -> &[OrderRow] {
        &self.orders
    }
    fn follow(&mut self, before: Self) {
        self.orders.splice(0..0, before.orders);
    }
    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }
}

impl Page for AttendeePage {
    type Row = AttendeeRow;
    const LIST: &'static str = "attendees";

    fn rows(&self) -> &[AttendeeRow] {
        &self.attendees
    }
    fn follow(&mut self, before: Self) {
        self.attendees.splice(0..0, before.attendees);
    }
    fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }
}

/// What a page with a list remembers. `Copy`: its parts share it.
pub struct SearchedList<P: Page> {
    pub session: Session,
    /// What is typed, and what was asked.
    typed: RwSignal<String>,
    search: RwSignal<String>,
    /// The only status that is wanted; empty: all.
    pub status: RwSignal<String>,
    /// `None` until the server has answered.
    known: RwSignal<Option<P>>,
    is_busy: RwSignal<bool>,
    failure: RwSignal<Option<Failure>>,
    /// Only the answer to the latest question counts.
    question: StoredValue<u32>,
}

impl<P: Page> Clone for SearchedList<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: Page> Copy for SearchedList<P> {}

impl<P: Page> SearchedList<P> {
    /// Asks for everything, and again whenever the question changes.
    #[must_use]
    pub fn start() -> Self {
        let list = Self {
            session: use_session(),
            typed: RwSignal::new(String::new()),
            search: RwSignal::new(String::new()),
            status: RwSignal::new(String::new()),
            known: RwSignal::new(None),
            is_busy: RwSignal::new(true),
            failure: RwSignal::new(None),
            question: StoredValue::new(0),
        };
        react(move || {
            list.search.track();
            list.status.track();
            list.ask(String::new());
        });
        list
    }

    /// Reads something of what is known.
    pub fn read<T>(self, read: impl FnOnce(&P) -> T) -> Option<T> {
        self.known.with(|known| known.as_ref().map(read))
    }

    /// The rows that are known.
    #[must_use]
    pub fn rows(self) -> Vec<P::Row> {
        self.read(|page| page.rows().to_vec()).unwrap_or_default()
    }

    /// True when something was looked for.
    #[must_use]
    pub fn is_searched(self) -> bool {
        self.search.with(|search| !search.is_empty())
    }

    /// The page's heading, beside its file.
    pub fn head(self, title: &'static str) -> AnyView {
        let file = move || format!("/api/manage/{}/{}.csv", self.session.slug(), P::LIST);
        view! {
            <div class="desk-head">
                <h1 tabindex="-1">{title}</h1>
                <a class="button" href=text(file) download="">"Download as CSV"</a>
            </div>
        }
        .into_any()
    }

    /// The question: a text, and whatever else is asked.
    pub fn form(self, label: &'static str, besides: AnyView) -> AnyView {
        view! {
            <form
                class="desk-search"
                role="search"
                on:submit=move |event| {
                    event.prevent_default();
                    self.search.set(self.typed.get_untracked().trim().to_owned());
                }
            >
                <label class="field">
                    <span class="field-label">{label}</span>
                    <input
                        class="field-box"
                        type="search"
                        autocomplete="off"
                        spellcheck="false"
                        prop:value=text(move || self.typed.get())
                        on:input=move |event| self.typed.set(event_target_value(&event))
                    />
                </label>
                {besides}
                <button class="button button-primary">"Search"</button>
            </form>
        }
        .into_any()
    }

    /// The answer: a table, or why there is none.
    pub fn answer(
        self,
        nothing: impl Fn() -> &'static str + Copy + Send + Sync + 'static,
        table: impl Fn() -> AnyView + Send + Sync + 'static,
    ) -> AnyView {
        let is_there = move || self.read(|page| !page.rows().is_empty());
        let is_empty = move || {
            is_there() == Some(false) && !self.is_busy.get() && self.failure.with(Option::is_none)
        };
        view! {
            {show(move || self.failure.with(Option::is_some), move || view! {
                <p class="note note-look">
                    {text(move || self.failure.with(|it| it.as_ref().map(|it| it.sentence().to_owned())).unwrap_or_default())}
                    <button class="button" on:click=press(move || self.ask(String::new()))>"Try again"</button>
                </p>
            }.into_any())}
            {show(is_empty, move || view! { <p>{text(nothing)}</p> }.into_any())}
            {show(move || is_there() == Some(true), table)}
            {show(move || self.next().is_some(), move || view! {
                <p>
                    <button
                        class="button"
                        class:button-busy=flag(move || self.is_busy.get())
                        aria-disabled=mark(move || self.is_busy.get())
                        on:click=press(move || self.ask(untrack(|| self.next()).unwrap_or_default()))
                    >"Show more"</button>
                </p>
            }.into_any())}
        }
        .into_any()
    }

    fn next(self) -> Option<String> {
        self.read(|page| page.next().map(str::to_owned)).flatten()
    }

    /// Asks for the rows after a place; after the empty one from the beginning.
    fn ask(self, after: String) {
        let question = self.question.get_value() + 1;
        self.question.set_value(question);
        self.is_busy.set(true);
        self.failure.set(None);
        let path = untrack(|| self.path(&after));
        spawn_local(async move {
            let answer = api::get::<P>(&path).await;
            if self.question.try_get_value() != Some(question) {
                return;
            }
            self.is_busy.set(false);
            match answer {
                Ok(mut page) => self.known.update(|known| {
                    if let Some(before) = known.take().filter(|_| !after.is_empty()) {
                        page.follow(before);
                    }
                    *known = Some(page);
                }),
                Err(failure) if self.session.has_ended(&failure) => {}
                Err(failure) => self.failure.set(Some(failure)),
            }
        });
    }

    fn path(self, after: &str) -> String {
        let part = |text: &str| String::from(js_sys::encode_uri_component(text));
        let (slug, search) = (self.session.slug(), part(&self.search.get()));
        let mut path =
            format!("/api/manage/{slug}/{}?search={search}&after={}", P::LIST, part(after));
        let status = self.status.get();
        if !status.is_empty() {
            path.push_str("&status=");
            path.push_str(&status);
        }
        path
    }
}
