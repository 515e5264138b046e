//! Asks for a seat type: a new one with its quota, or other words and prices for a known one.

use crate::api::{Failure, is_answered};
use crate::browser;
use crate::components::field::ErrorSummary;
use crate::desk::api;
use crate::desk::form::{Asked, Form, Kind, ask, submit_button};
use crate::desk::seat_form::{FIELDS, Terms, read, values_of};
use crate::desk::session::{Session, use_session};
use crate::desk::values::Values;
use crate::desk::zones;
use crate::erased::{press, react};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::commands::Accepted;
use shared::management::{CreateSeatType, SeatTypeFacts, UpdateSeatType};
use shared::views::SeatTypeView;
use shared::{Currency, SeatTypeId};

/// What the form is doing.
#[derive(Clone, Copy)]
struct Writing {
    session: Session,
    form: Form,
    id: SeatTypeId,
    is_new: bool,
    waits_for: RwSignal<Option<u64>>,
    done: Callback<()>,
}

/// The form. `known` is the seat type that is changed; without one a new one is made.
#[component]
pub fn SeatTypeForm(known: Option<SeatTypeView>, done: Callback<()>) -> impl IntoView {
    let session = use_session();
    let is_new = known.is_none();
    let id = known.as_ref().map_or_else(|| SeatTypeId(browser::fresh_id()), |known| known.id);
    let values = known.as_ref().map_or_else(empty, |known| {
        values_of(known, &untrack(|| session.zone()), zones::offset_ms)
    });
    let check = move |values: &Values| {
        read(values, is_new, &terms(session), zones::offset_ms).err().unwrap_or_default()
    };
    let form = Form::new(values, check);
    let writing = Writing { session, form, id, is_new, waits_for: RwSignal::new(None), done };
    writing.finish_when_shown();
    let title = if is_new { "New seat type" } else { "Change this seat type" };
    request_animation_frame(|| browser::focus_id("seat-type-form-title"));
    view! {
        <form
            class="desk-panel seat-type-form"
            novalidate
            aria-labelledby="seat-type-form-title"
            on:submit=move |event| {
                event.prevent_default();
                writing.submit();
            }
        >
            <ErrorSummary mistakes=form.mistakes />
            <h2 id="seat-type-form-title" tabindex="-1">{title}</h2>
            {writing.fields()}
            <div class="form-acts">
                {submit_button(form, if is_new { "Add seat type" } else { "Save changes" }, "Saving…")}
                <button type="button" class="button button-quiet" on:click=press(move || done.run(()))>
                    "Cancel"
                </button>
            </div>
        </form>
    }
}

fn empty() -> Values {
    let text = |field: &str| match field {
        "per_order_max" => "10".to_owned(),
        _ => String::new(),
    };
    Values(FIELDS.map(|field| (field, text(field))).to_vec())
}

fn terms(session: Session) -> Terms {
    let terms = |view: &shared::views::ConferenceView| Terms {
        currency: view.currency,
        time_zone: view.time_zone.clone(),
    };
    untrack(|| session.conference(terms))
        .unwrap_or(Terms { currency: Currency::EUR, time_zone: "UTC".to_owned() })
}

impl Writing {
    fn fields(self) -> AnyView {
        let Self { form, is_new, session, .. } = self;
        let currency = terms(session).currency.to_string();
        let price_label: &'static str =
            if is_new { "Price of a seat" } else { "Price of a seat from now on" };
        view! {
            {ask(form, Asked::new("name", "Name", "For instance General admission."))}
            {ask(form, Asked::new("description", "What it includes", "One line. May stay empty."))}
            <div class="desk-pair">
                <div class="seat-type-form-price">
                    {ask(form, Asked::new("price", price_label, "0 is free of charge.").by(Kind::Number))}
                    <span class="seat-type-form-currency">{currency}</span>
                </div>
                {is_new.then(|| ask(form, Asked::new("quota", "Seats in all", "You can change it at any time.").by(Kind::Number)))}
            </div>
            {ask(form, Asked::new("per_order_max", "Most in one order", "From 1 to 20.").by(Kind::Number))}
            <div class="desk-pair">
                {ask(form, Asked::new("sale_starts_at", "On sale from", "Empty: at once.").by(Kind::Moment))}
                {ask(form, Asked::new("sale_ends_at", "On sale until", "Empty: to the end.").by(Kind::Moment))}
            </div>
        }
        .into_any()
    }

    fn submit(self) {
        let Self { session, form, is_new, .. } = self;
        if form.is_busy.get_untracked() || !form.is_right() {
            return;
        }
        let values = untrack(|| form.values());
        let Ok((facts, quota)) = read(&values, is_new, &terms(session), zones::offset_ms) else {
            return;
        };
        form.is_busy.set(true);
        spawn_local(async move {
            let answer = self.send(facts, quota).await;
            if is_answered(&answer) {
                form.answered();
            }
            match answer {
                Ok(accepted) => {
                    self.waits_for.set(Some(accepted.position));
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

    async fn send(self, facts: SeatTypeFacts, quota: u32) -> Result<Accepted, Failure> {
        let conference = untrack(|| self.session.slug());
        let says = serde_json::to_string(&(&facts, quota)).unwrap_or_default();
        let (command_id, seat_type) = (self.form.intent(&says), self.id);
        if self.is_new {
            api::send(&CreateSeatType { command_id, conference, seat_type, facts, quota }).await
        } else {
            api::send(&UpdateSeatType { command_id, conference, seat_type, facts }).await
        }
    }

    fn finish_when_shown(self) {
        react(move || {
            let position = self.session.position();
            if self.waits_for.get().is_some_and(|wanted| wanted <= position) {
                self.waits_for.set(None);
                let words = if self.is_new { "Seat type added." } else { "Seat type saved." };
                self.session.announcer.polite(words);
                self.done.run(());
            }
        });
    }
}
