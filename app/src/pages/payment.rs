//! Check your answers, then pay: the gate opens only for seats that are held, at the total that was
//! shown. Also where the provider sends people back to, so it waits for the payment's outcome.
//!
//! Not here: when the gate opens (`order_state::pay_gate`), and the provider's own page (server).

mod outcome;

use crate::arrival::arrive;
use crate::components::order_summary::total_words;
use crate::components::steps::Step;
use crate::erased::{block, either, flag, mark, memo, press, react, show, text};
use crate::fact::Fact;
use crate::flow;
use crate::navigation::Go;
use crate::order_state::{self, Gate, GateFacts, OrderState};
use crate::registration::{Act, Details, Registration};
use crate::saved::Saved;
use leptos::prelude::*;
use shared::Money;
use shared::commands::Registrant;
use shared::rules::check_registrant;

/// What the page itself remembers.
#[derive(Clone, Copy)]
pub(super) struct Paying {
    pub(super) registration: Registration,
    go: Go,
    /// The total that was shown first, or that was acknowledged since.
    shown: RwSignal<Option<Money>>,
    gate: Fact<Gate>,
}

/// The page.
#[component]
pub fn PaymentPage() -> impl IntoView {
    let registration = flow::enter();
    let shown = RwSignal::new(None);
    let page = Paying {
        registration,
        go: expect_context::<Go>(),
        shown,
        gate: memo(move || gate(registration, shown)),
    };
    let is_waiting = memo(move || registration.state.get() == OrderState::PayingElsewhere);
    arrive(
        move || {
            if is_waiting.get() { "Waiting for your payment" } else { "Check and pay" }.to_owned()
        },
        || false,
    );
    page.follow_the_order();
    page.announce_the_gate();
    let is_closed = memo(move || registration.is_order_closed_here());
    view! {
        <div class="main flow">
            {flow::steps(registration, Step::Payment)}
            {either(move || !is_closed.get(), move || view! {
                <div class="flow-grid">
                    <div class="flow-main">
                        {either(move || !is_waiting.get(), move || view! {
                            <h1 tabindex="-1">"Check your answers"</h1>
                            {outcome::last_payment(registration)}
                            {flow::order_panel(registration, "payment")}
                            {page.review()}
                            {page.gate_and_button()}
                        }.into_any(), move || outcome::waiting(registration).into_any())}
                    </div>
                    {flow::summary(registration)}
                </div>
            }.into_any(), move || flow::closed_here(registration).into_any())}
        </div>
    }
}

fn gate(registration: Registration, shown: RwSignal<Option<Money>>) -> Gate {
    let live = registration.live;
    let total = registration.order(|order| order.total);
    let zero = Money::zero(shared::Currency::EUR);
    let total = total.unwrap_or(zero);
    order_state::pay_gate(&GateFacts {
        state: registration.state.get(),
        is_connected: live.connection.get().carries_requests() && !live.is_stale.get(),
        are_details_saved: registration.details.get() == Details::Idle
            && registration.order(|order| order.registrant.is_some()).unwrap_or_default(),
        shown: shown.get().unwrap_or(total),
        total,
    })
}

impl Paying {
    /// Confirmed goes on; details that are missing go back; details that are only typed are sent.
    fn follow_the_order(self) {
        let registration = self.registration;
        react(move || match registration.state.get() {
            OrderState::Confirmed => self.go.instead_to(&registration.own_path("confirmed")),
            OrderState::Held { .. } if self.shown.get_untracked().is_none() => {
                self.shown.set(untrack(|| registration.order(|order| order.total)));
            }
            _ => {}
        });
        react(move || {
            let is_nameless = registration.order(|order| order.registrant.is_none());
            let typed = registration.saved.with(Saved::registrant);
            match registration.details.get() {
                Details::Refused(_) => self.go.instead_to(&registration.own_path("details")),
                Details::Idle if is_nameless == Some(true) => {
                    if check_registrant(&typed).is_ok() {
                        registration.save_details();
                    } else {
                        registration.announcer.polite("Tell us first who is registering.");
                        self.go.instead_to(&registration.own_path("details"));
                    }
                }
                _ => {}
            }
        });
    }

    /// A gate that opens while somebody waits in front of it is worth a word, once.
    fn announce_the_gate(self) {
        Effect::new(move |was_closed: Option<bool>| {
            let is_closed = self.gate.get() != Gate::Open;
            if was_closed == Some(true) && !is_closed {
                self.registration.announcer.polite("Your seats are confirmed.");
            }
            is_closed
        });
    }

    fn registrant(self) -> Registrant {
        let registration = self.registration;
        let saved = || registration.saved.with(Saved::registrant);
        if registration.details.get() == Details::Idle {
            registration.order(|order| order.registrant.clone()).flatten().unwrap_or_else(saved)
        } else {
            saved()
        }
    }

    fn review(self) -> impl IntoView {
        let registration = self.registration;
        let person = memo(move || self.registrant());
        let seats = move || format!("/{}/seats", registration.slug.get());
        let details = move || {
            registration.order_id.track();
            registration.own_path("details")
        };
        let lines = move || {
            let line = |line: crate::components::order_summary::SummaryLine| {
                let words = format!("{} × {}", line.quantity, line.name);
                view! { <li><span>{words}</span> " " <span>{total_words(line.total)}</span></li> }
            };
            registration.summary_lines().into_iter().map(line).collect_view()
        };
        view! {
            <dl class="review">
                <div class="review-row">
                    <dt>"Seats"</dt>
                    <dd>
                        <ul class="review-lines">{lines}</ul>
                    </dd>
                    <dd class="review-change">
                        <a href=seats>"Change" <span class="unseen">" seats"</span></a>
                    </dd>
                </div>
                <div class="review-row">
                    <dt>"Name"</dt>
                    <dd>{text(move || person.with(|p| format!("{} {}", p.given_name, p.family_name)))}</dd>
                    <dd class="review-change">
                        <a href=details>"Change" <span class="unseen">" name"</span></a>
                    </dd>
                </div>
                <div class="review-row">
                    <dt>"Email"</dt>
                    <dd>{text(move || person.with(|p| p.email.clone()))}</dd>
                    <dd class="review-change">
                        <a href=details>"Change" <span class="unseen">" email"</span></a>
                    </dd>
                </div>
            </dl>
            {details_note(registration)}
        }
    }

    fn gate_and_button(self) -> impl IntoView {
        let registration = self.registration;
        let is_closed = memo(move || self.gate.get() != Gate::Open);
        let is_busy =
            memo(move || matches!(registration.busy.get(), Some(Act::Pay | Act::Complete)));
        let sentence = move || match self.gate.get() {
            Gate::Open => "Your seats are confirmed.".to_owned(),
            Gate::Closed(reason) => reason,
        };
        let label = move || match registration.total() {
            _ if is_busy.get() => "One moment…".to_owned(),
            Some(total) if total.is_zero() => "Complete registration".to_owned(),
            Some(total) => format!("Pay {total}"),
            None => "Pay".to_owned(),
        };
        let is_ended = move || registration.state.get() == OrderState::Expired;
        view! {
            {outcome::pay_failure(registration)}
            // After the end the way on is in the panel; a second Pay would only confuse.
            {show(move || !is_ended(), move || view! {
                <div class="pay">
                    <button
                        class="button button-primary pay-button"
                        class:button-busy=flag(move || is_busy.get())
                        aria-disabled=mark(move || is_closed.get() || is_busy.get())
                        aria-describedby="pay-gate"
                        on:click=press(move || self.press())
                    >
                        {label}
                    </button>
                    <p class="pay-gate" class:pay-gate-open=flag(move || !is_closed.get()) id="pay-gate">
                        {sentence}
                    </p>
                </div>
            }.into_any())}
        }
    }

    fn press(self) {
        let registration = self.registration;
        if registration.busy.get_untracked().is_some() {
            return;
        }
        match self.gate.get_untracked() {
            Gate::Closed(reason) => {
                registration.announcer.polite(&reason);
                // The new total has been read now; the next press pays it.
                if registration.state.get_untracked().is_holding() {
                    self.shown.set(untrack(|| registration.order(|order| order.total)));
                }
            }
            Gate::Open => match untrack(|| registration.order(|order| order.total)) {
                Some(total) if total.is_zero() => registration.complete(),
                Some(total) => registration.pay(total),
                None => {}
            },
        }
    }
}

/// Whether the typed details are on their way, and a way to send them again.
fn details_note(registration: Registration) -> impl IntoView {
    block(move || match registration.details.get() {
        Details::Wanted | Details::Sending => {
            Some(view! { <p class="note">"Saving your details…"</p> }.into_any())
        }
        Details::Unheard => Some(
            view! {
                <div class="note note-look">
                    <p>"Your details are not saved yet. It's safe to try again."</p>
                    <button class="button" on:click=press(move || registration.save_details())>
                        "Save my details"
                    </button>
                </div>
            }
            .into_any(),
        ),
        Details::Idle | Details::Answered { .. } | Details::Refused(_) => None,
    })
}
