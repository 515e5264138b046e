//! A registrant's seats after the purchase: who sits where, the tickets, the calendar, and giving the
//! order back. Live on every device that has the order open.
//!
//! Not here: one seat (`parts/seat_card.rs`), and the order itself (`my_order.rs`).

use crate::browser;
use crate::dates;
use crate::desk::my_order::MyOrder;
use crate::desk::pages::not_found::NotFoundPage;
use crate::desk::parts::give_back::{GiveBack, refund_words};
use crate::desk::parts::keep_order::KeepOrder;
use crate::desk::parts::paste_list::PasteList;
use crate::desk::parts::seat_card::seat_card;
use crate::desk::seats::Seats;
use crate::erased::{block, each, memo, show, text};
use leptos::prelude::*;
use shared::SeatTypeId;
use shared::views::OrderStatus;

/// What the page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Unknown,
    /// This device may not open it.
    Closed,
    Seats,
    GivenBack,
    /// Not paid yet, or it ended before it was.
    Unfinished,
}

impl Shape {
    const fn title(self) -> &'static str {
        match self {
            Self::Unknown | Self::Seats | Self::Unfinished => "Your seats",
            Self::Closed => CLOSED_TITLE,
            Self::GivenBack => "Your registration is cancelled",
        }
    }
}

/// The page.
#[component]
pub fn AssignPage() -> impl IntoView {
    let Some(order) = MyOrder::of_this_page() else {
        return view! { <NotFoundPage /> }.into_any();
    };
    order.arrive("Your seats");
    let shape = memo(move || {
        let status = order.view(|view| (view.status, view.confirmed_at.is_some()));
        match status {
            None if order.is_closed_here() => Shape::Closed,
            None => Shape::Unknown,
            Some((OrderStatus::Confirmed, _)) => Shape::Seats,
            Some((OrderStatus::Cancelled, true)) => Shape::GivenBack,
            Some(_) => Shape::Unfinished,
        }
    });
    view! {
        <div class="main desk-page my-seats">
            // Stays while what is below it changes, and with it the focus.
            <h1 tabindex="-1">{text(move || shape.get().title())}</h1>
            {block(move || match shape.get() {
                Shape::Unknown => view! { <p class="loading">"Loading your order…"</p> }.into_any(),
                Shape::Closed => closed(order),
                Shape::Seats => seats(order),
                Shape::GivenBack => given_back(order),
                Shape::Unfinished => unfinished(order),
            })}
        </div>
    }
    .into_any()
}

/// The seats of one type, by position.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    seat_type: SeatTypeId,
    name: String,
    positions: Vec<u32>,
}

/// Positions follow the lines of the order, so seats of one type stand together.
fn groups(order: MyOrder) -> Vec<Group> {
    let groups = order.view(|view| {
        let group = |line: &shared::views::OrderLine| {
            let of_line = view.seats.iter().filter(|seat| seat.seat_type == line.seat_type);
            let positions: Vec<u32> = of_line.map(|seat| seat.position).collect();
            Group { seat_type: line.seat_type, name: line.name.clone(), positions }
        };
        view.lines.iter().map(group).filter(|group| !group.positions.is_empty()).collect()
    });
    groups.unwrap_or_default()
}

fn seats(order: MyOrder) -> AnyView {
    // The confirmation leads there for another mail.
    if window().location().hash().is_ok_and(|hash| hash == "#keep") {
        browser::focus_soon("#keep");
    }
    let seats = Seats::of(order);
    let (named, count) = (
        memo(move || {
            let named = |view: &shared::views::OrderView| {
                view.seats.iter().filter(|seat| seat.attendee.is_some()).count()
            };
            order.view(named).unwrap_or_default()
        }),
        untrack(|| order.view(|view| view.seats.len())).unwrap_or_default(),
    );
    let until = move || {
        let until = seats.closes_at().map(|at| dates::day_and_time(at, &order.zone()));
        match until {
            Some(until) if seats.is_closed() => format!("Names could be changed until {until}."),
            Some(until) => format!("Names can be changed until {until}. Each seat saves itself."),
            None => String::new(),
        }
    };
    let groups = untrack(|| groups(order));
    let has_many = 1 < count;
    view! {
        <div class="my-seats-lead">
            <p class="my-seats-progress" id="seats-progress" tabindex="-1">
                {text(move || format!("{} of {count} assigned", named.get()))}
            </p>
            <p class="desk-soft">{text(until)}</p>
        </div>
        {show(move || has_many && !seats.is_closed(), move || view! { <PasteList seats=seats /> }.into_any())}
        {each(groups, |group| view! {
            <section aria-labelledby=format!("type-{}", group.seat_type)>
                <h2 class="my-seats-type" id=format!("type-{}", group.seat_type)>{group.name}</h2>
                <ul class="seat-places">
                    {each(group.positions, |position| {
                        seat_card(seats, position, format!("Seat {} of {count}", position + 1))
                    })}
                </ul>
            </section>
        }.into_any())}
        <KeepOrder order=order />
        <GiveBack order=order />
        <p><a href=order.path("confirmed") rel="external">"Back to your confirmation"</a></p>
    }
    .into_any()
}

/// The order was given back while it was looked at, or before.
fn given_back(order: MyOrder) -> AnyView {
    // The button that was pressed is gone; the heading takes the focus over.
    browser::focus_soon("h1");
    let refund = move || order.view(refund_words).flatten().unwrap_or_default();
    view! {
        <p>"The seats went back on sale, and the tickets don't work any more."</p>
        <p>{text(refund)}</p>
        <p class="acts">
            <a class="button" href=format!("/{}", order.slug()) rel="external">"Back to the conference"</a>
        </p>
    }
    .into_any()
}

fn unfinished(order: MyOrder) -> AnyView {
    view! {
        <p>"Names can be given once the order is complete."</p>
        <p class="acts">
            <a class="button button-primary" href=order.path("confirmed") rel="external">"See your order"</a>
        </p>
    }
    .into_any()
}

/// Stands over [`closed`].
pub(super) const CLOSED_TITLE: &str = "This order isn't open on this device";

/// Shown instead of an order that this device may not open.
pub(super) fn closed(order: MyOrder) -> AnyView {
    view! {
        <p>"Open it with your email address and the access code."</p>
        <p class="acts">
            <a class="button button-primary" href=format!("/{}/find", order.slug()) rel="external">
                "Find your order"
            </a>
        </p>
    }
    .into_any()
}
