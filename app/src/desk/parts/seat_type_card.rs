//! One seat type as its owner sees it: what it is, how it sells, and what can be done with it.

use crate::api::Failure;
use crate::browser;
use crate::components::availability::{CapacityBar, percent};
use crate::components::order_summary::total_words;
use crate::dates;
use crate::desk::api;
use crate::desk::parts::ask_once::{AskOnce, Words};
use crate::desk::parts::quota_box::QuotaBox;
use crate::desk::session::{Session, use_session};
use crate::erased::{follow, memo, press, show, text};
use crate::fact::Fact;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::management::DeleteSeatType;
use shared::views::SeatTypeView;
use shared::{CommandId, RefusalCode, SeatTypeId};

const REMOVE: Words = Words { title: "Remove this seat type?", yes: "Remove it", no: "Keep it" };

/// When it is sold, for instance `On sale until 3 May, 10:00 (CEST)`.
#[must_use]
pub fn window_words(opens: Option<&str>, ends: Option<&str>) -> String {
    match (opens, ends) {
        (None, None) => "On sale at any time".to_owned(),
        (Some(opens), None) => format!("On sale from {opens}"),
        (None, Some(ends)) => format!("On sale until {ends}"),
        (Some(opens), Some(ends)) => format!("On sale from {opens} until {ends}"),
    }
}

/// The card.
#[component]
pub fn SeatTypeCard(id: SeatTypeId, edit: Callback<SeatTypeId>) -> impl IntoView {
    let session = use_session();
    let seat_type = memo(move || session.conference(|view| view.seat_type(id).cloned()).flatten());
    let read = move |read: fn(&SeatTypeView) -> String| {
        text(move || seat_type.with(|it| it.as_ref().map(read)).unwrap_or_default())
    };
    let share = move |part: fn(&SeatTypeView) -> u32| {
        follow(move || {
            let of = |it: &SeatTypeView| percent(part(it), it.quota);
            seat_type.with(|it| it.as_ref().map(of)).unwrap_or_default()
        })
    };
    let window = move || {
        let zone = session.zone();
        let day = |at| dates::day_and_time(at, &zone);
        let of = |it: &SeatTypeView| {
            let (opens, ends) = (it.sale_starts_at.map(day), it.sale_ends_at.map(day));
            window_words(opens.as_deref(), ends.as_deref())
        };
        seat_type.with(|it| it.as_ref().map(of)).unwrap_or_default()
    };
    view! {
        <li class="desk-panel seat-type-card">
            <div class="seat-type-card-head">
                <h2 class="seat-type-card-name">{read(|it| it.name.clone())}</h2>
                <p class="seat-type-card-price">{read(|it| total_words(it.price))}</p>
            </div>
            <p class="seat-type-card-facts">
                {read(|it| if it.description.is_empty() { String::new() } else { format!("{} · ", it.description) })}
                {text(window)} " · " {read(|it| format!("at most {} in one order", it.per_order_max))}
            </p>
            <dl class="seat-type-card-numbers">
                <div><dt>"Sold"</dt><dd>{read(|it| it.sold.to_string())}</dd></div>
                <div><dt>"Held"</dt><dd>{read(|it| it.held.to_string())}</dd></div>
                <div><dt>"Left"</dt><dd>{read(|it| it.remaining().to_string())}</dd></div>
            </dl>
            <CapacityBar sold=share(|it| it.sold) held=share(|it| it.held) />
            <div class="seat-type-card-foot">
                <QuotaBox id=id seat_type=seat_type />
                <div class="acts">
                    <button
                        class="button"
                        id=format!("edit-{id}")
                        aria-label=text(move || format!("Edit {}", name_of(seat_type)))
                        on:click=press(move || edit.run(id))
                    >"Edit"</button>
                    {removal(session, id, seat_type)}
                </div>
            </div>
        </li>
    }
}

fn name_of(seat_type: Fact<Option<SeatTypeView>>) -> String {
    seat_type.with(|it| it.as_ref().map(|it| it.name.clone())).unwrap_or_default()
}

/// Only what nobody has can be removed; for the rest the button is not offered.
fn removal(session: Session, id: SeatTypeId, seat_type: Fact<Option<SeatTypeView>>) -> AnyView {
    let (is_asked, failure) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let is_free =
        move || seat_type.with(|it| it.as_ref().is_some_and(|it| it.sold == 0 && it.held == 0));
    let remove = move || {
        let conference = untrack(|| session.slug());
        let name = untrack(|| name_of(seat_type));
        spawn_local(async move {
            let command_id = CommandId(browser::fresh_id());
            match api::send(&DeleteSeatType { command_id, conference, seat_type: id }).await {
                // Gone already: by another tab, or by an answer that was lost.
                Ok(_) => session.announcer.polite(&format!("{name} removed.")),
                Err(Failure::Refused(problem)) if problem.code == RefusalCode::SeatTypeUnknown => {}
                Err(reason) if session.has_ended(&reason) => {}
                Err(reason) => {
                    let _ = failure.try_set(Some(reason.sentence().to_owned()));
                }
            }
            session.live.refresh();
            browser::focus_soon("h1");
        });
    };
    view! {
        {show(is_free, move || view! {
            <button
                class="button button-quiet"
                aria-label=text(move || format!("Remove {}", name_of(seat_type)))
                on:click=press(move || is_asked.set(true))
            >"Remove"</button>
        }.into_any())}
        <AskOnce words=REMOVE is_open=is_asked act=Callback::new(move |()| remove())>
            <p>{text(move || format!("Nobody has a seat of {} yet. It will disappear from every page.", name_of(seat_type)))}</p>
        </AskOnce>
        {show(move || failure.with(Option::is_some), move || view! {
            <p class="field-error">{text(move || failure.get().unwrap_or_default())}</p>
        }.into_any())}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sale_has_a_beginning_an_end_both_or_neither() {
        assert_eq!(window_words(None, None), "On sale at any time");
        assert_eq!(window_words(Some("1 May"), None), "On sale from 1 May");
        assert_eq!(window_words(None, Some("3 May")), "On sale until 3 May");
        assert_eq!(window_words(Some("1 May"), Some("3 May")), "On sale from 1 May until 3 May");
    }
}
