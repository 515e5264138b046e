//! Changing how many seats there are, in place: what will follow stands beside the box, the row is
//! busy until the push that carries the change, and when somebody else was faster both numbers are
//! shown to choose from. No optimism.
//!
//! Not here: the words (`quota.rs`).

use crate::api::{Failure, is_answered};
use crate::browser;
use crate::desk::api;
use crate::desk::quota::{self, Consequence};
use crate::desk::session::{Session, use_session};
use crate::erased::{block, flag, mark, memo, press, react, text};
use crate::fact::Fact;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::management::ChangeQuota;
use shared::views::SeatTypeView;
use shared::{CommandId, RefusalCode, SeatTypeId};

/// The check mark stays this long.
const SAVED_MS: i64 = 2_000;

/// What the box is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Closed,
    Open,
    /// Sent, not answered.
    Sent,
    /// Answered; over when the view has come that far.
    Answered(u64),
    /// Somebody else was faster; this is what was wanted.
    Overtaken(u32),
    Saved,
}

#[derive(Clone, Copy)]
struct Changing {
    session: Session,
    id: SeatTypeId,
    seat_type: Fact<Option<SeatTypeView>>,
    phase: RwSignal<Phase>,
    typed: RwSignal<String>,
    /// The quota that the page showed when the box was opened.
    seen: StoredValue<u32>,
    error: RwSignal<Option<String>>,
    /// What the last attempt said, and its id: the same words again are the same intent.
    intent: StoredValue<Option<((u32, u32), CommandId)>>,
}

/// The number, and the box behind a button.
#[component]
pub fn QuotaBox(id: SeatTypeId, seat_type: Fact<Option<SeatTypeView>>) -> impl IntoView {
    let changing = Changing {
        session: use_session(),
        id,
        seat_type,
        phase: RwSignal::new(Phase::Closed),
        typed: RwSignal::new(String::new()),
        seen: StoredValue::new(0),
        error: RwSignal::new(None),
        intent: StoredValue::new(None),
    };
    changing.finish_when_shown();
    let shape = memo(move || match changing.phase.get() {
        Phase::Closed | Phase::Saved => Shape::Closed,
        Phase::Overtaken(_) => Shape::Choice,
        Phase::Open | Phase::Sent | Phase::Answered(_) => Shape::Open,
    });
    view! {
        <div class="quota-box">
            {block(move || match shape.get() {
                Shape::Closed => changing.closed(),
                Shape::Open => changing.open(),
                Shape::Choice => changing.choice(),
            })}
        </div>
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Closed,
    Open,
    Choice,
}

impl Changing {
    fn quota(self) -> u32 {
        self.seat_type.with(|seat_type| seat_type.as_ref().map_or(0, |it| it.quota))
    }

    fn name(self) -> String {
        self.seat_type.with(|it| it.as_ref().map(|it| it.name.clone())).unwrap_or_default()
    }

    fn box_id(self) -> String {
        format!("quota-{}", self.id)
    }

    fn closed(self) -> AnyView {
        view! {
            <span class="quota-box-number">
                {text(move || format!("{} in all", self.quota()))}
            </span>
            <button
                class="button button-quiet"
                id=format!("{}-change", self.box_id())
                aria-label=text(move || format!("Change the number of seats, {}", self.name()))
                on:click=press(move || self.start())
            >
                "Change"
            </button>
            <span class="quota-box-saved" aria-hidden="true">
                {text(move || if self.phase.get() == Phase::Saved { "✓" } else { "" })}
            </span>
        }
        .into_any()
    }

    fn open(self) -> AnyView {
        let is_busy = move || matches!(self.phase.get(), Phase::Sent | Phase::Answered(_));
        let described = format!("{}-note", self.box_id());
        view! {
            <form
                class="quota-box-form"
                novalidate
                on:submit=move |event| {
                    event.prevent_default();
                    self.save();
                }
                on:keydown=move |event: web_sys::KeyboardEvent| {
                    if event.key() == "Escape" {
                        self.close();
                    }
                }
            >
                <input
                    class="field-box quota-box-input"
                    id=self.box_id()
                    type="text"
                    inputmode="numeric"
                    autocomplete="off"
                    aria-label=text(move || format!("Seats in all, {}", self.name()))
                    aria-describedby=described.clone()
                    aria-invalid=mark(move || self.error.with(Option::is_some))
                    prop:value=text(move || self.typed.get())
                    on:input=move |event| {
                        self.typed.set(event_target_value(&event));
                        self.error.set(None);
                    }
                />
                <button
                    class="button button-primary"
                    class:button-busy=flag(is_busy)
                    aria-disabled=mark(is_busy)
                >
                    {text(move || if is_busy() { "Saving…" } else { "Save" })}
                </button>
                <button type="button" class="button button-quiet" on:click=press(move || self.close())>
                    "Cancel"
                </button>
                <p class="quota-box-note" class:quota-box-wrong=flag(move || self.is_wrong()) id=described>
                    {text(move || self.note())}
                </p>
            </form>
        }
        .into_any()
    }

    fn choice(self) -> AnyView {
        let wanted = move || match self.phase.get() {
            Phase::Overtaken(wanted) => wanted,
            _ => 0,
        };
        view! {
            <div class="quota-box-choice" role="group" aria-label=text(move || self.name())>
                <p>{text(move || quota::conflict(self.quota(), wanted()))}</p>
                <div class="acts">
                    <button
                        class="button button-primary"
                        id=format!("{}-use", self.box_id())
                        on:click=press(move || self.insist())
                    >
                        {text(move || format!("Use {}", wanted()))}
                    </button>
                    <button class="button" on:click=press(move || self.close())>
                        {text(move || format!("Keep {}", self.quota()))}
                    </button>
                </div>
            </div>
        }
        .into_any()
    }

    fn start(self) {
        let quota = untrack(|| self.quota());
        self.seen.set_value(quota);
        self.typed.set(quota.to_string());
        self.error.set(None);
        self.phase.set(Phase::Open);
        self.focus(String::new());
    }

    fn close(self) {
        if matches!(self.phase.get_untracked(), Phase::Sent | Phase::Answered(_)) {
            return;
        }
        self.phase.set(Phase::Closed);
        self.focus("-change".to_owned());
    }

    /// The element that replaces the focused one takes the focus over.
    fn focus(self, part: String) {
        let id = format!("{}{part}", self.box_id());
        request_animation_frame(move || browser::focus_id(&id));
    }

    fn consequence(self) -> Result<Consequence, String> {
        let typed = quota::read(&self.typed.get())?;
        let of = |seat_type: &SeatTypeView| Consequence::of(typed, seat_type);
        self.seat_type
            .with(|seat_type| seat_type.as_ref().map(of))
            .ok_or_else(|| "This seat type was removed.".to_owned())
    }

    fn note(self) -> String {
        self.error.get().unwrap_or_else(|| match self.consequence() {
            Ok(consequence) => consequence.words().to_owned(),
            Err(words) => words,
        })
    }

    fn is_wrong(self) -> bool {
        self.error.with(Option::is_some)
            || !matches!(self.consequence(), Ok(Consequence::Possible(_)))
    }

    fn save(self) {
        if self.phase.get_untracked() != Phase::Open {
            return;
        }
        match untrack(|| self.consequence()) {
            Ok(Consequence::Possible(_)) => {
                let wanted = quota::read(&self.typed.get_untracked()).unwrap_or_default();
                self.send(wanted);
            }
            Ok(Consequence::TooLow(words)) | Err(words) => {
                self.session.announcer.polite(&words);
                self.error.set(Some(words));
                self.focus(String::new());
            }
        }
    }

    /// The other number was seen now.
    fn insist(self) {
        if let Phase::Overtaken(wanted) = self.phase.get_untracked() {
            self.seen.set_value(untrack(|| self.quota()));
            self.typed.set(wanted.to_string());
            self.send(wanted);
            self.focus(String::new());
        }
    }

    fn send(self, quota: u32) {
        let seen = self.seen.get_value();
        let says = (quota, seen);
        let known = self.intent.get_value().filter(|(known, _)| *known == says);
        let (_, command_id) = known.unwrap_or_else(|| (says, CommandId(browser::fresh_id())));
        self.intent.set_value(Some((says, command_id)));
        let conference = untrack(|| self.session.slug());
        let command = ChangeQuota { command_id, conference, seat_type: self.id, quota, seen };
        self.phase.set(Phase::Sent);
        spawn_local(async move {
            let answer = api::send(&command).await;
            if is_answered(&answer) {
                self.intent.set_value(None);
            }
            match answer {
                Ok(accepted) => {
                    self.phase.set(Phase::Answered(accepted.position));
                    self.session.live.refresh();
                }
                Err(failure) => self.explain(&failure, quota),
            }
        });
    }

    fn explain(self, failure: &Failure, wanted: u32) {
        let session = self.session;
        match failure {
            _ if session.has_ended(failure) => {}
            Failure::Refused(problem) if problem.code == RefusalCode::QuotaChanged => {
                session.live.refresh();
                self.phase.set(Phase::Overtaken(wanted));
                self.focus("-use".to_owned());
            }
            Failure::Refused(problem) => {
                let words = problem.detail.as_deref().unwrap_or(&problem.title);
                self.fail(words);
            }
            Failure::Unreachable | Failure::Faulty { .. } => self.fail(failure.sentence()),
        }
    }

    fn fail(self, words: &str) {
        self.session.announcer.polite(words);
        self.error.set(Some(words.to_owned()));
        self.phase.set(Phase::Open);
    }

    /// The check mark comes with the push that carries the change.
    fn finish_when_shown(self) {
        react(move || {
            let position = self.session.position();
            if !matches!(self.phase.get(), Phase::Answered(wanted) if wanted <= position) {
                return;
            }
            self.phase.set(Phase::Saved);
            let left =
                untrack(|| self.seat_type.with(|it| it.as_ref().map(SeatTypeView::remaining)));
            let (name, quota) = untrack(|| (self.name(), self.quota()));
            self.session.announcer.polite(&format!(
                "{name} has {quota} seats now, {} left.",
                left.unwrap_or_default()
            ));
            self.focus("-change".to_owned());
            browser::after(SAVED_MS, move || {
                if self.phase.try_get_untracked() == Some(Phase::Saved) {
                    self.phase.set(Phase::Closed);
                }
            });
        });
    }
}
