//! Going back: a copy of a house that was busy becomes what the house was at an earlier moment, on either
//! database, and a server goes on from there.

use crate::desk::Desk;
use crate::house::{Browser, TestHouse, fresh};
use crate::on_both_databases;
use crate::payment::{all_effects_are_done, count, eventually, mails, press, status_at_provider};
use crate::program::{Said, tool_on};
use crate::seating::{SLUG, assign, bought, cancel, owner, person, seat, set_cut_offs, unassign};
use serde_json::Value;
use server::domain::conference::Command as Manage;
use server::payment_gateway::ProviderStatus;
use server::store::sqlite_url;
use shared::live::{Topic, View};
use shared::views::{OrderStatus, OrderView};
use shared::{PaymentId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

on_both_databases! {
    a_busy_house_goes_back_to_every_moment
    what_was_interrupted_goes_on
    a_payment_found_long_after_buys_its_seats_back
    a_refund_whose_end_is_cut_is_asked_for_again_and_moves_once
    money_of_a_conference_that_is_gone_is_told
    wherever_a_history_is_cut_every_promise_holds
    a_clock_that_went_back_leaves_no_hole
    a_mail_that_waits_is_sent_and_one_that_is_cut_is_not
    what_cannot_be_meant_is_refused
}

/// Past the hold, the grace and the time in which the provider may answer.
const PAST_THE_BOUND: i64 = 3_600;
/// Cuts at random that are tried.
const RANDOM_CUTS: usize = 6;

/// An empty database: of the other kind, or of the same.
async fn empty(house: &TestHouse, name: &str, is_other: bool) -> String {
    if house.store.is_shared() == is_other {
        sqlite_url(&house.folder().join(format!("{name}.db")))
    } else {
        crate::postgres::database().await
    }
}

fn path_of(house: &TestHouse, name: &str) -> String {
    house.folder().join(name).to_str().unwrap().to_owned()
}

fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).unwrap().to_string()
}

async fn back_up(house: &TestHouse, name: &str) -> String {
    let path = path_of(house, name);
    house.tool(&["backup", &path]).await.fine();
    path
}

/// Restores by the house's clock.
async fn restore(house: &TestHouse, url: &str, words: &[&str]) -> Said {
    let ahead_ms = house.clock.now().ms_since(server::clock::Clock::Real.now());
    tool_on(url, ahead_ms, &[&["restore"][..], words].concat()).await
}

/// Every row of a copy by table; but not what is only there for a while, and documents only of the ledger
/// that is cut: those of others stay as they were.
fn rows(copy: &str, cut: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(copy).unwrap();
    let mut lines = text.lines();
    let header: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    let mut tables = BTreeMap::new();
    for table in header["tables"].as_array().unwrap() {
        let rows = lines.by_ref().take(table["rows"].as_u64().unwrap() as usize);
        let rows = rows.map(|row| serde_json::from_str::<Value>(row).unwrap().to_string());
        tables.insert(table["name"].as_str().unwrap().to_owned(), rows.collect());
    }
    tables.remove("effects");
    for table in ["documents", "snapshots"] {
        let rows: &mut BTreeSet<String> = tables.get_mut(table).unwrap();
        rows.retain(|row| row.contains(cut));
    }
    tables
}

/// A moment that will be gone back to.
struct Moment {
    at: Timestamp,
    copy: String,
    conference: Option<View>,
    /// What each registrant saw.
    orders: Vec<(Browser, OrderView)>,
}

/// `None` while it is hidden.
async fn conference_shown(house: &TestHouse) -> Option<View> {
    let topic = Topic::Conference { slug: SLUG.into() };
    house.snapshot(&topic, None).await.map(|snapshot| snapshot.view)
}

async fn remember(house: &TestHouse, name: &str, browsers: &[&Browser]) -> Moment {
    all_effects_are_done(house).await;
    let copy = back_up(house, name).await;
    let conference = conference_shown(house).await;
    let mut orders = Vec::new();
    for browser in browsers {
        orders.push(((*browser).clone(), house.order(browser).await));
    }
    let at = house.clock.now();
    house.pass_seconds(10);
    Moment { at, copy, conference, orders }
}

/// Holds, payments, refunds, names, quotas, hiding, a second conference; and moments of all that.
async fn busy(house: &TestHouse) -> Vec<Moment> {
    let mut moments = Vec::new();
    let mut desk = owner(house, 12).await;
    let tomorrow = house.clock.now().plus_seconds(86_400);
    set_cut_offs(house, &mut desk, Some(tomorrow), None).await;
    let view = house.conference_view(SLUG).await;
    let id = house.ledgers.find(SLUG).await.unwrap();
    let paying = house.up_to_payment(&view, 2).await.0;
    let held = Browser::new(SLUG);
    house.accepted(&held.register(&[(view.seat_types[0].id, 3)]), &held.token).await;
    moments.push(remember(house, "one", &[&paying, &held]).await);

    press(house, &paying, "accept").await;
    house.order_when(&paying, |order| order.status == OrderStatus::Confirmed).await;
    seat(house, &paying, 0, "Ben").await;
    seat(house, &paying, 1, "Cleo").await;
    moments.push(remember(house, "two", &[&paying, &held]).await);

    let given_back = bought(house, 1).await;
    house.accepted(&unassign(&paying, 1), &paying.token).await;
    house.accepted(&cancel(&given_back), &given_back.token).await;
    let (seat_type, quota) = (view.seat_types[0].id, 9);
    let change = Manage::ChangeQuota { seat_type, quota };
    house.ledgers.manage(id, change).await.unwrap();
    moments.push(remember(house, "three", &[&paying, &held, &given_back]).await);

    house.pass_seconds(PAST_THE_BOUND);
    house.order_when(&held, |order| order.status == OrderStatus::Expired).await;
    // Somebody else comes, and gets a session.
    Desk::of_a_conference(house, "second", &[("General", 500, 3)]).await;
    house.ledgers.manage(id, Manage::UnpublishConference).await.unwrap();
    moments.push(remember(house, "four", &[&paying, &held, &given_back]).await);

    house.ledgers.manage(id, Manage::PublishConference).await.unwrap();
    house.accepted(&assign(&paying, 1, person("Dora")), &paying.token).await;
    let late = bought(house, 2).await;
    moments.push(remember(house, "five", &[&paying, &held, &given_back, &late]).await);
    house.up_to_payment(&view, 1).await;
    house.accepted(&cancel(&late), &late.token).await;
    moments
}

async fn a_busy_house_goes_back_to_every_moment(house: TestHouse) {
    let moments = busy(&house).await;
    let cut = house.ledgers.find(SLUG).await.unwrap().0.simple().to_string();
    let last = back_up(&house, "last").await;
    for (number, moment) in moments.iter().enumerate() {
        let (at, name) = (instant(moment.at), format!("back-{number}"));
        let url = empty(&house, &name, number % 2 == 0).await;
        let said = restore(&house, &url, &[&last, "--until", &at]).await.fine();
        assert!(said.contains(" are cut, of ") && said.contains("Every promise holds."), "{said}");
        // The same as what was copied then, with its documents written at the same place.
        let then = empty(&house, &format!("then-{number}"), number % 2 == 0).await;
        restore(&house, &then, &[&moment.copy]).await.fine();
        tool_on(&then, 0, &["rebuild-views", "--fast"]).await.fine();
        let (one, other) = (path_of(&house, &name), path_of(&house, &format!("{name}-then")));
        tool_on(&url, 0, &["backup", &one]).await.fine();
        tool_on(&then, 0, &["backup", &other]).await.fine();
        let (one, other) = (rows(&one, &cut), rows(&other, &cut));
        for (table, rows) in &other {
            assert_eq!(&one[table], rows, "{table} of moment {number}");
        }
        assert_eq!(one.len(), other.len());
    }
    // And a server answers what it answered then.
    let moment = &moments[2];
    let url = empty(&house, "served", true).await;
    restore(&house, &url, &[&last, "--until", &instant(moment.at)]).await.fine();
    assert!(house.clock.set(moment.at));
    let house = house.restart_on(&url).await;
    assert_eq!(conference_shown(&house).await, moment.conference);
    for (browser, then) in &moment.orders {
        assert_eq!(house.order(browser).await, *then);
    }
    assert!(house.ledgers.find("second").await.is_err(), "it did not exist yet");
}

async fn what_was_interrupted_goes_on(house: TestHouse) {
    let mut desk = owner(&house, 12).await;
    let tomorrow = house.clock.now().plus_seconds(86_400);
    set_cut_offs(&house, &mut desk, Some(tomorrow), None).await;
    let view = house.conference_view(SLUG).await;
    let (paying, ..) = house.up_to_payment(&view, 2).await;
    let held = Browser::new(SLUG);
    house.accepted(&held.register(&[(view.seat_types[0].id, 3)]), &held.token).await;
    house.accepted(&held.details(), &held.token).await;
    let idle = Browser::new(SLUG);
    house.accepted(&idle.register(&[(view.seat_types[0].id, 1)]), &idle.token).await;
    let happy = bought(&house, 1).await;
    all_effects_are_done(&house).await;
    let at = house.clock.now();
    house.pass_seconds(1);

    // All of this is cut, and the provider remembers it.
    press(&house, &paying, "accept").await;
    let (total, payment) = (house.order(&held).await.total, PaymentId(fresh()));
    house.accepted(&held.pay(payment, total), &held.token).await;
    press(&house, &held, "accept").await;
    let newcomer = bought(&house, 2).await;
    let paid_by_newcomer = house.order(&newcomer).await.payment.unwrap().id;
    house.accepted(&cancel(&happy), &happy.token).await;
    all_effects_are_done(&house).await;
    let copy = back_up(&house, "copy").await;
    let url = empty(&house, "back", true).await;
    let said = restore(&house, &url, &[&copy, "--until", &instant(at)]).await.fine();
    let returned = format!("order {}", happy.order_id);
    for words in ["asked again about 3 payments", "the money went back since", &returned] {
        assert!(said.contains(words), "{words}: {said}");
    }

    let house = house.restart_on(&url).await;
    for browser in [&paying, &held] {
        house.order_when(browser, |order| order.status == OrderStatus::Confirmed).await;
    }
    assert_eq!(house.order(&happy).await.status, OrderStatus::Confirmed);
    all_effects_are_done(&house).await;
    // Money for an order that nobody knows any more goes back.
    eventually("the newcomer's money is back", async || {
        let status = status_at_provider(&house, &newcomer, paid_by_newcomer).await;
        matches!(status, ProviderStatus::Refunded { .. })
    })
    .await;
    assert_eq!(house.order(&idle).await.status, OrderStatus::Held);
    // 6 are sold, 1 is held: who wants 10 gets 5, and nobody gets one after that.
    let many = Browser::new(SLUG);
    house.accepted(&many.register(&[(view.seat_types[0].id, 10)]), &many.token).await;
    assert_eq!(house.order(&many).await.seats(), 5);
    house.pass_seconds(PAST_THE_BOUND);
    for browser in [&idle, &many] {
        house.order_when(browser, |order| order.status == OrderStatus::Expired).await;
    }
    all_effects_are_done(&house).await;
    let said = house.tool(&["verify"]).await.fine();
    assert!(said.contains("6 seats sold, 0 held"), "{said}");
}

/// Nobody works on the copy for longer than a hold lasts.
async fn a_payment_found_long_after_buys_its_seats_back(house: TestHouse) {
    let view = house.conference("late", &[("General", 500, 2)]).await;
    let (paying, ..) = house.up_to_payment(&view, 2).await;
    let at = house.clock.now();
    house.pass_seconds(1);
    press(&house, &paying, "accept").await;
    house.order_when(&paying, |order| order.status == OrderStatus::Confirmed).await;
    let (copy, url) = (back_up(&house, "copy").await, empty(&house, "back", false).await);
    let said = restore(&house, &url, &[&copy, "--until", &instant(at)]).await.fine();
    assert!(said.contains("late: ends at position") && said.contains("without 0 orders"), "{said}");
    house.pass_seconds(PAST_THE_BOUND);
    tool_on(&url, 0, &["maintenance", "on"]).await.fine();
    let house = house.restart_on(&url).await;
    house.order_when(&paying, |order| order.status == OrderStatus::Confirmed).await;
    all_effects_are_done(&house).await;
    let said = house.tool(&["verify"]).await.fine();
    assert!(said.contains("2 seats sold, 0 held"), "{said}");
}

async fn a_refund_whose_end_is_cut_is_asked_for_again_and_moves_once(house: TestHouse) {
    let mut desk = owner(&house, 10).await;
    let tomorrow = house.clock.now().plus_seconds(86_400);
    set_cut_offs(&house, &mut desk, Some(tomorrow), None).await;
    let browser = bought(&house, 1).await;
    let payment = house.order(&browser).await.payment.unwrap().id;
    house.accepted(&cancel(&browser), &browser.token).await;
    all_effects_are_done(&house).await;
    let view = house.conference_view(SLUG).await;
    let events = house.store.read_all(view.id.0, 0, 1_000).await.unwrap();
    let end = events.iter().find(|event| event.kind == "Payment.PaymentRefunded.v1").unwrap();
    let before = format!("{SLUG}:{}", end.position - 1);
    let copy = back_up(&house, "copy").await;
    let refunds = |journal: &str| journal.matches("\"refunded\"").count();
    let journal = house.folder().join("simulated-provider.jsonl");
    let moved = refunds(&fs::read_to_string(&journal).unwrap().to_lowercase());

    let url = empty(&house, "back", true).await;
    let said = restore(&house, &url, &[&copy, "--until-position", &before]).await.fine();
    assert!(said.contains("asked again about 1 payment"), "{said}");
    let house = house.restart_on(&url).await;
    assert_eq!(count(&house, &view, "Payment.PaymentRefundRequested.v1").await, 1);
    all_effects_are_done(&house).await;
    assert_eq!(count(&house, &view, "Payment.PaymentRefunded.v1").await, 1);
    let status = status_at_provider(&house, &browser, payment).await;
    assert!(matches!(status, ProviderStatus::Refunded { .. }), "{status:?}");
    let journal = fs::read_to_string(&journal).unwrap().to_lowercase();
    assert_eq!((refunds(&journal), moved), (1, 1), "{journal}");
    house.tool(&["verify"]).await.fine();
}

async fn money_of_a_conference_that_is_gone_is_told(house: TestHouse) {
    owner(&house, 10).await;
    let at = house.clock.now();
    house.pass_seconds(1);
    let view = house.conference("later", &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&view, 1).await;
    house.paid(&browser, payment_id, total).await;
    all_effects_are_done(&house).await;
    let copy = back_up(&house, "copy").await;
    let url = empty(&house, "back", false).await;
    let said = restore(&house, &url, &[&copy, "--until", &instant(at)]).await.fine();
    let payment = format!("payment {payment_id} of order {}", browser.order_id);
    for words in ["later: did not exist yet; it is gone with 1 order", "Return by hand", &payment] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let said = tool_on(&url, 0, &["export"]).await.fine();
    assert!(said.contains(SLUG) && !said.contains("later"), "{said}");
}

/// A hole would be found, a command by half, a row too many or too few.
async fn wherever_a_history_is_cut_every_promise_holds(house: TestHouse) {
    busy(&house).await;
    all_effects_are_done(&house).await;
    let copy = back_up(&house, "copy").await;
    let id = house.ledgers.find(SLUG).await.unwrap();
    let head = house.store.head(id.0).await.unwrap().unwrap().head;
    for number in 0..RANDOM_CUTS {
        let position = 1 + fresh().as_u128() as u64 % head;
        let until = format!("{SLUG}:{position}");
        let url = empty(&house, &format!("cut-{number}"), number % 2 == 0).await;
        let said = restore(&house, &url, &[&copy, "--until-position", &until]).await;
        assert_eq!(said.code, 0, "at {position} of {head}: {said:?}");
        let lines = tool_on(&url, 0, &["export", SLUG]).await.fine().lines().count() as u64;
        assert!(0 < lines && lines <= position, "{lines} events are left at {position}");
        assert!(position - lines < 16, "{lines} events are left at {position}");
    }
}

/// Two servers' clocks differ: what was recorded later may say that it was earlier.
async fn a_clock_that_went_back_leaves_no_hole(house: TestHouse) {
    let view = house.conference("clocks", &[("General", 500, 10)]).await;
    let order = async |seconds: i64| {
        house.pass_seconds(seconds);
        let browser = Browser::new("clocks");
        house.accepted(&browser.register(&[(view.seat_types[0].id, 1)]), &browser.token).await;
        (browser.order_id.to_string(), house.clock.now())
    };
    let (first, _) = order(1).await;
    let (ahead, _) = order(20).await;
    let (behind, _) = order(-15).await;
    let until = instant(house.clock.now().plus_seconds(1));
    house.pass_seconds(60);
    let (copy, url) = (back_up(&house, "copy").await, empty(&house, "back", true).await);
    restore(&house, &url, &[&copy, "--until", &until]).await.fine();
    let left = tool_on(&url, 0, &["export"]).await.fine();
    assert!(left.contains(&first));
    assert!(!left.contains(&ahead) && !left.contains(&behind), "{left}");
}

async fn a_mail_that_waits_is_sent_and_one_that_is_cut_is_not(house: TestHouse) {
    let view = house.conference("mails", &[("General", 500, 10)]).await;
    // A file where the folder should be: no mail can be written.
    fs::write(&house.config.mail.dir, "in the way").unwrap();
    let (early, payment_id, total) = house.up_to_payment(&view, 1).await;
    house.paid(&early, payment_id, total).await;
    let at = house.clock.now();
    house.pass_seconds(1);
    let (late, payment_id, total) = house.up_to_payment(&view, 1).await;
    house.paid(&late, payment_id, total).await;
    let (copy, url) = (back_up(&house, "copy").await, empty(&house, "back", true).await);
    restore(&house, &url, &[&copy, "--until", &instant(at)]).await.fine();
    let waiting = tool_on(&url, 0, &["effects", "--all"]).await.fine();
    let confirmation = format!("MailConfirmation of order {}", early.order_id);
    assert!(waiting.contains(&confirmation), "{waiting}");
    assert_eq!(waiting.matches("MailConfirmation").count(), 1, "{waiting}");
    fs::remove_file(&house.config.mail.dir).unwrap();
    // The first server must not send it before it is gone; its leases are over then.
    let house = house.restart_on(&url).await;
    house.pass_seconds(900);
    all_effects_are_done(&house).await;
    let code = house.order(&early).await.access_code.to_string();
    let sent = mails(&house, "confirmation-");
    assert!(sent.len() == 1 && sent[0].contains(&code), "{sent:?}");
}

async fn what_cannot_be_meant_is_refused(house: TestHouse) {
    owner(&house, 10).await;
    house.conference("other", &[("General", 500, 10)]).await;
    let (now, copy) = (house.clock.now(), back_up(&house, "copy").await);
    let url = empty(&house, "back", true).await;
    let (early, late) = (instant(now.plus_seconds(-1)), instant(now.plus_seconds(86_400)));
    for (flag, value, words) in [
        ("--until", "yesterday", "is no instant; one looks like"),
        ("--until", "2027-01-15T12:00:00", "is no instant"),
        ("--until", &early, "nothing had happened yet: the first event is of 2027-01-15T12:00:00"),
        ("--until", &late, "it does not know what happened until"),
        ("--until-position", "other", "is no position; one looks like"),
        ("--until-position", "nowhere:3", "there is no conference nowhere"),
        ("--until-position", "other:0", "other has the positions 1 to"),
        ("--until-position", "other:99", "other has the positions 1 to"),
    ] {
        restore(&house, &url, &[&copy, flag, value]).await.wrong(&[words]);
    }
    // Saying what would be cut makes nothing, and needs no database.
    let until = ["--until-position", "other:1"];
    let dry = [&[copy.as_str(), "--dry-run"][..], &until].concat();
    let said = restore(&house, "sqlite:nowhere.db", &dry).await.fine();
    assert!(said.contains("other: ends at position 1 of ") && said.contains("Nothing was written"));
    assert!(!fs::exists("nowhere.db").unwrap());
    // Nothing happened later: everything is there.
    let said = restore(&house, &url, &[&copy, "--until", &instant(now)]).await.fine();
    assert!(said.contains("Nothing is cut"), "{said}");
    let words = ["nothing was restored", "not empty"];
    restore(&house, &url, &[&copy, "--until", &instant(now)]).await.wrong(&words);
    tool_on(&url, 0, &["verify", "--stopped"]).await.fine();
}
