//! The doors from outside: what is asked wrongly gets its precise no and changes nothing.

use crate::desk::Desk;
use crate::house::{Browser, Db, NOON, TestHouse, ada, fresh, start, start_with};
use crate::on_both_databases;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::domain::conference::Command as Manage;
use server::payment_gateway::{Callback, Outcome};
use shared::commands::{FindOrder, FoundOrder};
use shared::live::{Topic, View};
use shared::views::{ConferenceView, OrderStatus};
use shared::{OrderId, PaymentId, RefusalCode, SeatTypeId};

on_both_databases! {
    what_is_wrong_is_named_and_changes_nothing
    an_order_is_nobody_elses_business
    a_callback_is_believed_only_with_its_signature
    an_order_is_found_by_email_and_code
    an_unpublished_conference_takes_no_orders_but_lets_the_running_finish
    the_directory_shows_what_is_published_soonest_first
}

/// Posts anything, as anybody.
async fn post(house: &TestHouse, path: &str, body: String, token: Option<&str>) -> (u16, Value) {
    let mut request = house.client.post(house.url(path)).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

async fn get(house: &TestHouse, path: &str, token: Option<&str>) -> (u16, Value) {
    let mut request = house.client.get(house.url(path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

async fn head(house: &TestHouse, conference: &ConferenceView) -> u64 {
    house.store.head(conference.id.0).await.unwrap().unwrap().head
}

/// A registration with one part replaced.
fn registration(conference: &str, seats: &Value) -> Value {
    json!({ "command_id": fresh(), "conference": conference, "order_id": fresh(), "seats": seats })
}

/// What is wrong, the route, the body, and the answer.
type Row = (&'static str, &'static str, String, u16, &'static str);

const REGISTER: &str = "register-to-conference";

/// Seats that nobody gets.
fn wrong_seats(general: SeatTypeId) -> Vec<Row> {
    let of = |quantity: Value| json!([{ "seat_type": general, "quantity": quantity }]);
    let one = json!({ "seat_type": general, "quantity": 1 });
    let strange = json!([{ "seat_type": fresh(), "quantity": 1 }]);
    let rows = [
        ("zero", of(json!(0)), 422, "quantity_invalid"),
        ("many", of(json!(21)), 422, "quantity_invalid"),
        ("negative", of(json!(-1)), 400, "malformed"),
        ("fraction", of(json!(1.5)), 400, "malformed"),
        ("text", of(json!("2")), 400, "malformed"),
        ("enormous", of(json!(4_294_967_296_u64)), 400, "malformed"),
        ("none", json!([]), 422, "no_seats_chosen"),
        ("twice", json!([one, one]), 422, "seat_type_repeated"),
        ("unknown seat type", strange, 422, "seat_type_unknown"),
    ];
    let body = |seats| registration("rustconf", &seats).to_string();
    rows.map(|(what, seats, status, code)| (what, REGISTER, body(seats), status, code)).into()
}

/// Bodies and addresses that are wrong as a whole.
fn wrong_bodies(general: SeatTypeId) -> Vec<Row> {
    let seats = json!([{ "seat_type": general, "quantity": 1 }]);
    let good = registration("rustconf", &seats);
    let mut unknown_field = good.clone();
    unknown_field["price"] = json!(1);
    let long = format!("{{\"conference\":\"{}\"}}", "x".repeat(70_000));
    let at = |conference: &str| registration(conference, &seats).to_string();
    vec![
        ("not JSON", REGISTER, "{".into(), 400, "malformed"),
        ("two bodies", REGISTER, format!("{good}{good}"), 400, "malformed"),
        ("not a command", REGISTER, "[1]".into(), 400, "malformed"),
        ("too deep", REGISTER, "[".repeat(10_000), 400, "malformed"),
        ("unknown field", REGISTER, unknown_field.to_string(), 400, "malformed"),
        ("oversized", REGISTER, long, 413, "too_large"),
        ("unknown command", "reserve-everything", good.to_string(), 404, "command_unknown"),
        ("unknown conference", REGISTER, at("nowhere"), 404, "conference_not_found"),
        ("not even a slug", REGISTER, at("a\u{0}' OR 1=1"), 404, "conference_not_found"),
        ("unpublished conference", REGISTER, at("secret"), 404, "conference_not_found"),
    ]
}

async fn what_is_wrong_is_named_and_changes_nothing(house: TestHouse) {
    let view = house.conference("rustconf", &[("General", 10_000, 10)]).await;
    house.hidden_conference("secret", &[("General", 10_000, 10)]).await;
    let before = head(&house, &view).await;
    let general = view.seat_types[0].id;
    let token = "t".repeat(64);
    for (what, command, body, status, code) in
        [wrong_seats(general), wrong_bodies(general)].concat()
    {
        let path = format!("/api/commands/{command}");
        let (was, problem) = post(&house, &path, body, Some(&token)).await;
        assert_eq!((was, problem["code"].as_str()), (status, Some(code)), "{what}: {problem}");
        assert_eq!(problem["status"], status, "{what}");
        assert!(problem["reference"].is_string(), "{what}: {problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.chars().count() <= 201, "{what}: nothing huge comes back");
        if what == "fraction" {
            assert!(detail.contains("seats[0].quantity"), "the detail names the field: {detail}");
        }
    }
    let path = format!("/api/commands/{REGISTER}");
    let good = registration("rustconf", &json!([{ "seat_type": general, "quantity": 1 }]));
    let (status, problem) = post(&house, &path, good.to_string(), None).await;
    assert_eq!((status, &problem["code"]), (401, &json!("token_missing")));
    let request = house.client.post(house.url(&path)).bearer_auth(&token).body(good.to_string());
    let answer = request.header("content-type", "text/plain").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "a form of another site cannot send JSON");
    assert_eq!(head(&house, &view).await, before, "a refusal changes nothing");
}

async fn an_order_is_nobody_elses_business(house: TestHouse) {
    let view = house.conference("rustconf", &[("General", 10_000, 10)]).await;
    let (ada, eve) = (Browser::new("rustconf"), Browser::new("rustconf"));
    house.accepted(&ada.register(&[(view.seat_types[0].id, 1)]), &ada.token).await;
    let before = head(&house, &view).await;
    for token in [eve.token.as_str(), "short", "g1.x", "ä"] {
        let code = house.refused(&ada.details(), token).await;
        assert_eq!(code, RefusalCode::OrderNotFound, "{token}");
        let code = house.refused(&ada.register(&[(view.seat_types[0].id, 2)]), token).await;
        assert_eq!(code, RefusalCode::OrderNotFound, "{token}");
        let (status, problem) =
            get(&house, &format!("/api/views/{}", ada.topic()), Some(token)).await;
        assert_eq!((status, &problem["code"]), (404, &json!("order_not_found")), "{token}");
    }
    let unknown = eve.details();
    assert_eq!(house.refused(&unknown, &eve.token).await, RefusalCode::OrderNotFound);
    let (status, problem) = get(&house, &format!("/api/views/{}", ada.topic()), None).await;
    assert_eq!((status, &problem["code"]), (401, &json!("token_missing")));
    assert_eq!(head(&house, &view).await, before);
}

async fn send_callback(house: &TestHouse, body: &[u8], signature: Option<&str>) -> (u16, Value) {
    let mut request = house.client.post(house.url("/api/payment-callbacks")).body(body.to_vec());
    if let Some(signature) = signature {
        request = request.header("payment-signature", signature);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn a_callback_is_believed_only_with_its_signature(house: TestHouse) {
    let view = house.conference("rustconf", &[("General", 10_000, 10)]).await;
    let (browser, payment_id, amount) = house.up_to_payment(&view, 1).await;
    let callback = |order_id: OrderId, payment_id: PaymentId| {
        let outcome = Outcome::Completed { amount, reference: "r1".into() };
        let conference = "rustconf".to_owned();
        serde_json::to_vec(&Callback { conference, order_id, payment_id, outcome }).unwrap()
    };
    let body = callback(browser.order_id, payment_id);
    let now = house.clock.now();
    let good = house.gateway.sign(&body, now);
    let old = house.gateway.sign(&body, now.plus_seconds(-86_400));
    let before = head(&house, &view).await;
    let other = callback(browser.order_id, PaymentId(fresh()));
    for (what, body, signature, status, code) in [
        ("no signature", &body, None, 401, "signature_invalid"),
        ("nonsense", &body, Some("nonsense"), 401, "signature_invalid"),
        ("of another body", &other, Some(good.as_str()), 401, "signature_invalid"),
        ("yesterday's", &body, Some(old.as_str()), 401, "callback_stale"),
    ] {
        let (was, problem) = send_callback(&house, body, signature).await;
        assert_eq!((was, problem["code"].as_str()), (status, Some(code)), "{what}");
    }
    let signed_nonsense = house.gateway.sign(b"{}", now);
    let (status, problem) = send_callback(&house, b"{}", Some(&signed_nonsense)).await;
    assert_eq!((status, &problem["code"]), (400, &json!("malformed")));
    let large = vec![b' '; 70_000];
    let (status, _) = send_callback(&house, &large, Some(&house.gateway.sign(&large, now))).await;
    assert_eq!(status, 413);
    assert_eq!(head(&house, &view).await, before);
    let first = send_callback(&house, &body, Some(&good)).await;
    assert_eq!(first.0, 200);
    assert_eq!(house.order(&browser).await.status, OrderStatus::Confirmed);
    let after = head(&house, &view).await;
    let again = send_callback(&house, &body, Some(&good)).await;
    assert_eq!(again.0, 200);
    assert_eq!(head(&house, &view).await, after, "a callback sent twice acts once");
}

async fn find(house: &TestHouse, conference: &str, email: &str, code: &str) -> (u16, Value) {
    let wanted =
        FindOrder { conference: conference.into(), email: email.into(), access_code: code.into() };
    post(house, "/api/find-order", serde_json::to_string(&wanted).unwrap(), None).await
}

async fn an_order_is_found_by_email_and_code(house: TestHouse) {
    let view = house.conference("rustconf", &[("General", 10_000, 10)]).await;
    let other = house.conference("goconf", &[("General", 10_000, 10)]).await;
    let (browser, ..) = house.up_to_payment(&view, 1).await;
    let order = house.order(&browser).await;
    let code = order.access_code.to_string().to_lowercase();
    let (status, found) = find(&house, "rustconf", " ADA@example.org ", &code).await;
    assert_eq!(status, 200, "{found}");
    let found: FoundOrder = serde_json::from_value(found).unwrap();
    assert_eq!(found.order_id, browser.order_id);
    assert_the_grant_opens_only_this(&house, &browser, &other, &found.token).await;

    let mut answers = vec![
        find(&house, "rustconf", "eve@example.org", &code).await,
        find(&house, "rustconf", "ada@example.org", "000-000").await,
        find(&house, "rustconf", "ada@example.org", "no code").await,
        find(&house, "rustconf", "ada\u{0}@example.org", &code).await,
        find(&house, "goconf", "ada@example.org", &code).await,
        find(&house, "nowhere", "ada@example.org", &code).await,
        find(&house, "no slug", "ada@example.org", &code).await,
    ];
    for (status, answer) in &mut answers {
        assert_eq!(*status, 404, "{answer}");
        answer["reference"] = json!("its own");
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "every mistake looks the same");

    // The sixth attempt at this conference within a minute, although it would be right.
    let (status, problem) = find(&house, "rustconf", "ada@example.org", &code).await;
    assert_eq!((status, &problem["code"]), (429, &json!("too_many_requests")));
}

async fn assert_the_grant_opens_only_this(
    house: &TestHouse,
    browser: &Browser,
    other: &ConferenceView,
    token: &str,
) {
    let order = format!("/api/views/{}", browser.topic());
    assert_eq!(get(house, &order, Some(token)).await.0, 200);
    let granted = Browser { token: token.to_owned(), ..browser.clone() };
    house.accepted(&granted.details(), token).await;
    let stranger = Browser::new(&browser.conference);
    let theirs = format!("/api/views/{}", stranger.topic());
    assert_eq!(get(house, &theirs, Some(token)).await.0, 404, "not another order");
    let elsewhere = Topic::Order { slug: other.slug.clone(), order_id: browser.order_id };
    let elsewhere = format!("/api/views/{elsewhere}");
    assert_eq!(get(house, &elsewhere, Some(token)).await.0, 404, "not another ledger");
    let forged = token.replace("g1.", "g1.0");
    assert_eq!(get(house, &order, Some(&forged)).await.0, 404, "not a forged one");
    let now = house.clock.now();
    assert!(house.clock.set(now.plus_seconds(24 * 60 * 60)));
    assert_eq!(get(house, &order, Some(token)).await.0, 404, "not after a day");
    assert!(house.clock.set(now));
}

async fn an_unpublished_conference_takes_no_orders_but_lets_the_running_finish(house: TestHouse) {
    let view = house.conference("rustconf", &[("General", 10_000, 10)]).await;
    let (browser, payment_id, amount) = house.up_to_payment(&view, 2).await;
    house.ledgers.manage(view.id, Manage::UnpublishConference).await.unwrap();
    let late = Browser::new("rustconf");
    let code = house.refused(&late.register(&[(view.seat_types[0].id, 1)]), &late.token).await;
    assert_eq!(code, RefusalCode::ConferenceNotFound);
    let (status, problem) = get(&house, "/api/views/conference/rustconf", None).await;
    assert_eq!((status, &problem["code"]), (404, &json!("conference_not_found")));
    house.paid(&browser, payment_id, amount).await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Confirmed);
    let code = house.order(&browser).await.access_code.to_string();
    assert_eq!(find(&house, "rustconf", &ada().email, &code).await.0, 200);
}

async fn the_directory_shows_what_is_published_soonest_first(house: TestHouse) {
    house.conference("zebra", &[("General", 10_000, 10)]).await;
    house.conference("aardvark", &[("General", 5_000, 10)]).await;
    house.hidden_conference("secret", &[]).await;
    let snapshot = house.snapshot(&Topic::Directory, None).await.unwrap();
    let View::Directory(view) = snapshot.view else { panic!("not the directory") };
    let slugs: Vec<&str> = view.conferences.iter().map(|c| c.slug.as_str()).collect();
    assert_eq!(slugs, ["aardvark", "zebra"]);
    assert_eq!(snapshot.server_now, NOON);
}

#[tokio::test]
async fn every_route_is_described_as_it_is() {
    let house = start(Db::Sqlite).await;
    let answer = house.client.get(house.url("/api/openapi.json")).send().await.unwrap();
    let served = answer.text().await.unwrap();
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(place, &served).unwrap();
    }
    let kept = std::fs::read_to_string(place).unwrap_or_default();
    assert_eq!(kept, served, "run this test with UPDATE_OPENAPI=1 and commit docs/openapi.json");
    let document: Value = serde_json::from_str(&served).unwrap();
    assert_every_reference_leads_somewhere(&document);
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{slug}", "x").replace("{order_id}", &fresh().to_string());
        for (method, operation) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let example = &operation["requestBody"]["content"]["application/json"]["example"];
            let request = house.client.request(method, house.url(&path)).json(example);
            let answer = request.bearer_auth("t".repeat(64)).send().await.unwrap();
            let status = answer.status();
            assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
            let problem: Value = answer.json().await.unwrap_or_default();
            let code = problem["code"].as_str().unwrap_or_default();
            assert!(!matches!(code, "command_unknown" | "view_unknown"), "{path} leads nowhere");
            let is_of_owners = operation["tags"][0] == "owners";
            let expected = match path.rsplit('/').next().unwrap_or_default() {
                "create-conference" => StatusCode::OK,
                // The first two never say whether there was anything; to be nobody is an answer.
                "sign-out" | "order-links" | "owner-codes" | "owner" => StatusCode::NO_CONTENT,
                _ if is_of_owners => StatusCode::UNAUTHORIZED,
                _ => StatusCode::NOT_FOUND,
            };
            if is_of_owners || (!example.is_null() && !path.ends_with("callbacks")) {
                assert_eq!(status, expected, "the example of {path} is read: {problem}");
            }
        }
    }
}

/// Every `$ref` names a schema that is there.
fn assert_every_reference_leads_somewhere(document: &Value) {
    let mut places = vec![document];
    while let Some(place) = places.pop() {
        if let Some(reference) = place["$ref"].as_str() {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
        match place {
            Value::Object(map) => places.extend(map.values()),
            Value::Array(list) => places.extend(list),
            _ => {}
        }
    }
}

#[tokio::test]
async fn addresses_and_methods_that_do_not_exist_say_so() {
    let house = start(Db::Sqlite).await;
    for (path, code) in [
        ("/api", "view_unknown"),
        ("/api/nonsense", "view_unknown"),
        ("/api/views/nonsense", "view_unknown"),
        ("/api/views/order/x/not-an-id", "view_unknown"),
        ("/api/views/conference/Not%20A%20Slug", "conference_not_found"),
    ] {
        let (status, problem) = get(&house, path, None).await;
        assert_eq!((status, problem["code"].as_str()), (404, Some(code)), "{path}");
    }
    let url = house.url("/api/commands/release-hold");
    let answer = house.client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["allow"], "POST");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let url = house.url("/api/views/directory");
    let answer = house.client.delete(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["allow"], "GET,HEAD");
}

#[tokio::test]
async fn every_answer_is_careful_and_can_be_quoted() {
    let house = start(Db::Sqlite).await;
    for path in ["/api/views/directory", "/api/nonsense", "/", "/health/live", "/nothing.css"] {
        let answer = house.client.get(house.url(path)).send().await.unwrap();
        let headers = answer.headers();
        for name in ["content-security-policy", "referrer-policy", "permissions-policy"] {
            assert!(headers.contains_key(name), "{path} has no {name}");
        }
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        let is_stored = headers.get("cache-control").is_none_or(|value| value != "no-store");
        assert_eq!(is_stored, !path.starts_with("/api"), "{path}");
    }
    let answer = house.client.get(house.url("/api/nonsense")).send().await.unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["reference"], json!(id));
}

#[tokio::test]
async fn pages_of_other_sites_cannot_act() {
    let house = start(Db::Sqlite).await;
    let body = registration("rustconf", &json!([])).to_string();
    let ask = |origin: String| {
        let url = house.url("/api/commands/register-to-conference");
        let request = house.client.post(url).header("origin", origin).bearer_auth("t".repeat(64));
        request.header("content-type", "application/json").body(body.clone()).send()
    };
    assert_eq!(ask(house.url("")).await.unwrap().status(), StatusCode::NOT_FOUND);
    for origin in ["https://evil.example", "null"] {
        let answer = ask(origin.to_owned()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{origin}");
        let headers = answer.headers();
        assert!(!headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn who_sends_too_much_waits_whatever_a_header_claims() {
    let house = start_with(Db::Sqlite, |config| config.http.commands_per_minute = 3).await;
    let mut statuses = Vec::new();
    let mut pause = None;
    for number in 0..4 {
        let url = house.url("/api/commands/release-hold");
        let request = house.client.post(url).header("x-forwarded-for", format!("192.0.2.{number}"));
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        statuses.push(answer.status().as_u16());
        pause = answer.headers().get("retry-after").cloned();
    }
    assert_eq!(statuses, [400, 400, 400, 429]);
    assert!(pause.unwrap().to_str().unwrap().parse::<u32>().unwrap() <= 20);
    assert_eq!(get(&house, "/api/views/directory", None).await.0, 200, "views stay open");
}

#[tokio::test]
async fn the_test_door_is_open_only_on_request() {
    let open = start(Db::Sqlite).await;
    let (status, reading) =
        post(&open, "/test/clock", json!({"advance_ms": 5}).to_string(), None).await;
    assert_eq!((status, &reading["now_ms"]), (200, &json!(NOON.0 + 5)));
    let wanted = json!({
        "slug": "rustconf", "name": "RustConf",
        "owner": { "email": "mia@example.org", "access_code": "K7M-2QX" },
        "seat_types": [{ "name": "General", "price_minor": 100, "quota": 7 }],
    });
    let (status, view) = post(&open, "/test/conferences", wanted.to_string(), None).await;
    assert_eq!(status, 200, "{view}");
    let view: ConferenceView = serde_json::from_value(view).unwrap();
    assert_eq!((view.is_published, view.seat_types[0].quota), (true, 7));
    let (status, _) = Desk::default().sign_in(&open, "mia@example.org", "k7m2qx").await;
    assert_eq!(status, 200, "the test has chosen the owner's code");
    let quota = json!({ "seat_type": view.seat_types[0].id, "quota": 3 }).to_string();
    let (_, view) = post(&open, "/test/conferences/rustconf/quota", quota, None).await;
    assert_eq!(view["seat_types"][0]["quota"], 3);
    let hide = json!({ "published": false }).to_string();
    let (_, view) = post(&open, "/test/conferences/rustconf/publication", hide, None).await;
    assert_eq!(view["is_published"], false);

    let closed = start_with(Db::Sqlite, |config| config.http.test_door = false).await;
    let paths = ["/test/clock", "/test/conferences", "/test/conferences/rustconf/quota"];
    for path in paths {
        let (status, _) = post(&closed, path, json!({"advance_ms": 5}).to_string(), None).await;
        assert_eq!(status, 404, "{path}");
    }
    assert_eq!(closed.clock.now(), NOON);
}

#[tokio::test]
async fn a_stopping_server_is_alive_but_not_ready() {
    let house = start(Db::Sqlite).await;
    let status =
        async |path: &str| house.client.get(house.url(path)).send().await.unwrap().status();
    assert_eq!(status("/health/live").await, StatusCode::OK);
    assert_eq!(status("/health/ready").await, StatusCode::OK);
    house.store.close().await;
    assert_eq!(status("/health/live").await, StatusCode::OK);
    assert_eq!(status("/health/ready").await, StatusCode::SERVICE_UNAVAILABLE);
    let (status, problem) = get(&house, "/api/views/directory", None).await;
    assert_eq!((status, &problem["code"]), (503, &json!("unavailable")));
}
