//! What the pages of the flow have in common: where they go, the panel, the summary, and what to show
//! when an order cannot be opened here.
//!
//! Not here: what a page is for (`pages/`).

use crate::api::Failure;
use crate::components::order_panel::{OrderPanel, PanelActs, PanelFacts};
use crate::components::order_summary::{OrderSummary, SummaryLine};
use crate::components::steps::{Step, Steps};
use crate::erased::{block, either, follow, memo, press, react, show};
use crate::navigation::Go;
use crate::order_state;
use crate::pages::not_found::NotFoundPage;
use crate::place::Address;
use crate::registration::{Act, Registration, use_registration};
use crate::{browser, countdown, dates, format};
use leptos::prelude::*;
use shared::commands::SeatQuantity;
use shared::live::Topic;
use shared::views::{OrderStatus, SeatTypeView};
use shared::{Money, OrderId, RefusalCode};

/// The leave-or-let-go question of the frame.
#[derive(Clone, Copy)]
pub struct Leaving(pub RwSignal<bool>);

/// Turns to the conference, and the order, that the address names; and to another one when the
/// address changes under the page.
#[must_use]
pub fn enter() -> Registration {
    let registration = use_registration();
    let path = expect_context::<Go>().path;
    let turn = move |address: Address| {
        if !address.slug.is_empty() {
            registration.enter(&address.slug);
        }
        if let Some(id) = address.order {
            registration.enter_order(id);
        }
    };
    turn(path.with_untracked(|path| Address::of(path)));
    react(move || {
        let address = path.with(|path| Address::of(path));
        untrack(move || turn(address));
    });
    registration
}

impl Registration {
    /// The address of a step of an order.
    #[must_use]
    pub fn step_path(self, id: OrderId, step: &str) -> String {
        format!("/{}/order/{id}/{step}", self.slug.get_untracked())
    }

    /// The address of a step of the order of this page, or of the seats when there is none.
    #[must_use]
    pub fn own_path(self, step: &str) -> String {
        match self.order_id.get_untracked() {
            Some(id) => self.step_path(id, step),
            None => format!("/{}/seats", self.slug.get_untracked()),
        }
    }

    /// True when the server said that there is no such conference, or none that is public.
    #[must_use]
    pub fn is_conference_missing(self) -> bool {
        let topic = Topic::Conference { slug: self.slug.get() };
        let is_refused = matches!(
            self.refusal_of(&topic),
            Some(RefusalCode::ConferenceNotFound | RefusalCode::ViewUnknown)
        );
        is_refused || self.conference(|view| !view.is_published).unwrap_or_default()
    }

    /// The total to show: the server's, or an estimate from the draft until there is one; `None` while
    /// there is no seat that could cost something or be free.
    #[must_use]
    pub fn total(self) -> Option<Money> {
        if self.summary_lines().is_empty() {
            return None;
        }
        let is_asking = self.state.get().is_asking();
        self.order(|order| order.total).filter(|_| !is_asking).or_else(|| self.draft_total())
    }

    /// What the chosen seats cost; `None` when none are chosen.
    #[must_use]
    pub fn draft_total(self) -> Option<Money> {
        self.draft_lines().into_iter().map(|line| line.total).reduce(Money::plus)
    }

    /// The chosen seats as lines.
    #[must_use]
    pub fn draft_lines(self) -> Vec<SummaryLine> {
        let chosen = self.saved.with(|saved| saved.seats.clone());
        self.conference(|view| {
            let line = |line: &SeatQuantity| {
                let seat_type = view.seat_type(line.seat_type)?;
                Some(SummaryLine {
                    name: seat_type.name.clone(),
                    quantity: line.quantity,
                    total: seat_type.price.times(line.quantity),
                })
            };
            chosen.iter().filter(|line| 0 < line.quantity).filter_map(line).collect()
        })
        .unwrap_or_default()
    }

    /// What to ask for when seats came back, and how many more that is.
    fn what_came_back(self) -> (Vec<SeatQuantity>, u32) {
        let lines = self.order(|order| order.lines.clone()).unwrap_or_default();
        let free = |id| self.conference(|view| view.seat_type(id).map(SeatTypeView::remaining));
        order_state::with_what_came_back(&lines, |id| free(id).flatten().unwrap_or_default())
    }

    /// The order's lines, or the draft's until the server has decided.
    #[must_use]
    pub fn summary_lines(self) -> Vec<SummaryLine> {
        if self.state.get().is_asking() || self.order(|_| ()).is_none() {
            return self.draft_lines();
        }
        self.order(|order| {
            let asked_only = matches!(order.status, OrderStatus::Expired | OrderStatus::Cancelled);
            let lines = order.lines.iter().map(|line| SummaryLine {
                name: line.name.clone(),
                quantity: if asked_only { line.asked } else { line.held },
                total: if asked_only { line.unit_price.times(line.asked) } else { line.line_total },
            });
            lines.filter(|line| 0 < line.quantity).collect()
        })
        .unwrap_or_default()
    }
}

/// The order's panel, wired to the registration. `step` is where a new order goes on.
pub fn order_panel(registration: Registration, step: &'static str) -> impl IntoView + use<> {
    let go = expect_context::<Go>();
    let leaving = expect_context::<Leaving>().0;
    let facts = PanelFacts {
        state: registration.state,
        headline: memo(move || registration.headline()),
        seconds_left: memo(move || registration.seconds_left().unwrap_or_default()),
        opening: memo(move || opening(registration)),
        is_extendable: memo(move || registration.is_extendable()),
        is_extending: follow(move || registration.busy.get() == Some(Act::Extend)),
        lines: memo(move || registration.order(|o| o.lines.clone()).unwrap_or_default()),
        total: memo(move || registration.total()),
        came_back: memo(move || registration.what_came_back().1),
        reminders: registration.reminders,
    };
    let acts = PanelActs {
        extend: Callback::new(move |()| registration.extend()),
        ask_again: Callback::new(move |()| registration.ask_again()),
        // Seats that are held already are surely granted, so the next page need not wait.
        go_on: Callback::new(move |()| {
            registration.go_on_with_held();
            if browser::path().ends_with("/seats") {
                go.to(&registration.own_path("details"));
            }
        }),
        add_them: Callback::new(move |()| {
            registration.reserve(untrack(|| registration.what_came_back().0));
        }),
        change_seats: Callback::new(move |()| {
            let seats = format!("/{}/seats", registration.slug.get_untracked());
            if browser::path() == seats {
                browser::focus_soon(".quantity-box");
            } else {
                go.to(&seats);
            }
        }),
        let_go: Callback::new(move |()| leaving.set(true)),
        try_same_seats: Callback::new(move |()| {
            if let Some(id) = registration.try_same_seats() {
                go.to(&registration.step_path(id, step));
            }
        }),
        see_payment: Callback::new(move |()| go.to(&registration.own_path("payment"))),
        see_confirmation: Callback::new(move |()| go.to(&registration.own_path("confirmed"))),
    };
    view! {
        <OrderPanel facts=facts acts=acts />
        {failure_note(registration)}
    }
}

/// How long the hold lasts, said once at its start.
fn opening(registration: Registration) -> String {
    let minutes = registration.conference(|view| i64::from(view.hold_minutes));
    countdown::opening(60 * minutes.unwrap_or_default(), registration.is_extendable())
}

/// The last act that failed, and what to quote. Payment failures are told by the payment page.
fn failure_note(registration: Registration) -> impl IntoView + use<> {
    block(move || {
        let (act, failure) = registration.failure.get()?;
        let is_told_elsewhere = matches!(act, Act::Pay | Act::Complete | Act::Check);
        (!is_told_elsewhere).then(|| view! { <FailureNote failure=failure /> })
    })
}

/// One failure in words, with the reference small below it.
#[component]
pub fn FailureNote(failure: Failure) -> impl IntoView {
    let reference = failure.reference().map(|reference| {
        let reference = reference.to_owned();
        view! { <span class="note-reference">"Reference: " <code>{reference}</code></span> }
    });
    view! { <p class="note note-look">{failure.sentence().to_owned()} " " {reference}</p> }
}

/// The steps of this order.
pub fn steps(registration: Registration, current: Step) -> impl IntoView + use<> {
    let is_free = follow(move || registration.total().is_some_and(Money::is_zero));
    let links = memo(move || {
        registration.order_id.track();
        let seats = format!("/{}/seats", registration.slug.get());
        [seats, registration.own_path("details"), registration.own_path("payment")]
    });
    view! { <Steps current=current is_free=is_free links=links /> }
}

/// The summary of this order, beside the page.
pub fn summary(registration: Registration) -> impl IntoView + use<> {
    let leaving = expect_context::<Leaving>().0;
    let in_short = memo(move || {
        let lines = registration.summary_lines();
        let seats = format::seats(lines.iter().map(|line| line.quantity).sum());
        let total = registration.total().map(|t| format!(" · {t}")).unwrap_or_default();
        let until = registration
            .state
            .get()
            .until()
            .map(|until| format!(" · held until {}", dates::time(until, &registration.zone())))
            .unwrap_or_default();
        format!("{seats}{total}{until}")
    });
    view! {
        <OrderSummary
            lines=memo(move || registration.summary_lines())
            total=memo(move || registration.total())
            in_short=in_short
        >
            {show(move || registration.state.get().is_holding(), move || view! {
                <button class="button button-quiet" on:click=press(move || leaving.set(true))>
                    "Leave or let the seats go"
                </button>
            }.into_any())}
        </OrderSummary>
    }
}

/// Shown instead of an order that this device may not open.
pub fn closed_here(registration: Registration) -> impl IntoView + use<> {
    known_or_not_found(registration, move || {
        let find = move || format!("/{}/find", registration.slug.get());
        let seats = move || format!("/{}/seats", registration.slug.get());
        view! {
            <div class="prose">
                <h1 tabindex="-1">"This order isn't open on this device"</h1>
                <p>"Open it with your email address and the access code, or choose new seats."</p>
                <p class="acts">
                    <a class="button button-primary" rel="external" href=find>"Find your order"</a>
                    <a class="button" href=seats>"Choose seats"</a>
                </p>
            </div>
        }
        .into_any()
    })
}

/// A page of a conference, or what is shown when there is no such conference.
pub fn known_or_not_found(
    registration: Registration,
    page: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    either(
        move || !registration.is_conference_missing(),
        page,
        || view! { <NotFoundPage /> }.into_any(),
    )
}
