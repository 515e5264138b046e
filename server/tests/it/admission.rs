//! At the door: a ticket admits once, the second time says when, and nothing else admits anybody.

use crate::desk::Desk;
use crate::house::TestHouse;
use crate::live::Socket;
use crate::on_both_databases;
use crate::seating::{
    SLUG, admit, assign, bought, bought_of, cancel, owner, person, seat, seat_of, set_cut_offs,
    ticket_of, unassign,
};
use serde_json::Value;
use shared::RefusalCode;
use shared::live::{Snapshot, Topic, View};
use shared::management::Admission;

on_both_databases! {
    a_ticket_admits_once_and_the_second_time_says_when
    a_ticket_is_read_as_people_write_it
    a_ticket_that_is_not_good_admits_nobody_and_tells_nothing
    of_two_doors_at_once_one_is_first
    registrant_and_owner_see_who_came_at_once
    whoever_came_keeps_the_seat
}

async fn admitted(house: &TestHouse, desk: &mut Desk, ticket: &str) -> Admission {
    let (status, body) = desk.send(house, &admit(SLUG, ticket)).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_value(body).unwrap()
}

async fn a_ticket_admits_once_and_the_second_time_says_when(house: TestHouse) {
    let mut desk = owner(&house, 10).await;
    let browser = bought(&house, 2).await;
    seat(&house, &browser, 1, "Jon").await;
    let ticket = ticket_of(&house, &browser, 1).await;
    let at = house.clock.now();
    let first = admitted(&house, &mut desk, &ticket).await;
    assert_eq!((first.is_first, first.admitted_at), (true, at));
    assert_eq!((first.given_name.as_str(), first.seat_type.as_str()), ("Jon", "General"));
    house.pass_seconds(60);
    let second = admitted(&house, &mut desk, &ticket).await;
    assert_eq!(second, Admission { is_first: false, ..first.clone() });
    let house = house.restart().await;
    assert_eq!(admitted(&house, &mut desk, &ticket).await, second);
    assert_eq!(seat_of(&house, &browser, 1).await.admitted_at, Some(at));
}

async fn a_ticket_is_read_as_people_write_it(house: TestHouse) {
    let mut desk = owner(&house, 10).await;
    let browser = bought(&house, 1).await;
    seat(&house, &browser, 0, "Jon").await;
    let ticket = ticket_of(&house, &browser, 0).await;
    let spoken = ticket.to_lowercase().replace('-', " ");
    assert!(admitted(&house, &mut desk, &format!("  {spoken} ")).await.is_first);
    let plain = ticket.replace('-', "");
    assert!(!admitted(&house, &mut desk, &plain).await.is_first, "the same ticket");
}

async fn a_ticket_that_is_not_good_admits_nobody_and_tells_nothing(house: TestHouse) {
    let mut desk = owner(&house, 10).await;
    let until = Some(house.clock.now().plus_seconds(3_600));
    set_cut_offs(&house, &mut desk, until, None).await;
    Desk::of_a_conference(&house, "other", &[("General", 500, 10)]).await;
    let (ours, theirs) = (bought(&house, 3).await, bought_of(&house, "other", 1).await);
    let mut tickets = Vec::new();
    for (position, name) in [(0, "Jon"), (1, "Mia"), (2, "Eve")] {
        seat(&house, &ours, position, name).await;
        tickets.push(ticket_of(&house, &ours, position as usize).await);
    }
    seat(&house, &theirs, 0, "Bob").await;
    tickets.push(ticket_of(&house, &theirs, 0).await);
    // One passed on, one taken back, one given back with its order.
    seat(&house, &ours, 0, "Ann").await;
    house.accepted(&unassign(&ours, 1), &ours.token).await;
    house.accepted(&cancel(&ours), &ours.token).await;
    let odd = ["", "nonsense", "0000-0000-0000-0000", "7Q2M-K0XD-93VA-TB5H\u{0}", "' OR 1=1 --"];
    tickets.extend(odd.map(str::to_owned));
    tickets.push("7".repeat(10_000));

    let mut answers = Vec::new();
    for ticket in &tickets {
        let (status, mut body) = desk.send(&house, &admit(SLUG, ticket)).await;
        assert_eq!((status, body["code"].as_str()), (404, Some("ticket_unknown")), "{ticket}");
        body["reference"] = Value::Null;
        answers.push(body);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(seat_of(&house, &theirs, 0).await.admitted_at, None);
}

async fn of_two_doors_at_once_one_is_first(house: TestHouse) {
    let desk = owner(&house, 10).await;
    let browser = bought(&house, 1).await;
    seat(&house, &browser, 0, "Jon").await;
    let ticket = ticket_of(&house, &browser, 0).await;
    let (mut east, mut west, mut north) = (desk.clone(), desk.clone(), desk);
    let (a, b, c) = tokio::join!(
        admitted(&house, &mut east, &ticket),
        admitted(&house, &mut west, &ticket),
        admitted(&house, &mut north, &ticket)
    );
    let firsts = [a, b, c].iter().filter(|admission| admission.is_first).count();
    assert_eq!(firsts, 1);
}

async fn registrant_and_owner_see_who_came_at_once(house: TestHouse) {
    let mut desk = owner(&house, 10).await;
    let browser = bought(&house, 2).await;
    seat(&house, &browser, 1, "Jon").await;
    let ticket = ticket_of(&house, &browser, 1).await;
    let mut phone = Socket::open(&house).await;
    phone.watch(&browser.topic(), Some(&browser.token)).await;
    let mut screen = Socket::open_at(&house, &desk).await;
    screen.watch(&Topic::Dashboard { slug: SLUG.into() }, None).await;
    admitted(&house, &mut desk, &ticket).await;
    let came = |seen: &Snapshot| matches!(&seen.view, View::Order(order) if order.seats[1].admitted_at.is_some());
    phone.snapshot_when(came).await;
    let words = format!("Seat 2 of order {} admitted", house.order(&browser).await.access_code);
    let told = |seen: &Snapshot| matches!(&seen.view, View::Dashboard(view) if view.happenings.iter().any(|it| it.words == words));
    screen.snapshot_when(told).await;
}

async fn whoever_came_keeps_the_seat(house: TestHouse) {
    let mut desk = owner(&house, 10).await;
    let browser = bought(&house, 2).await;
    seat(&house, &browser, 0, "Jon").await;
    let ticket = ticket_of(&house, &browser, 0).await;
    admitted(&house, &mut desk, &ticket).await;
    let passed_on = assign(&browser, 0, person("Mia"));
    assert_eq!(house.refused(&passed_on, &browser.token).await, RefusalCode::AlreadyAdmitted);
    let taken = unassign(&browser, 0);
    assert_eq!(house.refused(&taken, &browser.token).await, RefusalCode::AlreadyAdmitted);
    assert_eq!(ticket_of(&house, &browser, 0).await, ticket);
    seat(&house, &browser, 1, "Mia").await;
}
