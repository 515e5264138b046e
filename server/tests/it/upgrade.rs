//! Two releases side by side on one PostgreSQL: what one writes the other shows, whoever of them can read it;
//! and a release that comes, goes, or comes back.

use crate::house::{Browser, Db, NOON, TestHouse, start, start_with};
use crate::live::Socket;
use crate::payment::eventually;
use crate::program::tool_on;
use reqwest::StatusCode;
use server::clock::Clock;
use server::domain::conference::Command as Manage;
use server::ledger::Failure;
use server::ledger::memory::SNAPSHOT;
use server::ledger::stage::Authority;
use server::nodes::Program;
use server::operator::make_documents;
use server::payment_gateway::Outcome;
use server::store::{Commit, Document, GENERATION, NewEvent, Store};
use server::views;
use shared::live::{Snapshot, Topic, View};
use shared::views::{ConferenceView, OrderStatus};
use shared::{ConferenceId, Release};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use uuid::Uuid;

/// This release, and the one after it, which has documents of its own.
fn next() -> Program {
    let Release(major, minor, patch) = Release::of_this_build();
    Program { release: Release(major + 1, minor, patch), generation: GENERATION + 1 }
}

/// One counts the seats, and the other what has changed.
const MISCOUNT: &str =
    "UPDATE events SET payload = replace(payload, '\"quantity\":4', '\"quantity\":3')
                        WHERE kind = 'Seats.SeatsReserved.v1' AND payload LIKE '%\"change\":-4}%'";

/// A server of this release and one of the next, which know how to reach each other.
async fn old_and_new() -> (TestHouse, TestHouse) {
    let old = start_with(Db::Postgres, |config| config.http.node_url = "set later".into()).await;
    let new = old.another_node_as(next()).await;
    hear_each_other(&old, &new).await;
    (old, new)
}

/// Until whatever the old one is asked is decided by the new one.
async fn hear_each_other(old: &TestHouse, new: &TestHouse) {
    is_ready(new).await;
    let mut number = 0;
    eventually("the old server has heard the new one", async || {
        number += 1;
        let awake = new.ledgers.awake();
        old.hidden_conference(&format!("hello-{number}"), &[]).await;
        awake < new.ledgers.awake()
    })
    .await;
}

async fn readiness(house: &TestHouse) -> StatusCode {
    house.client.get(house.url("/health/ready")).send().await.unwrap().status()
}

async fn is_ready(house: &TestHouse) {
    eventually("it is ready", async || readiness(house).await == StatusCode::OK).await;
}

/// Two servers of two generations that decide for themselves.
async fn two_generations() -> (TestHouse, TestHouse) {
    let old = start(Db::Postgres).await;
    let new = old.another_node_as(next()).await;
    (old, new)
}

async fn directory(house: &TestHouse) -> Vec<(String, u32)> {
    match house.snapshot(&Topic::Directory, None).await.map(|snapshot| snapshot.view) {
        Some(View::Directory(view)) => {
            view.conferences.into_iter().map(|line| (line.slug, line.remaining)).collect()
        }
        other => panic!("no directory: {other:?}"),
    }
}

fn held(view: &ConferenceView) -> u32 {
    view.seat_types.iter().map(|line| line.held).sum()
}

fn shows_held(seats: u32) -> impl Fn(&Snapshot) -> bool {
    move |snapshot| matches!(&snapshot.view, View::Conference(view) if held(view) == seats)
}

fn conference_topic(slug: &str) -> Topic {
    Topic::Conference { slug: slug.into() }
}

/// Every page of both, right after every write, whoever wrote.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_is_stale_while_two_generations_write_in_turns() {
    let (old, new) = two_generations().await;
    let conference = old.conference("both", &[("Seat", 10_000, 1_000)]).await;
    let seat = conference.seat_types[0].id;
    let mut screens = [Socket::open(&old).await, Socket::open(&new).await];
    for screen in &mut screens {
        screen.watch(&conference_topic("both"), None).await;
        screen.snapshot_when(shows_held(0)).await;
    }
    for round in 1..=12 {
        let house = if round % 3 == 0 { &old } else { &new };
        let browser = Browser::new("both");
        house.accepted(&browser.register(&[(seat, 1)]), &browser.token).await;
        for house in [&old, &new] {
            assert_eq!(held(&house.conference_view("both").await), round);
            assert_eq!(directory(house).await, [("both".to_owned(), 1_000 - round)]);
            assert_eq!(house.order(&browser).await.status, OrderStatus::Held);
        }
        for screen in &mut screens {
            screen.snapshot_when(shows_held(round)).await;
        }
    }
    // What is shown stays right when a change of one is none for the other's documents.
    let hide = [Manage::UnpublishConference, Manage::PublishConference];
    for (house, change) in [&new, &old].into_iter().zip(hide) {
        house.ledgers.manage(conference.id, change).await.unwrap();
        let is_hidden = directory(&new).await.is_empty();
        assert_eq!(directory(&old).await.is_empty(), is_hidden);
    }
    assert_eq!(directory(&new).await.len(), 1);
    let said = old.tool(&["verify"]).await.fine();
    assert!(said.contains("Every promise holds."), "{said}");
}

/// Documents that were passed are written anew, without anybody asking for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_that_were_passed_come_up_to_date_by_themselves() {
    let (old, new) = two_generations().await;
    let conference = old.conference("kept", &[("Seat", 10_000, 1_000)]).await;
    for house in [&new, &old] {
        let browser = Browser::new("kept");
        let register = browser.register(&[(conference.seat_types[0].id, 1)]);
        house.accepted(&register, &browser.token).await;
        eventually("both generations have fresh documents", async || {
            let [ours, theirs] = [&old.store, &new.store]
                .map(|store| store.kept(conference.id.0, views::conference::TOPIC));
            let (ours, theirs) = tokio::join!(ours, theirs);
            ours.unwrap().unwrap().is_fresh && theirs.unwrap().unwrap().is_fresh
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_release_makes_its_documents_before_requests_come_to_it() {
    let old = start(Db::Postgres).await;
    let conferences = ["one", "two", "three"];
    for slug in conferences {
        let conference = old.conference(slug, &[("Seat", 10_000, 100)]).await;
        old.up_to_payment(&conference, 2).await;
    }
    let new = old.another_node_as(next()).await;
    is_ready(&new).await;
    assert_eq!(new.store.stale(views::conference::TOPIC, Uuid::nil(), 9).await.unwrap(), []);
    for slug in conferences {
        let id = new.ledgers.find(slug).await.unwrap();
        for topic in [views::conference::TOPIC, views::dashboard::TOPIC, SNAPSHOT] {
            let made = new.store.document(id.0, topic).await.unwrap();
            let kept = old.store.head(id.0).await.unwrap().unwrap().head;
            assert_eq!(made.map(|document| document.position), Some(kept), "{slug} {topic}");
        }
        assert_eq!(held(&new.conference_view(slug).await), 2);
    }
}

/// A conference that this release would count wrongly: it must not serve beside one that counts right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_miscounts_is_never_ready_beside_another() {
    let old = start(Db::Postgres).await;
    let conference = old.conference("wrong", &[("Seat", 10_000, 100)]).await;
    old.up_to_payment(&conference, 4).await;
    old.sabotage(MISCOUNT).await;
    let new = old.another_node_as(next()).await;
    let topic = views::conference::TOPIC;
    let other = old.conference("right", &[("Seat", 10_000, 100)]).await;
    eventually("the other one is made", async || {
        new.store.document(other.id.0, topic).await.unwrap().is_some()
    })
    .await;
    assert_eq!(readiness(&new).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(new.store.document(conference.id.0, topic).await.unwrap(), None);
    assert_eq!(readiness(&old).await, StatusCode::OK);
}

/// Nobody else could serve: what is missing is folded when it is asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_release_that_is_alone_serves_at_once() {
    for db in [Db::Sqlite, Db::Postgres] {
        let old = start(db).await;
        let conference = old.conference("alone", &[("Seat", 10_000, 100)]).await;
        let (browser, ..) = old.up_to_payment(&conference, 3).await;
        let new = old.restart_as(next()).await;
        assert_eq!(held(&new.conference_view("alone").await), 3);
        assert_eq!(directory(&new).await, [("alone".to_owned(), 97)]);
        assert_eq!(new.order(&browser).await.status, OrderStatus::Held);
        is_ready(&new).await;
        // And back, over what the new one has written.
        let other = Browser::new("alone");
        let register = other.register(&[(conference.seat_types[0].id, 2)]);
        new.accepted(&register, &other.token).await;
        let this = Program::of_this_build();
        let old = new.restart_as(this).await;
        assert_eq!(held(&old.conference_view("alone").await), 5);
        assert_eq!(directory(&old).await, [("alone".to_owned(), 95)]);
        is_ready(&old).await;
    }
}

/// A snapshot or a document that another shape wrote under our generation: a warning, and a longer way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_that_cannot_be_read_are_no_failure() {
    for db in [Db::Sqlite, Db::Postgres] {
        let house = start(db).await;
        let conference = house.conference("odd", &[("Seat", 10_000, 100)]).await;
        let (browser, ..) = house.up_to_payment(&conference, 3).await;
        let head = house.store.head(conference.id.0).await.unwrap().unwrap().head;
        let topics = [SNAPSHOT, views::dashboard::TOPIC, views::conference::TOPIC];
        let odd =
            |topic: &str| Document { topic: topic.into(), position: head, body: "[7]".into() };
        let documents = topics.into_iter().map(odd).collect();
        let (ledger, expected_head) = (conference.id.0, head);
        let commit = Commit { ledger, expected_head, documents, ..Commit::default() };
        house.store.commit(&commit).await.unwrap();
        let house = house.restart().await;
        assert_eq!(held(&house.conference_view("odd").await), 3);
        assert_eq!(directory(&house).await, [("odd".to_owned(), 97)]);
        let (position, dashboard) = house.ledgers.dashboard(conference.id).await.unwrap();
        assert_eq!((position, dashboard.orders_held), (head, 1));
        assert_eq!(house.order(&browser).await.status, OrderStatus::Held);
        let other = Browser::new("odd");
        house.accepted(&other.register(&[(conference.seat_types[0].id, 1)]), &other.token).await;
        assert_eq!(held(&house.conference_view("odd").await), 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_documents_are_dropped_when_no_server_reads_them() {
    let (old, new) = two_generations().await;
    let conference = old.conference("dropped", &[("Seat", 10_000, 100)]).await;
    new.up_to_payment(&conference, 2).await;
    let url = old.database_url().to_owned();
    let words = ["A server of release", "Nothing was dropped: stop the servers of other releases"];
    old.tool(&["drop-old-views"]).await.wrong(&words);
    let theirs = new.store.document(conference.id.0, views::conference::TOPIC).await.unwrap();
    assert!(theirs.is_some());
    let ahead_ms = old.clock.now().ms_since(Clock::Real.now());
    // The new one has written last: the old documents were not brought up to date.
    old.stopped().await;
    new.up_to_payment(&conference, 1).await;
    new.stopped().await;
    let said = tool_on(&url, ahead_ms, &["drop-old-views"]).await;
    said.wrong(&["the documents of this release are not complete yet (dropped)"]);
    tool_on(&url, ahead_ms, &["rebuild-views"]).await.fine();
    let said = tool_on(&url, ahead_ms, &["drop-old-views"]).await.fine();
    assert!(said.contains("of other releases dropped.") && !said.contains("0 documents"), "{said}");
    let said = tool_on(&url, ahead_ms, &["drop-old-views"]).await.fine();
    assert!(said.contains("0 documents"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_keeps_no_documents_of_a_release_that_is_gone() {
    let old = start(Db::Sqlite).await;
    old.conference("file", &[("Seat", 10_000, 100)]).await;
    let new = old.restart_as(next()).await;
    eventually("the new documents are there", async || {
        new.store.stale(views::conference::TOPIC, Uuid::nil(), 1).await.unwrap().is_empty()
    })
    .await;
    let old = new.restart_as(Program::of_this_build()).await;
    let said = old.tool(&["drop-old-views"]).await.fine();
    assert!(said.contains("3 documents of other releases dropped."), "{said}");
    assert_eq!(directory(&old).await.len(), 1);
}

/// While two releases run, the newer one decides: the older one asks it and shows what it says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newer_release_writes_whichever_is_asked() {
    let (old, new) = old_and_new().await;
    let conference = old.conference("newest", &[("Seat", 10_000, 100)]).await;
    for round in 1..=5 {
        let (browser, payment_id, total) = old.up_to_payment(&conference, 1).await;
        new.paid(&browser, payment_id, total).await;
        assert_eq!(old.order(&browser).await.status, OrderStatus::Confirmed);
        assert_eq!(old.conference_view("newest").await.seat_types[0].sold, round);
        let topic = views::conference::TOPIC;
        let kept = new.store.kept(conference.id.0, topic).await.unwrap().unwrap();
        assert!(kept.is_fresh, "the older one has written nothing");
    }
}

/// An event that this build does not know, as the next release would have written it: with its documents,
/// from which a server of the next generation opens the ledger without meeting the event again.
async fn plant(url: &str, conference: ConferenceId) {
    let store = Store::open_beside_as(url, next().generation).await.unwrap();
    let ledger = store.head(conference.0).await.unwrap().unwrap();
    make_documents(&store, &ledger).await.unwrap();
    let (mut documents, expected_head) = (Vec::new(), ledger.head);
    for topic in [views::conference::TOPIC, views::dashboard::TOPIC, SNAPSHOT] {
        let kept = store.document(conference.0, topic).await.unwrap().unwrap();
        documents.push(Document { position: expected_head + 1, ..kept });
    }
    let event = NewEvent {
        stream: "waitlist".into(),
        version: expected_head,
        process: None,
        kind: "Waitlist.WaitlistOpened.v1",
        payload: "{}".into(),
        command_id: None,
        cause: 0,
        recorded_at: NOON.0,
    };
    let (ledger, events) = (conference.0, vec![event]);
    let commit = Commit { ledger, expected_head, events, documents, ..Commit::default() };
    store.commit(&commit).await.unwrap();
    store.close().await;
}

/// It does not know the event either, but begins behind it; so it can do what the next release could.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_older_server_does_not_know_a_newer_one_decides_and_shows() {
    let old = start_with(Db::Postgres, |config| config.http.node_url = "set later".into()).await;
    let conference = old.conference("handed", &[("Seat", 10_000, 100)]).await;
    let (browser, payment_id, total) = old.up_to_payment(&conference, 2).await;
    // Never ready, so it is nobody's usual writer: only who cannot decide asks it.
    let wrong = old.conference("wrong", &[("Seat", 10_000, 100)]).await;
    old.up_to_payment(&wrong, 4).await;
    old.sabotage(MISCOUNT).await;
    let mut seats = Socket::open(&old).await;
    seats.watch(&conference_topic("handed"), None).await;
    seats.snapshot_when(shows_held(2)).await;
    let mut order = Socket::open(&old).await;
    order.watch(&browser.topic(), Some(&browser.token)).await;
    order.snapshot().await;
    plant(old.database_url(), conference.id).await;
    let new = old.another_node_as(next()).await;

    let other = Browser::new("handed");
    let register = other.register(&[(conference.seat_types[0].id, 3)]);
    eventually("the old server has heard the new one", async || {
        old.command(&register, &other.token).await.0 == StatusCode::OK
    })
    .await;
    assert_eq!(readiness(&new).await, StatusCode::SERVICE_UNAVAILABLE);
    for house in [&old, &new] {
        assert_eq!(held(&house.conference_view("handed").await), 5);
        assert_eq!(house.order(&other).await.status, OrderStatus::Held);
        assert!(directory(house).await.contains(&("handed".to_owned(), 95)));
    }
    seats.snapshot_when(shows_held(5)).await;
    new.paid(&browser, payment_id, total).await;
    order.snapshot_when(is_confirmed).await;
    assert_eq!(old.order(&browser).await.status, OrderStatus::Confirmed);
    // The hold of the other order ends, although only the old server is ready and works.
    old.pass_seconds(3_600);
    old.order_when(&other, |view| view.status == OrderStatus::Expired).await;
    seats.snapshot_when(shows_held(0)).await;

    // Nobody is there any more who knows; and what was committed last was told by nobody.
    new.stopped().await;
    plant_again(old.database_url(), conference.id).await;
    assert_eq!(seats.closes().await, CloseCode::Restart);
    let (status, body) = old.command(&other.details(), &other.token).await;
    assert_eq!(
        (status, body["code"].as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("unavailable"))
    );
}

fn is_confirmed(snapshot: &Snapshot) -> bool {
    matches!(&snapshot.view, View::Order(view) if view.status == OrderStatus::Confirmed)
}

/// One more event of the next generation.
async fn plant_again(url: &str, conference: ConferenceId) {
    let store = Store::open_beside_as(url, next().generation).await.unwrap();
    let expected_head = store.head(conference.0).await.unwrap().unwrap().head;
    let event = NewEvent {
        stream: "waitlist".into(),
        version: expected_head,
        process: None,
        kind: "Waitlist.WaitlistClosed.v1",
        payload: "{}".into(),
        command_id: None,
        cause: 0,
        recorded_at: NOON.0,
    };
    let (ledger, events) = (conference.0, vec![event]);
    let commit = Commit { ledger, expected_head, events, ..Commit::default() };
    store.commit(&commit).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_here_knows_is_refused_politely_and_other_conferences_go_on() {
    for db in [Db::Sqlite, Db::Postgres] {
        let house = start(db).await;
        let other = house.conference("other", &[("Seat", 10_000, 100)]).await;
        let conference = house.conference("newer", &[("Seat", 10_000, 100)]).await;
        let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
        house.up_to_payment(&other, 1).await;
        let url = house.database_url().to_owned();
        let house = house.restart_after(async { plant(&url, conference.id).await }).await;
        for _ in 0..2 {
            let url = house.url("/api/commands/assign-registrant-details");
            let request = house.client.post(url).bearer_auth(&browser.token);
            let answer = request.json(&browser.details()).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.headers().contains_key("retry-after"));
            let view = house.client.get(house.url("/api/views/conference/newer")).send().await;
            assert_eq!(view.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
        }
        let order = house.ledgers.order(conference.id, browser.order_id, Authority::House).await;
        assert_eq!(order.unwrap_err(), Failure::Newer);
        // The money is not lost: the provider says it again.
        let outcome = Outcome::Completed { amount: total, reference: "test".into() };
        let status = house.callback(&browser, outcome, payment_id).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        // A list shows the conference as it was, and the others as they are.
        let listed: Vec<_> = directory(&house).await.into_iter().map(|(slug, _)| slug).collect();
        assert_eq!(listed, ["newer", "other"]);
        // Deadlines and mails of others are not held up by those that are left.
        house.pass_seconds(3_600);
        eventually("the other conference's hold ends", async || {
            held(&house.conference_view("other").await) == 0
        })
        .await;
        is_ready(&house).await;
    }
}
