//! All orders, newest first: looked for by code, name or e-mail, and by status; as a file for a
//! spreadsheet, too. Asked for once per question; the dashboard is what moves.

use crate::api::Failure;
use crate::components::order_summary::total_words;
use crate::dates;
use crate::desk::api;
use crate::desk::arrival::arrive;
use crate::desk::order_words::{FILTERS, words};
use crate::desk::session::{Session, use_session};
use crate::erased::{block, each, flag, mark, press, react, show, text};
use crate::format;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::management::{OrderPage, OrderRow};
use shared::views::OrderStatus;

/// What the page itself remembers.
#[derive(Clone, Copy)]
struct Looking {
    session: Session,
    /// What is typed, and what was asked.
    typed: RwSignal<String>,
    search: RwSignal<String>,
    status: RwSignal<String>,
    rows: RwSignal<Vec<OrderRow>>,
    next: RwSignal<Option<String>>,
    is_busy: RwSignal<bool>,
    failure: RwSignal<Option<Failure>>,
    /// Only the answer to the latest question counts.
    question: StoredValue<u32>,
}

/// The page.
#[component]
pub fn OrdersPage() -> impl IntoView {
    let session = use_session();
    arrive(|| "Orders".to_owned(), || false);
    let looking = Looking {
        session,
        typed: RwSignal::new(String::new()),
        search: RwSignal::new(String::new()),
        status: RwSignal::new(String::new()),
        rows: RwSignal::new(Vec::new()),
        next: RwSignal::new(None),
        is_busy: RwSignal::new(true),
        failure: RwSignal::new(None),
        question: StoredValue::new(0),
    };
    react(move || {
        looking.search.track();
        looking.status.track();
        looking.ask(String::new());
    });
    let file = move || format!("/api/manage/{}/orders.csv", session.slug());
    view! {
        <div class="main desk-page">
            <div class="desk-head">
                <h1 tabindex="-1">"Orders"</h1>
                <a class="button" href=text(file) download="">"Download as CSV"</a>
            </div>
            {looking.form()}
            {looking.answer()}
        </div>
    }
}

impl Looking {
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
                    <span class="field-label">"Code, name or email"</span>
                    <input
                        class="field-box"
                        type="search"
                        autocomplete="off"
                        spellcheck="false"
                        prop:value=text(move || self.typed.get())
                        on:input=move |event| self.typed.set(event_target_value(&event))
                    />
                </label>
                <div class="field">
                    <label class="field-label" for="status">"Status"</label>
                    <select
                        class="field-box"
                        id="status"
                        on:change=move |event| self.status.set(event_target_value(&event))
                    >
                        {each(FILTERS, |(value, name)| {
                            view! { <option value=value>{name}</option> }.into_any()
                        })}
                    </select>
                </div>
                <button class="button button-primary">"Search"</button>
            </form>
        }
    }

    fn answer(self) -> impl IntoView {
        let is_empty = move || {
            self.rows.with(Vec::is_empty)
                && !self.is_busy.get()
                && self.failure.with(Option::is_none)
        };
        view! {
            {show(move || self.failure.with(Option::is_some), move || view! {
                <p class="note note-look">
                    {text(move || self.failure.with(|it| it.as_ref().map(|it| it.sentence().to_owned())).unwrap_or_default())}
                    <button class="button" on:click=press(move || self.ask(String::new()))>"Try again"</button>
                </p>
            }.into_any())}
            {show(is_empty, || view! {
                <p>"No order fits. Orders appear here as they come in."</p>
            }.into_any())}
            {show(move || self.rows.with(|rows| !rows.is_empty()), move || self.table())}
            {show(move || self.next.with(Option::is_some), move || view! {
                <p>
                    <button
                        class="button"
                        class:button-busy=flag(move || self.is_busy.get())
                        aria-disabled=mark(move || self.is_busy.get())
                        on:click=press(move || self.ask(self.next.get_untracked().unwrap_or_default()))
                    >"Show more"</button>
                </p>
            }.into_any())}
        }
    }

    fn table(self) -> AnyView {
        view! {
            <table class="desk-table">
                <caption class="unseen">"Orders, newest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Order"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col" class="desk-number">"Seats"</th>
                        <th scope="col" class="desk-number">"Total"</th>
                        <th scope="col">"Placed"</th>
                    </tr>
                </thead>
                <tbody>
                    {block(move || each(self.rows.get(), |row| line(self.session, row)))}
                </tbody>
            </table>
        }
        .into_any()
    }

    /// Asks for the orders after a place; after the empty one from the beginning.
    fn ask(self, after: String) {
        let question = self.question.get_value() + 1;
        self.question.set_value(question);
        self.is_busy.set(true);
        self.failure.set(None);
        let part = |text: &str| String::from(js_sys::encode_uri_component(text));
        let path = untrack(|| {
            let (search, status) = (self.search.get(), self.status.get());
            let slug = self.session.slug();
            let (search, after) = (part(&search), part(&after));
            format!("/api/manage/{slug}/orders?search={search}&status={status}&after={after}")
        });
        spawn_local(async move {
            let answer = api::get::<OrderPage>(&path).await;
            if self.question.try_get_value() != Some(question) {
                return;
            }
            self.is_busy.set(false);
            match answer {
                Ok(page) => {
                    let is_more = !after.is_empty();
                    self.rows.update(|rows| {
                        if !is_more {
                            rows.clear();
                        }
                        rows.extend(page.orders);
                    });
                    self.next.set(page.next);
                }
                Err(failure) if self.session.has_ended(&failure) => {}
                Err(failure) => self.failure.set(Some(failure)),
            }
        });
    }
}

fn line(session: Session, row: OrderRow) -> AnyView {
    let who = if row.name.is_empty() { "Not known yet".to_owned() } else { row.name };
    let is_confirmed = row.status == OrderStatus::Confirmed;
    let href = untrack(|| session.path(&format!("orders/{}", row.id)));
    let placed = move || dates::day_and_time(row.placed_at, &session.zone());
    view! {
        <tr>
            <th scope="row"><a href=href>{row.access_code.to_string()}</a></th>
            <td>{who} <span class="desk-soft">{row.email}</span></td>
            <td>
                <span class="desk-state" class:desk-state-public=is_confirmed>{words(row.status)}</span>
            </td>
            <td class="desk-number">{format::seats(row.seats)}</td>
            <td class="desk-number">{total_words(row.total)}</td>
            <td data-label="Placed: ">{text(placed)}</td>
        </tr>
    }
    .into_any()
}
