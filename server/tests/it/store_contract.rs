//! What both stores promise, claim by claim; then what only one of them can get wrong.
//!
//! Each claim runs on an empty database of its own. Not here: what the events mean.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use futures_util::future::join_all;
use server::store::lists::{ListPlace, Listed, Wanted};
use server::store::{
    Commit, CommitError, Document, Kept, LedgerEntry, LedgerId, Lookup, NewEffect, NewEvent, Owner,
    ProcessId, Recorded, Session, SessionScope, Store, Whose, sqlite_url,
};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// One store, and how to open it again.
struct World {
    store: Store,
    url: String,
    /// Goes with its world.
    _folder: Option<TempDir>,
}

impl World {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // The folder in between does not exist yet.
        let url = sqlite_url(&folder.path().join("data/ledgers.db"));
        let store = Store::open(&url).await.expect("a new file");
        Self { store, url, _folder: Some(folder) }
    }

    async fn postgres() -> Self {
        let url = crate::postgres::database().await;
        let store = Store::open(&url).await.expect("a new database");
        Self { store, url, _folder: None }
    }

    /// A world that has one ledger with one event.
    async fn with_a_ledger(self) -> Self {
        self.store.commit(&creation(LEDGER, "rust-days")).await.expect("the ledger is new");
        self
    }

    async fn reopened(self) -> Self {
        self.store.close().await;
        let store = Store::open(&self.url).await.expect("it was closed before");
        Self { store, ..self }
    }
}

macro_rules! claims {
    ($($claim:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $claim() {
                super::$claim($crate::store_contract::World::sqlite().await).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $claim() {
                super::$claim($crate::store_contract::World::postgres().await).await;
            })*
        }
    };
}

claims! {
    positions_have_no_gaps
    a_commit_at_a_stale_head_changes_nothing
    a_commit_without_events_still_needs_the_head
    a_ledger_is_created_once
    a_taken_slug_is_refused_and_nothing_is_written
    of_many_creators_of_one_slug_one_wins
    the_same_creation_sent_many_times_is_a_conflict_and_no_taken_slug
    a_taken_version_of_a_stream_is_a_conflict_and_nothing_is_written
    an_entry_changes_together_with_the_events
    documents_never_go_backwards
    the_last_of_two_rows_with_one_key_counts
    documents_are_listed_by_state_in_the_order_of_slugs
    a_process_is_read_over_all_streams
    streams_are_read_after_a_position
    ledgers_do_not_see_each_other
    deadlines_come_earliest_first_and_can_be_moved_and_cleared
    an_effect_is_leased_to_one_worker
    a_lease_that_ends_is_given_again
    an_effect_is_retried_at_its_instant
    a_buried_effect_is_seen_but_not_leased
    an_effect_that_is_done_is_gone
    processes_are_found_by_email_and_code_newest_first
    lists_go_on_where_a_page_ended
    lists_are_searched_and_filtered
    ledgers_are_listed_by_owner_newest_first
    an_owner_changes_together_with_the_events
    a_session_is_there_until_it_ends
    sessions_of_a_scope_end_except_one
    bytes_come_back_as_they_were
    committers_at_one_head_win_one_after_the_other
    reopening_shows_everything
    an_abandoned_commit_leaves_the_store_usable
    a_closed_store_is_a_fault
}

mod generations;
mod migrations;
mod people;
mod sizes;
mod tables;
mod tools;

pub(crate) use tables::{columns, tables};

const LEDGER: LedgerId = id(1);
const PROCESS: ProcessId = id(100);

const fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn event(stream: &str, version: u64) -> NewEvent {
    NewEvent {
        stream: stream.into(),
        version,
        process: None,
        kind: "Thing.Happened.v1",
        payload: "{}".into(),
        command_id: Some(id(7)),
        cause: 0,
        recorded_at: 1_700_000_000_000,
    }
}

fn document(topic: &str, position: u64, body: &str) -> Document {
    Document { topic: topic.into(), position, body: body.into() }
}

fn lookup(process: ProcessId, placed_at: i64) -> Lookup {
    Lookup {
        process,
        code: "AB12CD".into(),
        email: "ada@example.org".into(),
        status: "placed".into(),
        total_minor: 1250,
        placed_at,
        changed_at: placed_at,
        name: "Ada Lovelace".into(),
        seats: 2,
        sought: "ab12cd ada lovelace ada@example.org".into(),
    }
}

fn effect(number: u128, due_at: i64) -> NewEffect {
    NewEffect { id: id(number), kind: "mail", payload: format!("{{\"n\":{number}}}"), due_at }
}

fn entry(slug: &str, state: &'static str) -> Option<LedgerEntry> {
    Some(LedgerEntry { slug: slug.into(), state, owner: Owner::default() })
}

fn creation(ledger: LedgerId, slug: &str) -> Commit {
    let events = vec![event("root", 1)];
    Commit { ledger, events, entry: entry(slug, "draft"), ..Commit::default() }
}

fn at(expected_head: u64) -> Commit {
    Commit { ledger: LEDGER, expected_head, ..Commit::default() }
}

/// Something of everything that a commit can hold.
fn everything(expected_head: u64) -> Commit {
    let mark = expected_head as i64;
    Commit {
        events: vec![
            NewEvent { process: Some(PROCESS), ..event("root", expected_head + 1) },
            NewEvent { process: Some(PROCESS), ..event(&format!("one-{mark}"), 1) },
        ],
        entry: entry(&format!("slug-{mark}"), "published"),
        documents: vec![document("page", expected_head + 2, &format!("[{mark}]"))],
        lookups: vec![lookup(PROCESS, mark)],
        deadlines: vec![(PROCESS, Some(1000 - mark))],
        effects: vec![effect(expected_head.into(), 1000 - mark)],
        ..at(expected_head)
    }
}

/// Everything that can be read without changing it.
async fn seen(store: &Store) -> String {
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        store.head(LEDGER).await.expect("a head"),
        store.read_all(LEDGER, 0, 100).await.expect("events"),
        store.document(LEDGER, "page").await.expect("a document"),
        store.kept(LEDGER, "page").await.expect("a document"),
        store.due_deadlines(i64::MAX, 100, &[]).await.expect("deadlines"),
        store.next_deadline().await.expect("a deadline"),
        store.next_effect(&["mail"]).await.expect("an effect"),
        store.dead_effects(100).await.expect("dead effects"),
        store.find_processes(LEDGER, "ada@example.org", "AB12CD").await.expect("processes"),
        store.kept_by(Whose::State("published"), "page", 100).await.expect("documents"),
    )
}

fn bodies(kept: &[Kept]) -> Vec<&str> {
    kept.iter().map(|kept| kept.document.as_ref().map_or("", |page| page.body.as_str())).collect()
}

async fn head(store: &Store) -> u64 {
    store.head(LEDGER).await.expect("the store answers").map_or(0, |found| found.head)
}

fn positions(events: &[Recorded]) -> Vec<u64> {
    events.iter().map(|event| event.position).collect()
}

#[track_caller]
fn assert_conflict(outcome: Result<(), CommitError>) {
    assert!(matches!(outcome, Err(CommitError::Conflict)), "{outcome:?}");
}

#[track_caller]
fn assert_slug_taken(outcome: Result<(), CommitError>) {
    assert!(matches!(outcome, Err(CommitError::SlugTaken)), "{outcome:?}");
}

#[track_caller]
fn assert_fault(outcome: Result<(), CommitError>) {
    assert!(matches!(outcome, Err(CommitError::Fault(_))), "{outcome:?}");
}

async fn positions_have_no_gaps(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    for (size, first) in [(1, 2), (3, 3), (64, 6)] {
        let events = (0..size).map(|n| event("many", first + n)).collect();
        store.commit(&Commit { events, ..at(first - 1) }).await.expect("the head is right");
    }
    let all = store.read_all(LEDGER, 0, 1000).await.expect("events");
    assert_eq!(positions(&all), (1..=69).collect::<Vec<_>>());
    assert_eq!(head(store).await, 69);
    let part = store.read_all(LEDGER, 10, 3).await.expect("events");
    assert_eq!(positions(&part), [11, 12, 13]);
    assert_eq!(part[0].version, 11, "events keep the order of their commit");
}

async fn a_commit_at_a_stale_head_changes_nothing(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    store.commit(&everything(1)).await.expect("the head is right");
    let before = seen(store).await;
    for wrong in [0, 1, 2, 4, 99] {
        let effects_done = vec![id(1)];
        let deadlines = vec![(PROCESS, None), (id(101), Some(0))];
        let commit = Commit { effects_done, deadlines, ..everything(wrong) };
        assert_conflict(store.commit(&commit).await);
        assert_eq!(seen(store).await, before);
    }
    let effects =
        store.lease_effects(&["mail"], i64::MAX - 1, i64::MAX, 100).await.expect("effects");
    assert_eq!(effects.iter().map(|effect| effect.id).collect::<Vec<_>>(), [id(1)]);
}

async fn a_commit_without_events_still_needs_the_head(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    assert_conflict(store.commit(&at(0)).await);
    assert_conflict(store.commit(&at(2)).await);
    store.commit(&at(1)).await.expect("nothing but a check of the head");
    let nowhere = Commit { ledger: id(2), ..Commit::default() };
    assert_conflict(store.commit(&nowhere).await);

    let documents = vec![document("page", 1, "{}")];
    assert_conflict(store.commit(&Commit { documents: documents.clone(), ..at(0) }).await);
    assert_eq!(store.document(LEDGER, "page").await.expect("an answer"), None);
    store.commit(&Commit { documents, ..at(1) }).await.expect("the head is right");
    assert!(store.document(LEDGER, "page").await.expect("an answer").is_some());
    assert_eq!(head(store).await, 1);
}

async fn a_ledger_is_created_once(world: World) {
    let store = &world.store;
    let without_entry = Commit { events: vec![event("root", 1)], ..at(0) };
    assert_conflict(store.commit(&without_entry).await);
    assert_eq!(store.head(LEDGER).await.expect("an answer"), None);
    assert_eq!(store.ledger_by_slug("rust-days").await.expect("an answer"), None);

    store.commit(&creation(LEDGER, "rust-days")).await.expect("the ledger is new");
    assert_conflict(store.commit(&creation(LEDGER, "rust-days")).await);
    assert_conflict(store.commit(&creation(LEDGER, "another-slug")).await);
    let found = store.ledger_by_slug("rust-days").await.expect("an answer").expect("a ledger");
    assert_eq!((found.ledger, found.head, found.state.as_str()), (LEDGER, 1, "draft"));
    assert_eq!(store.head(LEDGER).await.expect("an answer"), Some(found));
    assert_eq!(store.ledger_by_slug("another-slug").await.expect("an answer"), None);

    let empty = Commit { ledger: id(2), entry: entry("empty", "draft"), ..Commit::default() };
    store.commit(&empty).await.expect("a ledger may begin without events");
    store.commit(&creation(id(2), "filled")).await.expect("its head is still 0");
    let found = store.ledger_by_slug("filled").await.expect("an answer").expect("a ledger");
    assert_eq!((found.ledger, found.head), (id(2), 1));
}

async fn a_taken_slug_is_refused_and_nothing_is_written(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    assert_slug_taken(store.commit(&creation(id(2), "rust-days")).await);
    assert_eq!(store.head(id(2)).await.expect("an answer"), None);
    assert!(store.read_all(id(2), 0, 10).await.expect("an answer").is_empty());

    store.commit(&creation(id(2), "go-days")).await.expect("this slug is free");
    let before = seen(store).await;
    let rename = Commit { entry: entry("go-days", "published"), ..everything(1) };
    assert_slug_taken(store.commit(&rename).await);
    assert_eq!(seen(store).await, before);
    store.commit(&everything(1)).await.expect("the store is still of use");
}

async fn of_many_creators_of_one_slug_one_wins(world: World) {
    let store = &world.store;
    let commits: Vec<_> = (1..=8).map(|number| creation(id(number), "wanted")).collect();
    let outcomes = join_all(commits.iter().map(|commit| store.commit(commit))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.into_iter().filter(|outcome| outcome.is_err()) {
        assert_slug_taken(outcome);
    }
}

async fn the_same_creation_sent_many_times_is_a_conflict_and_no_taken_slug(world: World) {
    let store = &world.store;
    let commit = creation(LEDGER, "wanted");
    let outcomes = join_all((0..8).map(|_| store.commit(&commit))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.into_iter().filter(|outcome| outcome.is_err()) {
        assert_conflict(outcome);
    }
    assert_eq!(positions(&store.read_all(LEDGER, 0, 10).await.expect("events")), [1]);
}

async fn a_taken_version_of_a_stream_is_a_conflict_and_nothing_is_written(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let before = seen(store).await;
    let commit = Commit { events: vec![event("other", 1), event("root", 1)], ..everything(1) };
    assert_conflict(store.commit(&commit).await);
    assert_eq!(seen(store).await, before);
    store.commit(&everything(1)).await.expect("the store is still of use");
}

async fn an_entry_changes_together_with_the_events(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let events = vec![event("root", 2)];
    store.commit(&Commit { events, ..at(1) }).await.expect("the head is right");
    let found = store.head(LEDGER).await.expect("an answer").expect("a ledger");
    assert_eq!((found.slug.as_str(), found.state.as_str(), found.head), ("rust-days", "draft", 2));

    let commit = Commit { entry: entry("rust-week", "published"), ..at(2) };
    store.commit(&commit).await.expect("the head is right");
    let found = store.ledger_by_slug("rust-week").await.expect("an answer").expect("a ledger");
    assert_eq!((found.state.as_str(), found.head), ("published", 2));
    assert_eq!(store.ledger_by_slug("rust-days").await.expect("an answer"), None);
}

async fn documents_never_go_backwards(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    for (position, body) in [(5, "five"), (4, "four"), (5, "five again"), (0, "none")] {
        let documents = vec![document("page", position, body)];
        store.commit(&Commit { documents, ..at(1) }).await.expect("the head is right");
    }
    let found = store.document(LEDGER, "page").await.expect("an answer");
    assert_eq!(found, Some(document("page", 5, "five again")));
}

async fn the_last_of_two_rows_with_one_key_counts(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let commit = Commit {
        documents: vec![document("page", 1, "old"), document("page", 1, "new")],
        lookups: vec![lookup(PROCESS, 1), Lookup { code: "NEW".into(), ..lookup(PROCESS, 1) }],
        deadlines: vec![(PROCESS, Some(5)), (PROCESS, None), (id(101), None), (id(101), Some(6))],
        effects: vec![effect(1, 5), effect(1, 5)],
        ..at(1)
    };
    store.commit(&commit).await.expect("the head is right");
    let found = store.document(LEDGER, "page").await.expect("an answer").expect("a document");
    assert_eq!(found.body, "new");
    let found = store.find_processes(LEDGER, "ada@example.org", "NEW").await.expect("an answer");
    assert_eq!(found, [PROCESS]);
    let due = store.due_deadlines(10, 10, &[]).await.expect("an answer");
    assert_eq!(due, [(LEDGER, id(101))]);
    assert_eq!(store.lease_effects(&["mail"], 9, 10, 10).await.expect("an answer").len(), 1);
}

async fn documents_are_listed_by_state_in_the_order_of_slugs(world: World) {
    let store = &world.store;
    let ledgers = [
        ("b-b", "published"),
        ("Z", "published"),
        ("ba", "published"),
        ("a", "draft"),
        ("c", "published"),
    ];
    for (number, (slug, state)) in (1..).zip(ledgers) {
        let documents = vec![document("page", 1, slug), document("other", 1, "other")];
        let entry = entry(slug, state);
        let commit = Commit { documents, entry, ..creation(id(number), slug) };
        store.commit(&commit).await.expect("a new ledger");
    }
    let found = store.kept_by(Whose::State("published"), "page", 3).await.expect("an answer");
    assert!(found.iter().all(|kept| kept.is_fresh));
    assert_eq!(bodies(&found), ["Z", "b-b", "ba"]);
}

async fn a_process_is_read_over_all_streams(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let of = |process, stream: &str, version| NewEvent {
        process: Some(process),
        ..event(stream, version)
    };
    let events = vec![
        of(PROCESS, "a", 1),
        of(id(101), "shared", 1),
        event("root", 2),
        of(PROCESS, "shared", 2),
        of(id(102), "c", 1),
        of(PROCESS, "a", 2),
    ];
    store.commit(&Commit { events, ..at(1) }).await.expect("the head is right");
    let read = async |processes: &[ProcessId]| {
        positions(&store.read_processes(LEDGER, processes).await.expect("events"))
    };
    assert_eq!(read(&[PROCESS]).await, [2, 5, 7]);
    assert_eq!(read(&[id(102), PROCESS]).await, [2, 5, 6, 7]);
    assert_eq!(read(&[]).await, [0; 0]);
    assert_eq!(read(&[id(103)]).await, [0; 0]);
}

async fn streams_are_read_after_a_position(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let events = vec![event("a", 1), event("b", 1), event("a", 2), event("c", 1), event("b", 2)];
    store.commit(&Commit { events, ..at(1) }).await.expect("the head is right");
    let read = async |streams: &[&str], after| {
        positions(&store.read_streams(LEDGER, streams, after).await.expect("events"))
    };
    assert_eq!(read(&["b", "a"], 0).await, [2, 3, 4, 6]);
    assert_eq!(read(&["b", "a"], 3).await, [4, 6]);
    assert_eq!(read(&["b", "a"], 6).await, [0; 0]);
    assert_eq!(read(&["it's \"quoted\""], 0).await, [0; 0]);
    assert_eq!(read(&[], 0).await, [0; 0]);
}

async fn ledgers_do_not_see_each_other(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    store.commit(&everything(1)).await.expect("the head is right");
    let before = seen(store).await;
    store.commit(&creation(id(2), "other")).await.expect("a new ledger");
    let commit = Commit {
        ledger: id(2),
        expected_head: 1,
        events: vec![NewEvent { process: Some(PROCESS), ..event("root", 2) }],
        documents: vec![document("page", 9, "other")],
        lookups: vec![lookup(PROCESS, 9)],
        deadlines: vec![(PROCESS, None)],
        effects_done: vec![id(1)],
        ..Commit::default()
    };
    store.commit(&commit).await.expect("the head is right");
    assert_eq!(seen(store).await, before);
    let read = store.read_processes(id(2), &[PROCESS]).await.expect("events");
    assert_eq!(positions(&read), [2]);
}

async fn deadlines_come_earliest_first_and_can_be_moved_and_cleared(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let set = async |deadlines: Vec<(ProcessId, Option<i64>)>| {
        store.commit(&Commit { deadlines, ..at(1) }).await.expect("the head is right");
    };
    let due = async |now, limit| {
        let due = store.due_deadlines(now, limit, &[]).await.expect("an answer");
        due.into_iter().map(|(_, process)| process.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(store.next_deadline().await.expect("an answer"), None);
    set(vec![(id(3), Some(300)), (id(1), Some(100)), (id(2), Some(200))]).await;
    assert_eq!(due(250, 10).await, [1, 2]);
    assert_eq!(due(300, 10).await, [1, 2, 3]);
    assert_eq!(due(300, 1).await, [1]);
    assert_eq!(due(99, 10).await, [0; 0]);
    assert_eq!(store.next_deadline().await.expect("an answer"), Some(100));
    set(vec![(id(1), Some(400)), (id(2), None), (id(4), None)]).await;
    assert_eq!(due(1000, 10).await, [3, 1]);
    assert_eq!(store.next_deadline().await.expect("an answer"), Some(300));
}

async fn an_effect_is_leased_to_one_worker(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let effects = (1..=40).map(|number| effect(number, 10)).chain([effect(99, 11)]).collect();
    store.commit(&Commit { effects, ..at(1) }).await.expect("the head is right");
    assert_eq!(store.next_effect(&["mail"]).await.expect("an answer"), Some(10));
    let leases = join_all((0..16).map(|_| store.lease_effects(&["mail"], 10, 20, 5))).await;
    let mut leased: Vec<u128> = Vec::new();
    for lease in leases {
        let lease = lease.expect("an answer");
        assert!(lease.len() <= 5);
        leased.extend(lease.iter().map(|effect| effect.id.as_u128()));
    }
    leased.sort_unstable();
    // A worker may be passed over rows that another one is just taking, but none is taken twice.
    while let Some(effect) =
        store.lease_effects(&["mail"], 10, 20, 1).await.expect("an answer").first()
    {
        leased.push(effect.id.as_u128());
    }
    leased.sort_unstable();
    assert_eq!(leased, (1..=40).collect::<Vec<_>>());
    assert_eq!(store.next_effect(&["mail"]).await.expect("an answer"), Some(11));
}

async fn a_lease_that_ends_is_given_again(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    store.commit(&Commit { effects: vec![effect(1, 10)], ..at(1) }).await.expect("committed");
    for (now, until, attempts) in [(10, 20, 0), (20, 30, 1), (30, 40, 2)] {
        assert!(
            store.lease_effects(&["mail"], now - 1, until, 5).await.expect("an answer").is_empty()
        );
        let leased = store.lease_effects(&["mail"], now, until, 5).await.expect("an answer");
        assert_eq!(leased.len(), 1);
        assert_eq!((leased[0].ledger, leased[0].id, leased[0].attempts), (LEDGER, id(1), attempts));
        assert_eq!((leased[0].kind.as_str(), leased[0].payload.as_str()), ("mail", "{\"n\":1}"));
        assert_eq!(store.next_effect(&["mail"]).await.expect("an answer"), Some(until));
    }
}

async fn an_effect_is_retried_at_its_instant(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    store.commit(&Commit { effects: vec![effect(1, 10)], ..at(1) }).await.expect("committed");
    store.lease_effects(&["mail"], 10, 1000, 5).await.expect("an answer");
    store.retry_effect(LEDGER, id(1), 15, "it's \"down\"").await.expect("an answer");
    assert!(store.lease_effects(&["mail"], 14, 1000, 5).await.expect("an answer").is_empty());
    let leased = store.lease_effects(&["mail"], 15, 1000, 5).await.expect("an answer");
    assert_eq!(leased[0].attempts, 1);
    store.retry_effect(LEDGER, id(2), 15, "unknown").await.expect("no such effect is no fault");
}

async fn a_buried_effect_is_seen_but_not_leased(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let effects = vec![effect(1, 10), effect(2, 10), effect(3, 50)];
    store.commit(&Commit { effects, ..at(1) }).await.expect("the head is right");
    store.lease_effects(&["mail"], 10, 20, 5).await.expect("an answer");
    store.bury_effect(LEDGER, id(1), "refused for good").await.expect("an answer");
    store.retry_effect(LEDGER, id(1), 15, "too late").await.expect("an answer");
    let dead = store.dead_effects(10).await.expect("an answer");
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].ledger, dead[0].id, dead[0].attempts), (LEDGER, id(1), 1));
    assert_eq!((dead[0].kind.as_str(), dead[0].last_error.as_str()), ("mail", "refused for good"));
    let leased = store.lease_effects(&["mail"], 1000, 2000, 10).await.expect("an answer");
    assert_eq!(leased.len(), 2);
    let again = Commit { effects: vec![effect(1, 10)], ..at(1) };
    store.commit(&again).await.expect("the head is right");
    assert_eq!(store.dead_effects(10).await.expect("an answer"), dead, "it is the same effect");
}

async fn an_effect_that_is_done_is_gone(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let effects = vec![effect(1, 10), effect(2, 10), effect(3, 10)];
    store.commit(&Commit { effects, ..at(1) }).await.expect("the head is right");
    store.bury_effect(LEDGER, id(2), "dead").await.expect("an answer");
    let effects_done = vec![id(1), id(2), id(9)];
    store.commit(&Commit { effects_done, ..at(1) }).await.expect("the head is right");
    assert!(store.dead_effects(10).await.expect("an answer").is_empty());
    let leased = store.lease_effects(&["mail"], 10, 20, 10).await.expect("an answer");
    assert_eq!(leased.iter().map(|effect| effect.id).collect::<Vec<_>>(), [id(3)]);
}

async fn processes_are_found_by_email_and_code_newest_first(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let lookups = vec![
        lookup(id(1), 10),
        lookup(id(2), 30),
        lookup(id(3), 20),
        Lookup { code: "OTHER1".into(), ..lookup(id(4), 40) },
        Lookup { email: "bob@example.org".into(), ..lookup(id(5), 40) },
    ];
    store.commit(&Commit { lookups, ..at(1) }).await.expect("the head is right");
    let found = store.find_processes(LEDGER, "ada@example.org", "AB12CD").await.expect("an answer");
    assert_eq!(found, [id(2), id(3), id(1)]);
    let moved = vec![Lookup { email: "new@example.org".into(), ..lookup(id(2), 30) }];
    store.commit(&Commit { lookups: moved, ..at(1) }).await.expect("the head is right");
    let found = store.find_processes(LEDGER, "ada@example.org", "AB12CD").await.expect("an answer");
    assert_eq!(found, [id(3), id(1)]);
    let found = store.find_processes(LEDGER, "ada@example.org", "ab12cd").await.expect("an answer");
    assert!(found.is_empty());
}

fn wanted(search: &str, status: Option<&'static str>) -> Wanted {
    Wanted { search: search.into(), status, after: ListPlace::BEGINNING, limit: 100 }
}

async fn listed(store: &Store, wanted: &Wanted) -> Vec<ProcessId> {
    store.list(LEDGER, wanted).await.unwrap().iter().map(|row| row.process).collect()
}

async fn lists_go_on_where_a_page_ended(world: World) {
    let World { store, .. } = &world.with_a_ledger().await;
    // Two of the same instant, and an order that neither ids nor rows have.
    let lookups = vec![lookup(id(1), 20), lookup(id(3), 10), lookup(id(2), 20), lookup(id(4), 30)];
    store.commit(&Commit { lookups, ..at(1) }).await.unwrap();
    let mut found = Vec::new();
    let mut after = ListPlace::BEGINNING;
    loop {
        let page = Wanted { after, limit: 1, ..wanted("", None) };
        let Some(row) = store.list(LEDGER, &page).await.unwrap().pop() else { break };
        after = row.place();
        found.push(row);
    }
    let processes: Vec<_> = found.iter().map(|row| row.process).collect();
    assert_eq!(processes, [id(4), id(2), id(1), id(3)]);
    let Listed { code, name, email, status, seats, total_minor, changed_at, .. } = &found[0];
    assert_eq!((code.as_str(), name.as_str(), *seats), ("AB12CD", "Ada Lovelace", 2));
    assert_eq!((email.as_str(), status.as_str()), ("ada@example.org", "placed"));
    assert_eq!((*total_minor, *changed_at), (1250, 30));
    assert_eq!(store.list(id(99), &wanted("", None)).await.unwrap(), []);
}

async fn lists_are_searched_and_filtered(world: World) {
    let World { store, .. } = &world.with_a_ledger().await;
    let odd = Lookup { sought: "100%_\\'ägnes".into(), ..lookup(id(2), 20) };
    let paid = Lookup { status: "paid".into(), ..lookup(id(3), 30) };
    let lookups = vec![lookup(id(1), 10), odd, paid];
    store.commit(&Commit { lookups, ..at(1) }).await.unwrap();
    assert_eq!(listed(store, &wanted("", None)).await, [id(3), id(2), id(1)]);
    assert_eq!(listed(store, &wanted("lovelace", None)).await, [id(3), id(1)]);
    assert_eq!(listed(store, &wanted("", Some("paid"))).await, [id(3)]);
    assert_eq!(listed(store, &wanted("lovelace", Some("placed"))).await, [id(1)]);
    for search in ["ägnes", "%_", "\\", "'"] {
        assert_eq!(listed(store, &wanted(search, None)).await, [id(2)], "{search}");
    }
    let renamed = vec![Lookup { sought: "grace".into(), seats: 5, ..lookup(id(1), 10) }];
    store.commit(&Commit { lookups: renamed, ..at(1) }).await.unwrap();
    assert_eq!(listed(store, &wanted("grace", None)).await, [id(1)]);
    assert_eq!(store.list(LEDGER, &wanted("grace", None)).await.unwrap()[0].seats, 5);
}

fn owned(number: u128, slug: &str, email: &str, recorded_at: i64) -> Commit {
    let owner = Owner { email: email.into(), code: format!("hash of {slug}") };
    let entry = Some(LedgerEntry { slug: slug.into(), state: "draft", owner });
    let events = vec![NewEvent { recorded_at, ..event("root", 1) }];
    let documents = vec![document("page", 1, slug)];
    Commit { ledger: id(number), entry, events, documents, ..Commit::default() }
}

async fn ledgers_are_listed_by_owner_newest_first(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    for commit in [
        owned(11, "first", "mia@example.org", 1),
        owned(12, "newest", "mia@example.org", 3),
        owned(13, "second", "mia@example.org", 2),
        owned(14, "other", "eve@example.org", 4),
    ] {
        store.commit(&commit).await.expect("the ledger is new");
    }
    let found = store.ledgers_by_owner("mia@example.org", 10).await.expect("ledgers");
    let slugs: Vec<&str> = found.iter().map(|ledger| ledger.slug.as_str()).collect();
    assert_eq!(slugs, ["newest", "second", "first"]);
    assert_eq!(found[0].owner.code, "hash of newest");
    let kept = store.kept_by(Whose::Owner("mia@example.org"), "page", 2).await.expect("pages");
    assert_eq!(bodies(&kept), ["newest", "second"]);
    assert!(store.ledgers_by_owner("", 10).await.expect("an answer").is_empty(), "nobody's");
    assert!(store.kept_by(Whose::Owner(""), "page", 10).await.expect("an answer").is_empty());
}

async fn an_owner_changes_together_with_the_events(world: World) {
    let store = &world.store;
    store.commit(&owned(1, "rust-days", "mia@example.org", 1)).await.expect("the ledger is new");
    let owner = async || store.head(LEDGER).await.expect("an answer").expect("a ledger").owner;
    store.commit(&Commit { events: vec![event("root", 2)], ..at(1) }).await.expect("the head");
    assert_eq!(owner().await.code, "hash of rust-days", "without an entry nothing changes");
    let changed = Owner { email: "mia@example.org".into(), code: "another".into() };
    let slug = "rust-days".to_owned();
    let entry = LedgerEntry { slug, state: "draft", owner: changed.clone() };
    assert_conflict(store.commit(&Commit { entry: Some(entry.clone()), ..at(1) }).await);
    assert_eq!(owner().await.code, "hash of rust-days");
    store.commit(&Commit { entry: Some(entry), ..at(2) }).await.expect("the head is right");
    assert_eq!(owner().await, changed);
    let found = store.ledger_by_slug("rust-days").await.expect("an answer").expect("a ledger");
    assert_eq!(found.owner, changed);
}

fn session(number: u8, scope: SessionScope) -> Session {
    Session { key: [number; 32], scope, created_at: 100, expires_at: 200 }
}

async fn a_session_is_there_until_it_ends(world: World) {
    let store = &world.store;
    let mias = session(1, SessionScope::Email("mia@example.org".into()));
    let creators = session(2, SessionScope::Ledger(LEDGER));
    for session in [&mias, &creators] {
        store.begin_session(session).await.expect("the key is new");
        let found = store.session(&session.key, 199).await.expect("an answer");
        assert_eq!(found.as_ref(), Some(session));
        assert_eq!(store.session(&session.key, 200).await.expect("an answer"), None);
    }
    assert!(store.begin_session(&mias).await.is_err(), "a key is of one session");
    store.end_session(&mias.key).await.expect("it is there");
    store.end_session(&mias.key).await.expect("it is gone, which is what was wanted");
    assert_eq!(store.session(&mias.key, 150).await.expect("an answer"), None);
    assert_eq!(store.session(&[9; 32], 150).await.expect("an answer"), None);

    let later = Session { created_at: 200, expires_at: 300, ..session(3, creators.scope.clone()) };
    store.begin_session(&later).await.expect("the key is new");
    let swept = store.session(&creators.key, 150).await.expect("an answer");
    assert_eq!(swept, None, "the next session sweeps what has expired");
    let world = world.reopened().await;
    assert_eq!(world.store.session(&later.key, 250).await.expect("an answer"), Some(later));
}

async fn sessions_of_a_scope_end_except_one(world: World) {
    let store = &world.store;
    let mia = SessionScope::Email("mia@example.org".into());
    let scopes = [
        mia.clone(),
        mia.clone(),
        mia.clone(),
        SessionScope::Email("eve@example.org".into()),
        SessionScope::Ledger(LEDGER),
        SessionScope::Ledger(id(2)),
    ];
    for (number, scope) in (1..).zip(scopes) {
        store.begin_session(&session(number, scope)).await.expect("the key is new");
    }
    let alive = async || {
        let mut alive = Vec::new();
        for number in 1..=6 {
            if store.session(&[number; 32], 150).await.expect("an answer").is_some() {
                alive.push(number);
            }
        }
        alive
    };
    store.end_sessions(&mia, &[2; 32]).await.expect("an answer");
    assert_eq!(alive().await, [2, 4, 5, 6]);
    store.end_sessions(&SessionScope::Ledger(LEDGER), &[2; 32]).await.expect("an answer");
    assert_eq!(alive().await, [2, 4, 6]);
}

async fn bytes_come_back_as_they_were(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let controls: String = (1..32).chain([127, 128, 0x2028]).filter_map(char::from_u32).collect();
    let texts = [
        String::new(),
        "{ \"b\" : 1.0, \"a\":2,\"a\": 1e2 }".into(),
        "\"it's \\\"quoted\\\" $1 ?1 :x \\\\ \\u0000 %s\"".into(),
        format!("\"Zoë 東京 👩‍🚀 \u{feff}{controls}\""),
        "ü\"".repeat(32 * 1024),
    ];
    for (number, text) in (1..).zip(&texts) {
        let commit = Commit {
            events: vec![
                NewEvent { payload: text.clone(), ..event(&format!("s{text:.20}"), number) },
                NewEvent { payload: "{}".into(), ..event("after", number) },
            ],
            documents: vec![document("page", number, text), document("after", number, "{}")],
            effects: vec![NewEffect { payload: text.clone(), ..effect(1, 10) }, effect(2, 11)],
            ..at(2 * number - 1)
        };
        store.commit(&commit).await.expect("the head is right");
        let events = store.read_all(LEDGER, 2 * number - 1, 10).await.expect("events");
        assert!(events[0].payload == *text && events[1].payload == "{}");
        assert_eq!(events[0].stream, format!("s{text:.20}"));
        let found = store.document(LEDGER, "page").await.expect("an answer").expect("a document");
        assert!(found.body == *text);
        let leased = store.lease_effects(&["mail"], 10, 20, 1).await.expect("an answer");
        assert!(leased[0].payload == *text);
        let done = Commit { effects_done: vec![id(1), id(2)], ..at(2 * number + 1) };
        store.commit(&done).await.expect("the head is right");
    }
}

async fn committers_at_one_head_win_one_after_the_other(world: World) {
    const COMMITTERS: u64 = 32;
    const WINS: u64 = 5;
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let committers = (0..COMMITTERS).map(|committer| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut wins = 0;
            while wins < WINS {
                let stream = format!("committer-{committer}");
                let events = vec![event(&stream, 2 * wins + 1), event(&stream, 2 * wins + 2)];
                match store.commit(&Commit { events, ..at(head(&store).await) }).await {
                    Ok(()) => wins += 1,
                    Err(CommitError::Conflict) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        })
    });
    for committer in join_all(committers).await {
        committer.expect("no committer fails");
    }
    let all = store.read_all(LEDGER, 0, 1000).await.expect("events");
    assert_eq!(positions(&all), (1..=1 + 2 * COMMITTERS * WINS).collect::<Vec<_>>());
    for pair in all[1..].chunks(2) {
        assert_eq!(pair[0].stream, pair[1].stream, "a commit is never torn");
    }
}

async fn reopening_shows_everything(world: World) {
    let world = world.with_a_ledger().await;
    world.store.commit(&everything(1)).await.expect("the head is right");
    let before = seen(&world.store).await;
    let world = world.reopened().await;
    assert_eq!(seen(&world.store).await, before);
    assert!(world.store.is_ready().await);
    world.store.commit(&everything(3)).await.expect("the head is right");
}

/// Polls the work so many times and then drops it, as a caller does who stops waiting.
async fn abandoned_after<T>(polls: u32, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

async fn an_abandoned_commit_leaves_the_store_usable(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    for polls in 0..60 {
        let before = head(store).await;
        let outcome = abandoned_after(polls % 20, store.commit(&everything(before))).await;
        assert!(matches!(outcome, None | Some(Ok(()))), "{outcome:?}");
        // What was abandoned may still be applied, then the head that was read first is stale.
        while let Err(error) = store.commit(&everything(head(store).await)).await {
            assert!(matches!(error, CommitError::Conflict), "{error:?}");
        }
    }
    let all = store.read_all(LEDGER, 0, 10_000).await.expect("events");
    assert_eq!(positions(&all), (1..=head(store).await).collect::<Vec<_>>());
}

async fn a_closed_store_is_a_fault(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    store.close().await;
    assert_fault(store.commit(&everything(1)).await);
    assert_fault(store.commit(&at(1)).await);
    assert!(store.read_all(LEDGER, 0, 1).await.is_err());
    assert!(store.lease_effects(&["mail"], 1, 2, 3).await.is_err());
    assert!(!store.is_ready().await);
    store.close().await;
}

#[tokio::test]
async fn a_file_in_use_is_refused_with_a_sentence() {
    let world = World::sqlite().await;
    let refused = Store::open(&world.url).await.expect_err("the file is in use").to_string();
    assert!(refused.contains("is in use by another process"), "{refused}");
    world.with_a_ledger().await.reopened().await.store.close().await;
}

#[tokio::test]
async fn a_url_of_no_known_database_is_refused_with_a_sentence() {
    for url in ["", "sqlite:", "mysql://localhost/db", "sqlite:data.db?mode=rwc"] {
        let refused = Store::open(url).await.expect_err("not a database").to_string();
        assert!(refused.contains("the database URL must be"), "{refused}");
    }
}

#[tokio::test]
async fn a_file_that_something_else_locks_is_a_fault_until_it_is_free() {
    let world = World::sqlite().await.with_a_ledger().await;
    let mut shell = SqliteConnection::connect(&world.url).await.expect("a second connection");
    shell.execute("BEGIN EXCLUSIVE").await.expect("nobody is writing");
    assert_fault(world.store.commit(&everything(1)).await);
    assert_eq!(head(&world.store).await, 1, "readers go on");
    shell.execute("ROLLBACK").await.expect("a transaction is open");
    world.store.commit(&everything(1)).await.expect("the file is free again");
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused_with_a_sentence() {
    let world = World::sqlite().await;
    world.store.close().await;
    let mut shell = SqliteConnection::connect(&world.url).await.expect("a connection");
    shell.execute(NEWER).await.expect("the table of migrations");
    shell.close().await.expect("a clean end");
    let refused = Store::open(&world.url).await.expect_err("it is newer").to_string();
    assert!(refused.contains("made by a newer release"), "{refused}");
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_refused_with_a_sentence() {
    let world = World::postgres().await;
    let mut shell = PgConnection::connect(&world.url).await.expect("a connection");
    shell.execute(NEWER).await.expect("the table of migrations");
    let refused = Store::open(&world.url).await.expect_err("it is newer").to_string();
    assert!(refused.contains("made by a newer release"), "{refused}");
}

/// What a later release leaves behind.
const NEWER: &str = "UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_share_one_database() {
    let url = crate::postgres::database().await;
    let nodes = join_all((0..4).map(|_| Store::open(&url))).await;
    let nodes: Vec<Store> = nodes.into_iter().map(|node| node.expect("it opens")).collect();
    nodes[0].commit(&creation(LEDGER, "shared")).await.expect("a new ledger");
    nodes[1].commit(&everything(1)).await.expect("the other node sees the head");
    assert_conflict(nodes[2].commit(&everything(1)).await);
    assert_conflict(nodes[3].commit(&at(1)).await);
    nodes[3].commit(&at(3)).await.expect("the head is right");
}

#[tokio::test]
async fn a_server_that_is_away_is_a_fault_until_it_is_back() {
    let cluster = crate::postgres::own();
    let store = Store::open(&cluster.database().await).await.expect("a new database");
    store.commit(&creation(LEDGER, "rust-days")).await.expect("a new ledger");
    cluster.stop("immediate");
    assert_fault(store.commit(&everything(1)).await);
    assert!(!store.is_ready().await);
    assert!(store.head(LEDGER).await.is_err());
    cluster.resume();
    assert_eq!(head(&store).await, 1);
    store.commit(&everything(1)).await.expect("the server is back");
    assert_eq!(head(&store).await, 3);
}

#[tokio::test]
async fn a_statement_that_waits_too_long_is_a_fault() {
    let world = World::postgres().await.with_a_ledger().await;
    let mut shell = PgConnection::connect(&world.url).await.expect("a connection");
    shell.execute("BEGIN; LOCK TABLE ledgers").await.expect("nobody is writing");
    assert_fault(world.store.commit(&everything(1)).await);
    shell.execute("ROLLBACK").await.expect("a transaction is open");
    world.store.commit(&everything(1)).await.expect("the table is free again");
}

/// Two nodes of one database with a ledger in it, and a shell beside them.
async fn two_nodes() -> (World, Store, PgConnection) {
    let world = World::postgres().await.with_a_ledger().await;
    let other = Store::open(&world.url).await.expect("the other node");
    let shell = PgConnection::connect(&world.url).await.expect("a connection");
    (world, other, shell)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_a_turn_is_next() {
    let (world, other, mut shell) = two_nodes().await;
    let turn = world.store.take_turn(LEDGER).await.expect("nobody is writing");
    let waits = tokio::spawn(async move { other.commit(&everything(1)).await });
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut shell).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    turn.commit(&world.store, &everything(1)).await.expect("it is our turn");
    assert_conflict(waits.await.expect("it does not panic"));
    assert_eq!(head(&world.store).await, 3);
}

/// A tool beside a server that writes all the time gets its turn, too; what it does not finish is nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_beside_a_server_takes_its_turn() {
    let world = World::sqlite().await.with_a_ledger().await;
    let tool = Store::open_beside(&world.url).await.expect("the server's file");
    let turn = tool.take_turn(LEDGER).await.expect("nobody is writing");
    let server = world.store.clone();
    let waits = tokio::spawn(async move { server.commit(&everything(1)).await });
    // Reading is free meanwhile, for both.
    assert_eq!((head(&world.store).await, head(&tool).await), (1, 1));
    turn.commit(&tool, &everything(1)).await.expect("it is our turn");
    assert_conflict(waits.await.expect("it does not panic"));
    drop(tool.take_turn(LEDGER).await.expect("the last one has ended"));
    world.store.commit(&everything(3)).await.expect("nothing is left of the turn");
    let turn = tool.take_turn(LEDGER).await.expect("nobody is writing");
    assert_conflict(turn.commit(&tool, &everything(3)).await);
    let rest = Commit { events: vec![], ..everything(5) };
    let turn = tool.take_turn(LEDGER).await.expect("the last one has ended");
    turn.commit(&tool, &rest).await.expect("it is our turn");
    // A server needs no turn: it has none to lose.
    let turn = world.store.take_turn(LEDGER).await.expect("it does not wait");
    turn.commit(&world.store, &rest).await.expect("as any commit");
}

/// Nobody is kept waiting by a node that hangs, and what it decided in its turn does not count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_in_which_nothing_happens_is_lost() {
    let (world, other, _) = two_nodes().await;
    let turn = world.store.take_turn(LEDGER).await.expect("nobody is writing");
    other.commit(&everything(1)).await.expect("the turn ends by itself");
    assert_fault(turn.commit(&world.store, &everything(1)).await);
    assert_eq!(head(&world.store).await, 3);
}
