//! Choosing seats while they go: quantities, live availability, reserve; and changing the seats of an
//! order that holds some.
//!
//! Not here: what pressing Reserve does (`select_seats/reserve_bar.rs`).

mod reserve_bar;

use crate::arrival::arrive;
use crate::components::field::{ErrorSummary, Mistake};
use crate::components::seat_row::{self, RowFacts, SeatRow};
use crate::components::steps::Step;
use crate::early::TypedEarly;
use crate::erased::{block, either, flag, keyed, lasting, memo, react, show, text};
use crate::fact::Fact;
use crate::flow;
use crate::live::Connection;
use crate::navigation::Go;
use crate::order_state::OrderState;
use crate::registration::{Registration, held_seats};
use crate::{browser, dates};
use leptos::prelude::*;
use shared::commands::SeatQuantity;
use shared::views::SeatTypeView;
use shared::{SeatTypeId, Timestamp};

/// What the page itself remembers.
#[derive(Clone, Copy)]
struct Choosing {
    registration: Registration,
    go: Go,
    mistakes: RwSignal<Vec<Mistake>>,
    /// Reserve was pressed here, and the page waits for what becomes of it.
    is_waiting: RwSignal<bool>,
    /// The numbers as they were when they were paused.
    paused: RwSignal<Option<(Timestamp, Vec<SeatTypeView>)>>,
}

/// The page.
#[component]
pub fn SelectSeatsPage() -> impl IntoView {
    let registration = flow::enter();
    registration.enter_current_order();
    let page = Choosing {
        registration,
        go: expect_context::<Go>(),
        mistakes: RwSignal::new(Vec::new()),
        is_waiting: RwSignal::new(false),
        paused: RwSignal::new(None),
    };
    page.take_what_was_typed_early();
    page.start_afresh_after_the_end();
    page.go_on_when_held();
    flow::known_or_not_found(registration, move || page.show())
}

impl Choosing {
    fn show(self) -> AnyView {
        let registration = self.registration;
        arrive(|| "Choose your seats".to_owned(), move || self.mistakes.with(|m| !m.is_empty()));
        let is_known = memo(move || registration.conference(|_| ()).is_some());
        view! {
            <div class="main flow">
                {flow::steps(registration, Step::Seats)}
                <div class="flow-grid">
                    <div class="flow-main">
                        <ErrorSummary mistakes=self.mistakes />
                        <h1 tabindex="-1">"Choose your seats"</h1>
                        {show(move || self.shows_panel(), move || view! {
                            {flow::order_panel(registration, "payment")}
                        }.into_any())}
                        {either(move || is_known.get(), move || view! {
                            {self.rows()}
                        }.into_any(), move || view! { <p class="loading">"Loading the seats…"</p> }.into_any())}
                    </div>
                    {self.reserve_bar()}
                </div>
            </div>
        }
        .into_any()
    }

    /// While nothing disagrees, the button alone says that we are asking.
    fn shows_panel(self) -> bool {
        !matches!(
            self.registration.state.get(),
            OrderState::Choosing | OrderState::Asking { .. } | OrderState::Released
        )
    }

    /// The server's first page had number boxes already.
    fn take_what_was_typed_early(self) {
        let early = use_context::<StoredValue<Option<TypedEarly>>>();
        let Some(early) = early.and_then(|it| it.try_update_value(Option::take)).flatten() else {
            return;
        };
        let seat_types = self.registration.conference(|view| view.seat_types.clone());
        for seat_type in seat_types.unwrap_or_default() {
            if let Some(number) = early.number_in(&seat_row::quantity_id(seat_type.id)) {
                self.choose(seat_type.id, number.min(seat_row::limit(&seat_type, 0).most));
            }
        }
        early.focus_again();
    }

    /// An order that ended before this page was opened is not this page's order.
    fn start_afresh_after_the_end(self) {
        Effect::new(move |was_seen: Option<bool>| {
            let state = self.registration.state.get();
            let is_first_view = was_seen != Some(true) && state != OrderState::Choosing;
            if is_first_view && matches!(state, OrderState::Confirmed | OrderState::Released) {
                self.registration.saved.update(|saved| {
                    saved.seats.clear();
                    saved.mirrored.clear();
                    saved.prepared();
                });
                self.registration.enter_current_order();
            }
            was_seen == Some(true) || state != OrderState::Choosing
        });
    }

    /// Held: on to the details, or straight to the payment when they are known.
    fn go_on_when_held(self) {
        let Self { registration, is_waiting, .. } = self;
        react(move || match registration.state.get() {
            OrderState::Held { .. } if is_waiting.get() => {
                is_waiting.set(false);
                let knows_who = registration.order(|o| o.registrant.is_some()).unwrap_or_default();
                let step = if knows_who { "payment" } else { "details" };
                self.go.to(&registration.own_path(step));
            }
            OrderState::PartlyHeld { .. }
            | OrderState::NoneHeld { .. }
            | OrderState::Refused(_)
                if is_waiting.get() =>
            {
                is_waiting.set(false);
                browser::focus_soon("#order-panel-title");
            }
            _ => {}
        });
    }

    fn rows(self) -> impl IntoView {
        let registration = self.registration;
        let ids = memo(move || {
            let ids = |seat_types: &[SeatTypeView]| seat_types.iter().map(|s| s.id).collect();
            registration.conference(|view| ids(&view.seat_types)).unwrap_or_default()
        });
        let holds = move || {
            let held = registration.state.get().is_holding();
            let lines = registration.order(|order| {
                let lines = order.lines.iter().filter(|line| 0 < line.held);
                lines.map(|l| format!("{} {}", l.held, l.name)).collect::<Vec<_>>().join(", ")
            });
            lines.filter(|lines| held && !lines.is_empty())
        };
        view! {
            {block(move || {
                holds()
                    .map(|lines| {
                        view! {
                            <p class="note">
                                {format!("You hold: {lines}. ")}
                                "The clock does not start again when you change your seats."
                            </p>
                        }
                    })
            })}
            {self.live_switch()}
            {show(move || ids.with(Vec::is_empty), move || view! {
                <p class="note">"No seats on sale yet."</p>
            }.into_any())}
            <div class="seat-rows" class:seat-rows-old=flag(move || self.is_out_of_date())>
                {keyed(ids, move |id| self.row(id))}
            </div>
        }
    }

    fn is_out_of_date(self) -> bool {
        let connection = self.registration.live.connection.get();
        matches!(connection, Connection::Reconnecting | Connection::Offline)
            || self.paused.with(Option::is_some)
    }

    /// "Live · Pause", or since when the numbers stand still.
    fn live_switch(self) -> impl IntoView {
        let live = self.registration.live;
        let words =
            move || match (self.paused.with(|p| p.as_ref().map(|p| p.0)), live.connection.get()) {
                (Some(at), _) => format!("Paused at {}", dates::time(at, "")),
                (None, Connection::Live | Connection::Back | Connection::Wobbling) => {
                    "Live".to_owned()
                }
                (None, Connection::Polling) => "Every 10 s".to_owned(),
                (None, Connection::Connecting) => "Connecting…".to_owned(),
                (None, Connection::Reconnecting | Connection::Offline) => {
                    let as_of = live.conference.with(|seen| seen.as_ref().map(|seen| seen.as_of));
                    format!("As of {}", as_of.map(dates::time_with_seconds).unwrap_or_default())
                }
            };
        let toggle = move |_| {
            let seat_types =
                live.conference.with_untracked(|s| s.as_ref().map(|s| s.view.seat_types.clone()));
            let now = live.server_now();
            self.paused.update(|paused| {
                *paused = match paused {
                    Some(_) => None,
                    None => seat_types.map(|seat_types| (now, seat_types)),
                }
            });
        };
        let is_live = move || live.connection.get().is_live() && self.paused.with(Option::is_none);
        view! {
            <p class="live-mark" class:live-mark-on=is_live>
                <span class="live-mark-words">{words}</span>
                <button type="button" class="button button-quiet" on:click=toggle>
                    {text(move || if self.paused.with(Option::is_some) { "Resume" } else { "Pause" })}
                </button>
            </p>
        }
    }

    fn row(self, id: SeatTypeId) -> AnyView {
        let registration = self.registration;
        let shown = memo(move || {
            let paused = self.paused.with(|paused| {
                let (_, seat_types) = paused.as_ref()?;
                seat_types.iter().find(|s| s.id == id).cloned()
            });
            paused.or_else(|| registration.conference(|view| view.seat_type(id).cloned()).flatten())
        });
        let Some(first) = shown.get_untracked() else { return ().into_any() };
        // A type that the owner removed keeps its row, and its last numbers, while the page is open.
        let seat_type = lasting(first, move || shown.get());
        let facts = RowFacts {
            now: registration.live.now,
            zone: memo(move || registration.zone()),
            chosen: memo(move || self.chosen(id)),
            mine: memo(move || self.mine(id)),
        };
        self.announce_shortage(seat_type, facts);
        let changed = Callback::new(move |quantity| self.choose(id, quantity));
        view! { <SeatRow seat_type=seat_type facts=facts changed=changed /> }.into_any()
    }

    /// Says once that fewer are left than were chosen.
    fn announce_shortage(self, seat_type: Fact<SeatTypeView>, facts: RowFacts) {
        Effect::new(move |was_short: Option<bool>| {
            let left = seat_type.with(SeatTypeView::remaining) + facts.mine.get();
            let chosen = facts.chosen.get();
            // What was granted is told by the panel, not here.
            let state = self.registration.state.get();
            let is_calm = matches!(state, OrderState::Choosing | OrderState::Held { .. });
            let is_short = left < chosen && is_calm;
            if is_short && was_short == Some(false) {
                let name = seat_type.with_untracked(|s| s.name.clone());
                let words = seat_row::shortage_words(&name, chosen, left);
                self.registration.announcer.polite(&words);
            }
            is_short
        });
    }

    fn chosen(self, id: SeatTypeId) -> u32 {
        self.registration.saved.with(|saved| quantity_of(&saved.seats, id))
    }

    fn mine(self, id: SeatTypeId) -> u32 {
        if !self.registration.state.get().is_holding() {
            return 0;
        }
        self.registration.order(|order| quantity_of(&held_seats(order), id)).unwrap_or_default()
    }

    fn choose(self, id: SeatTypeId, quantity: u32) {
        let registration = self.registration;
        registration.live.freshen();
        self.mistakes.set(Vec::new());
        registration.saved.update(|saved| {
            saved.seats.retain(|line| line.seat_type != id || 0 < quantity);
            match saved.seats.iter_mut().find(|line| line.seat_type == id) {
                Some(line) => line.quantity = quantity,
                None if 0 < quantity => saved.seats.push(SeatQuantity { seat_type: id, quantity }),
                None => {}
            }
        });
    }
}

fn quantity_of(seats: &[SeatQuantity], id: SeatTypeId) -> u32 {
    seats.iter().find(|line| line.seat_type == id).map_or(0, |line| line.quantity)
}
