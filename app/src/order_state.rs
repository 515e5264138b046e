//! What the screen may say about an order: what was asked, what the server last said and the time
//! make exactly one state.
//!
//! The only place that mixes wish and truth. Pure; not here: sending (`registration/`), sentences
//! that need a calendar (`dates.rs`), markup (`components/order_panel.rs`).

use crate::format;
use shared::commands::SeatQuantity;
use shared::views::{OrderLine, OrderStatus, OrderView, PaymentStatus, PaymentView};
use shared::{Money, PaymentId, RefusalCode, SeatTypeId, Timestamp};

/// After this long we say that it takes longer than usual.
const LONG_MS: i64 = 3_000;
/// After this long we say that we do not know.
const UNSURE_MS: i64 = 10_000;

/// A reservation that was asked for and is not yet visible in a view. An overlay: it never changes
/// the view, and dies when a view at or past the answer's position arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Seats asked for, over all lines.
    pub seats: u32,
    /// When it was (last) sent, on the steady clock.
    pub since_ms: i64,
    /// The order did not exist before, so any view of it shows that the intent was done.
    pub is_new: bool,
    pub phase: Phase,
}

/// How far a sent command has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// On its way.
    Sent,
    /// The server said yes; a view at this position shows what became of it.
    Answered { position: u64 },
    /// The answer was lost. It may have been done.
    Unheard,
    /// The server said no.
    Refused(RefusalCode),
}

/// Everything that decides what the screen may say.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub intent: Option<&'a Intent>,
    /// The last confirmed view and its position.
    pub view: Option<(&'a OrderView, u64)>,
    /// The server's time.
    pub now: Timestamp,
    /// The steady clock, for how long we have been asking.
    pub steady_ms: i64,
    /// HTTP and socket both fail.
    pub is_offline: bool,
}

/// What became of money that arrived after the hold had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// The seats are being tried for again.
    Trying,
    /// The seats are gone; the money is on its way back.
    Refunding,
    /// The money is back.
    Refunded,
}

/// The one thing to say about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// No order yet.
    Choosing,
    Asking {
        seats: u32,
    },
    AskingLong {
        seats: u32,
    },
    /// Not heard back, or the connection was lost while asking.
    Unsure {
        seats: u32,
    },
    Held {
        seats: u32,
        until: Timestamp,
    },
    PartlyHeld {
        held: u32,
        asked: u32,
        until: Timestamp,
    },
    NoneHeld {
        asked: u32,
    },
    PayingElsewhere,
    Confirmed,
    Expired,
    PaidLate(Late),
    /// The registrant let the seats go.
    Released,
    /// The server said no to what was asked.
    Refused(RefusalCode),
}

impl OrderState {
    /// Says what the facts allow to be said.
    #[must_use]
    pub fn of(facts: &Facts<'_>) -> Self {
        let alive = facts.intent.filter(|intent| !is_answered(intent, facts.view));
        match (alive, facts.view) {
            (Some(intent), _) => asking(intent, facts),
            (None, Some((view, _))) => seen(view, facts),
            (None, None) => Self::Choosing,
        }
    }

    /// The headline, word for word; `until` is the deadline in the conference's time zone.
    #[must_use]
    pub fn headline(self, until: &str) -> String {
        match self {
            Self::Choosing => "Choose your seats".to_owned(),
            Self::Asking { seats: 1 } => "Reserving your seat…".to_owned(),
            Self::Asking { .. } => "Reserving your seats…".to_owned(),
            Self::AskingLong { .. } => "Still reserving. This is taking longer than usual. \
                 You don't need to do anything."
                .to_owned(),
            Self::Unsure { .. } => "We haven't heard back yet. It's safe to try again: \
                 you can't be booked twice."
                .to_owned(),
            Self::Held { seats: 1, .. } => format!("Your seat is held until {until}"),
            Self::Held { .. } => format!("Your seats are held until {until}"),
            Self::PartlyHeld { held, asked, .. } => {
                format!("We could hold {held} of the {asked} seats you asked for")
            }
            Self::NoneHeld { asked: 1 } => "That seat was taken while you were choosing".to_owned(),
            Self::NoneHeld { .. } => "Those seats were taken while you were choosing".to_owned(),
            Self::PayingElsewhere => "Waiting for your payment".to_owned(),
            Self::Confirmed => "You're registered".to_owned(),
            Self::Expired => "Your hold has ended".to_owned(),
            Self::PaidLate(Late::Trying) => "Your payment arrived after the hold ended. \
                 We're trying to get your seats back."
                .to_owned(),
            Self::PaidLate(Late::Refunding) => "Your payment arrived after the hold ended. \
                 We're returning the full amount."
                .to_owned(),
            Self::PaidLate(Late::Refunded) => "Your payment arrived after the hold ended. \
                 We have returned the full amount."
                .to_owned(),
            Self::Released => "You let your seats go".to_owned(),
            Self::Refused(code) => code.sentence_of_a_reservation().to_owned(),
        }
    }

    /// The deadline that a clock may show.
    #[must_use]
    pub const fn until(self) -> Option<Timestamp> {
        match self {
            Self::Held { until, .. } | Self::PartlyHeld { until, .. } => Some(until),
            Self::Choosing
            | Self::Asking { .. }
            | Self::AskingLong { .. }
            | Self::Unsure { .. }
            | Self::NoneHeld { .. }
            | Self::PayingElsewhere
            | Self::Confirmed
            | Self::Expired
            | Self::PaidLate(_)
            | Self::Released
            | Self::Refused(_) => None,
        }
    }

    /// The state without its deadline: equal as long as the same parts are on the screen, so that
    /// more time does not rebuild what somebody is using.
    #[must_use]
    pub const fn shape(self) -> Self {
        let until = Timestamp(0);
        match self {
            Self::Held { seats, .. } => Self::Held { seats, until },
            Self::PartlyHeld { held, asked, .. } => Self::PartlyHeld { held, asked, until },
            other => other,
        }
    }

    /// True while a reservation is being asked for.
    #[must_use]
    pub const fn is_asking(self) -> bool {
        matches!(self, Self::Asking { .. } | Self::AskingLong { .. } | Self::Unsure { .. })
    }

    /// True when other seats can be asked for under the same order id; otherwise a new order is made.
    #[must_use]
    pub const fn can_change_seats(self) -> bool {
        match self {
            Self::Choosing
            | Self::Asking { .. }
            | Self::AskingLong { .. }
            | Self::Unsure { .. }
            | Self::Held { .. }
            | Self::PartlyHeld { .. }
            | Self::NoneHeld { .. } => true,
            Self::PayingElsewhere
            | Self::Confirmed
            | Self::Expired
            | Self::PaidLate(_)
            | Self::Released => false,
            Self::Refused(code) => !matches!(
                code,
                RefusalCode::OrderEnded
                    | RefusalCode::OrderAlreadyConfirmed
                    | RefusalCode::OrderNotFound
            ),
        }
    }

    /// True while seats are held that can be kept, changed or let go.
    #[must_use]
    pub const fn is_holding(self) -> bool {
        self.until().is_some()
    }
}

/// True when the view already shows what became of the intent.
fn is_answered(intent: &Intent, view: Option<(&OrderView, u64)>) -> bool {
    match (&intent.phase, view) {
        (Phase::Answered { position }, Some((_, seen))) => *position <= seen,
        (Phase::Sent | Phase::Unheard, Some(_)) => intent.is_new,
        (Phase::Refused(_), _) | (_, None) => false,
    }
}

fn asking(intent: &Intent, facts: &Facts<'_>) -> OrderState {
    let seats = intent.seats;
    match intent.phase {
        Phase::Refused(code) => OrderState::Refused(code),
        Phase::Unheard => OrderState::Unsure { seats },
        Phase::Sent | Phase::Answered { .. } => {
            waiting(seats, facts.steady_ms - intent.since_ms, facts.is_offline)
        }
    }
}

const fn waiting(seats: u32, waited_ms: i64, is_offline: bool) -> OrderState {
    if is_offline || UNSURE_MS < waited_ms {
        OrderState::Unsure { seats }
    } else if LONG_MS < waited_ms {
        OrderState::AskingLong { seats }
    } else {
        OrderState::Asking { seats }
    }
}

fn seen(view: &OrderView, facts: &Facts<'_>) -> OrderState {
    let payment = view.payment.as_ref().map(|payment| payment.status);
    match view.status {
        OrderStatus::Confirmed => OrderState::Confirmed,
        OrderStatus::Reserving => {
            waiting(view.seats_asked(), facts.now.ms_since(view.placed_at), facts.is_offline)
        }
        OrderStatus::Held | OrderStatus::PartlyHeld => holding(view, payment, facts.now),
        OrderStatus::Expired | OrderStatus::Cancelled => ended(view.status, payment),
    }
}

fn holding(view: &OrderView, payment: Option<PaymentStatus>, now: Timestamp) -> OrderState {
    let until = view.hold_expires_at;
    let (held, asked) = (view.seats(), view.seats_asked());
    match payment {
        // The hold stays while the bank answers, so the deadline says nothing then.
        Some(PaymentStatus::InFlight | PaymentStatus::Completed) => OrderState::PayingElsewhere,
        _ if held == 0 => OrderState::NoneHeld { asked },
        _ if until <= now => OrderState::Expired,
        _ if view.status == OrderStatus::Held => OrderState::Held { seats: held, until },
        _ => OrderState::PartlyHeld { held, asked, until },
    }
}

fn ended(status: OrderStatus, payment: Option<PaymentStatus>) -> OrderState {
    match payment {
        // Nobody may be invited to pay again while the first answer is out.
        Some(PaymentStatus::InFlight) => OrderState::PayingElsewhere,
        Some(PaymentStatus::Completed) => OrderState::PaidLate(Late::Trying),
        Some(PaymentStatus::Refunding) => OrderState::PaidLate(Late::Refunding),
        Some(PaymentStatus::Refunded) => OrderState::PaidLate(Late::Refunded),
        Some(PaymentStatus::Declined | PaymentStatus::Abandoned) | None => {
            if status == OrderStatus::Cancelled {
                OrderState::Released
            } else {
                OrderState::Expired
            }
        }
    }
}

/// The payment id to use, if the one that was made may be used again: a double press, a reload and a
/// second tab are the same payment; a payment that came to an end is not.
#[must_use]
pub fn payment_id_to_reuse(
    made: Option<PaymentId>,
    latest: Option<&PaymentView>,
) -> Option<PaymentId> {
    let latest = latest.filter(|payment| Some(payment.id) == made || is_open(payment));
    match latest {
        Some(payment) if is_open(payment) => Some(payment.id),
        Some(_) => None,
        None => made,
    }
}

fn is_open(payment: &PaymentView) -> bool {
    matches!(payment.status, PaymentStatus::InFlight | PaymentStatus::Completed)
}

/// What the gate in front of *Pay* looks at.
#[derive(Clone, Copy, Debug)]
pub struct GateFacts {
    pub state: OrderState,
    /// The connection carries requests, and the view is not from before a sleep.
    pub is_connected: bool,
    /// The server knows who is registering, as it was typed last.
    pub are_details_saved: bool,
    /// The total that was shown when the page opened, or that was acknowledged since.
    pub shown: Money,
    /// The total of the view.
    pub total: Money,
}

/// Whether *Pay* may pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    Open,
    /// Visible and focusable, but pressing it only says why.
    Closed(String),
}

/// Opens the gate only for seats that are held, at the total that was shown.
#[must_use]
pub fn pay_gate(facts: &GateFacts) -> Gate {
    let reason = match facts.state {
        OrderState::Held { .. } if !facts.is_connected => {
            "You're offline. You can pay when the connection is back.".to_owned()
        }
        OrderState::Held { .. } if !facts.are_details_saved => {
            "You can pay as soon as your details are saved.".to_owned()
        }
        OrderState::Held { .. } if facts.shown != facts.total => format!(
            "The total changed from {} to {}. Check it, then pay.",
            facts.shown, facts.total
        ),
        OrderState::Held { .. } => return Gate::Open,
        OrderState::Choosing
        | OrderState::Asking { .. }
        | OrderState::AskingLong { .. }
        | OrderState::Unsure { .. } => {
            "You can pay as soon as your seats are confirmed.".to_owned()
        }
        OrderState::PartlyHeld { .. } | OrderState::NoneHeld { .. } => {
            "Choose what to do about your seats first.".to_owned()
        }
        OrderState::PayingElsewhere => "A payment for this order is in progress.".to_owned(),
        OrderState::Confirmed => "This order is already paid.".to_owned(),
        OrderState::Expired => "Your hold has ended. Try to get the same seats.".to_owned(),
        OrderState::PaidLate(_) => "Your payment has already arrived.".to_owned(),
        OrderState::Released => "You let these seats go.".to_owned(),
        OrderState::Refused(code) => code.sentence_of_a_reservation().to_owned(),
    };
    Gate::Closed(reason)
}

/// One line of the partial-grant panel: `3 of 5 held`, `none left`.
#[must_use]
pub fn granted_words(held: u32, asked: u32) -> String {
    if held == 0 { "none left".to_owned() } else { format!("{held} of {asked} held") }
}

/// What to ask for now that seats of a partly granted order came back: what is held and what is free
/// again, and how many more that is. `free` is what nobody holds of a seat type.
#[must_use]
pub fn with_what_came_back(
    lines: &[OrderLine],
    free: impl Fn(SeatTypeId) -> u32,
) -> (Vec<SeatQuantity>, u32) {
    let mut more = 0;
    let seats = lines.iter().map(|line| {
        let missing = line.asked.saturating_sub(line.held).min(free(line.seat_type));
        more += missing;
        SeatQuantity { seat_type: line.seat_type, quantity: line.held + missing }
    });
    (seats.filter(|line| 0 < line.quantity).collect(), more)
}

/// What a change of state is worth saying aloud; `None` when the page's focus or the clock's schedule
/// says it already.
#[must_use]
pub fn announcement(before: OrderState, after: OrderState) -> Option<String> {
    match after {
        OrderState::PartlyHeld { held, asked, .. }
            if !matches!(before, OrderState::PartlyHeld { .. }) =>
        {
            Some(format!("{held} of {} are held for you. Review your order.", format::seats(asked)))
        }
        OrderState::AskingLong { .. }
        | OrderState::Unsure { .. }
        | OrderState::NoneHeld { .. }
        | OrderState::PayingElsewhere
        | OrderState::PaidLate(_)
        | OrderState::Refused(_)
            if std::mem::discriminant(&before) != std::mem::discriminant(&after)
                && before != OrderState::Choosing =>
        {
            Some(after.headline(""))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "order_state_tests.rs"]
mod tests;
