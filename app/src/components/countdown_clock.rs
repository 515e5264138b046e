//! The clock of a hold in two renderings: digits for the eye, a sentence once a minute for the ear;
//! and the button for more time.
//!
//! Not here: announcements (`countdown.rs` says when, `registration.rs` says them).

use crate::countdown::{self, Pressure};
use crate::erased::{flag, mark, memo, press, show, text};
use crate::fact::Fact;
use leptos::prelude::*;

/// The clock.
#[component]
pub fn CountdownClock(seconds_left: Fact<i64>) -> impl IntoView {
    let digits = memo(move || countdown::digits(seconds_left.get()));
    let sentence = memo(move || countdown::sentence(seconds_left.get()));
    let pressure = memo(move || countdown::pressure(seconds_left.get()));
    let class = move || match pressure.get() {
        Pressure::Calm => "countdown-clock",
        Pressure::Soon => "countdown-clock countdown-clock-soon",
        Pressure::Now => "countdown-clock countdown-clock-now",
    };
    view! {
        <div class=class>
            <span class="countdown-clock-digits" aria-hidden="true">{text(move || digits.get())}</span>
            <span class="unseen" role="timer">{text(move || sentence.get())}</span>
            // From five minutes down the eye gets the words as well, so that colour is not alone.
            {show(move || pressure.get() != Pressure::Calm, move || view! {
                <span class="countdown-clock-words" aria-hidden="true">
                    {text(move || sentence.get().replace(" to pay", ""))}
                </span>
            }.into_any())}
        </div>
    }
}

/// The clock's controls: more time from three minutes down, and the reminders switch.
#[component]
pub fn ClockControls(
    seconds_left: Fact<i64>,
    is_extendable: Fact<bool>,
    is_busy: Signal<bool>,
    extend: Callback<()>,
    reminders: RwSignal<bool>,
) -> impl IntoView {
    let offers_time = memo(move || seconds_left.get() <= 180 && is_extendable.get());
    view! {
        <div class="clock-controls">
            {show(move || offers_time.get(), move || view! {
                <button
                    class="button"
                    id="keep-my-seats"
                    aria-disabled=mark(move || is_busy.get())
                    on:click=press(move || {
                        if !is_busy.get_untracked() {
                            extend.run(());
                        }
                    })
                >
                    {text(move || if is_busy.get() { "One moment…" } else { "Keep my seats 5 more minutes" })}
                </button>
            }.into_any())}
            <label class="switch">
                <input
                    type="checkbox"
                    role="switch"
                    prop:checked=flag(move || reminders.get())
                    on:change=move |event| reminders.set(event_target_checked(&event))
                />
                <span>"Time reminders"</span>
            </label>
        </div>
    }
}
