//! The operator looks and sets right, beside a running server, on both databases.

use crate::desk::{Desk, form};
use crate::effects::ask;
use crate::house::{Browser, TestHouse, fresh};
use crate::on_both_databases;
use crate::payment::{all_effects_are_done, eventually, mails};
use crate::program::tool_on;
use crate::seating::{SLUG, owner};
use reqwest::StatusCode;
use serde_json::Value;
use server::domain::registration_process::Effect;
use server::store::{NewEffect, sqlite_url};
use shared::commands::{BrowserCommand, RegisterToConference};
use shared::management::UnpublishConference;
use shared::views::{ConferenceView, OrderStatus};
use shared::{CommandId, PaymentId, RefusalCode};
use uuid::Uuid;

on_both_databases! {
    an_effect_that_was_given_up_is_listed_retried_and_performed
    an_effect_is_discarded_only_on_purpose
    money_that_is_owed_cannot_be_discarded
    an_orders_history_is_told_by_its_id_and_by_its_code
    during_maintenance_new_orders_wait_and_placed_ones_finish
    owners_change_nothing_during_maintenance
    an_export_has_every_event
}

/// An effect that nobody performs, because its attempts are used up.
async fn given_up(house: &TestHouse, conference: &ConferenceView, id: u128, effect: &Effect) {
    let due_at = house.clock.now().plus_seconds(86_400).0;
    let payload = serde_json::to_string(effect).unwrap();
    let id = Uuid::from_u128(id);
    ask(house, conference, NewEffect { id, kind: effect.kind(), payload, due_at }).await;
    house.store.bury_effect(conference.id.0, id, "the mail server is on holiday").await.unwrap();
}

/// An order that is paid and confirmed.
async fn bought(house: &TestHouse, conference: &ConferenceView) -> Browser {
    let (browser, payment_id, total) = house.up_to_payment(conference, 2).await;
    house.paid(&browser, payment_id, total).await;
    all_effects_are_done(house).await;
    browser
}

async fn an_effect_that_was_given_up_is_listed_retried_and_performed(house: TestHouse) {
    let conference = house.conference("dead", &[("General", 500, 10)]).await;
    let order_id = bought(&house, &conference).await.order_id;
    given_up(&house, &conference, 1, &Effect::MailConfirmation { order_id }).await;

    let id = Uuid::from_u128(1).to_string();
    let listed = house.tool(&["effects"]).await.fine();
    for words in ["dead  ", &id, "MailConfirmation", &order_id.to_string(), "on holiday"] {
        assert!(listed.contains(words), "{words}: {listed}");
    }
    assert!(house.tool(&["verify"]).await.fine().contains("note: given up"));
    house.tool(&["effects", "retry", &fresh().to_string()]).await.wrong(&["There is no effect"]);
    house.tool(&["effects", "retry", &id]).await.fine();
    house.tool(&["effects", "retry", &id]).await.wrong(&["It was not given up"]);
    house.pass_seconds(10);
    all_effects_are_done(&house).await;
    assert_eq!(mails(&house, "confirmation-").len(), 2);
    assert!(house.tool(&["effects", "list"]).await.fine().contains("0 effects given up"));
}

async fn an_effect_is_discarded_only_on_purpose(house: TestHouse) {
    let conference = house.conference("discard", &[("General", 500, 10)]).await;
    let order_id = bought(&house, &conference).await.order_id;
    given_up(&house, &conference, 1, &Effect::MailConfirmation { order_id }).await;

    let id = Uuid::from_u128(1).to_string();
    let lost = ["does not get the confirmation", "--yes"];
    house.tool(&["effects", "discard", &id]).await.wrong(&lost);
    house.tool(&["effects", "discard", "all", "--yes"]).await.fine();
    assert_eq!(house.store.dead_effects(10).await.unwrap(), []);
    house.tool(&["effects", "discard", &id, "--yes"]).await.wrong(&["There is no effect"]);
}

async fn money_that_is_owed_cannot_be_discarded(house: TestHouse) {
    let conference = house.conference("owed", &[("General", 500, 10)]).await;
    let (browser, payment_id, amount) = house.up_to_payment(&conference, 1).await;
    let refund = Effect::RefundPayment { order_id: browser.order_id, payment_id, amount };
    given_up(&house, &conference, 1, &refund).await;
    let id = Uuid::from_u128(1).to_string();
    house.tool(&["effects", "discard", &id, "--yes"]).await.wrong(&["cannot be discarded"]);
    assert_eq!(house.store.dead_effects(10).await.unwrap().len(), 1);
}

async fn an_orders_history_is_told_by_its_id_and_by_its_code(house: TestHouse) {
    let conference = house.conference("told", &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    let order = house.order(&browser).await;
    let (id, code) = (browser.order_id.to_string(), order.access_code.to_string());

    let story = house.tool(&["history", &id]).await.fine();
    for words in
        ["Order placed: 2 General.", "Held: 2 General.", "Went to pay €10.", "looked at again"]
    {
        assert!(story.contains(words), "{words}: {story}");
    }
    assert_eq!(house.tool(&["history", &code.to_lowercase()]).await.fine(), story);
    house.paid(&browser, payment_id, total).await;
    all_effects_are_done(&house).await;
    let json = house.tool(&["history", &code, "--in", "told", "--json"]).await.fine();
    let json: Value = serde_json::from_str(&json).unwrap();
    let events = json["events"].as_array().unwrap();
    assert_eq!(json["order_id"], id);
    assert_eq!(events[0]["words"], "Order placed: 2 General.");
    assert_eq!(events[0]["time"], "2027-01-15T12:00:00.000Z");
    assert!(events[0]["command_id"].is_string() && events[0]["cause"] == 0);
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert!(kinds.contains(&"Order.OrderConfirmed.v1"), "{kinds:?}");
    assert!(json["deadline"].is_null() && json["effects"].as_array().unwrap().is_empty());
    house.tool(&["history", &fresh().to_string()]).await.wrong(&["There is no order"]);
}

async fn during_maintenance_new_orders_wait_and_placed_ones_finish(house: TestHouse) {
    let conference = house.conference("pause", &[("General", 500, 100_000)]).await;
    let seats = [(conference.seat_types[0].id, 2)];
    let placed = Browser::new("pause");
    let register = placed.register(&seats);
    house.accepted(&register, &placed.token).await;

    house.tool(&["maintenance", "on", "Back", "at", "noon."]).await.fine();
    // Each time somebody else: whoever is let in has an order, and goes on.
    eventually("the server has seen the switch", async || {
        let newcomer = Browser::new("pause");
        let wish = newcomer.register(&seats);
        house.command(&wish, &newcomer.token).await.0 == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    let stranger = Browser::new("pause");
    let url = house.url(&format!("/api/commands/{}", RegisterToConference::ROUTE));
    let request = house.client.post(url).bearer_auth(&stranger.token);
    let answer = request.json(&stranger.register(&seats)).send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "60");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&"maintenance".into(), &503.into()));
    assert_eq!(problem["detail"], "Back at noon.");

    // Reading goes on, the server is ready, and who has an order goes on to its end.
    assert!(2 <= house.conference_view("pause").await.seat_types[0].held);
    let ready = house.client.get(house.url("/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    house.accepted(&register, &placed.token).await;
    house.accepted(&placed.register(&[(conference.seat_types[0].id, 3)]), &placed.token).await;
    house.accepted(&placed.details(), &placed.token).await;
    let total = house.order(&placed).await.total;
    let payment_id = PaymentId(fresh());
    house.accepted(&placed.pay(payment_id, total), &placed.token).await;
    house.paid(&placed, payment_id, total).await;
    assert_eq!(house.order(&placed).await.status, OrderStatus::Confirmed);

    // A restart does not forget it.
    let house = house.restart().await;
    assert_eq!(
        house.refused(&stranger.register(&seats), &stranger.token).await,
        RefusalCode::Maintenance
    );
    assert!(house.tool(&["maintenance"]).await.fine().contains("Back at noon."));
    house.tool(&["maintenance", "off"]).await.fine();
    eventually("the server has seen the switch", async || {
        house.command(&stranger.register(&seats), &stranger.token).await.0 == StatusCode::OK
    })
    .await;
}

async fn owners_change_nothing_during_maintenance(house: TestHouse) {
    let mut desk = owner(&house, 10).await;
    let hide = || {
        let (command_id, conference) = (CommandId(fresh()), SLUG.to_owned());
        UnpublishConference { command_id, conference }
    };
    house.tool(&["maintenance", "on"]).await.fine();
    house.maintenance.look().await.unwrap();
    assert_eq!(desk.refused(&house, &hide()).await, ("maintenance".into(), String::new()));
    let mut newcomer = Desk::default();
    let refused = newcomer.refused(&house, &form("new-days", "mia@example.org")).await;
    assert_eq!(refused.0, "maintenance");
    house.tool(&["maintenance", "off"]).await.fine();
    house.maintenance.look().await.unwrap();
    desk.accepted(&house, &hide()).await;
}

async fn an_export_has_every_event(house: TestHouse) {
    let conference = house.conference("export", &[("General", 0, 10)]).await;
    house.conference("other", &[("General", 0, 10)]).await;
    let browser = Browser::new("export");
    house.accepted(&browser.register(&[(conference.seat_types[0].id, 1)]), &browser.token).await;
    let events = house.store.read_all(conference.id.0, 0, 1_000).await.unwrap();
    let lines = house.tool(&["export", "export"]).await.fine();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), events.len());
    for (line, event) in lines.iter().zip(&events) {
        assert_eq!(line["position"], event.position);
        assert_eq!(
            (&line["stream"], &line["kind"]),
            (&event.stream.clone().into(), &event.kind.clone().into())
        );
        assert_eq!(line["payload"], serde_json::from_str::<Value>(&event.payload).unwrap());
    }
    let all = house.tool(&["export"]).await.fine();
    assert!(lines.len() < all.lines().count());
    house.tool(&["export", "nowhere"]).await.wrong(&["there is no conference nowhere"]);
}

#[tokio::test]
async fn a_command_line_that_means_nothing_is_answered_with_the_usage() {
    for words in [&["verify", "--quick"][..], &["effects", "retry"], &["bogus"]] {
        let said = tool_on("sqlite:nowhere.db", 0, words).await;
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains("rebuild-views [SLUG|all]"), "{said:?}");
    }
}

/// A tool must not make a database where there is none.
#[tokio::test]
async fn a_tool_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contoso.db");
    let url = sqlite_url(&path);
    tool_on(&url, 0, &["verify"]).await.wrong(&["there is no database file"]);
    assert!(!path.exists());
}
