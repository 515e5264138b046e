//! What is true about the order, in one panel: headline, clock, and the way out. Every page that
//! shows an order shows this, so every page renders every state.
//!
//! Not here: deciding the state (`order_state.rs`) and doing what is pressed (pages).

use crate::components::countdown_clock::{ClockControls, CountdownClock};
use crate::components::order_summary::total_words;
use crate::erased::{block, memo, press, show, text};
use crate::fact::Fact;
use crate::order_state::{self, OrderState};
use crate::{browser, format};
use leptos::prelude::*;
use shared::Money;
use shared::views::OrderLine;

/// What the panel shows.
#[derive(Clone, Copy)]
pub struct PanelFacts {
    pub state: Fact<OrderState>,
    pub headline: Fact<String>,
    pub seconds_left: Fact<i64>,
    /// How long the hold lasts, and whether more time can be had.
    pub opening: Fact<String>,
    pub is_extendable: Fact<bool>,
    pub is_extending: Signal<bool>,
    pub lines: Fact<Vec<OrderLine>>,
    pub total: Fact<Option<Money>>,
    /// Seats that were asked for, not granted, and are free again.
    pub came_back: Fact<u32>,
    pub reminders: RwSignal<bool>,
}

/// What can be pressed in the panel.
#[derive(Clone, Copy)]
pub struct PanelActs {
    pub extend: Callback<()>,
    pub ask_again: Callback<()>,
    /// Go on with the seats that were granted.
    pub go_on: Callback<()>,
    /// Ask for the seats that came back.
    pub add_them: Callback<()>,
    pub change_seats: Callback<()>,
    pub let_go: Callback<()>,
    pub try_same_seats: Callback<()>,
    pub see_payment: Callback<()>,
    pub see_confirmation: Callback<()>,
}

/// The panel.
#[component]
pub fn OrderPanel(facts: PanelFacts, acts: PanelActs) -> impl IntoView {
    let shape = memo(move || facts.state.get().shape());
    // What was focused may have gone with the old state: its heading takes over.
    Effect::new(move |before: Option<OrderState>| {
        let now = shape.get();
        if before.is_some_and(|before| before != now) {
            request_animation_frame(take_over_lost_focus);
        }
        now
    });
    view! {
        {show(move || shape.get() != OrderState::Choosing, move || view! {
            <section class=text(move || class_of(shape.get())) aria-labelledby="order-panel-title">
                <div class="order-panel-head">
                    <h2 class="order-panel-title" id="order-panel-title" tabindex="-1">
                        {text(move || facts.headline.get())}
                    </h2>
                    {block(move || clock(shape.get(), facts))}
                </div>
                {block(move || body(shape.get(), facts, acts))}
            </section>
        }.into_any())}
    }
}

fn take_over_lost_focus() {
    let focused = document().active_element();
    if focused.is_none_or(|element| element.tag_name() == "BODY") {
        browser::focus_soon("#order-panel-title");
    }
}

const fn class_of(state: OrderState) -> &'static str {
    match state {
        OrderState::Choosing => "order-panel",
        OrderState::Asking { .. } | OrderState::AskingLong { .. } => "order-panel order-panel-busy",
        OrderState::Held { .. } => "order-panel order-panel-held",
        OrderState::PayingElsewhere => "order-panel order-panel-busy",
        OrderState::Confirmed => "order-panel order-panel-good",
        OrderState::Unsure { .. }
        | OrderState::PartlyHeld { .. }
        | OrderState::NoneHeld { .. }
        | OrderState::Expired
        | OrderState::PaidLate(_)
        | OrderState::Released
        | OrderState::Refused(_) => "order-panel order-panel-look",
    }
}

fn clock(state: OrderState, facts: PanelFacts) -> Option<AnyView> {
    match state {
        OrderState::Held { .. } | OrderState::PartlyHeld { .. } => {
            Some(view! { <CountdownClock seconds_left=facts.seconds_left /> }.into_any())
        }
        OrderState::Expired => Some(
            view! {
                <div class="countdown-clock">
                    <span class="countdown-clock-digits" aria-hidden="true">"0:00"</span>
                </div>
            }
            .into_any(),
        ),
        _ => None,
    }
}

fn body(state: OrderState, facts: PanelFacts, acts: PanelActs) -> AnyView {
    match state {
        OrderState::Choosing | OrderState::Asking { .. } | OrderState::AskingLong { .. } => {
            ().into_any()
        }
        OrderState::Unsure { .. } => one_way("", "Check again", acts.ask_again),
        OrderState::Held { .. } => view! { <Holding facts=facts acts=acts /> }.into_any(),
        OrderState::PartlyHeld { held, .. } => partly(held, facts, acts),
        OrderState::NoneHeld { .. } => none_held(facts, acts),
        OrderState::PayingElsewhere => one_way(
            "Your seats stay held while your bank answers (at most 10 minutes).",
            "See the payment",
            acts.see_payment,
        ),
        OrderState::Confirmed => one_way("", "See your registration", acts.see_confirmation),
        OrderState::Expired => one_way(
            "Everything you typed is still here. If your seats are still free, one press gets them back.",
            "Try to get the same seats",
            acts.try_same_seats,
        ),
        OrderState::PaidLate(_) => view! {
            <p class="order-panel-text">"If the seats are gone we return the full amount. You don't need to do anything."</p>
        }
        .into_any(),
        OrderState::Released => one_way("", "Choose your seats", acts.change_seats),
        OrderState::Refused(_) => {
            one_way("Your details are kept.", "Choose again", acts.change_seats)
        }
    }
}

/// A sentence and one button.
fn one_way(text: &'static str, button: &'static str, act: Callback<()>) -> AnyView {
    view! {
        {(!text.is_empty()).then(|| view! { <p class="order-panel-text">{text}</p> })}
        <div class="order-panel-acts">
            <button class="button button-primary" on:click=press(move || act.run(()))>{button}</button>
        </div>
    }
    .into_any()
}

#[component]
fn Holding(facts: PanelFacts, acts: PanelActs) -> impl IntoView {
    view! {
        <div class="order-panel-row">
            <p class="order-panel-text">{text(move || {
                    // Said at the start; later the clock's own words matter more.
                    if 300 < facts.seconds_left.get() { facts.opening.get() } else { String::new() }
                })}</p>
        <ClockControls
            seconds_left=facts.seconds_left
            is_extendable=facts.is_extendable
            is_busy=facts.is_extending
            extend=acts.extend
            reminders=facts.reminders
        />
        </div>
    }
}

/// Seats that come back within the hold are offered in place.
fn came_back(facts: PanelFacts, acts: PanelActs) -> AnyView {
    let words = move || match facts.came_back.get() {
        1 => "1 more is free now: add it".to_owned(),
        more => format!("{more} more are free now: add them"),
    };
    let button = move || {
        let add = press(move || acts.add_them.run(()));
        view! { <button class="button" on:click=add>{text(words)}</button> }.into_any()
    };
    show(move || 0 < facts.came_back.get(), button)
}

fn granted_lines(facts: PanelFacts) -> impl IntoView {
    let lines = facts.lines.get_untracked();
    let item = |line: OrderLine| {
        let kind = match line.held {
            0 => "granted granted-none",
            held if held < line.asked => "granted granted-some",
            _ => "granted granted-all",
        };
        view! {
            <li class=kind>
                {format!("{}: {}", line.name, order_state::granted_words(line.held, line.asked))}
            </li>
        }
    };
    view! { <ul class="granted-list">{lines.into_iter().map(item).collect_view()}</ul> }
}

/// Some seats are held: go on, change, or let go. Going on is the main way only if every type that
/// was asked for was granted at least once.
fn partly(held: u32, facts: PanelFacts, acts: PanelActs) -> AnyView {
    let is_every_type = facts.lines.with_untracked(|lines| lines.iter().all(|l| 0 < l.held));
    let (go_on, change) = if is_every_type {
        ("button button-primary", "button")
    } else {
        ("button", "button button-primary")
    };
    let label = move || {
        let total =
            facts.total.get().map(|total| format!(" ({})", total_words(total))).unwrap_or_default();
        format!("Continue with {}{total}", format::seats(held))
    };
    view! {
        {granted_lines(facts)}
        {came_back(facts, acts)}
        <p class="order-panel-text">"The seats we could get are held for you. What you typed is kept."</p>
        <div class="order-panel-acts">
            <button class=go_on on:click=press(move || acts.go_on.run(()))>{label}</button>
            <button class=change on:click=press(move || acts.change_seats.run(()))>"Change my seats"</button>
            <button class="button button-quiet" on:click=press(move || acts.let_go.run(()))>
                "Let these seats go"
            </button>
        </div>
        <ClockControls
            seconds_left=facts.seconds_left
            is_extendable=facts.is_extendable
            is_busy=facts.is_extending
            extend=acts.extend
            reminders=facts.reminders
        />
    }
    .into_any()
}

fn none_held(facts: PanelFacts, acts: PanelActs) -> AnyView {
    view! {
        {granted_lines(facts)}
        {came_back(facts, acts)}
        <p class="order-panel-text">"Nothing is held and nothing was charged. What you typed is kept."</p>
        <div class="order-panel-acts">
            <button class="button button-primary" on:click=press(move || acts.change_seats.run(()))>
                "Choose again"
            </button>
        </div>
    }
    .into_any()
}
