//! What just happened, newest first. While somebody reads, nothing is inserted under the eyes: a button
//! says how many are new.
//!
//! Not here: which happenings there are (`desk/happenings.rs`).

use crate::dates;
use crate::desk::happenings::{FILTERS, Happenings};
use crate::desk::watching::Watching;
use crate::erased::{each, keyed, memo, press, react, show, text};
use leptos::{ev, html, prelude::*};
use shared::Timestamp;
use shared::dashboard::{Happening, HappeningKind};
use wasm_bindgen::JsCast;
use web_sys::{FocusEvent, Node};

/// Older ones say their day, too.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What the list itself remembers.
#[derive(Clone, Copy)]
struct Reading {
    watching: Watching,
    kind: RwSignal<Option<HappeningKind>>,
    body: NodeRef<html::Div>,
    list: NodeRef<html::Div>,
    is_hovered: RwSignal<bool>,
    is_focused: RwSignal<bool>,
    is_scrolled: RwSignal<bool>,
}

/// The list with its filter.
#[component]
pub fn HappeningsList(watching: Watching) -> impl IntoView {
    let reading = Reading {
        watching,
        kind: RwSignal::new(None),
        body: NodeRef::new(),
        list: NodeRef::new(),
        is_hovered: RwSignal::new(false),
        is_focused: RwSignal::new(false),
        is_scrolled: RwSignal::new(false),
    };
    react(move || {
        let is_reading =
            reading.is_hovered.get() || reading.is_focused.get() || reading.is_scrolled.get();
        watching.is_reading.set(is_reading);
    });
    view! {
        <section class="desk-panel happenings" aria-labelledby="happenings">
            <div class="desk-head">
                <h2 id="happenings">"What just happened"</h2>
                {reading.filter()}
            </div>
            {reading.body()}
        </section>
    }
}

impl Reading {
    fn filter(self) -> impl IntoView {
        let choose = move |event| {
            let chosen = event_target_value(&event);
            let known = FILTERS.into_iter().find(|(words, _)| *words == chosen);
            self.kind.set(known.and_then(|(_, kind)| kind));
        };
        view! {
            <select class="field-box happenings-filter" aria-label="Show" on:change=choose>
                {each(FILTERS, |(words, _)| view! { <option value=words>{words}</option> }.into_any())}
            </select>
        }
    }

    /// The list and the button over it: on the way to the button nobody stops reading. A browser tells
    /// of the focus that leaves also when all this has gone from the page, signals and all.
    fn body(self) -> impl IntoView {
        let left = move |event: FocusEvent| {
            let goes_to = event.related_target().and_then(|it| it.dyn_into::<Node>().ok());
            let body = self.body.try_get_untracked().flatten();
            let stays = body.is_some_and(|body| body.contains(goes_to.as_ref()));
            let _ = self.is_focused.try_set(stays);
        };
        view! {
            <div
                class="happenings-body"
                node_ref=self.body
                on:pointerenter=move |event| {
                    let _ = self.is_hovered.try_set(event.pointer_type() == "mouse");
                }
                on:pointerleave=move |_| {
                    let _ = self.is_hovered.try_set(false);
                }
                on:focusin=move |_| {
                    let _ = self.is_focused.try_set(true);
                }
                on:focusout=left
            >
                {self.news()}
                {self.scrolled_list()}
            </div>
        }
    }

    /// It scrolls by itself, so it can be focused and scrolled by keys.
    fn scrolled_list(self) -> impl IntoView {
        let shown = memo(move || self.watching.happenings.with(|list| list.shown(self.kind.get())));
        let scrolled = move |_: ev::Event| {
            let list = self.list.try_get_untracked().flatten();
            let _ = self.is_scrolled.try_set(list.is_some_and(|list| 0 < list.scroll_top()));
        };
        view! {
            <div
                class="happenings-list"
                node_ref=self.list
                tabindex="0"
                role="group"
                aria-label="Newest first"
                on:scroll=scrolled
            >
                {show(move || shown.with(Vec::is_empty), || view! {
                    <p class="desk-soft">"Nothing yet. Orders appear here as they come in."</p>
                }.into_any())}
                <ol>{keyed(shown, move |position| self.line(position))}</ol>
                {self.earlier()}
            </div>
        }
    }

    /// A line never changes, so it is made once: its time takes a while to write.
    fn line(self, position: u64) -> AnyView {
        let found =
            self.watching.happenings.with_untracked(|happenings| happenings.at(position).cloned());
        let Some(Happening { at, kind, words, order_id, .. }) = found else {
            return ().into_any();
        };
        let session = self.watching.session;
        let words = match order_id {
            Some(id) => {
                let href = untrack(|| session.path(&format!("orders/{id}")));
                view! { <a href=href>{words}</a> }.into_any()
            }
            None => view! { <span>{words}</span> }.into_any(),
        };
        view! {
            <li class=format!("happening happening-{}", class_of(kind))>
                <time class="happening-time" datetime=dates::iso(at)>{self.when(at)}</time>
                {words}
            </li>
        }
        .into_any()
    }

    fn when(self, at: Timestamp) -> String {
        let session = self.watching.session;
        let (zone, now) = untrack(|| (session.zone(), session.live.now.get()));
        let time = dates::time(at, &zone);
        if now.0 - at.0 < DAY_MS { time } else { format!("{}, {time}", dates::day_of(at, &zone)) }
    }

    /// Below the list, so that nothing of it moves.
    fn earlier(self) -> AnyView {
        let watching = self.watching;
        show(
            move || watching.is_incomplete.get(),
            move || {
                view! {
                    <p class="happenings-missing">
                        "Can't load earlier ones. "
                        <button class="button" on:click=press(move || watching.session.live.refresh())>
                            "Retry"
                        </button>
                    </p>
                }
                .into_any()
            },
        )
    }

    /// It lies over the list, so that nothing moves when it comes.
    fn news(self) -> impl IntoView {
        let waiting = memo(move || {
            let count = self.watching.happenings.with(|list| list.waiting(self.kind.get()));
            if self.watching.is_paused() { 0 } else { count }
        });
        let catch_up = move || {
            self.watching.happenings.update(Happenings::catch_up);
            if let Some(list) = self.list.get_untracked() {
                list.set_scroll_top(0);
                // The button goes; the focus must not fall out of the page with it.
                let _ = list.focus();
            }
        };
        view! {
            <p class="happenings-news">
                {show(move || 0 < waiting.get(), move || view! {
                    <button class="button" on:click=press(catch_up)>
                        {text(move || format!("{} new", waiting.get()))}
                    </button>
                }.into_any())}
            </p>
        }
    }
}

const fn class_of(kind: HappeningKind) -> &'static str {
    match kind {
        HappeningKind::Sale => "sale",
        HappeningKind::Order => "order",
        HappeningKind::Payment => "payment",
        HappeningKind::Attendee => "attendee",
        HappeningKind::Settings => "settings",
    }
}
