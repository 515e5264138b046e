//! Giving a whole order back before the owner's cut-off: asks once, says what is refunded, and shows
//! what became of the money.

use super::ask_once::{AskOnce, Words};
use crate::dates;
use crate::desk::my_order::MyOrder;
use crate::erased::{flag, mark, memo, press, show, text};
use crate::format;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::commands::{BrowserCommand, CancelRegistration};
use shared::views::{OrderView, PaymentStatus};

const QUESTION: Words = Words {
    title: "Cancel your registration?",
    yes: "Cancel my registration",
    no: "Keep my registration",
};

/// What will happen, said before it does.
fn consequence(order: &OrderView) -> String {
    let seats = format::seats(order.seats());
    let money = if order.total.is_zero() {
        String::new()
    } else {
        format!(" We refund {} to the way you paid.", order.total)
    };
    format!(
        "Your {seats} go back on sale, and the tickets stop working.{money} This can't be undone."
    )
}

/// What became of the money of an order that was given back.
#[must_use]
pub fn refund_words(order: &OrderView) -> Option<String> {
    let payment = order.payment.as_ref()?;
    match payment.status {
        PaymentStatus::Refunding => Some(format!("{} is on its way back to you.", payment.amount)),
        PaymentStatus::Refunded => Some(format!("{} was refunded.", payment.amount)),
        PaymentStatus::InFlight
        | PaymentStatus::Completed
        | PaymentStatus::Declined
        | PaymentStatus::Abandoned => None,
    }
}

/// The offer, while there is one.
#[component]
pub fn GiveBack(order: MyOrder) -> impl IntoView {
    let is_open = RwSignal::new(false);
    let is_busy = RwSignal::new(false);
    let failure = RwSignal::new(String::new());
    let until = memo(move || order.conference(|view| view.cancel_until).flatten());
    let is_possible =
        memo(move || until.get().is_some_and(|until| order.session.live.now.get() < until));
    let words = move || {
        let until = until.get().map(|until| dates::day_and_time(until, &order.zone()));
        until.map(|until| format!("You can cancel until {until}.")).unwrap_or_default()
    };
    let is_over = memo(move || until.get().is_some() && !is_possible.get());
    let was = move || {
        let until = until.get().map(|until| dates::day_and_time(until, &order.zone()));
        let contact = order.conference(|view| view.contact_email.clone()).unwrap_or_default();
        let until = until.unwrap_or_default();
        format!("It could be cancelled until {until}. Can't come? Write to {contact}.")
    };
    let act = Callback::new(move |()| give_back(order, is_busy, failure));
    view! {
        {show(move || is_over.get(), move || view! { <p class="desk-soft">{text(was)}</p> }.into_any())}
        {show(move || is_possible.get(), move || view! {
            <section class="desk-panel" aria-labelledby="cancel">
                <h2 id="cancel">"Can't come?"</h2>
                <p>{text(words)}</p>
                <p class="acts">
                    <button
                        class="button"
                        class:button-busy=flag(move || is_busy.get())
                        aria-disabled=mark(move || is_busy.get())
                        on:click=press(move || is_open.set(!is_busy.get_untracked()))
                    >
                        "Cancel my registration…"
                    </button>
                </p>
                {show(move || failure.with(|words| !words.is_empty()), move || view! {
                    <p class="field-error">{text(move || failure.get())}</p>
                }.into_any())}
                <AskOnce words=QUESTION is_open=is_open act=act>
                    <p>{text(move || order.view(consequence).unwrap_or_default())}</p>
                </AskOnce>
            </section>
        }.into_any())}
    }
}

fn give_back(order: MyOrder, is_busy: RwSignal<bool>, failure: RwSignal<String>) {
    if is_busy.get_untracked() {
        return;
    }
    let Some(envelope) = order.envelope(CancelRegistration::ROUTE) else { return };
    is_busy.set(true);
    failure.set(String::new());
    let command = CancelRegistration {
        command_id: envelope.command_id,
        conference: envelope.conference.clone(),
        order_id: envelope.order_id,
    };
    spawn_local(async move {
        let answer = order.send(command, envelope).await;
        let _ = is_busy.try_set(false);
        match answer {
            Ok(_) => order.session.live.refresh(),
            Err(refused) => {
                order.session.announcer.say(refused.sentence(), true);
                let _ = failure.try_set(refused.sentence().to_owned());
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::views::{OrderLine, OrderStatus, PaymentView};
    use shared::{
        AccessCode, ConferenceId, Currency, Money, OrderId, PaymentId, SeatTypeId, Timestamp,
    };
    use uuid::Uuid;

    fn order(minor: i64, payment: Option<PaymentStatus>) -> OrderView {
        let total = Money::new(minor, Currency::EUR);
        let payment = payment.map(|status| PaymentView {
            id: PaymentId(Uuid::nil()),
            status,
            amount: total,
            initiated_at: Timestamp(0),
            pay_at: None,
            decline_reason: None,
        });
        let line = OrderLine {
            seat_type: SeatTypeId(Uuid::nil()),
            name: "General".into(),
            asked: 2,
            held: 2,
            unit_price: total,
            line_total: total,
        };
        OrderView {
            id: OrderId(Uuid::nil()),
            conference_id: ConferenceId(Uuid::nil()),
            conference: "rustconf".into(),
            access_code: "K7M-2QX".parse::<AccessCode>().unwrap(),
            status: OrderStatus::Confirmed,
            lines: vec![line],
            total,
            placed_at: Timestamp(0),
            hold_expires_at: Timestamp(0),
            extensions_left: 0,
            registrant: None,
            payment,
            confirmed_at: None,
            seats: Vec::new(),
            was_short: false,
        }
    }

    #[test]
    fn the_question_says_what_is_refunded_and_a_free_order_has_nothing_to_refund() {
        let words = consequence(&order(39_800, None));
        assert!(words.contains("2 seats go back") && words.contains("refund €398"), "{words}");
        assert!(!consequence(&order(0, None)).contains("refund"));
    }

    #[test]
    fn the_money_is_followed_until_it_is_back() {
        let said = |status| refund_words(&order(39_800, Some(status)));
        assert_eq!(
            said(PaymentStatus::Refunding).as_deref(),
            Some("€398 is on its way back to you.")
        );
        assert_eq!(said(PaymentStatus::Refunded).as_deref(), Some("€398 was refunded."));
        assert_eq!(said(PaymentStatus::Completed), None);
        assert_eq!(refund_words(&order(0, None)), None);
    }
}
