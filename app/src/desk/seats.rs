//! All seats of a registrant's order while names are given: which drafts there are, and saving them one
//! by one. Pages and parts take it as a value.
//!
//! Not here: what a draft means (`seat_draft.rs`).

use super::my_order::MyOrder;
use super::seat_draft::{Draft, Intent, Phase, attendee_of, is_same_address};
use crate::api::Failure;
use crate::browser;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::commands::{AssignSeat, Attendee, BrowserCommand, UnassignSeat};
use shared::views::{OrderView, SeatView};

/// A name that was taken off can be put back so long.
pub const UNDO_MS: i64 = 10_000;
/// What a push has not brought this long after an answer is asked for.
const ASK_AFTER_MS: i64 = 1_500;

/// The seats, by position. `Copy`: parts pass it around.
#[derive(Clone, Copy)]
pub struct Seats {
    pub order: MyOrder,
    drafts: StoredValue<Vec<RwSignal<Draft>>>,
    /// The position whose name comes off soon, unless it is undone.
    pub leaving: RwSignal<Option<u32>>,
    leavings: StoredValue<u32>,
}

impl Seats {
    /// Drafts for every seat of the view that is known now; they follow the views that come.
    #[must_use]
    pub fn of(order: MyOrder) -> Self {
        let seats = untrack(|| order.view(|view| view.seats.clone())).unwrap_or_default();
        let drafts = seats.into_iter().map(|seat| RwSignal::new(Draft::of(seat.attendee)));
        let seats = Self {
            order,
            drafts: StoredValue::new(drafts.collect()),
            leaving: RwSignal::new(None),
            leavings: StoredValue::new(0),
        };
        order.on_view(move |view, position| seats.follow(view, position));
        // Whoever goes to another page does not wait for the ten seconds.
        on_cleanup(move || seats.take_off_now());
        seats
    }

    fn follow(self, view: &OrderView, position: u64) {
        for seat in &view.seats {
            if let Some(draft) = self.draft(seat.position) {
                draft.maybe_update(|draft| draft.shows(seat.attendee.clone(), position));
            }
        }
    }

    /// The draft of a position.
    #[must_use]
    pub fn draft(self, position: u32) -> Option<RwSignal<Draft>> {
        let index = usize::try_from(position).ok()?;
        self.drafts.try_with_value(|drafts| drafts.get(index).copied()).flatten()
    }

    /// Reads a seat as the server has it.
    pub fn seat<T>(self, position: u32, read: impl FnOnce(&SeatView) -> T) -> Option<T> {
        self.order
            .view(|view| view.seats.iter().find(|seat| seat.position == position).map(read))
            .flatten()
    }

    /// Until when names can be changed.
    #[must_use]
    pub fn closes_at(self) -> Option<shared::Timestamp> {
        self.order.conference(|view| view.assign_until.unwrap_or(view.ends_at))
    }

    /// True when names cannot be changed any more.
    #[must_use]
    pub fn is_closed(self) -> bool {
        self.closes_at().is_some_and(|closes_at| closes_at <= self.order.session.live.now.get())
    }

    /// The seats that nobody has yet, on the server or in a box.
    #[must_use]
    pub fn open(self) -> Vec<u32> {
        let count = self.drafts.with_value(Vec::len);
        let positions = 0..u32::try_from(count).unwrap_or_default();
        let is_open =
            |position: &u32| self.draft(*position).is_some_and(|it| it.with(Draft::is_open));
        positions.filter(is_open).collect()
    }

    /// True when the address typed at this seat has another seat of the same type, too.
    #[must_use]
    pub fn is_twice(self, position: u32) -> bool {
        let Some(Intent::Assign(here) | Intent::Reassign(here)) =
            self.draft(position).map(|draft| draft.with(Draft::intent))
        else {
            return false;
        };
        let seat_type = self.seat(position, |seat| seat.seat_type);
        self.order
            .view(|view| {
                view.seats.iter().any(|seat| {
                    seat.position != position
                        && Some(seat.seat_type) == seat_type
                        && seat.attendee.as_ref().is_some_and(|it| is_same_address(it, &here))
                })
            })
            .unwrap_or_default()
    }

    /// Saves what is typed at a seat, if it is complete. False when it is not.
    pub fn save(self, position: u32) -> bool {
        let draft = self.draft(position);
        if let Some(unsent) = draft.and_then(|draft| draft.with_untracked(Draft::unsent)) {
            self.send(position, unsent);
            return true;
        }
        match draft.map(|draft| draft.with_untracked(Draft::intent)) {
            Some(Intent::Assign(attendee) | Intent::Reassign(attendee)) => {
                self.send(position, Some(attendee));
                true
            }
            Some(Intent::Nothing) => true,
            Some(Intent::Incomplete(_)) | None => false,
        }
    }

    /// The seat was left: what is complete and takes nobody's ticket away is saved. What could not be
    /// sent waits for a press.
    pub fn leave(self, position: u32) {
        let left = self.draft(position).map(|draft| {
            draft.with_untracked(|draft| (draft.phase == Phase::Idle, draft.intent()))
        });
        if let Some((true, Intent::Assign(attendee))) = left {
            self.send(position, Some(attendee));
        }
    }

    /// Asks once more for what the server refused.
    pub fn try_again(self, position: u32) {
        let draft = self.draft(position);
        let rejected = draft.and_then(|draft| draft.with_untracked(|it| it.rejected().cloned()));
        if let Some(attendee) = rejected {
            self.send(position, Some(attendee));
        }
    }

    /// Gives a seat to somebody without typing.
    pub fn give(self, position: u32, attendee: &Attendee) {
        if let Some(draft) = self.draft(position) {
            draft.update(|draft| draft.takes(attendee));
            self.save(position);
        }
    }

    /// Gives a seat to the person who ordered.
    pub fn take_it_myself(self, position: u32) {
        let registrant = untrack(|| self.order.view(|view| view.registrant.clone())).flatten();
        if let Some(registrant) = registrant {
            self.give(position, &attendee_of(&registrant));
        }
    }

    /// The name of a seat comes off, but not at once.
    pub fn take_off(self, position: u32) {
        // Only one waits at a time: the one before goes now.
        self.take_off_now();
        let leaving = self.leavings.get_value() + 1;
        self.leavings.set_value(leaving);
        self.leaving.set(Some(position));
        browser::after(UNDO_MS, move || {
            if self.leavings.try_get_value() == Some(leaving) {
                self.take_off_now();
            }
        });
    }

    /// The name stays.
    pub fn undo(self) {
        self.leaving.set(None);
    }

    fn take_off_now(self) {
        if let Some(position) = self.leaving.get_untracked() {
            self.leaving.set(None);
            self.send(position, None);
        }
    }

    fn send(self, position: u32, attendee: Option<Attendee>) {
        let Some(draft) = self.draft(position) else { return };
        if draft.with_untracked(Draft::is_on_its_way) {
            return;
        }
        let route = if attendee.is_some() { AssignSeat::ROUTE } else { UnassignSeat::ROUTE };
        let who = serde_json::to_string(&attendee).unwrap_or_default();
        let Some(envelope) = self.order.envelope(&format!("{route} {position} {who}")) else {
            return;
        };
        draft.update(|draft| draft.sends(attendee.clone()));
        let (command_id, order_id) = (envelope.command_id, envelope.order_id);
        let conference = envelope.conference.clone();
        spawn_local(async move {
            let answer = match attendee {
                Some(attendee) => {
                    let command =
                        AssignSeat { command_id, conference, order_id, position, attendee };
                    self.order.send(command, envelope).await
                }
                None => {
                    let command = UnassignSeat { command_id, conference, order_id, position };
                    self.order.send(command, envelope).await
                }
            };
            self.answered(draft, position, answer.map(|accepted| accepted.position));
        });
    }

    fn answered(self, draft: RwSignal<Draft>, position: u32, answer: Result<u64, Failure>) {
        let live = self.order.session.live;
        let was_freed = draft.try_with_untracked(|draft| !draft.is_naming()) == Some(true);
        let (phase, words) = match answer {
            Ok(answer) => {
                let now = if was_freed { "free again" } else { "saved" };
                (Phase::Answered(answer), format!("Seat {} is {now}.", position + 1))
            }
            Err(Failure::Refused(problem)) => {
                let words = problem.fields.first().map(|field| field.message.clone());
                let words = words.or(problem.detail).unwrap_or(problem.title);
                (Phase::Refused(words.clone()), words)
            }
            Err(failure @ (Failure::Unreachable | Failure::Faulty { .. })) => {
                (Phase::NotSent, failure.sentence().to_owned())
            }
        };
        self.order.session.announcer.polite(&words);
        if draft.try_update(|draft| draft.hears(phase)).is_none() {
            return;
        }
        // The push may have been faster.
        untrack(|| self.order.view(|view| self.follow(view, self.order.position())));
        if draft.with_untracked(Draft::is_on_its_way) {
            browser::after(ASK_AFTER_MS, move || {
                if draft.try_with_untracked(Draft::is_on_its_way) == Some(true) {
                    live.get_all();
                }
            });
        }
    }
}
