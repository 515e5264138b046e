//! Two releases on one database, each with documents of its own.

use super::{LEDGER, PROCESS, World, at, bodies, creation, document, entry, event, id};
use server::store::{Commit, Document, GENERATION, Store, Whose};
use uuid::Uuid;

claims! {
    a_generation_reads_its_own_documents
    a_document_is_believed_until_another_generation_writes_events
    stale_documents_come_page_by_page_until_they_are_written_anew
    lists_say_which_documents_are_not_to_be_believed
    only_documents_of_other_generations_are_dropped
    what_a_worker_leaves_is_left
}

/// The same database as the next release sees it. A file has one server at a time.
async fn as_the_next(world: &World) -> Store {
    if !world.store.is_shared() {
        world.store.close().await;
    }
    Store::open_as(&world.url, i64::MAX, GENERATION + 1).await.expect("the database is there")
}

/// And back.
async fn as_this_one(world: &World, next: &Store) -> Store {
    if next.is_shared() {
        return world.store.clone();
    }
    next.close().await;
    Store::open(&world.url).await.expect("the database is there")
}

async fn writes(store: &Store, expected_head: u64, documents: Vec<Document>) {
    let events = vec![event("root", expected_head + 1)];
    store
        .commit(&Commit { events, documents, ..at(expected_head) })
        .await
        .expect("the head is right");
}

async fn is_fresh(store: &Store) -> Option<bool> {
    let kept = store.kept(LEDGER, "page").await.expect("an answer").expect("a ledger");
    kept.document.map(|_| kept.is_fresh)
}

async fn stale(store: &Store) -> Vec<(Uuid, bool)> {
    let stale = store.stale("page", Uuid::nil(), 10).await.expect("an answer");
    stale.into_iter().map(|stale| (stale.ledger.ledger, stale.is_missing)).collect()
}

async fn a_generation_reads_its_own_documents(world: World) {
    let world = world.with_a_ledger().await;
    writes(&world.store, 1, vec![document("page", 2, "one")]).await;
    let next = as_the_next(&world).await;
    assert_eq!(next.document(LEDGER, "page").await.expect("an answer"), None);
    assert_eq!(is_fresh(&next).await, None);
    writes(&next, 2, vec![document("page", 3, "two")]).await;
    assert_eq!(next.document(LEDGER, "page").await.unwrap().unwrap().body, "two");
    let this = as_this_one(&world, &next).await;
    assert_eq!(this.document(LEDGER, "page").await.unwrap().unwrap().body, "one");
    assert_eq!(this.kept(id(9), "page").await.expect("an answer"), None, "no such ledger");
}

/// Whether the other one's commit had a document or not: what it wrote may change ours.
async fn a_document_is_believed_until_another_generation_writes_events(world: World) {
    let world = world.with_a_ledger().await;
    writes(&world.store, 1, vec![document("page", 2, "one")]).await;
    writes(&world.store, 2, vec![]).await;
    assert_eq!(is_fresh(&world.store).await, Some(true), "nothing that we wrote has changed it");
    let next = as_the_next(&world).await;
    // Without events nothing has happened.
    let documents = vec![document("page", 3, "two")];
    next.commit(&Commit { documents, ..at(3) }).await.expect("the head is right");
    assert_eq!(is_fresh(&next).await, Some(true));
    writes(&next, 3, vec![]).await;
    assert_eq!(is_fresh(&next).await, Some(true));
    let this = as_this_one(&world, &next).await;
    assert_eq!(is_fresh(&this).await, Some(false), "they wrote position 4");
    writes(&this, 4, vec![]).await;
    assert_eq!(is_fresh(&this).await, Some(false), "that has not changed");
    let documents = vec![document("page", 4, "anew")];
    this.commit(&Commit { documents, ..at(5) }).await.expect("the head is right");
    assert_eq!(is_fresh(&this).await, Some(true), "it shows all that they wrote");
}

async fn stale_documents_come_page_by_page_until_they_are_written_anew(world: World) {
    for number in 1..=4 {
        let documents = vec![document("page", 1, "one")];
        let slug = format!("days-{number}");
        let commit = Commit { documents, ..creation(id(number), &slug) };
        world.store.commit(&commit).await.expect("a new ledger");
    }
    // Nothing can be missing where nothing has happened.
    let empty = Commit { ledger: id(5), entry: entry("empty", "draft"), ..Commit::default() };
    world.store.commit(&empty).await.expect("a ledger may begin without events");
    assert_eq!(stale(&world.store).await, []);
    let next = as_the_next(&world).await;
    assert_eq!(stale(&next).await, (1..=4).map(|n| (id(n), true)).collect::<Vec<_>>());
    let page = next.stale("page", id(1), 2).await.expect("an answer");
    let slugs: Vec<_> = page.iter().map(|stale| stale.ledger.slug.as_str()).collect();
    assert_eq!(slugs, ["days-2", "days-3"]);
    assert_eq!(page[0].ledger.head, 1);
    writes(&next, 1, vec![document("page", 2, "two")]).await;
    assert_eq!(stale(&next).await, (2..=4).map(|n| (id(n), true)).collect::<Vec<_>>());
    let this = as_this_one(&world, &next).await;
    assert_eq!(stale(&this).await, [(LEDGER, false)]);
    let documents = vec![document("page", 2, "anew")];
    this.commit(&Commit { documents, ..at(2) }).await.expect("the head is right");
    assert_eq!(stale(&this).await, []);
}

async fn lists_say_which_documents_are_not_to_be_believed(world: World) {
    for (number, slug) in [(1, "a"), (2, "b")] {
        let documents = vec![document("page", 1, slug)];
        let entry = entry(slug, "published");
        let commit = Commit { documents, entry, ..creation(id(number), slug) };
        world.store.commit(&commit).await.expect("a new ledger");
    }
    let next = as_the_next(&world).await;
    writes(&next, 1, vec![document("page", 2, "two")]).await;
    let theirs = next.kept_by(Whose::State("published"), "page", 9).await.expect("an answer");
    assert_eq!(bodies(&theirs), ["two", ""]);
    assert_eq!(theirs.iter().map(|kept| kept.is_fresh).collect::<Vec<_>>(), [true, false]);
    let this = as_this_one(&world, &next).await;
    let ours = this.kept_by(Whose::State("published"), "page", 9).await.expect("an answer");
    assert_eq!(bodies(&ours), ["a", "b"]);
    assert_eq!(ours.iter().map(|kept| kept.is_fresh).collect::<Vec<_>>(), [false, true]);
}

async fn only_documents_of_other_generations_are_dropped(world: World) {
    let world = world.with_a_ledger().await;
    let pages = |body: &str| (0..5).map(|n| document(&format!("page-{n}"), 1, body)).collect();
    let ours = Commit { documents: pages("ours"), ..at(1) };
    world.store.commit(&ours).await.expect("the head is right");
    let next = as_the_next(&world).await;
    let theirs = Commit { documents: pages("theirs"), ..at(1) };
    next.commit(&theirs).await.expect("the head is right");
    for gone in [2, 2, 1, 0] {
        assert_eq!(next.drop_others(2).await.expect("an answer"), gone);
    }
    assert_eq!(next.document(LEDGER, "page-4").await.unwrap().unwrap().body, "theirs");
    let this = as_this_one(&world, &next).await;
    assert_eq!(this.document(LEDGER, "page-4").await.unwrap(), None);
}

async fn what_a_worker_leaves_is_left(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let deadlines = vec![(PROCESS, Some(5))];
    let effects = vec![super::effect(1, 5)];
    store.commit(&Commit { deadlines, effects, ..at(1) }).await.expect("the head is right");
    assert_eq!(store.due_deadlines(9, 9, &[id(2)]).await.unwrap(), [(LEDGER, PROCESS)]);
    assert_eq!(store.due_deadlines(9, 9, &[id(2), LEDGER]).await.unwrap(), []);
    assert_eq!(store.next_effect(&["letter"]).await.unwrap(), None);
    assert_eq!(store.lease_effects(&["letter"], 9, 20, 9).await.unwrap(), []);
    let leased = store.lease_effects(&["letter", "mail"], 9, 20, 9).await.unwrap();
    assert_eq!((leased.len(), leased[0].attempts), (1, 0));
    store.return_effect(LEDGER, id(1), 15).await.unwrap();
    assert_eq!(store.next_effect(&["mail"]).await.unwrap(), Some(15));
    let again = store.lease_effects(&["mail"], 15, 30, 9).await.unwrap();
    assert_eq!(again[0].attempts, 0, "it was no attempt");
    store.bury_effect(LEDGER, id(1), "no").await.unwrap();
    store.return_effect(LEDGER, id(1), 40).await.unwrap();
    assert_eq!(store.next_effect(&["mail"]).await.unwrap(), None);
}
