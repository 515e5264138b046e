//! The walls between the rooms. Each failure quotes the rule that was breached.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Every Rust file below a folder (or the file itself), with its text up to its tests.
fn sources(place: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut places = vec![root().join(place)];
    while let Some(place) = places.pop() {
        if place.is_dir() {
            let entries = fs::read_dir(&place).expect("a readable folder");
            places.extend(entries.map(|entry| entry.expect("a readable entry").path()));
        } else if place.extension().is_some_and(|extension| extension == "rs")
            && place.file_name().is_none_or(|name| name != "tests.rs")
        {
            let text = fs::read_to_string(&place).expect("a readable file");
            let code = text.split("\n#[cfg(test)]").next().unwrap_or_default().to_owned();
            found.push((place, code));
        }
    }
    assert!(!found.is_empty(), "{place} has moved; so must its wall");
    found
}

/// Fails when a word stands in code (not in a comment) of one of the places.
fn forbid(rule: &str, places: &[&str], words: &[&str]) {
    for (path, text) in places.iter().flat_map(|place| sources(place)) {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in words {
                let at = format!("{}:{}", path.display(), number + 1);
                assert!(!code.contains(word), "{at} says `{word}`. The rule: {rule}");
            }
        }
    }
}

#[test]
fn the_rules_are_pure() {
    forbid(
        "domain/, views/ and the ledger's stage and memory do no IO",
        &[
            "server/src/domain.rs",
            "server/src/domain",
            "server/src/views",
            "server/src/ledger/stage.rs",
            "server/src/ledger/stage",
            "server/src/ledger/memory.rs",
        ],
        &["tokio", "sqlx", "axum", "tracing", "async ", "std::time", "std::env", "std::fs"],
    );
}

#[test]
fn events_stay_home() {
    forbid(
        "commands come in, views go out; http never sees a domain event",
        &["server/src/http.rs", "server/src/http"],
        &["events::", "::Event"],
    );
}

#[test]
fn the_store_knows_no_domain_word() {
    forbid(
        "the store keeps bytes, names and numbers",
        &["server/src/store.rs", "server/src/store"],
        &["Order", "Seat", "Conference", "domain::", "shared::"],
    );
}

#[test]
fn sql_lives_in_the_store() {
    let places = ["server/src/domain", "server/src/ledger", "server/src/http", "server/src/views"];
    let files = [
        "server/src/ledger.rs",
        "server/src/ledgers.rs",
        "server/src/deadlines.rs",
        "server/src/effects.rs",
        "server/src/house.rs",
        "server/src/generations.rs",
        "server/src/maintenance.rs",
        "server/src/operator.rs",
        "server/src/operator",
        "server/src/checker.rs",
        "server/src/checker",
        "server/src/seed.rs",
        "shared/src",
    ];
    forbid(
        "only the store and the migrations contain SQL",
        &[&places[..], &files[..]].concat(),
        &["SELECT ", "INSERT ", "UPDATE ", "DELETE FROM", "sqlx"],
    );
}

#[test]
fn only_http_knows_status_codes_and_only_one_file_knows_sockets() {
    let files = [
        "server/src/domain",
        "server/src/ledger",
        "server/src/ledger.rs",
        "server/src/ledgers.rs",
        "server/src/store",
        "server/src/views",
    ];
    forbid("only http/ knows status codes", &files, &["StatusCode"]);
    for (path, text) in sources("server/src/http") {
        let may = path.ends_with("http/live.rs");
        assert!(
            may || !text.contains("WebSocket"),
            "{}: only http/live.rs knows sockets",
            path.display()
        );
    }
}

#[test]
fn a_component_never_fetches() {
    forbid(
        "a component takes signals and callbacks",
        &["app/src/components"],
        &["api::", "live::Live", "use_registration"],
    );
}

#[test]
fn what_the_screen_may_say_is_pure() {
    let pure = ["app/src/order_state.rs", "app/src/countdown.rs", "app/src/format.rs"];
    forbid("order state, countdown and format know no browser", &pure, &["web_sys", "js_sys"]);
}

#[test]
fn both_stores_have_the_same_functions_in_the_same_order() {
    let functions = |file: &str| -> Vec<String> {
        let text = fs::read_to_string(root().join(file)).expect(file);
        let public = ["pub async fn ", "pub fn ", "pub(super) async fn ", "pub(super) fn "];
        text.lines()
            .filter_map(|line| public.iter().find_map(|p| line.trim().strip_prefix(p)))
            .map(|rest| rest.split(['(', '<']).next().unwrap_or_default().to_owned())
            .collect()
    };
    for part in ["", "/copy", "/generations", "/lists", "/people", "/tools", "/turn"] {
        let [one, other] = ["sqlite", "postgres"]
            .map(|kind| functions(&format!("server/src/store/{kind}{part}.rs")));
        assert_eq!(one, other, "{part}");
    }
}

#[test]
fn no_file_is_longer_than_two_sittings() {
    for place in ["shared/src", "server/src", "app/src"] {
        for (path, text) in sources(place) {
            let lines = text.lines().count();
            assert!(lines <= 600, "{} has {lines} lines; 600 is the limit", path.display());
        }
    }
}

#[test]
fn every_defect_of_the_reference_has_its_test() {
    let register = root().join("docs/defects-of-the-reference.md");
    let register = fs::read_to_string(register).expect("the register");
    let mut code = String::new();
    let mut places = vec![root().join("server"), root().join("shared"), root().join("app")];
    while let Some(place) = places.pop() {
        if place.is_dir() {
            let entries = fs::read_dir(&place).expect("a readable folder");
            places.extend(entries.map(|entry| entry.expect("a readable entry").path()));
        } else if place.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&fs::read_to_string(&place).expect("a readable file"));
        }
    }
    let rows = register.lines().filter(|line| line.starts_with("| W"));
    let wanted = [
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
        26, 27, 28, 29, 30, 33, 34, 35, 36, 37, 38, 39, 41, 43, 44,
    ];
    let numbers: Vec<u32> = rows
        .clone()
        .filter_map(|row| row.split('|').nth(1)?.trim().strip_prefix('W')?.parse().ok())
        .collect();
    assert_eq!(numbers, wanted);
    for row in rows {
        let tests: Vec<&str> =
            row.rsplit('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test: {row}");
        for test in tests {
            assert!(code.contains(&format!("fn {test}(")), "the test {test} is gone: {row}");
        }
    }
}
