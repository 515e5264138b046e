//! The order at a glance: lines and total, beside the page or folded above it on a phone.
//!
//! Not here: what state the order is in (`components/order_panel.rs`).

use crate::erased::{block, text};
use crate::fact::Fact;
use leptos::prelude::*;
use shared::Money;

/// Below this width the summary starts folded.
const WIDE: &str = "(min-width: 60rem)";

/// One line of the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryLine {
    pub name: String,
    pub quantity: u32,
    pub total: Money,
}

/// The total of an order as words: a price, or that there is none to pay.
#[must_use]
pub fn total_words(total: Money) -> String {
    if total.is_zero() { "Free".to_owned() } else { total.to_string() }
}

/// The summary.
#[component]
pub fn OrderSummary(
    lines: Fact<Vec<SummaryLine>>,
    total: Fact<Option<Money>>,
    /// The folded line, for instance "2 seats · €398 · held until 14:32".
    in_short: Fact<String>,
    children: Children,
) -> impl IntoView {
    let is_wide = window().match_media(WIDE).ok().flatten().is_none_or(|query| query.matches());
    view! {
        <aside class="order-summary" aria-labelledby="order-summary-title">
            <details class="order-summary-fold" open=is_wide>
                <summary class="order-summary-short">{text(move || in_short.get())}</summary>
                <h2 class="order-summary-title" id="order-summary-title">"Your order"</h2>
                <ul class="order-summary-lines">
                    {block(move || lines.get().into_iter().map(summary_line).collect_view())}
                </ul>
                <p class="order-summary-total">
                    <span>"Total"</span>
                    <strong>{text(move || total.get().map(total_words).unwrap_or_default())}</strong>
                </p>
                <p class="order-summary-note">"Taxes and fees included."</p>
                {children()}
            </details>
        </aside>
    }
}

/// One line of what is ordered or chosen.
pub fn summary_line(line: SummaryLine) -> impl IntoView {
    view! {
        <li class="order-summary-line">
            <span>{format!("{} × {}", line.quantity, line.name)}</span>
            <span>{total_words(line.total)}</span>
        </li>
    }
}
