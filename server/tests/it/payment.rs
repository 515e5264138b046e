//! Stories of money: accepted, declined, late, twice, lost on its way. The buttons pressed are the
//! simulated provider's own.

use crate::house::{Browser, Db, TestHouse, fresh, start, start_with};
use crate::on_both_databases;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use server::clock::Clock;
use server::domain::registration_process::Effect;
use server::payment_gateway::{Outcome, PaymentGateway, PaymentRef, ProviderStatus};
use server::simulated_provider::{self, SimulatedProvider};
use shared::views::{ConferenceView, OrderStatus, PaymentStatus};
use shared::{Money, PaymentId};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::Instant;

on_both_databases! {
    an_accepted_payment_confirms_the_order
    a_declined_payment_keeps_the_seats_and_another_one_works
    an_answer_can_come_later
    an_answer_that_comes_twice_acts_once
    a_payment_is_cancelled_at_the_provider_after_the_bound
    late_money_for_seats_that_are_free_confirms_the_order
    late_money_for_seats_that_are_gone_goes_back
    a_second_payment_goes_back
}

/// Past the hold, the grace and the time in which the provider may answer.
const PAST_THE_BOUND: i64 = 3_600;
pub(crate) const KEY: &[u8] = b"what the house and a provider elsewhere share";

/// Waits until the fact is there. Facts come by messages between tasks, so how often one has to look
/// is not known; only a broken server makes this wait long.
pub(crate) async fn eventually(fact: &str, mut is_there: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_there().await {
            tokio::task::yield_now().await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), looking).await;
    assert!(found.is_ok(), "this never became true: {fact}");
}

/// Presses a button on the hosted page of the order's latest payment; says where that leads.
pub(crate) async fn press(house: &TestHouse, browser: &Browser, decision: &str) -> String {
    let order = house.order(browser).await;
    let pay_at = order.payment.and_then(|payment| payment.pay_at).expect("a payment in flight");
    let page = house.client.get(house.url(&pay_at)).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let label = decision.replace('_', " ");
    assert!(page.text().await.unwrap().to_lowercase().contains(&format!(">{label}</button>")));
    decide(house, &house.url(""), &pay_at, decision).await
}

/// Sends the form of a button, whether or not the page shows it.
async fn decide(house: &TestHouse, provider_url: &str, pay_at: &str, decision: &str) -> String {
    let (_, fields) = pay_at.split_once('?').expect("signed parameters");
    let answer = house
        .client
        .post(format!("{provider_url}/simulated-provider/decide"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("{fields}&decision={decision}"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}

pub(crate) async fn status_at_provider(
    house: &TestHouse,
    browser: &Browser,
    payment_id: PaymentId,
) -> ProviderStatus {
    let payment = PaymentRef {
        conference: browser.conference.clone(),
        order_id: browser.order_id,
        payment_id,
    };
    house.gateway.query(&payment, house.clock.now()).await.unwrap()
}

fn pay_at(house: &TestHouse, browser: &Browser, payment_id: PaymentId, total: Money) -> String {
    house.gateway.pay_at(&browser.conference, browser.order_id, payment_id, total)
}

/// How often each kind of event happened to a conference.
pub(crate) async fn count(house: &TestHouse, conference: &ConferenceView, kind: &str) -> usize {
    let events = house.store.read_all(conference.id.0, 0, 1_000).await.unwrap();
    events.iter().filter(|event| event.kind == kind).count()
}

/// The mails of one kind, as they lie in the folder.
pub(crate) fn mails(house: &TestHouse, kind: &str) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(&house.config.mail.dir) else { return vec![] };
    folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(kind))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// As [`eventually`], and the house's clock, which only a test moves, goes on with ours by whole seconds: on
/// a machine that is busy with other tests the database may not answer, and what failed waits for its time.
pub(crate) async fn eventually_in(
    house: &TestHouse,
    fact: &str,
    mut is_there: impl AsyncFnMut() -> bool,
) {
    let began = Instant::now();
    let mut passed = 0;
    eventually(fact, async || {
        let seconds = began.elapsed().as_secs().cast_signed();
        if passed < seconds {
            house.pass_seconds(seconds - passed);
            passed = seconds;
        }
        is_there().await
    })
    .await;
}

pub(crate) async fn all_effects_are_done(house: &TestHouse) {
    eventually_in(house, "every effect is performed", async || {
        house.store.next_effect(Effect::KINDS).await.is_ok_and(|next| next.is_none())
    })
    .await;
    assert_eq!(house.store.dead_effects(10).await.unwrap(), [], "and none was given up");
}

async fn an_accepted_payment_confirms_the_order(house: TestHouse) {
    let conference = house.conference("accept", &[("General", 500, 2)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    let back = press(&house, &browser, "accept").await;
    assert_eq!(back, format!("/accept/order/{}/payment", browser.order_id));
    let order = house.order_when(&browser, |o| o.status == OrderStatus::Confirmed).await;
    assert_eq!(order.payment.unwrap().status, PaymentStatus::Completed);
    let status = status_at_provider(&house, &browser, payment_id).await;
    assert!(matches!(status, ProviderStatus::Completed { amount, .. } if amount == total));
    let again = house.client.get(house.url(&pay_at(&house, &browser, payment_id, total)));
    let page = again.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("This payment was accepted") && !page.contains("<button"), "{page}");
}

async fn a_declined_payment_keeps_the_seats_and_another_one_works(house: TestHouse) {
    let conference = house.conference("decline", &[("General", 500, 2)]).await;
    let (browser, first, total) = house.up_to_payment(&conference, 2).await;
    press(&house, &browser, "decline").await;
    let is_declined = |status| status == PaymentStatus::Declined;
    let order = house
        .order_when(&browser, |o| o.payment.as_ref().is_some_and(|p| is_declined(p.status)))
        .await;
    assert_eq!((order.status, order.seats()), (OrderStatus::Held, 2));
    let reason = order.payment.unwrap().decline_reason;
    assert_eq!(reason.as_deref(), Some("Your bank declined the payment."));
    // The provider does not change its mind.
    decide(&house, &house.url(""), &pay_at(&house, &browser, first, total), "accept").await;
    let status = status_at_provider(&house, &browser, first).await;
    assert!(matches!(status, ProviderStatus::Declined { .. }));
    house.accepted(&browser.pay(PaymentId(fresh()), total), &browser.token).await;
    press(&house, &browser, "accept").await;
    house.order_when(&browser, |o| o.status == OrderStatus::Confirmed).await;
}

async fn an_answer_can_come_later(house: TestHouse) {
    let conference = house.conference("later", &[("General", 500, 2)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 1).await;
    press(&house, &browser, "answer_later").await;
    let status = status_at_provider(&house, &browser, payment_id).await;
    assert_eq!(status, ProviderStatus::Pending {});
    assert_eq!(house.order(&browser).await.status, OrderStatus::Held);
    let list = house.client.get(house.url("/simulated-provider/pending"));
    let page = list.send().await.unwrap().text().await.unwrap();
    let address = pay_at(&house, &browser, payment_id, total);
    let (_, signature) = address.split_once("signature=").unwrap();
    assert!(page.contains(signature) && page.contains(">Accept</button>"), "{page}");
    decide(&house, &house.url(""), &address, "accept").await;
    house.order_when(&browser, |o| o.status == OrderStatus::Confirmed).await;
}

async fn an_answer_that_comes_twice_acts_once(house: TestHouse) {
    let conference = house.conference("twice", &[("General", 500, 2)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 1).await;
    press(&house, &browser, "answer_twice").await;
    house.order_when(&browser, |o| o.status == OrderStatus::Confirmed).await;
    house.paid(&browser, payment_id, total).await;
    assert_eq!(count(&house, &conference, "Payment.PaymentCompleted.v1").await, 1);
    assert_eq!(count(&house, &conference, "Order.OrderConfirmed.v1").await, 1);
    assert_eq!(house.conference_view("twice").await.seat_types[0].sold, 1);
}

async fn a_payment_is_cancelled_at_the_provider_after_the_bound(house: TestHouse) {
    let conference = house.conference("never", &[("General", 500, 2)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    house.pass_seconds(PAST_THE_BOUND);
    house.order_when(&browser, |o| o.status == OrderStatus::Expired).await;
    all_effects_are_done(&house).await;
    let status = status_at_provider(&house, &browser, payment_id).await;
    assert_eq!(status, ProviderStatus::Cancelled {});
    // The page that is still open somewhere collects nothing any more.
    decide(&house, &house.url(""), &pay_at(&house, &browser, payment_id, total), "accept").await;
    let status = status_at_provider(&house, &browser, payment_id).await;
    assert_eq!(status, ProviderStatus::Cancelled {});
}

/// A payment that was given up, and for which the money comes all the same.
async fn pays_too_late(house: &TestHouse, conference: &ConferenceView) -> (Browser, PaymentId) {
    let (browser, payment_id, total) = house.up_to_payment(conference, 2).await;
    press(house, &browser, "answer_later").await;
    house.pass_seconds(PAST_THE_BOUND);
    house.order_when(&browser, |o| o.status == OrderStatus::Expired).await;
    all_effects_are_done(house).await;
    let next = Browser::new(&conference.slug);
    if conference.seat_types[0].quota < 4 {
        let seats = [(conference.seat_types[0].id, 1)];
        house.accepted(&next.register(&seats), &next.token).await;
    }
    let list = house.client.get(house.url("/simulated-provider/pending"));
    let page = list.send().await.unwrap().text().await.unwrap();
    assert!(page.contains(">Accept although cancelled</button>"), "{page}");
    let address = pay_at(house, &browser, payment_id, total);
    decide(house, &house.url(""), &address, "accept_although_cancelled").await;
    (browser, payment_id)
}

async fn late_money_for_seats_that_are_free_confirms_the_order(house: TestHouse) {
    let conference = house.conference("free", &[("General", 500, 4)]).await;
    let (browser, _) = pays_too_late(&house, &conference).await;
    house.order_when(&browser, |o| o.status == OrderStatus::Confirmed).await;
    assert_eq!(house.conference_view("free").await.seat_types[0].sold, 2);
}

async fn late_money_for_seats_that_are_gone_goes_back(house: TestHouse) {
    let conference = house.conference("taken", &[("General", 500, 2)]).await;
    let (browser, payment_id) = pays_too_late(&house, &conference).await;
    let is_refunded = |status| status == PaymentStatus::Refunded;
    let order = house
        .order_when(&browser, |o| o.payment.as_ref().is_some_and(|p| is_refunded(p.status)))
        .await;
    assert_eq!(order.status, OrderStatus::Expired);
    let status = status_at_provider(&house, &browser, payment_id).await;
    assert!(matches!(status, ProviderStatus::Refunded { .. }), "{status:?}");
    all_effects_are_done(&house).await;
    let mails = mails(&house, "refund-");
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("ada@example.org") && mails[0].contains("team@example.org"));
}

async fn a_second_payment_goes_back(house: TestHouse) {
    let conference = house.conference("second", &[("General", 500, 2)]).await;
    let (browser, first, total) = house.up_to_payment(&conference, 2).await;
    press(&house, &browser, "answer_later").await;
    // A provider that says no and has the money later is wrong, but the money is real.
    let declined = Outcome::Declined { reason: "No.".into() };
    assert_eq!(house.callback(&browser, declined, first).await, StatusCode::OK);
    let second = PaymentId(fresh());
    house.accepted(&browser.pay(second, total), &browser.token).await;
    press(&house, &browser, "accept").await;
    house.order_when(&browser, |o| o.status == OrderStatus::Confirmed).await;
    decide(&house, &house.url(""), &pay_at(&house, &browser, first, total), "accept").await;
    eventually("the first payment was refunded", async || {
        let status = status_at_provider(&house, &browser, first).await;
        matches!(status, ProviderStatus::Refunded { .. })
    })
    .await;
    all_effects_are_done(&house).await;
    let order = house.order(&browser).await;
    assert_eq!(order.status, OrderStatus::Confirmed);
    assert_eq!(order.payment.map(|payment| payment.id), Some(second));
    let status = status_at_provider(&house, &browser, second).await;
    assert!(matches!(status, ProviderStatus::Completed { .. }));
    let mails = mails(&house, "refund-");
    assert!(mails.len() == 1 && mails[0].contains("second payment"), "{mails:?}");
}

/// Starts a provider with a journal of its own whose callbacks reach nobody.
async fn unheard_provider(journal: &Path, key: &[u8], clock: Clock, listener: TcpListener) {
    let nowhere = format!("{}/api/payment-callbacks", closed_address().await);
    let provider = SimulatedProvider::open(journal, key, nowhere, clock).unwrap();
    let router = simulated_provider::router(provider);
    tokio::spawn(async move { axum::serve(listener, router).await });
}

/// An address on which nobody listens.
pub(crate) async fn closed_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_whose_callback_was_lost_is_found_by_asking() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let provider_url = format!("http://{}", listener.local_addr().unwrap());
    let house = start_with(Db::Sqlite, |config| {
        config.payment.provider_url.clone_from(&provider_url);
        config.secrets.payment_key = KEY.to_vec();
    })
    .await;
    let folder = TempDir::new().unwrap();
    let journal = folder.path().join("journal.jsonl");
    unheard_provider(&journal, KEY, house.clock.clone(), listener).await;
    let conference = house.conference("lost", &[("General", 500, 2)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    decide(&house, &provider_url, &pay_at(&house, &browser, payment_id, total), "accept").await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Held);
    // The hold and the grace end; the provider is asked before the seats are given away.
    house.pass_seconds(960);
    house.order_when(&browser, |o| o.status == OrderStatus::Confirmed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_was_not_delivered_is_delivered_after_a_restart() {
    let house = start(Db::Sqlite).await;
    let conference = house.conference("restart", &[("General", 500, 2)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    // The house's own provider, as if the server could not be reached.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let provider_url = format!("http://{}", listener.local_addr().unwrap());
    let journal = house.folder().join("simulated-provider.jsonl");
    let key = house.config.secrets.payment_key.clone();
    // A clock of its own that stands still: only the restart delivers.
    unheard_provider(&journal, &key, Clock::settable(house.clock.now()), listener).await;
    decide(&house, &provider_url, &pay_at(&house, &browser, payment_id, total), "accept").await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Held);
    let house = house.restart().await;
    house.order_when(&browser, |o| o.status == OrderStatus::Confirmed).await;
    eventually("the delivery is remembered", async || {
        std::fs::read_to_string(&journal).unwrap().contains("callback_settled")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_serves_nobody_whose_parameters_are_not_signed() {
    let house = start(Db::Sqlite).await;
    let conference = house.conference("forged", &[("General", 500, 2)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    let address = pay_at(&house, &browser, payment_id, total);
    let page = house.client.get(house.url(&address)).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    for wrong in [
        address.replace("amount=1000", "amount=1"),
        address.replace("conference=forged", "conference=other"),
        "/simulated-provider/pay".to_owned(),
    ] {
        assert_ne!(wrong, address);
        let page = house.client.get(house.url(&wrong)).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::BAD_REQUEST, "{wrong}");
        let (_, fields) = wrong.split_once('?').unwrap_or_default();
        let pressed = house
            .client
            .post(house.url("/simulated-provider/decide"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(format!("{fields}&decision=accept"));
        assert_eq!(pressed.send().await.unwrap().status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
    let stranger = PaymentGateway::new(&house.url(""), b"another key");
    let payment = PaymentRef {
        conference: browser.conference.clone(),
        order_id: browser.order_id,
        payment_id,
    };
    let error = stranger.cancel(&payment, house.clock.now()).await.unwrap_err();
    assert!(format!("{error:#}").contains("401"), "{error:#}");
    let status = status_at_provider(&house, &browser, payment_id).await;
    assert_eq!(status, ProviderStatus::Unknown {});
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_the_provider_says_that_an_order_is_paid() {
    let house = start(Db::Sqlite).await;
    let conference = house.conference("liar", &[("General", 500, 2)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    let callback = server::payment_gateway::Callback {
        conference: "liar".into(),
        order_id: browser.order_id,
        payment_id,
        outcome: Outcome::Completed { amount: total, reference: "x".into() },
    };
    let body = serde_json::to_string(&callback).unwrap();
    let now = house.clock.now();
    let forged = PaymentGateway::new("", b"another key").sign(body.as_bytes(), now);
    let old = house.gateway.sign(body.as_bytes(), now.plus_seconds(-301));
    for signature in [forged.as_str(), &old, ""] {
        let request = house
            .client
            .post(house.url("/api/payment-callbacks"))
            .header(CONTENT_TYPE, "application/json")
            .header("payment-signature", signature)
            .body(body.clone());
        assert!(request.send().await.unwrap().status().is_client_error());
    }
    assert_eq!(house.order(&browser).await.status, OrderStatus::Held);
    // The provider itself may say another amount. That is recorded and returned, and buys nothing.
    let wrong = Money::new(1, total.currency);
    let outcome = Outcome::Completed { amount: wrong, reference: "x".into() };
    assert!(house.callback(&browser, outcome, payment_id).await.is_success());
    let order = house.order(&browser).await;
    assert_eq!(order.status, OrderStatus::Held);
    let status = order.payment.unwrap().status;
    assert!(matches!(status, PaymentStatus::Refunding | PaymentStatus::Refunded), "{status:?}");
}
