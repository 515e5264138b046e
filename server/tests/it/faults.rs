//! The store goes away, other nodes write, the queue fills: nobody is lied to, nothing is lost.

use crate::house::{Browser, Db, NOON, TestHouse, details, fresh, seat_type, start_with};
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::Value;
use server::clock::Clock;
use server::domain::conference::Command as Manage;
use server::domain::conference::facts::slug_taken;
use server::ledger::memory::SNAPSHOT;
use server::ledger::{Bounds, Failure};
use server::ledgers::{Bells, Ledgers};
use server::live::Hub;
use server::store::{Store, sqlite_url};
use shared::ConferenceId;
use shared::commands::BrowserCommand;
use shared::views::OrderStatus;
use std::time::Duration;

/// Two servers, one database, everybody presses at once: neither oversells, neither gives up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_write_the_same_conference_stay_exact() {
    let one = crate::house::start(Db::Postgres).await;
    let url = one.config.storage.database_url.clone();
    let two = start_with(Db::Sqlite, |config| config.storage.database_url = url).await;
    let conference = one.conference("shared", &[("General", 500, 60)]).await;
    let seats = [(conference.seat_types[0].id, 2)];
    let browsers: Vec<Browser> = (0..40).map(|_| Browser::new("shared")).collect();
    join_all(browsers.iter().enumerate().map(|(index, browser)| {
        let house = if index % 2 == 0 { &one } else { &two };
        async move { until_accepted(house, browser, &seats).await }
    }))
    .await;
    let mut held = 0;
    for browser in &browsers {
        held += two_or_retry(&two, browser).await;
    }
    assert_eq!(held, 60, "every seat is held by exactly one of forty");
    assert_eq!(one.conference_view("shared").await.seat_types[0].held, 60);
}

/// A browser sends again when the server asks it to.
async fn until_accepted(house: &TestHouse, browser: &Browser, seats: &[(shared::SeatTypeId, u32)]) {
    let register = browser.register(seats);
    for _ in 0..200 {
        let (status, body) = house.command(&register, &browser.token).await;
        if status == StatusCode::OK {
            return;
        }
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    }
    panic!("never accepted");
}

async fn two_or_retry(house: &TestHouse, browser: &Browser) -> u32 {
    house.order_when(browser, |order| order.status != OrderStatus::Reserving).await.seats()
}

/// PostgreSQL stops in the middle of the sale. People are asked to come back, and can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_and_comes_back_loses_nothing() {
    let cluster = crate::postgres::own();
    let url = cluster.database().await;
    let house = start_with(Db::Sqlite, |config| config.storage.database_url = url).await;
    let conference = house.conference("outage", &[("General", 500, 10)]).await;
    let seats = [(conference.seat_types[0].id, 2)];
    let before = Browser::new("outage");
    house.accepted(&before.register(&seats), &before.token).await;

    cluster.stop("immediate");
    let during = Browser::new("outage");
    let register = during.register(&seats);
    let url = house.url("/api/commands/register-to-conference");
    let request = house.client.post(url).bearer_auth(&during.token).json(&register);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "unavailable");
    let ready = house.client.get(house.url("/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let live = house.client.get(house.url("/health/live")).send().await.unwrap();
    assert_eq!(live.status(), StatusCode::OK);

    cluster.resume();
    until_accepted(&house, &during, &seats).await;
    assert_eq!(house.order(&before).await.status, OrderStatus::Held);
    assert_eq!(house.order(&during).await.status, OrderStatus::Held);
    assert_eq!(house.conference_view("outage").await.seat_types[0].held, 4);
}

/// The machine starts both at once, and the database takes longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_there_before_its_database_waits_for_it() {
    let cluster = crate::postgres::own();
    let url = cluster.database().await;
    cluster.stop("fast");
    let mut opening = Box::pin(Store::open(&url));
    assert!(futures_util::poll!(&mut opening).is_pending());
    cluster.resume();
    let store = opening.await.expect("it waited");
    assert!(store.is_ready().await);
}

/// The browser did not hear the answer and sends the same command to a server that was restarted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_repeated_after_a_restart_acts_once() {
    for db in [Db::Sqlite, Db::Postgres] {
        let house = crate::house::start(db).await;
        let conference = house.conference("again", &[("General", 500, 10)]).await;
        let browser = Browser::new("again");
        let register = browser.register(&[(conference.seat_types[0].id, 2)]);
        let first = house.accepted(&register, &browser.token).await;
        let house = house.restart().await;
        let second = house.accepted(&register, &browser.token).await;
        assert_eq!(first, second);
        assert_eq!(house.conference_view("again").await.seat_types[0].held, 2);
    }
}

/// More commands than the queue holds, at once: some are told to come back, none is half done.
#[tokio::test]
async fn a_full_queue_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let ledgers = ledgers(store_in(&folder).await);
    let id = ConferenceId(fresh());
    ledgers.manage(id, Manage::CreateConference(details("full"))).await.unwrap();
    // On one thread the ledger's task cannot run while these are polled for the first time.
    let many = (0..Bounds::default().queue_max + 10)
        .map(|_| ledgers.manage(id, Manage::UnpublishConference));
    let answers = join_all(many).await;
    let busy = answers.iter().filter(|answer| **answer == Err(Failure::Busy)).count();
    assert_eq!(busy, 10);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), Bounds::default().queue_max);
}

/// Nobody asks, so its memory is given back; whoever asks next finds everything again.
#[tokio::test]
async fn an_idle_ledger_closes_itself_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let ledgers = ledgers(store_in(&folder).await);
    let id = ConferenceId(fresh());
    ledgers.manage(id, Manage::CreateConference(details("idle"))).await.unwrap();
    let general = Manage::CreateSeatType(seat_type("General", 0, 10));
    let created = ledgers.manage(id, general).await.unwrap();
    assert_eq!(ledgers.awake(), 1);
    tokio::time::pause();
    tokio::time::advance(Bounds::default().idle + Duration::from_millis(1)).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ledgers.awake(), 0);
    tokio::time::resume();
    let published = ledgers.manage(id, Manage::PublishConference).await.unwrap();
    assert_eq!((published, ledgers.awake()), (created + 1, 1));
}

/// Somebody wakes very many conferences: those that nobody asks close at once, and then there is place.
#[tokio::test]
async fn a_crowd_of_ledgers_closes_early() {
    const CROWD: usize = 2_100;
    let folder = tempfile::tempdir().unwrap();
    let ledgers = ledgers(store_in(&folder).await);
    for _ in 0..CROWD {
        let id = ConferenceId(fresh());
        let unknown = ledgers.manage(id, Manage::PublishConference).await;
        assert!(matches!(unknown, Err(Failure::Refused(_))), "{unknown:?}");
    }
    assert_eq!(ledgers.awake(), CROWD);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    assert!(ledgers.awake() <= 2_000, "{} are awake", ledgers.awake());
}

/// A long history is not read again: the newest snapshot and what came after it tell the same.
#[tokio::test]
async fn a_long_history_is_opened_from_its_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(&folder).await;
    let id = ConferenceId(fresh());
    let first = ledgers(store.clone());
    first.manage(id, Manage::CreateConference(details("long"))).await.unwrap();
    first.manage(id, Manage::CreateSeatType(seat_type("General", 0, 10))).await.unwrap();
    for _ in 0..11 {
        let changes = (0..100).map(|_| [Manage::PublishConference, Manage::UnpublishConference]);
        let answers = join_all(changes.flatten().map(|change| first.manage(id, change))).await;
        assert!(answers.iter().all(Result::is_ok));
    }
    first.close().await;
    let head = store.head(id.0).await.unwrap().unwrap().head;
    let snapshot =
        store.document(id.0, SNAPSHOT).await.unwrap().expect("2,203 events leave a snapshot");
    assert!(head == 2_203 && 2_000 <= snapshot.position && snapshot.position < head);
    let streams = server::events::CONFERENCE_STREAMS;
    let tail = store.read_streams(id.0, &streams, snapshot.position).await.unwrap();
    assert_eq!(tail.len() as u64, head - snapshot.position, "all that is read at the opening");

    let second = ledgers(store);
    let unchanged = second.manage(id, Manage::UnpublishConference).await.unwrap();
    assert_eq!(unchanged, head, "it is known to be hidden already");
    assert_eq!(second.manage(id, Manage::PublishConference).await, Ok(head + 1));
    let again = second.manage(id, Manage::CreateConference(details("long"))).await;
    assert_eq!(again, Ok(head + 1), "and to exist with these facts");
}

async fn store_in(folder: &tempfile::TempDir) -> Store {
    let url = sqlite_url(&folder.path().join("contoso.db"));
    Store::open(&url).await.unwrap()
}

fn ledgers(store: Store) -> Ledgers {
    Ledgers::new(store, Hub::default(), Clock::settable(NOON), Bells::default())
}

/// Two conferences want one address at the same moment (W3): the database decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slug_belongs_to_one_conference() {
    for db in [Db::Sqlite, Db::Postgres] {
        let house = crate::house::start(db).await;
        let create = || {
            house.ledgers.manage(ConferenceId(fresh()), Manage::CreateConference(details("wanted")))
        };
        let (one, two) = tokio::join!(create(), create());
        let taken = Err(Failure::Refused(slug_taken()));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        assert!(one == taken || two == taken, "{one:?} {two:?}");
    }
}

/// A command's route is its name, everywhere.
#[test]
fn one_word_everywhere() {
    assert_eq!(shared::commands::RegisterToConference::ROUTE, "register-to-conference");
    assert_eq!(shared::commands::InitiatePayment::ROUTE, "initiate-payment");
}
