//! `verify` finds what is broken, and only that; `rebuild-views` sets right what stands beside the
//! history.

use crate::house::{Browser, TestHouse};
use crate::on_both_databases;
use crate::payment::all_effects_are_done;
use crate::program::tool_on;
use crate::seating::{SLUG, admit, bought, cancel, owner, seat, set_cut_offs, ticket_of, unassign};
use futures_util::future::join_all;
use reqwest::StatusCode;
use server::clock::Clock;
use server::domain::conference::Command as Manage;
use server::ledger::memory::SNAPSHOT;
use server::store::{Commit, Document};
use shared::views::{ConferenceView, OrderStatus};
use std::sync::atomic::{AtomicBool, Ordering};

on_both_databases! {
    nothing_is_wrong_after_a_sale
    an_oversold_seat_is_told_with_its_story
    a_gap_in_the_history_is_found
    an_event_that_nobody_can_read_is_found
    a_missing_deadline_is_found_and_set_again
    rows_that_lie_are_found_and_written_anew
    documents_that_lie_are_found_and_written_anew
    an_interrupted_rebuild_goes_on_where_it_was
    a_row_of_an_order_that_never_was_is_found
    what_is_late_is_a_fault_only_while_somebody_works
    a_busy_house_raises_no_false_alarm
}

/// Everything that can become of an order, at once; leaves one that is held.
async fn sale(house: &TestHouse) -> Browser {
    let mut desk = owner(house, 40).await;
    let tomorrow = house.clock.now().plus_seconds(86_400);
    set_cut_offs(house, &mut desk, Some(tomorrow), None).await;
    let view = house.conference_view(SLUG).await;
    let expired = house.up_to_payment(&view, 2).await.0;
    let many = Browser::new(SLUG);
    house.accepted(&many.register(&[(view.seat_types[0].id, 20)]), &many.token).await;
    // More than are left: 18 of 20.
    let partly = Browser::new(SLUG);
    house.accepted(&partly.register(&[(view.seat_types[0].id, 20)]), &partly.token).await;
    house.pass_seconds(3_600);
    house.order_when(&expired, |order| order.status == OrderStatus::Expired).await;
    house.order_when(&partly, |order| order.status == OrderStatus::Expired).await;
    let seated = bought(house, 3).await;
    seat(house, &seated, 0, "Ben").await;
    seat(house, &seated, 1, "Cleo").await;
    house.accepted(&unassign(&seated, 1), &seated.token).await;
    let ticket = ticket_of(house, &seated, 0).await;
    let (status, body) = desk.send(house, &admit(SLUG, &ticket)).await;
    assert_eq!(status, 200, "{body}");
    let given_back = bought(house, 2).await;
    house.accepted(&cancel(&given_back), &given_back.token).await;
    all_effects_are_done(house).await;
    let held = Browser::new(SLUG);
    house.accepted(&held.register(&[(view.seat_types[0].id, 4)]), &held.token).await;
    house.accepted(&held.details(), &held.token).await;
    held
}

async fn nothing_is_wrong_after_a_sale(house: TestHouse) {
    sale(&house).await;
    house.conference("empty", &[("General", 500, 10)]).await;
    long_history(&house).await;
    let said = house.tool(&["verify"]).await.fine();
    assert!(said.contains("Every promise holds.") && said.contains("3 conferences"), "{said}");
    assert!(said.contains("6 orders (1 confirmed), 3 seats sold, 4 held"), "{said}");
    let one = house.tool(&["verify", "empty"]).await.fine();
    assert!(one.contains("1 conference, ") && !one.contains(SLUG), "{one}");
    house.tool(&["rebuild-views"]).await.fine();
    house.tool(&["verify", "nowhere"]).await.wrong(&["there is no conference nowhere"]);
}

/// Long enough for a snapshot and for documents of the dashboard.
async fn long_history(house: &TestHouse) {
    let conference = house.conference("long", &[("General", 500, 10)]).await;
    let browser = Browser::new("long");
    for round in 0..11 {
        let changes =
            (0..100).flat_map(|_| [Manage::UnpublishConference, Manage::PublishConference]);
        let manage = |change| house.ledgers.manage(conference.id, change);
        let answers = join_all(changes.map(manage)).await;
        assert!(answers.iter().all(Result::is_ok), "round {round}");
        house
            .accepted(&browser.register(&[(conference.seat_types[0].id, 2)]), &browser.token)
            .await;
    }
    assert!(house.store.document(conference.id.0, SNAPSHOT).await.unwrap().is_some());
}

async fn an_oversold_seat_is_told_with_its_story(house: TestHouse) {
    let held = sale(&house).await;
    // As if a defect had given out more than there is: 4 seats become 40 in every place they stand.
    house
        .sabotage(
            "UPDATE events SET payload = replace(replace(payload, '\"quantity\":4', '\"quantity\":40'),
                                                 '\"change\":-4', '\"change\":-40')
             WHERE kind = 'Seats.SeatsReserved.v1' AND payload LIKE '%\"change\":-4}%'",
        )
        .await;
    let order = format!("order {}", held.order_id);
    let story = ["\"never oversold\" is broken", SLUG, &order, "Held: 40 General.", "promise"];
    house.tool(&["verify"]).await.wrong(&story);
}

async fn a_gap_in_the_history_is_found(house: TestHouse) {
    sale(&house).await;
    house.sabotage("DELETE FROM events WHERE position = 12").await;
    house.tool(&["verify"]).await.wrong(&["\"the history is whole\" is broken at position 13"]);
    house.sabotage("UPDATE ledgers SET head = head + 5").await;
    house.tool(&["verify"]).await.wrong(&["the head says"]);
}

async fn an_event_that_nobody_can_read_is_found(house: TestHouse) {
    sale(&house).await;
    house.sabotage("UPDATE events SET payload = '{}' WHERE position = 12").await;
    let words = ["\"the history is whole\" is broken at position 12", "has another shape"];
    house.tool(&["verify"]).await.wrong(&words);
}

async fn a_missing_deadline_is_found_and_set_again(house: TestHouse) {
    let held = sale(&house).await;
    house.sabotage("DELETE FROM deadlines").await;
    let order = format!("order {}", held.order_id);
    let words = ["\"every order ends\"", &order, "it has no deadline: nothing will end it"];
    house.tool(&["verify"]).await.wrong(&words);
    house.tool(&["rebuild-views", SLUG]).await.fine();
    house.pass_seconds(3_600);
    house.order_when(&held, |order| order.status == OrderStatus::Expired).await;
}

async fn rows_that_lie_are_found_and_written_anew(house: TestHouse) {
    let held = sale(&house).await;
    house.sabotage("UPDATE orders SET status = 'confirmed', seats = 9 WHERE seats = 4").await;
    house.sabotage("UPDATE attendees SET family_name = 'Nobody'").await;
    let order = format!("order {}", held.order_id);
    let lists = ["\"the screen never lies\"", &order, "lists show another status, number of seats"];
    let said = house.tool(&["verify"]).await.wrong(&lists);
    assert!(said.contains("those at the door are told of other attendees"), "{said}");
    house.sabotage("DELETE FROM orders WHERE seats = 9").await;
    house.tool(&["verify"]).await.wrong(&["it is not in the lists"]);
    let said = house.tool(&["rebuild-views"]).await.fine();
    assert!(said.contains("6 orders") && said.contains("Every promise holds."), "{said}");
}

async fn documents_that_lie_are_found_and_written_anew(house: TestHouse) {
    sale(&house).await;
    let id = house.ledgers.find(SLUG).await.unwrap();
    house.sabotage("UPDATE documents SET body = replace(body, '\"held\":4', '\"held\":3')").await;
    house.tool(&["verify"]).await.wrong(&["the conference's document is not what"]);
    let expected_head = house.store.head(id.0).await.unwrap().unwrap().head;
    let (topic, position, body) = (SNAPSHOT.into(), expected_head, "{}".into());
    let documents = vec![Document { topic, position, body }];
    let commit = Commit { ledger: id.0, expected_head, documents, ..Commit::default() };
    house.store.commit(&commit).await.unwrap();
    house.tool(&["verify"]).await.wrong(&["the snapshot is not what the history comes to"]);
    house.tool(&["rebuild-views", "all", "--from", "a"]).await.fine();
    house.tool(&["verify"]).await.fine();
    house
        .sabotage(
            "UPDATE documents SET body = replace(body, '\"orders_held\":1', '\"orders_held\":2')",
        )
        .await;
    house.tool(&["verify"]).await.wrong(&["the dashboard's document is not what"]);
    house.sabotage("UPDATE documents SET position = 3 WHERE topic = 'conference'").await;
    house.tool(&["verify"]).await.wrong(&["the conference's document shows position 3"]);
    house.sabotage("UPDATE ledgers SET state = 'draft'").await;
    house.tool(&["verify"]).await.wrong(&["address, state or owner"]);
    house.tool(&["rebuild-views", SLUG]).await.fine();
    house.tool(&["verify"]).await.fine();
}

/// As if a run had been stopped between two orders.
async fn an_interrupted_rebuild_goes_on_where_it_was(house: TestHouse) {
    sale(&house).await;
    house.conference("before", &[("General", 500, 10)]).await;
    let id = house.ledgers.find(SLUG).await.unwrap();
    let events = house.store.read_all(id.0, 0, 1_000).await.unwrap();
    let mut orders: Vec<_> = events.into_iter().filter_map(|event| event.process).collect();
    orders.sort_unstable();
    orders.dedup();
    let mark = serde_json::json!({ "slug": SLUG, "order": orders[0] }).to_string();
    house.store.turn_switch("rebuild-views", Some(&mark)).await.unwrap();
    house.sabotage("UPDATE orders SET seats = 9").await;
    let words = ["An earlier run was interrupted at", "1 broken promise found"];
    let said = house.tool(&["rebuild-views"]).await.wrong(&words);
    assert!(!said.contains("before: written"), "{said}");
    assert_eq!(house.store.switch("rebuild-views").await.unwrap(), None);
    let said = house.tool(&["rebuild-views", "--fast"]).await.fine();
    assert!(said.contains("before: written") && !said.contains("interrupted"), "{said}");
    house.store.turn_switch("rebuild-views", Some(&mark)).await.unwrap();
    house.sabotage("UPDATE orders SET seats = 9").await;
    // A run over one conference says nothing about the one over all.
    house.tool(&["rebuild-views", "before"]).await.fine();
    assert_eq!(house.store.switch("rebuild-views").await.unwrap(), Some(mark));
    let said = house.tool(&["rebuild-views", "--anew"]).await.fine();
    assert!(said.contains("before: written"), "{said}");
    assert_eq!(house.store.switch("rebuild-views").await.unwrap(), None);
}

async fn a_row_of_an_order_that_never_was_is_found(house: TestHouse) {
    sale(&house).await;
    house
        .sabotage(
            "INSERT INTO orders (ledger, process, code, email, status, total_minor, placed_at,
                                 changed_at)
             SELECT ledger, ledger, 'AAAAAA', '', 'held', 0, 0, 0 FROM ledgers",
        )
        .await;
    house.tool(&["verify"]).await.wrong(&["it is in the lists and not in the history"]);
}

async fn what_is_late_is_a_fault_only_while_somebody_works(house: TestHouse) {
    let held = sale(&house).await;
    let url = house.config.storage.database_url.clone();
    let ahead_ms = house.clock.now().plus_seconds(7_200).ms_since(Clock::Real.now());
    let words = ["\"every order ends\"", "it should have ended", &held.order_id.to_string()];
    tool_on(&url, ahead_ms, &["verify"]).await.wrong(&words);
    tool_on(&url, ahead_ms, &["verify", "--stopped"]).await.fine();
}

/// Registers until told to stop; says how many orders that were.
async fn rush(house: &TestHouse, conference: &ConferenceView, stop: &AtomicBool) -> u32 {
    let mut orders = 0;
    while !stop.load(Ordering::Relaxed) {
        let browser = Browser::new(&conference.slug);
        let register = browser.register(&[(conference.seat_types[0].id, 1)]);
        let (status, body) = house.command(&register, &browser.token).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        house.accepted(&browser.details(), &browser.token).await;
        orders += 1;
    }
    orders
}

/// Looked at, and written anew, while people register: neither sees anything half done.
async fn a_busy_house_raises_no_false_alarm(house: TestHouse) {
    let conference = house.conference("busy", &[("General", 500, 100_000)]).await;
    let stop = AtomicBool::new(false);
    let tools = async {
        for words in [&["verify"][..], &["rebuild-views"], &["verify"]] {
            house.tool(words).await.fine();
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (one, two) = (rush(&house, &conference, &stop), rush(&house, &conference, &stop));
    let (one, two, ()) = tokio::join!(one, two, tools);
    assert!(0 < one && 0 < two, "people registered meanwhile");
    let said = house.tool(&["verify"]).await.fine();
    assert!(said.contains(&format!("{} orders", one + two)), "{said}");
}
