//! The live dashboard: right in every frame, for its owner alone, and only while the session lasts.

use crate::desk::{Desk, new_seat_type};
use crate::house::{Browser, Db, TestHouse, fresh, start};
use crate::live::Socket;
use crate::on_both_databases;
use server::store::SessionScope;
use shared::dashboard::{DashboardView, HAPPENINGS_PER_PUSH, HappeningKind, ShortOrders};
use shared::live::{ClientFrame, ServerFrame, Snapshot, Topic, View};
use shared::management::ChangeQuota;
use shared::{CommandId, Currency, Money, RefusalCode};

on_both_databases! {
    a_dashboard_moves_with_everything_that_happens
    fewer_seats_than_wanted_are_counted_to_their_end
    a_dashboard_is_the_same_after_a_restart
}

const SLUG: &str = "rustconf";
const PATH: &str = "/api/views/dashboard/rustconf";

fn topic() -> Topic {
    Topic::Dashboard { slug: SLUG.into() }
}

async fn desk(house: &TestHouse) -> Desk {
    Desk::of_a_conference(house, SLUG, &[("General", 19_900, 20), ("Workshop", 0, 5)]).await
}

/// The dashboard of a frame, whose numbers add up or it is none.
fn shown(snapshot: Snapshot) -> DashboardView {
    let View::Dashboard(view) = snapshot.view else { panic!("not a dashboard") };
    for line in &view.conference.seat_types {
        assert_eq!(line.sold + line.held + line.remaining(), line.quota, "{line:?}");
    }
    assert_eq!(view.revenue.len(), view.conference.seat_types.len());
    *view
}

async fn whole(house: &TestHouse, desk: &Desk) -> DashboardView {
    let (status, body) = desk.get(house, PATH).await;
    assert_eq!(status, 200, "{body}");
    shown(serde_json::from_value(body).unwrap())
}

/// Sold and held of the first seat type, and what it brought in.
fn numbers(view: &DashboardView) -> (u32, u32, i64) {
    let line = &view.conference.seat_types[0];
    (line.sold, line.held, view.revenue[0].revenue.minor)
}

fn words(view: &DashboardView) -> Vec<&str> {
    view.happenings.iter().map(|happening| happening.words.as_str()).collect()
}

async fn set_quota(house: &TestHouse, desk: &mut Desk, seen: u32, quota: u32) -> u64 {
    let seat_type = house.conference_view(SLUG).await.seat_types[0].id;
    let (command_id, conference) = (CommandId(fresh()), SLUG.to_owned());
    desk.accepted(house, &ChangeQuota { command_id, conference, seat_type, quota, seen }).await
}

async fn a_dashboard_moves_with_everything_that_happens(house: TestHouse) {
    let mia = desk(&house).await;
    let view = house.conference_view(SLUG).await;
    let mut screen = Socket::open_at(&house, &mia).await;
    screen.watch(&topic(), None).await;
    let first = shown(screen.snapshot().await);
    assert_eq!((numbers(&first), first.happenings_count), ((0, 0, 0), 4));
    assert!(words(&first).contains(&"General added · 20 seats at €199"), "{first:?}");

    let (browser, payment_id, total) = house.up_to_payment(&view, 2).await;
    let held = |snapshot: &Snapshot| matches!(&snapshot.view, View::Dashboard(view) if view.orders_held == 1);
    let second = shown(screen.snapshot_when(held).await);
    assert_eq!(numbers(&second), (0, 2, 0));
    house.paid(&browser, payment_id, total).await;
    let sold = |snapshot: &Snapshot| matches!(&snapshot.view, View::Dashboard(view) if view.orders_confirmed == 1);
    let third = shown(screen.snapshot_when(sold).await);
    assert_eq!((numbers(&third), third.orders_held), ((2, 0, 39_800), 0));
    let code = house.order(&browser).await.access_code;
    let newest = &third.happenings[0];
    assert_eq!(newest.words, format!("Order {code} confirmed · 2 General · €398"));
    assert_eq!((newest.kind, newest.order_id), (HappeningKind::Sale, Some(browser.order_id)));
    assert_eq!(third.sales.iter().map(|hour| hour.seats).collect::<Vec<_>>(), [2]);

    // A hold that expires goes from the screen by itself.
    house.up_to_payment(&view, 3).await;
    house.pass_seconds(16 * 60 + 11 * 60);
    let over = |snapshot: &Snapshot| matches!(&snapshot.view, View::Dashboard(view) if words(view).iter().any(|words| words.contains("expired")));
    let last = shown(screen.snapshot_when(over).await);
    assert_eq!((numbers(&last), last.orders_held, last.orders_confirmed), ((2, 0, 39_800), 0, 1));
    let text = serde_json::to_string(&whole(&house, &mia).await.happenings).unwrap();
    assert!(!text.contains('@') && !text.contains("Lovelace"), "{text}");
}

/// Of 20 seats one order holds 17 and two want four: one buys the three that are left, one gets none.
async fn fewer_seats_than_wanted_are_counted_to_their_end(house: TestHouse) {
    let mia = desk(&house).await;
    let view = house.conference_view(SLUG).await;
    let short = async || whole(&house, &mia).await.short;
    house.up_to_payment(&view, 17).await;
    assert_eq!(short().await, ShortOrders::default());

    let (buyer, payment_id, total) = house.up_to_payment(&view, 4).await;
    assert_eq!(short().await, ShortOrders { orders: 1, confirmed: 0, open: 1 });
    house.paid(&buyer, payment_id, total).await;
    assert_eq!(short().await, ShortOrders { orders: 1, confirmed: 1, open: 0 });

    let late = Browser::new(SLUG);
    house.accepted(&late.register(&[(view.seat_types[0].id, 4)]), &late.token).await;
    assert_eq!(short().await, ShortOrders { orders: 2, confirmed: 1, open: 1 });
    house.pass_seconds(16 * 60 + 11 * 60);
    let is_over = |snapshot: &Snapshot| matches!(&snapshot.view, View::Dashboard(view) if view.short.open == 0);
    let mut screen = Socket::open_at(&house, &mia).await;
    screen.watch(&topic(), None).await;
    let last = shown(screen.snapshot_when(is_over).await);
    assert_eq!(
        (last.short, last.short.left()),
        (ShortOrders { orders: 2, confirmed: 1, open: 0 }, 1)
    );
    assert_eq!(last.orders_placed, 3);
}

async fn a_dashboard_is_the_same_after_a_restart(house: TestHouse) {
    let mut mia = desk(&house).await;
    let view = house.conference_view(SLUG).await;
    let (browser, payment_id, total) = house.up_to_payment(&view, 2).await;
    house.paid(&browser, payment_id, total).await;
    house.up_to_payment(&view, 1).await;
    // More than a document waits for, so that the story goes on after one.
    for quota in 20..150 {
        set_quota(&house, &mut mia, quota, quota + 1).await;
    }
    let conference = house.ledgers.find(SLUG).await.unwrap();
    let document = house.store.document(conference.0, "dashboard").await.unwrap();
    assert!(document.is_some(), "the story goes on after a document");
    house.up_to_payment(&view, 4).await;
    let before = whole(&house, &mia).await;
    let house = house.restart().await;
    assert_eq!(whole(&house, &mia).await, before);
    assert_eq!(numbers(&before), (2, 5, 39_800));
}

#[tokio::test]
async fn the_first_snapshot_is_whole_and_pushes_bring_the_newest_only() {
    let house = start(Db::Sqlite).await;
    let mut mia = desk(&house).await;
    for quota in 20..40 {
        set_quota(&house, &mut mia, quota, quota + 1).await;
    }
    let mut screen = Socket::open_at(&house, &mia).await;
    screen.watch(&topic(), None).await;
    let first = shown(screen.snapshot().await);
    assert_eq!((first.happenings.len(), first.happenings_count), (24, 24));
    let position = set_quota(&house, &mut mia, 40, 41).await;
    let push = shown(screen.snapshot_when(|it| position <= it.position).await);
    assert_eq!((push.happenings.len(), push.happenings_count), (HAPPENINGS_PER_PUSH, 25));
    assert_eq!(words(&push)[0], "Quota of General is now 41");
    assert_eq!(whole(&house, &mia).await.happenings.len(), 25);
}

#[tokio::test]
async fn a_dashboard_is_nobody_elses_business() {
    let house = start(Db::Sqlite).await;
    desk(&house).await;
    let eve = Desk::of_a_conference(&house, "evilconf", &[("General", 500, 10)]).await;
    let nobody = Desk::default();
    let browser = Browser::new(SLUG);
    for (who, status, code) in
        [(&nobody, 401, RefusalCode::SignInRequired), (&eve, 404, RefusalCode::ConferenceNotFound)]
    {
        assert_eq!(who.get(&house, PATH).await.0, status);
        let mut screen = Socket::open_at(&house, who).await;
        for token in [None, Some(browser.token.as_str())] {
            screen.watch(&topic(), token).await;
            assert_eq!(screen.refusal().await, code);
        }
        let view = house.conference_view(SLUG).await;
        house.up_to_payment(&view, 1).await;
        screen.say(&ClientFrame::Ping).await;
        assert!(matches!(screen.next().await, ServerFrame::Pong { .. }), "strangers hear nothing");
    }
    let mut screen = Socket::open_at(&house, &eve).await;
    screen.watch(&Topic::Dashboard { slug: "nowhere".into() }, None).await;
    assert_eq!(screen.refusal().await, RefusalCode::ConferenceNotFound, "the same answer");
}

/// Watches, ends the session somehow, and sees the screen go dark at the next look.
async fn goes_dark(house: &TestHouse, mia: &Desk, end: impl AsyncFnOnce(&TestHouse)) {
    let mut screen = Socket::open_at(house, mia).await;
    screen.watch(&topic(), None).await;
    shown(screen.snapshot().await);
    end(house).await;
    house.pass_seconds(30);
    assert_eq!(screen.refusal().await, RefusalCode::SignInRequired);
    assert_eq!(house.hub.topics(), 0, "nothing is pushed any more");
    let view = house.conference_view(SLUG).await;
    house.up_to_payment(&view, 1).await;
    screen.say(&ClientFrame::Ping).await;
    assert!(matches!(screen.next().await, ServerFrame::Pong { .. }));
}

#[tokio::test]
async fn an_open_dashboard_ends_with_its_session() {
    let house = start(Db::Sqlite).await;
    let mia = desk(&house).await;
    let mut browser = mia.clone();
    goes_dark(&house, &mia, async |house| browser.sign_out(house).await).await;
}

#[tokio::test]
async fn an_open_dashboard_ends_when_its_sessions_are_ended_or_too_old() {
    let house = start(Db::Sqlite).await;
    let mia = desk(&house).await;
    let conference = house.ledgers.find(SLUG).await.unwrap();
    goes_dark(&house, &mia, async |house| {
        let scope = SessionScope::Ledger(conference.0);
        house.store.end_sessions(&scope, &[0; 32]).await.unwrap();
    })
    .await;
    let house = start(Db::Sqlite).await;
    let mia = desk(&house).await;
    goes_dark(&house, &mia, async |house| house.pass_seconds(12 * 3_600)).await;
}

#[tokio::test]
async fn a_session_that_lasts_keeps_its_dashboard() {
    let house = start(Db::Sqlite).await;
    let mut mia = desk(&house).await;
    let mut screen = Socket::open_at(&house, &mia).await;
    screen.watch(&topic(), None).await;
    shown(screen.snapshot().await);
    for quota in 20..23 {
        house.pass_seconds(31);
        let position = set_quota(&house, &mut mia, quota, quota + 1).await;
        shown(screen.snapshot_when(|it| position <= it.position).await);
    }
}

#[tokio::test]
async fn what_people_call_things_stays_text() {
    let house = start(Db::Sqlite).await;
    let mut mia = desk(&house).await;
    let name = "<script>alert(1)</script>";
    mia.accepted(&house, &new_seat_type(SLUG, name, 100, 5)).await;
    let view = whole(&house, &mia).await;
    assert_eq!(view.happenings[0].words, format!("{name} added · 5 seats at €1"));
    assert_eq!(view.revenue[2].revenue, Money::zero(Currency::EUR));
}
