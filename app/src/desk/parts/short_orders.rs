//! How many people were offered fewer seats than they asked for, and what they made of it: whoever is
//! shown a page before the server has decided should know how often it promised too much (PAR-8).

use crate::desk::totals::digits;
use crate::desk::watching::Watching;
use crate::erased::text;
use leptos::prelude::*;
use shared::dashboard::{DashboardView, ShortOrders};

/// The panel. Its place is always there, so that nothing moves when there is something to say.
#[component]
pub fn ShortOrdersPanel(watching: Watching) -> impl IntoView {
    view! {
        <section class="desk-panel" aria-labelledby="short">
            <h2 id="short">"Fewer seats than wanted"</h2>
            <p>{text(move || watching.view(how_many).unwrap_or_default())}</p>
            <p class="desk-aside">{text(move || watching.view(|view| how_they_ended(view.short)).unwrap_or_default())}</p>
        </section>
    }
}

fn how_many(view: &DashboardView) -> String {
    let (short, all) = (view.short.orders, view.orders_placed);
    if short == 0 {
        return "Everybody got the seats they asked for.".to_owned();
    }
    let percent = u64::from(short) * 100 / u64::from(all.max(1));
    let share = if percent == 0 { "less than 1".to_owned() } else { percent.to_string() };
    format!("{} of {} orders ({share}%) were offered fewer.", digits(short), digits(all))
}

fn how_they_ended(short: ShortOrders) -> String {
    if short.orders == 0 {
        return String::new();
    }
    let (bought, left, open) = (digits(short.confirmed), digits(short.left()), digits(short.open));
    format!("{bought} bought, {left} left without seats, {open} still choosing.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_add_up() {
        let short = ShortOrders { orders: 12, confirmed: 7, open: 2 };
        assert_eq!(how_they_ended(short), "7 bought, 3 left without seats, 2 still choosing.");
        assert_eq!(how_they_ended(ShortOrders::default()), "");
    }
}
