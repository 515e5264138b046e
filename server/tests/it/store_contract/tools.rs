//! What both stores promise the operator's tools.

use super::{LEDGER, PROCESS, World, at, creation, id};
use server::store::people::Attendee;
use server::store::{Commit, LedgerId, Lookup, NewEffect, Store};
use uuid::Uuid;

claims! {
    ledgers_come_page_by_page_in_the_order_of_slugs
    rows_are_read_as_they_were_written
    effects_come_page_by_page_whatever_their_state
    only_what_was_given_up_is_revived_or_discarded
    a_switch_stays_as_it_was_turned
    a_tool_looks_in_beside_a_server
}

async fn ledgers_come_page_by_page_in_the_order_of_slugs(world: World) {
    for (number, slug) in [(1, "b-days"), (2, "a-days"), (3, "b"), (4, "b0")] {
        world.store.commit(&creation(id(number), slug)).await.unwrap();
    }
    let slugs = async |after: &str, limit| -> Vec<String> {
        let page = world.store.ledgers(after, limit).await.unwrap();
        page.into_iter().map(|ledger| ledger.slug).collect()
    };
    assert_eq!(slugs("", 10).await, ["a-days", "b", "b-days", "b0"]);
    assert_eq!(slugs("", 2).await, ["a-days", "b"]);
    assert_eq!(slugs("b", 2).await, ["b-days", "b0"]);
}

fn lookup(process: Uuid) -> Lookup {
    Lookup {
        process,
        code: "K7M2QX".into(),
        email: "ada@example.org".into(),
        status: "held".into(),
        total_minor: 1_000,
        placed_at: 5,
        changed_at: 6,
        name: "Ada Lovelace".into(),
        seats: 2,
        sought: "ada".into(),
    }
}

fn attendee(process: Uuid, place: u32, ticket: &str) -> Attendee {
    Attendee {
        process,
        place,
        kind: id(9),
        given_name: "Ada".into(),
        family_name: "Lovelace".into(),
        email: "ada@example.org".into(),
        ticket: ticket.into(),
        admitted_at: (place == 1).then_some(7),
    }
}

async fn rows_are_read_as_they_were_written(world: World) {
    let world = world.with_a_ledger().await;
    let other = id(101);
    let rows = Commit {
        lookups: vec![lookup(PROCESS), lookup(other)],
        attendees: vec![attendee(PROCESS, 1, "T1"), attendee(PROCESS, 0, "T0")],
        deadlines: vec![(PROCESS, Some(40)), (id(102), Some(41))],
        ..at(1)
    };
    world.store.commit(&rows).await.unwrap();
    let store = &world.store;
    assert_eq!(store.lookups(LEDGER, &[PROCESS]).await.unwrap(), [lookup(PROCESS)]);
    let places = store.places(LEDGER, &[PROCESS, other]).await.unwrap();
    assert_eq!(places, [attendee(PROCESS, 0, "T0"), attendee(PROCESS, 1, "T1")]);
    let deadlines = store.deadlines(LEDGER, &[PROCESS, id(102)]).await.unwrap();
    assert_eq!(deadlines, [(PROCESS, 40), (id(102), 41)]);
    let with_rows = store.processes_with_rows(LEDGER, Uuid::nil(), 2).await.unwrap();
    assert_eq!(with_rows, [PROCESS, other]);
    assert_eq!(store.processes_with_rows(LEDGER, other, 9).await.unwrap(), [id(102)]);
    assert_eq!(store.processes_by_code(LEDGER, "K7M2QX").await.unwrap(), [PROCESS, other]);
    assert!(store.lookups(id(2), &[PROCESS]).await.unwrap().is_empty());
}

async fn with_effects(store: &Store, ledger: LedgerId, head: u64, ids: &[u128]) {
    let effect = |number: &u128| NewEffect {
        id: id(*number),
        kind: "TurnTheMoon",
        payload: "{}".into(),
        due_at: 10,
    };
    let effects = ids.iter().map(effect).collect();
    store.commit(&Commit { ledger, effects, ..at(head) }).await.unwrap();
}

async fn effects_come_page_by_page_whatever_their_state(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    store.commit(&creation(id(2), "other")).await.unwrap();
    with_effects(store, LEDGER, 1, &[21, 22]).await;
    with_effects(store, id(2), 1, &[20]).await;
    store.bury_effect(LEDGER, id(22), "gone").await.unwrap();
    let first = store.effects((Uuid::nil(), Uuid::nil()), 2).await.unwrap();
    let seen: Vec<_> = first.iter().map(|e| (e.ledger, e.id, e.is_dead)).collect();
    assert_eq!(seen, [(LEDGER, id(21), false), (LEDGER, id(22), true)]);
    assert_eq!((first[1].last_error.as_str(), first[0].due_at), ("gone", 10));
    let rest = store.effects((LEDGER, id(22)), 2).await.unwrap();
    assert_eq!((rest.len(), rest[0].ledger), (1, id(2)));
}

async fn only_what_was_given_up_is_revived_or_discarded(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    with_effects(store, LEDGER, 1, &[21, 22]).await;
    assert!(!store.revive_effect(LEDGER, id(21), 99).await.unwrap());
    assert!(!store.discard_effect(LEDGER, id(21)).await.unwrap());
    assert_eq!(store.lease_effects(&["TurnTheMoon"], 10, 20, 9).await.unwrap().len(), 2);
    store.bury_effect(LEDGER, id(21), "gone").await.unwrap();
    store.bury_effect(LEDGER, id(22), "gone").await.unwrap();
    assert!(store.revive_effect(LEDGER, id(21), 99).await.unwrap());
    assert!(store.discard_effect(LEDGER, id(22)).await.unwrap());
    let left = store.effects((Uuid::nil(), Uuid::nil()), 9).await.unwrap();
    let [revived] = left.as_slice() else { panic!("one is left: {left:?}") };
    assert_eq!((revived.due_at, revived.attempts, revived.is_dead), (99, 0, false));
    assert_eq!(store.lease_effects(&["TurnTheMoon"], 99, 100, 9).await.unwrap().len(), 1);
}

async fn a_switch_stays_as_it_was_turned(world: World) {
    let store = &world.store;
    assert_eq!(store.switch("light").await.unwrap(), None);
    store.turn_switch("light", None).await.unwrap();
    for value in ["", "bright", "dim"] {
        store.turn_switch("light", Some(value)).await.unwrap();
        assert_eq!(store.switch("light").await.unwrap().as_deref(), Some(value));
    }
    store.turn_switch("heating", Some("on")).await.unwrap();
    store.turn_switch("light", None).await.unwrap();
    assert_eq!(store.switch("light").await.unwrap(), None);
    let world = world.reopened().await;
    assert_eq!(world.store.switch("heating").await.unwrap().as_deref(), Some("on"));
}

async fn a_tool_looks_in_beside_a_server(world: World) {
    let world = world.with_a_ledger().await;
    let tool = Store::open_beside(&world.url).await.expect("a server does not keep it out");
    with_effects(&world.store, LEDGER, 1, &[21]).await;
    assert_eq!(tool.head(LEDGER).await.unwrap().unwrap().slug, "rust-days");
    tool.bury_effect(LEDGER, id(21), "by hand").await.unwrap();
    assert_eq!(world.store.dead_effects(9).await.unwrap().len(), 1);
    tool.close().await;
    with_effects(&world.store, LEDGER, 1, &[22]).await;
    assert!(tool.head(LEDGER).await.is_err(), "it is closed");
}
