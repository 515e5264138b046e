//! Two releases beside each other on one database, behind one proxy: a page of the one names files that
//! the other does not have.

use crate::house::{Browser, Db, TestHouse, start_with};
use crate::payment::eventually;
use crate::shell::build_app;
use reqwest::{Response, StatusCode};
use shared::{Problem, RefusalCode, Release};
use std::fs;
use std::path::Path;

/// The program of the newer release, which the other one does not have.
const NEWER: &str = "app-fedcba9876543210.js";
const OLDER: &str = "app-0123456789abcdef.js";
const CODE: &str = "export default 3;";

/// What the newer release has instead of the older one's program.
fn build_newer(dist: &Path) {
    build_app(dist);
    for name in [OLDER, "app-0123456789abcdef.js.br"] {
        fs::remove_file(dist.join(name)).unwrap();
    }
    let index = fs::read_to_string(dist.join("index.html")).unwrap();
    fs::write(dist.join("index.html"), index.replace(OLDER, NEWER)).unwrap();
    fs::write(dist.join(NEWER), CODE).unwrap();
    // What must never travel: no hash in its name, or of a kind that we do not serve.
    fs::write(dist.join("secret.js"), "let secret = 1").unwrap();
    fs::write(dist.join("notes-fedcba9876543210.xyz"), "notes").unwrap();
    fs::write(dist.join("big-fedcba9876543210.js"), vec![b'x'; 9 * 1024 * 1024]).unwrap();
}

/// An older and a newer release that know of each other.
async fn two_releases() -> (TestHouse, TestHouse) {
    let older = start_with(Db::Postgres, |config| {
        config.http.node_url = "set later".into();
        build_app(&config.http.dist_dir);
    })
    .await;
    let newer = older
        .another_node_with(|config, folder| {
            config.http.dist_dir = folder.join("dist");
            config.program.release = Release(9, 0, 0);
            build_newer(&config.http.dist_dir);
        })
        .await;
    eventually("they hear each other", async || {
        !older.leaves_for().is_zero() && !newer.leaves_for().is_zero()
    })
    .await;
    (older, newer)
}

async fn get(house: &TestHouse, name: &str) -> Response {
    house.client.get(house.url(&format!("/{name}"))).send().await.unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_either_release_finds_its_files_wherever_it_asks() {
    let (older, newer) = two_releases().await;
    for (page, asked) in [(&newer, &older), (&older, &newer), (&newer, &newer)] {
        let html = page.client.get(page.url("/")).send().await.unwrap().text().await.unwrap();
        let (_, rest) = html.split_once("from '/").unwrap();
        let (name, _) = rest.split_once('\'').unwrap();
        let answer = get(asked, name).await;
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
        assert_eq!(header(&answer, "content-type"), "text/javascript; charset=utf-8");
        assert_eq!(header(&answer, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        assert!(answer.text().await.unwrap().starts_with("export default"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_travels_as_small_as_the_browser_can_read_it_and_only_once() {
    let (older, newer) = two_releases().await;
    let compressed = "app-0123456789abcdef.js";
    let request = newer.client.get(newer.url(&format!("/{compressed}")));
    let answer = request.header("accept-encoding", "gzip, br").send().await.unwrap();
    assert_eq!(header(&answer, "content-encoding"), "br");
    assert_eq!(header(&answer, "vary"), "accept-encoding");
    let mut plain = Vec::new();
    brotli::BrotliDecompress(&mut answer.bytes().await.unwrap().as_ref(), &mut plain).unwrap();
    assert!(plain.starts_with(b"export default 1;"));
    let answer = get(&newer, compressed).await;
    assert_eq!(header(&answer, "content-encoding"), "", "who reads no brotli gets none");
    // It is kept: the other one may have gone since.
    older.crash();
    assert_eq!(get(&newer, compressed).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_else_can_be_had_through_another_node() {
    let (older, newer) = two_releases().await;
    assert_eq!(get(&newer, "secret.js").await.status(), StatusCode::OK);
    for name in [
        "secret.js",
        "notes-fedcba9876543210.xyz",
        "big-fedcba9876543210.js",
        "nobody-has-0000000000000000.js",
        "desk/nobody-has-0000000000000000.js",
        "api/app-fedcba9876543210.js",
    ] {
        let answer = get(&older, name).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{name}");
        assert_ne!(header(&answer, "cache-control"), "public, max-age=31536000, immutable");
    }
    // Who asks for another node is not asked on, so that no question goes round.
    let request = older.client.get(older.url(&format!("/{NEWER}"))).header("node-borrows", "1");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(get(&older, NEWER).await.status(), StatusCode::OK);
}

/// What a node had not a moment ago, it may have now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nowhere_is_not_for_ever() {
    let older = start_with(Db::Postgres, |config| {
        config.http.node_url = "set later".into();
        build_app(&config.http.dist_dir);
    })
    .await;
    assert_eq!(get(&older, NEWER).await.status(), StatusCode::NOT_FOUND);
    let _newer = older
        .another_node_with(|config, folder| {
            config.http.dist_dir = folder.join("dist");
            build_newer(&config.http.dist_dir);
        })
        .await;
    eventually("it is found", async || get(&older, NEWER).await.status() == StatusCode::OK).await;
}

/// A page of a newer release asks an older server for what that does not know: it says so in words that
/// every page understands, and nothing happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_does_not_know_it_refuses_in_known_words() {
    let house = start_with(Db::Sqlite, |_| {}).await;
    let conference = house.conference("newer", &[("General", 0, 5)]).await;
    let browser = Browser::new("newer");
    let known = browser.register(&[(conference.seat_types[0].id, 1)]);
    let mut more = serde_json::to_value(&known).unwrap();
    more["invented_later"] = true.into();
    for (route, code) in [
        ("register-to-conference", RefusalCode::Malformed),
        ("invented-later", RefusalCode::CommandUnknown),
    ] {
        let url = house.url(&format!("/api/commands/{route}"));
        let asking = house.client.post(url).bearer_auth(&browser.token).json(&more);
        let answer = asking.send().await.unwrap();
        assert!(answer.status().is_client_error(), "{route}: {}", answer.status());
        let problem: Problem = answer.json().await.unwrap();
        assert_eq!(problem.code, code, "{route}");
    }
    assert_eq!(house.conference_view("newer").await.seat_types[0].held, 0);
    house.accepted(&known, &browser.token).await;
}
