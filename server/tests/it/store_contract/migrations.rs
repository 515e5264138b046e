//! Tables of one release, and programs of another.

use super::{LEDGER, PROCESS, World, at, creation, everything, head, id, lookup};
use futures_util::future::join_all;
use server::store::{Commit, GENERATION, Store};
use sqlx::{Connection, Executor, PgConnection};

claims! {
    an_older_program_serves_expanded_tables
    an_older_program_leaves_contracted_tables_alone
    a_tool_works_on_expanded_tables_and_copies_only_what_it_knows
    what_an_earlier_release_wrote_is_found_by_its_code
}

/// The last migration of the release before this one's.
const BEFORE: i64 = 5;

async fn shell(url: &str, statement: &'static str) -> u64 {
    if url.starts_with("postgres") {
        let mut shell = PgConnection::connect(url).await.expect("a connection");
        shell.execute(statement).await.expect("it is done").rows_affected()
    } else {
        let mut shell = sqlx::SqliteConnection::connect(url).await.expect("a connection");
        shell.execute(statement).await.expect("it is done").rows_affected()
    }
}

async fn as_before(url: &str) -> Result<Store, String> {
    Store::open_as(url, BEFORE, GENERATION).await.map_err(|fault| fault.to_string())
}

async fn an_older_program_serves_expanded_tables(world: World) {
    let world = world.with_a_ledger().await;
    if !world.store.is_shared() {
        world.store.close().await;
    }
    let older = as_before(&world.url).await.expect("the tables were only expanded");
    older.commit(&everything(1)).await.expect("the head is right");
    assert_eq!(head(&older).await, 3);
    older.close().await;
    // And it has changed none of them.
    let again = Store::open(&world.url).await;
    assert_eq!(head(&again.expect("our own tables")).await, 3);
}

async fn an_older_program_leaves_contracted_tables_alone(world: World) {
    world.store.close().await;
    let contract = "UPDATE _sqlx_migrations SET description = 'codes' WHERE version = 6";
    assert_eq!(shell(&world.url, contract).await, 1);
    let refused = as_before(&world.url).await.expect_err("it does not know migration 6");
    assert!(refused.contains("made by a newer release: it has migration 6"), "{refused}");
    // Who knows a migration needs not be told.
    Store::open(&world.url).await.expect("our own tables").close().await;
}

async fn a_tool_works_on_expanded_tables_and_copies_only_what_it_knows(world: World) {
    let world = world.with_a_ledger().await;
    let expand =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                  SELECT 9999, 'later, for programs from 7', success, checksum, 0
                  FROM _sqlx_migrations WHERE version = 1";
    assert_eq!(shell(&world.url, expand).await, 1);
    let tool = Store::open_beside(&world.url).await.expect("the tables were only expanded");
    assert_eq!(head(&tool).await, 1);
    let about = server::store::copy::About { release: "1", taken_at: 0 };
    let refused = tool.copy_out(about, &mut Vec::new()).await.expect_err("it would leave out more");
    assert!(refused.to_string().contains("tables of a newer release"), "{refused}");
    tool.close().await;
    let contract = "UPDATE _sqlx_migrations SET description = 'later, for programs from 8'
                    WHERE version = 9999";
    assert_eq!(shell(&world.url, contract).await, 1);
    let refused = Store::open_beside(&world.url).await.expect_err("they were contracted");
    assert!(refused.to_string().contains("made by a newer release"), "{refused}");
}

async fn what_an_earlier_release_wrote_is_found_by_its_code(world: World) {
    let world = world.with_a_ledger().await;
    let lookups = vec![lookup(PROCESS, 1), lookup(id(102), 2)];
    world.store.commit(&Commit { lookups, ..at(1) }).await.expect("the head is right");
    let found = world.store.processes_by_code(LEDGER, "AB12CD").await.expect("an answer");
    assert_eq!(found, [PROCESS, id(102)]);
    assert!(world.store.processes_by_code(id(2), "AB12CD").await.expect("an answer").is_empty());
}

/// An index whose making was interrupted is there, and worth nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_is_made_while_others_write_and_anew_when_that_was_interrupted() {
    let url = crate::postgres::database().await;
    let before = as_before(&url).await.expect("an empty database");
    before.close().await;
    shell(
        &url,
        "CREATE INDEX orders_by_code ON orders (ledger, code);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_by_code'::regclass;",
    )
    .await;
    // Somebody is in the middle of writing an order; a lock that keeps writers out would wait for that.
    let mut writer = PgConnection::connect(&url).await.expect("a connection");
    let nodes = join_all((0..3).map(|_| Store::open(&url))).await;
    for node in nodes {
        node.expect("the database is there").close().await;
    }
    let is_valid: bool = sqlx::query_scalar(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_by_code'::regclass",
    )
    .fetch_one(&mut writer)
    .await
    .expect("the index is there");
    assert!(is_valid);
    let last: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut writer)
        .await
        .expect("migrations");
    assert_eq!(last, 7);
}

/// A migration that waits for its lock stands before whoever wants to write: it gives way, again and
/// again, until the one who held the table is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_waits_keeps_nobody_from_writing() {
    let url = crate::postgres::database().await;
    let before = as_before(&url).await.expect("an empty database");
    before.close().await;
    let mut long = PgConnection::connect(&url).await.expect("a connection");
    let mut holds = long.begin().await.expect("a transaction");
    holds.execute("LOCK TABLE ledgers IN ACCESS SHARE MODE").await.expect("nobody keeps it");
    let opening = tokio::spawn({
        let url = url.clone();
        async move { Store::open(&url).await }
    });
    let mut watch = PgConnection::connect(&url).await.expect("a connection");
    let waits = "SELECT count(*) FROM pg_locks
                 WHERE NOT granted AND relation = 'ledgers'::regclass
                 AND mode = 'AccessExclusiveLock'";
    let mut seen = 0_i64;
    // It waits, gives way, and waits again.
    for wanted in [1, 0, 1, 0] {
        while wanted != seen {
            seen = sqlx::query_scalar(waits).fetch_one(&mut watch).await.expect("a number");
        }
    }
    let mut writer = PgConnection::connect(&url).await.expect("a connection");
    writer
        .execute("INSERT INTO ledgers (ledger, slug, state, head) VALUES (gen_random_uuid(), 'x', 'draft', 0)")
        .await
        .expect("writers get through");
    assert!(!opening.is_finished());
    holds.rollback().await.expect("the table is free");
    let store = opening.await.expect("it goes on").expect("the tables are ours");
    store.commit(&creation(LEDGER, "rust-days")).await.expect("the ledger is new");
}
