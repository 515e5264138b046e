//! Orders that were paid, and the people on their seats, as the stories of afterwards need them.

use crate::desk::{Desk, facts};
use crate::documents::letters;
use crate::house::{Browser, TestHouse, fresh};
use crate::payment::press;
use shared::commands::{AssignSeat, Attendee, CancelRegistration, UnassignSeat};
use shared::management::{AdmitAttendee, ConferenceFacts, UpdateConference};
use shared::views::{OrderStatus, SeatView};
use shared::{CommandId, Timestamp};

pub(crate) const SLUG: &str = "rustconf";
/// Whoever took an effect before has lost it by then.
const LEASES_ARE_OVER: i64 = 900;

/// An owner whose conference sells these many seats for €5 each.
pub(crate) async fn owner(house: &TestHouse, quota: u32) -> Desk {
    Desk::of_a_conference(house, SLUG, &[("General", 500, quota)]).await
}

/// An order of this many seats, paid at the provider.
pub(crate) async fn bought(house: &TestHouse, quantity: u32) -> Browser {
    bought_of(house, SLUG, quantity).await
}

pub(crate) async fn bought_of(house: &TestHouse, slug: &str, quantity: u32) -> Browser {
    let view = house.conference_view(slug).await;
    let (browser, ..) = house.up_to_payment(&view, quantity).await;
    press(house, &browser, "accept").await;
    house.order_when(&browser, |order| order.status == OrderStatus::Confirmed).await;
    browser
}

/// Somebody with an address of their own.
pub(crate) fn person(given_name: &str) -> Attendee {
    Attendee {
        given_name: given_name.into(),
        family_name: "Jaffe".into(),
        email: format!("{}@example.org", given_name.to_lowercase()),
    }
}

pub(crate) fn assign(browser: &Browser, position: u32, attendee: Attendee) -> AssignSeat {
    let (command_id, conference) = (CommandId(fresh()), browser.conference.clone());
    AssignSeat { command_id, conference, order_id: browser.order_id, position, attendee }
}

pub(crate) fn unassign(browser: &Browser, position: u32) -> UnassignSeat {
    let (command_id, conference) = (CommandId(fresh()), browser.conference.clone());
    UnassignSeat { command_id, conference, order_id: browser.order_id, position }
}

pub(crate) fn cancel(browser: &Browser) -> CancelRegistration {
    let (command_id, conference) = (CommandId(fresh()), browser.conference.clone());
    CancelRegistration { command_id, conference, order_id: browser.order_id }
}

/// A seat goes to somebody.
pub(crate) async fn seat(house: &TestHouse, browser: &Browser, position: u32, name: &str) {
    house.accepted(&assign(browser, position, person(name)), &browser.token).await;
}

pub(crate) async fn seat_of(house: &TestHouse, browser: &Browser, position: usize) -> SeatView {
    house.order(browser).await.seats[position].clone()
}

/// The ticket of a seat that has a name.
pub(crate) async fn ticket_of(house: &TestHouse, browser: &Browser, position: usize) -> String {
    seat_of(house, browser, position).await.ticket.expect("a ticket")
}

/// Who sits where, as first names.
pub(crate) async fn names(house: &TestHouse, browser: &Browser) -> Vec<Option<String>> {
    let seats = house.order(browser).await.seats;
    seats.into_iter().map(|seat| seat.attendee.map(|somebody| somebody.given_name)).collect()
}

pub(crate) fn admit(slug: &str, ticket: &str) -> AdmitAttendee {
    let (command_id, conference) = (CommandId(fresh()), slug.to_owned());
    AdmitAttendee { command_id, conference, ticket: ticket.to_owned() }
}

/// The owner says until when orders can be cancelled and names given.
pub(crate) async fn set_cut_offs(
    house: &TestHouse,
    desk: &mut Desk,
    cancel_until: Option<Timestamp>,
    assign_until: Option<Timestamp>,
) {
    let facts = ConferenceFacts { cancel_until, assign_until, ..facts() };
    let (command_id, conference) = (CommandId(fresh()), SLUG.to_owned());
    desk.accepted(house, &UpdateConference { command_id, conference, facts }).await;
}

/// Stops the server in the middle of what it does, and starts it when nobody else can be at it any more.
pub(crate) async fn interrupted(house: TestHouse) -> TestHouse {
    let house = house.restart().await;
    house.pass_seconds(LEASES_ARE_OVER);
    house
}

/// Whom the mails of a kind went to, sorted.
pub(crate) fn mailed(house: &TestHouse, kind: &str) -> Vec<String> {
    let mut to: Vec<String> = letters(house, kind).into_iter().map(|(to, _)| to).collect();
    to.sort();
    to
}
