//! The numbers that an owner looks at first. Their places never move and never change their size; each
//! says itself when it is not live.

use crate::desk::totals::{Totals, briefly, digits};
use crate::desk::watching::Watching;
use crate::erased::{block, each, flag, memo, text};
use crate::fact::Fact;
use crate::format;
use leptos::prelude::*;
use shared::dashboard::DashboardView;

/// What stands on a tile.
#[derive(Clone, Copy)]
struct Tile {
    name: &'static str,
    /// The CSS modifier: the same mark as in the bars.
    mark: &'static str,
    number: fn(&Totals) -> String,
    /// What the number is of.
    aside: fn(&DashboardView) -> String,
}

const TILES: [Tile; 4] = [
    Tile {
        name: "Sold",
        mark: "sold",
        number: |totals| digits(totals.sold),
        aside: |view| format!("of {}", format::seats(Totals::of(view).quota)),
    },
    Tile {
        name: "Held",
        mark: "held",
        number: |totals| digits(totals.held),
        aside: |view| format!("in {}", orders(view.orders_held)),
    },
    Tile {
        name: "Left",
        mark: "left",
        number: |totals| digits(totals.left),
        aside: |view| {
            let totals = Totals::of(view);
            let percent = u64::from(totals.left) * 100 / u64::from(totals.quota.max(1));
            format!("{percent}% of all")
        },
    },
    Tile {
        name: "Paid",
        mark: "paid",
        number: |totals| briefly(totals.paid).to_string(),
        aside: |view| orders(view.orders_confirmed),
    },
];

fn orders(count: u32) -> String {
    if count == 1 { "1 order".to_owned() } else { format!("{} orders", digits(count)) }
}

/// The tiles.
#[component]
pub fn NumberTiles(watching: Watching) -> impl IntoView {
    let totals = memo(move || watching.view(Totals::of));
    view! {
        <dl class="tiles" class:tiles-old=flag(move || !watching.stale_words().is_empty())>
            {each(TILES, |tile| {
                let number = memo(move || totals.with(|it| it.as_ref().map(tile.number)).unwrap_or_else(|| "–".to_owned()));
                let aside = memo(move || watching.view(tile.aside).unwrap_or_default());
                view! {
                    <div class=format!("tile tile-{}", tile.mark)>
                        <dt class="tile-name">{tile.name}</dt>
                        <dd class="tile-number">{changing(number)}</dd>
                        <dd class="tile-aside">
                            {text(move || {
                                let stale = watching.stale_words();
                                if stale.is_empty() { aside.get() } else { stale }
                            })}
                        </dd>
                    </div>
                }.into_any()
            })}
        </dl>
    }
}

/// A number that fades once when it changes; the first one is simply there.
fn changing(number: Fact<String>) -> AnyView {
    let is_first = StoredValue::new(true);
    block(move || {
        let class = if is_first.get_value() { "" } else { "availability-changed" };
        is_first.set_value(number.with(|number| number == "–"));
        view! { <span class=class>{number.get()}</span> }
    })
}
