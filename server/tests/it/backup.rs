//! A copy is of one moment, whole or refused, and either database can be made from it.

use crate::house::{Db, TestHouse, start};
use crate::on_both_databases;
use crate::payment::all_effects_are_done;
use crate::program::{Program, tool_on};
use serde_json::Value;
use server::store::copy::TABLES;
use server::store::sqlite_url;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

on_both_databases! {
    a_copy_taken_during_a_rush_becomes_the_other_kind_of_database
    a_copy_has_every_table
    a_file_that_is_there_is_not_written_over
    a_database_that_has_something_is_not_restored_into
    a_damaged_copy_is_refused_and_leaves_nothing
    a_store_moves_and_tells_the_same_story
}

/// An empty database of the other kind.
async fn other_kind(house: &TestHouse) -> String {
    if house.store.is_shared() {
        sqlite_url(&house.folder().join("restored.db"))
    } else {
        crate::postgres::database().await
    }
}

fn copy_in(house: &TestHouse) -> (PathBuf, String) {
    let path = house.folder().join("copy");
    let name = path.to_str().unwrap().to_owned();
    (path, name)
}

/// Registers and pays until told to stop.
async fn rush(house: &TestHouse, stop: &AtomicBool) {
    let conference = house.conference_view("rush").await;
    while !stop.load(Ordering::Relaxed) {
        let (browser, payment_id, total) = house.up_to_payment(&conference, 1).await;
        house.paid(&browser, payment_id, total).await;
    }
}

async fn a_copy_taken_during_a_rush_becomes_the_other_kind_of_database(house: TestHouse) {
    house.conference("rush", &[("Général \"1\"", 500, 100_000)]).await;
    let (_, name) = copy_in(&house);
    let stop = AtomicBool::new(false);
    let copied = async {
        while house.store.ledger_by_slug("rush").await.unwrap().unwrap().head < 60 {
            tokio::task::yield_now().await;
        }
        let said = house.tool(&["backup", &name]).await.fine();
        stop.store(true, Ordering::Relaxed);
        said
    };
    let (_, _, said) = tokio::join!(rush(&house, &stop), rush(&house, &stop), copied);
    assert!(said.contains("secret.key"), "{said}");

    let url = other_kind(&house).await;
    let said = tool_on(&url, 0, &["restore", &name]).await.fine();
    assert!(said.contains("Every promise holds."), "{said}");
    let restored = tool_on(&url, 0, &["export"]).await.fine();
    let original = house.tool(&["export"]).await.fine();
    assert!(60 <= restored.lines().count());
    assert!(original.starts_with(&restored), "the copy is a beginning of what came to be");

    // And back again: the second copy is the first, but for its first and last line.
    let again = format!("{name}-again");
    tool_on(&url, 0, &["backup", &again]).await.fine();
    let rows = |name: &str| -> BTreeSet<String> {
        let text = fs::read_to_string(name).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let rows = &lines[1..lines.len() - 1];
        let rows = rows.iter().map(|row| serde_json::from_str::<Value>(row).unwrap().to_string());
        rows.collect()
    };
    assert_eq!(rows(&name), rows(&again));

    // A server serves it, and the door goes on where it was.
    let program = Program::start(&house.folder().join("second"), &url, &[]).await;
    let client = &house.client;
    let view = client.get(program.url("/api/views/conference/rush")).send().await.unwrap();
    let view: Value = view.json().await.unwrap();
    assert_eq!(view["view"]["seat_types"][0]["name"], "Général \"1\"");
}

async fn a_copy_has_every_table(house: TestHouse) {
    let columns = |table: &str| {
        let table = table.to_owned();
        let url = house.config.storage.database_url.clone();
        async move { crate::store_contract::columns(&url, &table).await }
    };
    let mut known = BTreeSet::from(["_sqlx_migrations".to_owned()]);
    for table in TABLES {
        let listed: BTreeSet<String> = table.column_names().map(str::to_owned).collect();
        assert_eq!(columns(table.name).await, listed, "{}", table.name);
        known.insert(table.name.to_owned());
    }
    assert_eq!(crate::store_contract::tables(&house.config.storage.database_url).await, known);
}

async fn a_file_that_is_there_is_not_written_over(house: TestHouse) {
    let (path, name) = copy_in(&house);
    fs::write(&path, "precious").unwrap();
    house.tool(&["backup", &name]).await.wrong(&["is there already"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

async fn a_database_that_has_something_is_not_restored_into(house: TestHouse) {
    house.conference("full", &[("General", 500, 10)]).await;
    let (_, name) = copy_in(&house);
    house.tool(&["backup", &name]).await.fine();
    let url = other_kind(&house).await;
    tool_on(&url, 0, &["restore", &name]).await.fine();
    let words = ["nothing was restored", "not empty"];
    tool_on(&url, 0, &["restore", &name]).await.wrong(&words);
    tool_on(&url, 0, &["verify"]).await.fine();
}

async fn a_damaged_copy_is_refused_and_leaves_nothing(house: TestHouse) {
    let conference = house.conference("hurt", &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 1).await;
    house.paid(&browser, payment_id, total).await;
    all_effects_are_done(&house).await;
    let (path, name) = copy_in(&house);
    house.tool(&["backup", &name]).await.fine();
    let whole = fs::read_to_string(&path).unwrap();
    let url = other_kind(&house).await;
    let changed = whole.replace("Lovelace", "Loveless");
    let short = &whole[..whole.len() * 2 / 3];
    let long = format!("{whole}[]\n");
    for (damaged, words) in [
        (changed.as_str(), "its checksum is"),
        (short, "the file ends too early"),
        (&long, "goes on behind its end"),
        ("{}\n", "this is no copy of ours"),
    ] {
        fs::write(&path, damaged).unwrap();
        tool_on(&url, 0, &["restore", &name]).await.wrong(&[words]);
    }
    // It is still empty.
    fs::write(&path, whole).unwrap();
    tool_on(&url, 0, &["restore", &name]).await.fine();
}

async fn a_store_moves_and_tells_the_same_story(house: TestHouse) {
    let conference = house.conference("moving", &[("Général \"1\"", 500, 10)]).await;
    for _ in 0..2 {
        let (browser, payment_id, total) = house.up_to_payment(&conference, 1).await;
        house.paid(&browser, payment_id, total).await;
    }
    house.up_to_payment(&conference, 3).await;
    all_effects_are_done(&house).await;
    let (_, name) = copy_in(&house);
    house.tool(&["backup", &name]).await.fine();
    let from = other_kind(&house).await;
    tool_on(&from, 0, &["restore", &name]).await.fine();
    let to = if house.store.is_shared() {
        crate::postgres::database().await
    } else {
        sqlite_url(&house.folder().join("moved.db"))
    };
    let said = tool_on(&from, 0, &["migrate-store", &to]).await.fine();
    for words in ["rows were copied", "Every promise holds.", "Both tell the same story."] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let story = async |url: &str| tool_on(url, 0, &["export"]).await.fine();
    assert_eq!(story(&from).await, story(&to).await);
    let words = ["nothing was moved", "not empty"];
    tool_on(&from, 0, &["migrate-store", &to]).await.wrong(&words);
    tool_on(&from, 0, &["migrate-store", &from]).await.wrong(&["cannot be moved to where it is"]);
}

/// SQLite's file is held by the server that runs on it: a copy is not put under it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_servers_file_is_neither_restored_into_nor_moved() {
    let house = start(Db::Sqlite).await;
    let (_, name) = copy_in(&house);
    house.tool(&["backup", &name]).await.fine();
    house.tool(&["restore", &name]).await.wrong(&["in use by another process"]);
    let elsewhere = sqlite_url(&house.folder().join("moved.db"));
    house.tool(&["migrate-store", &elsewhere]).await.wrong(&["in use by another process"]);
}
