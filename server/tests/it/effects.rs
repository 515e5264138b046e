//! What leaves a ledger is performed, again and again if need be, and never dropped silently.

use crate::house::{Db, TestHouse, start, start_with};
use crate::on_both_databases;
use crate::payment::{
    all_effects_are_done, closed_address, eventually, eventually_in, mails, status_at_provider,
};
use serde::Serialize;
use server::domain::registration_process::Effect;
use server::payment_gateway::ProviderStatus;
use server::simulated_provider::{self, SimulatedProvider};
use server::store::{Commit, DeadEffect, NewEffect};
use shared::views::{ConferenceView, OrderStatus};
use shared::{OrderId, Timestamp};
use tempfile::TempDir;
use tokio::net::TcpListener;
use uuid::Uuid;

on_both_databases! {
    every_confirmed_order_gets_one_mail_with_its_code
    an_effect_of_a_newer_release_is_left_to_its_servers
    an_effect_that_nobody_can_read_is_kept_for_the_operator
    a_leased_effect_outlives_the_worker_that_took_it
}

/// Past the hold, the grace and the time in which the provider may answer.
const PAST_THE_BOUND: i64 = 3_600;

async fn every_confirmed_order_gets_one_mail_with_its_code(house: TestHouse) {
    let conference = house.conference("mails", &[("General", 500, 10)]).await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
        for _ in 0..2 {
            house.paid(&browser, payment_id, total).await;
        }
        let order = house.order(&browser).await;
        assert_eq!(order.status, OrderStatus::Confirmed);
        codes.push(order.access_code.to_string());
    }
    all_effects_are_done(&house).await;
    let house = house.restart().await;
    house.pass_seconds(120);
    all_effects_are_done(&house).await;
    let mails = mails(&house, "confirmation-");
    assert_eq!(mails.len(), 3);
    for code in codes {
        let with_this_code = mails.iter().filter(|mail| mail.contains(&code)).count();
        assert_eq!(with_this_code, 1);
    }
}

/// Puts an effect beside the ledger, as a newer release might have done.
pub(crate) async fn ask(house: &TestHouse, conference: &ConferenceView, effect: NewEffect) {
    let ledger = conference.id.0;
    let expected_head = house.store.head(ledger).await.unwrap().unwrap().head;
    let effects = vec![effect];
    let commit = Commit { ledger, expected_head, effects, ..Commit::default() };
    house.store.commit(&commit).await.unwrap();
}

fn effect(id: u128, kind: &'static str, payload: &impl Serialize, due_at: Timestamp) -> NewEffect {
    let payload = serde_json::to_string(payload).unwrap();
    NewEffect { id: Uuid::from_u128(id), kind, payload, due_at: due_at.0 }
}

/// Waits until so many are, and returns them.
pub(crate) async fn effects_are_laid_aside(house: &TestHouse, count: usize) -> Vec<DeadEffect> {
    let mut dead = Vec::new();
    eventually_in(house, "the effects are laid aside", async || {
        dead = house.store.dead_effects(10).await.unwrap_or_default();
        dead.len() == count
    })
    .await;
    dead
}

async fn an_effect_of_a_newer_release_is_left_to_its_servers(house: TestHouse) {
    let conference = house.conference("newer", &[("General", 500, 10)]).await;
    let now = house.clock.now();
    let unknown = serde_json::json!({ "effect": "TurnTheMoon" });
    ask(&house, &conference, effect(1, "TurnTheMoon", &unknown, now)).await;
    // When this one is over, so would that have been.
    let order_id = OrderId(Uuid::from_u128(1));
    let of_no_order = Effect::MailConfirmation { order_id };
    ask(&house, &conference, effect(2, "MailConfirmation", &of_no_order, now)).await;
    house.pass_seconds(10);
    effects_are_laid_aside(&house, 1).await;
    let all = house.store.effects((Uuid::nil(), Uuid::nil()), 10).await.unwrap();
    let left = all.iter().find(|effect| effect.kind == "TurnTheMoon").unwrap();
    assert_eq!((left.attempts, left.is_dead, left.due_at), (0, false, now.0));
}

async fn an_effect_that_nobody_can_read_is_kept_for_the_operator(house: TestHouse) {
    let conference = house.conference("unknown", &[("General", 500, 10)]).await;
    let now = house.clock.now();
    let unreadable = serde_json::json!({ "effect": "TurnTheMoon" });
    ask(&house, &conference, effect(1, "MailRefund", &unreadable, now)).await;
    let order_id = OrderId(Uuid::from_u128(1));
    let of_no_order = Effect::MailConfirmation { order_id };
    ask(&house, &conference, effect(2, "MailConfirmation", &of_no_order, now)).await;
    house.pass_seconds(10);
    let dead = effects_are_laid_aside(&house, 2).await;
    let error_of = |id: u128| {
        let effect = dead.iter().find(|effect| effect.id.as_u128() == id).unwrap();
        effect.last_error.as_str()
    };
    assert!(error_of(1).contains("does not know"), "{}", error_of(1));
    assert!(error_of(2).contains("OrderNotFound"), "{}", error_of(2));
}

async fn a_leased_effect_outlives_the_worker_that_took_it(house: TestHouse) {
    let conference = house.conference("killed", &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    house.paid(&browser, payment_id, total).await;
    all_effects_are_done(&house).await;
    // Not due yet, so that the house's own worker leaves it to one that takes it and dies.
    let now = house.clock.now();
    let mail = Effect::MailConfirmation { order_id: browser.order_id };
    let due_at = now.plus_seconds(500);
    ask(&house, &conference, effect(1, mail.kind(), &mail, due_at)).await;
    let lease_until = now.plus_seconds(560);
    let leased =
        house.store.lease_effects(Effect::KINDS, due_at.0, lease_until.0, 10).await.unwrap();
    assert_eq!(leased.len(), 1);
    let house = house.restart().await;
    house.pass_seconds(560);
    all_effects_are_done(&house).await;
    assert_eq!(mails(&house, "confirmation-").len(), 2);
}

/// Moves the clock to the next attempt and waits until it is over; false when none is left.
pub(crate) async fn next_attempt(house: &TestHouse) -> bool {
    let Some(due_at) = house.store.next_effect(Effect::KINDS).await.unwrap() else { return false };
    let now = house.clock.now().max(Timestamp(due_at));
    assert!(house.clock.set(now));
    eventually("the attempt is over", async || {
        house.store.next_effect(Effect::KINDS).await.unwrap() != Some(due_at)
            && !is_under_way(house).await
    })
    .await;
    true
}

/// Whether the only effect is leased to a worker at this instant of the house's clock.
pub(crate) async fn is_under_way(house: &TestHouse) -> bool {
    let leased_until = house.clock.now().plus_seconds(60);
    house.store.next_effect(Effect::KINDS).await.unwrap() == Some(leased_until.0)
}

/// A house whose provider does not answer.
async fn house_without_provider(provider_url: &str) -> TestHouse {
    start_with(Db::Sqlite, |config| config.payment.provider_url = provider_url.to_owned()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_to_a_provider_that_is_down_is_asked_again_when_it_is_back() {
    let provider_url = closed_address().await;
    let house = house_without_provider(&provider_url).await;
    let conference = house.conference("down", &[("General", 500, 10)]).await;
    let (browser, payment_id, _) = house.up_to_payment(&conference, 2).await;
    house.pass_seconds(PAST_THE_BOUND);
    house.order_when(&browser, |order| order.status == OrderStatus::Expired).await;
    for _ in 0..4 {
        assert!(next_attempt(&house).await, "it is not forgotten");
    }
    let folder = TempDir::new().unwrap();
    let provider = SimulatedProvider::open(
        &folder.path().join("journal.jsonl"),
        &house.config.secrets.payment_key,
        house.url("/api/payment-callbacks"),
        house.clock.clone(),
    )
    .unwrap();
    let address = provider_url.strip_prefix("http://").unwrap();
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async { axum::serve(listener, simulated_provider::router(provider)).await });
    house.pass_seconds(900);
    all_effects_are_done(&house).await;
    let status = status_at_provider(&house, &browser, payment_id).await;
    assert_eq!(status, ProviderStatus::Cancelled {});
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_is_never_answered_is_laid_aside_after_its_bound() {
    let house = house_without_provider(&closed_address().await).await;
    let conference = house.conference("gone", &[("General", 500, 10)]).await;
    let (browser, _, _) = house.up_to_payment(&conference, 2).await;
    house.pass_seconds(PAST_THE_BOUND);
    house.order_when(&browser, |order| order.status == OrderStatus::Expired).await;
    for _ in 0..100 {
        if !next_attempt(&house).await {
            break;
        }
    }
    let dead = house.store.dead_effects(10).await.unwrap();
    let [effect] = dead.as_slice() else { panic!("one effect is laid aside: {dead:?}") };
    assert_eq!((effect.kind.as_str(), effect.attempts), ("CancelPayment", 60));
    assert!(effect.last_error.contains("the provider did not answer"), "{effect:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_cannot_be_written_is_written_when_it_can() {
    let house = start(Db::Sqlite).await;
    // A file where the folder should be.
    std::fs::write(&house.config.mail.dir, "in the way").unwrap();
    let conference = house.conference("full", &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    house.paid(&browser, payment_id, total).await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Confirmed);
    for _ in 0..3 {
        assert!(next_attempt(&house).await, "it is not forgotten");
    }
    std::fs::remove_file(&house.config.mail.dir).unwrap();
    house.pass_seconds(900);
    all_effects_are_done(&house).await;
    assert_eq!(mails(&house, "confirmation-").len(), 1);
}
