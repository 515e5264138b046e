//! Who sits where: named seat by seat, on any device, until the owner's cut-off.

use crate::house::{Browser, TestHouse, fresh};
use crate::live::Socket;
use crate::on_both_databases;
use crate::payment::{all_effects_are_done, count};
use crate::seating::{
    SLUG, admit, assign, bought, interrupted, mailed, names, owner, person, seat, seat_of,
    set_cut_offs, ticket_of, unassign,
};
use server::payment_gateway::Outcome;
use shared::RefusalCode;
use shared::commands::Attendee;
use shared::live::{Snapshot, View};

on_both_databases! {
    some_seats_get_names_and_the_others_wait
    a_seat_that_passes_to_somebody_else_has_one_good_ticket
    a_corrected_name_counts_and_keeps_its_ticket
    what_is_wrong_with_an_attendee_is_said_beside_the_field
    only_bought_seats_of_ones_own_get_names
    from_the_cut_off_on_names_stay
    a_command_sent_twice_names_once_even_after_a_restart
    two_devices_see_each_other_and_the_last_word_counts
    an_order_confirmed_twice_has_one_set_of_seats
    tickets_are_mailed_once_though_the_server_stops_in_between
}

async fn some_seats_get_names_and_the_others_wait(house: TestHouse) {
    owner(&house, 10).await;
    let browser = bought(&house, 3).await;
    assert_eq!(names(&house, &browser).await, [None, None, None]);
    seat(&house, &browser, 2, "Jon").await;
    seat(&house, &browser, 0, "Mia").await;
    let (mia, jon) = (Some("Mia".to_owned()), Some("Jon".to_owned()));
    assert_eq!(names(&house, &browser).await, [mia.clone(), None, jon]);
    let named = seat_of(&house, &browser, 2).await;
    assert_eq!((named.position, named.assigned_at), (2, Some(house.clock.now())));
    assert_ne!(named.ticket, seat_of(&house, &browser, 0).await.ticket);

    house.accepted(&unassign(&browser, 2), &browser.token).await;
    assert_eq!(names(&house, &browser).await, [mia, None, None]);
    assert_eq!(seat_of(&house, &browser, 2).await.ticket, None);
    all_effects_are_done(&house).await;
    assert_eq!(mailed(&house, "ticket-void-"), ["jon@example.org"]);
}

async fn a_seat_that_passes_to_somebody_else_has_one_good_ticket(house: TestHouse) {
    let mut door = owner(&house, 10).await;
    let browser = bought(&house, 1).await;
    seat(&house, &browser, 0, "Jon").await;
    all_effects_are_done(&house).await;
    let old = ticket_of(&house, &browser, 0).await;
    seat(&house, &browser, 0, "Mia").await;
    let new = ticket_of(&house, &browser, 0).await;
    assert_eq!(door.refused(&house, &admit(SLUG, &old)).await.0, "ticket_unknown");
    let (status, body) = door.send(&house, &admit(SLUG, &new)).await;
    assert_eq!((status, body["given_name"].as_str()), (200, Some("Mia")), "{body}");
    all_effects_are_done(&house).await;
    assert_eq!(mailed(&house, "ticket-void-"), ["jon@example.org"]);
    let both = ["jon@example.org", "jon@example.org", "mia@example.org"];
    assert_eq!(mailed(&house, "ticket-"), both, "the old ticket, its end, the new ticket");
}

async fn a_corrected_name_counts_and_keeps_its_ticket(house: TestHouse) {
    owner(&house, 10).await;
    let browser = bought(&house, 1).await;
    seat(&house, &browser, 0, "jon").await;
    let before = seat_of(&house, &browser, 0).await;
    let corrected = Attendee { email: "JON@example.org".into(), ..person("Jon") };
    house.accepted(&assign(&browser, 0, corrected), &browser.token).await;
    let after = seat_of(&house, &browser, 0).await;
    let name = after.attendee.map(|somebody| somebody.given_name);
    assert_eq!(name.as_deref(), Some("Jon"), "another case is another name");
    assert_eq!(after.ticket, before.ticket);
    all_effects_are_done(&house).await;
    assert!(mailed(&house, "ticket-void-").is_empty(), "nobody lost a ticket");
}

async fn what_is_wrong_with_an_attendee_is_said_beside_the_field(house: TestHouse) {
    owner(&house, 10).await;
    let browser = bought(&house, 1).await;
    let (jon, long) = (person("Jon"), "x".repeat(201));
    for (field, wrong) in [
        ("email", Attendee { email: "jon@example".into(), ..jon.clone() }),
        ("email", Attendee { email: "jon example.org".into(), ..jon.clone() }),
        ("email", Attendee { email: format!("{}@example.org", "x".repeat(250)), ..jon.clone() }),
        ("given_name", Attendee { given_name: " ".into(), ..jon.clone() }),
        ("given_name", Attendee { given_name: "J\u{0}n".into(), ..jon.clone() }),
        ("family_name", Attendee { family_name: long, ..jon.clone() }),
    ] {
        let (status, body) = house.command(&assign(&browser, 0, wrong), &browser.token).await;
        assert_eq!((status.as_u16(), body["code"].as_str()), (422, Some("details_invalid")));
        assert_eq!(body["fields"][0]["field"], field, "{body}");
    }
    assert_eq!(names(&house, &browser).await, [None]);
}

async fn only_bought_seats_of_ones_own_get_names(house: TestHouse) {
    owner(&house, 10).await;
    let browser = bought(&house, 2).await;
    let refused = async |browser: &Browser, position, token: &str| {
        let given = house.refused(&assign(browser, position, person("Eve")), token).await;
        let taken = house.refused(&unassign(browser, position), token).await;
        assert_eq!(given, taken);
        given
    };
    for position in [2, u32::MAX] {
        let code = refused(&browser, position, &browser.token).await;
        assert_eq!(code, RefusalCode::SeatPositionUnknown);
    }
    let stranger = bought(&house, 1).await;
    assert_eq!(refused(&browser, 0, &stranger.token).await, RefusalCode::OrderNotFound);
    let made_up = Browser::new(SLUG);
    assert_eq!(refused(&made_up, 0, &made_up.token).await, RefusalCode::OrderNotFound);
    let view = house.conference_view(SLUG).await;
    let (unpaid, ..) = house.up_to_payment(&view, 2).await;
    assert_eq!(refused(&unpaid, 0, &unpaid.token).await, RefusalCode::OrderNotConfirmed);
    assert_eq!(names(&house, &browser).await, [None, None]);
}

async fn from_the_cut_off_on_names_stay(house: TestHouse) {
    let mut desk = owner(&house, 10).await;
    let browser = bought(&house, 1).await;
    let until = house.clock.now().plus_seconds(60);
    set_cut_offs(&house, &mut desk, None, Some(until)).await;
    house.pass_seconds(59);
    seat(&house, &browser, 0, "Jon").await;
    house.pass_seconds(1);
    let late = assign(&browser, 0, person("Mia"));
    assert_eq!(house.refused(&late, &browser.token).await, RefusalCode::AssignmentClosed);
    let late = unassign(&browser, 0);
    assert_eq!(house.refused(&late, &browser.token).await, RefusalCode::AssignmentClosed);
    assert_eq!(names(&house, &browser).await, [Some("Jon".to_owned())]);
    set_cut_offs(&house, &mut desk, None, Some(until.plus_seconds(1))).await;
    seat(&house, &browser, 0, "Mia").await;
}

async fn a_command_sent_twice_names_once_even_after_a_restart(house: TestHouse) {
    let view = {
        owner(&house, 10).await;
        house.conference_view(SLUG).await
    };
    let browser = bought(&house, 1).await;
    let first = assign(&browser, 0, person("Jon"));
    let position = house.accepted(&first, &browser.token).await.position;
    let ticket = ticket_of(&house, &browser, 0).await;
    assert_eq!(house.accepted(&first, &browser.token).await.position, position);
    seat(&house, &browser, 0, "Mia").await;
    let house = house.restart().await;
    // The page of an hour ago repeats itself; Mia stays.
    assert_eq!(house.accepted(&first, &browser.token).await.position, position);
    assert_eq!(names(&house, &browser).await, [Some("Mia".to_owned())]);
    assert_ne!(ticket_of(&house, &browser, 0).await, ticket);
    assert_eq!(count(&house, &view, "SeatAssignments.SeatAssigned.v1").await, 2);
}

fn is_named(snapshot: &Snapshot, position: usize, name: &str) -> bool {
    let View::Order(order) = &snapshot.view else { panic!("not an order") };
    let attendee = order.seats.get(position).and_then(|seat| seat.attendee.as_ref());
    attendee.is_some_and(|somebody| somebody.given_name == name)
}

async fn two_devices_see_each_other_and_the_last_word_counts(house: TestHouse) {
    owner(&house, 10).await;
    let browser = bought(&house, 2).await;
    let (mut phone, mut laptop) = (Socket::open(&house).await, Socket::open(&house).await);
    for screen in [&mut phone, &mut laptop] {
        screen.watch(&browser.topic(), Some(&browser.token)).await;
        screen.snapshot().await;
    }
    seat(&house, &browser, 1, "Jon").await;
    phone.snapshot_when(|seen| is_named(seen, 1, "Jon")).await;
    laptop.snapshot_when(|seen| is_named(seen, 1, "Jon")).await;

    // Both at once: one is first, and whoever is last is what both see. The other seat is nobody's
    // victim, because a device says one seat and not a whole page.
    let (mia, eve) = (assign(&browser, 0, person("Mia")), assign(&browser, 0, person("Eve")));
    let (mia, eve) =
        tokio::join!(house.accepted(&mia, &browser.token), house.accepted(&eve, &browser.token));
    let last = if eve.position < mia.position { "Mia" } else { "Eve" };
    for screen in [&mut phone, &mut laptop] {
        let end = mia.position.max(eve.position);
        let seen = screen.snapshot_when(|seen| end <= seen.position).await;
        assert!(is_named(&seen, 0, last) && is_named(&seen, 1, "Jon"), "{seen:?}");
    }
}

async fn an_order_confirmed_twice_has_one_set_of_seats(house: TestHouse) {
    owner(&house, 10).await;
    let view = house.conference_view(SLUG).await;
    let (browser, payment_id, total) = house.up_to_payment(&view, 2).await;
    house.paid(&browser, payment_id, total).await;
    seat(&house, &browser, 0, "Jon").await;
    house.paid(&browser, payment_id, total).await;
    let house = house.restart().await;
    let outcome = Outcome::Completed { amount: total, reference: fresh().to_string() };
    house.callback(&browser, outcome, payment_id).await;
    assert_eq!(names(&house, &browser).await, [Some("Jon".to_owned()), None]);
    assert_eq!(count(&house, &view, "SeatAssignments.SeatAssignmentsCreated.v1").await, 1);
}

async fn tickets_are_mailed_once_though_the_server_stops_in_between(house: TestHouse) {
    owner(&house, 10).await;
    let browser = bought(&house, 3).await;
    for (position, name) in [(0, "Jon"), (1, "Mia"), (2, "Eve")] {
        seat(&house, &browser, position, name).await;
    }
    let house = interrupted(house).await;
    all_effects_are_done(&house).await;
    let everybody = ["eve@example.org", "jon@example.org", "mia@example.org"];
    assert_eq!(mailed(&house, "ticket-"), everybody);
    let house = interrupted(house).await;
    all_effects_are_done(&house).await;
    assert_eq!(mailed(&house, "ticket-"), everybody);
}
