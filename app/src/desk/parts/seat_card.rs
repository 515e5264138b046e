//! One bought seat as a card: three boxes, what state it is in, and what can be done about it. It saves
//! itself when it is complete and left; *Save* and Enter do the same at once.
//!
//! Not here: what saving does (`desk/seats.rs`), and what a state means (`desk/seat_draft.rs`).

use crate::browser;
use crate::dates;
use crate::desk::seat_draft::{Draft, FIELDS, Intent, Phase, line_of};
use crate::desk::seats::Seats;
use crate::erased::{block, each, either, flag, mark, memo, press, show, text};
use leptos::{html, prelude::*};
use shared::refusal::FieldProblem;
use wasm_bindgen::JsCast;
use web_sys::{FocusEvent, Node};

/// A card with what it remembers itself.
#[derive(Clone, Copy)]
struct Card {
    seats: Seats,
    position: u32,
    draft: RwSignal<Draft>,
    /// Boxes that were changed and left, or all of them after pressing *Save*.
    checked: RwSignal<[bool; 3]>,
    form: NodeRef<html::Form>,
}

/// Where a box of a card is found.
#[must_use]
pub fn box_id(position: u32, field: &str) -> String {
    format!("seat-{position}-{field}")
}

/// The card of a position; `place` as in "Seat 1 of 4".
pub fn seat_card(seats: Seats, position: u32, place: String) -> AnyView {
    let Some(draft) = seats.draft(position) else { return ().into_any() };
    let checked = RwSignal::new([false; 3]);
    let card = Card { seats, position, draft, checked, form: NodeRef::new() };
    let chip = memo(move || draft.with(Draft::chip));
    let is_admitted =
        memo(move || seats.seat(position, |seat| seat.admitted_at.is_some()).unwrap_or_default());
    let is_fixed = memo(move || is_admitted.get() || seats.is_closed());
    let title = format!("seat-{position}-title");
    view! {
        <li class="seat-place" aria-labelledby=title>
            <div class="seat-place-head">
                <h3 class="seat-place-title" id=title.clone()>{place}</h3>
                <p
                    class="chip"
                    class:chip-good=flag(move || chip.get() == "Assigned")
                    class:chip-look=flag(move || chip.get() == "Not sent yet")
                >
                    {text(move || if is_admitted.get() { "Admitted" } else { chip.get() })}
                </p>
            </div>
            {either(move || is_fixed.get(), move || card.fixed(), move || card.form())}
        </li>
    }
    .into_any()
}

impl Card {
    /// What cannot be changed any more.
    fn fixed(self) -> AnyView {
        let who = move || {
            let seated = self.draft.with(|draft| draft.seated().map(line_of));
            seated.unwrap_or_else(|| "Nobody was named.".to_owned())
        };
        let too_late = move || self.draft.with(Draft::lost_words).unwrap_or_default();
        let admitted = move || {
            let at = self.seats.seat(self.position, |seat| seat.admitted_at).flatten();
            at.map(|at| format!("Admitted {}", dates::day_and_time(at, &self.seats.order.zone())))
        };
        view! {
            <p>{text(who)}</p>
            <p class="desk-soft">{text(move || admitted().unwrap_or_default())}</p>
            <p class="seat-place-note">{text(too_late)}</p>
        }
        .into_any()
    }

    fn form(self) -> AnyView {
        let left = move |event: FocusEvent| {
            let goes_to = event.related_target().and_then(|it| it.dyn_into::<Node>().ok());
            // Absent when the card goes while somebody types in it: the browser tells that, too.
            let form = self.form.try_get_untracked().flatten();
            let stays = form.is_some_and(|it| it.contains(goes_to.as_ref()));
            if !stays {
                // A press on the button of another card comes first.
                browser::when_released(Box::new(move || self.seats.leave(self.position)));
            }
        };
        view! {
            <form
                class="seat-place-form"
                novalidate
                node_ref=self.form
                on:focusout=left
                on:submit=move |event| {
                    event.prevent_default();
                    self.save_and_go_on();
                }
            >
                <div class="seat-place-boxes">
                    {each(FIELDS.into_iter().enumerate(), |(index, (field, label))| {
                        self.text_box(index, field, label)
                    })}
                </div>
                <div class="seat-place-foot">
                    {self.acts()}
                    {self.notes()}
                </div>
            </form>
        }
        .into_any()
    }

    fn text_box(self, index: usize, field: &'static str, label: &'static str) -> AnyView {
        let id = box_id(self.position, field);
        let error_id = format!("{id}-error");
        let error = memo(move || self.error(index, field));
        let described = {
            let error_id = error_id.clone();
            move || error.with(Option::is_some).then(|| error_id.clone())
        };
        let is_email = field == "email";
        view! {
            <div class="field" class:field-wrong=flag(move || error.with(Option::is_some))>
                <label class="field-label" for=id.clone()>{label}</label>
                {block(move || {
                    let words = error.get()?;
                    Some(view! { <p class="field-error" id=error_id.clone()>{words}</p> })
                })}
                <input
                    class="field-box"
                    id=id
                    type=if is_email { "email" } else { "text" }
                    autocomplete="off"
                    spellcheck="false"
                    autocapitalize=if is_email { "none" } else { "words" }
                    enterkeyhint="next"
                    aria-describedby=described
                    aria-invalid=mark(move || error.with(Option::is_some))
                    prop:value=text(move || self.draft.with(|draft| draft.text(index).to_owned()))
                    on:input=move |event| {
                        let typed = event_target_value(&event);
                        self.draft.update(|draft| draft.types(index, typed));
                    }
                    on:blur=move |_| browser::when_released(Box::new(move || {
                        let is_filled = self.draft.try_with_untracked(|draft| !draft.text(index).trim().is_empty());
                        if is_filled == Some(true) {
                            self.checked.update(|checked| checked[index] = true);
                        }
                    }))
                />
            </div>
        }
        .into_any()
    }

    fn error(self, index: usize, field: &str) -> Option<String> {
        if !self.checked.get()[index] {
            return None;
        }
        let Intent::Incomplete(problems) = self.draft.with(Draft::intent) else { return None };
        let of_field = problems.into_iter().find(|problem| problem.field == field);
        of_field.map(|FieldProblem { message, .. }| message)
    }

    /// What is worth knowing about this seat: a warning, what another device did, why it failed.
    fn notes(self) -> impl IntoView {
        let note = move || {
            let own = self.draft.with(|draft| match &draft.phase {
                Phase::Refused(words) => {
                    let kept = draft.rejected().map(line_of);
                    let kept = kept.map(|who| format!(" You typed {who}.")).unwrap_or_default();
                    Some(format!("{words}{kept}"))
                }
                Phase::NotSent => Some("Nobody answered. What you typed is still here.".to_owned()),
                Phase::Idle | Phase::Saving | Phase::Answered(_) => {
                    draft.news.clone().or_else(|| draft.warning())
                }
            });
            let twice = || {
                let words = "This address has another seat of this type, too.";
                self.seats.is_twice(self.position).then(|| words.to_owned())
            };
            own.or_else(twice).unwrap_or_default()
        };
        let can_try_again = move || self.draft.with(|draft| draft.rejected().is_some());
        let is_leaving = move || self.seats.leaving.get() == Some(self.position);
        view! {
            {either(is_leaving, move || view! {
                <p class="seat-place-note">
                    "The name comes off in 10 seconds. "
                    <button
                        type="button"
                        class="button"
                        id=format!("seat-{}-undo", self.position)
                        on:click=press(move || {
                            self.seats.undo();
                            self.focus("given_name");
                        })
                    >
                        "Undo"
                    </button>
                </p>
            }.into_any(), move || view! {
                <p class="seat-place-note">
                    <span>{text(note)}</span>
                    {show(can_try_again, move || view! {
                        <button
                            type="button"
                            class="button"
                            on:click=press(move || self.seats.try_again(self.position))
                        >
                            "Try again"
                        </button>
                    }.into_any())}
                </p>
            }.into_any())}
        }
    }

    fn acts(self) -> impl IntoView {
        let is_changed = memo(move || self.draft.with(Draft::is_changed));
        let can_save =
            memo(move || is_changed.get() || self.draft.with(|draft| draft.seated().is_none()));
        let is_busy = move || self.draft.with(Draft::is_on_its_way);
        let words = move || match self.draft.with(|draft| (draft.intent(), draft.phase.clone())) {
            (_, Phase::NotSent) => "Send",
            (Intent::Reassign(_), _) => "Give the seat away",
            _ => "Save",
        };
        let is_first_open = memo(move || self.seats.open().first() == Some(&self.position));
        let can_leave = memo(move || {
            let is_seated = self.draft.with(|draft| draft.seated().is_some());
            is_seated && !is_changed.get() && self.seats.leaving.get() != Some(self.position)
        });
        let place = self.position + 1;
        view! {
            <div class="acts">
                {show(move || can_save.get(), move || view! {
                    <button
                        class="button"
                        class:button-primary=flag(move || is_changed.get())
                        class:button-busy=flag(is_busy)
                        aria-disabled=mark(is_busy)
                        aria-label=text(move || format!("{}, seat {place}", words()))
                    >
                        {text(words)}
                    </button>
                }.into_any())}
                {show(move || is_first_open.get(), move || view! {
                    <button
                        type="button"
                        class="button"
                        on:click=press(move || {
                            self.seats.take_it_myself(self.position);
                            self.focus("given_name");
                        })
                    >
                        "Use my details"
                    </button>
                }.into_any())}
                {show(move || can_leave.get(), move || view! {
                    <button
                        type="button"
                        class="button button-quiet"
                        aria-label=format!("Take the name off seat {place}")
                        on:click=press(move || {
                            self.seats.take_off(self.position);
                            self.focus("undo");
                        })
                    >
                        "Take the name off"
                    </button>
                }.into_any())}
            </div>
        }
    }

    fn focus(self, part: &str) {
        let id = box_id(self.position, part);
        request_animation_frame(move || browser::focus_id(&id));
    }

    fn save_and_go_on(self) {
        self.checked.set([true; 3]);
        if self.draft.with_untracked(Draft::is_on_its_way) {
            return;
        }
        if self.seats.save(self.position) {
            self.checked.set([false; 3]);
            let next = self.seats.draft(self.position + 1).map(|_| self.position + 1);
            let id = box_id(next.unwrap_or(self.position), FIELDS[0].0);
            request_animation_frame(move || browser::focus_id(&id));
        } else if let Intent::Incomplete(problems) = self.draft.with_untracked(Draft::intent)
            && let Some(first) = problems.first()
        {
            browser::focus_id(&box_id(self.position, &first.field));
        }
    }
}
