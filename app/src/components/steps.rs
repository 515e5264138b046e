//! Where we are: Seats · Details · Payment · Done. Finished steps are links.

use crate::erased::text;
use crate::fact::Fact;
use leptos::prelude::*;

/// The steps of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Seats,
    Details,
    Payment,
    Done,
}

impl Step {
    const fn name(self, is_free: bool) -> &'static str {
        match self {
            Self::Seats => "Seats",
            Self::Details => "Details",
            Self::Payment if is_free => "Check",
            Self::Payment => "Payment",
            Self::Done => "Done",
        }
    }
}

/// The steps of this order; `links` are the addresses of Seats, Details and Payment.
#[component]
pub fn Steps(
    current: Step,
    /// Nothing is to be paid, so there is no payment to name.
    is_free: Signal<bool>,
    links: Fact<[String; 3]>,
) -> impl IntoView {
    let item = move |step: Step, index: usize| {
        let name = move || step.name(is_free.get());
        let is_link = step < current && current != Step::Done;
        let mark = if step < current { "steps-item steps-item-done" } else { "steps-item" };
        view! {
            <li class=mark aria-current=(step == current).then_some("step")>
                {if is_link {
                    view! {
                        <a href=text(move || links.with(|links| links[index].clone()))>{name}</a>
                    }
                        .into_any()
                } else {
                    view! { <span>{name}</span> }.into_any()
                }}
            </li>
        }
    };
    view! {
        <nav class="steps" aria-label="Steps">
            <ol class="steps-list">
                {item(Step::Seats, 0)} {item(Step::Details, 1)} {item(Step::Payment, 2)}
                {item(Step::Done, 2)}
            </ol>
        </nav>
    }
}
