//! What somebody with bad intentions tries, on every route there is: the routes come from the API's
//! own description, so that a new one is attacked from its first day.
//!
//! Not here: planted sessions and guessed owner codes (`owners.rs`), guessed order codes (`http.rs`),
//! guessed links (`order_links.rs`), markup in pages (`shell.rs`), forged callbacks (`payment.rs`).

use crate::desk::{Desk, facts, form, new_seat_type};
use crate::house::{Browser, Db, TestHouse, fresh, start};
use crate::payment::{all_effects_are_done, mails};
use crate::seating::{SLUG, assign, bought, bought_of, owner, person, seat, unassign};
use crate::shell::start_built;
use futures_util::future::join_all;
use mail_parser::MessageParser;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use server::trust;
use shared::commands::{AssignRegistrantDetails, Attendee, Registrant};
use shared::management::{ConferenceFacts, CreateConference, PublishConference};
use shared::tickets::Tickets;
use shared::{CommandId, PaymentId, RefusalCode};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// One route as `openapi.json` describes it, at the addresses of these tests.
#[derive(Clone, Debug)]
pub(crate) struct Attacked {
    pub(crate) path: String,
    pub(crate) method: Method,
    /// The example of its body; `Null` when it has none.
    pub(crate) body: Value,
    /// What it asks for: `owner_session`, `order_token` or nothing.
    security: String,
}

/// Mia's conference with Ada's order on it, and Eve, who has both of her own.
struct Scene {
    house: TestHouse,
    mia: Desk,
    eve: Desk,
    ada: Browser,
    /// Eve's own order at Mia's conference.
    evil: Browser,
    routes: Vec<Attacked>,
}

async fn scene() -> Scene {
    let house = start(Db::Sqlite).await;
    let mia = owner(&house, 100).await;
    let eve = Desk::of_a_conference(&house, "evilconf", &[("General", 500, 10)]).await;
    let (ada, evil) = (bought(&house, 2).await, bought(&house, 1).await);
    seat(&house, &ada, 0, "Jon").await;
    let routes = routes(&house, &ada).await;
    Scene { house, mia, eve, ada, evil, routes }
}

pub(crate) async fn routes(house: &TestHouse, ada: &Browser) -> Vec<Attacked> {
    let answer = house.client.get(house.url("/api/openapi.json")).send().await.unwrap();
    let document: Value = answer.json().await.unwrap();
    let seat_type = house.conference_view(SLUG).await.seat_types[0].id;
    let (order_id, mut routes) = (ada.order_id.to_string(), Vec::new());
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let mut body =
                operation["requestBody"]["content"]["application/json"]["example"].clone();
            for (field, value) in [
                ("command_id", json!(fresh())),
                ("order_id", json!(order_id)),
                ("seat_type", json!(seat_type)),
            ] {
                if body.get(field).is_some() {
                    body[field] = value;
                }
            }
            let security = operation["security"][0].as_object();
            let security = security.and_then(|all| all.keys().next());
            routes.push(Attacked {
                path: path.replace("{slug}", SLUG).replace("{order_id}", &order_id),
                method: method.to_uppercase().parse().unwrap(),
                body,
                security: security.cloned().unwrap_or_default(),
            });
        }
    }
    routes
}

impl Scene {
    fn behind(&self, security: &str) -> impl Iterator<Item = &Attacked> {
        // Whose session it is, is no conference's secret.
        self.routes.iter().filter(move |it| it.security == security && it.path != "/api/owner")
    }

    fn request(&self, route: &Attacked) -> RequestBuilder {
        let request = self.house.client.request(route.method.clone(), self.house.url(&route.path));
        if route.body.is_null() { request } else { request.json(&route.body) }
    }

    /// Everything that Mia's conference has been through.
    async fn head(&self) -> u64 {
        let view = self.house.conference_view(SLUG).await;
        self.house.store.head(view.id.0).await.unwrap().unwrap().head
    }
}

/// Status and code of an answer that tells nothing of anybody.
async fn refused(request: RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    for secret in ["Lovelace", "Jaffe", "@example.org"] {
        assert!(!text.contains(secret), "{text}");
    }
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

fn no(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn nothing_of_an_owner_opens_to_anybody_else() {
    let scene = scene().await;
    let (before, mut tried) = (scene.head().await, 0);
    let eve = scene.eve.cookie.clone().unwrap();
    for route in scene.behind("owner_session") {
        let nobody = refused(scene.request(route)).await;
        assert_eq!(nobody, no(401, "sign_in_required"), "{}", route.path);
        let registrant = scene.request(route).bearer_auth(&scene.ada.token);
        assert_eq!(refused(registrant).await, no(401, "sign_in_required"), "{}", route.path);
        let stranger = scene.request(route).header(COOKIE, &eve);
        assert_eq!(refused(stranger).await, no(404, "conference_not_found"), "{}", route.path);
        tried += 1;
    }
    assert!(16 <= tried, "the description names them all, not {tried}");
    assert_eq!(scene.head().await, before, "nothing happened");
    // The same opens to its owner, so it was the door that kept Eve out.
    let mia = scene.mia.cookie.clone().unwrap();
    for route in scene.behind("owner_session") {
        let answer = scene.request(route).header(COOKIE, &mia).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        let kept_out =
            matches!(status, 401 | 403 | 500..) || body["code"] == "conference_not_found";
        assert!(!kept_out && body["code"] != "malformed", "{}: {body}", route.path);
    }
}

#[tokio::test]
async fn nothing_of_an_order_opens_to_anybody_else() {
    let scene = scene().await;
    let elsewhere = bought_of(&scene.house, "evilconf", 1).await;
    let (before, mut tried) = (scene.head().await, 0);
    let owner = scene.mia.cookie.clone().unwrap();
    for route in scene.behind("order_token") {
        let nobody = scene.request(route).header(COOKIE, &owner);
        assert_eq!(refused(nobody).await, no(401, "token_missing"), "{}", route.path);
        let made_up = format!("g1.{}.99999999999999.{}", scene.ada.order_id, "A".repeat(43));
        for token in [&scene.evil.token, &elsewhere.token, &made_up, &"x".repeat(5_000)] {
            let stranger = refused(scene.request(route).bearer_auth(token)).await;
            assert_eq!(stranger, no(404, "order_not_found"), "{}", route.path);
        }
        tried += 1;
    }
    assert!(13 <= tried, "the description names them all, not {tried}");
    assert_eq!(scene.head().await, before, "nothing happened");
}

#[tokio::test]
async fn no_page_of_another_site_gets_anything_done() {
    let scene = scene().await;
    let before = scene.head().await;
    let cookie = scene.mia.cookie.clone().unwrap();
    let dressed = |route: &Attacked| {
        scene.request(route).header(COOKIE, &cookie).bearer_auth(&scene.ada.token)
    };
    for route in scene.routes.iter().filter(|route| route.method == Method::POST) {
        for origin in ["https://evil.example", "null", "http://127.0.0.1"] {
            let foreign = refused(dressed(route).header(ORIGIN, origin)).await;
            assert_eq!(foreign, no(403, "origin_foreign"), "{} from {origin}", route.path);
        }
        let silent = refused(dressed(route).header("sec-fetch-site", "cross-site")).await;
        assert_eq!(silent, no(403, "origin_foreign"), "{}", route.path);
        // What a form can send without asking, from a browser that says nothing.
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
            if route.body.is_null() || route.path.ends_with("callbacks") {
                continue;
            }
            let url = scene.house.url(&route.path);
            let form = scene.house.client.post(url).header(CONTENT_TYPE, kind);
            let form = form.header(COOKIE, &cookie).body(route.body.to_string());
            let (status, code) = refused(form).await;
            let is_no =
                matches!(code.as_str(), "malformed" | "token_missing" | "too_many_requests");
            assert!(is_no && 400 <= status, "{} as {kind}: {code}", route.path);
        }
    }
    assert_eq!(scene.head().await, before, "nothing happened");
    assert!(scene.mia.owner(&scene.house).await.is_some(), "nor was anybody signed out");
}

/// Posts each body from an address of its own, all at once. How many were heard?
async fn heard(house: &TestHouse, path: &str, bodies: &[Value]) -> usize {
    let asked = (1..).zip(bodies).map(|(number, body)| {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(trust::nobody())
            .local_address(IpAddr::from([127, 0, 1, number]));
        client.build().unwrap().post(house.url(path)).json(body)
    });
    let asked: Vec<RequestBuilder> = asked.collect();
    let answers = join_all(asked.into_iter().map(RequestBuilder::send)).await;
    answers.into_iter().filter(|answer| answer.as_ref().unwrap().status() != 429).count()
}

#[tokio::test]
async fn guessing_from_many_addresses_is_limited_by_whom_it_is_about() {
    let house = start(Db::Sqlite).await;
    owner(&house, 10).await;
    let body = |path: &str, email: &str| match path {
        "/api/sign-in" => json!({ "email": email, "access_code": "000-000" }),
        "/api/find-order" => {
            json!({ "conference": SLUG, "email": email, "access_code": "000-000" })
        }
        _ => json!({ "conference": SLUG, "email": email }),
    };
    for (path, most) in [("/api/sign-in", 10), ("/api/find-order", 10), ("/api/order-links", 5)] {
        // Another spelling is the same address.
        let ada = ["ada@example.org", " ADA@example.org"].repeat(8);
        let ada: Vec<Value> = ada.into_iter().map(|email| body(path, email)).collect();
        assert_eq!(heard(&house, path, &ada).await, most, "{path}");
        let jon = body(path, "jon@example.org");
        assert_eq!(heard(&house, path, &[jon]).await, 1, "{path}: nobody else is kept out");
    }
}

/// The places of all texts in a body.
fn texts(place: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(place.to_owned()),
        Value::Object(fields) => {
            for (name, value) in fields {
                texts(&format!("{place}/{name}"), value, found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                texts(&format!("{place}/{index}"), value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[tokio::test]
async fn every_text_that_is_too_long_gets_a_clear_no() {
    let scene = scene().await;
    let (before, mut named) = (scene.head().await, BTreeSet::new());
    let cookie = scene.mia.cookie.clone().unwrap();
    for route in scene.routes.iter().filter(|route| !route.body.is_null()) {
        let mut places = Vec::new();
        texts("", &route.body, &mut places);
        for place in places {
            let mut body = route.body.clone();
            *body.pointer_mut(&place).unwrap() = json!("x".repeat(12_000));
            let long = Attacked { body, ..route.clone() };
            let request = scene.request(&long).header(COOKIE, &cookie);
            let answer = request.bearer_auth(&scene.ada.token).send().await.unwrap();
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.unwrap_or_default();
            // Those give the same answer to everything.
            let silent = ["/api/order-links", "/api/owner-codes"];
            let is_silent = silent.contains(&route.path.as_str()) && status == 204;
            assert!(is_silent || (400..500).contains(&status), "{}{place}: {body}", route.path);
            if body["code"] == "details_invalid" {
                let field = body["fields"][0]["field"].as_str().unwrap_or_default().to_owned();
                assert!(place.ends_with(&format!("/{field}")), "{}{place}: {body}", route.path);
                let message = body["fields"][0]["message"].as_str().unwrap_or_default();
                let is_clear = (10..120).contains(&message.len());
                assert!(is_clear, "it says what to do and repeats nothing: {message}");
                named.insert(field);
            }
        }
    }
    let fields = [
        "contact_email",
        "description",
        "email",
        "family_name",
        "given_name",
        "location",
        "name",
        "owner_email",
        "owner_name",
        "slug",
        "tagline",
        "time_zone",
    ];
    assert_eq!(named, fields.map(str::to_owned).into(), "every field of every form");
    assert_eq!(scene.head().await, before, "nothing happened");
}

#[tokio::test]
async fn no_address_of_ours_leads_to_another_site() {
    let scene = scene().await;
    for path in [
        "//evil.example",
        "//evil.example/%2e%2e",
        "/\\evil.example",
        "/%5cevil.example",
        "/manage?next=https://evil.example",
        "/manage/sign-in?next=//evil.example",
        "/rustconf?return=https://evil.example",
        "/rustconf/find?next=https://evil.example#link=x",
        "/simulated-provider/pay?return_url=https://evil.example",
        "/inbox//evil.example",
    ] {
        let answer = scene.house.client.get(scene.house.url(path)).send().await.unwrap();
        let location = answer.headers().get("location").map(|it| it.to_str().unwrap().to_owned());
        let stays = location.as_ref().is_none_or(|it| it.starts_with('/') && !it.starts_with("//"));
        assert!(stays, "{path} leads to {location:?}");
        let text = answer.text().await.unwrap();
        assert!(!text.contains("evil.example"), "{path} repeats what it was told");
    }
}

#[tokio::test]
async fn every_kind_of_answer_is_careful() {
    let scene = scene().await;
    let cookie = scene.mia.cookie.clone().unwrap();
    let order = scene.ada.order_id;
    let mut kinds = BTreeSet::new();
    for path in [
        "/",
        "/rustconf",
        "/manage",
        "/nowhere",
        "/missing.css",
        "/health/ready",
        "/api/openapi.json",
        "/api/views/dashboard/rustconf",
        "/api/views/conference/nowhere",
        &format!("/api/tickets/rustconf/{order}"),
        "/api/manage/rustconf/attendees",
        "/api/manage/rustconf/orders.csv",
        "/api/manage/rustconf/attendees.csv",
        "/api/manage/rustconf/orders?after=nonsense",
        "/api/conferences/rustconf/calendar.ics",
        "/api/live",
        "/api/sign-in",
        "/simulated-provider/pay",
        "/simulated-provider/pending",
        "/inbox",
    ] {
        let request = scene.house.client.get(scene.house.url(path)).header(COOKIE, &cookie);
        let bearer = format!("Bearer {}", scene.ada.token);
        let answer = request.header(AUTHORIZATION, bearer).send().await.unwrap();
        let headers = answer.headers();
        let text = |name: &str| headers.get(name).map_or("", |it| it.to_str().unwrap()).to_owned();
        let policy = text("content-security-policy");
        assert!(policy.contains("default-src 'self'") || policy.contains("default-src 'none'"));
        for word in ["unsafe-inline", "'unsafe-eval'", "*", "http:", "data: 'self' blob"] {
            assert!(!policy.contains(word), "{path}: {policy}");
        }
        assert!(policy.contains("frame-ancestors"), "{path}: {policy}");
        assert_eq!(text("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(text("referrer-policy"), "same-origin", "{path}");
        assert_eq!(text("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(text("permissions-policy").contains("geolocation=()"), "{path}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
        assert!(!headers.contains_key("server"), "{path}: nobody needs to know");
        kinds.insert((answer.status().as_u16(), text("content-type")));
    }
    let statuses: BTreeSet<u16> = kinds.iter().map(|(status, _)| *status).collect();
    assert!(statuses.is_superset(&[200, 400, 404, 405].into()), "{kinds:?}");
    let types =
        ["text/html", "text/csv", "text/calendar", "application/json", "application/problem"];
    for kind in types {
        assert!(kinds.iter().any(|(_, known)| known.starts_with(kind)), "{kind}: {kinds:?}");
    }
}

const MARKUP: &str = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";

/// A person whose every name is an attack.
fn hostile_registrant() -> Registrant {
    Registrant {
        given_name: format!("=HYPERLINK(\"https://evil.example\"){MARKUP}"),
        family_name: format!("@SUM(A1){MARKUP}"),
        email: "+1@example.org".into(),
    }
}

/// A conference, an order and a named seat, all texts of which are attacks.
async fn hostile_story(house: &TestHouse) -> (Desk, Browser) {
    let mut mia = Desk::default();
    let facts = ConferenceFacts {
        name: format!("=1+1{MARKUP}"),
        tagline: format!("-1{MARKUP}"),
        location: format!("+1{MARKUP}"),
        description: format!("{MARKUP}\r\nEND:VEVENT\r\nATTENDEE:mailto:eve@evil.example"),
        ..facts()
    };
    let owner_name = format!("@1{MARKUP}");
    mia.accepted(house, &CreateConference { owner_name, facts, ..form(SLUG, "mia@example.org") })
        .await;
    let mut seat_type = new_seat_type(SLUG, "=2+2<img src=x onerror=alert(3)>", 500, 10);
    seat_type.facts.description = MARKUP.into();
    mia.accepted(house, &seat_type).await;
    let (command_id, conference) = (CommandId(fresh()), SLUG.to_owned());
    mia.accepted(house, &PublishConference { command_id, conference }).await;

    let browser = Browser::new(SLUG);
    house.accepted(&browser.register(&[(seat_type.seat_type, 1)]), &browser.token).await;
    let details = AssignRegistrantDetails { registrant: hostile_registrant(), ..browser.details() };
    house.accepted(&details, &browser.token).await;
    let (payment_id, total) = (PaymentId(fresh()), house.order(&browser).await.total);
    house.accepted(&browser.pay(payment_id, total), &browser.token).await;
    house.paid(&browser, payment_id, total).await;
    let Registrant { given_name, family_name, email } = hostile_registrant();
    let attendee = Attendee { given_name, family_name, email };
    house.accepted(&assign(&browser, 0, attendee.clone()), &browser.token).await;
    all_effects_are_done(house).await;
    let next = Attendee { email: "-1@example.org".into(), ..attendee };
    house.accepted(&assign(&browser, 0, next), &browser.token).await;
    all_effects_are_done(house).await;
    (mia, browser)
}

fn assert_is_text(place: &str, html: &str) {
    for markup in ["<img src=x", "<script>alert"] {
        assert!(!html.contains(markup), "{markup} in {place}: {html}");
    }
}

#[tokio::test]
async fn what_people_type_is_text_in_pages_tables_and_documents() {
    let house = start_built().await;
    let (mia, browser) = hostile_story(&house).await;
    let order = format!("/rustconf/order/{}", browser.order_id);
    let (assign, paid) = (format!("{order}/assign"), format!("{order}/confirmed"));
    let pages = ["/", "/rustconf", "/rustconf/seats", "/manage/rustconf", &assign, &paid, "/inbox"];
    for path in pages {
        let answer = house.client.get(house.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_is_text(path, &answer.text().await.unwrap());
    }
    for list in ["orders", "attendees"] {
        let url = house.url(&format!("/api/manage/{SLUG}/{list}.csv"));
        let request = house.client.get(url).header(COOKIE, mia.cookie.clone().unwrap());
        let table = request.send().await.unwrap().text().await.unwrap();
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(table.as_bytes());
        for cell in rows
            .records()
            .flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
        {
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{list}: {cell}");
        }
        assert!(table.contains("'=HYPERLINK"), "{list}: {table}");
    }
    let calendar = house.client.get(house.url("/api/conferences/rustconf/calendar.ics"));
    let calendar = calendar.send().await.unwrap().text().await.unwrap();
    let begins = |words: &str| calendar.lines().filter(|line| line.starts_with(words)).count();
    assert_eq!((begins("ATTENDEE"), begins("BEGIN:VEVENT"), begins("END:VEVENT")), (0, 1, 1));
    let tickets = house.client.get(house.url(&format!("/api/tickets/{SLUG}/{}", browser.order_id)));
    let sheet: Tickets =
        tickets.bearer_auth(&browser.token).send().await.unwrap().json().await.unwrap();
    let drawing = &sheet.tickets[0].qr;
    assert!(drawing.starts_with("<svg") && !drawing.contains("evil"), "{drawing}");
    assert_is_text("a ticket", drawing);
}

#[tokio::test]
async fn what_people_type_is_text_in_mails_and_reaches_nobody_else() {
    let house = start(Db::Sqlite).await;
    let (_, browser) = hostile_story(&house).await;
    house.accepted(&unassign(&browser, 0), &browser.token).await;
    all_effects_are_done(&house).await;
    let letters = mails(&house, "");
    assert_eq!(letters.len(), 6, "owner's code, confirmation, two tickets and their ends");
    for letter in &letters {
        let mail = MessageParser::default().parse(letter).unwrap();
        assert_is_text("a mail", &mail.body_html(0).expect("a page"));
        assert_eq!(
            (mail.to().map(|to| to.iter().count()), mail.cc(), mail.bcc()),
            (Some(1), None, None)
        );
        let to = mail.to().unwrap().first().unwrap().address().unwrap();
        assert!(to.ends_with("@example.org"), "{to}");
        let subject = mail.subject().expect("a subject");
        assert!(!subject.contains(char::is_control), "{subject}");
    }

    // A line break would begin a header of its own, so no name has one.
    let mut mia = Desk::default();
    let broken = "Ada\r\nBcc: eve@evil.example";
    let create = form("second", "mia@example.org");
    let name = ConferenceFacts { name: broken.into(), ..facts() };
    for create in [
        CreateConference { owner_name: broken.into(), ..create.clone() },
        CreateConference { owner_email: format!("mia@example.org{broken}"), ..create.clone() },
        CreateConference { facts: name, ..create },
    ] {
        assert_eq!(mia.refused(&house, &create).await.0, "details_invalid");
    }
    let attendee = Attendee { given_name: broken.into(), ..person("Jon") };
    let refused = house.refused(&assign(&browser, 0, attendee), &browser.token).await;
    assert_eq!(refused, RefusalCode::DetailsInvalid);
}
