//! Who comes, and who has come: every named seat, to be searched, and as a file for a spreadsheet.

use crate::api::Failure;
use crate::dates;
use crate::desk::api;
use crate::desk::arrival::arrive;
use crate::desk::session::{Session, use_session};
use crate::desk::totals::digits;
use crate::erased::{block, each, flag, mark, press, react, show, text};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::management::{AttendeePage, AttendeeRow};

/// What the page itself remembers.
#[derive(Clone, Copy)]
struct Looking {
    session: Session,
    /// What is typed, and what was asked.
    typed: RwSignal<String>,
    search: RwSignal<String>,
    /// `None` until the server has answered.
    known: RwSignal<Option<AttendeePage>>,
    is_busy: RwSignal<bool>,
    failure: RwSignal<Option<Failure>>,
    /// Only the answer to the latest question counts.
    question: StoredValue<u32>,
}

/// The page.
#[component]
pub fn AttendeesPage() -> impl IntoView {
    let session = use_session();
    arrive(|| "Attendees".to_owned(), || false);
    let looking = Looking {
        session,
        typed: RwSignal::new(String::new()),
        search: RwSignal::new(String::new()),
        known: RwSignal::new(None),
        is_busy: RwSignal::new(true),
        failure: RwSignal::new(None),
        question: StoredValue::new(0),
    };
    react(move || {
        looking.search.track();
        looking.ask(String::new());
    });
    let file = move || format!("/api/manage/{}/attendees.csv", session.slug());
    let counts = move || {
        let words = |page: &AttendeePage| {
            format!("{} named, {} admitted", digits(page.assigned), digits(page.admitted))
        };
        looking.read(words).unwrap_or_else(|| "Looking them up…".to_owned())
    };
    view! {
        <div class="main desk-page">
            <div class="desk-head">
                <h1 tabindex="-1">"Attendees"</h1>
                <a class="button" href=text(file) download="">"Download as CSV"</a>
            </div>
            <p class="desk-soft">{text(counts)}</p>
            {looking.form()}
            {looking.answer()}
        </div>
    }
}

impl Looking {
    /// Reads something of what is known.
    fn read<T>(self, read: impl FnOnce(&AttendeePage) -> T) -> Option<T> {
        self.known.with(|known| known.as_ref().map(read))
    }

    fn form(self) -> impl IntoView {
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
                    <span class="field-label">"Name, email or order"</span>
                    <input
                        class="field-box"
                        type="search"
                        autocomplete="off"
                        spellcheck="false"
                        prop:value=text(move || self.typed.get())
                        on:input=move |event| self.typed.set(event_target_value(&event))
                    />
                </label>
                <button class="button button-primary">"Search"</button>
            </form>
        }
    }

    fn answer(self) -> impl IntoView {
        let is_empty = move || {
            self.read(|page| page.attendees.is_empty()).unwrap_or_default()
                && !self.is_busy.get()
                && self.failure.with(Option::is_none)
        };
        let empty_words = move || {
            if self.search.with(String::is_empty) {
                "Nobody yet. Names appear here when registrants give them."
            } else {
                "Nobody fits."
            }
        };
        view! {
            {show(move || self.failure.with(Option::is_some), move || view! {
                <p class="note note-look">
                    {text(move || self.failure.with(|it| it.as_ref().map(|it| it.sentence().to_owned())).unwrap_or_default())}
                    <button class="button" on:click=press(move || self.ask(String::new()))>"Try again"</button>
                </p>
            }.into_any())}
            {show(is_empty, move || view! { <p>{text(empty_words)}</p> }.into_any())}
            {show(
                move || self.read(|page| !page.attendees.is_empty()).unwrap_or_default(),
                move || self.table(),
            )}
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
    }

    /// Where the next page begins.
    fn next(self) -> Option<String> {
        self.read(|page| page.next.clone()).flatten()
    }

    fn table(self) -> AnyView {
        view! {
            <table class="desk-table">
                <caption class="unseen">"Attendees, by seat type and name"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Who"</th>
                        <th scope="col">"Email"</th>
                        <th scope="col">"Seat"</th>
                        <th scope="col">"Order"</th>
                        <th scope="col">"Admitted"</th>
                    </tr>
                </thead>
                <tbody>
                    {block(move || each(
                        self.read(|page| page.attendees.clone()).unwrap_or_default(),
                        |row| line(self.session, row),
                    ))}
                </tbody>
            </table>
        }
        .into_any()
    }

    /// Asks for the attendees after a place; after the empty one from the beginning.
    fn ask(self, after: String) {
        let question = self.question.get_value() + 1;
        self.question.set_value(question);
        self.is_busy.set(true);
        self.failure.set(None);
        let part = |text: &str| String::from(js_sys::encode_uri_component(text));
        let path = untrack(|| {
            let (slug, search) = (self.session.slug(), part(&self.search.get()));
            format!("/api/manage/{slug}/attendees?search={search}&after={}", part(&after))
        });
        spawn_local(async move {
            let answer = api::get::<AttendeePage>(&path).await;
            if self.question.try_get_value() != Some(question) {
                return;
            }
            self.is_busy.set(false);
            match answer {
                Ok(mut page) => self.known.update(|known| {
                    let before = known.take().filter(|_| !after.is_empty());
                    let before = before.map(|known| known.attendees).unwrap_or_default();
                    page.attendees.splice(0..0, before);
                    *known = Some(page);
                }),
                Err(failure) if self.session.has_ended(&failure) => {}
                Err(failure) => self.failure.set(Some(failure)),
            }
        });
    }
}

fn line(session: Session, row: AttendeeRow) -> AnyView {
    let href = untrack(|| session.path(&format!("orders/{}", row.order_id)));
    let admitted = move || match row.admitted_at {
        Some(at) => dates::day_and_time(at, &session.zone()),
        None => "Not yet".to_owned(),
    };
    view! {
        <tr>
            <th scope="row">{row.given_name} " " {row.family_name}</th>
            <td>{row.email}</td>
            <td>{row.seat_type}</td>
            <td><a href=href>{row.access_code.to_string()}</a></td>
            <td data-label="Admitted: ">{text(admitted)}</td>
        </tr>
    }
    .into_any()
}
