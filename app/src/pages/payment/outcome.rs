//! What we know about a payment, in words: waiting, declined, or not heard of. Never "something went
//! wrong" about money: charged, not charged, or not known yet.
//!
//! Not here: the button that pays (`payment.rs`).

use crate::api::Failure;
use crate::erased::{block, mark, memo, press, show, text};
use crate::flow::FailureNote;
use crate::registration::{Act, Registration};
use crate::{browser, format};
use leptos::prelude::*;
use shared::views::PaymentStatus;

/// After this long at the waiting page we say that the bank takes longer.
const LONG_MS: i64 = 10_000;

/// The page while the bank has not answered.
pub(super) fn waiting(registration: Registration) -> impl IntoView + use<> {
    let since_ms = browser::steady_ms();
    let is_long = memo(move || LONG_MS < registration.live.steady_ms.get() - since_ms);
    let email = move || {
        let given = registration.order(|o| o.registrant.as_ref().map(|r| r.email.clone()));
        given.flatten().unwrap_or_else(|| registration.saved.with(|saved| saved.email.clone()))
    };
    let pay_at = memo(move || {
        let path = registration.order(|o| o.payment.as_ref().and_then(|p| p.pay_at.clone()));
        path.flatten().filter(|path| format::is_own_path(path))
    });
    let is_checking = memo(move || registration.busy.get() == Some(Act::Check));
    view! {
        <h1 tabindex="-1">"Waiting for your payment…"</h1>
        <p class="waiting-mark" aria-hidden="true"></p>
        <p>"Your seats stay held while your bank answers (at most 10 minutes)."</p>
        {show(move || is_long.get(), move || view! {
            <p>
                "Your bank is taking longer. You can close this page: we'll email "
                <strong>{email}</strong> ", and your seats stay held."
            </p>
        }.into_any())}
        {block(move || {
            let (act, failure) = registration.failure.get()?;
            (act == Act::Check).then(|| view! { <FailureNote failure=failure /> })
        })}
        <p class="acts">
            {show(move || is_long.get(), move || view! {
                <button
                    class="button button-primary"
                    aria-disabled=mark(move || is_checking.get())
                    on:click=press(move || registration.check_payment())
                >
                    {text(move || if is_checking.get() { "Checking…" } else { "Check payment" })}
                </button>
            }.into_any())}
            {block(move || {
                pay_at
                    .get()
                    .map(|path| {
                        view! {
                            <a class="button" rel="external" href=path>"Return to the payment page"</a>
                        }
                    })
            })}
        </p>
    }
}

/// How the last payment ended, when it did not work.
pub(super) fn last_payment(registration: Registration) -> impl IntoView + use<> {
    let words = memo(move || {
        registration
            .order(|order| {
                let payment = order.payment.as_ref()?;
                match payment.status {
                    PaymentStatus::Declined => {
                        let reason = payment.decline_reason.as_deref();
                        let reason = reason.map(|r| format!(" ({})", r.trim_end_matches('.')));
                        Some(format!(
                            "Your payment was declined{}. You have not been charged. You can pay again, or pay another way.",
                            reason.unwrap_or_default()
                        ))
                    }
                    PaymentStatus::Abandoned => Some(
                        "Your bank did not answer in time. As far as we know you have not been charged."
                            .to_owned(),
                    ),
                    PaymentStatus::InFlight
                    | PaymentStatus::Completed
                    | PaymentStatus::Refunding
                    | PaymentStatus::Refunded => None,
                }
            })
            .flatten()
    });
    Effect::new(move |before: Option<Option<String>>| {
        let now = words.get();
        if let (Some(before), Some(text)) = (&before, &now)
            && before.as_ref() != Some(text)
        {
            registration.announcer.polite(text);
        }
        now
    });
    block(move || {
        words.get().map(|text| view! { <p class="note note-look" id="last-payment">{text}</p> })
    })
}

/// Why pressing *Pay* did not lead to the provider.
pub(super) fn pay_failure(registration: Registration) -> impl IntoView + use<> {
    block(move || {
        let (act, failure) = registration.failure.get()?;
        if !matches!(act, Act::Pay | Act::Complete) {
            return None;
        }
        Some(match failure {
            Failure::Unreachable => view! {
                <p class="note note-look">
                    "We don't know yet whether the payment was started. It's safe to press again: you can't be charged twice."
                </p>
            }
            .into_any(),
            failure => view! { <FailureNote failure=failure /> }.into_any(),
        })
    })
}
