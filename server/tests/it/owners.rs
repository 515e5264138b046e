//! Owners: from the form to the sale, and everybody who would like to be one.

use crate::desk::{Desk, code_of, facts, form, new_seat_type, seat_type_facts};
use crate::house::{Browser, Db, TestHouse, fresh, start, start_with};
use crate::on_both_databases;
use crate::payment::{all_effects_are_done, eventually, mails};
use serde_json::{Value, json};
use shared::management::{
    ChangeQuota, ConferenceFacts, DeleteSeatType, PublishConference, RotateOwnerCode,
    SeatTypeFacts, UnpublishConference, UpdateConference, UpdateSeatType,
};
use shared::views::{OrderStatus, PaymentStatus};
use shared::{CommandId, SeatTypeId};

on_both_databases! {
    an_owner_creates_a_conference_and_runs_it
    a_creation_sent_twice_creates_once
    what_is_wrong_with_a_form_is_said_beside_each_field
    a_quota_is_changed_from_what_was_seen_and_never_below_what_is_taken
    editing_keeps_the_publication_and_the_prices_of_orders
    a_deleted_seat_type_is_not_sold_to_late_money
    whoever_creates_opens_that_conference_alone_until_signing_in
    every_mistake_at_signing_in_gets_the_same_answer
    somebody_elses_conference_is_answered_like_none
    a_session_ends_with_its_time_and_at_signing_out
    a_rotated_code_ends_the_other_sessions_of_its_owner
    a_session_that_was_planted_is_worth_nothing
}

fn publish(slug: &str) -> PublishConference {
    PublishConference { command_id: CommandId(fresh()), conference: slug.into() }
}

fn update(slug: &str, facts: ConferenceFacts) -> UpdateConference {
    UpdateConference { command_id: CommandId(fresh()), conference: slug.into(), facts }
}

fn rotate(slug: &str) -> RotateOwnerCode {
    RotateOwnerCode { command_id: CommandId(fresh()), conference: slug.into() }
}

fn quota(slug: &str, seat_type: SeatTypeId, seen: u32, quota: u32) -> ChangeQuota {
    let command_id = CommandId(fresh());
    ChangeQuota { command_id, conference: slug.into(), seat_type, quota, seen }
}

fn delete(slug: &str, seat_type: SeatTypeId) -> DeleteSeatType {
    DeleteSeatType { command_id: CommandId(fresh()), conference: slug.into(), seat_type }
}

fn describe(slug: &str, seat_type: SeatTypeId, facts: SeatTypeFacts) -> UpdateSeatType {
    let command_id = CommandId(fresh());
    UpdateSeatType { command_id, conference: slug.into(), seat_type, facts }
}

async fn an_owner_creates_a_conference_and_runs_it(house: TestHouse) {
    let mut mia = Desk::default();
    let create = form("rustconf", " Mia@Example.org ");
    mia.accepted(&house, &create).await;
    assert_eq!(mia.refused(&house, &publish("rustconf")).await.0, "nothing_to_publish");
    for (name, price) in [("General", 19_900), ("Workshop", 9_900), ("Free", 0)] {
        mia.accepted(&house, &new_seat_type("rustconf", name, price, 100)).await;
    }
    let path = "/api/views/conference/rustconf";
    assert_eq!(mia.get(&house, path).await.0, 404, "not published, not even for its owner");
    mia.accepted(&house, &publish("rustconf")).await;
    let view = house.conference_view("rustconf").await;
    assert_eq!((view.seat_types.len(), view.hold_minutes), (3, 15));

    let (browser, payment_id, total) = house.up_to_payment(&view, 2).await;
    house.paid(&browser, payment_id, total).await;
    let owner = mia.owner(&house).await.expect("a session");
    let line = &owner.conferences[0];
    assert_eq!((line.slug.as_str(), line.is_published), ("rustconf", true));
    assert_eq!((line.sold, line.held, line.quota), (2, 0, 300));

    all_effects_are_done(&house).await;
    let code = code_of(&house, "rustconf", create.command_id).await.to_string();
    let letters = mails(&house, "owner-code-");
    assert!(letters.len() == 1 && letters[0].contains(&code), "{letters:?}");
    let mut elsewhere = Desk::default();
    let (status, body) = elsewhere.sign_in(&house, "MIA@example.org", &code.to_lowercase()).await;
    assert_eq!((status, &body["email"]), (200, &json!("mia@example.org")));

    let hide =
        UnpublishConference { command_id: CommandId(fresh()), conference: "rustconf".into() };
    elsewhere.accepted(&house, &hide).await;
    assert_eq!(elsewhere.get(&house, path).await.0, 404);
}

async fn a_creation_sent_twice_creates_once(house: TestHouse) {
    let create = form("rustconf", "mia@example.org");
    let (mut first, mut again) = (Desk::default(), Desk::default());
    let position = first.accepted(&house, &create).await;
    assert_eq!(again.accepted(&house, &create).await, position);
    assert!(again.owner(&house).await.is_some(), "the first answer may have been lost");
    all_effects_are_done(&house).await;
    assert_eq!(mails(&house, "owner-code-").len(), 1);

    // The same intent with other facts is none, and its id alone opens nothing.
    let other = shared::management::CreateConference { owner_name: "Eve".into(), ..create };
    let mut eve = Desk::default();
    assert_eq!(eve.refused(&house, &other).await.0, "slug_taken");
    assert!(eve.cookie.is_none());
}

async fn what_is_wrong_with_a_form_is_said_beside_each_field(house: TestHouse) {
    let mut mia = Desk::of_a_conference(&house, "rustconf", &[("General", 100, 10)]).await;
    let fields = |body: &Value| -> Vec<String> {
        let fields = body["fields"].as_array().cloned().unwrap_or_default();
        fields.iter().map(|problem| problem["field"].as_str().unwrap().to_owned()).collect()
    };
    let (status, body) = mia.send(&house, &form("rustconf", "mia@example.org")).await;
    assert_eq!((status, &body["code"]), (409, &json!("slug_taken")));
    assert_eq!(fields(&body), ["slug"], "{body}");

    let wrong = ConferenceFacts {
        name: " ".into(),
        location: String::new(),
        ends_at: facts().starts_at.plus_seconds(-1),
        time_zone: "Berlin".into(),
        ..facts()
    };
    let create = shared::management::CreateConference {
        owner_name: String::new(),
        owner_email: "mia".into(),
        facts: wrong.clone(),
        ..form("-", "")
    };
    let (status, body) = Desk::default().send(&house, &create).await;
    assert_eq!((status, &body["code"]), (422, &json!("details_invalid")));
    let expected =
        ["owner_name", "owner_email", "name", "slug", "location", "ends_at", "time_zone"];
    assert_eq!(fields(&body), expected);
    assert_eq!(body["fields"][2]["message"], "Enter a name for the conference");
    let (_, body) = mia.send(&house, &update("rustconf", wrong)).await;
    assert_eq!(fields(&body), ["name", "location", "ends_at", "time_zone"]);
}

async fn a_quota_is_changed_from_what_was_seen_and_never_below_what_is_taken(house: TestHouse) {
    let mut mia = Desk::of_a_conference(&house, "rustconf", &[("General", 500, 10)]).await;
    let view = house.conference_view("rustconf").await;
    let general = view.seat_types[0].id;
    let (browser, payment_id, total) = house.up_to_payment(&view, 3).await;
    house.paid(&browser, payment_id, total).await;
    house.up_to_payment(&view, 2).await;

    let too_low = mia.refused(&house, &quota("rustconf", general, 10, 4)).await;
    let detail = "3 sold and 2 held. The lowest possible is 5.";
    assert_eq!(too_low, ("quota_too_low".to_owned(), detail.to_owned()));
    let raise = quota("rustconf", general, 10, 20);
    let position = mia.accepted(&house, &raise).await;
    let changed = mia.refused(&house, &quota("rustconf", general, 10, 30)).await;
    let detail = "It is 20 now. You wrote 30.";
    assert_eq!(changed, ("quota_changed".to_owned(), detail.to_owned()));
    mia.accepted(&house, &quota("rustconf", general, 20, 5)).await;
    assert_eq!(mia.accepted(&house, &raise).await, position, "a late repetition is recognised");
    let line = house.conference_view("rustconf").await.seat_types[0].clone();
    assert_eq!((line.quota, line.sold, line.held, line.remaining()), (5, 3, 2, 0));
}

async fn editing_keeps_the_publication_and_the_prices_of_orders(house: TestHouse) {
    let mut mia = Desk::of_a_conference(&house, "rustconf", &[("General", 500, 10)]).await;
    let view = house.conference_view("rustconf").await;
    let general = view.seat_types[0].id;
    let (browser, payment_id, total) = house.up_to_payment(&view, 2).await;
    mia.accepted(&house, &describe("rustconf", general, seat_type_facts("Dearer", 900))).await;
    let renamed = ConferenceFacts { name: "<b>Rust</b> =1+1".into(), ..facts() };
    mia.accepted(&house, &update("rustconf", renamed)).await;
    house.paid(&browser, payment_id, total).await;
    let order = house.order(&browser).await;
    assert_eq!((order.status, order.total.minor), (OrderStatus::Confirmed, 1_000));
    let view = house.conference_view("rustconf").await;
    assert_eq!((view.name.as_str(), view.is_published), ("<b>Rust</b> =1+1", true));
    assert_eq!((view.seat_types[0].price.minor, view.seat_types[0].sold), (900, 2));
    let page = house.client.get(house.url("/rustconf")).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(!page.contains("<b>Rust"), "texts come back as text");

    assert_eq!(mia.refused(&house, &delete("rustconf", general)).await.0, "seat_type_in_use");
    let late = Browser::new("rustconf");
    house.accepted(&late.register(&[(general, 1)]), &late.token).await;
    assert_eq!(house.order(&late).await.total.minor, 900);
}

async fn a_deleted_seat_type_is_not_sold_to_late_money(house: TestHouse) {
    let types = [("General", 500, 10), ("Workshop", 700, 10)];
    let mut mia = Desk::of_a_conference(&house, "rustconf", &types).await;
    let view = house.conference_view("rustconf").await;
    let (browser, payment_id, total) = house.up_to_payment(&view, 2).await;
    house.pass_seconds(3_600);
    house.order_when(&browser, |order| order.status == OrderStatus::Expired).await;
    mia.accepted(&house, &delete("rustconf", view.seat_types[0].id)).await;
    mia.accepted(&house, &delete("rustconf", view.seat_types[0].id)).await;
    house.paid(&browser, payment_id, total).await;
    let order = house.order(&browser).await;
    assert_eq!(order.status, OrderStatus::Expired);
    assert_eq!(order.payment.map(|payment| payment.status), Some(PaymentStatus::Refunding));
    let view = house.conference_view("rustconf").await;
    let names: Vec<&str> = view.seat_types.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["Workshop"]);
    let house = house.restart().await;
    assert_eq!(house.conference_view("rustconf").await, view);
}

async fn whoever_creates_opens_that_conference_alone_until_signing_in(house: TestHouse) {
    let mut mia = Desk::default();
    let first = form("first", "mia@example.org");
    mia.accepted(&house, &first).await;
    let mut eve = Desk::default();
    // Eve claims Mia's address, which nobody checks yet.
    eve.accepted(&house, &form("second", "mia@example.org")).await;
    let owner = eve.owner(&house).await.expect("a session");
    assert_eq!(owner.email, None);
    assert_eq!(owner.conferences.iter().map(|c| &c.slug).collect::<Vec<_>>(), ["second"]);
    assert_eq!(eve.refused(&house, &update("first", facts())).await.0, "conference_not_found");

    let code = code_of(&house, "first", first.command_id).await.to_string();
    house.pass_seconds(1);
    assert_eq!(mia.sign_in(&house, "mia@example.org", &code).await.0, 200);
    mia.accepted(&house, &form("third", "mia@example.org")).await;
    let owner = mia.owner(&house).await.expect("a session");
    assert_eq!(owner.email.as_deref(), Some("mia@example.org"), "she stays signed in");
    let mut slugs: Vec<&str> = owner.conferences.iter().map(|c| c.slug.as_str()).collect();
    assert_eq!(slugs.first(), Some(&"third"), "newest first");
    slugs.sort_unstable();
    assert_eq!(slugs, ["first", "second", "third"]);
}

async fn every_mistake_at_signing_in_gets_the_same_answer(house: TestHouse) {
    let create = form("rustconf", "mia@example.org");
    Desk::default().accepted(&house, &create).await;
    let code = code_of(&house, "rustconf", create.command_id).await.to_string();
    let wrong = if code == "000-000" { "000-001" } else { "000-000" };
    let mut answers = Vec::new();
    for (email, code) in [
        ("mia@example.org", wrong),
        ("mia@example.org", "not a code"),
        ("eve@example.org", code.as_str()),
        ("", code.as_str()),
        ("a\u{0}b@example.org", code.as_str()),
    ] {
        let mut eve = Desk::default();
        let (status, mut body) = eve.sign_in(&house, email, code).await;
        assert!(eve.cookie.is_none());
        body["reference"] = Value::Null;
        answers.push((status, body));
    }
    assert_eq!(answers[0].0, 401);
    assert_eq!(answers[0].1["code"], "sign_in_failed");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

async fn somebody_elses_conference_is_answered_like_none(house: TestHouse) {
    let mut mia = Desk::of_a_conference(&house, "rustconf", &[("General", 500, 10)]).await;
    let mut eve = Desk::of_a_conference(&house, "evilconf", &[("General", 500, 10)]).await;
    let view = house.conference_view("rustconf").await;
    let head = async || house.store.head(view.id.0).await.unwrap().unwrap().head;
    let before = head().await;
    let general = view.seat_types[0].id;
    // Addresses are compared as they are, everywhere (W38).
    for slug in ["rustconf", "nowhere", "EVILCONF", "Rust'Conf"] {
        let refusals = [
            eve.send(&house, &update(slug, facts())).await,
            eve.send(&house, &publish(slug)).await,
            eve.send(
                &house,
                &UnpublishConference { command_id: CommandId(fresh()), conference: slug.into() },
            )
            .await,
            eve.send(&house, &new_seat_type(slug, "Mine", 0, 1)).await,
            eve.send(&house, &describe(slug, general, seat_type_facts("Mine", 0))).await,
            eve.send(&house, &delete(slug, general)).await,
            eve.send(&house, &quota(slug, general, 10, 1)).await,
            eve.send(&house, &rotate(slug)).await,
        ];
        for (status, body) in refusals {
            assert_eq!((status, &body["code"]), (404, &json!("conference_not_found")), "{slug}");
        }
    }
    // Seat types are looked for in the conference that was asked about (W5).
    let strange = eve.refused(&house, &quota("evilconf", general, 10, 1)).await.0;
    assert_eq!(strange, "seat_type_unknown");
    let mut nobody = Desk::default();
    assert_eq!(nobody.refused(&house, &update("rustconf", facts())).await.0, "sign_in_required");
    assert_eq!(head().await, before, "nothing happened");
    mia.accepted(&house, &update("rustconf", facts())).await;
}

async fn a_session_ends_with_its_time_and_at_signing_out(house: TestHouse) {
    let mut mia = Desk::of_a_conference(&house, "rustconf", &[("General", 500, 10)]).await;
    let taken = mia.clone();
    mia.sign_out(&house).await;
    assert!(mia.cookie.is_none() && mia.set_cookie.contains("Max-Age=0"), "{}", mia.set_cookie);
    assert!(taken.owner(&house).await.is_none(), "the old cookie opens nothing");
    mia.sign_out(&house).await;

    let mut mia = Desk::of_a_conference(&house, "second", &[("General", 500, 10)]).await;
    house.pass_seconds(12 * 3_600 - 1);
    assert!(mia.owner(&house).await.is_some());
    house.pass_seconds(1);
    assert!(mia.owner(&house).await.is_none());
    assert_eq!(mia.refused(&house, &publish("second")).await.0, "sign_in_required");
}

async fn a_rotated_code_ends_the_other_sessions_of_its_owner(house: TestHouse) {
    let create = form("rustconf", "mia@example.org");
    let mut creator = Desk::default();
    creator.accepted(&house, &create).await;
    let old = code_of(&house, "rustconf", create.command_id).await.to_string();
    let (mut here, mut there) = (Desk::default(), Desk::default());
    for desk in [&mut here, &mut there] {
        assert_eq!(desk.sign_in(&house, "mia@example.org", &old).await.0, 200);
    }
    let mut eve = Desk::default();
    eve.accepted(&house, &form("evilconf", "mia@example.org")).await;
    eve.accepted(&house, &rotate("evilconf")).await;
    assert!(there.owner(&house).await.is_some(), "who proved nothing ends nobody's session");

    let change = rotate("rustconf");
    here.accepted(&house, &change).await;
    assert!(here.owner(&house).await.is_some());
    assert!(there.owner(&house).await.is_none() && creator.owner(&house).await.is_none());
    let new = code_of(&house, "rustconf", change.command_id).await.to_string();
    assert_ne!(old, new);
    assert_eq!(there.sign_in(&house, "mia@example.org", &old).await.0, 401);
    assert_eq!(there.sign_in(&house, "mia@example.org", &new).await.0, 200);
    all_effects_are_done(&house).await;
    let letters = mails(&house, "owner-code-");
    assert_eq!(letters.iter().filter(|letter| letter.contains(&new)).count(), 1);
}

async fn a_session_that_was_planted_is_worth_nothing(house: TestHouse) {
    let create = form("rustconf", "mia@example.org");
    Desk::default().accepted(&house, &create).await;
    let code = code_of(&house, "rustconf", create.command_id).await.to_string();
    let eve = Desk::of_a_conference(&house, "evilconf", &[("General", 500, 10)]).await;
    let made_up = format!("owner-session={}", "A".repeat(43));
    for planted in [eve.cookie.clone().unwrap(), made_up] {
        let mut mia = Desk { cookie: Some(planted.clone()), ..Desk::default() };
        assert_eq!(mia.sign_in(&house, "mia@example.org", &code).await.0, 200);
        assert_ne!(mia.cookie.as_ref(), Some(&planted), "signing in makes a new session");
        let attacker = Desk { cookie: Some(planted), ..Desk::default() };
        assert!(attacker.owner(&house).await.is_none(), "the planted one is nobody's");
    }
}

#[tokio::test]
async fn guessing_codes_is_limited_for_each_client_and_each_address() {
    let house = start(Db::Sqlite).await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let (status, body) = Desk::default().sign_in(&house, "mia@example.org", "000-000").await;
        assert_eq!(status == 429, body["code"] == json!("too_many_requests"));
        statuses.push(status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10, "{statuses:?}");
}

#[tokio::test]
async fn mails_to_an_address_that_nobody_proved_are_limited() {
    let house = start(Db::Sqlite).await;
    let mut last = 0;
    for number in 0..11 {
        let create = form(&format!("conference-{number}"), "victim@example.org");
        last = Desk::default().send(&house, &create).await.0;
    }
    assert_eq!(last, 429);
    all_effects_are_done(&house).await;
    assert_eq!(mails(&house, "owner-code-").len(), 10);
}

#[tokio::test]
async fn a_lost_code_is_mailed_to_its_owner_and_the_answer_tells_nobody_anything() {
    let house = start(Db::Sqlite).await;
    let create = form("lost", "mia@example.org");
    Desk::default().accepted(&house, &create).await;
    all_effects_are_done(&house).await;
    let ask = async |email: &str| {
        let wanted = json!({ "email": email });
        Desk::default().post(&house, "/api/owner-codes", &wanted).await
    };
    assert_eq!(ask(" Mia@Example.org").await, ask("nobody@example.org").await);
    eventually("the code is mailed again", async || mails(&house, "owner-code-").len() == 2).await;
    let code = code_of(&house, "lost", create.command_id).await.to_string();
    assert!(mails(&house, "owner-code-").iter().all(|mail| mail.contains(&code)));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(ask("mia@example.org").await.0);
    }
    assert_eq!(statuses, [204, 204, 204, 429, 429], "nobody is buried in mails");
}

#[tokio::test]
async fn a_cookie_is_for_us_alone_and_over_tls_it_says_so() {
    let plain = start(Db::Sqlite).await;
    let desk = Desk::of_a_conference(&plain, "rustconf", &[("General", 500, 10)]).await;
    let (pair, attributes) = desk.set_cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("owner-session="), "{pair}");
    assert_eq!(attributes, "Path=/; Max-Age=43200; HttpOnly; SameSite=Lax");

    let https = |config: &mut server::config::Config| {
        config.http.public_url = "https://tickets.example".into();
    };
    let secure = start_with(Db::Sqlite, https).await;
    let desk = Desk::of_a_conference(&secure, "rustconf", &[("General", 500, 10)]).await;
    let (pair, attributes) = desk.set_cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-owner-session="), "{pair}");
    assert_eq!(attributes, "Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure");
    let renamed = desk.cookie.as_ref().map(|cookie| cookie.replace("__Host-", ""));
    assert!(desk.owner(&secure).await.is_some());
    let neighbour = Desk { cookie: renamed, ..Desk::default() };
    assert!(neighbour.owner(&secure).await.is_none(), "a neighbouring host could have set it");
}

#[tokio::test]
async fn pages_of_other_sites_cannot_manage() {
    let house = start(Db::Sqlite).await;
    let mia = Desk::of_a_conference(&house, "rustconf", &[("General", 500, 10)]).await;
    let ours = house.url("");
    assert_eq!(mia.clone().on_a_page_of(&ours).send(&house, &publish("rustconf")).await.0, 200);
    for origin in ["https://evil.example", "null"] {
        let (status, body) =
            mia.clone().on_a_page_of(origin).send(&house, &publish("rustconf")).await;
        assert_eq!((status, &body["code"]), (403, &json!("origin_foreign")), "{origin}");
    }
    let mut silent = mia.clone();
    silent.headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(silent.refused(&house, &publish("rustconf")).await.0, "origin_foreign");
    assert_eq!(silent.post(&house, "/api/sign-out", &json!({})).await.0, 403);
    assert!(mia.owner(&house).await.is_some());
}

#[tokio::test]
async fn what_a_form_does_not_have_cannot_be_posted() {
    let house = start(Db::Sqlite).await;
    let mut mia = Desk::of_a_conference(&house, "rustconf", &[("General", 500, 10)]).await;
    let mut over_posted = serde_json::to_value(update("rustconf", facts())).unwrap();
    for (field, value) in [
        ("is_published", json!(true)),
        ("slug", json!("other")),
        ("currency", json!("USD")),
        ("owner_email", json!("eve@example.org")),
    ] {
        let mut body = over_posted.clone();
        body["facts"][field] = value;
        let (status, body) = mia.post(&house, "/api/commands/update-conference", &body).await;
        assert_eq!((status, &body["code"]), (400, &json!("malformed")), "{field}");
    }
    over_posted["facts"]["description"] = json!("x".repeat(10_001));
    let (status, body) = mia.post(&house, "/api/commands/update-conference", &over_posted).await;
    assert_eq!((status, &body["fields"][0]["field"]), (422, &json!("description")));
    over_posted["facts"]["description"] = json!("ü".repeat(10_000));
    let (status, body) = mia.post(&house, "/api/commands/update-conference", &over_posted).await;
    assert_eq!(status, 200, "{body}");
    over_posted["facts"]["description"] = json!("x".repeat(70_000));
    let (status, _) = mia.post(&house, "/api/commands/update-conference", &over_posted).await;
    assert_eq!(status, 413);
}
