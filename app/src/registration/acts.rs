//! What a registrant does: reserve, say who is registering, ask for time, let go, pay. Each act is one
//! command with one id, the same on every retry until it was answered.
//!
//! Not here: when an act is allowed (`order_state.rs`) and where the page goes next (pages).

use super::Registration;
use crate::api::{self, Failure};
use crate::erased::react;
use crate::order_state::{self, Intent, Phase};
use crate::saved::Saved;
use crate::{browser, format};
use leptos::{prelude::*, task::spawn_local};
use shared::commands::{
    AssignRegistrantDetails, BrowserCommand, CheckPayment, CompleteRegistration,
    ExtendSeatReservation, InitiatePayment, RegisterToConference, ReleaseHold, SeatQuantity,
};
use shared::rules::check_registrant;
use shared::views::{OrderLine, OrderStatus, OrderView};
use shared::{CommandId, Money, OrderId, PaymentId, Problem};

/// What a push has not brought this long after an act is asked for.
const ASK_AFTER_MS: i64 = 1_500;

/// The acts that keep a button busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Extend,
    Release,
    Pay,
    Check,
    Complete,
}

/// Where the typed details are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Details {
    /// Nothing is on its way.
    Idle,
    /// To be sent as soon as the server knows the order.
    Wanted,
    Sending,
    /// Saved; the view at this position shows them.
    Answered {
        position: u64,
    },
    /// No answer. Sending again is safe.
    Unheard,
    /// The server found something wrong with them.
    Refused(Box<Problem>),
}

/// The seats an order holds, as they would be asked for.
#[must_use]
pub fn held_seats(order: &OrderView) -> Vec<SeatQuantity> {
    let lines = order.lines.iter().filter(|line| 0 < line.held);
    lines.map(|line| SeatQuantity { seat_type: line.seat_type, quantity: line.held }).collect()
}

/// What every command starts with.
struct Envelope {
    command_id: CommandId,
    conference: String,
    order_id: OrderId,
    token: String,
}

impl Registration {
    /// The envelope of a command of this order that says `says`.
    fn envelope(self, says: &str) -> Option<Envelope> {
        let order_id = self.order_id.get_untracked()?;
        let conference = self.slug.get_untracked();
        let (command_id, token) = self.saved.try_update(|saved| {
            let order = saved.order_mut(order_id)?;
            Some((order.intent(says), order.token.clone()))
        })??;
        Some(Envelope { command_id, conference, order_id, token })
    }

    /// Remembers that an intent was answered, one way or the other.
    fn settle(self, envelope: &Envelope) {
        self.saved.update(|saved| {
            if let Some(order) = saved.order_mut(envelope.order_id) {
                order.answered(envelope.command_id);
            }
        });
    }

    /// Asks for seats: for a new order, or instead of those that this order holds.
    pub fn reserve(self, seats: Vec<SeatQuantity>) -> Option<OrderId> {
        self.reserve_after(None, seats)
    }

    fn reserve_after(self, release: Option<Envelope>, seats: Vec<SeatQuantity>) -> Option<OrderId> {
        let state = self.state.get_untracked();
        let known = self.order_id.get_untracked().filter(|id| {
            state.can_change_seats() && self.saved.with_untracked(|s| s.order(*id).is_some())
        });
        let id = match known {
            Some(id) => id,
            None => self.saved.try_update(Saved::prepared)?,
        };
        if self.order_id.get_untracked() != Some(id) {
            self.enter_order(id);
        }
        self.saved.update(|saved| {
            saved.seats.clone_from(&seats);
            saved.confirmed_at = None;
            if let Some(order) = saved.order_mut(id) {
                order.is_placed = true;
            }
        });
        self.ask_for(release, seats);
        Some(id)
    }

    /// Sends the same reservation again: nobody can be booked twice.
    pub fn ask_again(self) {
        self.ask_for(None, self.saved.with_untracked(|saved| saved.seats.clone()));
    }

    /// Asks for seats, once an older hold of one's own has been let go: it may be holding just these.
    fn ask_for(self, release: Option<Envelope>, seats: Vec<SeatQuantity>) {
        let says = serde_json::to_string(&seats).unwrap_or_default();
        let Some(envelope) = self.envelope(&says) else { return };
        self.store_now();
        let is_new = untrack(|| self.order(|_| ())).is_none();
        self.intent.set(Some(Intent {
            seats: seats.iter().map(|line| line.quantity).sum(),
            since_ms: browser::steady_ms(),
            is_new,
            phase: Phase::Sent,
        }));
        spawn_local(async move {
            if let Some(Envelope { command_id, conference, order_id, token }) = release {
                // Whatever the answer: that hold ends by itself a minute later.
                let _ = api::send(&ReleaseHold { command_id, conference, order_id }, &token).await;
            }
            let command = RegisterToConference {
                command_id: envelope.command_id,
                conference: envelope.conference.clone(),
                order_id: envelope.order_id,
                seats,
            };
            let phase = match api::send(&command, &envelope.token).await {
                Ok(accepted) => Phase::Answered { position: accepted.position },
                Err(Failure::Refused(problem)) => Phase::Refused(problem.code),
                Err(Failure::Unreachable | Failure::Faulty { .. }) => Phase::Unheard,
            };
            self.reservation_answered(&envelope, phase);
        });
    }

    fn reservation_answered(self, envelope: &Envelope, phase: Phase) {
        if !matches!(phase, Phase::Unheard) {
            self.settle(envelope);
        }
        if self.order_id.get_untracked() != Some(envelope.order_id) {
            return;
        }
        if !matches!(phase, Phase::Refused(_)) {
            self.watch_order();
            self.live.hurry();
        }
        self.intent.update(|intent| {
            if let Some(intent) = intent {
                intent.phase = phase;
            }
        });
    }

    /// Goes on with the seats that were granted: they become what is asked for.
    pub fn go_on_with_held(self) {
        if let Some(seats) = untrack(|| self.order(held_seats)) {
            self.reserve(seats);
        }
    }

    /// After the end: the same seats and details in a new order, in one press.
    pub fn try_same_seats(self) -> Option<OrderId> {
        let seats = self.saved.with_untracked(|saved| saved.seats.clone());
        let asked = untrack(|| {
            self.order(|order| {
                let lines = order.lines.iter().filter(|line| 0 < line.asked);
                let line = |line: &OrderLine| SeatQuantity {
                    seat_type: line.seat_type,
                    quantity: line.asked,
                };
                lines.map(line).collect::<Vec<_>>()
            })
        });
        let seats = if seats.is_empty() { asked.unwrap_or_default() } else { seats };
        // In the last minute of grace the old hold still stands in the way of the new one.
        let still_held = untrack(|| self.order(|order| order.status))
            .is_some_and(|status| matches!(status, OrderStatus::Held | OrderStatus::PartlyHeld));
        let release = if still_held { self.envelope(ReleaseHold::ROUTE) } else { None };
        let id = self.reserve_after(release, seats)?;
        if check_registrant(&self.saved.with_untracked(Saved::registrant)).is_ok() {
            self.details.set(Details::Wanted);
        }
        Some(id)
    }

    /// Wants the typed details to be sent; they go as soon as the server knows the order.
    pub fn save_details(self) {
        self.details.set(Details::Wanted);
        self.store_now();
    }

    /// Sends details that are wanted once the order exists.
    pub(super) fn send_wanted_details(self) {
        react(move || {
            let exists = self.order(|_| ()).is_some();
            if exists && self.details.get() == Details::Wanted {
                self.send_details();
            }
        });
    }

    fn send_details(self) {
        let typed = self.saved.with_untracked(Saved::registrant);
        let Ok(registrant) = check_registrant(&typed) else {
            self.details.set(Details::Idle);
            return;
        };
        let says = serde_json::to_string(&registrant).unwrap_or_default();
        let Some(envelope) = self.envelope(&says) else { return };
        self.details.set(Details::Sending);
        spawn_local(async move {
            let command = AssignRegistrantDetails {
                command_id: envelope.command_id,
                conference: envelope.conference.clone(),
                order_id: envelope.order_id,
                registrant,
            };
            let next = match api::send(&command, &envelope.token).await {
                Ok(accepted) => Details::Answered { position: accepted.position },
                Err(Failure::Refused(problem)) => Details::Refused(problem),
                Err(Failure::Unreachable | Failure::Faulty { .. }) => Details::Unheard,
            };
            if next != Details::Unheard {
                self.settle(&envelope);
            }
            if self.order_id.get_untracked() == Some(envelope.order_id) {
                if matches!(next, Details::Answered { .. }) {
                    self.live.hurry();
                }
                self.details.set(next);
            }
        });
    }

    /// Keeps the seats five more minutes.
    pub fn extend(self) {
        self.act(Act::Extend, |Envelope { command_id, conference, order_id, .. }| {
            ExtendSeatReservation { command_id, conference, order_id }
        });
    }

    /// Gives the seats back; `then` runs when the server has them.
    pub fn release(self, then: Callback<()>) {
        let Some(envelope) = self.begin(Act::Release, ReleaseHold::ROUTE) else { return };
        spawn_local(async move {
            let command = ReleaseHold {
                command_id: envelope.command_id,
                conference: envelope.conference.clone(),
                order_id: envelope.order_id,
            };
            let answer = api::send(&command, &envelope.token).await;
            if self.end(Act::Release, &envelope, answer).is_some() {
                self.saved.update(|saved| {
                    saved.seats.clear();
                    saved.orders.retain(|order| order.id != envelope.order_id);
                });
                self.announcer.polite("You let your seats go.");
                then.run(());
            }
        });
    }

    /// Confirms an order that costs nothing.
    pub fn complete(self) {
        self.act(Act::Complete, |Envelope { command_id, conference, order_id, .. }| {
            CompleteRegistration { command_id, conference, order_id }
        });
    }

    /// Asks what became of the payment in flight.
    pub fn check_payment(self) {
        let payment = untrack(|| self.order(|order| order.payment.as_ref().map(|p| p.id)));
        let Some(payment_id) = payment.flatten() else { return self.live.refresh() };
        self.act(Act::Check, move |Envelope { command_id, conference, order_id, .. }| {
            CheckPayment { command_id, conference, order_id, payment_id }
        });
    }

    /// Starts the payment, or goes on with the one that was started, and goes to the provider.
    pub fn pay(self, total: Money) {
        let Some(payment_id) = self.payment_id() else { return };
        let says = format!("{} {payment_id} {total}", InitiatePayment::ROUTE);
        let Some(envelope) = self.begin(Act::Pay, &says) else { return };
        self.store_now();
        spawn_local(async move {
            let command = InitiatePayment {
                command_id: envelope.command_id,
                conference: envelope.conference.clone(),
                order_id: envelope.order_id,
                payment_id,
                total,
            };
            let answer = api::send(&command, &envelope.token).await;
            let Some(accepted) = self.end(Act::Pay, &envelope, answer) else { return };
            if let Some(path) = accepted.pay_at.filter(|path| format::is_own_path(path)) {
                self.busy.set(Some(Act::Pay));
                browser::leave_for(&path);
            }
        });
    }

    /// One id for a double press, a reload and a second tab; a new one after a payment that ended.
    fn payment_id(self) -> Option<PaymentId> {
        let id = self.order_id.get_untracked()?;
        // Another tab of this device may have made it after this one was opened.
        let elsewhere = Saved::load(&self.slug.get_untracked());
        let made_elsewhere = elsewhere.order(id).and_then(|order| order.payment);
        self.saved.try_update(|saved| {
            let order = saved.order_mut(id)?;
            let made = made_elsewhere.or(order.payment);
            let reused = untrack(|| {
                self.order(|view| order_state::payment_id_to_reuse(made, view.payment.as_ref()))
            });
            let payment = reused.flatten().unwrap_or_else(|| PaymentId(browser::fresh_id()));
            order.payment = Some(payment);
            Some(payment)
        })?
    }

    /// Sends a command that needs no more than busy and failure.
    fn act<C: BrowserCommand + 'static>(self, act: Act, make: impl FnOnce(Envelope) -> C) {
        let Some(envelope) = self.begin(act, C::ROUTE) else { return };
        let Envelope { command_id, order_id, .. } = envelope;
        let (conference, token) = (envelope.conference.clone(), envelope.token.clone());
        let command = make(envelope);
        let sent = Envelope { command_id, conference, order_id, token };
        spawn_local(async move {
            let answer = api::send(&command, &sent.token).await;
            self.end(act, &sent, answer);
        });
    }

    /// Begins an act; `None` while another one waits for its answer.
    fn begin(self, act: Act, says: &str) -> Option<Envelope> {
        if self.busy.get_untracked().is_some() {
            return None;
        }
        let envelope = self.envelope(says)?;
        self.busy.set(Some(act));
        self.failure.set(None);
        Some(envelope)
    }

    /// Ends an act: what it did comes by push, or by asking; what went wrong is shown.
    fn end(
        self,
        act: Act,
        envelope: &Envelope,
        answer: Result<shared::commands::Accepted, Failure>,
    ) -> Option<shared::commands::Accepted> {
        self.busy.set(None);
        match answer {
            Ok(accepted) => {
                self.settle(envelope);
                let is_live = self.live.connection.get_untracked().is_live();
                // What the socket does not bring is asked for.
                browser::after(if is_live { ASK_AFTER_MS } else { 0 }, move || self.live.get_all());
                Some(accepted)
            }
            Err(failure) => {
                if matches!(failure, Failure::Refused(_)) {
                    self.settle(envelope);
                    self.live.refresh();
                }
                self.announcer.polite(failure.sentence());
                self.failure.set(Some((act, failure)));
                None
            }
        }
    }
}
