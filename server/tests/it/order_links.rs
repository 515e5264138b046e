//! Finding an order without its code: links that are mailed to the address it was ordered with.

use crate::documents::letters;
use crate::house::{Browser, Db, TestHouse, start};
use crate::on_both_databases;
use crate::payment::all_effects_are_done;
use crate::seating::{SLUG, bought, cancel};
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};
use shared::RefusalCode;
use shared::views::OrderStatus;

on_both_databases! {
    a_mailed_link_opens_its_order_once
    whoever_asks_for_links_learns_nothing
    a_link_ends_with_its_day
    a_link_of_another_conference_and_a_made_up_one_open_nothing
    a_link_opened_twice_at_once_opens_once
    only_orders_that_are_still_of_use_get_links
}

const DAY: i64 = 24 * 60 * 60;

async fn post(house: &TestHouse, path: &str, body: &Value) -> (u16, Value) {
    let answer = house.client.post(house.url(path)).json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn ask(house: &TestHouse, slug: &str, email: &str) -> (u16, Value) {
    post(house, "/api/order-links", &json!({ "conference": slug, "email": email })).await
}

async fn open(house: &TestHouse, slug: &str, link: &str) -> (u16, Value) {
    post(house, "/api/open-order-link", &json!({ "conference": slug, "link": link })).await
}

/// The links in the mails so far, and whom they went to.
async fn mailed_links(house: &TestHouse) -> Vec<(String, String)> {
    all_effects_are_done(house).await;
    let mut links = Vec::new();
    for (to, text) in letters(house, "order-links-") {
        for address in text.split_whitespace().filter(|word| word.contains("#link=")) {
            let (_, link) = address.split_once("#link=").expect("filtered");
            links.push((to.clone(), link.to_owned()));
        }
    }
    links
}

async fn the_link(house: &TestHouse) -> String {
    let (status, _) = ask(house, SLUG, "ada@example.org").await;
    assert_eq!(status, 204);
    let links = mailed_links(house).await;
    let [(to, link)] = links.as_slice() else { panic!("one link: {links:?}") };
    assert_eq!(to, "ada@example.org");
    link.clone()
}

async fn a_mailed_link_opens_its_order_once(house: TestHouse) {
    house.conference(SLUG, &[("General", 500, 10)]).await;
    let browser = bought(&house, 2).await;
    let link = the_link(&house).await;
    let (status, found) = open(&house, SLUG, &link).await;
    assert_eq!((status, &found["order_id"]), (200, &json!(browser.order_id)), "{found}");
    let token = found["token"].as_str().expect("a token").to_owned();
    let elsewhere = Browser { token, ..browser };
    assert_eq!(house.order(&elsewhere).await.seats(), 2);
    let house = house.restart().await;
    assert_eq!(open(&house, SLUG, &link).await.1["code"], "link_ended", "even after a restart");
    assert_eq!(house.order(&elsewhere).await.status, OrderStatus::Confirmed);
}

async fn whoever_asks_for_links_learns_nothing(house: TestHouse) {
    let view = house.conference(SLUG, &[("General", 500, 10)]).await;
    bought(&house, 1).await;
    all_effects_are_done(&house).await;
    let head = async || house.store.head(view.id.0).await.unwrap().unwrap().head;
    let before = head().await;
    for (slug, email) in [
        (SLUG, " ADA@example.org"),
        (SLUG, "nobody@example.org"),
        (SLUG, "no address"),
        ("nowhere", "ada@example.org"),
        ("No'Slug", "ada\u{0}@example.org"),
    ] {
        assert_eq!(ask(&house, slug, email).await, (204, Value::Null), "{slug} {email}");
    }
    // What would tell them apart happens later, out of sight: the ledger says the same of both.
    assert_eq!(head().await, before, "nothing is recorded for one and not for the other");
    let links = mailed_links(&house).await;
    assert!(links.len() == 1 && links[0].0 == "ada@example.org", "{links:?}");
}

async fn a_link_ends_with_its_day(house: TestHouse) {
    house.conference(SLUG, &[("General", 500, 10)]).await;
    bought(&house, 1).await;
    let first = the_link(&house).await;
    house.pass_seconds(DAY);
    assert_eq!(open(&house, SLUG, &first).await.1["code"], "link_ended");
    ask(&house, SLUG, "ada@example.org").await;
    let links = mailed_links(&house).await;
    let second = links.iter().map(|(_, link)| link).find(|link| **link != first);
    house.pass_seconds(DAY - 1);
    assert_eq!(open(&house, SLUG, second.expect("another link")).await.0, 200);
}

async fn a_link_of_another_conference_and_a_made_up_one_open_nothing(house: TestHouse) {
    house.conference(SLUG, &[("General", 500, 10)]).await;
    house.conference("other", &[("General", 500, 10)]).await;
    bought(&house, 1).await;
    let link = the_link(&house).await;
    let mut forged = link.clone();
    forged.replace_range(..1, if link.starts_with('A') { "B" } else { "A" });
    let long = "x".repeat(10_000);
    for (slug, link) in [
        ("other", &link),
        (SLUG, &forged),
        ("nowhere", &link),
        (SLUG, &String::new()),
        (SLUG, &long),
    ] {
        let (status, body) = open(&house, slug, link).await;
        assert_eq!((status, body["code"].as_str()), (404, Some("link_ended")), "{slug} {link}");
    }
    assert_eq!(open(&house, SLUG, &link).await.0, 200, "they used nothing up");
}

async fn a_link_opened_twice_at_once_opens_once(house: TestHouse) {
    house.conference(SLUG, &[("General", 500, 10)]).await;
    bought(&house, 1).await;
    let link = the_link(&house).await;
    let answers = tokio::join!(
        open(&house, SLUG, &link),
        open(&house, SLUG, &link),
        open(&house, SLUG, &link)
    );
    let mut statuses = [answers.0.0, answers.1.0, answers.2.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404]);
}

async fn only_orders_that_are_still_of_use_get_links(house: TestHouse) {
    let view = house.conference(SLUG, &[("General", 0, 10)]).await;
    let held = Browser::new(SLUG);
    house.accepted(&held.register(&[(view.seat_types[0].id, 1)]), &held.token).await;
    house.accepted(&held.details(), &held.token).await;
    ask(&house, SLUG, "ada@example.org").await;
    assert_eq!(mailed_links(&house).await.len(), 1, "an order under way");
    house.pass_seconds(1_800);
    house.order_when(&held, |order| order.status == OrderStatus::Expired).await;
    ask(&house, SLUG, "ada@example.org").await;
    assert_eq!(mailed_links(&house).await.len(), 1, "none for what is over");
    assert_eq!(house.refused(&cancel(&held), &held.token).await, RefusalCode::OrderNotConfirmed);
}

#[tokio::test]
async fn asking_for_links_and_guessing_them_is_limited() {
    let house = start(Db::Sqlite).await;
    house.conference(SLUG, &[("General", 500, 10)]).await;
    let (mut asked, mut opened) = (Vec::new(), Vec::new());
    for guess in 0..7 {
        asked.push(ask(&house, SLUG, &format!("ada{guess}@example.org")).await.0);
        opened.push(open(&house, SLUG, &format!("guess{guess}")).await.0);
    }
    assert_eq!(asked, [204, 204, 204, 204, 204, 429, 429]);
    assert_eq!(opened, [404, 404, 404, 404, 404, 429, 429]);
    let body = json!({ "conference": SLUG, "link": "guess" });
    let path = house.url("/api/open-order-link");
    let answer = house.client.post(path).json(&body).send().await.unwrap();
    let wait: u64 = answer.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "it says when: {wait}");
}
