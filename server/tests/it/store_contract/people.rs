//! What both stores promise about who sits where and about mailed links.

use super::{LEDGER, PROCESS, World, at, creation, id, lookup};
use server::store::Commit;
use server::store::people::{Attendee, AttendeeKey, NewLink};

claims! {
    a_ticket_leads_to_its_place_until_the_name_is_gone
    a_commit_at_a_stale_head_names_nobody
    attendees_are_listed_by_kind_and_name_page_by_page
    attendees_are_found_by_a_part_of_a_name_an_address_or_a_code
    a_ticket_is_good_for_one_place
    a_link_is_good_once_until_it_expires
    processes_are_found_by_email_alone
}

fn attendee(place: u32, kind: u128, family_name: &str) -> Attendee {
    Attendee {
        process: PROCESS,
        place,
        kind: id(kind),
        given_name: "Grace".into(),
        family_name: family_name.into(),
        email: format!("{family_name}@Example.org"),
        ticket: format!("TICKET{place}{family_name}"),
        admitted_at: None,
    }
}

fn named(head: u64, attendees: Vec<Attendee>) -> Commit {
    Commit { attendees, lookups: vec![lookup(PROCESS, 1)], ..at(head) }
}

async fn names(world: &World, search: &str, after: &AttendeeKey, limit: u32) -> Vec<String> {
    let rows = world.store.attendees(LEDGER, search, after, limit).await.expect("attendees");
    rows.into_iter().map(|row| row.attendee.family_name).collect()
}

async fn a_ticket_leads_to_its_place_until_the_name_is_gone(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let hopper = attendee(3, 1, "Hopper");
    store.commit(&named(1, vec![hopper.clone()])).await.expect("the head is right");
    let found = store.find_ticket(LEDGER, &hopper.ticket).await.expect("an answer");
    assert_eq!(found, Some((PROCESS, 3)));
    assert_eq!(store.find_ticket(id(2), &hopper.ticket).await.expect("an answer"), None);
    assert_eq!(store.find_ticket(LEDGER, "").await.expect("an answer"), None);

    let admitted = Attendee { admitted_at: Some(7), ..hopper.clone() };
    store.commit(&named(1, vec![hopper.clone(), admitted.clone()])).await.expect("the last counts");
    let listed = store.attendees(LEDGER, "", &AttendeeKey::default(), 9).await.expect("a list");
    assert_eq!((&listed[0].attendee, listed[0].code.as_str()), (&admitted, "AB12CD"));
    let counts = store.attendee_counts(LEDGER).await.expect("counts");
    assert_eq!((counts.assigned, counts.admitted), (1, 1));

    let gone = Commit { attendees_gone: vec![(PROCESS, 3), (PROCESS, 4)], ..at(1) };
    store.commit(&gone).await.expect("the head is right");
    assert_eq!(store.find_ticket(LEDGER, &hopper.ticket).await.expect("an answer"), None);
    let counts = store.attendee_counts(LEDGER).await.expect("counts");
    assert_eq!((counts.assigned, counts.admitted), (0, 0));
}

async fn a_commit_at_a_stale_head_names_nobody(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    store.commit(&named(1, vec![attendee(0, 1, "Hopper")])).await.expect("the head is right");
    let stale =
        Commit { attendees_gone: vec![(PROCESS, 0)], ..named(5, vec![attendee(1, 1, "X")]) };
    super::assert_conflict(store.commit(&stale).await);
    assert_eq!(names(&world, "", &AttendeeKey::default(), 9).await, ["Hopper"]);
}

async fn attendees_are_listed_by_kind_and_name_page_by_page(world: World) {
    let world = world.with_a_ledger().await;
    world.store.commit(&creation(id(2), "other")).await.expect("another ledger");
    let everybody = vec![
        attendee(0, 2, "Adams"),
        attendee(1, 1, "Zuse"),
        attendee(2, 1, "de Vries"),
        attendee(3, 1, "Éluard"),
        attendee(4, 1, "zuse"),
    ];
    world.store.commit(&named(1, everybody)).await.expect("the head is right");
    let other = Commit { ledger: id(2), ..named(1, vec![attendee(0, 1, "Elsewhere")]) };
    world.store.commit(&other).await.expect("the head is right");
    let all = names(&world, "", &AttendeeKey::default(), 9).await;
    assert_eq!(all, ["de Vries", "Zuse", "zuse", "Éluard", "Adams"].map(|name| name.to_owned()));

    let (mut after, mut pages) = (AttendeeKey::default(), Vec::new());
    loop {
        let page = world.store.attendees(LEDGER, "", &after, 2).await.expect("a page");
        let Some(last) = page.last() else { break };
        after = last.attendee.key();
        pages.extend(page.into_iter().map(|row| row.attendee.family_name));
    }
    assert_eq!(pages, all, "no page leaves anybody out or shows anybody twice");
}

async fn attendees_are_found_by_a_part_of_a_name_an_address_or_a_code(world: World) {
    let world = world.with_a_ledger().await;
    let everybody = vec![attendee(0, 1, "O'Neil"), attendee(1, 1, "100%_x")];
    world.store.commit(&named(1, everybody)).await.expect("the head is right");
    let start = AttendeeKey::default();
    assert_eq!(names(&world, "o'neil@example", &start, 9).await, ["O'Neil"]);
    assert_eq!(names(&world, "grace o'n", &start, 9).await, ["O'Neil"]);
    assert_eq!(names(&world, "%_", &start, 9).await, ["100%_x"], "signs stand for themselves");
    assert_eq!(names(&world, "%", &start, 9).await, ["100%_x"]);
    for code in ["ab12cd", "ab1-2cd", "12c"] {
        assert_eq!(names(&world, code, &start, 9).await.len(), 2, "{code}");
    }
    for stranger in ["nobody", "ab12ce", "cd ab"] {
        assert!(names(&world, stranger, &start, 9).await.is_empty(), "{stranger}");
    }
}

async fn a_ticket_is_good_for_one_place(world: World) {
    let world = world.with_a_ledger().await;
    let first = attendee(0, 1, "Hopper");
    let second = Attendee { place: 1, ..first.clone() };
    super::assert_fault(world.store.commit(&named(1, vec![first, second])).await);
    assert!(names(&world, "", &AttendeeKey::default(), 9).await.is_empty());
}

async fn a_link_is_good_once_until_it_expires(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let link = |hash, expires_at| NewLink { hash: [hash; 32], process: PROCESS, expires_at };
    let links = [link(1, 100), link(2, 50), link(3, 100)];
    store.add_links(LEDGER, &links, 0).await.expect("the store answers");
    let take = async |ledger, hash: u8, now| {
        store.take_link(ledger, &[hash; 32], now).await.expect("an answer")
    };
    assert_eq!(take(id(2), 1, 10).await, None, "another ledger's");
    assert_eq!(take(LEDGER, 1, 10).await, Some(PROCESS));
    assert_eq!(take(LEDGER, 1, 11).await, None, "used");
    store.add_links(LEDGER, &links, 12).await.expect("the same mail, written again");
    assert_eq!(take(LEDGER, 1, 13).await, None, "still used");
    assert_eq!(take(LEDGER, 2, 50).await, None, "expired");
    assert_eq!(take(LEDGER, 9, 10).await, None, "never mailed");
    store.add_links(LEDGER, &[], 100).await.expect("a sweep");
    assert_eq!(take(LEDGER, 3, 99).await, None, "swept");
}

async fn processes_are_found_by_email_alone(world: World) {
    let world = world.with_a_ledger().await;
    let lookups = vec![lookup(id(101), 1), lookup(id(102), 3), lookup(id(103), 2)];
    world.store.commit(&Commit { lookups, ..at(1) }).await.expect("the head is right");
    let found = world.store.processes_by_email(LEDGER, "ada@example.org", 2).await;
    assert_eq!(found.expect("processes"), [id(102), id(103)]);
    let found = world.store.processes_by_email(LEDGER, "ada@example.or", 2).await;
    assert!(found.expect("processes").is_empty());
}
