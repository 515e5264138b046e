//! The clock of a hold in two renderings: digits for the eye, a sentence once a minute for the ear;
//! and the button for more time.
//!
//! Not here: announcements (`countdown.rs` says when, `registration.rs` says them).

use crate::countdown::{self, Pressure};
use leptos::prelude::*;

/// The clock.
#[component]
pub fn CountdownClock(seconds_left: Signal<i64>) -> impl IntoView {
    let digits = Memo::new(move |_| countdown::digits(seconds_left.get()));
    let sentence = Memo::new(move |_| countdown::sentence(seconds_left.get()));
    let pressure = Memo::new(move |_| countdown::pressure(seconds_left.get()));
    let class = move || match pressure.get() {
        Pressure::Calm => "countdown-clock",
        Pressure::Soon => "countdown-clock countdown-clock-soon",
        Pressure::Now => "countdown-clock countdown-clock-now",
    };
    view! {
        <div class=class>
            <span class="countdown-clock-digits" aria-hidden="true">{move || digits.get()}</span>
            <span class="unseen" role="timer">{move || sentence.get()}</span>
            // From five minutes down the eye gets the words as well, so that colour is not alone.
            <Show when=move || pressure.get() != Pressure::Calm>
                <span class="countdown-clock-words" aria-hidden="true">
                    {move || sentence.get().replace(" to pay", "")}
                </span>
            </Show>
        </div>
    }
}

/// The clock's controls: more time from three minutes down, and the reminders switch.
#[component]
pub fn ClockControls(
    seconds_left: Signal<i64>,
    is_extendable: Signal<bool>,
    is_busy: Signal<bool>,
    extend: Callback<()>,
    reminders: RwSignal<bool>,
) -> impl IntoView {
    let offers_time = Memo::new(move |_| seconds_left.get() <= 180 && is_extendable.get());
    view! {
        <div class="clock-controls">
            <Show when=move || offers_time.get()>
                <button
                    class="button"
                    id="keep-my-seats"
                    aria-disabled=move || is_busy.get().then_some("true")
                    on:click=move |_| {
                        if !is_busy.get_untracked() {
                            extend.run(());
                        }
                    }
                >
                    {move || if is_busy.get() { "One moment…" } else { "Keep my seats 5 more minutes" }}
                </button>
            </Show>
            <label class="switch">
                <input
                    type="checkbox"
                    role="switch"
                    prop:checked=move || reminders.get()
                    on:change=move |event| reminders.set(event_target_checked(&event))
                />
                <span>"Time reminders"</span>
            </label>
        </div>
    }
}
