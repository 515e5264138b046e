//! The pages as they are before any script: readable, escaped, small, and cached as they should be.

use crate::house::{Db, NOON, TestHouse, details, fresh, start, start_with};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use server::domain::conference::{Command as Manage, Details, SeatType};
use server::http::assets;
use sha2::{Digest, Sha256};
use shared::live::{Snapshot, View};
use shared::{ConferenceId, Currency, Money, SeatTypeId};
use std::fs;
use std::io::Read;
use std::path::Path;

const INDEX: &str = "<!doctype html><html lang=\"en\"><head><title>Contoso Conferences</title>\
    <script>let theme = 1</script><!--head--></head><body>\
    <div id=\"static\"><!--static--></div>\
    <script type=\"application/json\" id=\"boot\"><!--boot--></script>\
    <script type=\"module\">import init from '/app-0123456789abcdef.js';</script></body></html>";

const DESK: &str = "<!doctype html><html lang=\"en\"><head><title>Contoso Conferences</title>\
    <script>let desk = 2</script><!--head--></head><body>\
    <div id=\"static\"><!--static--></div>\
    <script type=\"application/json\" id=\"boot\"><!--boot--></script>\
    <script type=\"module\">import init from '/desk/desk-0123456789abcdef.js';</script></body></html>";

pub(crate) fn build_app(dist: &Path) {
    fs::create_dir_all(dist.join("desk")).unwrap();
    fs::write(dist.join("index.html"), INDEX).unwrap();
    fs::write(dist.join("desk/index.html"), DESK).unwrap();
    fs::write(dist.join("desk/desk-0123456789abcdef.js"), "export default 2;").unwrap();
    fs::write(dist.join("app-0123456789abcdef.js"), "export default 1;".repeat(100)).unwrap();
    fs::write(dist.join("app-0123456789abcdef_bg.wasm"), [0; 2_000]).unwrap();
    fs::write(dist.join("robots.txt"), "User-agent: *").unwrap();
    fs::write(dist.join(".complete"), "").unwrap();
    assets::compress(dist).unwrap();
}

pub(crate) async fn start_built() -> TestHouse {
    start_with(Db::Sqlite, |config| build_app(&config.http.dist_dir)).await
}

async fn page(house: &TestHouse, path: &str) -> (u16, String) {
    let answer = house.client.get(house.url(path)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// A conference whose owner tries everything.
async fn hostile_conference(house: &TestHouse) {
    let id = ConferenceId(fresh());
    let evil = "</script><script>alert(1)</script>\u{2028}<!--boot-->\"'&";
    let details = Details {
        name: format!("Evil {evil}"),
        tagline: evil.into(),
        description: format!("One {evil}\n\nTwo"),
        location: evil.into(),
        ..details("evil")
    };
    house.ledgers.manage(id, Manage::CreateConference(details)).await.unwrap();
    let seat_type = SeatType {
        id: SeatTypeId(fresh()),
        name: evil.into(),
        description: evil.into(),
        price: Money::new(19_900, Currency::EUR),
        quota: 7,
        per_order_max: 20,
        sale_starts_at: None,
        sale_ends_at: None,
    };
    house.ledgers.manage(id, Manage::CreateSeatType(seat_type)).await.unwrap();
    house.ledgers.manage(id, Manage::PublishConference).await.unwrap();
}

fn boot(html: &str) -> Snapshot {
    let (_, rest) = html.split_once("id=\"boot\">").unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    assert!(!json.contains(['<', '>', '&', '\u{2028}']), "{json}");
    serde_json::from_str(json).unwrap()
}

#[tokio::test]
async fn a_conference_can_be_read_without_script() {
    let house = start_built().await;
    house.conference("rustconf", &[("General admission", 19_900, 50), ("Workshop", 0, 7)]).await;
    let (status, html) = page(&house, "/rustconf").await;
    assert_eq!(status, 200);
    for text in [
        "<title>The rustconf conference</title>",
        "<meta name=\"description\" content=\"Tested\" />",
        "<h1 class=\"hero-name\">The rustconf conference</h1>",
        "Doors open ",
        "On sale now",
        "href=\"/rustconf/seats\">Register</a>",
        "General admission",
        "€199",
        "Available",
        "Free",
        "7 left",
        "mailto:team@example.org",
    ] {
        assert!(html.contains(text), "no {text} in {html}");
    }
    let snapshot = boot(&html);
    assert_eq!(snapshot.server_now, NOON);
    assert!(matches!(snapshot.view, View::Conference(view) if view.slug == "rustconf"));
}

#[tokio::test]
async fn the_directory_can_be_read_without_script() {
    let house = start_built().await;
    house.conference("rustconf", &[("General", 19_900, 50)]).await;
    let (status, html) = page(&house, "/").await;
    assert_eq!(status, 200);
    assert!(html.contains("<a href=\"/rustconf\">The rustconf conference</a>"), "{html}");
    assert!(html.contains("From €199"));
    assert!(matches!(boot(&html).view, View::Directory(view) if view.conferences.len() == 1));
}

#[tokio::test]
async fn nothing_that_an_owner_writes_becomes_markup() {
    let house = start_built().await;
    hostile_conference(&house).await;
    for path in ["/evil", "/", "/evil/seats"] {
        let (status, html) = page(&house, path).await;
        assert_eq!(status, 200, "{path}");
        assert_eq!(html.matches("<script").count(), INDEX.matches("<script").count(), "{path}");
        assert_eq!(html.matches("</script").count(), INDEX.matches("</script").count(), "{path}");
        assert!(!html.contains("alert(1)</script>"), "{path}");
        assert!(html.contains("&lt;script&gt;alert(1)") || path == "/evil/seats", "{path}");
        boot(&html);
    }
}

#[tokio::test]
async fn an_orders_page_tells_nothing_of_the_order() {
    let house = start_built().await;
    let view = house.conference("rustconf", &[("General", 19_900, 50)]).await;
    let (browser, ..) = house.up_to_payment(&view, 1).await;
    let code = house.order(&browser).await.access_code.to_string();
    for step in ["details", "payment", "confirmed"] {
        let (status, html) =
            page(&house, &format!("/rustconf/order/{}/{step}", browser.order_id)).await;
        assert_eq!(status, 200);
        assert!(html.contains("<meta name=\"robots\" content=\"noindex\" />"), "{step}");
        for secret in [code.as_str(), "Lovelace", "ada@", &browser.order_id.to_string()] {
            assert!(!html.contains(secret), "{step} tells {secret}");
        }
    }
}

#[tokio::test]
async fn what_does_not_exist_and_what_is_hidden_look_the_same() {
    let house = start_built().await;
    house.hidden_conference("secret", &[("General", 19_900, 50)]).await;
    let (status, nowhere) = page(&house, "/nowhere").await;
    assert_eq!(status, 404);
    assert!(nowhere.contains("We can&#39;t find that page"), "{nowhere}");
    assert!(nowhere.contains("app-0123456789abcdef.js"), "the app starts all the same");
    for path in ["/secret", "/secret/seats", "/a/b/c", "/NOT%20A%20SLUG"] {
        assert_eq!(page(&house, path).await, (404, nowhere.clone()), "{path}");
    }
    let (status, text) = page(&house, "/app-ffffffffffffffff.js").await;
    assert_eq!(status, 404);
    assert!(!text.contains("<html"), "a missing file is no page");
    assert_eq!(page(&house, "/.complete").await.0, 404);
    let answer = house.client.post(house.url("/nowhere")).send().await.unwrap();
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn owners_and_those_who_paid_get_the_second_program_and_nobody_else_does() {
    let house = start_built().await;
    let view = house.conference("rustconf", &[("General", 19_900, 50)]).await;
    let (browser, ..) = house.up_to_payment(&view, 1).await;
    let assign = format!("/rustconf/order/{}/assign", browser.order_id);
    for (path, title) in [
        ("/manage", "Your conferences – Contoso desk"),
        ("/manage/rustconf", "Dashboard – Contoso desk"),
        ("/manage/nobody-has-this/settings", "Settings – Contoso desk"),
        (&assign, "Your seats – The rustconf conference"),
    ] {
        let (status, html) = page(&house, path).await;
        assert_eq!(status, 200, "{path}");
        assert!(html.contains("/desk/desk-0123456789abcdef.js"), "{path}: {html}");
        assert!(!html.contains("/app-0123456789abcdef.js"), "{path}");
        assert!(html.contains(&format!("<title>{title}</title>")), "{path}: {html}");
    }
    let (_, html) = page(&house, "/rustconf").await;
    assert!(!html.contains("/desk/"), "{html}");
    assert_eq!(page(&house, "/manage/rustconf/other").await.0, 404);
    let (status, script) = page(&house, "/desk/desk-0123456789abcdef.js").await;
    assert_eq!((status, script.as_str()), (200, "export default 2;"));
}

#[tokio::test]
async fn the_policy_allows_exactly_the_scripts_of_the_page() {
    let house = start_built().await;
    for path in ["/", "/manage"] {
        check_policy(&house, path).await;
    }
}

async fn check_policy(house: &TestHouse, path: &str) {
    let answer = house.client.get(house.url(path)).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let html = answer.text().await.unwrap();
    let mut hashes = 0;
    for script in html.split("<script").skip(1) {
        let (attributes, rest) = script.split_once('>').unwrap();
        if attributes.contains("application/json") {
            continue;
        }
        let (code, _) = rest.split_once("</script>").unwrap();
        let hash = STANDARD.encode(Sha256::digest(code));
        assert!(policy.contains(&format!("'sha256-{hash}'")), "{code}: {policy}");
        hashes += 1;
    }
    assert_eq!(policy.matches("sha256-").count(), hashes);
    assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
    for rule in ["default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
}

#[tokio::test]
async fn files_are_cached_by_their_name_and_sent_small() {
    let house = start_built().await;
    let ask = |path: &str| house.client.get(house.url(path)).header("accept-encoding", "gzip, br");
    let answer = ask("/app-0123456789abcdef.js").send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(answer.headers()["content-encoding"], "br");
    assert_eq!(answer.headers()["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(unpacked(&answer.bytes().await.unwrap()), "export default 1;".repeat(100));
    let answer = ask("/app-0123456789abcdef_bg.wasm").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/wasm");
    let answer = house.client.get(house.url("/robots.txt")).send().await.unwrap();
    assert!(!answer.headers().contains_key("content-encoding"));
    assert_eq!(answer.headers()["cache-control"], "public, no-cache");
    let tag = answer.headers()["etag"].clone();
    let again = ask("/robots.txt").header("if-none-match", tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(page(&house, "/robots.txt").await.1, "User-agent: *");
}

#[tokio::test]
async fn a_page_fits_into_the_first_round_trip() {
    let house = start_built().await;
    let names: Vec<String> = (0..20).map(|number| format!("Seat type {number}")).collect();
    let seat_types: Vec<(&str, i64, u32)> =
        names.iter().map(|name| (name.as_str(), 19_900, 50)).collect();
    house.conference("rustconf", &seat_types).await;
    let request = house.client.get(house.url("/rustconf")).header("accept-encoding", "br");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "br");
    assert_eq!(answer.headers()["cache-control"], "no-cache");
    let bytes = answer.bytes().await.unwrap();
    assert!(bytes.len() < 14_000, "{} bytes", bytes.len());
    assert!(unpacked(&bytes).contains("Seat type 19"));
}

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    brotli::Decompressor::new(bytes, 4_096).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn without_a_built_app_the_page_says_how_to_build_it() {
    let house = start(Db::Sqlite).await;
    house.conference("rustconf", &[("General", 19_900, 50)]).await;
    let (status, html) = page(&house, "/rustconf").await;
    assert_eq!(status, 200);
    assert!(html.contains("make web") && html.contains("The rustconf conference"));
}
